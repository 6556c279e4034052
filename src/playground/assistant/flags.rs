//! The command line of `claude`, as far as a host may use it. Flags that a stand-in has no use for are accepted and
//! kept out of the way; a flag that the CLI does not know is refused, so that a host's typing error is seen.

use std::collections::BTreeMap;

use uuid::Uuid;

/// What the command line asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    values: BTreeMap<&'static str, Vec<String>>,
    /// The words that belong to no flag: the prompt, in pieces.
    pub prompt: Vec<String>,
}

/// How many values a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    None,
    One,
    /// One, if the next word is not a flag.
    Maybe,
    /// All words up to the next flag.
    Many,
}

/// Every flag of the CLI 2.1.197 with its short form: the list of `claude --help` and the hidden ones that hosts use.
const FLAGS: &[(&str, Option<&str>, Takes)] = &[
    ("--print", Some("-p"), Takes::None),
    ("--version", Some("-v"), Takes::None),
    ("--verbose", None, Takes::None),
    ("--include-partial-messages", None, Takes::None),
    ("--include-hook-events", None, Takes::None),
    ("--replay-user-messages", None, Takes::None),
    ("--fork-session", None, Takes::None),
    ("--continue", Some("-c"), Takes::None),
    ("--no-session-persistence", None, Takes::None),
    ("--dangerously-skip-permissions", None, Takes::None),
    ("--allow-dangerously-skip-permissions", None, Takes::None),
    ("--strict-mcp-config", None, Takes::None),
    ("--disable-slash-commands", None, Takes::None),
    ("--bare", None, Takes::None),
    ("--safe-mode", None, Takes::None),
    ("--prompt-suggestions", None, Takes::None),
    ("--output-format", None, Takes::One),
    ("--input-format", None, Takes::One),
    ("--session-id", None, Takes::One),
    ("--resume-session-at", None, Takes::One),
    ("--name", Some("-n"), Takes::One),
    ("--model", None, Takes::One),
    ("--fallback-model", None, Takes::One),
    ("--effort", None, Takes::One),
    ("--permission-mode", None, Takes::One),
    ("--permission-prompt-tool", None, Takes::One),
    ("--system-prompt", None, Takes::One),
    ("--append-system-prompt", None, Takes::One),
    ("--settings", None, Takes::One),
    ("--setting-sources", None, Takes::One),
    ("--max-turns", None, Takes::One),
    ("--max-budget-usd", None, Takes::One),
    ("--agents", None, Takes::One),
    ("--json-schema", None, Takes::One),
    ("--plugin-dir", None, Takes::One),
    ("--thinking", None, Takes::One),
    ("--max-thinking-tokens", None, Takes::One),
    ("--resume", Some("-r"), Takes::Maybe),
    ("--worktree", Some("-w"), Takes::Maybe),
    ("--allowedTools", None, Takes::Many),
    ("--disallowedTools", None, Takes::Many),
    ("--tools", None, Takes::Many),
    ("--add-dir", None, Takes::Many),
    ("--mcp-config", None, Takes::Many),
    ("--betas", None, Takes::Many),
    ("--file", None, Takes::Many),
];

const MODES: [&str; 6] = ["default", "acceptEdits", "auto", "bypassPermissions", "dontAsk", "plan"];

impl Flags {
    /// Reads the words after the program's name. The error is the line that the CLI prints on stderr.
    pub fn parse(words: &[String]) -> Result<Self, String> {
        let mut flags = Self::default();
        let mut words = words.iter().peekable();
        while let Some(word) = words.next() {
            if word == "--" {
                flags.prompt.extend(words.by_ref().cloned());
            } else if !word.starts_with('-') || word == "-" {
                flags.prompt.push(word.clone());
            } else {
                let (name, inline) = match word.split_once('=') {
                    Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                    _ => (word.as_str(), None),
                };
                let (name, takes) = known(name).ok_or_else(|| format!("error: unknown option '{name}'"))?;
                let values = flags.values.entry(name).or_default();
                match (takes, inline) {
                    (Takes::None, _) => {}
                    (_, Some(value)) => values.push(value),
                    (Takes::One, None) => {
                        let value = words.next();
                        values.push(value.ok_or_else(|| missing(name))?.clone());
                    }
                    (Takes::Maybe, None) => {
                        values.extend(words.next_if(|word| !word.starts_with('-')).cloned());
                    }
                    (Takes::Many, None) => {
                        while let Some(value) = words.next_if(|word| !word.starts_with('-')) {
                            values.push(value.clone());
                        }
                        if values.is_empty() {
                            return Err(missing(name));
                        }
                    }
                }
            }
        }
        Ok(flags)
    }

    /// Refuses what the CLI refuses at its start. The error is the line that it prints on stderr.
    pub fn check(&self) -> Result<(), String> {
        let stream_out = self.value("--output-format") == Some("stream-json");
        if self.has("--print") && stream_out && !self.has("--verbose") {
            return Err("Error: When using --print, --output-format=stream-json requires --verbose".into());
        }
        if self.stream_input() && !stream_out {
            return Err("Error: --input-format=stream-json requires output-format=stream-json.".into());
        }
        if let Some(mode) = self.value("--permission-mode")
            && !MODES.contains(&mode)
        {
            return Err(format!(
                "error: option '--permission-mode <mode>' argument '{mode}' is invalid. Allowed choices are {}.",
                MODES.join(", ")
            ));
        }
        if let Some(id) = self.value("--session-id") {
            if Uuid::parse_str(id).is_err() {
                return Err("Error: Invalid session ID. Must be a valid UUID.".into());
            }
            if (self.has("--resume") || self.has("--continue")) && !self.has("--fork-session") {
                return Err(
                    "Error: --session-id can only be used with --continue or --resume if --fork-session \
                            is also specified."
                        .into(),
                );
            }
        }
        if let Some(settings) = self.value("--settings")
            && settings.trim_start().starts_with('{')
            && serde_json::from_str::<serde_json::Value>(settings).is_err()
        {
            return Err("Error: Invalid JSON provided to --settings".into());
        }
        Ok(())
    }

    /// Whether a flag was given.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The last value of a flag.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.last().map(String::as_str)
    }

    /// Whether prompts come as JSON lines on stdin.
    pub fn stream_input(&self) -> bool {
        self.value("--input-format") == Some("stream-json")
    }

    /// The permission mode to start in.
    pub fn permission_mode(&self) -> &str {
        if self.has("--dangerously-skip-permissions") {
            "bypassPermissions"
        } else {
            self.value("--permission-mode").unwrap_or("default")
        }
    }

    /// Whether the mode `bypassPermissions` may be switched to.
    pub fn may_bypass(&self) -> bool {
        self.has("--allow-dangerously-skip-permissions") || self.permission_mode() == "bypassPermissions"
    }
}

fn known(word: &str) -> Option<(&'static str, Takes)> {
    FLAGS
        .iter()
        .find(|(long, short, _)| *long == word || *short == Some(word))
        .map(|(long, _, takes)| (*long, *takes))
}

fn missing(name: &str) -> String {
    format!("error: option '{name} <value>' argument missing")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Flags, String> {
        Flags::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn reads_the_flags_of_a_host() {
        let flags = parse(
            "-p --input-format stream-json --output-format=stream-json --verbose --allowedTools Read Bash(git:*) \
             --resume 8a539f2e-aa9c-4f6c-bb75-1ff3e79cd370 --model sonnet",
        )
        .unwrap();
        assert!(flags.stream_input() && flags.has("--print"));
        assert_eq!(flags.value("--model"), Some("sonnet"));
        assert_eq!(flags.value("--allowedTools"), Some("Bash(git:*)"));
        assert_eq!(flags.value("--resume"), Some("8a539f2e-aa9c-4f6c-bb75-1ff3e79cd370"));
        assert_eq!(flags.check(), Ok(()));
    }

    #[test]
    fn many_swallows_the_prompt_and_dashes_save_it() {
        assert_eq!(parse("-p --tools Read hello").unwrap().prompt, Vec::<String>::new());
        assert_eq!(parse("-p --tools Read -- hello").unwrap().prompt, ["hello"]);
    }

    #[test]
    fn refuses_what_the_cli_refuses() {
        assert!(parse("--no-such-flag").unwrap_err().contains("unknown option '--no-such-flag'"));
        assert!(parse("-p --model").unwrap_err().contains("argument missing"));
        for line in [
            "-p --output-format stream-json",
            "-p --input-format stream-json",
            "-p --permission-mode bogus",
            "-p --session-id nonsense",
            "-p --session-id 8a539f2e-aa9c-4f6c-bb75-1ff3e79cd370 --resume x",
            "-p --settings {broken",
        ] {
            assert!(parse(line).unwrap().check().is_err(), "{line}");
        }
    }
}

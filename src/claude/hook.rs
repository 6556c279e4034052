//! How the policy reaches the CLI: a `PreToolUse` hook in `--settings`, which runs this program for each use of a tool.
//!
//! A hook, and no daemon that answers: it holds while the daemon is away, in every mode, before every allow rule, and in
//! sub-agents. It is closed when it fails: whatever ends it without an answer, the shell around it exits with 2, and the
//! CLI refuses the tool. What is denied goes along as rules of the CLI's own, as a second line. What is allowed does not,
//! because the CLI reads commands in its own way and the rules here shall mean one thing; nor does what is asked, because
//! the CLI's own question does not say which rule wanted it.
//!
//! What the hook decides without a question has to be in the audit, and it has no daemon to tell. It says it on stderr, in
//! a line for us ([`Heard::note`]), and the CLI prints what its hooks said (`--include-hook-events`): so it is recorded
//! with everything else, and [`ruling`] reads it, now or after a restart.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::wire::system::{HookResponse, PermissionDenied};
use crate::domain::digest::digest;
use crate::domain::ruling::{RuledBy, Ruling};
use crate::policy::{By, Context, Decision, Rules, Verdict, catalogue, decide};

/// The hidden subcommand that is the hook. Stays as it is: a CLI that an older version started calls it as well.
pub const ARGUMENT: &str = "policy-hook";

/// Variables that keep hooks from running, or choose what they run in. A project's own settings may set variables as well,
/// and of several who set one the command line counts: so each has the operator's value, or none.
const SWITCHES: [&str; 4] =
    ["CLAUDE_CODE_SIMPLE", "CLAUDE_CODE_SAFE_MODE", "CLAUDE_CODE_SHELL_PREFIX", "CLAUDE_CODE_SHELL"];

/// How long the CLI waits for the hook, in seconds; it ends by itself long before.
const TIMEOUT_SECS: u32 = 600;

/// What hooks of this kind are called, by the CLI.
const EVENT: &str = "PreToolUse";
/// To the CLI this is a refusal (its documentation of hooks).
const REFUSED: i64 = 2;
/// Names and rules in the audit have this many characters at most: hooks of a project may say anything.
const CHARS_MAX: usize = 200;

/// The value of `--settings`. `program` is this program's own file, `env` what the operator sets for the CLI.
pub fn settings(program: &Path, rules: &Rules, env: &BTreeMap<String, String>) -> String {
    let given = serde_json::to_string(rules).expect("rules are texts");
    let command = format!("{} {ARGUMENT} {} || exit 2", quoted(&program.to_string_lossy()), quoted(&given));
    let hook = json!({ "type": "command", "command": command, "timeout": TIMEOUT_SECS });
    let env_of_hooks: BTreeMap<&str, &str> =
        SWITCHES.iter().map(|name| (*name, env.get(*name).map_or("", String::as_str))).collect();
    let settings = json!({
        // A project's own settings may not switch the hook off.
        "disableAllHooks": false,
        "env": env_of_hooks,
        "hooks": { "PreToolUse": [{ "hooks": [hook] }] },
        "permissions": { "deny": rules.deny },
    });
    settings.to_string()
}

/// What comes of a use of a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// What the CLI is told; `None`: nothing, the mode decides.
    pub answer: Option<String>,
    /// A line for whoever reads what the CLI prints, where nobody is asked.
    pub note: Option<String>,
}

/// A line of the hook's stderr.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    switchboard: Noted,
}

#[derive(Debug, Serialize, Deserialize)]
struct Noted {
    tool_use: String,
    tool: String,
    allowed: bool,
    rule: String,
    input: String,
}

/// What the hook says, given what the CLI writes to it. `real` follows links.
pub fn hear(
    input: &str,
    rules: &Rules,
    home: Option<&str>,
    real: impl Fn(&Path) -> Option<String>,
) -> Result<Heard, serde_json::Error> {
    let input: Value = serde_json::from_str(input)?;
    let text = |key: &str| input.get(key).and_then(Value::as_str).unwrap_or_default();
    let (tool, dir, used) = (text("tool_name"), text("cwd"), &input["tool_input"]);
    let named = ["file_path", "notebook_path", "path"];
    let file = named.into_iter().find_map(|key| used.get(key).and_then(Value::as_str));
    let real = file.and_then(|file| real(&Path::new(dir).join(file)));
    let decision = decide(rules, tool, used, Context { dir, home, real: real.as_deref() });
    let word = match decision.verdict {
        Verdict::Allow => "allow",
        Verdict::Ask => "ask",
        Verdict::Deny => "deny",
        Verdict::Mode => return Ok(Heard::default()),
    };
    let said = json!({ "hookSpecificOutput": {
        "hookEventName": EVENT,
        "permissionDecision": word,
        "permissionDecisionReason": reason(&decision),
    } });
    let note = match (&decision.by, decision.verdict) {
        (By::Rule(rule), Verdict::Allow | Verdict::Deny) => Some(serde_json::to_string(&Note {
            switchboard: Noted {
                tool_use: text("tool_use_id").to_owned(),
                tool: tool.to_owned(),
                allowed: decision.verdict == Verdict::Allow,
                rule: rule.to_string(),
                input: digest(&used.to_string()),
            },
        })?),
        // A card asks, and its answer is in the audit.
        (By::Rule(_) | By::Patterns(_) | By::Nothing, _) => None,
    };
    Ok(Heard { answer: Some(said.to_string()), note })
}

/// What a hook before a tool decided, as the CLI tells of it; none: nothing, or that somebody is to be asked.
pub(super) fn ruling(response: &HookResponse) -> Option<Ruling> {
    if response.hook_event != EVENT {
        return None;
    }
    let noted = response.stderr.lines().find_map(|line| serde_json::from_str::<Note>(line).ok());
    if let Some(Note { switchboard: noted }) = noted.filter(|_| response.exit_code == Some(0)) {
        return Some(Ruling {
            of: short(if noted.tool_use.is_empty() { &response.uuid } else { &noted.tool_use }),
            tool: short(&noted.tool),
            allowed: noted.allowed,
            by: RuledBy::Rule { rule: short(&noted.rule), input: short(&noted.input) },
        });
    }
    let tool = response.hook_name.strip_prefix(EVENT).and_then(|rest| rest.strip_prefix(':'));
    let ruling = |allowed, by| {
        let (of, tool) = (short(&response.uuid), short(tool.unwrap_or(&response.hook_name)));
        Some(Ruling { of, tool, allowed, by })
    };
    if response.exit_code == Some(REFUSED) {
        return ruling(false, RuledBy::Failure);
    }
    let said: Value = serde_json::from_str(&response.stdout).unwrap_or_default();
    match said["hookSpecificOutput"]["permissionDecision"].as_str() {
        Some("allow") => ruling(true, RuledBy::OtherHook),
        Some("deny") => ruling(false, RuledBy::OtherHook),
        Some(_) | None => None,
    }
}

/// What the CLI refused by itself; none: it repeats what a hook said.
pub(super) fn refusal(denied: &PermissionDenied) -> Option<Ruling> {
    let why = denied.reason_kind.as_deref().unwrap_or("no reason given");
    (why != "hook").then(|| Ruling {
        of: short(&denied.tool_use),
        tool: short(&denied.tool_name),
        allowed: false,
        by: RuledBy::Cli { why: short(why) },
    })
}

fn short(text: &str) -> String {
    text.chars().take(CHARS_MAX).collect()
}

/// Why, for whoever has to decide, and for Claude.
pub fn reason(decision: &Decision) -> String {
    match (&decision.by, decision.verdict) {
        (By::Patterns(patterns), _) => {
            // The names first: where this is cut, they are there.
            let whys: Vec<_> = patterns.iter().map(|pattern| format!("it {}", pattern.why)).collect();
            let names = catalogue::names(patterns);
            format!("⚠️ {names}: {}; this is asked whatever the mode", whys.join("; "))
        }
        (By::Rule(rule), Verdict::Deny) => {
            format!(
                "A rule of this project denies it: {rule}. Do not try another way to do the same; say what you wanted to do and why."
            )
        }
        (By::Rule(rule), Verdict::Ask) => format!("asked because of the rule {rule}, whatever the mode"),
        (By::Rule(rule), Verdict::Allow | Verdict::Mode) => {
            format!("A rule of this project allows it: {rule}")
        }
        (By::Nothing, _) => "No rule names it: the permission mode decides".to_owned(),
    }
}

/// One word for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_gets_the_program_and_the_rules_whole() {
        let rules = Rules { deny: vec!["Bash(echo 'a b':*)".parse().expect("a rule")], ..Rules::default() };
        let env = BTreeMap::from([("CLAUDE_CODE_SHELL_PREFIX".to_owned(), "/usr/bin/jail".to_owned())]);
        let settings = settings(Path::new("/o'p/sw b"), &rules, &env);
        let settings: Value = serde_json::from_str(&settings).expect("JSON");
        let command = settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"].as_str().expect("a command");
        let script = crate::policy::shell::read(command);
        assert!(script.sound, "{command}");
        assert_eq!(script.parts[0].words[0].text, r"/o'p/sw b");
        let given: Rules = serde_json::from_str(&script.parts[0].words[2].text).expect("rules");
        assert_eq!(given, rules);
        assert_eq!(settings["disableAllHooks"], false);
        assert_eq!(settings["env"]["CLAUDE_CODE_SIMPLE"], "");
        assert_eq!(settings["env"]["CLAUDE_CODE_SHELL_PREFIX"], "/usr/bin/jail");
    }

    fn using(command: &str) -> String {
        json!({ "tool_name": "Bash", "cwd": "/srv/p", "tool_use_id": "toolu_1", "tool_input": { "command": command } })
            .to_string()
    }

    fn rules() -> Rules {
        let rule = |text: &str| vec![text.parse().expect("a rule")];
        Rules { allow: rule("Bash(ls:*)"), ask: rule("Bash(git:*)"), deny: rule("Bash(npm:*)") }
    }

    #[test]
    fn each_verdict_has_its_word_and_the_mode_none() {
        for (command, word) in [
            ("ls", "\"allow\""),
            ("git log", "\"ask\""),
            ("npm i", "\"deny\""),
            ("rm -rf /", "delete-everything"),
        ] {
            let heard = hear(&using(command), &rules(), None, |_| None).expect("JSON");
            let said = heard.answer.expect("an answer");
            assert!(said.contains(word), "{command}: {said}");
        }
        assert_eq!(hear(&using("make"), &rules(), None, |_| None).expect("JSON"), Heard::default());
        assert!(hear("{", &rules(), None, |_| None).is_err());
    }

    #[test]
    fn each_catastrophe_of_a_command_is_named() {
        let heard = hear(&using("git push --force; rm -rf /"), &rules(), None, |_| None).expect("JSON");
        let said = heard.answer.expect("an answer");
        for part in ["delete-everything, force-push: it deletes", "; it replaces"] {
            assert!(said.contains(part), "{said}");
        }
    }

    /// What the CLI tells of a hook that said this.
    fn told(heard: &Heard) -> HookResponse {
        HookResponse {
            uuid: "line".to_owned(),
            hook_name: "PreToolUse:Bash".to_owned(),
            hook_event: "PreToolUse".to_owned(),
            stdout: heard.answer.clone().unwrap_or_default(),
            stderr: heard.note.as_ref().map(|note| format!("{note}\n")).unwrap_or_default(),
            exit_code: Some(0),
        }
    }

    #[test]
    fn what_a_rule_decides_is_read_again_and_what_is_asked_is_not() {
        for (command, decided) in [
            ("ls -l", Some((true, "Bash(ls:*)"))),
            ("npm i", Some((false, "Bash(npm:*)"))),
            ("git log", None),
            ("rm -rf /", None),
            ("make", None),
        ] {
            let heard = hear(&using(command), &rules(), None, |_| None).expect("JSON");
            let ruling = ruling(&told(&heard));
            let expected = decided.map(|(allowed, rule)| Ruling {
                of: "toolu_1".to_owned(),
                tool: "Bash".to_owned(),
                allowed,
                by: RuledBy::Rule {
                    rule: rule.to_owned(),
                    input: digest(&json!({ "command": command }).to_string()),
                },
            });
            assert_eq!(ruling, expected, "{command}");
        }
    }

    #[test]
    fn what_other_hooks_decide_is_told_apart() {
        let by = |response: HookResponse| ruling(&response).map(|ruling| (ruling.allowed, ruling.by));
        let heard = hear(&using("npm i"), &rules(), None, |_| None).expect("JSON");
        let ours = told(&heard);
        // Without our note it is somebody else's word.
        let other = HookResponse { stderr: "a warning\n".to_owned(), ..ours.clone() };
        assert_eq!(by(other.clone()), Some((false, RuledBy::OtherHook)));
        let failed = HookResponse { exit_code: Some(2), stdout: String::new(), ..ours.clone() };
        assert_eq!(by(failed), Some((false, RuledBy::Failure)));
        assert_eq!(by(HookResponse { hook_event: "PostToolUse".to_owned(), ..ours }), None);
        assert_eq!(by(HookResponse { stdout: "pre\n".to_owned(), ..other }), None);
    }

    #[test]
    fn what_the_cli_refuses_by_itself_is_not_what_a_hook_said() {
        let denied = |why: &str| PermissionDenied {
            tool_name: "Bash".to_owned(),
            message: String::new(),
            tool_use: "toolu_1".to_owned(),
            reason_kind: Some(why.to_owned()),
        };
        let refused = refusal(&denied("mode")).expect("a refusal");
        assert_eq!((refused.allowed, refused.by), (false, RuledBy::Cli { why: "mode".to_owned() }));
        assert_eq!(refusal(&denied("hook")), None);
    }
}

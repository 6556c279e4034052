//! How the policy reaches the CLI: a `PreToolUse` hook in `--settings`, which runs this program for each use of a tool.
//!
//! A hook, and no daemon that answers: it holds while the daemon is away, in every mode, before every allow rule, and in
//! sub-agents. It is closed when it fails: whatever ends it without an answer, the shell around it exits with 2, and the
//! CLI refuses the tool. What is denied goes along as rules of the CLI's own, as a second line. What is allowed does not,
//! because the CLI reads commands in its own way and the rules here shall mean one thing; nor does what is asked, because
//! the CLI's own question does not say which rule wanted it.

use std::path::Path;

use serde_json::{Value, json};

use crate::policy::{By, Context, Decision, Rules, Verdict, decide};

/// The hidden subcommand that is the hook. Stays as it is: a CLI that an older version started calls it as well.
pub const ARGUMENT: &str = "policy-hook";

/// How long the CLI waits for the hook, in seconds; it ends by itself long before.
const TIMEOUT_SECS: u32 = 600;

/// The value of `--settings`. `program` is this program's own file.
pub fn settings(program: &Path, rules: &Rules) -> String {
    let given = serde_json::to_string(rules).expect("rules are texts");
    let command = format!("{} {ARGUMENT} {} || exit 2", quoted(&program.to_string_lossy()), quoted(&given));
    let hook = json!({ "type": "command", "command": command, "timeout": TIMEOUT_SECS });
    let settings = json!({
        // A project's own settings may not switch the hook off.
        "disableAllHooks": false,
        "hooks": { "PreToolUse": [{ "hooks": [hook] }] },
        "permissions": { "deny": rules.deny },
    });
    settings.to_string()
}

/// What the hook says, given what the CLI writes to it; `None`: nothing, the mode decides. `real` follows links.
pub fn answer(
    input: &str,
    rules: &Rules,
    home: Option<&str>,
    real: impl Fn(&Path) -> Option<String>,
) -> Result<Option<String>, serde_json::Error> {
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
        Verdict::Mode => return Ok(None),
    };
    let said = json!({ "hookSpecificOutput": {
        "hookEventName": "PreToolUse",
        "permissionDecision": word,
        "permissionDecisionReason": reason(&decision),
    } });
    Ok(Some(said.to_string()))
}

/// Why, for whoever has to decide, and for Claude.
pub fn reason(decision: &Decision) -> String {
    match (&decision.by, decision.verdict) {
        (By::Pattern(pattern), _) => {
            format!("⚠️ {}: it {}; this is asked whatever the mode", pattern.name, pattern.why)
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
        let settings: Value = serde_json::from_str(&settings(Path::new("/o'p/sw b"), &rules)).expect("JSON");
        let command = settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"].as_str().expect("a command");
        let script = crate::policy::shell::read(command);
        assert!(script.sound, "{command}");
        assert_eq!(script.parts[0].words[0].text, r"/o'p/sw b");
        let given: Rules = serde_json::from_str(&script.parts[0].words[2].text).expect("rules");
        assert_eq!(given, rules);
        assert_eq!(settings["disableAllHooks"], false);
    }

    #[test]
    fn each_verdict_has_its_word_and_the_mode_none() {
        let rule = |text: &str| vec![text.parse().expect("a rule")];
        let rules = Rules { allow: rule("Bash(ls:*)"), ask: rule("Bash(git:*)"), deny: rule("Bash(npm:*)") };
        for (command, word) in [
            ("ls", "\"allow\""),
            ("git log", "\"ask\""),
            ("npm i", "\"deny\""),
            ("rm -rf /", "delete-everything"),
        ] {
            let input = json!({ "tool_name": "Bash", "cwd": "/srv/p", "tool_input": { "command": command } });
            let said = answer(&input.to_string(), &rules, None, |_| None).expect("JSON").expect("an answer");
            assert!(said.contains(word), "{command}: {said}");
        }
        let input = json!({ "tool_name": "Bash", "cwd": "/srv/p", "tool_input": { "command": "make" } });
        assert_eq!(answer(&input.to_string(), &rules, None, |_| None).expect("JSON"), None);
        assert!(answer("{", &rules, None, |_| None).is_err());
    }
}

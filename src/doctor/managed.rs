//! What whoever administers this host prescribes to Claude Code: it goes before everything that the bot says, and may
//! switch off the hook that the policy is.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Finding, bad, doubtful, good};

/// Where the CLI looks on Linux.
pub(super) const DIR: &str = "/etc/claude-code";

/// Keys that keep hooks of the command line from running.
const SWITCHES: [&str; 2] = ["disableAllHooks", "allowManagedHooksOnly"];

pub(super) fn settings(dir: &Path) -> Vec<Finding> {
    const WHAT: &str = "managed settings of Claude Code";
    let mut findings = Vec::new();
    for file in files(dir) {
        let shown = file.display();
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) => {
                findings.push(doubtful(
                    WHAT,
                    format!("{shown} cannot be read ({error}); see that it leaves hooks on"),
                ));
                continue;
            }
        };
        let Ok(said) = serde_json::from_str::<Value>(&text) else {
            findings.push(doubtful(
                WHAT,
                format!("{shown} is no JSON; what Claude Code makes of it is not known"),
            ));
            continue;
        };
        for key in SWITCHES.into_iter().filter(|key| said[*key] == Value::Bool(true)) {
            findings.push(bad(
                WHAT,
                format!(
                    "{key} in {shown} switches off the hook that asks before a catastrophe and denies what your rules deny: \
                     remove it, or ask whoever administers this host"
                ),
            ));
        }
    }
    if findings.is_empty() {
        findings.push(good(WHAT, "none that switches hooks off"));
    }
    findings
}

/// `managed-settings.json`, and what lies beside it in pieces.
fn files(dir: &Path) -> Vec<PathBuf> {
    let whole = dir.join("managed-settings.json");
    let pieces = std::fs::read_dir(dir.join("managed-settings.d")).into_iter().flatten().flatten();
    let pieces = pieces.map(|entry| entry.path());
    let mut files: Vec<_> =
        pieces.filter(|file| file.extension().is_some_and(|extension| extension == "json")).collect();
    files.sort();
    files.extend(whole.exists().then_some(whole));
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn what_switches_hooks_off_is_found_in_every_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("a file");
        let bad = || {
            let found = settings(dir.path()).into_iter();
            let bad = found.filter(|finding| matches!(finding.state, State::Bad(_)));
            bad.map(|finding| finding.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(
            settings(dir.path()),
            [good("managed settings of Claude Code", "none that switches hooks off")]
        );
        write("managed-settings.json", r#"{ "disableAllHooks": false, "permissions": {} }"#);
        assert_eq!(bad(), [] as [String; 0]);
        write("managed-settings.json", r#"{ "allowManagedHooksOnly": true }"#);
        std::fs::create_dir(dir.path().join("managed-settings.d")).expect("a directory");
        write("managed-settings.d/10-all.json", r#"{ "disableAllHooks": true }"#);
        write("managed-settings.d/README", "disableAllHooks");
        let found = bad();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("disableAllHooks in") && found[0].contains("10-all.json"), "{found:?}");
        assert!(found[1].contains("allowManagedHooksOnly"), "{found:?}");
        write("managed-settings.json", "{");
        assert!(settings(dir.path()).iter().any(|finding| matches!(finding.state, State::Doubtful(_))));
    }
}

//! The hooks that run before a tool, as the CLI runs them: those of `--settings`, each through a shell, in every mode. What
//! they say goes before the mode and before the host.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use uuid::Uuid;

use super::Turn;

const EVENT: &str = "PreToolUse";
/// Where a project says what is to be so in it.
const PROJECT_SETTINGS: [&str; 2] = [".claude/settings.local.json", ".claude/settings.json"];

/// What the hooks say of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hooked {
    /// Nothing: whatever would be without them.
    Nothing,
    /// It runs, and nobody is asked.
    Allow,
    /// The host is asked, for this reason.
    Ask(String),
    /// It does not run, for this reason.
    Deny(String),
}

impl Turn<'_> {
    /// Runs the hooks for the use of a tool. Of several the strictest counts.
    pub fn before_tool(&mut self, tool_use: &str, name: &str, input: &Value) -> Hooked {
        let facts = self.speaker.facts();
        let settings =
            self.flags.value("--settings").and_then(|text| serde_json::from_str::<Value>(text).ok());
        let settings = settings.unwrap_or_default();
        if are_disabled(&settings, Path::new(&facts.dir)) {
            return Hooked::Nothing;
        }
        let told = json!({
            "session_id": facts.session, "transcript_path": "", "cwd": facts.dir, "hook_event_name": EVENT,
            "permission_mode": facts.permission_mode, "tool_name": name, "tool_input": input,
            "tool_use_id": tool_use,
        });
        let all = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let groups = all(&settings["hooks"][EVENT]);
        let meant = groups.iter().filter(|group| is_meant(&group["matcher"], name));
        let mut hooked = Hooked::Nothing;
        for hook in meant.flat_map(|group| all(&group["hooks"])) {
            let Some(command) = hook["command"].as_str() else { continue };
            let said = self.run_hook(command, name, &told.to_string());
            if rank(&said) > rank(&hooked) {
                hooked = said;
            }
        }
        if matches!(hooked, Hooked::Deny(_)) {
            self.deny(tool_use, name, input);
        }
        hooked
    }

    fn run_hook(&self, command: &str, tool: &str, told: &str) -> Hooked {
        let shown = self.flags.has("--include-hook-events");
        let hook =
            json!({ "hook_id": Uuid::new_v4(), "hook_name": format!("{EVENT}:{tool}"), "hook_event": EVENT });
        if shown {
            self.speaker.system("hook_started", hook.clone());
        }
        // A shell that cannot be run is a hook that fails without a word, and those stop nothing.
        let Ok(output) = through_a_shell(command, told) else { return Hooked::Nothing };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr, code) = (text(&output.stdout), text(&output.stderr), output.status.code());
        if shown {
            let mut ended = hook;
            for (key, value) in [
                ("output", json!(format!("{stdout}{stderr}"))),
                ("stdout", json!(stdout)),
                ("stderr", json!(stderr)),
                ("exit_code", json!(code)),
                ("outcome", json!(if code == Some(0) { "success" } else { "error" })),
            ] {
                ended[key] = value;
            }
            self.speaker.system("hook_response", ended);
        }
        match code {
            Some(0) => decision(&stdout),
            Some(2) => Hooked::Deny(format!("{EVENT}:{tool} hook error: [{command}]: {stderr}")),
            _ => Hooked::Nothing,
        }
    }
}

/// What the settings of the command line do not say, those of the project do.
fn are_disabled(settings: &Value, dir: &Path) -> bool {
    let of_file = |file: &str| {
        let text = std::fs::read_to_string(dir.join(file)).ok()?;
        serde_json::from_str::<Value>(&text).ok()?["disableAllHooks"].as_bool()
    };
    let said = settings["disableAllHooks"].as_bool();
    said.or_else(|| PROJECT_SETTINGS.into_iter().find_map(of_file)).unwrap_or_default()
}

fn is_meant(matcher: &Value, name: &str) -> bool {
    matcher.as_str().is_none_or(|matcher| ["", "*", name].contains(&matcher))
}

fn through_a_shell(command: &str, told: &str) -> std::io::Result<Output> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut shell = shell.spawn()?;
    if let Some(mut stdin) = shell.stdin.take() {
        // It may have ended without reading.
        let _ = stdin.write_all(told.as_bytes());
    }
    shell.wait_with_output()
}

fn decision(stdout: &str) -> Hooked {
    let said: Value = serde_json::from_str(stdout).unwrap_or_default();
    let said = &said["hookSpecificOutput"];
    let reason = said["permissionDecisionReason"].as_str().unwrap_or_default().to_owned();
    match said["permissionDecision"].as_str() {
        Some("allow") => Hooked::Allow,
        Some("ask") => Hooked::Ask(reason),
        Some("deny") => Hooked::Deny(reason),
        _ => Hooked::Nothing,
    }
}

fn rank(hooked: &Hooked) -> u8 {
    match hooked {
        Hooked::Nothing => 0,
        Hooked::Allow => 1,
        Hooked::Ask(_) => 2,
        Hooked::Deny(_) => 3,
    }
}

//! `[claude]`: how to run the CLI. What becomes of it is in `claude/launch.rs`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use super::problem::Problems;
use super::secret::masked;

/// Variables that make the CLI pass over its settings, its hooks, or the shell that they run in: the policy is one of those
/// hooks (`claude/hook.rs`).
const SWITCHES_OFF: &[&str] = &["CLAUDE_CODE_SIMPLE", "CLAUDE_CODE_SAFE_MODE"];

/// Beginnings of names that never reach the CLI's environment from ours: the daemon's own secrets and its ties to systemd,
/// and what another Claude Code around the daemon would say of itself (FEATURES appendix A).
const NEVER_INHERITED: &[&str] = &[
    "DISCORD_TOKEN",
    "SWITCHBOARD_",
    "CLAUDECODE",
    "CLAUDE_CODE_",
    "NOTIFY_SOCKET",
    "CREDENTIALS_DIRECTORY",
];

/// The one such name that may be listed, because it is a credential for the CLI and says nothing of a session.
const CLI_TOKEN: &str = "CLAUDE_CODE_OAUTH_TOKEN";

/// Whether the CLI may inherit a variable of this name from the daemon.
pub fn may_be_inherited(name: &str) -> bool {
    name == CLI_TOKEN || !NEVER_INHERITED.iter().any(|never| name.starts_with(never))
}

/// How to run the CLI, where the project says nothing of its own.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub struct ClaudeConfig {
    /// The CLI: a name to find in `PATH`, or an absolute path. Default: `claude`.
    pub command: String,
    /// Arguments appended to every launch. Default: none.
    pub args: Vec<String>,
    /// Names of the variables that the CLI inherits from the daemon; nothing else passes. Default: what a program
    /// needs to find its home, its language and the agent of ssh.
    pub inherit_env: Vec<String>,
    /// The model. Default: the CLI's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The permission mode. Default: `default`.
    pub permission_mode: PermissionMode,
    /// Whether admins may choose `bypassPermissions` with `/mode`: Claude does everything without asking. Default: no.
    pub allow_bypass: bool,
    /// A process with nothing to do is closed after this many seconds; 0: one process per turn. Default: 600.
    pub warm_idle_secs: u64,
    /// Whether the process of a conversation that goes on is started when somebody who may ask there begins to type, or
    /// fills in a command. It costs no money; where nobody asks then, it is closed after two minutes. Default: yes.
    pub prestart: bool,
    /// The CLI's slash commands that people may use in a prompt, without the slash; `*`: all that the CLI lists.
    /// Default: `compact`, `context`, `usage`.
    pub slash_commands: Vec<String>,
    /// Added to the CLI's environment. Default: nothing.
    pub env: EnvTable,
}

/// Variables for the CLI's environment. Secret values show as `***` in `Debug` and when serialized.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct EnvTable(pub BTreeMap<String, String>);

impl EnvTable {
    fn masked(&self) -> BTreeMap<&str, String> {
        self.0.iter().map(|(name, value)| (name.as_str(), masked(name, value))).collect()
    }
}

impl fmt::Debug for EnvTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.masked().fmt(f)
    }
}

impl Serialize for EnvTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.masked().serialize(serializer)
    }
}

/// What the CLI may do without asking: the values of its `--permission-mode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PermissionMode {
    /// Asks before everything that is not read-only or allowed by a rule.
    #[default]
    Default,
    /// Edits files without asking.
    AcceptEdits,
    /// Only makes plans.
    Plan,
    /// The CLI's own judgement decides what needs asking.
    Auto,
    /// Refuses what would need asking.
    DontAsk,
    /// Does everything without asking. The CLI refuses it to root.
    BypassPermissions,
}

impl PermissionMode {
    /// All of them.
    pub const ALL: [PermissionMode; 6] = [
        PermissionMode::Default,
        PermissionMode::AcceptEdits,
        PermissionMode::Plan,
        PermissionMode::Auto,
        PermissionMode::DontAsk,
        PermissionMode::BypassPermissions,
    ];

    /// The mode of this word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == word)
    }

    /// The word that the CLI knows.
    pub fn as_str(self) -> &'static str {
        match self {
            PermissionMode::Default => "default",
            PermissionMode::AcceptEdits => "acceptEdits",
            PermissionMode::Plan => "plan",
            PermissionMode::Auto => "auto",
            PermissionMode::DontAsk => "dontAsk",
            PermissionMode::BypassPermissions => "bypassPermissions",
        }
    }
}

impl fmt::Display for PermissionMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Default for ClaudeConfig {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Self {
            command: "claude".to_owned(),
            args: Vec::new(),
            inherit_env: words(&[
                "PATH",
                "HOME",
                "USER",
                "LANG",
                "LC_ALL",
                "TZ",
                "TERM",
                "SHELL",
                "XDG_CONFIG_HOME",
                "SSH_AUTH_SOCK",
                "CLAUDE_CONFIG_DIR",
                "ANTHROPIC_API_KEY",
                "ANTHROPIC_AUTH_TOKEN",
                "ANTHROPIC_BASE_URL",
                "CLAUDE_CODE_OAUTH_TOKEN",
                "HTTP_PROXY",
                "HTTPS_PROXY",
                "NO_PROXY",
                "SSL_CERT_FILE",
                "NODE_EXTRA_CA_CERTS",
            ]),
            model: None,
            permission_mode: PermissionMode::Default,
            allow_bypass: false,
            warm_idle_secs: 600,
            prestart: true,
            slash_commands: words(&["compact", "context", "usage"]),
            env: EnvTable::default(),
        }
    }
}

impl ClaudeConfig {
    pub(super) fn validate(&self, problems: &mut Problems) {
        if self.command.trim().is_empty() {
            problems.add("claude.command", "the command is empty; write \"claude\" or an absolute path");
        } else if self.command.contains('/') && !self.command.starts_with('/') {
            // A relative path would be looked up in the project's directory, where anybody may have put a file.
            problems.add("claude.command", "a path must be absolute; a bare name is looked up in PATH");
        }
        for arg in &self.args {
            let flag = arg.split('=').next().unwrap_or(arg);
            if ["--settings", "--bare", "--safe-mode"].contains(&flag) {
                let message = format!(
                    "{flag} would switch off what asks before a catastrophe; write settings into the CLI's own settings.json, rules into [policy]"
                );
                problems.add("claude.args", message);
            }
        }
        let listed = self.inherit_env.iter().map(|name| (name, "claude.inherit_env".to_owned()));
        let set = self.env.0.keys().map(|name| (name, format!("claude.env.{name}")));
        for (name, key) in listed.chain(set) {
            if SWITCHES_OFF.contains(&name.as_str()) {
                let message = format!(
                    "{name} would switch off what asks before a catastrophe and what your rules deny; remove it"
                );
                problems.add(key, message);
            }
        }
        check_model(self.model.as_deref(), "claude.model", problems);
        check_slash_commands(&self.slash_commands, "claude.slash_commands", problems);
        for name in &self.inherit_env {
            check_name(name, "claude.inherit_env", problems);
            if !may_be_inherited(name) && !is_ours(name) && !SWITCHES_OFF.contains(&name.as_str()) {
                let message = format!("{name} is never inherited; remove it, or set it in [claude.env]");
                problems.add("claude.inherit_env", message);
            }
        }
        for name in self.env.0.keys() {
            check_name(name, &format!("claude.env.{name}"), problems);
        }
    }
}

pub(super) fn check_model(model: Option<&str>, key: &str, problems: &mut Problems) {
    if model.is_some_and(|model| {
        model.is_empty() || model.starts_with('-') || model.contains(char::is_whitespace)
    }) {
        problems
            .add(key, "a model is one word such as \"sonnet\"; remove the line for the CLI's own default");
    }
}

pub(super) fn check_slash_commands(commands: &[String], key: &str, problems: &mut Problems) {
    for command in commands {
        if let Some(name) = command.strip_prefix('/') {
            problems.add(key, format!("write {name:?} without the slash"));
        } else if command.is_empty() || command.contains(char::is_whitespace) {
            problems.add(
                key,
                format!("{command:?} is no command; write one word, such as \"compact\", or \"*\""),
            );
        }
    }
}

fn check_name(name: &str, key: &str, problems: &mut Problems) {
    if name.is_empty() || name.contains(['=', '\0']) {
        problems.add(key, format!("{name:?} is no name of an environment variable"));
    } else if is_ours(name) {
        problems.add(key, format!("{name} belongs to the daemon and must not reach the CLI; remove it"));
    }
}

fn is_ours(name: &str) -> bool {
    name == "DISCORD_TOKEN" || name.starts_with("SWITCHBOARD_")
}

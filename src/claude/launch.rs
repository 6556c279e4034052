//! Settings → command line, environment and directory of the CLI. Pure; and nothing that a person said in a channel ever
//! becomes an argument: prompts go in as lines.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::PermissionMode;
use crate::domain::effort::Effort;
use crate::domain::ids::SessionId;
use crate::policy::Rules;

use super::hook;
use super::tuning::Tuning;
use crate::runner::{Launch, STOP_GRACE_MS};

/// A line longer than this is not kept. The longest real ones, pictures in tool results, are about 1 MB (RELIABILITY F9).
pub const LINE_BYTES_MAX: usize = 16 << 20;

/// What every launch has. A process that was started without one of these is not what we expect.
pub const FLAGS: [&str; 8] = [
    "-p",
    "--input-format=stream-json",
    "--output-format=stream-json",
    // stream-json output needs it.
    "--verbose",
    "--include-partial-messages",
    // Questions come as control requests, and AskUserQuestion and plans exist at all.
    "--permission-prompt-tool=stdio",
    // Tells what the policy decided, which is a hook.
    "--include-hook-events",
    // Tells which turn consumed a prompt.
    "--replay-user-messages",
];

/// What is configured for a launch; all of it comes from the operator.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// The program: a path, or a name to find in the child's `PATH`.
    pub command: String,
    /// Arguments to append.
    pub args: Vec<String>,
    /// The model, or the CLI's default. Given at each launch: a resumed session loses it otherwise (README §9).
    pub model: Option<String>,
    /// The permission mode. Given at each launch, for the same reason.
    pub permission_mode: PermissionMode,
    /// The effort, or the model's own default.
    pub effort: Option<Effort>,
    /// Rules for tools that need no question (`Bash(git:*)`).
    pub allowed_tools: Vec<String>,
    /// Rules for tools that are refused.
    pub disallowed_tools: Vec<String>,
    /// What is allowed, asked and denied whatever the mode.
    pub rules: Rules,
    /// This program's own file, which the CLI runs to hear what the policy says of a tool; none: it hears nothing.
    pub policy_program: Option<PathBuf>,
    /// Directories besides the project that tools may read and write without a question.
    pub add_dirs: Vec<PathBuf>,
    /// The project's directory, absolute.
    pub dir: PathBuf,
    /// Variables to set, whatever is inherited.
    pub env: BTreeMap<String, String>,
    /// Names of variables to inherit.
    pub inherit_env: Vec<String>,
    /// A shim without a daemon stops its CLI after this many seconds.
    pub orphan_secs_max: u64,
    /// The spool may grow to this many bytes.
    pub spool_bytes_max: u64,
}

impl Settings {
    /// What of it can be changed while the process runs.
    pub fn tuning(&self) -> Tuning {
        Tuning { model: self.model.clone(), mode: self.permission_mode, effort: self.effort }
    }

    /// The same without that: settings that differ here need another process.
    #[must_use]
    pub fn fixed(&self) -> Self {
        let bypass = self.permission_mode == PermissionMode::BypassPermissions;
        let permission_mode = if bypass { self.permission_mode } else { PermissionMode::default() };
        Self { model: None, permission_mode, effort: None, ..self.clone() }
    }
}

/// Which history the process continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// A new one, with this id.
    New(SessionId),
    /// This one.
    Resume(SessionId),
}

/// The launch for these settings. `ours` is the daemon's own environment.
pub fn launch(
    settings: &Settings,
    session: Session,
    ours: impl IntoIterator<Item = (String, String)>,
) -> Launch {
    Launch {
        program: settings.command.clone(),
        args: args(settings, session),
        env: env(settings, ours),
        dir: settings.dir.clone(),
        line_bytes_max: LINE_BYTES_MAX,
        orphan_secs_max: settings.orphan_secs_max,
        spool_bytes_max: settings.spool_bytes_max,
        stop_grace_ms: STOP_GRACE_MS,
        control_group: true,
    }
}

fn args(settings: &Settings, session: Session) -> Vec<String> {
    let mut args: Vec<String> = FLAGS.map(str::to_owned).into();
    args.push(match session {
        Session::New(id) => format!("--session-id={id}"),
        Session::Resume(id) => format!("--resume={id}"),
    });
    args.extend(settings.model.iter().map(|model| format!("--model={model}")));
    args.push(format!("--permission-mode={}", settings.permission_mode));
    // One flag for each value: these flags are variadic, and swallow whatever follows them without a `=`.
    args.extend(settings.allowed_tools.iter().map(|rule| format!("--allowedTools={rule}")));
    args.extend(settings.disallowed_tools.iter().map(|rule| format!("--disallowedTools={rule}")));
    args.extend(settings.add_dirs.iter().map(|dir| format!("--add-dir={}", dir.display())));
    args.extend(settings.args.iter().cloned());
    // Of several `--settings` the last counts.
    args.extend(
        settings
            .policy_program
            .as_ref()
            .map(|program| format!("--settings={}", hook::settings(program, &settings.rules, &settings.env))),
    );
    // After what the operator appends: what people chose counts, and of two the CLI takes the last.
    args.extend(settings.effort.iter().map(|effort| format!("--effort={effort}")));
    args
}

/// The child's whole environment.
pub fn env(
    settings: &Settings,
    ours: impl IntoIterator<Item = (String, String)>,
) -> BTreeMap<String, String> {
    let inherited = ours.into_iter().filter(|(name, _)| {
        crate::config::may_be_inherited(name) && settings.inherit_env.iter().any(|wanted| wanted == name)
    });
    let mut env: BTreeMap<String, String> = inherited.collect();
    // An update would replace the program under a running process (RELIABILITY F28).
    env.insert("DISABLE_AUTOUPDATER".to_owned(), "1".to_owned());
    env.extend(settings.env.iter().map(|(name, value)| (name.clone(), value.clone())));
    env
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const SESSION: SessionId = SessionId(Uuid::from_u128(7));

    fn settings() -> Settings {
        Settings {
            command: "claude".into(),
            args: vec!["--effort=low".into()],
            model: Some("opus[1m]".into()),
            permission_mode: PermissionMode::AcceptEdits,
            effort: None,
            allowed_tools: vec!["Read".into(), "Bash(git:*)".into()],
            disallowed_tools: vec!["WebFetch".into()],
            rules: Rules::default(),
            policy_program: Some("/usr/bin/switchboard".into()),
            add_dirs: vec!["/var/lib/switchboard/files".into()],
            dir: "/srv/p".into(),
            env: BTreeMap::from([("ANTHROPIC_BASE_URL".into(), "http://gateway".into())]),
            inherit_env: ["PATH", "HOME", "DISCORD_TOKEN", "CLAUDECODE", "CLAUDE_CODE_OAUTH_TOKEN"]
                .map(str::to_owned)
                .into(),
            orphan_secs_max: 3600,
            spool_bytes_max: 1 << 30,
        }
    }

    #[test]
    fn the_command_line_of_a_new_and_of_a_resumed_session() {
        let new = launch(&settings(), Session::New(SESSION), []);
        insta::assert_snapshot!(new.args.join("\n"), @r#"
        -p
        --input-format=stream-json
        --output-format=stream-json
        --verbose
        --include-partial-messages
        --permission-prompt-tool=stdio
        --include-hook-events
        --replay-user-messages
        --session-id=00000000-0000-0000-0000-000000000007
        --model=opus[1m]
        --permission-mode=acceptEdits
        --allowedTools=Read
        --allowedTools=Bash(git:*)
        --disallowedTools=WebFetch
        --add-dir=/var/lib/switchboard/files
        --effort=low
        --settings={"disableAllHooks":false,"env":{"CLAUDE_CODE_SAFE_MODE":"","CLAUDE_CODE_SHELL":"","CLAUDE_CODE_SHELL_PREFIX":"","CLAUDE_CODE_SIMPLE":""},"hooks":{"PreToolUse":[{"hooks":[{"command":"'/usr/bin/switchboard' policy-hook '{\"allow\":[],\"ask\":[],\"deny\":[]}' || exit 2","timeout":600,"type":"command"}]}]},"permissions":{"deny":[]}}
        "#);
        let resumed = launch(&settings(), Session::Resume(SESSION), []);
        assert!(resumed.args.contains(&format!("--resume={SESSION}")));
        assert!(!resumed.args.iter().any(|arg| arg.starts_with("--session-id")));
        let chosen = Settings { effort: Some(Effort::Max), ..settings() };
        let chosen = launch(&chosen, Session::New(SESSION), []);
        assert_eq!(chosen.args.last().map(String::as_str), Some("--effort=max"), "the last one counts");
    }

    #[test]
    fn only_what_is_listed_is_inherited_and_secrets_never() {
        let ours = [
            "PATH",
            "SECRET",
            "DISCORD_TOKEN",
            "CLAUDECODE",
            "CLAUDE_CODE_ENTRYPOINT",
            "CLAUDE_CODE_OAUTH_TOKEN",
        ];
        let env = env(&settings(), ours.map(|name| (name.to_owned(), format!("our {name}"))));
        let names: Vec<&str> = env.keys().map(String::as_str).collect();
        assert_eq!(names, ["ANTHROPIC_BASE_URL", "CLAUDE_CODE_OAUTH_TOKEN", "DISABLE_AUTOUPDATER", "PATH"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever is configured, the arguments are flags of ours with the value in the same word, so that no value
        /// is ever taken for a flag or a prompt.
        #[test]
        fn no_value_stands_alone(model in ".*", rule in ".*", dir in "/[a-z]*") {
            let settings = Settings {
                model: Some(model),
                allowed_tools: vec![rule.clone()],
                disallowed_tools: vec![rule],
                add_dirs: vec![dir.into()],
                ..Settings::default()
            };
            for arg in launch(&settings, Session::New(SESSION), []).args {
                prop_assert!(arg.starts_with("--") || arg == "-p", "{arg}");
            }
        }
    }
}

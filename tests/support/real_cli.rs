//! The real CLI, where there is one: the variable `SWITCHBOARD_REAL_CLI` names it (`npm install
//! @anthropic-ai/claude-code@2.1.197` puts it at `node_modules/.bin/claude`). It talks to a fake Messages API, so it
//! needs neither an account nor the network.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::messages_api::MessagesApi;

/// The variable that names the program.
pub const VARIABLE: &str = "SWITCHBOARD_REAL_CLI";

/// The real CLI. Without one the test has to return: that is said, and on CI it is a failure.
pub fn find() -> Option<PathBuf> {
    if let Some(program) = std::env::var_os(VARIABLE).filter(|program| !program.is_empty()) {
        let program = PathBuf::from(program);
        assert!(program.exists(), "{VARIABLE} names {}, which does not exist", program.display());
        return Some(program);
    }
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    super::not_tested(&format!("{test} needs the real claude CLI; set {VARIABLE} to its path"));
    None
}

/// The variables with which the CLI talks to `api` and to nobody else.
pub fn env(api: &MessagesApi) -> Vec<(&'static str, String)> {
    vec![
        ("ANTHROPIC_API_KEY", "fake-key".to_owned()),
        ("ANTHROPIC_BASE_URL", format!("http://{}", api.addr)),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".to_owned()),
        ("DISABLE_AUTOUPDATER", "1".to_owned()),
        ("DISABLE_TELEMETRY", "1".to_owned()),
    ]
}

/// The program with a clean environment, a home and a working directory.
pub fn command(program: &Path, api: &MessagesApi, home: &Path, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", home);
    command.envs(env(api)).current_dir(dir);
    command
}

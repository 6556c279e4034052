use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;

/// A program that behaves as this shell script says, and an environment in which it runs.
fn program(script: &str) -> (TempDir, String, BTreeMap<String, String>) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("claude");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    let env = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
    (dir, path.to_str().unwrap().to_owned(), env)
}

const ANSWER: &str = r#"{"type":"control_response","response":{"subtype":"success","request_id":"probe","response":{"models":[{"value":"sonnet","displayName":"Sonnet","description":"d"}],"commands":[{"name":"compact"}],"account":ACCOUNT}}}"#;

fn script(account: &str) -> String {
    let answer = ANSWER.replace("ACCOUNT", account);
    format!(
        "[ \"$1\" = --version ] && {{ echo '2.1.197 (Claude Code)'; exit; }}\nread line\necho noise\necho '{answer}'\nsleep 600"
    )
}

#[tokio::test]
async fn version_and_lists() {
    let (dir, program, env) =
        program(&script(r#"{"tokenSource":"none","apiKeySource":"ANTHROPIC_API_KEY"}"#));
    let probe = probe(&program, &env, dir.path()).await.unwrap();
    assert_eq!(probe.version.to_string(), "2.1.197");
    assert!(probe.version.is_supported());
    assert_eq!(probe.info.models[0].display_name, "Sonnet");
    assert_eq!(probe.info.commands[0].name, "compact");
    assert!(probe.info.logged_in);
}

#[tokio::test]
async fn credentials_are_seen_or_missed() {
    for (account, logged_in) in [
        (r#"{"tokenSource":"none","apiProvider":"firstParty"}"#, false),
        (r#"{"tokenSource":"CLAUDE_CODE_OAUTH_TOKEN","apiProvider":"firstParty"}"#, true),
        (r#"{"apiProvider":"bedrock"}"#, true),
        ("{}", false),
    ] {
        let (dir, program, env) = program(&script(account));
        let info = info(&program, &env, dir.path()).await.unwrap();
        assert_eq!(info.logged_in, logged_in, "{account}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_apart() {
    let dir = TempDir::new().unwrap();
    let none = probe("/nowhere/claude", &BTreeMap::new(), dir.path()).await;
    assert!(matches!(none, Err(ProbeError::Missing(_))));
    let (dir, other, env) = program("echo hello");
    assert!(matches!(version(&other, &env, dir.path()).await, Err(ProbeError::NoVersion(_))));
    let (dir, quits, env) = program("read line");
    assert!(matches!(info(&quits, &env, dir.path()).await, Err(ProbeError::Ended)));
}

#[tokio::test(start_paused = true)]
async fn a_silent_program_is_given_up() {
    let (dir, silent, env) = program("exec sleep 600");
    assert!(matches!(version(&silent, &env, dir.path()).await, Err(ProbeError::Silent(_))));
}

#[test]
fn versions_read_and_compare() {
    let version = |text| Version::parse(text).unwrap();
    assert!(version("2.1.197 (Claude Code)") > version("2.1.9"));
    assert!(version("2.2.0-beta.1").is_supported());
    assert!(!version("1.0.128").is_supported());
    assert_eq!(Version::parse("claude"), None);
    assert_eq!(Version::parse(""), None);
}

//! Everything that can go wrong at the API and at the CLI's start: people get a sentence of its own with an error id,
//! whoever runs the bot finds the rest under that id in the log, and the next prompt works.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use switchboard::domain::ids::MessageId;

use crate::harness::{Around, HARBOR, MARA, Stage, eventually, hears_tests};

/// What the API does, and the sentence for it. The rows are those of the CLI's error table, but for what is the same for
/// every turn of the account (`account.rs`).
const ROWS: &[(&str, &str)] = &[
    ("400", "did not accept the request"),
    ("400-credit", "no credit left"),
    ("400-prompt-too-long", "too long for the model"),
    ("404-model", "does not know the model"),
    ("413", "too large for the API"),
    ("500-forever", "The API failed (HTTP 500)"),
    ("connection-refused", "cannot be reached"),
    ("api-timeout", "did not answer in time"),
    ("stop-refusal", "refused to answer"),
];

/// The sentence of a failure with its error id: `❌ sentence (E-123456)`.
fn sentence_and_id(answer: &str) -> (String, String) {
    let line = answer
        .lines()
        .find(|line| line.starts_with("❌ "))
        .unwrap_or_else(|| panic!("no sentence: {answer}"));
    let (sentence, id) = line.rsplit_once(" (E-").unwrap_or_else(|| panic!("no error id: {line}"));
    (sentence.to_owned(), format!("E-{}", id.trim_end_matches(')')))
}

/// Fails unless the failure is told as it should be; gives its sentence, and the cause that the log has.
async fn assert_told(stage: &Stage, message: MessageId, wanted: &str) -> (String, String) {
    let answer = stage.answer(HARBOR, message).await;
    assert_eq!(stage.outcome(message).await, "❌", "{answer}");
    let (sentence, id) = sentence_and_id(&answer);
    assert!(sentence.contains(wanted), "{wanted:?} is not in: {answer}");
    assert_nothing_internal(stage, &answer);
    let line = eventually("the error id in the log", || {
        stage.log_lines().into_iter().find(|line| line["error_id"] == id.as_str())
    })
    .await;
    assert!(line["outcome"].as_str().is_some_and(|outcome| outcome.starts_with("failed")), "{line}");
    let cause = line["cause"].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        stage.sql(&format!("select count(*) || '' from turns_readable where error_id = '{id}'")).await,
        ["1"]
    );
    (sentence, cause)
}

fn assert_nothing_internal(stage: &Stage, answer: &str) {
    let home = stage.dir().display().to_string();
    for internal in
        [home.as_str(), stage.discord.token(), "127.0.0.1", "stderr", "/tmp", "panicked", "req_", ".jsonl"]
    {
        assert!(!answer.contains(internal), "{internal:?} is in: {answer}");
    }
}

async fn assert_goes_on(stage: &Stage) {
    let next = stage.ask(MARA, HARBOR, "[[say:Still here.]]");
    let answer = stage.answer(HARBOR, next).await;
    assert!(answer.contains("Still here."), "{answer}");
    assert_eq!(stage.outcome(next).await, "✅");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_failure_of_the_api_has_its_sentence_and_its_cause() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let mut sentences: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (row, wanted) in ROWS {
        let message = stage.ask(MARA, HARBOR, &format!("[[error:{row}]]"));
        let (sentence, cause) = assert_told(&stage, message, wanted).await;
        assert!(!cause.is_empty(), "{row}: the log says nothing of the cause");
        sentences.entry(sentence).or_default().push(row);
        assert_goes_on(&stage).await;
    }
    let shared: Vec<_> = sentences.into_values().filter(|rows| rows.len() > 1).collect();
    assert_eq!(shared, [] as [Vec<&str>; 0], "the same advice for different things");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_the_request_are_no_failures() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    for (row, wanted) in [("max-turns", "all the steps"), ("max-budget-usd", "cost as much as it may")] {
        let message = stage.ask(MARA, HARBOR, &format!("[[trace:{row}]]"));
        let answer = stage.answer(HARBOR, message).await;
        assert_eq!(stage.outcome(message).await, "⏹️", "{answer}");
        assert!(answer.contains(wanted), "{answer}");
        assert_goes_on(&stage).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_recovers_from_is_no_failure() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    for row in ["429-retry-after-3-once", "500-twice-then-ok", "503-once", "529-twice-then-ok"] {
        let message = stage.ask(MARA, HARBOR, &format!("[[error:{row}]]"));
        let answer = stage.answer(HARBOR, message).await;
        assert_eq!(stage.outcome(message).await, "✅", "{row}: {answer}");
    }
}

/// A program that is not the CLI.
fn program(dir: &Path, text: &str, mode: u32) -> PathBuf {
    let path = dir.join("other-claude");
    std::fs::write(&path, text).expect("it can be written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_cli_is_said_and_used_once_it_is_there() {
    let stage = Stage::new().await;
    let path = stage.dir().join("not-there-yet");
    let real = crate::support::cli::fake_claude();
    let stage = stage.with_command(&path);
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "Hello?");
    let (_, cause) = assert_told(&stage, message, "was not found on this machine").await;
    assert!(cause.contains("No such file"), "{cause:?}");
    std::os::unix::fs::symlink(real, &path).expect("a link");
    assert_goes_on(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cli_that_cannot_be_executed_is_said() {
    let stage = Stage::new().await;
    let path = program(stage.dir(), "#!/bin/sh\nexit 0\n", 0o600);
    let stage = stage.with_command(&path);
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "Hello?");
    let (_, cause) = assert_told(&stage, message, "could not be started").await;
    assert!(cause.contains("denied"), "{cause:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_cli_is_said_with_both_versions() {
    let stage = Stage::new().await;
    let path = program(stage.dir(), "#!/bin/sh\necho '1.0.3 (Claude Code)'\n", 0o700);
    let real = crate::support::cli::fake_claude();
    let stage = stage.with_command(&path);
    let _bot = stage.bot().await;
    eventually("the bot to know", || {
        stage.log_lines().iter().any(|line| line["message"] == "the CLI is too old").then_some(())
    })
    .await;
    let message = stage.ask(MARA, HARBOR, "Hello?");
    assert_told(&stage, message, "1.0.3 is too old: 2.1.89 or later").await;
    // Somebody updates it, and the next prompt works without a restart.
    std::fs::remove_file(&path).expect("it is ours");
    std::os::unix::fs::symlink(real, &path).expect("a link");
    assert_goes_on(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_directory_is_said_and_used_once_it_is_there() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let dir = stage.dir().join("harbor");
    std::fs::remove_dir(&dir).expect("it is empty");
    let message = stage.ask(MARA, HARBOR, "Hello?");
    assert_told(&stage, message, "directory of this project is not there").await;
    std::fs::create_dir(&dir).expect("a directory");
    assert_goes_on(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn root_in_a_mode_that_root_may_not_use_is_said() {
    let stage = Stage::new().await;
    // What the CLI says to root, whoever runs this test.
    let says = "#!/bin/sh\n[ \"$1\" = --version ] && echo '2.1.197 (Claude Code)' && exit 0\n\
                echo '--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons' >&2\nexit 1\n";
    let path = program(stage.dir(), says, 0o700);
    let stage = stage.with_command(&path).with("claude", "permission_mode = \"bypassPermissions\"");
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "Hello?");
    let (_, cause) = assert_told(&stage, message, "does not run as root in this permission mode").await;
    assert!(cause.contains("cannot be used with root"), "{cause:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_the_cli_lost_is_one_answer_in_a_new_session() {
    let stage = Stage::new().await;
    lose_the_session(&stage).await;
    let _bot = stage.bot().await;
    let second = stage.ask(MARA, HARBOR, "[[recall]]");
    assert_begun_anew(&stage, second).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_the_cli_lost_as_the_daemon_died_is_the_same() {
    if !hears_tests() {
        return;
    }
    let stage = Stage::new().await;
    lose_the_session(&stage).await;
    let stage = stage.with_daemon_env("FAIL_AT", "SessionLost:1");
    let mut bot = stage.bot().await;
    let second = stage.ask(MARA, HARBOR, "[[recall]]");
    eventually("the daemon to die", || bot.is_over().then_some(())).await;
    let stage = stage.around(Around::default());
    let _bot = stage.bot().await;
    assert_begun_anew(&stage, second).await;
}

/// A conversation of which the CLI remembers nothing.
async fn lose_the_session(stage: &Stage) {
    let bot = stage.bot().await;
    let first = stage.ask(MARA, HARBOR, "[[say:Before.]]");
    stage.answer(HARBOR, first).await;
    assert_eq!(bot.stop().code, Some(0));
    // The warm process would still know it.
    end_cli(stage).await;
    for dir in [".claude", ".fake-claude"] {
        // One of them is the fake's.
        let _ = std::fs::remove_dir_all(stage.dir().join("home").join(dir));
    }
}

async fn end_cli(stage: &Stage) {
    let cli = stage.cli_pid(1).await;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(cli), nix::sys::signal::Signal::SIGKILL)
        .expect("it lives");
    eventually("the process to be gone", || (!crate::harness::alive(cli)).then_some(())).await;
}

async fn assert_begun_anew(stage: &Stage, message: MessageId) {
    let answer = stage.answer(HARBOR, message).await;
    assert_eq!(stage.outcome(message).await, "✅", "{answer}");
    assert!(answer.contains("memory of this conversation was lost"), "people are told: {answer}");
    assert!(!answer.contains("❌"), "one visible state: {answer}");
    let states = stage.sql("select state from sessions order by created_at").await;
    assert_eq!(states, ["stale", "started"]);
    assert_goes_on(stage).await;
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_the_cli_has_already_is_resumed() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let first = stage.ask(MARA, HARBOR, "[[say:Before.]]");
    stage.answer(HARBOR, first).await;
    assert_eq!(bot.stop().code, Some(0));
    end_cli(&stage).await;
    // As after a crash between the CLI's first line and our note of it.
    stage.change("update sessions set state = 'new'").await;
    let _bot = stage.bot().await;
    let second = stage.ask(MARA, HARBOR, "[[recall]]");
    let answer = stage.answer(HARBOR, second).await;
    assert_eq!(stage.outcome(second).await, "✅", "{answer}");
    assert!(answer.contains("Before."), "the history is there: {answer}");
    assert_goes_on(&stage).await;
}

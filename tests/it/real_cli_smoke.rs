//! The harness for the real CLI works: it starts, asks the fake Messages API and nobody else, and does what the API
//! says.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::cli::{Cli, STREAM, streamed};
use crate::support::messages_api::MessagesApi;
use crate::support::real_cli;

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_is_answered_by_the_fake_api() {
    let Some(program) = real_cli::find() else { return };
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let api = MessagesApi::start().await;
    let mut command = real_cli::command(&program, &api, home.path(), dir.path());
    command.args(["-p", "--output-format", "stream-json", "--verbose", "--permission-mode", "default"]);
    command.args(["--model", "sonnet", "--", "hello [[say:from the fake]]"]).stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();

    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let lines: Vec<Value> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    assert_eq!(lines[0]["subtype"], "init");
    assert_eq!(lines.last().unwrap()["result"], "from the fake");
    let request = api.requests().pop().unwrap();
    assert!(request.model.contains("sonnet"), "{}", request.model);
    assert_eq!(request.headers["x-api-key"], "fake-key");
    assert_eq!(request.prompts(), ["hello [[say:from the fake]]"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_runs_after_a_yes_and_the_session_is_remembered() {
    let Some(program) = real_cli::find() else { return };
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let api = MessagesApi::start().await;
    let start = |flags: &[&str]| {
        let mut command = real_cli::command(&program, &api, home.path(), dir.path());
        Cli::start(command.args(STREAM).args(flags))
    };

    let session = uuid::Uuid::new_v4().to_string();
    let mut cli = start(&["--session-id", &session]);
    cli.prompt("[[say:first]][[tool:Bash {\"command\":\"echo made > made.txt\"}]][[say:and then]]");
    let asked = cli.until(|line| line["request"]["subtype"] == "can_use_tool").pop().unwrap();
    assert!(!dir.path().join("made.txt").exists());
    cli.write(&json!({ "type": "control_response", "response": { "subtype": "success",
        "request_id": asked["request_id"],
        "response": { "behavior": "allow", "updatedInput": asked["request"]["input"] } } }));
    let lines = cli.turn();
    assert_eq!(lines.last().unwrap()["result"], "and then");
    assert!(Path::new(&dir.path().join("made.txt")).exists());
    assert!(cli.exit().success());

    let mut again = start(&["--resume", &session]);
    let result = again.ask("[[recall]]");
    assert!(result["result"].as_str().unwrap().contains("[[say:first]]"), "{result}");
    assert!(again.exit().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_answer_waits_for_its_release() {
    let Some(program) = real_cli::find() else { return };
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let api = MessagesApi::start().await;
    let mut command = real_cli::command(&program, &api, home.path(), dir.path());
    let mut cli = Cli::start(command.args(STREAM));
    cli.prompt("[[say:one]][[hold-mid]][[say:two]]");
    api.requested(1).await;
    let before = cli.until(|line| line["type"] == "assistant");
    assert_eq!(streamed(&before), "one");
    api.release();
    assert_eq!(streamed(&cli.turn()), "two");

    cli.prompt("[[status:529,1]][[say:after all]]");
    let lines = cli.turn();
    assert!(lines.iter().any(|line| line["subtype"] == "api_retry"));
    assert_eq!(lines.last().unwrap()["result"], "after all");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_during_a_tool_reaches_the_model() {
    let Some(program) = real_cli::find() else { return };
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let api = MessagesApi::start().await;
    let mut command = real_cli::command(&program, &api, home.path(), dir.path());
    let mut cli = Cli::start(command.args(STREAM).args(["--allowedTools", "Bash"]));
    cli.prompt("[[tool:Bash {\"command\":\"while [ ! -e go ]; do sleep 0.05; done\"}]][[say:the end]]");
    cli.until(|line| line["message"]["content"][0]["type"] == "tool_use");
    cli.prompt("and this");
    cli.control("seen", &json!({ "subtype": "get_binary_version" }));
    cli.until(|line| line["type"] == "control_response");
    std::fs::write(dir.path().join("go"), "").unwrap();
    let lines = cli.turn();
    assert_eq!(api.requests().last().unwrap().prompts().last().unwrap(), "and this");
    assert_eq!(streamed(&lines), "the endYou also said: and this");

    cli.prompt("[[tool:Bash {\"command\":\"touch started; sleep 300\"}]]");
    // An interrupt between the call and the command's start would leave the command behind.
    while !dir.path().join("started").exists() {
        std::thread::yield_now();
    }
    cli.control("stop", &json!({ "subtype": "interrupt" }));
    assert_eq!(cli.turn().pop().unwrap()["subtype"], "error_during_execution");
    assert_eq!(cli.ask("[[say:a new prompt]]")["result"], "a new prompt");
}

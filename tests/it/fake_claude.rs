//! The fake CLI behaves like the CLI where the tests rely on it, and misbehaves as it is told.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::cli::{Cli, STREAM, fake_claude, of_type, streamed};

/// A home and a working directory of the test's own.
struct Place {
    home: tempfile::TempDir,
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let fresh = || tempfile::tempdir().expect("a temporary directory");
        Self { home: fresh(), dir: fresh() }
    }

    fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(fake_claude());
        command.args(STREAM).args(flags).current_dir(self.dir.path());
        command.env("HOME", self.home.path()).env_remove("CLAUDE_CONFIG_DIR").env("IS_SANDBOX", "1");
        command
    }

    fn start(&self, flags: &[&str]) -> Cli {
        Cli::start(&mut self.command(flags))
    }

    fn file(&self, name: &str) -> String {
        self.dir.path().join(name).to_string_lossy().into_owned()
    }
}

const SESSION: &str = "0d7a4c1e-6b0f-4d5e-9a0b-1c2d3e4f5a6b";

#[test]
fn says_its_version_and_refuses_unknown_flags() {
    let version = Command::new(fake_claude()).arg("--version").output().unwrap();
    assert_eq!(version.stdout, b"2.1.197 (Claude Code)\n");
    let unknown = Command::new(fake_claude()).args(["-p", "--no-such-flag"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("unknown option '--no-such-flag'"));
}

#[test]
fn a_turn_has_the_lines_of_the_real_one_in_their_order() {
    let place = Place::new();
    let mut cli = place.start(&["--session-id", SESSION]);
    cli.control("r1", &json!({ "subtype": "initialize" }));
    let answer = cli.line().unwrap();
    assert_eq!(answer["response"]["request_id"], "r1");
    assert!(answer["response"]["response"]["models"].as_array().is_some_and(|models| !models.is_empty()));

    cli.prompt("hello there");
    let lines = cli.turn();
    let shape: Vec<String> = lines
        .iter()
        .map(|line| match line["type"].as_str() {
            Some("system") => line["subtype"].as_str().unwrap_or_default().to_owned(),
            Some("stream_event") => line["event"]["type"].as_str().unwrap_or_default().to_owned(),
            Some(other) => other.to_owned(),
            None => "?".to_owned(),
        })
        .collect();
    let mut shape: Vec<&str> = shape.iter().map(String::as_str).collect();
    shape.dedup();
    assert_eq!(
        shape,
        [
            "init",
            "status",
            "user",
            "message_start",
            "content_block_start",
            "content_block_delta",
            "assistant",
            "content_block_stop",
            "message_delta",
            "message_stop",
            "result"
        ]
    );
    assert_eq!(streamed(&lines), "You said: hello there");
    assert_eq!(lines.last().unwrap()["result"], "You said: hello there");
    assert!(lines.iter().all(|line| line["session_id"] == SESSION));
    assert_eq!(cli.exit().code(), Some(0));
}

#[test]
fn a_session_is_resumed_in_its_directory_and_nowhere_else() {
    let place = Place::new();
    let mut cli = place.start(&["--session-id", SESSION]);
    cli.ask("one");
    assert!(cli.exit().success());

    let mut again = place.start(&["--resume", SESSION]);
    assert_eq!(again.ask("[[recall]]")["result"], "You said before: one");
    assert!(again.exit().success());

    let elsewhere = tempfile::tempdir().unwrap();
    let lost = place.command(&["--resume", SESSION]).current_dir(elsewhere.path()).output().unwrap();
    assert_eq!(lost.status.code(), Some(1));
    let result: Value = serde_json::from_slice(&lost.stdout).unwrap();
    let text = format!("No conversation found with session ID: {SESSION}");
    assert_eq!(result["subtype"], "error_during_execution");
    assert_eq!(result["errors"], json!([text]));
    assert_eq!(String::from_utf8_lossy(&lost.stderr).trim(), text);
}

#[test]
fn two_live_processes_on_one_session_are_noticed() {
    let place = Place::new();
    let mut first = place.start(&["--session-id", SESSION]);
    first.ask("hello");
    let second = place.command(&["--resume", SESSION]).output().unwrap();
    assert_eq!(second.status.code(), Some(97));
    assert!(place.home.path().join(".fake-claude/TWO_LIVE_PROCESSES").exists());
}

#[test]
fn bash_runs_in_a_session_of_its_own_and_an_interrupt_kills_it() {
    let place = Place::new();
    let mut cli = place.start(&[]);
    cli.prompt("[[bash:echo out; echo err >&2; exit 3]]");
    let lines = cli.turn();
    let result = &of_type(&lines, "user")[1]["message"]["content"][0];
    assert_eq!(result["content"], "Exit code 3\nout\nerr");
    assert_eq!(result["is_error"], true);

    let started = place.file("started");
    cli.prompt(&format!("[[bash:echo $$ > {started}.new; mv {started}.new {started}; sleep 300]]"));
    while !Path::new(&started).exists() {
        std::thread::yield_now();
    }
    cli.control("stop", &json!({ "subtype": "interrupt" }));
    let end = cli.turn().pop().unwrap();
    assert_eq!(end["subtype"], "error_during_execution");
    assert_eq!(end["terminal_reason"], "aborted_tools");
    let pid = std::fs::read_to_string(&started).unwrap();
    assert!(!Path::new(&format!("/proc/{}", pid.trim())).exists(), "the command is dead");
    assert_eq!(cli.ask("still there?")["result"], "You said: still there?");
}

#[test]
fn a_permission_is_asked_for_and_the_answer_obeyed() {
    let place = Place::new();
    let mut cli = place.start(&[]);
    let asked = |line: &Value| line["request"]["subtype"] == "can_use_tool";
    let answer = |cli: &mut Cli, request: &Value, response: Value| {
        cli.write(&json!({ "type": "control_response", "response": {
            "subtype": "success", "request_id": request["request_id"], "response": response } }));
    };

    cli.prompt(&format!("[[ask:bash:echo x > {}]][[say:done]]", place.file("made")));
    let request = cli.until(asked).pop().unwrap();
    assert!(!Path::new(&place.file("made")).exists());
    let input = request["request"]["input"].clone();
    answer(&mut cli, &request, json!({ "behavior": "allow", "updatedInput": input }));
    assert_eq!(cli.turn().pop().unwrap()["result"], "done");
    assert!(Path::new(&place.file("made")).exists());

    cli.prompt("[[ask:bash:true]]");
    let request = cli.until(asked).pop().unwrap();
    answer(&mut cli, &request, json!({ "behavior": "deny", "message": "not today" }));
    let result = cli.turn().pop().unwrap();
    assert_eq!(result["result"], "It was refused: not today");
    assert_eq!(result["permission_denials"][0]["tool_name"], "Bash");

    cli.prompt("[[ask:bash:true]]");
    let request = cli.until(asked).pop().unwrap();
    answer(&mut cli, &request, json!({ "behavior": "allow" }));
    assert!(cli.turn().pop().unwrap()["result"].as_str().unwrap().contains("ZodError"));

    cli.prompt("[[question:Which?|This|That]]");
    let request = cli.until(asked).pop().unwrap();
    cli.control("stop", &json!({ "subtype": "interrupt" }));
    let cancelled = cli.until(|line| line["type"] == "control_cancel_request").pop().unwrap();
    assert_eq!(cancelled["request_id"], request["request_id"]);
    assert_eq!(cli.turn().pop().unwrap()["terminal_reason"], "aborted_tools");
}

#[test]
fn what_is_said_during_a_tool_is_heard_in_the_same_turn_and_during_a_text_in_the_next() {
    let place = Place::new();
    let mut cli = place.start(&[]);
    let go = place.file("go");
    let tool_started = |line: &Value| line["message"]["content"][0]["type"] == "tool_use";

    cli.prompt(&format!("[[bash:while [ ! -e {go} ]; do :; done]]"));
    cli.until(tool_started);
    cli.prompt("and this");
    cli.control("seen", &json!({ "subtype": "get_settings" }));
    cli.until(|line| line["type"] == "control_response");
    std::fs::write(&go, "").unwrap();
    assert_eq!(cli.turn().pop().unwrap()["result"], "You also said: and this");

    let go = place.file("go2");
    cli.prompt(&format!("[[say:first]][[wait:{go}]]"));
    cli.until(|line| line["type"] == "assistant");
    cli.prompt("second");
    cli.prompt("third");
    cli.control("seen", &json!({ "subtype": "get_settings" }));
    cli.until(|line| line["type"] == "control_response");
    std::fs::write(&go, "").unwrap();
    assert_eq!(cli.turn().pop().unwrap()["result"], "first");
    assert_eq!(cli.turn().pop().unwrap()["result"], "You said: second\nthird");
}

#[test]
fn a_message_with_a_known_key_is_dropped() {
    let place = Place::new();
    let mut cli = place.start(&[]);
    let line = json!({ "type": "user", "message": { "role": "user", "content": "once" }, "uuid": SESSION });
    cli.write(&line);
    cli.turn();
    cli.write(&line);
    let echo = cli.line().unwrap();
    assert_eq!((&echo["uuid"], &echo["isReplay"]), (&json!(SESSION), &json!(true)));
    assert_eq!(cli.ask("[[recall]]")["result"], "You said before: once");
}

#[test]
fn recordings_are_played_with_the_ids_of_this_session() {
    let place = Place::new();
    let mut cli = place.start(&["--session-id", SESSION]);
    cli.prompt("[[error:429-forever]]");
    let lines = cli.turn();
    assert!(lines.iter().all(|line| line["session_id"] == SESSION));
    assert_eq!(lines.iter().filter(|line| line["subtype"] == "api_retry").count(), 10);
    assert_eq!(lines.last().unwrap()["api_error_status"], 429);

    cli.prompt("[[trace:permission-allow]]");
    let request = cli.until(|line| line["type"] == "control_request").pop().unwrap();
    cli.write(&json!({ "type": "control_response", "response": { "subtype": "success",
        "request_id": request["request_id"], "response": { "behavior": "allow", "updatedInput": {} } } }));
    assert_eq!(cli.turn().pop().unwrap()["result"], "done.");
    assert_eq!(cli.exit().code(), Some(0));
}

#[test]
fn every_recorded_failure_can_be_played() {
    let place = Place::new();
    let mut cli = place.start(&[]);
    let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    for entry in std::fs::read_dir(traces).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(row) = name.strip_prefix("error-").and_then(|name| name.strip_suffix(".jsonl")) {
            assert!(cli.ask(&format!("[[error:{row}]]"))["is_error"].is_boolean(), "{row}");
        }
    }
}

#[test]
fn a_background_task_gets_a_turn_of_its_own() {
    let place = Place::new();
    let mut cli = place.start(&[]);
    assert_eq!(cli.ask("[[background:counting sheep]][[say:started]]")["result"], "started");
    let lines = cli.turn();
    assert!(lines.iter().any(|line| line["subtype"] == "task_notification"));
    assert_eq!(lines.last().unwrap()["origin"]["kind"], "task-notification");
}

#[test]
fn it_ends_the_way_it_is_told() {
    let place = Place::new();
    let run = |text: &str| {
        let mut cli = place.start(&[]);
        cli.prompt(text);
        cli.exit()
    };
    assert_eq!(run("[[exit:7]]").code(), Some(7));
    assert_eq!(run("[[say:half]][[kill:9]]").signal(), Some(9));
    assert_eq!(run("[[error:400]]").code(), Some(1));
    assert_eq!(run("[[no-result]]").code(), Some(0));
    assert_eq!(run("[[say:a]][[exit-after-result:3]]").code(), Some(3));
}

#[test]
fn a_signal_ends_it_with_the_codes_of_the_real_one() {
    use nix::sys::signal::{Signal, kill};
    let place = Place::new();
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129), (Signal::SIGINT, 0)] {
        let mut cli = place.start(&[]);
        cli.prompt("[[say:working]][[wait:/never]]");
        cli.until(|line| line["type"] == "assistant");
        kill(nix::unistd::Pid::from_raw(i32::try_from(cli.pid()).unwrap()), signal).unwrap();
        assert_eq!(cli.exit().code(), Some(code), "{signal}");
    }
}

#[test]
fn garbage_and_halves_of_characters_reach_the_host() {
    let place = Place::new();
    let mut cli = place.start(&[]);
    cli.prompt("[[garbage]][[split-utf8]][[line:100000]][[say:end]]");
    let mut raw = Vec::new();
    while let Some(line) = cli.raw_line() {
        let last = line.windows(15).any(|part| part == b"\"type\":\"result\"");
        raw.push(line);
        if last {
            break;
        }
    }
    assert!(raw.iter().any(|line| std::str::from_utf8(line).is_err()));
    assert!(raw.iter().any(|line| line.len() > 100_000));
    assert!(raw.iter().any(|line| String::from_utf8_lossy(line).contains("split: ä € 漢字 🦀 done")));
}

#[test]
fn it_says_what_it_was_started_with() {
    let place = Place::new();
    let log = place.file("log");
    let mut cli =
        Cli::start(place.command(&["--model", "sonnet"]).env("FAKE_CLAUDE_LOG", &log).env("MINE", "yes"));
    assert!(cli.ask("[[env]]")["result"].as_str().unwrap().lines().any(|line| line == "MINE=yes"));
    let said: Value = serde_json::from_str(cli.ask("[[args]]")["result"].as_str().unwrap()).unwrap();
    assert!(said["argv"].as_array().unwrap().contains(&json!("sonnet")));
    let log = std::fs::read_to_string(log).unwrap();
    let events: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events[0]["event"], "start");
    assert_eq!(events[1]["text"], "[[env]]");
}

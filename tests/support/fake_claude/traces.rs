//! Plays recordings of the real CLI: the lines that it printed, in order, with the ids of this session. Where the
//! recorded host said something, the recording waits until the real host does.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use switchboard::playground::assistant::{Cut, Ending, Turn};

use crate::log::now_us;

/// When the limit starts anew in the recording of it.
const RECORDED_RESET: &str = "1999999999";

/// One line of a recording.
enum Line {
    Out(String),
    Err(String),
    In(Value),
}

/// `[[error:row]]`: `error-ROW`, or `ROW` itself (`not-logged-in`, `stop-refusal`, …).
pub fn play_error(turn: &mut Turn<'_>, row: &str) -> Result<(), Cut> {
    let name = format!("error-{row}");
    let name = if file(&name).is_some() { name } else { row.to_owned() };
    play(turn, &name)
}

/// `[[limited:file,secs]]`: the usage limit of the account is reached for so long, from the first time that anybody asks;
/// the file has the second at which it starts anew. Whether it is reached still.
pub fn play_limit(turn: &mut Turn<'_>, file: &Path, secs: u64) -> Result<bool, Cut> {
    let now = now_us() / 1_000_000;
    if !file.exists() {
        fs::write(file, (now + secs).to_string()).expect("the test names a file");
    }
    let resets_at = fs::read_to_string(file).expect("it was written");
    if now >= resets_at.parse().expect("a second") {
        return Ok(false);
    }
    play_with(turn, "rate-limit-rejected-subscription", vec![(RECORDED_RESET.to_owned(), resets_at)])?;
    Ok(true)
}

/// `[[trace:name]]`: plays a whole recording, from its first prompt on.
pub fn play(turn: &mut Turn<'_>, name: &str) -> Result<(), Cut> {
    play_with(turn, name, Vec::new())
}

/// The same, with these words for others.
fn play_with(turn: &mut Turn<'_>, name: &str, mut ids: Vec<(String, String)>) -> Result<(), Cut> {
    let path = file(name).unwrap_or_else(|| panic!("there is no recording {name}"));
    let lines = read(&fs::read_to_string(&path).expect("recordings are text"));
    ids.push((recorded_session(&lines), turn.session.id.clone()));
    let mut failed = None;
    let mut prompts = 0;
    for line in lines {
        match line {
            Line::Err(text) => eprintln!("{text}"),
            Line::Out(text) => {
                let text = ids.iter().fold(text, |text, (old, new)| text.replace(old.as_str(), new));
                let value: Value = serde_json::from_str(&text).unwrap_or_default();
                // Answers to control requests were given by whoever reads stdin.
                if value["type"] == "control_response" {
                    continue;
                }
                if value["type"] == "control_request" {
                    turn.inbox.open_ask(value["request_id"].as_str().unwrap_or_default());
                }
                if value["type"] == "result" {
                    failed = value["is_error"].as_bool();
                }
                turn.speaker.raw(format!("{text}\n").as_bytes());
            }
            Line::In(value) => {
                if let Some(uuid) = hear(turn, &value, &mut prompts)? {
                    ids.push(uuid);
                }
            }
        }
    }
    turn.end_as(failed.map_or(Ending::Silent, |failed| Ending::Printed { failed }));
    Ok(())
}

/// Waits for what the recorded host said. For a prompt it gives the recorded key and the real one.
fn hear(turn: &mut Turn<'_>, value: &Value, prompts: &mut usize) -> Result<Option<(String, String)>, Cut> {
    match value["type"].as_str() {
        Some("user") => {
            *prompts += 1;
            let real = if *prompts == 1 {
                turn.prompt_uuid().unwrap_or_default().to_owned()
            } else {
                let message = loop {
                    if let Some(message) = turn.inbox.take() {
                        break message;
                    }
                    turn.pause(Duration::from_millis(4))?;
                };
                turn.session.add("user", &message.uuid, &message.text);
                message.uuid
            };
            Ok(value["uuid"].as_str().map(|recorded| (recorded.to_owned(), real)))
        }
        Some("control_request") if value["request"]["subtype"] == "interrupt" => {
            match turn.wait_until(|| false) {
                Err(Cut::Interrupted) => turn.inbox.forget_cut(),
                Err(cut) => return Err(cut),
                Ok(()) => {}
            }
            Ok(None)
        }
        Some("control_response") => {
            let request = value["response"]["request_id"].as_str().unwrap_or_default();
            turn.inbox.wait_for_answer(request)?;
            Ok(None)
        }
        _ => Ok(None),
    }
}

fn file(name: &str) -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/traces");
    let dir = std::env::var_os("FAKE_CLAUDE_TRACES").map_or_else(|| PathBuf::from(default), PathBuf::from);
    [".jsonl", ".bidi.jsonl"].iter().map(|end| dir.join(format!("{name}{end}"))).find(|path| path.exists())
}

/// A recording has either the CLI's lines alone, or `{"dir", "t_ms", "line"}` of both sides.
fn read(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let value: Value = serde_json::from_str(line).unwrap_or_default();
        let inner = value["line"].as_str().unwrap_or_default();
        match value["dir"].as_str() {
            None => lines.push(Line::Out(line.to_owned())),
            Some("out") => lines.push(Line::Out(inner.to_owned())),
            Some("err") => lines.push(Line::Err(inner.to_owned())),
            Some("in") => lines.push(Line::In(serde_json::from_str(inner).unwrap_or_else(|_| json!({})))),
            Some(_) => {}
        }
    }
    lines
}

fn recorded_session(lines: &[Line]) -> String {
    let session = lines.iter().find_map(|line| match line {
        Line::Out(text) => {
            let value: Value = serde_json::from_str(text).ok()?;
            value["session_id"].as_str().map(str::to_owned)
        }
        Line::Err(_) | Line::In(_) => None,
    });
    session.expect("every recording names its session")
}

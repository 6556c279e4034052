//! Traces → records → steps → what is worth comparing.

use std::path::PathBuf;

use bytes::Bytes;
use serde_json::Value;
use uuid::Uuid;

use crate::claude::{Dialogue, Step, user_line};
use crate::domain::event::{TurnEnd, TurnEvent};
use crate::domain::ids::PromptId;
use crate::runner::{Exit, Record};

/// The prompt of traces that have no stdin of their own.
pub(super) const PROMPT: PromptId = PromptId(Uuid::from_u128(1));

fn dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/traces")
}

/// All traces, by file name without `.jsonl`.
pub(crate) fn names() -> Vec<String> {
    let files = std::fs::read_dir(dir()).expect("tests/traces is part of the project");
    let mut names: Vec<String> = files
        .filter_map(|file| file.unwrap().file_name().to_str()?.strip_suffix(".jsonl").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() > 100, "the traces are gone");
    names
}

/// A trace as the spool would have it.
pub(crate) fn records(name: &str) -> Vec<Record> {
    let text = std::fs::read_to_string(dir().join(format!("{name}.jsonl"))).unwrap();
    if name.contains(".bidi") { both_directions(&text) } else { output_only(name, &text) }
}

fn both_directions(text: &str) -> Vec<Record> {
    text.lines()
        .filter_map(|line| {
            let entry: Value = serde_json::from_str(line).unwrap();
            let line = entry["line"].as_str().unwrap();
            let bytes = Bytes::from(line.to_owned());
            match entry["dir"].as_str().unwrap() {
                "in" => Some(Record::In(bytes)),
                "out" => Some(Record::Out(bytes)),
                "err" => Some(Record::Err(bytes)),
                _ => {
                    let code = line.strip_prefix("exit ")?.parse().unwrap();
                    Some(Record::Exit(Exit::Code { code }))
                }
            }
        })
        .collect()
}

/// A prompt goes in before the lines, and the exit that belongs to the trace comes after them.
fn output_only(name: &str, text: &str) -> Vec<Record> {
    let failed = text
        .lines()
        .rfind(|line| line.contains(r#""type":"result""#) || line.contains(r#""type": "result""#));
    let exit = match name {
        _ if name.starts_with("signal-sigterm") => Exit::Code { code: 143 },
        _ if name.starts_with("signal-sighup") => Exit::Code { code: 129 },
        _ if name.starts_with("signal-sigkill") => Exit::Signal { signal: 9 },
        "signal-sigint-api-wait" => Exit::Code { code: 0 },
        _ => {
            let result: Value = failed.map(|line| serde_json::from_str(line).unwrap()).unwrap_or_default();
            Exit::Code { code: i32::from(result["is_error"] == true) }
        }
    };
    let mut records = vec![Record::In(Bytes::from(user_line(PROMPT, "a prompt")))];
    records.extend(text.lines().map(|line| Record::Out(Bytes::from(line.to_owned()))));
    records.push(Record::Exit(exit));
    records
}

pub(super) fn fold(records: &[Record]) -> Vec<Step> {
    let mut dialogue = Dialogue::new();
    records.iter().flat_map(|record| dialogue.read(record)).collect()
}

pub(super) fn play(name: &str) -> Vec<Step> {
    fold(&records(name))
}

/// The ends of the turns, in order.
pub(super) fn ends(steps: &[Step]) -> Vec<TurnEnd> {
    let ends = steps.iter().filter_map(|step| match step {
        Step::Event(TurnEvent::Ended(end)) => Some(end.clone()),
        _ => None,
    });
    ends.collect()
}

/// What would stand in the channel: confirmed blocks, and what streams after the last.
pub(super) fn text(steps: &[Step]) -> String {
    let (mut confirmed, mut streams) = (String::new(), String::new());
    for step in steps {
        match step {
            Step::Event(TurnEvent::TextDelta(delta)) => streams.push_str(delta),
            Step::Event(TurnEvent::TextDropped) => streams.clear(),
            Step::Event(TurnEvent::Text(text)) => {
                streams.clear();
                confirmed.push_str(text);
            }
            _ => {}
        }
    }
    confirmed + &streams
}

/// One line for each step; deltas in a row are one.
pub(super) fn story(steps: &[Step]) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut streams = false;
    for step in steps {
        if let Step::Event(TurnEvent::TextDelta(delta)) = step {
            if !streams {
                lines.push("  TextDelta ".to_owned());
            }
            lines.last_mut().unwrap().push_str(&delta.escape_debug().to_string());
            streams = true;
            continue;
        }
        streams = false;
        lines.push(match step {
            Step::Event(event) => format!("  {event:?}"),
            Step::Info(info) => format!(
                "Info {} models, {} commands, logged in: {}, {:?}",
                info.models.len(),
                info.commands.len(),
                info.logged_in,
                info.credentials
            ),
            other => format!("{other:?}"),
        });
    }
    let cut = lines.into_iter().map(|line| {
        if line.chars().count() > 300 { line.chars().take(300).collect::<String>() + " …" } else { line }
    });
    cut.collect::<Vec<_>>().join("\n")
}

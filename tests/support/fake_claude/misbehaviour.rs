//! Everything that a well-behaved CLI does not do.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use switchboard::playground::assistant::{Cut, Turn};

use crate::texts;

/// Never comes back, and hears neither interrupt nor SIGINT. SIGTERM ends it, unless that is ignored as well.
pub fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

/// Talks for ever, and hears neither interrupt nor SIGINT.
pub fn babble(turn: &Turn<'_>) -> ! {
    turn.speaker.stream_event(json!({
        "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" },
    }));
    loop {
        turn.speaker.stream_event(json!({
            "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "and on " },
        }));
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Dies in the middle of a text, and of a line: `exit,n` with a code, `kill,n` of a signal.
pub fn cut(turn: &mut Turn<'_>, how: &str) -> Result<(), Cut> {
    let (how, number) = how.split_once(',').expect("[[cut:exit,n]] or [[cut:kill,n]]");
    let number = number.parse().expect("a number");
    let speaker = turn.speaker.clone();
    let end = std::iter::once_with(|| {
        speaker.raw(br#"{"type":"stream_event","event":{"type":"content_block_delta","index":0,"del"#);
        if how == "kill" { kill_self(number) } else { std::process::exit(number) }
    });
    turn.stream(["and ".to_owned(), "then ".to_owned()].into_iter().chain(end), Duration::ZERO)
}

/// Dies of a signal.
pub fn kill_self(signal: i32) -> ! {
    let signal = Signal::try_from(signal).expect("[[kill:n]] takes a signal's number");
    loop {
        // Rust takes the first SIGSEGV for a fault of its own, and then lets go of it.
        kill(Pid::this(), signal).expect("a process may signal itself");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// This many bytes on stderr, in lines.
pub fn stderr(bytes: usize) {
    let mut text = "something went wrong somewhere, and here is a lot about it\n".repeat(bytes / 59 + 1);
    text.truncate(bytes);
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// One line of at least this many bytes: an event that no host knows.
pub fn long_line(turn: &Turn<'_>, bytes: usize) {
    turn.speaker.event(json!({ "type": "fake_padding", "padding": "x".repeat(bytes) }));
}

/// Lines that are no events: not UTF-8, NUL, cut JSON, words, nothing, a number, an unknown type.
pub fn garbage(turn: &Turn<'_>) {
    turn.speaker.raw(b"\xff\xfe\x80 not UTF-8\n");
    turn.speaker.raw(b"a NUL \0 in the middle\n");
    turn.speaker.raw(b"{\"type\":\"assistant\",\"message\":{\"content\":[{\"ty\n");
    turn.speaker.raw(b"words\n\n42\nnull\n[]\n{}\n");
    turn.speaker.event(json!({ "type": "something_new", "subtype": 7 }));
}

/// A text whose line is written in two halves, cut within a character.
pub fn split_utf8(turn: &mut Turn<'_>) -> Result<(), Cut> {
    let session = turn.speaker.facts().session;
    let line = json!({
        "type": "assistant", "session_id": session, "uuid": uuid::Uuid::new_v4(), "parent_tool_use_id": null,
        "message": { "id": "msg_split", "type": "message", "role": "assistant", "model": "claude-fake-1",
                     "content": [{ "type": "text", "text": texts::MULTIBYTE }] },
    });
    let line = format!("{line}\n").into_bytes();
    let middle = line.iter().position(|byte| *byte >= 0x80).expect("the text has long characters") + 1;
    turn.speaker.raw(&line[..middle]);
    turn.pause(Duration::from_millis(30))?;
    turn.speaker.raw(&line[middle..]);
    Ok(())
}

/// Children that outlive the turn, every second one in a session of its own, half of either holding stdout. Says their
/// process ids.
pub fn fork(turn: &mut Turn<'_>, count: usize) -> Result<(), Cut> {
    let stdout = |child| if child % 4 < 2 { Stdio::null() } else { Stdio::inherit() };
    let pids: Vec<String> =
        (0..count).map(|child| sleeper(child % 2 == 1, stdout(child)).id().to_string()).collect();
    turn.say(&format!("children: {}", pids.join(" ")))
}

/// A child in a session of its own that keeps stdout open.
pub fn hold_stdout() {
    drop(sleeper(true, Stdio::inherit()));
}

fn sleeper(own_session: bool, stdout: Stdio) -> Child {
    let mut command = Command::new(if own_session { "setsid" } else { "sleep" });
    if own_session {
        command.arg("sleep");
    }
    command.arg("300").stdin(Stdio::null()).stdout(stdout).stderr(Stdio::null());
    command.spawn().expect("sleep and setsid are there")
}

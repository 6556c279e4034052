//! What the fake was made to do, for the test: a JSON line per start, per prompt, per mark, and per answer to
//! what it asked.

use std::fs::OpenOptions;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// The process started.
pub fn start(words: &[String]) {
    let after = |flag: &str| words.iter().skip_while(|word| *word != flag).nth(1);
    let session = after("--resume").or_else(|| after("--session-id"));
    append(&json!({
        "event": "start", "pid": std::process::id(), "argv": words, "session": session,
        "cwd": std::env::current_dir().unwrap_or_default(),
    }));
}

/// A turn began. The uuid is the host's key of its prompt.
pub fn prompt(session: &str, uuid: Option<&str>, text: &str) {
    let (pid, at_us) = (std::process::id(), now_us());
    append(
        &json!({ "event": "prompt", "pid": pid, "session": session, "uuid": uuid, "text": text, "at_us": at_us }),
    );
}

/// A turn came to this mark.
pub fn stamp(name: &str) {
    let at_us = now_us();
    append(&json!({ "event": "stamp", "name": name, "at_us": at_us }));
}

/// The host told whether this may be done.
pub fn told(question: &str, wanted: &Value, allowed: bool) {
    let pid = std::process::id();
    append(
        &json!({ "event": "told", "pid": pid, "question": question, "wanted": wanted, "allowed": allowed }),
    );
}

/// Microseconds since the epoch, to be compared with what others saw.
#[expect(clippy::disallowed_methods, reason = "a process of its own, whose clock is this one")]
pub fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

fn append(line: &Value) {
    if let Some(path) = std::env::var_os("FAKE_CLAUDE_LOG") {
        let file = OpenOptions::new().create(true).append(true).open(path);
        file.expect("the log can be opened").write_all(format!("{line}\n").as_bytes()).expect("and written");
    }
}

//! Drives a CLI (the fake, the demo assistant, the real one) over its pipes, without anything of ours in between.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// Nothing takes this long; a test that waits longer is stuck, and says on what.
const STUCK: Duration = Duration::from_mins(5);

/// The flags that a host gives for a long-lived process.
pub const STREAM: [&str; 10] = [
    "-p",
    "--input-format",
    "stream-json",
    "--output-format",
    "stream-json",
    "--verbose",
    "--include-partial-messages",
    "--permission-prompt-tool",
    "stdio",
    "--replay-user-messages",
];

/// The fake CLI, as cargo built it beside this test.
pub fn fake_claude() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a file");
    let profile = test.parent().and_then(|deps| deps.parent()).expect("target/<profile>/deps");
    let program = profile.join("examples").join("fake_claude");
    assert!(
        program.exists(),
        "{} is missing: `cargo test` builds it, `cargo test --test it` does not; run `cargo build --example fake_claude`",
        program.display()
    );
    program
}

/// A running CLI.
#[derive(Debug)]
pub struct Cli {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Vec<u8>>,
}

impl Cli {
    /// Starts a program whose command line is ready, with pipes for stdin and stdout.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe was asked for"));
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.split(b'\n') {
                let Ok(line) = line else { break };
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        let stdin = child.stdin.take();
        Self { child, stdin, lines }
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line to its stdin.
    pub fn write(&mut self, line: &Value) {
        let stdin = self.stdin.as_mut().expect("stdin was not closed");
        stdin.write_all(format!("{line}\n").as_bytes()).expect("it still reads");
    }

    /// Writes a prompt.
    pub fn prompt(&mut self, text: &str) {
        self.write(&json!({ "type": "user", "message": { "role": "user", "content": text },
                            "parent_tool_use_id": null, "session_id": "" }));
    }

    /// Writes a control request.
    pub fn control(&mut self, request_id: &str, request: &Value) {
        self.write(&json!({ "type": "control_request", "request_id": request_id, "request": request }));
    }

    /// Closes its stdin.
    pub fn close(&mut self) {
        self.stdin = None;
    }

    /// The next line on stdout, as bytes; `None` at the end.
    pub fn raw_line(&mut self) -> Option<Vec<u8>> {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
        match self.lines.recv_timeout(STUCK) {
            Ok(line) => Some(line),
            Err(Disconnected) => None,
            Err(Timeout) => panic!("no line for {STUCK:?}"),
        }
    }

    /// The next line that is JSON.
    pub fn line(&mut self) -> Option<Value> {
        loop {
            if let Ok(value) = serde_json::from_slice(&self.raw_line()?) {
                return Some(value);
            }
        }
    }

    /// Reads up to the first line that is wanted, and gives all of them.
    pub fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut lines = Vec::new();
        while let Some(line) = self.line() {
            let found = wanted(&line);
            lines.push(line);
            if found {
                return lines;
            }
        }
        panic!("it ended before the wanted line came; it said {lines:#?}");
    }

    /// Reads up to the turn's result, which is the last of the lines.
    pub fn turn(&mut self) -> Vec<Value> {
        self.until(|line| line["type"] == "result")
    }

    /// Writes a prompt and gives its result.
    pub fn ask(&mut self, text: &str) -> Value {
        self.prompt(text);
        self.turn().pop().expect("a turn has a result")
    }

    /// Waits for its end; what it says until then is dropped.
    pub fn exit(mut self) -> ExitStatus {
        self.close();
        while self.raw_line().is_some() {}
        self.child.wait().expect("it is our child")
    }
}

impl Drop for Cli {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The text of all deltas among the lines.
pub fn streamed(lines: &[Value]) -> String {
    lines.iter().filter_map(|line| line["event"]["delta"]["text"].as_str()).collect()
}

/// The lines of a type.
pub fn of_type<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == kind).collect()
}

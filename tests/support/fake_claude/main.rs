//! A stand-in for the `claude` CLI that does what the prompt tells it: it plays recordings, runs tools, asks, and
//! misbehaves. Same command line, same protocol (`switchboard::playground::assistant`); `script.rs` lists the
//! directives.
//!
//! Environment: `FAKE_CLAUDE_LOG` names a file that gets a JSON line per start and per prompt; `FAKE_CLAUDE_TRACES`
//! the directory of the recordings (default: `tests/traces` of this repository).

#![expect(clippy::print_stderr, reason = "a command-line program in a test's hands")]

use std::process::ExitCode;

use switchboard::playground::assistant::{House, serve};

#[path = "../directives.rs"]
mod directives;
mod log;
mod misbehaviour;
mod questions;
mod script;
mod texts;
mod tools;
mod traces;

static HOUSE: House = House {
    state_dir: ".fake-claude",
    model: "claude-fake-1",
    provider: "firstParty",
    models: &[
        ("default", "claude-fake-1", "Default (recommended)"),
        ("opus", "claude-opus-4-8", "Opus"),
        ("sonnet", "claude-sonnet-5", "Sonnet"),
        ("haiku", "claude-haiku-4-5-20251001", "Haiku"),
    ],
    commands: &[("review", "Review a pull request"), ("init", "Write a CLAUDE.md")],
    refuses_root: true,
};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    log::start(&words);
    serve(&words, &HOUSE, &mut script::Script::default())
}

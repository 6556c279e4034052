//! Everything known about the Claude Code CLI, and only here.
//!
//! The CLI runs as `claude -p` with stream-json in both directions. [`launch`] says how it is started, [`wire`] what its
//! lines look like, [`dialogue`] what they mean, [`prompt_text`] what people may say to it, and [`probe`] whether it is
//! there at all. Nothing here but [`probe`] does IO.
//!
//! A new kind of line: a variant in `wire/incoming.rs`, an arm in `dialogue.rs`, a trace in `tests/traces`, a snapshot.

mod wire;

mod asks;
mod tools;

pub mod dialogue;

pub mod hook;
pub mod launch;
pub mod prompt_text;
pub mod tuning;

pub mod probe;

pub use dialogue::{CliInfo, Command, Dialogue, Model, Step};
pub use launch::{Session, Settings};
pub use prompt_text::{Commands, prompt_text};
pub use tools::tool_of;
pub use tuning::Tuning;
pub use wire::outgoing::{
    answer_line, cancel_line, end_session_line, initialize_line, interrupt_line, set_effort_line,
    set_model_line, set_permission_mode_line, steer_line, user_line,
};

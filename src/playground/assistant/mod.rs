//! A stand-in for the `claude` CLI that speaks its stream-json: the demo assistant of the playground, for machines
//! without the CLI. Nothing here calls a model.
//!
//! The protocol (flags, turns, questions, steering, sessions) is kept apart from what is said: an [`Assistant`] says
//! things, [`serve`] does the rest. The tests' fake CLI is a second assistant on the same ground, so that the demo and
//! the tests agree on how the CLI behaves.

use std::process::ExitCode;

pub mod flags;
pub mod inbox;
pub mod message;
pub mod sessions;
pub mod speaker;
pub mod turn;

mod control;
mod demo;
mod serve;

pub use inbox::{Cut, Finished};
pub use serve::serve;
pub use turn::{Ending, Hooked, Turn, Verdict};

/// The version of the CLI whose behaviour is spoken here.
pub const VERSION: &str = "2.1.197";

/// Somebody who answers prompts.
pub trait Assistant {
    /// Answers a prompt: says things on the turn. Giving back [`Cut`] is how an interrupted turn ends.
    fn answer(&mut self, turn: &mut Turn<'_>, prompt: &str) -> Result<(), Cut>;

    /// Says something because a background task is done.
    fn resume_after(&mut self, turn: &mut Turn<'_>, finished: &Finished) -> Result<(), Cut> {
        turn.say(&format!("The background task is done: {}", finished.description))
    }

    /// A turn's result is out.
    fn after_result(&mut self) {}
}

/// What an assistant's process is like, besides what it says.
#[derive(Debug, Clone)]
pub struct House {
    /// The directory for sessions, below `CLAUDE_CONFIG_DIR` or `HOME`.
    pub state_dir: &'static str,
    /// The model that `init` names, unless `--model` says otherwise.
    pub model: &'static str,
    /// The API's provider, as `initialize` tells it.
    pub provider: &'static str,
    /// Models to choose from: value, resolved name, display name.
    pub models: &'static [(&'static str, &'static str, &'static str)],
    /// Slash commands: name, description.
    pub commands: &'static [(&'static str, &'static str)],
    /// Whether root is refused in `bypassPermissions`, as the CLI does because it runs commands.
    pub refuses_root: bool,
}

/// The internal subcommand `demo-assistant`: `args` are the words after it, in the style of the CLI's flags.
pub fn run(args: &[String]) -> ExitCode {
    serve(args, &demo::HOUSE, &mut demo::Demo::from_env())
}

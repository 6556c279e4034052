//! What reading a record gives.

use super::info::CliInfo;
use crate::domain::event::{Failure, TurnEvent};
use crate::domain::ids::{PromptId, SessionId};
use crate::domain::ruling::Ruling;
use crate::runner::Stopping;

/// What a record means.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A turn began. `None`: the CLI began it by itself, because a background task is over or asks something.
    TurnBegan {
        /// The prompt that it is for.
        prompt: Option<PromptId>,
    },
    /// Something happened in the turn in progress.
    Event(TurnEvent),
    /// The running turn took this prompt in: it gets no turn of its own.
    Absorbed {
        /// The prompt.
        prompt: PromptId,
    },
    /// The CLI has had this prompt before and drops it. If a turn had begun for it, its end is the next step.
    AlreadyKnown {
        /// The prompt.
        prompt: PromptId,
    },
    /// The CLI took the prompt off its queue, as asked for.
    Cancelled {
        /// The prompt.
        prompt: PromptId,
    },
    /// The use of a tool was decided on, and nobody was asked.
    Ruled(Ruling),
    /// An answer to an ask of this turn was written to the CLI.
    AskAnswered {
        /// The request id of the ask.
        request: String,
        /// Whether the answer allows.
        allowed: bool,
    },
    /// The answer to `initialize`.
    Info(CliInfo),
    /// The session is this one from now on. Also said for the first one.
    SessionChanged(SessionId),
    /// A control request of ours was done.
    ControlDone {
        /// Its id.
        request: String,
        /// What it was (`interrupt`, `set_model` …).
        kind: String,
    },
    /// A control request of ours was refused.
    ControlFailed {
        /// Its id.
        request: String,
        /// What it was.
        kind: String,
        /// The CLI's words, for the log.
        error: String,
    },
    /// Something that the CLI said is missing: nobody knows what it was.
    Gap,
    /// The turn in progress was told to stop, by this daemon or by one before it.
    Interrupted {
        /// The id of that request.
        request: String,
    },
    /// The process is being stopped.
    Stopping(Stopping),
    /// A line without a meaning to us, for the log and the count.
    Ignored {
        /// Its kind, as far as it has one.
        kind: String,
        /// Why.
        why: String,
    },
    /// The process is over: the last step.
    Exited {
        /// Why, unless it exited as it should.
        failure: Option<Failure>,
        /// Prompts that were written to it and never begun.
        unserved: Vec<PromptId>,
    },
}

//! What happens to a conversation.

use super::{Attached, Called, Given};
use crate::claude::Tuning;
use crate::conversation::account::Hold;
use crate::domain::answer::Draft;
use crate::domain::event::Failure;
use crate::domain::ids::{AskId, ProcessId, PromptId, TurnId};
use crate::domain::prompt::{Attachment, Prompt, Wish};
use crate::render::view::WaitsFor;
use crate::runner::Recorded;

/// What happens to a conversation.
#[derive(Debug)]
pub enum Input {
    /// A prompt was accepted: it is stored.
    Submit(Prompt),
    /// A prompt that waited under an earlier daemon to be one turn with others is taken up, after those before it.
    Rejoin {
        /// The prompt.
        prompt: Prompt,
        /// The turn that it was to be part of.
        turn: TurnId,
    },
    /// The conversation has a place among the running turns.
    Place(Fresh),
    /// There is a place, and the author of the prompt may not have it run any more.
    Barred,
    /// A prompt was to be told to the running turn, and its author may not have it run any more: nothing was told.
    NotTold(PromptId),
    /// The same, where it cannot be known just now whether they may.
    WaitsInstead(PromptId),
    /// Why nothing may begin for now, if so; of interest to a turn that waits.
    Held(Option<Hold>),
    /// Somebody chose another model, mode or effort: these are wanted now.
    Tune(Tuning),
    /// These are wanted now, and the process counts as having them.
    CountsAs(Tuning),
    /// What a turn waits for that may begin, or how many come before it.
    Waits(WaitsFor),
    /// There was no room for the turn's process, for as long as anybody waits.
    NoRoom,
    /// Somebody is about to ask for something; these are the present settings.
    Announced(Fresh),
    /// The same, and there is room for a process that nobody waits for yet.
    Prestart(Fresh),
    /// The process is to go, if it has nothing to do: others need the room.
    MakeRoom,
    /// The process runs.
    Launched,
    /// The process could not be started at all.
    LaunchFailed(Failure),
    /// A process that was started by an earlier daemon is attached to again.
    Attached(Attached),
    /// Something was recorded at the process.
    Recorded(Recorded),
    /// Everything that was recorded before the daemon attached has been read.
    CaughtUp,
    /// It is known who is called to answer this request of the CLI's.
    Called {
        /// The CLI's id of the request.
        request: String,
        /// Who.
        called: Called,
    },
    /// Somebody answered an ask, first of all, and it is stored.
    Given {
        /// Which.
        ask: AskId,
        /// What.
        given: Given,
    },
    /// Somebody chose something that is not the whole answer yet, and it is stored.
    Drafted {
        /// Which.
        ask: AskId,
        /// What was chosen so far.
        draft: Draft,
    },
    /// The card of an ask could not be posted.
    Unseen(AskId),
    /// Somebody wants the running turn stopped.
    Stop,
    /// Somebody says otherwise what they asked for; it is stored.
    Edited {
        /// Which prompt.
        prompt: PromptId,
        /// What it says now.
        text: String,
        /// The files that it has now.
        attachments: Vec<Attachment>,
    },
    /// Somebody wants something else to become of a prompt that waits; it is stored.
    Wish {
        /// Which.
        prompt: PromptId,
        /// What.
        wish: Wish,
    },
    /// A prompt that waits is taken back. It is stored, unless a process was told of it.
    Withdraw {
        /// Which.
        prompt: PromptId,
        /// Whether its message is gone, so that nothing is to be seen there.
        gone: bool,
    },
    /// A prompt does not wait any more, and an earlier daemon did not live to show it.
    Unqueued {
        /// Which.
        prompt: Prompt,
        /// Why it was refused; none: somebody took it back.
        refused_because: Option<String>,
    },
    /// Somebody wants the conversation to begin anew: what runs is stopped, the process ends.
    Reset,
    /// Time passed.
    Tick,
}

/// What is made or looked up outside for a turn that is about to begin.
#[derive(Debug, Clone)]
pub struct Fresh {
    /// The id of the process, if the turn needs a new one.
    pub process: ProcessId,
    /// What the launch would be by the present settings: a process with another one is replaced.
    pub fingerprint: String,
    /// Model, mode and effort by the present settings: a process is told what is different.
    pub tuning: Tuning,
    /// The permission mode that the project has, where nobody chooses another.
    pub usual_mode: &'static str,
}

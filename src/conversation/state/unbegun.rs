//! Prompts that end before a turn began for them: taken back, or refused after all. What shows so is a turn that is in no
//! table; the prompt's row has its key until people see it.

use super::{Effect, State, Turn};
use crate::clock::{Moment, WallTime};
use crate::domain::event::{Failure, TurnEnd};
use crate::domain::ids::{PromptId, TurnId};
use crate::domain::prompt::Prompt;

/// Why prompts are refused that were taken before, in words for people.
const REFUSALS: [(Failure, &str); 2] = [
    (
        Failure::NotAllowed,
        "when its turn came, its author was not among the people of this project any more.",
    ),
    (Failure::NoMemory, "this machine had too little memory left for Claude Code, for several minutes."),
];

impl State {
    /// Its message says so, if it is there.
    pub(super) fn withdrawn(&mut self, prompt: Prompt, gone: bool, now: Moment, wall: WallTime) {
        let turn = Turn::unbegun(prompt, TurnEnd::Interrupted, now, wall);
        self.remember(&turn);
        if !gone {
            self.ended.push(turn);
        }
    }

    /// Its turn ended before it began.
    pub(super) fn unqueued(&mut self, prompt: Prompt, end: TurnEnd, now: Moment, wall: WallTime) {
        let turn = Turn::unbegun(prompt, end, now, wall);
        self.remember(&turn);
        self.ended.push(turn);
    }
}

/// What is stored of a prompt that ends like this before its turn began.
pub(super) fn not_run(prompt: PromptId, turn: TurnId, end: &TurnEnd) -> Effect {
    let refused = REFUSALS.iter().find(|(failure, _)| *end == TurnEnd::Failed(failure.clone()));
    match refused {
        Some((_, why)) => Effect::Refuse { prompt, turn, why },
        None => Effect::Withdraw { prompt, turn },
    }
}

/// The end of a prompt that was refused for this reason; what an earlier version said of it is about its author.
pub(super) fn refused_for(why: &str) -> TurnEnd {
    let known = REFUSALS.iter().find(|(_, words)| *words == why);
    TurnEnd::Failed(known.map_or(Failure::NotAllowed, |(failure, _)| failure.clone()))
}

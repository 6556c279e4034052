//! Model, permission mode and effort of a process: told to it while it runs, confirmed by it or not.

use std::time::Duration;

use super::{Effect, Process, Readiness, Stage, State};
use crate::claude::Tuning;
use crate::clock::Moment;

/// How long the CLI gets to confirm; it does within milliseconds, also while a turn runs.
const CONFIRM_MAX: Duration = Duration::from_secs(30);

/// The mode in which plans are made, in the CLI's word.
pub(super) const PLAN: &str = "plan";

/// What became of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tuned {
    /// The CLI confirmed it: it holds from its next call of the API on.
    Live,
    /// It holds from the next prompt on: there is no process, or only another one can have it.
    Later,
    /// The CLI refused it, so another process gets it with the next prompt.
    Refused,
    /// The CLI did not answer, so another process gets it with the next prompt.
    Silent,
}

/// What a process was told, and what it said to that.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// What it was told last, all in all.
    pub tuning: Tuning,
    /// Requests without an answer.
    unconfirmed: Vec<String>,
    /// When the last of them was written.
    at: Moment,
    /// How often it was told something, so that no two requests have one id.
    count: u32,
    /// Whether only another process can have what is wanted.
    unfit: bool,
}

impl Told {
    /// A process that was launched with this.
    pub fn at_launch(tuning: Tuning) -> Self {
        Self { tuning, ..Self::default() }
    }

    fn is_silent(&self, now: Moment) -> bool {
        !self.unconfirmed.is_empty() && now.since(self.at) >= CONFIRM_MAX
    }

    /// When it has to have answered.
    pub fn due(&self) -> Option<Moment> {
        (!self.unconfirmed.is_empty()).then(|| self.at.after(CONFIRM_MAX))
    }
}

impl Process {
    /// Whether it can come to have this tuning.
    pub fn can_have(&self, wanted: &Tuning, now: Moment) -> bool {
        !self.told.unfit && !self.told.is_silent(now) && self.told.tuning.changes(wanted, "").is_some()
    }

    /// Whether it was to plan, and said that it does so no more: its plan was approved.
    pub fn left_plan(&self) -> bool {
        self.told.tuning.is_plan() && self.dialogue.mode().is_some_and(|mode| mode != PLAN)
    }

    /// Tells it what is different, if anything.
    pub fn tell(&mut self, wanted: &Tuning, now: Moment, effects: &mut Vec<Effect>) {
        if self.told.tuning == *wanted {
            return;
        }
        let told = &mut self.told;
        told.count += 1;
        let changes = told.tuning.changes(wanted, &format!("tune-{}-{}", self.read_to.0, told.count));
        told.unfit |= changes.is_none();
        told.tuning = wanted.clone();
        let changes = changes.unwrap_or_default();
        if changes.is_empty() {
            return;
        }
        told.at = now;
        told.unconfirmed.extend(changes.iter().map(|change| change.request.clone()));
        effects.push(Effect::Tune {
            process: self.id,
            tuning: wanted.clone(),
            lines: changes.into_iter().map(|change| change.line).collect(),
        });
    }
}

impl State {
    /// Somebody chose: what runs is told at once.
    pub(super) fn tune(&mut self, wanted: &Tuning, now: Moment, effects: &mut Vec<Effect>) {
        if let Some(turn) = &mut self.turn
            && let Stage::Replacing(fresh) = &mut turn.stage
        {
            fresh.tuning = wanted.clone();
        }
        let ready = self.process.as_mut().filter(|process| process.readiness == Readiness::Ready);
        let Some(process) = ready else {
            effects.push(Effect::Tuned(Tuned::Later));
            return;
        };
        process.tell(wanted, now, effects);
        if process.told.unfit {
            effects.push(Effect::Tuned(Tuned::Later));
        } else if process.told.unconfirmed.is_empty() {
            effects.push(Effect::Tuned(Tuned::Live));
        }
    }

    /// What is chosen changed by itself, and the process does not need to hear of it.
    pub(super) fn counts_as(&mut self, tuning: Tuning, effects: &mut Vec<Effect>) {
        let Some(process) = &mut self.process else { return };
        process.told.tuning = tuning.clone();
        effects.push(Effect::Tune { process: process.id, tuning, lines: Vec::new() });
    }

    /// The CLI answered a request of ours.
    pub(super) fn confirmed(&mut self, request: &str, done: bool, effects: &mut Vec<Effect>) {
        let Some(process) = &mut self.process else { return };
        let told = &mut process.told;
        let Some(index) = told.unconfirmed.iter().position(|known| known == request) else { return };
        told.unconfirmed.remove(index);
        told.unfit |= !done;
        if told.unconfirmed.is_empty() {
            effects.push(Effect::Tuned(if told.unfit { Tuned::Refused } else { Tuned::Live }));
        }
    }

    /// The CLI does not answer: it is replaced when the next turn begins.
    pub(super) fn give_up_on_silence(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let Some(process) = self.process.as_mut().filter(|process| process.told.is_silent(now)) else {
            return;
        };
        process.told.unconfirmed.clear();
        process.told.unfit = true;
        effects.push(Effect::Tuned(Tuned::Silent));
    }

    /// Nobody will answer any more: the process is over.
    pub(super) fn unanswered(process: &Process, effects: &mut Vec<Effect>) {
        if !process.told.unconfirmed.is_empty() {
            effects.push(Effect::Tuned(Tuned::Later));
        }
    }
}

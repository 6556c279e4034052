//! A process of an earlier daemon, and the turns that the store knows of it.

use std::time::Duration;

use super::turn::is_asked;
use super::{Effect, Given, Process, Readiness, State, Turn};
use crate::claude::Tuning;
use crate::clock::WallTime;
use crate::domain::answer::Draft;
use crate::domain::event::{Carried, Failure, TurnEnd};
use crate::domain::ids::{ProcessId, PromptId, TurnId};
use crate::domain::prompt::Prompt;

/// A process of an earlier daemon.
#[derive(Debug, Clone)]
pub struct Attached {
    /// The process.
    pub process: ProcessId,
    /// How it was launched.
    pub fingerprint: String,
    /// What it was told last of model, mode and effort.
    pub tuning: Tuning,
    /// The permission mode that the project has, where nobody chooses another.
    pub usual_mode: &'static str,
    /// Its turns that the store knows, with their prompts.
    pub turns: Vec<KnownTurn>,
    /// What was said to its asks.
    pub given: Vec<Given>,
    /// When those of its asks came that wait, by the CLI's id of the request: the clock may have been set since.
    pub asked: Vec<(String, WallTime)>,
    /// What was chosen so far of its asks, by the same.
    pub drafts: Vec<(String, Draft)>,
    /// The prompts that it was told of while a turn ran.
    pub steered: Vec<Prompt>,
}

/// A turn that the store knows.
#[derive(Debug, Clone)]
pub struct KnownTurn {
    /// The turn.
    pub id: TurnId,
    /// Its prompt; none where the CLI began it by itself.
    pub prompt: Option<Prompt>,
    /// The prompts that this one is joined from; itself, if it stands alone.
    pub parts: Vec<Prompt>,
    /// When it began.
    pub started_at: WallTime,
    /// Whether its end was shown.
    pub delivered: bool,
    /// Its end, if that is stored.
    pub end: Option<TurnEnd>,
    /// Whether it is known to have changed something, perhaps.
    pub side_effects: bool,
    /// For how long it ran before this daemon came, with what it waited.
    pub ran: Duration,
    /// For how long of that it waited for people.
    pub waited: Duration,
    /// What happened before its present attempt.
    pub carried: Carried,
    /// Which attempt it is, from 1.
    pub attempt: u32,
}

impl KnownTurn {
    /// Whether a process that is told this id works on it.
    pub fn is_for(&self, id: PromptId, process: ProcessId) -> bool {
        self.prompt.as_ref().is_some_and(|own| is_asked(own.id, self.attempt, process, id))
    }
}

impl State {
    /// After a restart: a turn that the store knows and the spool does not was never given to the CLI.
    pub(super) fn caught_up(&mut self, at: WallTime, effects: &mut Vec<Effect>) {
        let Some(process) = self.process.as_mut().filter(|process| !process.is_closing()) else { return };
        let first_time = process.readiness == Readiness::Starting;
        if first_time && process.left_plan() {
            if process.has_planned {
                effects.push(Effect::LeftPlan);
            } else {
                // It was never heard: the daemon that wrote it died before it reached the process.
                process.told.tuning = process.told.tuning.clone().unplanned();
            }
        }
        let untold = process.take_all_known(|known| known.end.is_some() && !known.delivered);
        self.end_untold(untold, at, effects);
        let Some(process) = &mut self.process else { return };
        process.readiness = Readiness::Ready;
        if let Some(known) = process.take_known(|known| known.end.is_none() && known.prompt.is_some()) {
            let mut turn = Turn::known(known, process.attached_at);
            process.shows_in(&mut turn);
            process.asker = turn.asker();
            let attempt = turn.attempt;
            let id = process.id;
            let unwritten = turn.prompt.iter().filter(|prompt| {
                let ids = [prompt.id, prompt.id.in_attempt(attempt), prompt.id.steered_into(id)];
                !ids.iter().any(|id| process.dialogue.is_waiting(*id))
            });
            effects.extend(unwritten.map(|prompt| Effect::Deliver { prompt: prompt.clone(), attempt }));
            // What the CLI began by itself comes first.
            let next = if self.turn.is_some() { &mut self.held } else { &mut self.turn };
            *next = Some(turn);
        } else if self.turn.is_none() {
            process.idle_since = Some(process.attached_at);
        }
        if first_time {
            self.steer_again(effects);
        }
        self.answer_again(effects);
    }

    /// Turns that the store knows and that no record tells of, at the end of their process: their spool is gone.
    pub(super) fn end_forgotten(&mut self, process: &mut Process, at: WallTime, effects: &mut Vec<Effect>) {
        let forgotten = process.take_all_known(|known| known.end.is_none() || !known.delivered);
        self.end_untold(forgotten, at, effects);
    }

    /// Turns that no record tells of: one that had ended is shown as far as its end tells; one that had not is over.
    fn end_untold(&mut self, turns: Vec<Turn>, at: WallTime, effects: &mut Vec<Effect>) {
        for turn in turns {
            let end = turn.failed(Failure::Lost);
            let others = self.turn.replace(turn);
            let held = std::mem::replace(&mut self.held, others);
            self.finish(end, at, effects);
            self.held = held;
        }
    }
}

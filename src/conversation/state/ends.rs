//! How a turn ends, or that it goes on: in another process, in a new session.

use super::{ATTEMPTS_MAX, Effect, Process, Stage, State, Turn};
use crate::clock::{Moment, WallTime};
use crate::domain::event::{Failure, TurnEnd, TurnEvent};
use crate::runner::Position;

impl Turn {
    /// Whether it can go on in a new session after this failure: once, and not if somebody stopped it.
    pub fn needs_new_session(&self, failure: &Failure) -> bool {
        matches!(failure, Failure::SessionNotFound | Failure::SessionInUse)
            && !self.session_lost
            && self.stored_end.is_none()
            && self.stop.is_none()
            && self.prompt.is_some()
    }

    /// Whether it is begun again after the death of its process: what had not changed anything yet is, a few times.
    pub fn may_go_again(&self, failure: &Failure) -> bool {
        failure.is_death()
            && *failure != Failure::DiskFull
            && self.attempt.saturating_sub(self.carried.held) < ATTEMPTS_MAX
            && !self.side_effects
            && self.stored_end.is_none()
            && self.stop.is_none()
            && self.prompt.is_some()
    }

    /// The end of a turn that fails this way.
    pub fn failed(&self, failure: Failure) -> TurnEnd {
        if self.side_effects && failure.is_death() {
            TurnEnd::CutOff { failure }
        } else {
            TurnEnd::Failed(failure)
        }
    }
}

impl State {
    /// The dialogue says how the turn ended; why we stopped it, if we did, is the better reason.
    pub(super) fn ended(&mut self, end: TurnEnd, now: Moment, at: WallTime, effects: &mut Vec<Effect>) {
        let Some(turn) = &mut self.turn else { return };
        let done = matches!(end, TurnEnd::Completed { .. });
        if turn.again && turn.stop.is_none() && !done {
            // The process is on its way out, and another one does it.
            return;
        }
        // The process was taken for one that hangs, and did it all the same.
        turn.again = false;
        if let TurnEnd::Failed(failure) = &end
            && turn.needs_new_session(failure)
        {
            let failure = failure.clone();
            self.session_lost(&failure, at, effects);
            return;
        }
        let end = match (turn.dying.take(), end) {
            (Some(dying), TurnEnd::Interrupted) => TurnEnd::Failed(dying),
            (Some(dying), TurnEnd::Failed(failure)) if failure.is_death() => TurnEnd::Failed(dying),
            (_, end) => end,
        };
        if let TurnEnd::Failed(failure) = &end
            && turn.may_go_again(failure)
        {
            turn.again = true;
            return;
        }
        if let TurnEnd::Failed(failure) = &end
            && self.held_back(failure, now, at, effects)
        {
            return;
        }
        let Some(turn) = &mut self.turn else { return };
        let end = match (&turn.stop, end) {
            (Some(stop), TurnEnd::Interrupted | TurnEnd::CutOff { .. } | TurnEnd::Failed(_)) => {
                stop.reason.end()
            }
            (None, TurnEnd::Failed(failure)) => turn.failed(failure),
            (_, end) => end,
        };
        let stopped = turn.stop.is_some();
        self.finish(end, at, effects);
        let mut spent = false;
        if let Some(process) = &mut self.process {
            process.idle_since = Some(now);
            let long = process.read_to.0 > self.bounds.output_bytes_max;
            spent = (long || self.bounds.warm_idle.is_zero()) && process.steered.is_empty();
        }
        if stopped || spent {
            // After a stop nothing is left behind: the process goes as well, the session stays. So does one whose spool
            // has become long: the next turn would end for it.
            self.close_process(now, effects);
        }
    }

    /// The dialogue ends the turn that it knows of. One that never reached the CLI goes on with another process, unless
    /// there is a reason why that would fail as well.
    pub(super) fn exited(
        &mut self,
        failure: Option<Failure>,
        now: Moment,
        at: WallTime,
        effects: &mut Vec<Effect>,
    ) {
        let Some(turn) = self.turn.as_mut().filter(|turn| matches!(turn.stage, Stage::Running)) else {
            return;
        };
        match (&turn.stop, failure) {
            (Some(stop), _) => {
                let end = stop.reason.end();
                self.finish(end, at, effects);
            }
            // What one that was taken for hanging has begun after all is not done twice.
            (None, _) if turn.again && !(turn.began && turn.side_effects) => {}
            (None, Some(failure)) if turn.needs_new_session(&failure) => {
                self.session_lost(&failure, at, effects);
            }
            (None, failure) => {
                let failure = match (turn.dying.take(), failure) {
                    (Some(dying), None) => dying,
                    (Some(dying), Some(failure)) if failure.is_death() => dying,
                    (_, failure) => failure.unwrap_or(Failure::Lost),
                };
                if turn.may_go_again(&failure) {
                    turn.again = true;
                    return;
                }
                let end = turn.failed(failure.clone());
                if !self.held_back(&failure, now, at, effects) {
                    self.finish(end, at, effects);
                }
            }
        }
    }

    /// One turn, one visible state (RELIABILITY F22): it goes on in a new session, and says so if one was lost. Where
    /// the CLI has one that it never spoke in, nothing was.
    pub(super) fn session_lost(&mut self, why: &Failure, at: WallTime, effects: &mut Vec<Effect>) {
        let Some(turn) = &mut self.turn else { return };
        turn.again = true;
        turn.began = false;
        turn.session_lost = true;
        if *why == Failure::SessionNotFound {
            turn.carried.session_lost = true;
            turn.view.apply(&TurnEvent::SessionLost, at);
            turn.changed = true;
        }
        effects.push(Effect::SessionLost);
    }

    /// The turn's process is gone before it could serve it: another one does.
    pub(super) fn again(&mut self, ended: &Process, now: Moment, effects: &mut Vec<Effect>) {
        let Some(turn) = &mut self.turn else { return };
        if let Stage::Replacing(fresh) = &turn.stage {
            let fresh = fresh.clone();
            turn.stage = Stage::Waiting;
            self.begin(fresh, now, effects);
            return;
        }
        let Some(prompt) = turn.prompt.clone().filter(|_| turn.again) else { return };
        turn.next_attempt(now);
        self.heard_in_vain(effects);
        let Some(turn) = &mut self.turn else { return };
        let process = ended.successor();
        process.shows_in(turn);
        effects.push(Effect::Begin {
            turn: turn.id,
            prompt,
            more: turn.more(),
            process: process.id,
            start: true,
            from: Position::default(),
            attempt: turn.attempt,
            carried: turn.carried,
        });
        self.process = Some(process);
    }
}

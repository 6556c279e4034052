//! Processes without a turn: started because somebody is about to ask, kept for what comes next, gone when others need the
//! room. Nothing of it is a turn, takes a place, or is seen by anybody but in how soon an answer begins.

use std::time::Duration;

use super::{Effect, Fresh, Process, Readiness, State, Turn};
use crate::clock::{Moment, WallTime};
use crate::conversation::warm::Use;
use crate::domain::event::{Failure, TurnEnd};
use crate::render::view::WaitsFor;

/// Where nobody asked after a process was started for them, none is started again before this.
const PRESTART_AGAIN: Duration = Duration::from_mins(2);

impl State {
    /// What the process does, as far as it concerns all conversations.
    pub fn does(&self) -> Use {
        let Some(process) = &self.process else { return Use::None };
        let works = self.turn.as_ref().is_some_and(Turn::is_running)
            || self.held.is_some()
            || process.dialogue.background_running() > 0
            || !process.steered.is_empty();
        match (process.readiness, process.idle_since) {
            (Readiness::Closing { .. }, _) => Use::Leaving,
            (Readiness::Ready, Some(since)) if !works => {
                Use::Idle { since: process.expected_at.map_or(since, |at| at.max(since)) }
            }
            (Readiness::Starting | Readiness::Ready, _) => Use::Busy,
        }
    }

    /// Whether the turn that has its place needs a process that is not there.
    pub fn needs_room(&self) -> bool {
        self.process.is_none() && self.turn.as_ref().is_some_and(Turn::is_waiting)
    }

    /// Whether a process may be started although nobody has asked for anything: there is none, nothing waits for one, and
    /// the last one was not in vain just now.
    pub fn may_prestart(&self, now: Moment) -> bool {
        self.is_idle()
            && self.held.is_none()
            && !self.bounds.warm_idle.is_zero()
            && self.prestarted_at.is_none_or(|at| now.since(at) >= PRESTART_AGAIN)
    }

    pub(super) fn prestart(&mut self, fresh: Fresh, now: Moment, effects: &mut Vec<Effect>) {
        if !self.may_prestart(now) {
            return;
        }
        self.prestarted_at = Some(now);
        let process = Process::unused(fresh, now);
        effects.push(Effect::Prestart(process.id));
        self.process = Some(process);
    }

    /// Somebody is about to ask. A process that will not serve them goes now, so that another one may be ready in time; one
    /// that will stays for them.
    pub(super) fn announced(&mut self, fresh: &Fresh, now: Moment, effects: &mut Vec<Effect>) {
        if !matches!(self.does(), Use::Idle { .. }) || self.turn.is_some() {
            return;
        }
        let Some(process) = &mut self.process else { return };
        if process.serves(&fresh.fingerprint) && process.can_have(&fresh.tuning, now) {
            process.expected_at = Some(now);
        } else {
            self.close_process(now, effects);
        }
    }

    pub(super) fn make_room(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if matches!(self.does(), Use::Idle { .. }) {
            self.close_process(now, effects);
        }
    }

    pub(super) fn waits_for(&mut self, what: WaitsFor) {
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.is_waiting()) else { return };
        turn.view.waits_for(what);
        turn.changed = true;
    }

    pub(super) fn no_room(&mut self, wall: WallTime, effects: &mut Vec<Effect>) {
        if self.turn.as_ref().is_some_and(Turn::is_waiting) {
            self.finish(TurnEnd::Failed(Failure::NoMemory), wall, effects);
        }
    }
}

//! Turns that fail for what is the same for every turn of the account: they wait for it to pass instead of ending.

use std::time::Duration;

use super::{Effect, Stage, State, Turn};
use crate::clock::{Moment, WallTime};
use crate::conversation::account::{Hold, News, RESET_MAX};
use crate::domain::event::{Failure, TurnEnd, TurnEvent};

/// How long a turn waits for a login or for an API that is not overloaded any more; then it fails.
const HELD_MAX: Duration = Duration::from_hours(24);

impl State {
    /// Why nothing may begin for now, shown by the turn that waits.
    pub(super) fn held_by(&mut self, hold: Option<Hold>) {
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.is_waiting()) else { return };
        turn.view.held(hold.map(|hold| (hold.why, hold.until_at)));
        turn.changed = true;
    }

    /// What an event of the turn says of the account, to whom it may concern.
    pub(super) fn hear(&mut self, event: &TurnEvent, effects: &mut Vec<Effect>) {
        let Some(turn) = &mut self.turn else { return };
        let news = match event {
            TurnEvent::RateLimit { rejected: true, resets_at_secs, .. } => {
                News::LimitReached { resets_at_secs: *resets_at_secs }
            }
            event if !turn.works && turn.is_answered(event) => {
                turn.works = true;
                News::Works
            }
            _ => return,
        };
        effects.push(Effect::Account { turn: turn.id, news });
    }

    /// The turn failed this way. True: it waits for its next attempt, in a process of its own, which reads the login
    /// anew. The failed attempt stays the stored one until then, so that a daemon which comes between reads the same
    /// failure in the spool, and tries at once.
    pub(super) fn held_back(
        &mut self,
        failure: &Failure,
        now: Moment,
        at: WallTime,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let Some(turn) = &mut self.turn else { return false };
        let Some(news) = News::of_failure(failure) else { return false };
        effects.push(Effect::Account { turn: turn.id, news });
        // Where another one waits already, what the CLI went into after that fails: there is room for one.
        if self.held.is_some() || !turn.may_wait_for(news, at) {
            return false;
        }
        turn.wait_again(now);
        self.heard_in_vain(effects);
        let Some(turn) = &mut self.turn else { return false };
        turn.view.waiting_for_place(self.bounds.running_turns_max, self.bounds.running_turns_max);
        turn.view.queued_behind(self.queue.len());
        self.leave_place(effects);
        self.ask_place(effects);
        self.close_process(now, effects);
        true
    }

    /// A turn that waited when the CLI began one by itself waits on.
    pub(super) fn wait_on(&mut self, at: WallTime, effects: &mut Vec<Effect>) {
        let placed = self.placed;
        let Some(turn) = self.turn.as_mut().filter(|turn| !turn.is_running() && !placed) else { return };
        turn.stage = Stage::Waiting;
        turn.changed = true;
        let stop = turn.stop;
        self.ask_place(effects);
        if let Some(stop) = stop {
            self.finish(stop.reason.end(), at, effects);
        }
    }
}

impl Turn {
    /// Whether only the API can have caused this. A local command of the CLI (`/cost`) completes as well, without a word
    /// of the API's and for nothing.
    fn is_answered(&self, event: &TurnEvent) -> bool {
        match event {
            TurnEvent::Text(_)
            | TurnEvent::TextDelta(_)
            | TurnEvent::Thinking
            | TurnEvent::ChangeAhead
            | TurnEvent::ToolStarted(_) => true,
            TurnEvent::Ended(TurnEnd::Completed { .. }) => {
                self.usage.output_tokens > 0 || self.usage.cost_usd > 0.0
            }
            _ => false,
        }
    }

    fn may_wait_for(&self, news: News, at: WallTime) -> bool {
        let max = match news {
            News::LimitReached { .. } => RESET_MAX,
            News::NoLogin | News::Overloaded | News::Works => HELD_MAX,
        };
        !self.side_effects
            && self.stop.is_none()
            && self.stored_end.is_none()
            && self.prompt.is_some()
            && at.since(self.started_at) < max
    }

    fn wait_again(&mut self, now: Moment) {
        // It is not the CLI that ended, so nobody is told that it began again.
        self.heard = false;
        self.carried.held = self.carried.held.saturating_add(1);
        self.next_attempt(now);
        self.stage = Stage::Waiting;
        (self.ran_before, self.waited_before) = (Duration::ZERO, Duration::ZERO);
        self.works = false;
        self.asks.clear();
    }
}

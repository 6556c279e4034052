//! What ends by itself or on request: turns at their limits, processes with nothing to do.

use std::time::Duration;

use super::{ATTEMPTS_MAX, CLOSE_GRACE, Effect, Readiness, Stage, State, StopReason};
use crate::claude::interrupt_line;
use crate::clock::{Moment, WallTime};
use crate::domain::event::Limit;

/// How long the CLI gets to end a turn after it was interrupted, before its process is stopped.
const INTERRUPT_GRACE: Duration = Duration::from_secs(5);
/// How many ticks a process that served a turn before gets to take the next prompt; it says so within milliseconds. One
/// that hangs after its result (RELIABILITY F3) never does, and nothing is lost with it. Ticks and no time: a daemon that
/// had no processor for so long has not looked.
const TAKE_TICKS: u32 = 10;

impl State {
    pub(super) fn stop(&mut self, reason: StopReason, now: Moment, at: WallTime, effects: &mut Vec<Effect>) {
        let in_background = self.in_background().is_some();
        let Some(turn) = &mut self.turn else {
            if let Some(process) = self.process.as_mut().filter(|_| in_background) {
                // All at once, with the process; the next one goes on with the session.
                process.readiness = Readiness::Closing { since: now, killed: true };
                effects.push(Effect::Kill);
            }
            return;
        };
        if turn.stop.is_some() {
            return;
        }
        turn.stop(reason, now);
        if !matches!(turn.stage, Stage::Running) {
            self.finish(reason.end(), at, effects);
            return;
        }
        match &self.process {
            Some(process) if process.dialogue.is_busy() => {
                // What it was told of meanwhile would begin right after the end (the CLI's README §6).
                effects.extend(process.steered.iter().map(super::steering::Steered::take_back));
                effects.push(Effect::Write(interrupt_line(&reason.request(turn.id))));
            }
            Some(_) => {
                turn.stop_ladder_asked();
                effects.push(Effect::Kill);
            }
            None => self.finish(reason.end(), at, effects),
        }
    }

    /// The turn was told to stop. That is known, unless an earlier daemon told it: then it is being stopped still, and has
    /// until the grace is over.
    pub(super) fn interrupted(&mut self, request: &str, now: Moment) {
        let turn = self.turn.as_mut().filter(|turn| turn.is_running() && turn.stop.is_none());
        if let Some(turn) = turn {
            turn.stop(StopReason::of_request(request, turn.id), now);
        }
    }

    pub(super) fn close_process(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let Some(process) = &mut self.process else { return };
        let busy = self.turn.as_ref().is_some_and(|turn| matches!(turn.stage, Stage::Running));
        if !process.is_closing() && !busy {
            process.readiness = Readiness::Closing { since: now, killed: false };
            effects.push(Effect::CloseInput);
        }
    }

    pub(super) fn tick(&mut self, now: Moment, wall: WallTime, effects: &mut Vec<Effect>) {
        self.give_up_on_silence(now, effects);
        let Some(turn) = &mut self.turn else {
            self.tick_process(now, effects);
            return;
        };
        turn.changed = true;
        if !matches!(turn.stage, Stage::Running) {
            self.tick_process(now, effects);
            return;
        }
        if let Some(stop) = &mut turn.stop {
            if !stop.killed && now.since(stop.at) >= INTERRUPT_GRACE {
                stop.killed = true;
                effects.push(Effect::Kill);
            }
            return;
        }
        if !turn.asks.is_empty() {
            // It is people that it waits for; an ask has a limit of its own.
            self.expire_asks(now, wall, effects);
            return;
        }
        if turn.ran(now) >= self.bounds.turn_max {
            self.stop(StopReason::Limit(Limit::Time), now, wall, effects);
            return;
        }
        let read_to = self.process.as_ref().map_or(0, |process| process.read_to.0);
        if turn.began && read_to.saturating_sub(turn.from.0) > self.bounds.output_bytes_max {
            self.stop(StopReason::Limit(Limit::Output), now, wall, effects);
            return;
        }
        turn.quiet_ticks += 1;
        let deaf = self.process.as_ref().is_some_and(|process| process.dialogue.is_deaf());
        if deaf && !turn.again && turn.attempt < ATTEMPTS_MAX && turn.quiet_ticks >= TAKE_TICKS {
            turn.again = true;
            effects.push(Effect::Kill);
            if let Some(process) = &mut self.process {
                // Also if it does it after all: nobody else is served by it.
                process.readiness = Readiness::Closing { since: now, killed: true };
            }
            return;
        }
        let quiet = self.process.as_ref().is_some_and(|process| {
            !process.dialogue.tool_running() && process.dialogue.open_asks().is_empty()
        });
        if quiet && now.since(turn.last_heard) >= self.bounds.silence_max {
            self.stop(StopReason::Limit(Limit::Silence), now, wall, effects);
        }
    }

    pub(super) fn tick_process(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let Some(process) = &mut self.process else { return };
        match &mut process.readiness {
            Readiness::Closing { since, killed } => {
                if !*killed && now.since(*since) >= CLOSE_GRACE {
                    *killed = true;
                    effects.push(Effect::Kill);
                }
            }
            Readiness::Starting | Readiness::Ready => {
                let idle = process.idle_until(self.bounds.warm_idle).is_some_and(|until| until <= now);
                if idle && process.dialogue.background_running() == 0 {
                    self.close_process(now, effects);
                }
            }
        }
    }
}

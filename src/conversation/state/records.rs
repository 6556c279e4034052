//! What was recorded at the process → what it means for the turn.

use super::turn::began_alone;
use super::{ATTEMPTS_MAX, Effect, Process, Readiness, Stage, State, Turn};
use crate::claude::{Step, answer_line};
use crate::clock::{Moment, WallTime};
use crate::domain::ask::Answer;
use crate::domain::event::{Failure, TurnEnd, TurnEvent};
use crate::domain::ids::PromptId;
use crate::runner::{Position, Record, Recorded};

/// What Claude is told while nobody can be asked.
const NOBODY_TO_ASK: &str = "Nobody can be asked from this chat yet, so this was denied. Say what you wanted to do and why, and go on \
     without it if you can.";

impl State {
    pub(super) fn recorded(&mut self, recorded: &Recorded, now: Moment, effects: &mut Vec<Effect>) {
        if matches!(recorded.record, Record::Exit(_)) {
            // Also where nothing was recorded before: a turn that never reached the process must not be forgotten.
            self.caught_up(effects);
        }
        let Some(process) = &mut self.process else { return };
        if matches!(recorded.record, Record::Exit(_)) {
            // Nothing can be asked of it any more.
            process.readiness = Readiness::Closing { since: now, killed: true };
        }
        let from = process.read_to;
        process.read_to = recorded.end;
        let steps = process.dialogue.read(&recorded.record);
        if let Some(turn) = &mut self.turn {
            turn.last_heard = now;
        }
        for step in steps {
            self.step(step, from, recorded.at, now, effects);
        }
        if let Some(process) = &mut self.process {
            effects.extend(process.dialogue.owed().into_iter().map(Effect::Write));
        }
        if let Record::Exit(exit) = &recorded.record
            && let Some(mut process) = self.process.take()
        {
            self.end_forgotten(&mut process, recorded.at, effects);
            effects.push(Effect::ProcessEnded { process: process.id, exit: exit.clone() });
            self.again(&process, now, effects);
        }
    }

    pub(super) fn step(
        &mut self,
        step: Step,
        from: Position,
        at: WallTime,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
        match step {
            Step::TurnBegan { prompt } => self.began(prompt, from, at, now, effects),
            Step::Event(event) => self.event(&event, at, now, effects),
            Step::Info(info) => effects.push(Effect::Info(info)),
            Step::SessionChanged(session) => effects.push(Effect::SessionChanged(session)),
            Step::AskAnswered { request, allowed } => self.ask_answered(&request, allowed, effects),
            Step::ControlFailed { kind, error, .. } => effects.push(Effect::Ignored { kind, why: error }),
            Step::Ignored { kind, why } => effects.push(Effect::Ignored { kind, why }),
            Step::Exited { failure, .. } => self.exited(failure, at, effects),
            Step::AlreadyKnown { prompt } => self.already_known(prompt, at, effects),
            // One prompt at a time is written, so none is absorbed or cancelled.
            Step::Absorbed { .. } | Step::Cancelled { .. } | Step::ControlDone { .. } => {}
        }
    }

    pub(super) fn began(
        &mut self,
        prompt: Option<PromptId>,
        from: Position,
        at: WallTime,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
        let Some(process) = &mut self.process else { return };
        if let Some(turn) = &mut self.turn {
            turn.began |= prompt.is_some_and(|prompt| turn.is_for(prompt));
            if turn.began {
                return;
            }
        }
        let alone = began_alone(process.id, from);
        let known =
            process.take_known(|known| prompt.map_or(known.id == alone, |prompt| known.is_for(prompt)));
        let mut turn = match known {
            Some(known) if known.delivered => return,
            Some(known) => Turn::known(known, now),
            None if prompt.is_some() => return,
            None => {
                let turn = Turn::alone(alone, now, at);
                effects.push(Effect::BeganAlone { turn: turn.id, process: process.id, from });
                turn
            }
        };
        process.idle_since = None;
        turn.began = true;
        match self.turn.replace(turn) {
            // The CLI began by itself meanwhile. The prompt that waits goes on after that.
            Some(Turn { prompt: Some(prompt), stage: Stage::Waiting | Stage::Replacing(_), .. }) => {
                effects.push(Effect::LeavePlace);
                self.submit(prompt);
            }
            // So does the one that the CLI was given and has not begun; it keeps its place.
            given => self.held = given,
        }
        self.show_queue();
    }

    pub(super) fn event(&mut self, event: &TurnEvent, at: WallTime, now: Moment, effects: &mut Vec<Effect>) {
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.began) else { return };
        let id = turn.id;
        turn.heard |= !matches!(event, TurnEvent::Ended(_));
        match event {
            TurnEvent::ToolStarted(tool) => {
                turn.tools += 1;
                if !tool.tool.is_read_only() && !turn.side_effects {
                    turn.side_effects = true;
                    effects.push(Effect::NoteSideEffects(id));
                }
            }
            TurnEvent::Asked(ask) => {
                // Nobody can be asked yet: the ask is stored, shown, and answered with a denial that says why. After a
                // restart this may be said twice; the CLI ignores answers to what it does not ask (its README §3).
                effects.push(Effect::SaveAsk { turn: id, ask: ask.clone() });
                effects.push(Effect::Write(answer_line(ask, &nobody_to_ask())));
            }
            TurnEvent::AskWithdrawn { request } => {
                effects.push(Effect::SettleAsk { request: request.clone(), answer: None });
            }
            TurnEvent::Usage(usage) => turn.usage = *usage,
            TurnEvent::Ended(end) => {
                let end = end.clone();
                self.ended(end, now, at, effects);
                return;
            }
            TurnEvent::Started(_)
            | TurnEvent::TextDelta(_)
            | TurnEvent::Text(_)
            | TurnEvent::TextDropped
            | TurnEvent::Thinking
            | TurnEvent::ToolEnded { .. }
            | TurnEvent::PermissionDenied { .. }
            | TurnEvent::Retrying { .. }
            | TurnEvent::ModelFallback { .. }
            | TurnEvent::RateLimit { .. }
            | TurnEvent::Compacting(_)
            | TurnEvent::ModeChanged(_)
            | TurnEvent::SessionLost
            | TurnEvent::Background { .. } => {}
        }
        turn.view.apply(event, at);
        turn.changed = true;
    }

    /// The CLI before this one had taken the prompt when it died: nobody knows what it did, so it is not done again. A
    /// duplicate of the first attempt is one of ours, and ends by its own step.
    fn already_known(&mut self, prompt: PromptId, at: WallTime, effects: &mut Vec<Effect>) {
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.is_for(prompt)) else { return };
        if let Some(failure) = turn.failed_before.take() {
            self.finish(TurnEnd::Failed(failure), at, effects);
        }
    }

    pub(super) fn ask_answered(&mut self, request: &str, allowed: bool, effects: &mut Vec<Effect>) {
        let Some(turn) = &mut self.turn else { return };
        let answer = if allowed { Answer::Allow } else { nobody_to_ask() };
        turn.view.answered(request, &answer);
        turn.changed = true;
        effects.push(Effect::SettleAsk { request: request.to_owned(), answer: Some(answer) });
    }

    /// The dialogue says how the turn ended; why we stopped it, if we did, is the better reason.
    pub(super) fn ended(&mut self, end: TurnEnd, now: Moment, at: WallTime, effects: &mut Vec<Effect>) {
        let Some(turn) = &mut self.turn else { return };
        if turn.again && turn.stop.is_none() {
            // The process is on its way out, and another one does it.
            return;
        }
        if let TurnEnd::Failed(failure) = &end
            && turn.needs_new_session(failure)
        {
            let failure = failure.clone();
            self.session_lost(&failure, at, effects);
            return;
        }
        if let TurnEnd::Failed(failure) = &end
            && turn.missed_its_process(failure)
        {
            turn.failed_before = Some(failure.clone());
            turn.again = true;
            return;
        }
        let end = match (&turn.stop, end) {
            (
                _,
                end @ (TurnEnd::Completed { .. } | TurnEnd::LimitReached { .. } | TurnEnd::TimedOut { .. }),
            )
            | (None, end) => end,
            (Some(stop), TurnEnd::Interrupted | TurnEnd::Failed(_)) => stop.reason.end(),
        };
        let stopped = turn.stop.is_some();
        self.finish(end, at, effects);
        if let Some(process) = &mut self.process {
            process.idle_since = Some(now);
        }
        if stopped || self.bounds.warm_idle.is_zero() {
            // After a stop nothing is left behind: the process goes as well, the session stays.
            self.close_process(now, effects);
        }
    }

    /// The dialogue ends the turn that it knows of. One that never reached the CLI goes on with another process, unless
    /// there is a reason why that would fail as well.
    pub(super) fn exited(&mut self, failure: Option<Failure>, at: WallTime, effects: &mut Vec<Effect>) {
        let Some(turn) = self.turn.as_mut().filter(|turn| matches!(turn.stage, Stage::Running)) else {
            return;
        };
        match (&turn.stop, failure) {
            (Some(stop), _) => {
                let end = stop.reason.end();
                self.finish(end, at, effects);
            }
            (None, _) if turn.again => {}
            (None, Some(failure)) if turn.needs_new_session(&failure) => {
                self.session_lost(&failure, at, effects);
            }
            (None, failure @ (None | Some(Failure::Lost | Failure::Crashed { .. })))
                if turn.attempt < ATTEMPTS_MAX =>
            {
                turn.again = true;
                turn.failed_before = Some(failure.unwrap_or(Failure::Lost));
            }
            (None, failure) => self.finish(TurnEnd::Failed(failure.unwrap_or(Failure::Lost)), at, effects),
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
        turn.again = false;
        (turn.began, turn.warm) = (false, false);
        turn.attempt += 1;
        turn.last_heard = now;
        let process = Process::starting(ended.successor(), ended.fingerprint.clone());
        effects.push(Effect::Begin {
            turn: turn.id,
            prompt,
            process: process.id,
            start: true,
            from: Position::default(),
            attempt: turn.attempt,
        });
        self.process = Some(process);
    }

    /// After a restart: a turn that the store knows and the spool does not was never given to the CLI.
    pub(super) fn caught_up(&mut self, effects: &mut Vec<Effect>) {
        let Some(process) = self.process.as_mut().filter(|process| !process.is_closing()) else { return };
        process.readiness = Readiness::Ready;
        if let Some(known) = process.take_known(|known| !known.ended && known.prompt.is_some()) {
            let turn = Turn::known(known, process.attached_at);
            let unwritten = turn.prompt.iter().filter(|prompt| !process.dialogue.is_waiting(prompt.id));
            effects.extend(unwritten.map(|prompt| Effect::Deliver(prompt.id)));
            // What the CLI began by itself comes first.
            let next = if self.turn.is_some() { &mut self.held } else { &mut self.turn };
            *next = Some(turn);
        } else if self.turn.is_none() {
            process.idle_since = Some(process.attached_at);
        }
    }

    /// Turns that the store knows and that no record tells of, at the end of their process: their spool is gone.
    pub(super) fn end_forgotten(&mut self, process: &mut Process, at: WallTime, effects: &mut Vec<Effect>) {
        while let Some(known) = process.take_known(|known| !known.ended) {
            let others = self.turn.replace(Turn::known(known, process.attached_at));
            let held = std::mem::replace(&mut self.held, others);
            self.finish(TurnEnd::Failed(Failure::Lost), at, effects);
            self.held = held;
        }
    }
}

fn nobody_to_ask() -> Answer {
    Answer::Deny { message: NOBODY_TO_ASK.to_owned() }
}

//! What was recorded at the process → what it means for the turn.

use super::turn::began_alone;
use super::{ATTEMPTS_MAX, Effect, Process, Readiness, Stage, State, StopReason, Turn};
use crate::claude::Step;
use crate::clock::{Moment, WallTime};
use crate::domain::event::{Failure, Limit, TurnEnd, TurnEvent};
use crate::domain::ids::PromptId;
use crate::runner::{Position, Record, Recorded, Stopping};

/// The mode in which plans are made, in the CLI's word.
const PLAN: &str = "plan";

impl State {
    pub(super) fn recorded(&mut self, recorded: &Recorded, now: Moment, effects: &mut Vec<Effect>) {
        if matches!(recorded.record, Record::Exit(_)) {
            // Also where nothing was recorded before: a turn that never reached the process must not be forgotten.
            self.caught_up(recorded.at, effects);
        }
        let Some(process) = &mut self.process else { return };
        if matches!(recorded.record, Record::Exit(_)) {
            // Nothing can be asked of it any more.
            process.readiness = Readiness::Closing { since: now, killed: true };
        }
        let from = process.read_to;
        process.read_to = recorded.end;
        let planned = process.dialogue.mode() == Some(PLAN);
        let steps = process.dialogue.read(&recorded.record);
        if let Some(turn) = &mut self.turn {
            turn.hears(now);
        }
        for step in steps {
            self.step(step, from, recorded.at, now, effects);
        }
        if let Some(process) = &mut self.process {
            effects.extend(process.dialogue.owed().into_iter().map(Effect::Write));
            if planned && process.dialogue.mode() != Some(PLAN) && process.told.tuning.is_plan() {
                effects.push(Effect::LeftPlan);
            }
        }
        if let Record::Exit(exit) = &recorded.record
            && let Some(mut process) = self.process.take()
        {
            self.end_forgotten(&mut process, recorded.at, effects);
            Self::unanswered(&process, effects);
            // Before the process is noted as over: whoever comes after looks here for what it was told of.
            let steered = std::mem::take(&mut process.steered);
            self.steered_in_vain(steered, now, recorded.at, effects);
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
            // Whether a turn runs or not: sub-agents in the background use tools as well.
            Step::Ruled(ruling) => effects.push(Effect::NoteRuling(ruling)),
            Step::Info(info) => effects.push(Effect::Info(info)),
            Step::SessionChanged(session) => effects.push(Effect::SessionChanged(session)),
            Step::AskAnswered { request, allowed } => self.ask_answered(&request, allowed, now, effects),
            Step::ControlFailed { request, kind, error } => {
                effects.push(Effect::Ignored { kind, why: error });
                self.confirmed(&request, false, effects);
            }
            Step::ControlDone { request, .. } => self.confirmed(&request, true, effects),
            Step::Ignored { kind, why } => effects.push(Effect::Ignored { kind, why }),
            Step::Exited { failure, .. } => self.exited(failure, now, at, effects),
            Step::Gap => self.may_have_changed(effects),
            Step::Stopping(why) => self.stopping(why, now),
            Step::Absorbed { prompt } => self.absorbed(prompt, at, effects),
            Step::Cancelled { prompt } => self.cancelled(prompt, now, at, effects),
            // Each attempt has an id of its own, so the CLI knows only what we wrote twice.
            Step::AlreadyKnown { .. } => {}
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
            if !turn.began
                && turn.is_running()
                && prompt.is_some_and(|prompt| turn.is_for(prompt, process.id))
            {
                turn.began = true;
                turn.from = from;
            }
            if turn.began {
                return;
            }
        }
        let alone = began_alone(process.id, from);
        let id = process.id;
        let known =
            process.take_known(|known| prompt.map_or(known.id == alone, |prompt| known.is_for(prompt, id)));
        let steered = prompt.and_then(|prompt| process.take_steered(prompt));
        let mut turn = match (known, steered) {
            (Some(known), _) if known.delivered => return,
            (Some(known), _) => Turn::known(known, now),
            (None, Some(steered)) => {
                let mut turn = Turn::waiting(vec![steered.prompt], now, at);
                turn.begin(now);
                effects.extend(turn.begins_steered(id, from));
                turn
            }
            (None, None) if prompt.is_some() => return,
            (None, None) => {
                let turn = Turn::alone(alone, now, at);
                effects.push(Effect::BeganAlone { turn: turn.id, process: process.id, from });
                turn
            }
        };
        process.works();
        process.shows_in(&mut turn);
        turn.began = true;
        turn.from = from;
        match self.turn.replace(turn) {
            // The CLI began by itself meanwhile. The prompt that waits goes on after that.
            Some(Turn {
                id,
                prompt: Some(_),
                parts,
                stage: Stage::Waiting | Stage::Replacing(_),
                attempt: 1,
                ..
            }) => {
                self.leave_place(effects);
                effects.push(Effect::Unshow(id));
                for part in parts {
                    self.submit(part);
                }
            }
            // So does one that waits for its next attempt.
            Some(waiting) if !waiting.is_running() => {
                self.leave_place(effects);
                self.held = Some(waiting);
            }
            // And the one that the CLI was given and has not begun; it keeps its place.
            given => self.held = given,
        }
        self.show_queue();
    }

    pub(super) fn event(&mut self, event: &TurnEvent, at: WallTime, now: Moment, effects: &mut Vec<Effect>) {
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.began) else { return };
        turn.heard |= !matches!(event, TurnEvent::Ended(_));
        self.hear(event, effects);
        let Some(turn) = &mut self.turn else { return };
        match event {
            TurnEvent::ToolStarted(tool) => {
                turn.tools += 1;
                if !tool.tool.is_read_only() {
                    self.may_have_changed(effects);
                }
            }
            // Noted before the tool can run: if everything dies just then, nobody takes it for a turn that did nothing.
            TurnEvent::ChangeAhead => self.may_have_changed(effects),
            TurnEvent::Usage(usage) => turn.usage = *usage,
            TurnEvent::Ended(end) => {
                let end = end.clone();
                self.ended(end, now, at, effects);
                return;
            }
            TurnEvent::Asked(_)
            | TurnEvent::AskWithdrawn { .. }
            | TurnEvent::Started(_)
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
            | TurnEvent::ModelChanged(_)
            | TurnEvent::EffortChanged(_)
            | TurnEvent::Steered { .. }
            | TurnEvent::SessionLost
            | TurnEvent::Restarted
            | TurnEvent::Background { .. } => {}
        }
        let Some(turn) = &mut self.turn else { return };
        let looks = (turn.view.is_blank(), turn.view.is_silent());
        turn.view.apply(event, at);
        turn.changed = true;
        let asks = matches!(event, TurnEvent::Asked(_) | TurnEvent::AskWithdrawn { .. });
        turn.urgent |= asks || looks != (turn.view.is_blank(), turn.view.is_silent());
        if let TurnEvent::Asked(ask) = event {
            self.asked(ask, at, now, effects);
        }
        if let TurnEvent::AskWithdrawn { request } = event {
            self.ask_withdrawn(request, now, effects);
        }
    }

    /// From now on the turn is not run again by itself.
    fn may_have_changed(&mut self, effects: &mut Vec<Effect>) {
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.began && !turn.side_effects) else { return };
        turn.side_effects = true;
        effects.push(Effect::NoteSideEffects(turn.id));
    }

    /// The shim ends the process, politely first: how the turn ends then is not the CLI's doing. That it was asked to is
    /// known, unless it was a daemon before this one that asked. A turn that waits for another process has nothing to do
    /// with it.
    fn stopping(&mut self, why: Stopping, now: Moment) {
        let ends = |turn: &&mut Turn| turn.is_running() && turn.stop.is_none() && !turn.again;
        let deaf = self.process.as_ref().is_some_and(|process| process.dialogue.is_deaf());
        let Some(turn) = self.turn.as_mut().filter(ends) else { return };
        match why {
            // Nobody stopped that: the daemon before this one took the process for one that hangs.
            Stopping::Asked if deaf && turn.attempt < ATTEMPTS_MAX => {
                turn.again = true;
                return;
            }
            Stopping::Asked => turn.stop(StopReason::Asked, now),
            Stopping::SpoolFull => turn.stop(StopReason::Limit(Limit::Output), now),
            Stopping::Alone => turn.stop(StopReason::Limit(Limit::Away), now),
            Stopping::DiskFull => turn.dying = Some(Failure::DiskFull),
            Stopping::Told => turn.dying = Some(Failure::ShutDown),
        }
        turn.stop_ladder_asked();
    }

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

    /// After a restart: a turn that the store knows and the spool does not was never given to the CLI.
    pub(super) fn caught_up(&mut self, at: WallTime, effects: &mut Vec<Effect>) {
        let Some(process) = self.process.as_mut().filter(|process| !process.is_closing()) else { return };
        let first_time = process.readiness == Readiness::Starting;
        let untold = process.take_all_known(|known| known.end.is_some() && !known.delivered);
        self.end_untold(untold, at, effects);
        let Some(process) = &mut self.process else { return };
        process.readiness = Readiness::Ready;
        if let Some(known) = process.take_known(|known| known.end.is_none() && known.prompt.is_some()) {
            let mut turn = Turn::known(known, process.attached_at);
            process.shows_in(&mut turn);
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

//! What was recorded at the process → what it means for the turn.

use super::tuning::PLAN;
use super::turn::began_alone;
use super::{ATTEMPTS_MAX, Effect, Readiness, Stage, State, StopReason, Turn};
use crate::claude::Step;
use crate::clock::{Moment, WallTime};
use crate::domain::event::{Failure, Limit, TurnEvent};
use crate::domain::ids::PromptId;
use crate::runner::{Position, Record, Recorded, Stopping};

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
        // What is only read again says nothing of how things stand now: that is looked at once all is read.
        let caught_up = process.readiness != Readiness::Starting;
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
            process.has_planned |= planned;
            if caught_up && planned && process.left_plan() {
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
            Step::Interrupted { request } => self.interrupted(&request, now),
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
}

//! PURE: what a conversation does next. `(input, now) → effects`; no await, no clock, no random, no IO.
//!
//! A prompt waits in the queue until the conversation has a place among the running turns; then it is a turn: from the
//! line that goes to the CLI to the one end that the dialogue reports. The process outlives the turn and serves the
//! next one, until it was idle for long enough, or its settings are not those wanted any more.

mod process;

mod turn;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use crate::claude::{CliInfo, Step, answer_line, interrupt_line};
use crate::clock::{Moment, WallTime};
use crate::domain::ask::{Answer, Ask};
use crate::domain::event::{Failure, Limit, TurnEnd, TurnEvent, Usage};
use crate::domain::ids::{ErrorId, ProcessId, PromptId, SessionId, TurnId};
use crate::domain::prompt::Prompt;
use crate::runner::{Exit, Position, Record, Recorded};

pub use process::{Process, Readiness};
pub use turn::{ShownTurn, Stage, StopReason, Turn};

/// What bounds a conversation.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Turns that run at the same time, over all conversations.
    pub running_turns_max: usize,
    /// The longest turn.
    pub turn_max: Duration,
    /// The longest silence of the CLI while no tool runs and nobody is asked.
    pub silence_max: Duration,
    /// A process with nothing to do is closed after this; zero: after each turn.
    pub warm_idle: Duration,
}

/// How long the CLI gets to end a turn after it was interrupted, before its process is stopped.
const INTERRUPT_GRACE: Duration = Duration::from_secs(5);
/// How long a process gets to exit after its input was closed, before it is stopped.
const CLOSE_GRACE: Duration = Duration::from_secs(10);
/// How often the status line is looked at while a turn runs; the view changes it less often.
const STATUS_EVERY: Duration = Duration::from_secs(1);
/// How often a turn that never reached the CLI is tried.
const ATTEMPTS_MAX: u32 = 3;
/// What Claude is told while nobody can be asked.
const NOBODY_TO_ASK: &str = "Nobody can be asked from this chat yet, so this was denied. Say what you wanted to do and why, and go on \
     without it if you can.";

/// What happens to a conversation.
#[derive(Debug)]
pub enum Input {
    /// A prompt was accepted: it is stored.
    Submit(Prompt),
    /// The conversation has a place among the running turns.
    Place(Fresh),
    /// The process of the turn runs.
    Launched,
    /// The process of the turn could not be started at all.
    LaunchFailed(Failure),
    /// A process that was started by an earlier daemon is attached to again.
    Attached(Attached),
    /// Something was recorded at the process.
    Recorded(Recorded),
    /// Everything that was recorded before the daemon attached has been read.
    CaughtUp,
    /// Somebody wants the running turn stopped.
    Stop,
    /// Somebody wants the conversation to begin anew: what runs is stopped, the process ends.
    Reset,
    /// Time passed.
    Tick,
}

/// What is made or looked up outside for a turn that is about to begin.
#[derive(Debug, Clone)]
pub struct Fresh {
    /// The id of the process, if the turn needs a new one.
    pub process: ProcessId,
    /// What the launch would be by the present settings: a process with another one is replaced.
    pub fingerprint: String,
    /// The model by the present settings, for the status line.
    pub model: Option<String>,
}

/// A process of an earlier daemon.
#[derive(Debug, Clone)]
pub struct Attached {
    /// The process.
    pub process: ProcessId,
    /// How it was launched.
    pub fingerprint: String,
    /// Its turns that the store knows, with their prompts.
    pub turns: Vec<KnownTurn>,
}

/// A turn that the store knows.
#[derive(Debug, Clone)]
pub struct KnownTurn {
    /// The turn.
    pub id: TurnId,
    /// Its prompt; none where the CLI began it by itself.
    pub prompt: Option<Prompt>,
    /// When it began.
    pub started_at: WallTime,
    /// Whether its end was shown.
    pub delivered: bool,
    /// Whether its end is stored.
    pub ended: bool,
    /// Which attempt it is, from 1.
    pub attempt: u32,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Queue for a place among the running turns.
    AskPlace,
    /// Give the place back.
    LeavePlace,
    /// Store that the turn begins, start its process where it has none, and give it the prompt.
    Begin {
        /// The turn.
        turn: TurnId,
        /// Its prompt.
        prompt: Prompt,
        /// The process that serves it.
        process: ProcessId,
        /// Whether that process has to be started.
        start: bool,
        /// From where in the spool the turn is recorded.
        from: Position,
        /// Which attempt it is, from 1.
        attempt: u32,
    },
    /// Store that the prompt is not wanted any more: its turn ended before it began.
    Withdraw(PromptId),
    /// Store that the CLI began a turn by itself.
    BeganAlone {
        /// The turn.
        turn: TurnId,
        /// The process.
        process: ProcessId,
        /// From where in the spool.
        from: Position,
    },
    /// Give the prompt to the process (again): it may not have been written.
    Deliver(PromptId),
    /// Write a line to the process.
    Write(String),
    /// Close the process's input: it ends by itself.
    CloseInput,
    /// Climb the stop ladder of the process.
    Kill,
    /// Store an ask.
    SaveAsk {
        /// Whose.
        turn: TurnId,
        /// Which.
        ask: Ask,
    },
    /// Store that an ask is settled.
    SettleAsk {
        /// The CLI's id of the request.
        request: String,
        /// How; none: withdrawn.
        answer: Option<Answer>,
    },
    /// Store that the turn may have changed something.
    NoteSideEffects(TurnId),
    /// Store the turn's end.
    EndTurn {
        /// Which.
        turn: TurnId,
        /// How.
        end: TurnEnd,
        /// What it cost.
        usage: Usage,
        /// How many tools it used.
        tools: u32,
        /// What the failure is called.
        error: Option<ErrorId>,
    },
    /// Store that the process ended.
    ProcessEnded {
        /// Which.
        process: ProcessId,
        /// How.
        exit: Exit,
    },
    /// The CLI has this session now.
    SessionChanged(SessionId),
    /// The CLI does not have the session any more: a new one is needed.
    SessionLost,
    /// The CLI said what it is.
    Info(CliInfo),
    /// A line that means nothing to us, for the log.
    Ignored {
        /// What it was.
        kind: String,
        /// Why it is ignored.
        why: String,
    },
}

/// A conversation.
#[derive(Debug)]
pub struct State {
    bounds: Bounds,
    queue: VecDeque<Prompt>,
    turn: Option<Turn>,
    /// A turn whose prompt was given to the CLI while it began another one by itself: it is next.
    held: Option<Turn>,
    process: Option<Process>,
    /// Turns that ended and were not shown so since.
    ended: Vec<Turn>,
}

impl State {
    /// A conversation with nothing to do.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, queue: VecDeque::new(), turn: None, held: None, process: None, ended: Vec::new() }
    }

    /// Whether there is nothing to do and nothing that runs.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.turn.is_none() && self.process.is_none()
    }

    /// Prompts that wait.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// The turn that runs.
    pub fn running(&self) -> Option<&Turn> {
        self.turn.as_ref()
    }

    /// The process, if there is one.
    pub fn process(&self) -> Option<ProcessId> {
        self.process.as_ref().map(|process| process.id)
    }

    /// The turns that changed since the last call, as they should look like now: first those that ended.
    pub fn shown(&mut self, now: WallTime) -> Vec<ShownTurn> {
        let mut shown: Vec<_> = self.ended.drain(..).map(|turn| turn.shown(now)).collect();
        if let Some(turn) = &mut self.turn
            && std::mem::take(&mut turn.changed)
        {
            shown.push(turn.shown(now));
        }
        shown
    }

    /// Applies an input. Effects are to be performed in their order.
    pub fn handle(&mut self, input: Input, now: Moment, wall: WallTime) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Submit(prompt) => self.submit(prompt),
            Input::Place(fresh) => self.begin(fresh, now, &mut effects),
            Input::Launched => {
                if let Some(process) = self.process.as_mut().filter(|process| !process.is_closing()) {
                    process.readiness = Readiness::Ready;
                }
            }
            Input::LaunchFailed(failure) => {
                self.process = None;
                self.finish(TurnEnd::Failed(failure), wall, &mut effects);
            }
            Input::Attached(attached) => self.process = Some(Process::attached(attached, now)),
            Input::Recorded(recorded) => self.recorded(&recorded, now, &mut effects),
            Input::CaughtUp => self.caught_up(&mut effects),
            Input::Stop => self.stop(StopReason::Asked, now, wall, &mut effects),
            Input::Reset => {
                self.stop(StopReason::Asked, now, wall, &mut effects);
                self.close_process(now, &mut effects);
            }
            Input::Tick => self.tick(now, wall, &mut effects),
        }
        self.next_turn(now, wall, &mut effects);
        effects
    }

    /// When [`Input::Tick`] is wanted next.
    pub fn next_tick(&self, now: Moment) -> Option<Moment> {
        if self.turn.is_some() {
            return Some(now.after(STATUS_EVERY));
        }
        let due = self.process.as_ref()?.due(self.bounds.warm_idle, CLOSE_GRACE)?;
        // A process may be due for long, while its background tasks run.
        Some(due.max(now.after(STATUS_EVERY)))
    }

    fn submit(&mut self, prompt: Prompt) {
        let known = self.queue.iter().any(|queued| queued.id == prompt.id)
            || self.turn.iter().chain(&self.held).any(|turn| turn.is_for(prompt.id));
        if known {
            return;
        }
        // Discord's events reach us on several tasks; its ids restore the order in which people wrote.
        let place = self.queue.partition_point(|queued| queued.origin.order() <= prompt.origin.order());
        self.queue.insert(place, prompt);
        self.show_queue();
    }

    /// The status line of the turn says how many wait behind it.
    fn show_queue(&mut self) {
        if let Some(turn) = &mut self.turn {
            turn.view.queued_behind(self.queue.len());
            turn.changed = true;
        }
    }

    /// Takes the next prompt into a turn, which waits for its place among the running ones.
    fn next_turn(&mut self, now: Moment, wall: WallTime, effects: &mut Vec<Effect>) {
        if self.turn.is_some() || self.process.as_ref().is_some_and(Process::is_closing) {
            return;
        }
        let Some(prompt) = self.queue.pop_front() else { return };
        let mut turn = Turn::waiting(prompt, now, wall);
        turn.view.waiting_for_place(self.bounds.running_turns_max, self.bounds.running_turns_max);
        self.turn = Some(turn);
        self.show_queue();
        effects.push(Effect::AskPlace);
    }

    fn begin(&mut self, fresh: Fresh, now: Moment, effects: &mut Vec<Effect>) {
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.is_waiting()) else {
            effects.push(Effect::LeavePlace);
            return;
        };
        if self.process.as_ref().is_some_and(|process| !process.serves(&fresh.fingerprint)) {
            // The turn keeps its place: it goes on when the process with the old settings is gone.
            turn.stage = Stage::Replacing(fresh);
            self.close_process(now, effects);
            return;
        }
        let start = self.process.is_none();
        let process = self.process.get_or_insert_with(|| Process::starting(fresh.process, fresh.fingerprint));
        process.idle_since = None;
        turn.begin(fresh.model, now);
        if let Some(prompt) = turn.prompt.clone() {
            effects.push(Effect::Begin {
                turn: turn.id,
                prompt,
                process: process.id,
                start,
                from: process.read_to,
                attempt: turn.attempt,
            });
        }
    }

    fn recorded(&mut self, recorded: &Recorded, now: Moment, effects: &mut Vec<Effect>) {
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

    fn step(&mut self, step: Step, from: Position, at: WallTime, now: Moment, effects: &mut Vec<Effect>) {
        match step {
            Step::TurnBegan { prompt } => self.began(prompt, from, at, now, effects),
            Step::Event(event) => self.event(event, at, now, effects),
            Step::Info(info) => effects.push(Effect::Info(info)),
            Step::SessionChanged(session) => effects.push(Effect::SessionChanged(session)),
            Step::AskAnswered { request, allowed } => self.ask_answered(&request, allowed, effects),
            Step::ControlFailed { kind, error, .. } => effects.push(Effect::Ignored { kind, why: error }),
            Step::Ignored { kind, why } => effects.push(Effect::Ignored { kind, why }),
            Step::Exited { failure, .. } => self.exited(failure, at, effects),
            // One prompt at a time is written, so none is absorbed or cancelled; a duplicate ends by its own step.
            Step::Absorbed { .. }
            | Step::AlreadyKnown { .. }
            | Step::Cancelled { .. }
            | Step::ControlDone { .. } => {}
        }
    }

    fn began(
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
        let known = match prompt {
            Some(prompt) => process.take_known(|known| known.is_for(prompt)),
            None => {
                let alone = turn::began_alone(process.id, from);
                process.take_known(|known| known.id == alone)
            }
        };
        let mut turn = match known {
            Some(known) if known.delivered => return,
            Some(known) => Turn::known(known, now),
            None if prompt.is_some() => return,
            None => {
                let turn = Turn::alone(turn::began_alone(process.id, from), now, at);
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

    fn event(&mut self, event: TurnEvent, at: WallTime, now: Moment, effects: &mut Vec<Effect>) {
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.began) else { return };
        let id = turn.id;
        match &event {
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
        turn.view.apply(&event, at);
        turn.changed = true;
    }

    /// The dialogue says how the turn ended; why we stopped it, if we did, is the better reason.
    fn ended(&mut self, end: TurnEnd, now: Moment, at: WallTime, effects: &mut Vec<Effect>) {
        let Some(turn) = &mut self.turn else { return };
        if let TurnEnd::Failed(failure) = &end
            && turn.needs_new_session(failure)
        {
            let failure = failure.clone();
            self.session_lost(&failure, at, effects);
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

    /// Stores and shows the end of the turn, and makes room for the next.
    fn finish(&mut self, end: TurnEnd, at: WallTime, effects: &mut Vec<Effect>) {
        let Some(mut turn) = self.turn.take() else { return };
        let error = match &end {
            TurnEnd::Failed(_) => Some(ErrorId::from_bits(turn.id.0.as_u128())),
            TurnEnd::Completed { .. }
            | TurnEnd::Interrupted
            | TurnEnd::TimedOut { .. }
            | TurnEnd::LimitReached { .. } => None,
        };
        if let Some(error) = &error {
            turn.view.failed_with(error.clone());
        }
        turn.view.queued_behind(0);
        turn.view.apply(&TurnEvent::Ended(end.clone()), at);
        effects.push(match (&turn.stage, &turn.prompt) {
            (Stage::Waiting | Stage::Replacing(_), Some(prompt)) => Effect::Withdraw(prompt.id),
            (Stage::Waiting | Stage::Replacing(_) | Stage::Running, _) => {
                Effect::EndTurn { turn: turn.id, end, usage: turn.usage, tools: turn.tools, error }
            }
        });
        self.ended.push(turn);
        self.turn = self.held.take();
        if self.turn.is_none() {
            effects.push(Effect::LeavePlace);
        }
        self.show_queue();
    }

    fn ask_answered(&mut self, request: &str, allowed: bool, effects: &mut Vec<Effect>) {
        let Some(turn) = &mut self.turn else { return };
        let answer = if allowed { Answer::Allow } else { nobody_to_ask() };
        turn.view.answered(request, &answer);
        turn.changed = true;
        effects.push(Effect::SettleAsk { request: request.to_owned(), answer: Some(answer) });
    }

    /// The dialogue ends the turn that it knows of. One that never reached the CLI goes on with another process, unless
    /// there is a reason why that would fail as well.
    fn exited(&mut self, failure: Option<Failure>, at: WallTime, effects: &mut Vec<Effect>) {
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
            (None, None | Some(Failure::Lost | Failure::Crashed { .. })) if turn.attempt < ATTEMPTS_MAX => {
                turn.again = true;
            }
            (None, failure) => self.finish(TurnEnd::Failed(failure.unwrap_or(Failure::Lost)), at, effects),
        }
    }

    /// One turn, one visible state (RELIABILITY F22): it goes on in a new session, and says so if one was lost. Where
    /// the CLI has one that it never spoke in, nothing was.
    fn session_lost(&mut self, why: &Failure, at: WallTime, effects: &mut Vec<Effect>) {
        let Some(turn) = &mut self.turn else { return };
        turn.again = true;
        turn.session_lost = true;
        if *why == Failure::SessionNotFound {
            turn.view.apply(&TurnEvent::SessionLost, at);
            turn.changed = true;
        }
        effects.push(Effect::SessionLost);
    }

    /// The turn's process is gone before it could serve it: another one does.
    fn again(&mut self, ended: &Process, now: Moment, effects: &mut Vec<Effect>) {
        let Some(turn) = &mut self.turn else { return };
        if let Stage::Replacing(fresh) = &turn.stage {
            let fresh = fresh.clone();
            turn.stage = Stage::Waiting;
            self.begin(fresh, now, effects);
            return;
        }
        let Some(prompt) = turn.prompt.clone().filter(|_| turn.again) else { return };
        turn.again = false;
        turn.began = false;
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
    fn caught_up(&mut self, effects: &mut Vec<Effect>) {
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
    fn end_forgotten(&mut self, process: &mut Process, at: WallTime, effects: &mut Vec<Effect>) {
        while let Some(known) = process.take_known(|known| !known.ended) {
            let others = self.turn.replace(Turn::known(known, process.attached_at));
            let held = std::mem::replace(&mut self.held, others);
            self.finish(TurnEnd::Failed(Failure::Lost), at, effects);
            self.held = held;
        }
    }

    fn stop(&mut self, reason: StopReason, now: Moment, at: WallTime, effects: &mut Vec<Effect>) {
        let Some(turn) = &mut self.turn else { return };
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
                effects.push(Effect::Write(interrupt_line(&turn.id.to_string())));
            }
            Some(_) => {
                turn.stop_ladder_asked();
                effects.push(Effect::Kill);
            }
            None => self.finish(reason.end(), at, effects),
        }
    }

    fn close_process(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let Some(process) = &mut self.process else { return };
        let busy = self.turn.as_ref().is_some_and(|turn| matches!(turn.stage, Stage::Running));
        if !process.is_closing() && !busy {
            process.readiness = Readiness::Closing { since: now, killed: false };
            effects.push(Effect::CloseInput);
        }
    }

    fn tick(&mut self, now: Moment, wall: WallTime, effects: &mut Vec<Effect>) {
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
        if now.since(turn.started) >= self.bounds.turn_max {
            self.stop(StopReason::Limit(Limit::Time), now, wall, effects);
            return;
        }
        let quiet = self.process.as_ref().is_some_and(|process| {
            !process.dialogue.tool_running() && process.dialogue.open_asks().is_empty()
        });
        if quiet && now.since(turn.last_heard) >= self.bounds.silence_max {
            self.stop(StopReason::Limit(Limit::Silence), now, wall, effects);
        }
    }

    fn tick_process(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let Some(process) = &mut self.process else { return };
        match &mut process.readiness {
            Readiness::Closing { since, killed } => {
                if !*killed && now.since(*since) >= CLOSE_GRACE {
                    *killed = true;
                    effects.push(Effect::Kill);
                }
            }
            Readiness::Starting | Readiness::Ready => {
                let idle = process.idle_since.is_some_and(|since| now.since(since) >= self.bounds.warm_idle);
                if idle && process.dialogue.background_running() == 0 {
                    self.close_process(now, effects);
                }
            }
        }
    }
}

fn nobody_to_ask() -> Answer {
    Answer::Deny { message: NOBODY_TO_ASK.to_owned() }
}

//! PURE: what a conversation does next. `(input, now) → effects`; no await, no clock, no random, no IO.
//!
//! A prompt waits in the queue until the conversation has a place among the running turns; then it is a turn: from the
//! line that goes to the CLI to the one end that the dialogue reports. The process outlives the turn and serves the
//! next one, until it was idle for long enough, or its settings are not those wanted any more.

mod asks;

mod attached;

mod effect;

mod ends;

mod holds;

mod input;

mod limits;

mod process;

mod records;

mod reply;

mod steering;

mod tuning;

mod turn;
mod unbegun;

mod waiting;

mod warmth;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use asks::Unasked;

use crate::clock::{Moment, WallTime};
use crate::domain::event::{Failure, TurnEnd, TurnEvent};
use crate::domain::ids::{ErrorId, ProcessId, PromptId, UserId};
use crate::domain::prompt::Prompt;
use crate::runner::{Exit, NotStarted};

use unbegun::{not_run, refused_for};

pub use asks::{Called, Given, OpenAsk};
pub use attached::{Attached, KnownTurn};
pub use effect::Effect;
pub use input::{Fresh, Input};
pub use process::{Process, Readiness};
pub use reply::{Reply, reply};
pub use tuning::Tuned;
pub use turn::{ShownTurn, Stage, StopReason, Turn};
pub use waiting::{Notice, Waits};

/// What bounds a conversation.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Turns that run at the same time, over all conversations.
    pub running_turns_max: usize,
    /// Prompts that wait; one more is refused.
    pub queued_prompts_max: usize,
    /// The longest turn.
    pub turn_max: Duration,
    /// The longest silence of the CLI while no tool runs and nobody is asked.
    pub silence_max: Duration,
    /// How long an ask waits for people; then it is denied.
    pub ask_max: Duration,
    /// When whoever is needed is told once more of an ask that waits; none: never.
    pub ask_remind: Option<Duration>,
    /// A process with nothing to do is closed after this; zero: after each turn.
    pub warm_idle: Duration,
    /// What a turn may say, in bytes of the spool.
    pub output_bytes_max: u64,
}

/// How long a process gets to exit after its input was closed, before it is stopped.
const CLOSE_GRACE: Duration = Duration::from_secs(10);
/// How often the status line is looked at while a turn runs; the view changes it less often.
const STATUS_EVERY: Duration = Duration::from_secs(1);
/// How many prompts that are done are remembered.
const DONE_KEPT: usize = 64;
/// How often a turn is tried that has not changed anything; attempts that waited for the account do not count.
const ATTEMPTS_MAX: u32 = 3;

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
    /// Prompts whose turns ended last.
    done: VecDeque<PromptId>,
    /// Whether there is a place among the running turns, or one was asked for.
    placed: bool,
    /// When a process was started last because somebody was about to ask; none: somebody did ask since.
    prestarted_at: Option<Moment>,
    /// What people are told of prompts that wait, by the first of those that wait to be one turn.
    notices: BTreeMap<PromptId, waiting::Told>,
}

impl State {
    /// A conversation with nothing to do.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            queue: VecDeque::new(),
            turn: None,
            held: None,
            process: None,
            ended: Vec::new(),
            done: VecDeque::new(),
            placed: false,
            prestarted_at: None,
            notices: BTreeMap::new(),
        }
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

    /// Whether something runs in the background although no turn does, and for whom, where that is known.
    pub fn in_background(&self) -> Option<Option<UserId>> {
        let process = self.process.as_ref().filter(|process| !process.is_closing())?;
        (self.turn.is_none() && process.dialogue.background_running() > 0).then_some(process.asker)
    }

    /// The process, if there is one.
    pub fn process(&self) -> Option<ProcessId> {
        self.process.as_ref().map(|process| process.id)
    }

    /// The permission mode that the process says it is in.
    pub fn mode(&self) -> Option<&str> {
        self.process.as_ref()?.dialogue.mode()
    }

    /// Whether people wait for what was not shown yet: a turn that ended, its first words, a question.
    pub fn is_urgent(&self) -> bool {
        !self.ended.is_empty() || self.turn.as_ref().is_some_and(|turn| turn.urgent)
    }

    /// The turns that changed since the last call, as they should look like now: first those that ended.
    pub fn shown(&mut self, now: WallTime) -> Vec<ShownTurn> {
        let mut shown: Vec<_> = self.ended.drain(..).map(|turn| turn.shown(now)).collect();
        if let Some(turn) = &mut self.turn
            && std::mem::take(&mut turn.changed)
        {
            turn.urgent = false;
            shown.push(turn.shown(now));
        }
        shown
    }

    /// Applies an input. Effects are to be performed in their order.
    pub fn handle(&mut self, input: Input, now: Moment, wall: WallTime) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Submit(prompt) => self.submit(prompt),
            Input::Rejoin { prompt, turn } => self.rejoin(prompt, turn),
            Input::Place(fresh) => self.begin(fresh, now, &mut effects),
            Input::Tune(wanted) => self.tune(&wanted, now, &mut effects),
            Input::CountsAs(tuning) => self.counts_as(tuning, &mut effects),
            Input::Barred => self.barred(wall, &mut effects),
            Input::NotTold(prompt) => self.not_told(prompt, now, wall, &mut effects),
            Input::WaitsInstead(prompt) => self.waits_instead(prompt, &mut effects),
            Input::Held(hold) => self.held_by(hold),
            Input::Waits(what) => self.waits_for(what),
            Input::NoRoom => self.no_room(wall, &mut effects),
            Input::Announced(fresh) => self.announced(&fresh, now, &mut effects),
            Input::Prestart(fresh) => self.prestart(fresh, now, &mut effects),
            Input::MakeRoom => self.make_room(now, &mut effects),
            Input::Launched => {
                if let Some(process) = self.process.as_mut().filter(|process| !process.is_closing()) {
                    process.readiness = Readiness::Ready;
                }
            }
            Input::LaunchFailed(failure) => {
                if let Some(process) = self.process.take() {
                    let error = format!("{failure:?}");
                    let exit = Exit::NotStarted { kind: NotStarted::Other, error };
                    effects.push(Effect::ProcessEnded { process: process.id, exit });
                }
                self.finish(TurnEnd::Failed(failure), wall, &mut effects);
            }
            Input::Attached(attached) => self.process = Some(Process::attached(attached, now)),
            Input::Recorded(recorded) => self.recorded(&recorded, now, &mut effects),
            Input::CaughtUp => self.caught_up(wall, &mut effects),
            Input::Given { ask, given } => self.given(ask, given, now, &mut effects),
            Input::Drafted { ask, draft } => self.drafted(ask, draft),
            Input::Called { request, called } => self.called(&request, &called),
            Input::Unseen(ask) => self.unasked(ask, Unasked::Unseen, now, &mut effects),
            Input::Stop => self.stop(StopReason::Asked, now, wall, &mut effects),
            Input::Edited { prompt, text, attachments } => self.edited(prompt, text, attachments),
            Input::Wish { prompt, wish } => self.wish(prompt, wish),
            Input::Withdraw { prompt, gone } => self.withdraw(prompt, gone, now, wall, &mut effects),
            Input::Unqueued { prompt, refused_because } => {
                let end = refused_because.map_or(TurnEnd::Interrupted, |why| refused_for(&why));
                self.unqueued(prompt, end, now, wall);
            }
            Input::Reset => {
                self.withdraw_queued(now, wall, &mut effects);
                self.stop(StopReason::Asked, now, wall, &mut effects);
                self.close_process(now, &mut effects);
            }
            Input::Tick => self.tick(now, wall, &mut effects),
        }
        self.grant_wishes(now, wall, &mut effects);
        self.next_turn(now, wall, &mut effects);
        self.keep_place(&mut effects);
        effects
    }

    /// A turn that an earlier daemon began runs, whether there is a place or not; it counts all the same.
    fn keep_place(&mut self, effects: &mut Vec<Effect>) {
        let runs = |turn: &Turn| turn.prompt.is_some() && matches!(turn.stage, Stage::Running);
        if !self.placed && self.turn.iter().chain(&self.held).any(runs) {
            self.placed = true;
            effects.push(Effect::TakePlace);
        }
    }

    fn ask_place(&mut self, effects: &mut Vec<Effect>) {
        self.placed = true;
        effects.push(Effect::AskPlace);
    }

    fn leave_place(&mut self, effects: &mut Vec<Effect>) {
        self.placed = false;
        effects.push(Effect::LeavePlace);
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

    /// A prompt may be handed in twice: by its door, and by the actor that finds it stored when it starts.
    fn remember(&mut self, turn: &Turn) {
        while self.done.len() >= DONE_KEPT {
            self.done.pop_front();
        }
        self.done.extend(turn.parts.iter().chain(&turn.heard_prompts).map(|prompt| prompt.id));
    }

    /// Whoever wrote the prompt lost what let them in, since it was taken.
    fn barred(&mut self, wall: WallTime, effects: &mut Vec<Effect>) {
        if self.turn.as_ref().is_some_and(Turn::is_waiting) {
            self.finish(TurnEnd::Failed(Failure::NotAllowed), wall, effects);
        } else {
            self.leave_place(effects);
        }
    }

    fn begin(&mut self, fresh: Fresh, now: Moment, effects: &mut Vec<Effect>) {
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.is_waiting()) else {
            self.leave_place(effects);
            return;
        };
        let serves =
            |process: &Process| process.serves(&fresh.fingerprint) && process.can_have(&fresh.tuning, now);
        if self.process.as_ref().is_some_and(|process| !serves(process)) {
            // The turn keeps its place: it goes on when the process with the old settings is gone.
            turn.stage = Stage::Replacing(fresh);
            self.close_process(now, effects);
            return;
        }
        let start = self.process.is_none();
        let wanted = fresh.tuning.clone();
        self.prestarted_at = None;
        let process = self.process.get_or_insert_with(|| Process::starting(fresh));
        process.works();
        process.asker = turn.asker();
        process.tell(&wanted, now, effects);
        turn.begin(now);
        process.shows_in(turn);
        if let Some(prompt) = turn.prompt.clone() {
            effects.push(Effect::Begin {
                turn: turn.id,
                prompt,
                more: turn.more(),
                process: process.id,
                start,
                from: process.read_to,
                attempt: turn.attempt,
                carried: turn.carried,
            });
        }
    }

    /// Stores and shows the end of the turn, and makes room for the next.
    fn finish(&mut self, end: TurnEnd, at: WallTime, effects: &mut Vec<Effect>) {
        let Some(mut turn) = self.turn.take() else { return };
        // The first end counts.
        let end = turn.stored_end.take().unwrap_or(end);
        let error = match &end {
            // There is nothing to look up in the log.
            TurnEnd::Failed(Failure::NotAllowed | Failure::NoMemory)
            | TurnEnd::Completed { .. }
            | TurnEnd::Interrupted
            | TurnEnd::TimedOut { .. }
            | TurnEnd::LimitReached { .. } => None,
            TurnEnd::Failed(_) | TurnEnd::CutOff { .. } => Some(ErrorId::from_bits(turn.id.0.as_u128())),
        };
        if let Some(error) = &error {
            turn.view.failed_with(error.clone());
        }
        let said = self.process.as_ref().map(|process| process.dialogue.last_words().to_owned());
        let error = error.map(|error| (error, said.unwrap_or_default()));
        self.remember(&turn);
        turn.view.queued_behind(0);
        turn.view.apply(&TurnEvent::Ended(end.clone()), at);
        if !turn.is_running() && turn.prompt.is_some() && turn.attempt == 1 {
            effects.extend(turn.parts.iter().map(|part| not_run(part.id, turn.id, &end)));
        } else {
            let (usage, tools) = (turn.usage, turn.tools);
            effects.push(Effect::EndTurn { turn: turn.id, end, usage, tools, error });
        }
        self.ended.push(turn);
        self.turn = self.held.take();
        // One that waits for its next attempt asks for a place of its own.
        let waits = self.turn.as_ref().is_some_and(|turn| !turn.is_running());
        if self.turn.is_none() || waits && self.placed {
            self.leave_place(effects);
        }
        self.wait_on(at, effects);
        self.show_queue();
    }
}

//! The running turn.

use std::time::Duration;

use uuid::Uuid;

use super::{Fresh, KnownTurn};
use crate::clock::{Moment, WallTime};
use crate::domain::event::{Failure, Limit, TurnEnd, Usage};
use crate::domain::ids::{ProcessId, PromptId, TurnId};
use crate::domain::prompt::{Origin, Prompt};
use crate::render::view::{About, Shown, View};
use crate::runner::Position;

/// A turn without a word of Claude's is not shown before this.
const QUIET_AT_FIRST: Duration = Duration::from_millis(1200);

/// A turn: from a prompt to its one end.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub struct Turn {
    /// Which.
    pub id: TurnId,
    /// Its prompt; none where the CLI began it by itself (a background task finished).
    pub prompt: Option<Prompt>,
    /// How far it is.
    pub stage: Stage,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// What it should look like.
    pub view: View,
    /// Whether that changed since it was last shown.
    pub changed: bool,
    /// Whether the CLI was given the prompt.
    pub began: bool,
    /// Whether it was given to a process that had served before.
    pub warm: bool,
    /// Whether the CLI has shown anything of it.
    pub heard: bool,
    /// Whether it goes on with another process when this one is gone.
    pub again: bool,
    /// How the attempt before this one failed, if its prompt seemed not to have reached the CLI.
    pub failed_before: Option<Failure>,
    /// When it began.
    pub started: Moment,
    /// The same, for people.
    pub started_at: WallTime,
    /// When the process last recorded anything.
    pub last_heard: Moment,
    /// Whether it may have changed something.
    pub side_effects: bool,
    /// How many tools it used.
    pub tools: u32,
    /// What it cost.
    pub usage: Usage,
    /// Why it is being stopped.
    pub stop: Option<Stop>,
    /// Whether it went on in a new session already.
    pub session_lost: bool,
}

/// How far a turn is.
#[derive(Debug, Clone)]
pub enum Stage {
    /// It waits for a place among the running turns.
    Waiting,
    /// It has its place, and waits until a process with other settings is gone.
    Replacing(Fresh),
    /// It was given to a process.
    Running,
}

/// A turn that is being stopped.
#[derive(Debug, Clone, Copy)]
pub struct Stop {
    /// Why.
    pub reason: StopReason,
    /// Since when.
    pub at: Moment,
    /// Whether the process's stop ladder was asked for.
    pub killed: bool,
}

/// Why a turn is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// Somebody asked for it.
    Asked,
    /// A limit.
    Limit(Limit),
}

/// A turn as it should look like.
#[derive(Debug, Clone)]
pub struct ShownTurn {
    /// Which.
    pub turn: TurnId,
    /// What it answers.
    pub origin: Option<Origin>,
    /// What it looks like.
    pub shown: Shown,
}

impl StopReason {
    /// The end of a turn that was stopped for this reason.
    pub fn end(self) -> TurnEnd {
        match self {
            StopReason::Asked => TurnEnd::Interrupted,
            StopReason::Limit(limit) => TurnEnd::TimedOut { limit },
        }
    }
}

impl Turn {
    /// A turn for this prompt that waits for its place. The same prompt gives the same turn, whoever asks and when.
    pub fn waiting(prompt: Prompt, now: Moment, wall: WallTime) -> Self {
        let id = TurnId(Uuid::new_v5(&prompt.id.0, b"turn"));
        Self::new(id, Some(prompt), Stage::Waiting, now, wall)
    }

    /// A turn that the CLI began by itself.
    pub fn alone(id: TurnId, now: Moment, wall: WallTime) -> Self {
        Self::new(id, None, Stage::Running, now, wall)
    }

    /// A turn that an earlier daemon began.
    pub fn known(known: KnownTurn, now: Moment) -> Self {
        let mut turn = Self::new(known.id, known.prompt, Stage::Running, now, known.started_at);
        turn.attempt = known.attempt;
        turn
    }

    fn new(id: TurnId, prompt: Option<Prompt>, stage: Stage, now: Moment, wall: WallTime) -> Self {
        let reply_to = prompt.as_ref().and_then(|prompt| prompt.origin.message()).map(|(_, message)| message);
        Self {
            id,
            prompt,
            stage,
            attempt: 1,
            view: View::new(About { turn: id, reply_to, started_at: wall, model: None }),
            changed: true,
            began: false,
            warm: false,
            heard: false,
            again: false,
            failed_before: None,
            started: now,
            started_at: wall,
            last_heard: now,
            side_effects: false,
            tools: 0,
            usage: Usage::default(),
            stop: None,
            session_lost: false,
        }
    }

    /// It has its place and its process.
    pub fn begin(&mut self, model: Option<String>, now: Moment) {
        self.stage = Stage::Running;
        self.view.starting();
        self.view.asked_for(model);
        self.changed = true;
        self.started = now;
        self.last_heard = now;
    }

    /// Whether it waits for its place.
    pub fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Waiting)
    }

    /// Whether it answers this prompt.
    pub fn is_for(&self, prompt: PromptId) -> bool {
        self.prompt.as_ref().is_some_and(|own| own.id == prompt)
    }

    /// From now on it is being stopped.
    pub fn stop(&mut self, reason: StopReason, now: Moment) {
        self.stop = Some(Stop { reason, at: now, killed: false });
    }

    /// The process's stop ladder was asked for.
    pub fn stop_ladder_asked(&mut self) {
        if let Some(stop) = &mut self.stop {
            stop.killed = true;
        }
    }

    /// Whether it can go on in a new session after this failure: once, and not if somebody stopped it.
    pub fn needs_new_session(&self, failure: &Failure) -> bool {
        matches!(failure, Failure::SessionNotFound | Failure::SessionInUse)
            && !self.session_lost
            && self.stop.is_none()
            && self.prompt.is_some()
    }

    /// Whether its process died before it took the prompt: it was warm, and the prompt was on its way when it ended.
    /// Should it have taken it after all, the CLI drops what it knows by the prompt's id, and says so.
    pub fn missed_its_process(&self, failure: &Failure) -> bool {
        matches!(failure, Failure::Lost | Failure::Crashed { .. })
            && self.warm
            && !self.heard
            && self.stop.is_none()
            && self.prompt.is_some()
    }

    /// As it should look like now. For its first moments nothing is posted, so that the first message has words of
    /// Claude's in it rather than a status line.
    pub fn shown(&self, now: WallTime) -> ShownTurn {
        let mut shown = self.view.show(now);
        if !shown.ended && self.view.is_blank() && now.since(self.started_at) < QUIET_AT_FIRST {
            shown.slots.clear();
        }
        ShownTurn { turn: self.id, origin: self.prompt.as_ref().map(|prompt| prompt.origin.clone()), shown }
    }
}

impl KnownTurn {
    /// Whether it answers this prompt.
    pub fn is_for(&self, prompt: PromptId) -> bool {
        self.prompt.as_ref().is_some_and(|own| own.id == prompt)
    }
}

/// The id of a turn that the CLI began by itself: the same whenever the spool is read.
pub fn began_alone(process: ProcessId, from: Position) -> TurnId {
    TurnId(Uuid::new_v5(&process.0, &from.0.to_be_bytes()))
}

//! The running turn.

use std::time::Duration;

use uuid::Uuid;

use super::{Fresh, KnownTurn, OpenAsk};
use crate::clock::{Moment, WallTime};
use crate::domain::event::{Carried, Failure, Limit, TurnEnd, TurnEvent, Usage};
use crate::domain::ids::{ChannelId, MessageId, ProcessId, PromptId, TurnId, UserId};
use crate::domain::prompt::{Origin, Prompt};
use crate::render::view::{About, Reaction, Shown, View};
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
    /// The prompts that this one is joined from; itself, if it stands alone.
    pub parts: Vec<Prompt>,
    /// Prompts that it heard while it worked.
    pub heard_prompts: Vec<Prompt>,
    /// How far it is.
    pub stage: Stage,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// What it should look like.
    pub view: View,
    /// Whether that changed since it was last shown.
    pub changed: bool,
    /// Whether people wait for that: it is shown at once.
    pub urgent: bool,
    /// Whether the CLI was given the prompt.
    pub began: bool,
    /// Whether the CLI has shown anything of it.
    pub heard: bool,
    /// Whether it goes on with another process when this one is gone.
    pub again: bool,
    /// What the shim said of the end of the process that is about to come.
    pub dying: Option<Failure>,
    /// Its end as an earlier daemon stored it.
    pub stored_end: Option<TurnEnd>,
    /// What happened before the present attempt.
    pub carried: Carried,
    /// Where in the spool it began.
    pub from: Position,
    /// When it began, as far as this daemon knows.
    pub started: Moment,
    /// For how long it ran under daemons before.
    pub ran_before: Duration,
    /// For how long it waited for people then, which is no part of that.
    pub waited_before: Duration,
    /// When it began, for people to read.
    pub started_at: WallTime,
    /// When the process last recorded anything.
    pub last_heard: Moment,
    /// How many ticks there were since.
    pub quiet_ticks: u32,
    /// Whether it may have changed something.
    pub side_effects: bool,
    /// How many tools it used.
    pub tools: u32,
    /// What it cost.
    pub usage: Usage,
    /// Asks that wait for people.
    pub asks: Vec<OpenAsk>,
    /// How many asks of this attempt have a card.
    pub cards: u32,
    /// Why it is being stopped.
    pub stop: Option<Stop>,
    /// Whether it went on in a new session already.
    pub session_lost: bool,
    /// Whether this attempt showed that the API answers.
    pub works: bool,
    /// Whether nothing is to be posted of it.
    pub unposted: bool,
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
    /// More messages that it answers, and their reactions while it works.
    pub also: Vec<(ChannelId, MessageId, Reaction)>,
    /// What it looks like.
    pub shown: Shown,
}

/// The limits at which a turn is interrupted, by the word that the request carries.
const LIMITS: [(&str, Limit); 3] =
    [("time", Limit::Time), ("silence", Limit::Silence), ("output", Limit::Output)];

impl StopReason {
    /// The id of the request that interrupts the turn. It says why, so that the daemon that comes after knows it too.
    pub fn request(self, turn: TurnId) -> String {
        let word = LIMITS.iter().find(|(_, limit)| self == Self::Limit(*limit)).map(|(word, _)| word);
        word.map_or_else(|| turn.to_string(), |word| format!("{turn}:{word}"))
    }

    /// Why the turn was interrupted with this request; one that was meant for the turn before it says nothing of this one.
    pub fn of_request(request: &str, turn: TurnId) -> Self {
        let word = request.strip_prefix(&format!("{turn}:"));
        let limit = LIMITS.iter().find(|(known, _)| word == Some(known));
        limit.map_or(Self::Asked, |(_, limit)| Self::Limit(*limit))
    }

    /// The end of a turn that was stopped for this reason.
    pub fn end(self) -> TurnEnd {
        match self {
            StopReason::Asked => TurnEnd::Interrupted,
            StopReason::Limit(limit @ (Limit::Time | Limit::Silence | Limit::Away)) => {
                TurnEnd::TimedOut { limit }
            }
            StopReason::Limit(limit) => TurnEnd::LimitReached { limit },
        }
    }
}

impl Turn {
    /// A turn for these prompts (at least one) that waits for its place. The same first prompt gives the same turn,
    /// whoever asks and when.
    pub fn waiting(parts: Vec<Prompt>, now: Moment, wall: WallTime) -> Self {
        let first = parts.first().map_or(PromptId(Uuid::nil()), |first| first.id);
        Self::new(TurnId::of(first), parts, Stage::Waiting, now, wall)
    }

    /// A turn that the CLI began by itself.
    pub fn alone(id: TurnId, now: Moment, wall: WallTime) -> Self {
        Self::new(id, Vec::new(), Stage::Running, now, wall)
    }

    /// A turn that an earlier daemon began.
    pub fn known(known: KnownTurn, now: Moment) -> Self {
        let mut turn = Self::new(known.id, known.parts, Stage::Running, now, known.started_at);
        turn.attempt = known.attempt;
        turn.side_effects = known.side_effects;
        turn.stored_end = known.end;
        turn.ran_before = known.ran.saturating_sub(known.waited);
        turn.waited_before = known.waited;
        turn.carried = known.carried;
        turn.session_lost = known.carried.session_lost;
        turn.carry();
        turn
    }

    /// One that ended before it began: its message is told why it was refused, or shows that it was taken back.
    pub fn unbegun(prompt: Prompt, end: TurnEnd, now: Moment, wall: WallTime) -> Self {
        let mut turn = Self::waiting(vec![prompt], now, wall);
        turn.unposted = end == TurnEnd::Interrupted;
        turn.view.apply(&TurnEvent::Ended(end), wall);
        turn
    }

    fn new(id: TurnId, parts: Vec<Prompt>, stage: Stage, now: Moment, wall: WallTime) -> Self {
        let mut turn = Self {
            id,
            prompt: Prompt::joined(&parts),
            parts,
            heard_prompts: Vec::new(),
            stage,
            attempt: 1,
            view: View::new(About { turn: id, reply_to: None, started_at: wall, model: None }),
            changed: true,
            urgent: false,
            began: false,
            heard: false,
            again: false,
            dying: None,
            stored_end: None,
            carried: Carried::default(),
            from: Position::default(),
            started: now,
            ran_before: Duration::ZERO,
            waited_before: Duration::ZERO,
            started_at: wall,
            last_heard: now,
            quiet_ticks: 0,
            side_effects: false,
            tools: 0,
            usage: Usage::default(),
            asks: Vec::new(),
            cards: 0,
            stop: None,
            session_lost: false,
            works: false,
            unposted: false,
        };
        turn.answers();
        turn.preface();
        turn
    }

    /// It is for these prompts from now on.
    pub fn is_of(&mut self, parts: Vec<Prompt>) {
        self.prompt = Prompt::joined(&parts);
        self.parts = parts;
        self.answers();
        self.changed = true;
    }

    /// It answers the message that was written last.
    fn answers(&mut self) {
        let message = self.parts.last().and_then(|part| part.origin.message());
        self.view.answers(message.map(|(_, message)| message));
    }

    /// What nobody could read otherwise stands above its answer.
    fn preface(&mut self) {
        if let Some(Prompt { origin: Origin::Command { .. }, author, text, .. }) = &self.prompt {
            let event = TurnEvent::Steered { by: author.name.clone(), text: text.clone() };
            self.view.apply(&event, self.started_at);
        }
    }

    /// The prompts that it answers besides the first one.
    pub fn more(&self) -> Vec<PromptId> {
        self.parts.iter().skip(1).map(|part| part.id).collect()
    }

    /// Whether this prompt is part of it.
    pub fn has(&self, prompt: PromptId) -> bool {
        self.parts.iter().chain(&self.heard_prompts).any(|part| part.id == prompt)
    }

    /// Whether it waits and was never given to a process.
    pub fn is_untouched(&self) -> bool {
        !self.is_running() && self.attempt == 1 && self.prompt.is_some()
    }

    /// The next attempt: what was seen of the one before counts no more, but for what is worth telling.
    pub fn next_attempt(&mut self, now: Moment) {
        self.attempt += 1;
        self.again = false;
        self.began = false;
        self.dying = None;
        self.carried.restarted |= self.heard;
        self.heard = false;
        self.tools = 0;
        self.cards = 0;
        self.hears(now);
        self.view.afresh();
        self.preface();
        self.carry();
        self.changed = true;
    }

    fn carry(&mut self) {
        let told = [
            (self.carried.session_lost, TurnEvent::SessionLost),
            (self.carried.restarted, TurnEvent::Restarted),
        ];
        for (_, event) in told.into_iter().filter(|(happened, _)| *happened) {
            self.view.apply(&event, self.started_at);
        }
    }

    /// For how long it has run. What it waited for people is taken off when they answered.
    pub fn ran(&self, now: Moment) -> Duration {
        self.ran_before.saturating_add(now.since(self.started))
    }

    /// It has its place and its process.
    pub fn begin(&mut self, now: Moment) {
        self.stage = Stage::Running;
        self.view.starting();
        self.changed = true;
        self.started = now;
        self.hears(now);
    }

    /// The process recorded something, or is asked to from now on.
    pub fn hears(&mut self, now: Moment) {
        (self.last_heard, self.quiet_ticks) = (now, 0);
    }

    /// Whom it is for.
    pub fn asker(&self) -> Option<UserId> {
        self.prompt.as_ref().map(|prompt| prompt.author.id)
    }

    /// Whether it waits for its place.
    pub fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Waiting)
    }

    /// Whether it was given to a process.
    pub fn is_running(&self) -> bool {
        matches!(self.stage, Stage::Running)
    }

    /// Whether a process that is told this id works on it.
    pub fn is_for(&self, id: PromptId, process: ProcessId) -> bool {
        self.prompt.as_ref().is_some_and(|own| is_asked(own.id, self.attempt, process, id))
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

    /// As it should look like now. For its first moments nothing is posted, so that the first message has words of
    /// Claude's in it rather than a status line.
    pub fn shown(&self, now: WallTime) -> ShownTurn {
        let mut shown = self.view.show(now);
        // One that begins in the future began with another clock: how long ago is not known.
        let first_moments = now >= self.started_at && now.since(self.started_at) < QUIET_AT_FIRST;
        if self.unposted || !shown.ended && self.view.is_blank() && first_moments {
            shown.slots.clear();
        }
        let of = |prompt: &Prompt, reaction: Reaction| {
            prompt.origin.message().map(|(channel, message)| (channel, message, reaction))
        };
        let reaction = shown.reaction;
        let parts = self.parts.iter().skip(1).filter_map(|part| of(part, reaction.without_activity()));
        let heard = if shown.ended { reaction } else { Reaction::Heard };
        let heard = self.heard_prompts.iter().filter_map(|prompt| of(prompt, heard));
        let also = parts.chain(heard).collect();
        let origin = self.prompt.as_ref().map(|prompt| prompt.origin.clone());
        ShownTurn { turn: self.id, origin, also, shown }
    }
}

/// Whether a prompt goes by this id in this attempt. Daemons before this one gave all attempts the first one's. A process
/// may have been told of it while another turn ran.
pub(super) fn is_asked(own: PromptId, attempt: u32, process: ProcessId, id: PromptId) -> bool {
    own == id || own.in_attempt(attempt) == id || own.steered_into(process) == id
}

/// The id of a turn that the CLI began by itself: the same whenever the spool is read.
pub fn began_alone(process: ProcessId, from: Position) -> TurnId {
    TurnId(Uuid::new_v5(&process.0, &from.0.to_be_bytes()))
}

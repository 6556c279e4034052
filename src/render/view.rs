//! Turn events → the messages that Discord ought to show.
//!
//! A turn is one document: what Claude says, the tools it uses, what it asks and what happened to it, in order. The
//! document is cut into slots; slot *i* is message *i*. A view is folded from events alone, so folding the recorded
//! lines again after a restart gives the same slots, and the outbox closes whatever difference is left.

use crate::clock::WallTime;
use crate::domain::answer::{Answer, Draft};
use crate::domain::ask::Ask;
use crate::domain::event::{Outage, Started, TurnEnd, TurnEvent, Usage};
use crate::domain::ids::{ErrorId, MessageId, TurnId, UserId};
use crate::domain::tool::ToolUse;

use super::escape::{code_span, escape, one_line};
use super::message::MessageBody;

mod ask;
mod document;
mod ending;
mod facts;
mod failure;
mod middle;
mod reaction;
mod slots;
mod status;

pub use ask::whole;
pub use facts::{count, duration, money};
pub use failure::{cut_off_sentence, failure_sentence, limit_sentence};
pub use reaction::Reaction;

/// The most text that one turn keeps, in bytes: enough for any answer, and within what Discord takes as a file.
const TEXT_BYTES_MAX: usize = 8 << 20;

/// What is known of a turn before it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The turn.
    pub turn: TurnId,
    /// The message that asked; the first slot answers it.
    pub reply_to: Option<MessageId>,
    /// From when on time is counted.
    pub started_at: WallTime,
    /// The model that was asked for; the CLI says later which one works.
    pub model: Option<String>,
}

/// What a turn asks the CLI for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedFor {
    /// The model; none: the CLI's own default.
    pub model: Option<String>,
    /// The permission mode.
    pub mode: &'static str,
    /// The one that the project has anyway.
    pub usual_mode: &'static str,
    /// The effort that somebody chose.
    pub effort: Option<&'static str>,
}

/// What a turn looks like, folded from its events.
#[derive(Debug, Clone)]
pub struct View {
    about: About,
    model: Option<String>,
    mode: Option<String>,
    effort: Option<String>,
    /// The mode that nobody needs to be told of; none: it is not known.
    usual_mode: Option<&'static str>,
    blocks: Vec<Block>,
    /// The text block that deltas go to.
    open_text: Option<usize>,
    text_bytes: usize,
    doing: Doing,
    /// What it waits for, while it does.
    waits_for: WaitsFor,
    queued: usize,
    usage: Usage,
    tools: usize,
    /// Tasks in the background, by the CLI's id, in the order of their start.
    background: Vec<(String, String)>,
    /// Names of tools that were refused, in order, each once.
    denied: Vec<String>,
    error: Option<ErrorId>,
    last_event_at: WallTime,
    ended: Option<(TurnEnd, WallTime)>,
}

/// What a turn waits for that may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitsFor {
    /// A place among the running turns.
    Place {
        /// How many wait that come before it; at most [`BEFORE_MAX`].
        before: usize,
    },
    /// Memory for its process.
    Memory,
    /// The start of other processes, which takes every core.
    Cores,
}

/// More turns that come before one are not told apart, so that a long queue costs few edits.
pub const BEFORE_MAX: usize = 10;

impl Default for WaitsFor {
    fn default() -> Self {
        Self::Place { before: 0 }
    }
}

/// What Discord ought to show now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The messages in order; at least one, none of them empty.
    pub slots: Vec<MessageBody>,
    /// The reaction to the prompt.
    pub reaction: Reaction,
    /// Whether "… is typing" is shown.
    pub typing: bool,
    /// Whether this is how it stays.
    pub ended: bool,
}

#[derive(Debug, Clone)]
enum Block {
    /// Claude's markdown; empty when the CLI took it back.
    Text(String),
    /// Tools that followed each other.
    Tools(Vec<ToolState>),
    /// A question for a person.
    Ask(Box<Asked>),
    /// One line about the turn, Discord markdown.
    Notice(String),
}

#[derive(Debug, Clone)]
struct ToolState {
    tool_use: ToolUse,
    progress: Progress,
    /// When it ended, if it did.
    ended_at: Option<WallTime>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Running,
    Done,
    Failed,
    /// It was cut by whoever stopped the turn.
    Stopped,
}

/// A question, and how it stands.
#[derive(Debug, Clone)]
struct Asked {
    ask: Ask,
    /// Whom it is for, and until when; none where nobody can be asked.
    posed: Option<Posed>,
    /// Who may answer, where it is not simply whoever asked.
    who: Option<String>,
    /// What was chosen so far.
    draft: Draft,
    outcome: Outcome,
}

#[derive(Debug, Clone, Copy)]
struct Posed {
    person: Option<UserId>,
    until: WallTime,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Open,
    Answered { answer: Answer, by: Option<String> },
    Withdrawn,
}

/// What the status line tells while no tool runs and nobody is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Doing {
    WaitingForPlace { running: usize, max: usize },
    Held { why: Outage, until: WallTime, running: usize, max: usize },
    Starting,
    Working,
    Thinking,
    Writing,
    Retrying { attempt: u32, attempts_max: u32, reason: String },
    Compacting,
}

impl View {
    /// The view of a turn of which nothing has been heard.
    pub fn new(about: About) -> Self {
        Self {
            model: about.model.clone(),
            mode: None,
            effort: None,
            usual_mode: None,
            blocks: Vec::new(),
            open_text: None,
            text_bytes: 0,
            doing: Doing::Starting,
            waits_for: WaitsFor::default(),
            queued: 0,
            usage: Usage::default(),
            tools: 0,
            background: Vec::new(),
            denied: Vec::new(),
            error: None,
            last_event_at: about.started_at,
            ended: None,
            about,
        }
    }

    /// Takes in what happened. After [`TurnEvent::Ended`] nothing changes any more.
    pub fn apply(&mut self, event: &TurnEvent, at: WallTime) {
        if self.ended.is_some() {
            return;
        }
        self.last_event_at = at;
        match event {
            TurnEvent::Started(started) => self.started(started),
            TurnEvent::TextDelta(delta) => self.text_delta(delta),
            TurnEvent::Text(text) => self.text(text),
            TurnEvent::TextDropped => self.text_dropped(),
            TurnEvent::Thinking => self.doing = Doing::Thinking,
            TurnEvent::ToolStarted(tool_use) => self.tool_started(tool_use),
            TurnEvent::ToolEnded { id, failed } => self.tool_ended(id, *failed),
            TurnEvent::Asked(ask) => {
                self.blocks.push(Block::Ask(Box::new(Asked::new(ask.clone()))));
            }
            TurnEvent::AskWithdrawn { request } => self.settle(request, &Outcome::Withdrawn),
            TurnEvent::PermissionDenied { tool, message } => self.permission_denied(tool, message),
            TurnEvent::Retrying { attempt, attempts_max, reason, .. } => {
                let (attempt, attempts_max) = (*attempt, *attempts_max);
                self.doing = Doing::Retrying { attempt, attempts_max, reason: reason.clone() };
            }
            TurnEvent::ModelFallback { from, to } => self.model_fallback(from, to),
            TurnEvent::RateLimit { rejected: true, resets_at_secs, .. } => {
                let again = facts::again_at(*resets_at_secs);
                self.notice(format!("-# ⚠️ the usage limit of the account is reached{again}"));
            }
            TurnEvent::RateLimit { rejected: false, .. } | TurnEvent::ChangeAhead => {}
            TurnEvent::Compacting(true) => self.doing = Doing::Compacting,
            TurnEvent::Compacting(false) => {
                self.doing = Doing::Working;
                self.notice("-# 🗜️ the conversation was compacted to make room".to_owned());
            }
            TurnEvent::SessionLost => self.notice(
                "-# ⚠️ Claude's memory of this conversation was lost; this is a new session".to_owned(),
            ),
            TurnEvent::Restarted => self
                .notice("-# 🔁 Claude Code ended before it had changed anything, and began again".to_owned()),
            TurnEvent::ModeChanged(mode) => self.mode_changed(mode),
            TurnEvent::ModelChanged(model) => self.model = Some(model.clone()),
            TurnEvent::EffortChanged(effort) => self.effort = Some(effort.clone()),
            TurnEvent::Steered { by, text } => self.steered(by, text),
            TurnEvent::Background { task, description, running } => {
                self.background.retain(|(known, _)| known != task);
                if *running {
                    self.background.push((task.clone(), description.clone()));
                }
            }
            TurnEvent::Usage(usage) => self.usage = *usage,
            TurnEvent::Ended(end) => self.end(end, at),
        }
    }

    /// The turn begins again: nothing of what was seen of it counts any more.
    pub fn afresh(&mut self) {
        let (queued, model, usual_mode) = (self.queued, self.model.take(), self.usual_mode);
        *self = Self { model, usual_mode, queued, ..Self::new(self.about.clone()) };
    }

    /// The message that the first slot answers.
    pub fn answers(&mut self, message: Option<MessageId>) {
        self.about.reply_to = message;
    }

    /// How many prompts wait behind this turn.
    pub fn queued_behind(&mut self, prompts: usize) {
        self.queued = prompts;
    }

    /// The turn waits, because `running` of at most `max` turns of all conversations run.
    pub fn waiting_for_place(&mut self, running: usize, max: usize) {
        if matches!(self.doing, Doing::Starting | Doing::WaitingForPlace { .. }) {
            self.doing = Doing::WaitingForPlace { running, max };
        }
    }

    /// What it waits for, or how many come before it, changed.
    pub fn waits_for(&mut self, what: WaitsFor) {
        self.waits_for = what;
    }

    /// No turn may begin before then, for this reason; none: it waits for its place alone.
    pub fn held(&mut self, hold: Option<(Outage, WallTime)>) {
        if let Doing::WaitingForPlace { running, max } | Doing::Held { running, max, .. } = self.doing {
            self.doing = match hold {
                Some((why, until)) => Doing::Held { why, until, running, max },
                None => Doing::WaitingForPlace { running, max },
            };
        }
    }

    /// The turn has its place: the CLI is being started, or gets its line.
    pub fn starting(&mut self) {
        if matches!(self.doing, Doing::WaitingForPlace { .. } | Doing::Held { .. }) {
            self.doing = Doing::Starting;
        }
    }

    /// What the turn asks the CLI for; what the CLI said itself counts more.
    pub fn asked_for(&mut self, asked: AskedFor) {
        self.model = self.model.take().or(asked.model);
        self.mode = self.mode.take().or_else(|| Some(asked.mode.to_owned()));
        self.effort = self.effort.take().or_else(|| asked.effort.map(str::to_owned));
        self.usual_mode = Some(asked.usual_mode);
    }

    /// Whether there is nothing to read yet but how the turn stands.
    pub fn is_blank(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Whether Claude has not said anything yet.
    pub fn is_silent(&self) -> bool {
        self.text_bytes == 0
    }

    /// The id under which the log knows why this turn failed.
    pub fn failed_with(&mut self, error: ErrorId) {
        self.error = Some(error);
    }

    /// The messages that Discord ought to show at this time.
    pub fn show(&self, now: WallTime) -> Shown {
        let slots = match &self.ended {
            None => slots::while_it_works(self, &status::line(self, now)),
            Some((end, at)) => slots::at_the_end(self, end, &ending::footer(self, end, *at)),
        };
        let asks = self.open_asks() > 0;
        let waits = matches!(self.doing, Doing::WaitingForPlace { .. } | Doing::Held { .. });
        Shown {
            slots,
            reaction: self.reaction(),
            typing: self.ended.is_none() && !asks && !waits,
            ended: self.ended.is_some(),
        }
    }

    fn reaction(&self) -> Reaction {
        match &self.ended {
            Some((TurnEnd::Completed { .. }, _)) => Reaction::Done,
            Some((TurnEnd::Failed(_) | TurnEnd::CutOff { .. }, _)) => Reaction::Failed,
            Some((TurnEnd::Interrupted | TurnEnd::TimedOut { .. } | TurnEnd::LimitReached { .. }, _)) => {
                Reaction::Stopped
            }
            None if matches!(
                self.doing,
                Doing::Starting | Doing::WaitingForPlace { .. } | Doing::Held { .. }
            ) =>
            {
                Reaction::Seen
            }
            None => status::activity(self),
        }
    }
}

mod fold;

#[cfg(test)]
mod tests;

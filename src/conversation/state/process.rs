//! The CLI process of a conversation, as far as deciding needs it.

use std::time::Duration;

use uuid::Uuid;

use super::steering::Steered;
use super::tuning::Told;
use super::{Attached, Fresh, Given, KnownTurn, Turn};
use crate::claude::Dialogue;
use crate::claude::Tuning;
use crate::clock::{Moment, WallTime};
use crate::domain::answer::Draft;
use crate::domain::effort::Effort;
use crate::domain::ids::{ProcessId, PromptId, UserId};
use crate::render::view::AskedFor;
use crate::runner::Position;

/// Whoever is about to ask for something does so within this time.
const EXPECTED_MAX: Duration = Duration::from_mins(2);

/// A process of this conversation: there is never more than one.
#[derive(Debug)]
pub struct Process {
    /// Which.
    pub id: ProcessId,
    /// What was recorded at it, folded.
    pub dialogue: Dialogue,
    /// How far the spool was read.
    pub read_to: Position,
    /// How it was launched; another wish needs another process.
    pub fingerprint: String,
    /// What it was told of model, mode and effort.
    pub told: Told,
    /// Whether it ever said that it plans.
    pub has_planned: bool,
    /// The permission mode that the project has, where nobody chooses another.
    pub usual_mode: &'static str,
    /// Whether it can take a prompt.
    pub readiness: Readiness,
    /// Since when it has had nothing to do.
    pub idle_since: Option<Moment>,
    /// When somebody was about to ask for something last, while it had nothing to do.
    pub expected_at: Option<Moment>,
    /// Whose prompt it worked on last; what it does in the background is theirs.
    pub asker: Option<UserId>,
    /// Whether it never had anything to do: it was started because somebody was about to ask.
    pub unused: bool,
    /// When this daemon attached to it, if an earlier one started it.
    pub attached_at: Moment,
    /// What was said to its asks, as far as people did or could have: the records do not tell who.
    pub given: Vec<Given>,
    /// When asks of it came under an earlier daemon, by the CLI's id of the request.
    pub asked: Vec<(String, WallTime)>,
    /// What was chosen so far of its asks, by the same.
    pub drafts: Vec<(String, Draft)>,
    /// Prompts that it was told of while a turn ran, and has not heard yet.
    pub steered: Vec<Steered>,
    known: Vec<KnownTurn>,
}

/// Whether a process can take a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// It is being started, or its spool is being read.
    Starting,
    /// It runs.
    Ready,
    /// Its input is closed.
    Closing {
        /// Since when.
        since: Moment,
        /// Whether the stop ladder was asked for, because it did not exit.
        killed: bool,
    },
}

impl Process {
    /// A process that is about to be started.
    pub fn starting(fresh: Fresh) -> Self {
        let Fresh { process: id, fingerprint, tuning, usual_mode } = fresh;
        Self {
            id,
            told: Told::at_launch(tuning),
            has_planned: false,
            usual_mode,
            dialogue: Dialogue::new(),
            read_to: Position::default(),
            fingerprint,
            readiness: Readiness::Starting,
            idle_since: None,
            expected_at: None,
            asker: None,
            unused: false,
            attached_at: Moment::default(),
            given: Vec::new(),
            asked: Vec::new(),
            drafts: Vec::new(),
            steered: Vec::new(),
            known: Vec::new(),
        }
    }

    /// A process that is about to be started although nobody asked for anything yet.
    pub fn unused(fresh: Fresh, now: Moment) -> Self {
        Self { unused: true, idle_since: Some(now), ..Self::starting(fresh) }
    }

    /// A process of an earlier daemon.
    pub fn attached(attached: Attached, now: Moment) -> Self {
        Self {
            given: attached.given,
            asked: attached.asked,
            drafts: attached.drafts,
            steered: attached
                .steered
                .into_iter()
                .map(|prompt| Steered::of(prompt, attached.process))
                .collect(),
            unused: attached.turns.is_empty(),
            known: attached.turns,
            attached_at: now,
            ..Self::starting(Fresh {
                process: attached.process,
                fingerprint: attached.fingerprint,
                tuning: attached.tuning,
                usual_mode: attached.usual_mode,
            })
        }
    }

    /// Whether it can serve a launch with this fingerprint.
    pub fn serves(&self, fingerprint: &str) -> bool {
        !self.is_closing() && self.fingerprint == fingerprint
    }

    /// Whether it is on its way out.
    pub fn is_closing(&self) -> bool {
        matches!(self.readiness, Readiness::Closing { .. })
    }

    /// The id of the process that takes this one's place for the same turn: always the same one.
    #[must_use]
    pub fn successor(&self) -> Self {
        Self::starting(Fresh {
            process: ProcessId(Uuid::new_v5(&self.id.0, b"successor")),
            fingerprint: self.fingerprint.clone(),
            tuning: self.told.tuning.clone(),
            usual_mode: self.usual_mode,
        })
    }

    /// The turn shows what this process was told.
    pub fn shows_in(&self, turn: &mut Turn) {
        let Tuning { model, mode, effort } = &self.told.tuning;
        turn.view.asked_for(AskedFor {
            model: model.clone(),
            mode: mode.as_str(),
            usual_mode: self.usual_mode,
            effort: effort.map(Effort::as_str),
        });
    }

    /// It has something to do.
    pub fn works(&mut self) {
        self.idle_since = None;
        self.expected_at = None;
        self.unused = false;
    }

    /// How long it stays with nothing to do: not long, if nobody has used it so far; a while yet, if somebody is about to.
    pub fn idle_until(&self, warm_idle: Duration) -> Option<Moment> {
        let expected = warm_idle.min(EXPECTED_MAX);
        let until = self.idle_since?.after(if self.unused { expected } else { warm_idle });
        Some(self.expected_at.map_or(until, |at| until.max(at.after(expected))))
    }

    /// When it wants to be looked at while no turn runs.
    pub fn due(&self, warm_idle: Duration, close_grace: Duration) -> Option<Moment> {
        match self.readiness {
            Readiness::Closing { killed: true, .. } => None,
            Readiness::Closing { since, killed: false } => Some(since.after(close_grace)),
            Readiness::Starting | Readiness::Ready => {
                self.idle_until(warm_idle).into_iter().chain(self.told.due()).min()
            }
        }
    }

    /// What was said to this request.
    pub fn given(&self, request: &str) -> Option<&Given> {
        self.given.iter().find(|given| given.request == request)
    }

    /// When this request came, if that was under an earlier daemon.
    pub fn asked(&self, request: &str) -> Option<WallTime> {
        self.asked.iter().find(|(known, _)| known == request).map(|(_, at)| *at)
    }

    /// What was chosen so far of this request's questions.
    pub fn draft(&self, request: &str) -> Option<&Draft> {
        self.drafts.iter().find(|(known, _)| known == request).map(|(_, draft)| draft)
    }

    /// Takes out the prompt that the process knows by this id.
    pub fn take_steered(&mut self, id: PromptId) -> Option<Steered> {
        let index = self.steered.iter().position(|steered| steered.id == id)?;
        Some(self.steered.remove(index))
    }

    /// The first turn of an earlier daemon that matches; it is handed out once.
    pub fn take_known(&mut self, matches: impl Fn(&KnownTurn) -> bool) -> Option<KnownTurn> {
        let index = self.known.iter().position(matches)?;
        Some(self.known.remove(index))
    }

    /// The turns that it has from an earlier daemon and for which this holds.
    pub fn take_all_known(&mut self, matches: impl Fn(&KnownTurn) -> bool) -> Vec<Turn> {
        let (taken, rest) = std::mem::take(&mut self.known).into_iter().partition(matches);
        self.known = rest;
        let taken: Vec<KnownTurn> = taken;
        taken.into_iter().map(|known| Turn::known(known, self.attached_at)).collect()
    }
}

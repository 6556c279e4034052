//! Prompts that wait: in which order, which of them become one turn, what their authors change, what people are told.

use std::time::Duration;

use super::{Effect, Process, State, StopReason, Turn};
use crate::clock::{Moment, WallTime};
use crate::domain::event::TurnEnd;
use crate::domain::ids::{PromptId, TurnId};
use crate::domain::prompt::{Attachment, Origin, Prompt, Wish};

/// So many prompts become one turn at most.
const JOINED_MAX: usize = 5;
/// What is longer, in characters, is a prompt of its own.
const SHORT_CHARS_MAX: usize = 500;
/// So long are those that become one turn, in characters, all of them together.
const JOINED_CHARS_MAX: usize = 2000;
/// What was said later than this after the one before is something else: by Discord's clock, so that no restart changes it.
const BREATH_MAX: Duration = Duration::from_mins(1);
/// So long a prompt waits before people are told that it does: most wait for a moment only.
const TOLD_AFTER: Duration = Duration::from_millis(1200);
/// Places behind this one are not told apart, so that a long queue costs few edits.
const PLACES_MAX: usize = 5;

/// What people are told of prompts that wait, from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The first of those that wait to be one turn.
    pub prompt: PromptId,
    /// How they wait; none: they do not, and nothing is told any more.
    pub waits: Option<Waits>,
    /// Whether people are told for the first time.
    pub is_new: bool,
}

/// How prompts wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// Where the first of them came from.
    pub origin: Origin,
    /// How many turns come before it, the running one not counted; at most 5.
    pub behind: usize,
    /// How many prompts they are.
    pub prompts: usize,
}

/// What people were told of a prompt.
#[derive(Debug)]
pub(super) struct Told {
    since: Moment,
    /// How many turns come before it, and how many prompts it is; none: nothing was told yet.
    told: Option<(usize, usize)>,
}

impl State {
    /// The prompts that wait, as the turns that they will be.
    pub fn waiting(&self) -> Vec<Vec<Prompt>> {
        let mut turns: Vec<Vec<Prompt>> = Vec::new();
        for prompt in &self.queue {
            match turns.last_mut().filter(|turn| joins(turn, prompt)) {
                Some(turn) => turn.push(prompt.clone()),
                None => turns.push(vec![prompt.clone()]),
            }
        }
        turns
    }

    /// The prompts that wait to be one turn with this one; none: it does not wait.
    pub fn waiting_with(&self, prompt: PromptId) -> Vec<PromptId> {
        let turns = self.waiting().into_iter();
        let mut found = turns.filter(|turn| turn.iter().any(|part| part.id == prompt));
        found.next().into_iter().flatten().map(|part| part.id).collect()
    }

    /// Whether the turn that waits for its place is for this prompt.
    pub fn is_next(&self, prompt: PromptId) -> bool {
        self.turn.as_ref().is_some_and(|turn| turn.is_untouched() && turn.has(prompt))
    }

    /// People were told by an earlier daemon that this prompt waits.
    pub fn was_told(&mut self, prompt: PromptId) {
        self.notices.insert(prompt, Told { since: Moment::default(), told: Some((usize::MAX, 0)) });
    }

    /// What is to be told to people since the last call.
    pub fn notices(&mut self, now: Moment) -> Vec<Notice> {
        let mut changed = Vec::new();
        let waiting = self.waiting();
        let runs = self.turn.is_some();
        for (behind, parts) in waiting.iter().enumerate() {
            let Some(first) = parts.first() else { continue };
            let told = self.notices.entry(first.id).or_insert(Told { since: now, told: None });
            let place = (behind.min(PLACES_MAX), parts.len());
            if told.told == Some(place) || !runs || now.since(told.since) < TOLD_AFTER {
                continue;
            }
            let is_new = told.told.replace(place).is_none();
            let waits = Waits { origin: first.origin.clone(), behind: place.0, prompts: place.1 };
            changed.push(Notice { prompt: first.id, waits: Some(waits), is_new });
        }
        self.notices.retain(|prompt, told| {
            let waits = waiting.iter().any(|parts| parts.first().is_some_and(|first| first.id == *prompt));
            if !waits && told.told.is_some() {
                changed.push(Notice { prompt: *prompt, waits: None, is_new: false });
            }
            waits
        });
        changed
    }

    pub(super) fn submit(&mut self, prompt: Prompt) {
        let steered = self.process.iter().flat_map(|process| &process.steered);
        let known = self.done.contains(&prompt.id)
            || self.queue.iter().any(|queued| queued.id == prompt.id)
            || self.turn.iter().chain(&self.held).any(|turn| turn.has(prompt.id))
            || steered.map(|steered| &steered.prompt).any(|steered| steered.id == prompt.id);
        if !known {
            self.insert(prompt);
        }
    }

    /// A prompt that waited for its place in this turn, under an earlier daemon: it does so again, if nothing came between.
    /// What people see of the turn replies to the last of its prompts, so they are the same ones.
    pub(super) fn rejoin(&mut self, prompt: Prompt, turn: TurnId) {
        let waits = self.turn.as_mut().filter(|waits| {
            waits.id == turn
                && waits.is_untouched()
                && self.queue.is_empty()
                && !waits.has(prompt.id)
                && joins(&waits.parts, &prompt)
        });
        let Some(waits) = waits else { return self.submit(prompt) };
        let mut parts = std::mem::take(&mut waits.parts);
        parts.push(prompt);
        waits.is_of(parts);
    }

    /// Discord's events reach us on several tasks; its ids restore the order in which people wrote.
    pub(super) fn insert(&mut self, prompt: Prompt) {
        let key = |prompt: &Prompt| (prompt.wish != Wish::Interrupt, prompt.origin.order());
        let place = self.queue.partition_point(|queued| key(queued) <= key(&prompt));
        self.queue.insert(place, prompt);
        self.show_queue();
    }

    /// The status line of the turn says how many wait behind it.
    pub(super) fn show_queue(&mut self) {
        if let Some(turn) = &mut self.turn {
            turn.view.queued_behind(self.queue.len());
            turn.changed = true;
        }
    }

    /// Takes the next prompts into a turn, which waits for its place among the running ones.
    pub(super) fn next_turn(&mut self, now: Moment, wall: WallTime, effects: &mut Vec<Effect>) {
        if self.turn.is_some()
            || self.process.as_ref().is_some_and(Process::is_closing)
            || !self.is_caught_up()
        {
            return;
        }
        if self.begin_steered(now, wall, effects) {
            return;
        }
        let Some(parts) = self.waiting().into_iter().next() else { return };
        self.queue.drain(..parts.len());
        let mut turn = Turn::waiting(parts, now, wall);
        turn.view.waiting_for_place(self.bounds.running_turns_max, self.bounds.running_turns_max);
        let more = turn.more();
        if !more.is_empty() {
            effects.push(Effect::Join { turn: turn.id, more });
        }
        self.turn = Some(turn);
        self.show_queue();
        self.ask_place(effects);
    }

    /// What waits was said to a conversation that is about to be forgotten.
    pub(super) fn withdraw_queued(&mut self, now: Moment, wall: WallTime, effects: &mut Vec<Effect>) {
        for prompt in std::mem::take(&mut self.queue) {
            effects.push(Effect::Withdraw { prompt: prompt.id, turn: TurnId::of(prompt.id) });
            self.withdrawn(prompt, false, now, wall);
        }
        for steered in self.process.iter_mut().flat_map(|process| &mut process.steered) {
            steered.prompt.wish = Wish::Withdraw;
            effects.push(Effect::TakeBack(steered.prompt.id));
        }
        if let Some(held) = &mut self.held {
            held.stop(StopReason::Asked, now);
        }
        self.show_queue();
    }

    /// A prompt is taken back, which is stored unless a process was told of it.
    pub(super) fn withdraw(
        &mut self,
        prompt: PromptId,
        gone: bool,
        now: Moment,
        wall: WallTime,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(index) = self.queue.iter().position(|queued| queued.id == prompt) {
            if let Some(prompt) = self.queue.remove(index) {
                self.withdrawn(prompt, gone, now, wall);
            }
            self.show_queue();
            return;
        }
        if self.take_back(prompt, effects) {
            return;
        }
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.is_untouched() && turn.has(prompt)) else {
            // It may be on its way here.
            self.done.push_back(prompt);
            return;
        };
        let (taken, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut turn.parts).into_iter().partition(|part| part.id == prompt);
        if rest.is_empty() || turn.prompt.as_ref().is_some_and(|first| first.id == prompt) {
            // The turn has its name from its first prompt. Where others go on, nothing is said of it.
            turn.unposted = !rest.is_empty();
            turn.is_of(taken);
            self.finish(TurnEnd::Interrupted, wall, effects);
            for part in rest {
                self.insert(part);
            }
            return;
        }
        turn.is_of(rest);
        for part in taken {
            self.withdrawn(part, gone, now, wall);
        }
    }

    /// Its author says it otherwise, and it is stored.
    pub(super) fn edited(&mut self, prompt: PromptId, text: String, attachments: Vec<Attachment>) {
        if let Some(queued) = self.queue.iter_mut().find(|queued| queued.id == prompt) {
            (queued.text, queued.attachments) = (text, attachments);
            return;
        }
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.is_untouched() && turn.has(prompt)) else {
            return;
        };
        let mut parts = std::mem::take(&mut turn.parts);
        if let Some(part) = parts.iter_mut().find(|part| part.id == prompt) {
            (part.text, part.attachments) = (text, attachments);
        }
        // What it says now may not be for one turn with the others.
        let together = (1..parts.len()).find(|next| !joins(&parts[..*next], &parts[*next]));
        let apart = parts.split_off(together.unwrap_or(parts.len()));
        turn.is_of(parts);
        for part in apart {
            self.insert(part);
        }
    }

    /// Something else is to become of a prompt that waits, and it is stored.
    pub(super) fn wish(&mut self, prompt: PromptId, wish: Wish) {
        let Some(index) = self.queue.iter().position(|queued| queued.id == prompt) else { return };
        if let Some(mut queued) = self.queue.remove(index) {
            queued.wish = wish;
            self.insert(queued);
        }
    }

    /// What interrupts does so, and what the running turn is to hear is told to it, as soon as that can be.
    pub(super) fn grant_wishes(&mut self, now: Moment, wall: WallTime, effects: &mut Vec<Effect>) {
        let first = self.queue.front().filter(|first| first.wish == Wish::Interrupt);
        let runs = |turn: &&Turn| turn.is_running() && turn.stop.is_none() && turn.stored_end.is_none();
        if let (Some(first), Some(turn)) = (first, self.turn.as_ref().filter(runs))
            && self.is_caught_up()
        {
            effects.push(Effect::NoteStop { turn: turn.id, by: first.author.id });
            self.stop(StopReason::Asked, now, wall, effects);
        }
        self.steer(effects);
    }
}

/// Whether a prompt waits to be one turn with these: what somebody says in one breath, in several short messages. Files
/// stand with the message that they came with.
fn joins(turn: &[Prompt], next: &Prompt) -> bool {
    let place = |prompt: &Prompt| match prompt.origin {
        Origin::Message { channel, .. } => Some(channel),
        Origin::GoOn { .. } | Origin::Command { .. } => None,
    };
    let chars = |prompt: &Prompt| prompt.text.chars().count();
    let is_short = |prompt: &Prompt| {
        prompt.attachments.is_empty() && !prompt.is_command() && chars(prompt) <= SHORT_CHARS_MAX
    };
    turn.len() < JOINED_MAX
        && turn.iter().chain([next]).all(is_short)
        && turn.iter().chain([next]).map(chars).sum::<usize>() <= JOINED_CHARS_MAX
        && turn.last().is_some_and(|last| {
            last.author.id == next.author.id
                && last.wish == next.wish
                && place(last).is_some()
                && place(last) == place(next)
                && next.received_at.since(last.received_at) <= BREATH_MAX
        })
}

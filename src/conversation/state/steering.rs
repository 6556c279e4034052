//! Prompts that a process is told of while a turn runs. The CLI hears them with the next result of a tool, or makes turns
//! of them afterwards (its README §7); which of the two, its echo tells. Until then each is `queued` in the store.

use super::{Effect, Readiness, State, Turn, not_run};
use crate::claude::cancel_line;
use crate::clock::{Moment, WallTime};
use crate::domain::event::{Failure, TurnEnd, TurnEvent};
use crate::domain::ids::{ProcessId, PromptId, TurnId};
use crate::domain::prompt::{Prompt, Wish};
use crate::render::view::Reaction;
use crate::runner::Position;

/// What stands for the answer of a turn that another one took in.
const TAKEN_IN: &str = "↪️ Claude heard this while it was at something else, and went into it there.";

/// A prompt that a process was told of while a turn ran.
#[derive(Debug)]
pub struct Steered {
    /// The prompt.
    pub prompt: Prompt,
    /// The uuid under which the process knows it.
    pub id: PromptId,
    /// Whether it was written, as far as this daemon knows.
    handed: bool,
}

impl Steered {
    /// A prompt that this process was told of, by whichever daemon.
    pub(super) fn of(prompt: Prompt, process: ProcessId) -> Self {
        Self { id: prompt.id.steered_into(process), prompt, handed: false }
    }

    /// Asks for it back. What was heard meanwhile is not given back.
    pub(super) fn take_back(&self) -> Effect {
        Effect::Write(cancel_line(&format!("cancel-{}", self.id), self.id))
    }
}

impl State {
    /// The prompts that the process was told of and has not heard yet.
    pub fn steered(&self) -> impl Iterator<Item = &Prompt> {
        self.process.iter().flat_map(|process| &process.steered).map(|steered| &steered.prompt)
    }

    /// Whether everything that was recorded before this daemon came has been read.
    pub(super) fn is_caught_up(&self) -> bool {
        self.process.as_ref().is_none_or(|process| process.readiness != Readiness::Starting)
    }

    /// Tells the running turn what it is to hear. A command is none, but what is run in a turn of its own.
    pub(super) fn steer(&mut self, effects: &mut Vec<Effect>) {
        while self.can_steer()
            && let Some(index) =
                self.queue.iter().position(|prompt| prompt.wish == Wish::Steer && !prompt.is_command())
            && let (Some(process), Some(prompt)) = (&mut self.process, self.queue.remove(index))
        {
            let steered = Steered { handed: true, ..Steered::of(prompt.clone(), process.id) };
            react(&prompt, Reaction::Sent, effects);
            effects.push(Effect::Steer { prompt, process: process.id, id: steered.id });
            process.steered.push(steered);
            self.show_queue();
        }
    }

    fn can_steer(&self) -> bool {
        let works = |turn: &Turn| {
            turn.is_running()
                && turn.began
                && turn.stop.is_none()
                && turn.dying.is_none()
                && turn.stored_end.is_none()
                && !turn.again
        };
        self.held.is_none()
            && self.turn.as_ref().is_some_and(works)
            && self
                .process
                .as_ref()
                .is_some_and(|process| process.readiness == Readiness::Ready && process.dialogue.is_busy())
    }

    /// The CLI heard a prompt within the turn that runs.
    pub(super) fn absorbed(&mut self, id: PromptId, at: WallTime, effects: &mut Vec<Effect>) {
        let Some(process) = &mut self.process else { return };
        let Some(steered) = process.take_steered(id) else {
            let process = process.id;
            self.taken_in(id, process, at, effects);
            return;
        };
        // Where there is none, it was shown to its end by an earlier daemon.
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.began) else { return };
        let prompt = steered.prompt;
        effects.push(Effect::Heard { prompt: prompt.id, turn: turn.id });
        let event = TurnEvent::Steered { by: prompt.author.name.clone(), text: prompt.text.clone() };
        turn.view.apply(&event, at);
        turn.heard_prompts.push(prompt);
        turn.changed = true;
    }

    /// A turn that was given to the CLI while it began another one by itself is heard in that one.
    fn taken_in(&mut self, id: PromptId, process: ProcessId, at: WallTime, effects: &mut Vec<Effect>) {
        let Some(held) = self.held.take_if(|held| held.is_running() && held.is_for(id, process)) else {
            return;
        };
        let running = self.turn.replace(held);
        self.finish(TurnEnd::Completed { text: TAKEN_IN.to_owned() }, at, effects);
        self.turn = running;
    }

    /// The CLI gave a prompt back that it had not heard.
    pub(super) fn cancelled(&mut self, id: PromptId, now: Moment, at: WallTime, effects: &mut Vec<Effect>) {
        let steered = self.process.as_mut().and_then(|process| process.take_steered(id));
        self.steered_in_vain(steered.into_iter().collect(), now, at, effects);
    }

    /// A prompt was not told, because its author lost what let them in, since it was taken.
    pub(super) fn not_told(
        &mut self,
        prompt: PromptId,
        now: Moment,
        wall: WallTime,
        effects: &mut Vec<Effect>,
    ) {
        let Some(Steered { prompt, .. }) = self.untold(prompt) else { return };
        let end = TurnEnd::Failed(Failure::NotAllowed);
        effects.push(not_run(prompt.id, TurnId::of(prompt.id), &end));
        self.unqueued(prompt, end, now, wall);
    }

    /// A prompt was not told, because it is not known whether its author may still: that is asked again when it is its turn.
    pub(super) fn waits_instead(&mut self, prompt: PromptId, effects: &mut Vec<Effect>) {
        let Some(Steered { mut prompt, .. }) = self.untold(prompt) else { return };
        prompt.wish = Wish::Wait;
        react(&prompt, Reaction::Seen, effects);
        self.insert(prompt);
    }

    fn untold(&mut self, prompt: PromptId) -> Option<Steered> {
        let process = self.process.as_mut()?;
        process.take_steered(prompt.steered_into(process.id))
    }

    /// Prompts that a process was told of and never heard wait again, unless they are not wanted any more.
    pub(super) fn steered_in_vain(
        &mut self,
        steered: Vec<Steered>,
        now: Moment,
        at: WallTime,
        effects: &mut Vec<Effect>,
    ) {
        for Steered { prompt, .. } in steered {
            effects.push(Effect::Unsteer(prompt.id));
            if prompt.wish == Wish::Withdraw {
                effects.push(Effect::Withdraw { prompt: prompt.id, turn: TurnId::of(prompt.id) });
                self.withdrawn(prompt, false, now, at);
            } else {
                react(&prompt, Reaction::Seen, effects);
                self.insert(prompt);
            }
        }
    }

    /// The turn begins again: what it had heard is not answered by what it did before.
    pub(super) fn heard_in_vain(&mut self, effects: &mut Vec<Effect>) {
        let Some(turn) = &mut self.turn else { return };
        for prompt in std::mem::take(&mut turn.heard_prompts) {
            effects.push(Effect::Unsteer(prompt.id));
            react(&prompt, Reaction::Seen, effects);
            self.insert(prompt);
        }
    }

    /// A prompt that a process was told of is asked back.
    pub(super) fn take_back(&mut self, prompt: PromptId, effects: &mut Vec<Effect>) -> bool {
        let mut steered = self.process.iter_mut().flat_map(|process| &mut process.steered);
        let Some(steered) = steered.find(|steered| steered.prompt.id == prompt) else { return false };
        steered.prompt.wish = Wish::Withdraw;
        effects.extend([Effect::TakeBack(prompt), steered.take_back()]);
        true
    }

    /// No turn runs, and the CLI was told of prompts: a turn of the first of them is what comes.
    pub(super) fn begin_steered(&mut self, now: Moment, wall: WallTime, effects: &mut Vec<Effect>) -> bool {
        if !self.is_caught_up() {
            return false;
        }
        let Some(process) = self.process.as_mut().filter(|process| !process.steered.is_empty()) else {
            return false;
        };
        let Steered { prompt, id, handed } = process.steered.remove(0);
        let mut turn = Turn::waiting(vec![prompt.clone()], now, wall);
        turn.begin(now);
        process.shows_in(&mut turn);
        turn.from = process.read_to;
        process.idle_since = None;
        effects.extend(turn.begins_steered(process.id, process.read_to));
        if !handed {
            effects.push(Effect::SteerAgain { prompt, id });
        }
        self.turn = Some(turn);
        self.show_queue();
        true
    }

    /// After a restart: what the process was to be told of and may not have been written is written (again). Written
    /// twice, it is heard once.
    pub(super) fn steer_again(&mut self, effects: &mut Vec<Effect>) {
        let runs = self.turn.is_some();
        let Some(process) = &mut self.process else { return };
        for steered in &mut process.steered {
            steered.handed = process.dialogue.is_waiting(steered.id);
            if runs && !steered.handed {
                steered.handed = true;
                let prompt = steered.prompt.clone();
                effects.push(Effect::SteerAgain { prompt, id: steered.id });
            }
        }
    }
}

impl Turn {
    /// The row of a turn whose prompt the process was told of before.
    pub(super) fn begins_steered(&self, process: ProcessId, from: Position) -> Option<Effect> {
        let prompt = self.prompt.as_ref()?.id;
        Some(Effect::BeginSteered { turn: self.id, prompt, process, from })
    }
}

fn react(prompt: &Prompt, reaction: Reaction, effects: &mut Vec<Effect>) {
    if let Some((channel, message)) = prompt.origin.message() {
        effects.push(Effect::React { channel, message, reaction });
    }
}

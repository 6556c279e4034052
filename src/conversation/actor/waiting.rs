//! What people do with prompts that wait, and what they are told of them. A change is a row before anything else is done.

use uuid::Uuid;

use super::showing::target;
use super::{Actor, ActorError, Input};
use crate::conversation::handle::{InQueue, Sent, TakenBack, Taking};
use crate::conversation::state::Notice;
use crate::domain::ids::{ProcessId, PromptId, TurnId};
use crate::domain::prompt::{Attachment, Origin, Prompt, Wish};
use crate::fail_point::{Point, pass};
use crate::render::queue;

impl Actor {
    /// Tells a prompt to the process whose turn runs, if its author may still: a row first, so that it is told once.
    pub(super) async fn tell_of(
        &mut self,
        prompt: Prompt,
        process: ProcessId,
        id: PromptId,
    ) -> Result<Option<Input>, ActorError> {
        pass(Point::SteerDue).await;
        match self.may_be_told(&prompt).await {
            Some(true) => {}
            Some(false) => return Ok(Some(Input::NotTold(prompt.id))),
            None => return Ok(Some(Input::WaitsInstead(prompt.id))),
        }
        if !self.shared.store.steer(prompt.id, process).await? {
            tracing::error!(prompt = %prompt.id, "a prompt does not wait any more and was to be told");
            return Ok(Some(Input::Withdraw { prompt: prompt.id, gone: false }));
        }
        tracing::info!(prompt = %prompt.id, %process, "telling the running turn");
        pass(Point::SteerRow).await;
        self.steer(&prompt, id).await;
        pass(Point::SteerHanded).await;
        Ok(None)
    }

    /// Which prompts wait to be one turn is settled before people see anything of it.
    pub(super) async fn join(&mut self, turn: TurnId, more: &[PromptId]) -> Result<(), ActorError> {
        self.shared.store.join(turn, more).await?;
        pass(Point::Joined).await;
        Ok(())
    }

    /// Takes a prompt back.
    pub(super) async fn withdraw(
        &mut self,
        prompt: PromptId,
        taking: Taking,
    ) -> Result<TakenBack, ActorError> {
        let gone = taking == Taking::Gone;
        if self.state.steered().any(|steered| steered.id == prompt) {
            self.apply(Input::Withdraw { prompt, gone }).await?;
            return Ok(TakenBack::Asked);
        }
        let with = self.state.waiting_with(prompt);
        let prompts = if taking != Taking::Together || with.is_empty() { vec![prompt] } else { with };
        let mut done = 0;
        for prompt in prompts {
            if self.shared.store.withdraw(prompt, TurnId::of(prompt)).await? {
                pass(Point::Withdrawn).await;
                tracing::info!(%prompt, "prompt withdrawn");
                self.apply(Input::Withdraw { prompt, gone }).await?;
                done += 1;
            } else if self.shared.store.let_go(prompt).await? {
                done += 1;
            }
        }
        Ok(if done > 0 { TakenBack::Done { prompts: done } } else { TakenBack::TooLate })
    }

    /// Says otherwise what a prompt asks for.
    pub(super) async fn edit(
        &mut self,
        prompt: PromptId,
        text: String,
        attachments: Vec<Attachment>,
    ) -> Result<bool, ActorError> {
        let edited = self.shared.store.edit_prompt(prompt, &text, &attachments).await?;
        if edited {
            pass(Point::PromptEdited).await;
            tracing::info!(%prompt, "prompt edited");
            self.apply(Input::Edited { prompt, text, attachments }).await?;
        }
        Ok(edited)
    }

    /// Tells what waits to the running turn, or lets it interrupt that.
    pub(super) async fn send(
        &mut self,
        prompt: PromptId,
        wish: Wish,
        stops: Option<TurnId>,
    ) -> Result<Sent, ActorError> {
        let prompts = self.state.waiting_with(prompt);
        // Whoever may stop one turn may not stop what began since.
        let another = self.state.running().is_some_and(|turn| Some(turn.id) != stops);
        if wish == Wish::Interrupt && another && !prompts.is_empty() {
            return Ok(Sent::Waits);
        }
        for prompt in &prompts {
            if self.shared.store.wish(*prompt, wish).await? {
                pass(Point::Wished).await;
                self.apply(Input::Wish { prompt: *prompt, wish }).await?;
            }
        }
        let told = self.state.steered().any(|steered| steered.id == prompt);
        let waits = self.state.is_next(prompt) || !self.state.waiting_with(prompt).is_empty();
        Ok(match (told, waits) {
            (true, _) => Sent::Told,
            (false, true) => Sent::Next,
            (false, false) => Sent::TooLate,
        })
    }

    /// What waits, in order.
    pub(super) fn queue(&self) -> Vec<InQueue> {
        let told = self.state.steered().map(|prompt| in_queue(std::slice::from_ref(prompt), true));
        let waiting = self.state.waiting();
        told.chain(waiting.iter().map(|parts| in_queue(parts, false))).flatten().collect()
    }

    /// Tells people where their prompts stand, as far as that changed.
    pub(in crate::conversation) async fn tell_queue(&mut self) -> Result<(), ActorError> {
        for Notice { prompt, waits, is_new } in self.state.notices(self.shared.clock.moment()) {
            let key = notice_key(prompt);
            let origin = waits.as_ref().map(|waits| waits.origin.clone());
            let mut target = target(&self.conversation, origin.as_ref());
            // It carries the reactions of its turn alone.
            target.prompt = None;
            // Where it cannot be posted, the answer cannot either, and that is said.
            target.parent = None;
            let Some(waits) = waits else {
                self.shared.outbox.unsay(key, &target);
                continue;
            };
            let reply_to = match waits.origin {
                Origin::Message { channel, message } if channel == self.conversation.id.into() => {
                    Some(message)
                }
                Origin::Message { .. } | Origin::GoOn { .. } | Origin::Command { .. } => None,
            };
            let body = queue::notice(prompt, reply_to, waits.behind, waits.prompts);
            if is_new {
                self.shared.store.note_notice(prompt, key).await?;
                self.shared.outbox.say(key, &target, queue::shown(body));
            } else {
                self.shared.outbox.change(key, &target, queue::shown(body));
            }
        }
        Ok(())
    }

    pub(in crate::conversation) fn was_told(&mut self, prompt: PromptId) {
        self.state.was_told(prompt);
    }
}

/// The key under which people are told that a prompt waits.
fn notice_key(prompt: PromptId) -> TurnId {
    TurnId(Uuid::new_v5(&prompt.0, b"queued"))
}

fn in_queue(parts: &[Prompt], told: bool) -> Option<InQueue> {
    let (first, joined) = (parts.first()?, Prompt::joined(parts)?);
    Some(InQueue {
        prompt: first.id,
        prompts: parts.len(),
        by: first.author.name.clone(),
        text: joined.text,
        message: first.origin.message(),
        told,
    })
}

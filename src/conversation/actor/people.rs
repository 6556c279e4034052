//! What people decide with a click. It is stored before anything is done with it, and the first one counts.

use uuid::Uuid;

use super::{Actor, ActorError, Input};
use crate::conversation::handle::{Answered, Click, GoneOn};
use crate::conversation::state::Given;
use crate::domain::action::Choice;
use crate::domain::ask::Answer;
use crate::domain::event::TurnEnd;
use crate::domain::ids::{AskId, PromptId};
use crate::domain::prompt::{Author, Origin, Prompt};
use crate::fail_point::{Point, pass};
use crate::store::{Accepted, AskState};

/// What Claude is asked with the button of a turn that was cut off.
const GO_ON: &str = "Your previous attempt at this was cut off: the program that you run in died in the middle of it. You may have done \
     part of the work already. Look at what is there before you repeat anything, then go on with what I asked for.";

impl Actor {
    /// Answers an ask that waits here, or says what became of it.
    pub(super) async fn answer(
        &mut self,
        id: AskId,
        choice: Choice,
        by: Author,
    ) -> Result<Answered, ActorError> {
        let store = self.shared.store.clone();
        let open = self.state.open_ask(id).map(|open| open.ask.clone());
        if let (Some(ask), Some(process)) = (open, self.state.process()) {
            let answer = match choice {
                Choice::AllowForSession if ask.grant().is_some() => Answer::AllowForSession,
                Choice::AllowOnce | Choice::AllowForSession => Answer::Allow,
                Choice::Deny => Answer::Deny { message: format!("{} said no to this in the chat.", by.name) },
            };
            let state = state_of(&answer);
            if store.settle_ask(process, &ask.request, state, Some(&answer), Some(&by)).await? {
                tracing::info!(ask = %id, by = %by.id, answer = state.as_str(), "an ask was answered");
                store.audit(Some(by.id), "answer", &id.to_string(), state.as_str()).await?;
                let given = Given { request: ask.request, answer, by: Some(by.name) };
                pass(Point::AskSettled).await;
                self.apply(Input::Given { ask: id, given }).await?;
                pass(Point::AskAnswered).await;
                return Ok(Answered::Taken);
            }
        }
        let Some(stored) = store.ask(id).await? else { return Ok(Answered::Void) };
        Ok(match stored.state {
            AskState::Allowed => Answered::Before { by: stored.settled_by, allowed: true },
            AskState::Denied | AskState::Expired => {
                Answered::Before { by: stored.settled_by, allowed: false }
            }
            AskState::Open | AskState::Withdrawn => Answered::Void,
        })
    }

    /// Asks Claude to go on with a turn that was cut off. The session is resumed, so Claude knows what was said.
    pub(super) async fn go_on(&mut self, click: Click) -> Result<GoneOn, ActorError> {
        let store = self.shared.store.clone();
        let Some(turn) = store.turn(click.turn).await? else { return Ok(GoneOn::Void) };
        if turn.conversation != self.conversation.id || !turn.end.as_ref().is_some_and(was_cut_off) {
            return Ok(GoneOn::Void);
        }
        let Click { turn, channel, message, id: click, by } = click;
        let origin = Origin::GoOn { turn, channel, message, click };
        let id = PromptId(Uuid::new_v5(&Uuid::NAMESPACE_OID, origin.key().as_bytes()));
        if let Some(before) = store.prompt(id).await? {
            return Ok(GoneOn::Before { by: before.author.name });
        }
        if store.queued_count(self.conversation.id).await? >= self.shared.bounds.queued_prompts_max {
            return Ok(GoneOn::Full);
        }
        let prompt = Prompt {
            id,
            origin,
            conversation: self.conversation.id,
            author: by,
            text: GO_ON.to_owned(),
            attachments: Vec::new(),
            received_at: self.shared.clock.wall(),
        };
        if store.accept(&prompt, None).await? == Accepted::Duplicate {
            return Ok(GoneOn::Before { by: prompt.author.name });
        }
        tracing::info!(%turn, prompt = %prompt.id, by = %prompt.author.id, "going on with a turn");
        self.apply(Input::Submit(prompt)).await?;
        Ok(GoneOn::Taken)
    }
}

/// Where an ask stands after this answer.
pub(super) fn state_of(answer: &Answer) -> AskState {
    if answer.allows() { AskState::Allowed } else { AskState::Denied }
}

/// Whether the CLI died at its work on the turn.
fn was_cut_off(end: &TurnEnd) -> bool {
    match end {
        TurnEnd::CutOff { .. } => true,
        TurnEnd::Failed(_)
        | TurnEnd::Completed { .. }
        | TurnEnd::Interrupted
        | TurnEnd::TimedOut { .. }
        | TurnEnd::LimitReached { .. } => false,
    }
}

//! What a conversation is asked through its handle: done, and answered.

use tokio::sync::oneshot;

use super::{Actor, ActorError, Input};
use crate::conversation::handle::{Request, Stopped, Which};
use crate::domain::ids::UserId;

impl Actor {
    /// Does what is asked.
    pub(super) async fn request(&mut self, request: Request) -> Result<(), ActorError> {
        match request {
            // It is stored: it is found there when the others are taken up.
            Request::Submit(_) if !self.queue_taken => Ok(()),
            Request::Submit(prompt) => self.apply(Input::Submit(prompt)).await,
            Request::Stop { which, by, reply } => {
                let stopped = self.stop(which, by).await?;
                answer(reply, stopped);
                Ok(())
            }
            Request::Answer { ask, said, by, reply } => {
                let answered = self.answer(ask, said, by).await?;
                answer(reply, answered);
                Ok(())
            }
            Request::Tune { reply } => {
                self.choosers.push(reply);
                self.look_up().await?;
                let tuning = self.shared.setup.tuning(&self.conversation);
                self.apply(Input::Tune(tuning)).await
            }
            Request::Withdraw { prompt, taking, reply } => {
                let taken_back = self.withdraw(prompt, taking).await?;
                answer(reply, taken_back);
                Ok(())
            }
            Request::Edit { prompt, text, attachments, reply } => {
                let edited = self.edit(prompt, text, attachments).await?;
                answer(reply, edited);
                Ok(())
            }
            Request::Send { prompt, wish, stops, reply } => {
                let sent = self.send(prompt, wish, stops).await?;
                answer(reply, sent);
                Ok(())
            }
            Request::Queue { reply } => {
                answer(reply, self.queue());
                Ok(())
            }
            Request::Unseen { ask } => self.apply(Input::Unseen(ask)).await,
            Request::Announced => self.announced().await,
            Request::GoOn { click, reply } => {
                let gone_on = self.go_on(click).await?;
                answer(reply, gone_on);
                Ok(())
            }
            Request::Reset { reply } => {
                let queued = self.state.queued();
                self.apply(Input::Reset).await?;
                self.shared.store.reset(self.conversation.id).await?;
                self.conversation.session = None;
                self.look_up().await?;
                answer(reply, queued);
                Ok(())
            }
        }
    }

    /// Stops what runs, if it is what is meant; a row of the audit comes before.
    async fn stop(&mut self, which: Which, by: UserId) -> Result<Stopped, ActorError> {
        let here = self.conversation.id.to_string();
        let (target, stopped) = match (which, self.state.running()) {
            (Which::Turn(wanted), Some(turn)) if turn.id == wanted => {
                (wanted.to_string(), Stopped::Turn { queued: self.state.queued() })
            }
            (Which::Turn(_), _) => return Ok(Stopped::Over),
            (Which::Theirs, Some(turn)) if turn.asker() != Some(by) => return Ok(Stopped::NotTheirs),
            (Which::Theirs | Which::Any, Some(_)) => (here, Stopped::Turn { queued: self.state.queued() }),
            (Which::Theirs | Which::Any, None) => match (which, self.state.in_background()) {
                (_, None) => (here, Stopped::Nothing),
                (Which::Theirs, Some(asker)) if asker != Some(by) => return Ok(Stopped::NotTheirs),
                (_, Some(_)) => (here, Stopped::Background),
            },
        };
        self.shared.store.audit(Some(by), "stop", &target, "").await?;
        self.apply(Input::Stop).await?;
        Ok(stopped)
    }
}

pub(super) fn answer<T>(reply: oneshot::Sender<T>, value: T) {
    // Whoever asked may have gone away; then nobody needs the answer.
    let _ = reply.send(value);
}

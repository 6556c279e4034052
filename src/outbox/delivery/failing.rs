//! What a call that failed means for the turn: it waits, goes another way, or is refused where people see it.

use std::ops::Range;

use super::super::deliver::{Closed, DeliverError};
use super::super::plan::{self, Call, Operation, PostedState};
use super::super::worker::Order;
use super::super::{Inner, Target, closed, trouble};
use super::Delivery;
use crate::chain::Chain;
use crate::domain::ids::ErrorId;
use crate::fail_point::{Point, pass};
use crate::render::message::MessageBody;
use crate::render::view::{Reaction, Shown};
use crate::store::StoreError;

/// So often in a row a thread is brought back from the archive.
const UNARCHIVED_MAX: u32 = 3;

impl Delivery {
    pub(super) fn worked(&mut self, inner: &Inner, operation: Operation) {
        self.failures = 0;
        // A channel that takes nothing can still be read, and cleaned up.
        let was_taken = matches!(operation.call, Call::Create | Call::Edit(_));
        if was_taken {
            self.unarchived = 0;
            inner.channel_open(self.target.channel);
        }
        if was_taken && self.closed_since.take().is_some() && self.said_closed {
            self.tell_above(inner, trouble::over(self.target.channel));
        }
    }

    pub(super) async fn failed(
        &mut self,
        inner: &Inner,
        operation: Operation,
        body: Option<&MessageBody>,
        error: DeliverError,
        slots: usize,
    ) -> Result<(), StoreError> {
        let missing = operation.slot..u32::try_from(slots).unwrap_or(u32::MAX);
        let (channel, turn, slot, now) =
            (self.target.channel, self.turn, operation.slot, inner.clock.moment());
        self.failures = self.failures.saturating_add(1);
        match error {
            DeliverError::Retry { error } => {
                self.not_before = now.after(trouble::retry_wait(self.failures));
                tracing::warn!(%channel, %turn, slot, error = %Chain(&*error), "Discord call failed, trying again");
            }
            DeliverError::Archived if self.unarchived < UNARCHIVED_MAX => {
                match inner.discord.unarchive(channel).await {
                    Ok(()) => self.unarchived += 1,
                    Err(DeliverError::Retry { .. }) => {
                        self.not_before = now.after(trouble::retry_wait(self.failures));
                    }
                    Err(DeliverError::ChannelGone(said)) => self.gone(inner, &said, missing).await?,
                    Err(error) => {
                        self.wait(inner, Closed::Locked, &Chain(&error).to_string(), missing).await?;
                    }
                }
            }
            DeliverError::Archived => {
                // Somebody puts it back each time. After the wait it is tried as often again.
                self.unarchived = 0;
                self.wait(inner, Closed::Locked, "archived", missing).await?;
            }
            DeliverError::Closed { why, said } => self.wait(inner, why, &said, missing).await?,
            DeliverError::ChannelGone(said) => self.gone(inner, &said, missing).await?,
            DeliverError::MessageGone(said) => match operation.call {
                Call::Edit(_) | Call::Delete(_) => {
                    tracing::info!(%channel, %turn, slot, "a message was deleted by somebody");
                    inner.store.slot_removed(self.key(operation)).await?;
                    pass(Point::SlotGone).await;
                    self.known.set(operation, PostedState::Removed, String::new(), inner.clock.wall());
                }
                Call::Create | Call::LookUp => self.gone(inner, &said, missing).await?,
            },
            DeliverError::Worn(said) => match operation.call {
                Call::Edit(message) => {
                    tracing::info!(%channel, %turn, slot, said, "going on in a new message");
                    self.known.set(operation, PostedState::Worn(message), String::new(), inner.clock.wall());
                }
                Call::Create | Call::LookUp | Call::Delete(_) => self.refuse(inner, operation).await?,
            },
            DeliverError::Body(said) => {
                let id = ErrorId::random();
                tracing::error!(error_id = %id, %channel, %turn, slot, said, "Discord does not take a message");
                match body.and_then(|body| Some((plan::hash(body), trouble::instead(body, &id)?))) {
                    Some((hash, instead)) if operation.call != Call::LookUp => {
                        // What stands for what stood for it: they share the body that was wanted.
                        let wanted = self.instead.remove(&slot).filter(|(_, was)| plan::hash(was) == hash);
                        self.instead.insert(slot, (wanted.map_or(hash, |(wanted, _)| wanted), instead));
                    }
                    Some(_) | None => self.refuse(inner, operation).await?,
                }
            }
        }
        Ok(())
    }

    /// The channel takes nothing for now.
    async fn wait(
        &mut self,
        inner: &Inner,
        why: Closed,
        said: &str,
        missing: Range<u32>,
    ) -> Result<(), StoreError> {
        let now = inner.clock.moment();
        let closed_since = *self.closed_since.get_or_insert(now);
        if now.since(closed_since.max(self.since)) >= trouble::CLOSED_MAX {
            return self.give_up(inner, said, missing).await;
        }
        self.not_before = now.after(trouble::closed_wait(self.failures));
        if !std::mem::replace(&mut self.said_closed, true) {
            let (id, channel) = (ErrorId::random(), self.target.channel);
            tracing::error!(error_id = %id, %channel, turn = %self.turn, said, "the channel takes nothing, the answer waits");
            inner.channel_closed(&self.target, why, self.turn, &id);
            self.tell_above(inner, trouble::waits(channel, why, &id));
        }
        Ok(())
    }

    /// The channel is not there any more, or its message that answers are given to: nothing waits for it.
    async fn gone(&mut self, inner: &Inner, said: &str, missing: Range<u32>) -> Result<(), StoreError> {
        inner.channel_gone(self.target.channel);
        self.closed_since = None;
        self.give_up(inner, said, missing).await
    }

    /// The channel will never take anything: what it does not show is refused, from the slot that failed.
    async fn give_up(&mut self, inner: &Inner, said: &str, missing: Range<u32>) -> Result<(), StoreError> {
        let (id, channel) = (ErrorId::random(), self.target.channel);
        tracing::error!(error_id = %id, %channel, turn = %self.turn, said, "the answer cannot be posted");
        for slot in missing {
            let generations = self.known.all().iter().filter(|posted| posted.slot == slot);
            let generation = generations.map(|posted| posted.generation).max().unwrap_or(0);
            self.refuse(inner, Operation { slot, generation, call: Call::Create }).await?;
        }
        self.given_up = true;
        self.tell_above(inner, trouble::given_up(&id));
        Ok(())
    }

    async fn refuse(&mut self, inner: &Inner, operation: Operation) -> Result<(), StoreError> {
        let nonce = plan::nonce(self.turn, operation.slot, operation.generation);
        pass(Point::SlotRefused).await;
        inner.store.slot_refused(self.key(operation), self.target.channel, &nonce).await?;
        self.known.set(operation, PostedState::Refused, String::new(), inner.clock.wall());
        Ok(())
    }

    /// The turn is posted. Where it was said that its answer waits, that is not so any more: an earlier daemon may have said
    /// it, or an earlier delivery of this one.
    pub(super) async fn tell_over(&self, inner: &Inner) -> Result<(), StoreError> {
        let above = self.target.parent.is_some();
        let key = if above { trouble::notice_id(self.turn) } else { closed::notice_id(self.turn) };
        // Few have an owner, and fewer had trouble.
        if (above || inner.owner.is_some()) && !inner.store.slots(key).await?.is_empty() {
            if above {
                self.tell_above(inner, trouble::over(self.target.channel));
            } else {
                inner.tell_owner(self.turn, self.target.channel);
            }
        }
        Ok(())
    }

    /// Says something in the channel above the thread, in one message for each turn.
    fn tell_above(&self, inner: &Inner, sentence: String) {
        let Some(parent) = self.target.parent else { return };
        let reply_to =
            self.target.prompt.filter(|(channel, _)| *channel == parent).map(|(_, message)| message);
        let body = MessageBody { reply_to, ..MessageBody::text(sentence) };
        let target = Target { channel: parent, parent: None, thread: None, prompt: None, also: Vec::new() };
        let shown = Shown { slots: vec![body], reaction: Reaction::Failed, typing: false, ended: true };
        inner.show(trouble::notice_id(self.turn), &target, shown, Order::AtOnce);
    }
}

//! New messages: made, and looked for where nobody knows whether they were.

use std::time::Duration;

use super::super::Inner;
use super::super::deliver::DeliverError;
use super::super::plan::{self, Operation, PostedState};
use super::Delivery;
use crate::domain::ids::MessageId;
use crate::fail_point::{Point, pass};
use crate::render::message::MessageBody;
use crate::store::StoreError;

/// What gives messages their ids is not one clock: two that were made one after the other, in different channels, differ
/// in their order by less than this.
const IDS_DIFFER_MAX: Duration = Duration::from_mins(1);
/// Where no message is known at all, ours is not older than its first try by more than our clock may differ from
/// Discord's.
const CLOCKS_DIFFER_MAX: Duration = Duration::from_hours(24);

impl Delivery {
    /// Makes a message, after its row.
    pub(super) async fn create(
        &mut self,
        inner: &Inner,
        operation: Operation,
        body: &MessageBody,
    ) -> Result<Result<(), DeliverError>, StoreError> {
        let (channel, key, now) = (self.target.channel, self.key(operation), inner.clock.wall());
        let nonce = plan::nonce(self.turn, operation.slot, operation.generation);
        let (before, mut hash) = (self.known.get(operation).cloned(), plan::hash(body));
        let actions = body.actions().cloned().collect();
        let custom_ids = inner.store.slot_sending(key, channel, &nonce, &hash, actions).await?;
        pass(points(operation, body).0).await;
        // Whom it notifies was notified when it first came.
        let ping = body.ping.filter(|_| operation.generation == 0);
        let body = &MessageBody { ping, ..body.clone() };
        if before.is_some() {
            // The nonce gives the message of any of the attempts: which body it has is not known.
            hash.clear();
        }
        self.known.set(operation, PostedState::Sending, hash.clone(), now);
        // What Discord refuses elsewhere may hold it for long before it goes: no longer than its nonce counts.
        let tried = before.as_ref().map_or(Duration::ZERO, |before| now.since(before.first_try_at));
        let left = plan::NONCE_KNOWN.saturating_sub(tried);
        let posted = tokio::time::timeout(left, self.post(inner, body, &custom_ids, &nonce)).await;
        match posted.unwrap_or_else(|late| Err(DeliverError::Retry { error: late.into() })) {
            Ok(message) => {
                pass(points(operation, body).1).await;
                inner.store.slot_sent(key, message, &hash).await?;
                pass(Point::SlotSent).await;
                self.known.set(operation, PostedState::Sent(message), hash, now);
                Ok(Ok(()))
            }
            Err(error @ DeliverError::Retry { .. }) => Ok(Err(error)),
            Err(error) => {
                // Discord said no, and no attempt before is in doubt: nothing of it is there.
                if before.is_none() {
                    pass(Point::CreateRefused).await;
                    inner.store.slot_absent(key).await?;
                    self.known.forget(operation);
                }
                Ok(Err(error))
            }
        }
    }

    async fn post(
        &mut self,
        inner: &Inner,
        body: &MessageBody,
        custom_ids: &[String],
        nonce: &str,
    ) -> Result<MessageId, DeliverError> {
        if let Some(thread) = self.target.thread.as_ref().filter(|_| !self.thread_open) {
            match inner.discord.open_thread(thread).await {
                // Whoever deleted its first message left a thread that was open: the create tells.
                Ok(()) | Err(DeliverError::MessageGone(_)) => {}
                // There is nothing to open it on.
                Err(DeliverError::Body(said)) => return Err(DeliverError::ChannelGone(said)),
                Err(error) => return Err(error),
            }
            self.thread_open = true;
        }
        inner.discord.create(self.target.channel, body, custom_ids, nonce).await
    }

    /// Looks for the message of a create that nobody knows the end of.
    pub(super) async fn look_up(
        &mut self,
        inner: &Inner,
        operation: Operation,
        body: Option<&MessageBody>,
    ) -> Result<Result<(), DeliverError>, StoreError> {
        let (key, now) = (self.key(operation), inner.clock.wall());
        let reply_to = body.map(|body| body.reply_to);
        let after = self.before(inner, operation).await?;
        let found = match inner.discord.own_after(self.target.channel, after).await {
            Ok(found) => found,
            // A thread that was never opened has no messages.
            Err(DeliverError::ChannelGone(_)) if self.target.thread.is_some() => Vec::new(),
            Err(error) => return Ok(Err(error)),
        };
        let mut unknown = Vec::new();
        for message in found {
            if !inner.store.knows_message(message.message).await? {
                unknown.push(message);
            }
        }
        pass(Point::LookedUp).await;
        let nonce = plan::nonce(self.turn, operation.slot, operation.generation);
        if let Some(found) = plan::lost(&unknown, &nonce, reply_to) {
            let slot = operation.slot;
            tracing::info!(turn = %self.turn, slot, message = %found.message, "found a message that was sent before");
            inner.store.slot_sent(key, found.message, "").await?;
            self.known.set(operation, PostedState::Sent(found.message), String::new(), now);
        } else {
            inner.store.slot_absent(key).await?;
            self.known.forget(operation);
        }
        Ok(Ok(()))
    }

    /// A message that is older than the one that this create may have made: everything that was known when it was first
    /// tried is. So what is searched is a page, however much is said in the channel.
    async fn before(&self, inner: &Inner, operation: Operation) -> Result<MessageId, StoreError> {
        let (time, differ) = if let Some(newest) = inner.store.slot_follows(self.key(operation)).await? {
            (newest.written_at(), IDS_DIFFER_MAX)
        } else {
            let known = self.known.get(operation);
            (known.map_or(inner.clock.wall(), |known| known.first_try_at), CLOCKS_DIFFER_MAX)
        };
        let then = MessageId::first_at(time.before(differ));
        Ok(self.target.prompt.map_or(then, |(_, prompt)| prompt.max(then)))
    }
}

/// The points around the create of this message: a question and a successor have their own.
fn points(operation: Operation, body: &MessageBody) -> (Point, Point) {
    let asks = body.actions().any(|action| action.ask().is_some());
    match operation.generation {
        0 if asks => (Point::CardRow, Point::CardPosted),
        0 => (Point::SlotRow, Point::Posted),
        _ => (Point::SuccessorRow, Point::SuccessorPosted),
    }
}

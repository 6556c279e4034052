//! One worker per channel: the turns of a channel in their order, one call in flight.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::deliver::{DeliverError, Discord};
use super::pace::{Kind, Pace, Urgency};
use super::plan::{self, Operation, Posted, PostedState};
use super::{Thread, lock};
use crate::chain::Chain;
use crate::clock::{Clock, Moment};
use crate::domain::ids::{ChannelId, TurnId};
use crate::render::message::MessageBody;
use crate::render::view::Shown;
use crate::store::{SlotState, Store, StoreError};

/// Waits between attempts double up to this.
const RETRY_WAIT_MAX: Duration = Duration::from_secs(30);
const RETRY_WAIT_MIN: Duration = Duration::from_millis(500);

/// A channel's turns that are not wholly delivered, in their order.
pub(super) struct Channel {
    id: ChannelId,
    turns: Mutex<VecDeque<Entry>>,
    changed: Notify,
    /// Whether everything that was shown so far is posted or refused.
    settled: watch::Sender<bool>,
}

struct Entry {
    turn: TurnId,
    thread: Option<Thread>,
    shown: Shown,
}

impl Channel {
    pub(super) fn new(id: ChannelId) -> Self {
        Self { id, turns: Mutex::default(), changed: Notify::new(), settled: watch::Sender::new(true) }
    }

    pub(super) fn show(&self, turn: TurnId, thread: Option<Thread>, shown: Shown) {
        {
            let mut turns = lock(&self.turns);
            match turns.iter_mut().find(|entry| entry.turn == turn) {
                Some(entry) => entry.shown = shown,
                None => turns.push_back(Entry { turn, thread, shown }),
            }
        }
        self.settled.send_replace(false);
        self.changed.notify_one();
    }

    pub(super) async fn settled(&self) {
        // The sender is in `self`, so it cannot be gone.
        let _ = self.settled.subscribe().wait_for(|settled| *settled).await;
    }

    fn front(&self) -> Option<(TurnId, Option<Thread>, Shown)> {
        lock(&self.turns).front().map(|entry| (entry.turn, entry.thread.clone(), entry.shown.clone()))
    }

    /// Lets go of a turn that is delivered.
    fn pop(&self, turn: TurnId) {
        lock(&self.turns).retain(|entry| entry.turn != turn);
    }
}

/// Serves the channel until it is cancelled.
pub(super) async fn run(channel: Arc<Channel>, discord: Arc<dyn Discord>, store: Store, clock: Clock) {
    let mut worker = Worker { channel, discord, store, clock, pace: Pace::default(), current: None };
    loop {
        if let Err(error) = worker.step().await {
            tracing::error!(channel = %worker.channel.id, error = %Chain(&error), "outbox could not use the database, trying again");
            tokio::time::sleep(RETRY_WAIT_MAX / 10).await;
        }
    }
}

struct Worker {
    channel: Arc<Channel>,
    discord: Arc<dyn Discord>,
    store: Store,
    clock: Clock,
    pace: Pace,
    current: Option<Current>,
}

/// The turn in hand, with what is known to be posted.
struct Current {
    turn: TurnId,
    posted: Vec<Posted>,
    thread_open: bool,
    failures: u32,
    not_before: Moment,
}

impl Worker {
    /// One call, or one wait.
    async fn step(&mut self) -> Result<(), StoreError> {
        let changed = {
            let channel = Arc::clone(&self.channel);
            async move { channel.changed.notified().await }
        };
        let Some((turn, thread, shown)) = self.channel.front() else {
            self.channel.settled.send_replace(true);
            changed.await;
            return Ok(());
        };
        if self.current.as_ref().is_none_or(|current| current.turn != turn) {
            self.current = Some(self.load(turn).await?);
        }
        let Some(current) = &mut self.current else { return Ok(()) };
        let Some(operation) = plan::next(&shown.slots, &current.posted) else {
            if shown.ended {
                self.store.delivered(turn).await?;
                self.channel.pop(turn);
            } else {
                self.channel.settled.send_replace(true);
                changed.await;
            }
            return Ok(());
        };
        let now = self.clock.moment();
        let urgency = if shown.ended { Urgency::Final } else { Urgency::Stream };
        let kind = match operation {
            Operation::Create { .. } => Kind::Create,
            Operation::Edit { .. } | Operation::Delete { .. } => Kind::Edit,
        };
        let due = self.pace.next(kind, urgency, now).max(current.not_before);
        if due > now {
            tokio::select! {
                () = tokio::time::sleep_until(self.clock.instant(due)) => {}
                () = changed => {}
            }
            return Ok(());
        }
        self.pace.made(kind, now);
        self.perform(operation, thread.as_ref(), &shown).await
    }

    async fn load(&self, turn: TurnId) -> Result<Current, StoreError> {
        let slots = self.store.slots(turn).await?;
        let posted = slots
            .into_iter()
            .map(|slot| Posted {
                slot: slot.slot,
                state: match (slot.state, slot.message) {
                    (SlotState::Sent, Some(message)) => PostedState::Sent(message),
                    (SlotState::Refused, _) => PostedState::Refused,
                    (SlotState::Sent, None) | (SlotState::Sending, _) => PostedState::Sending,
                },
                hash: slot.body_hash,
            })
            .collect();
        Ok(Current { turn, posted, thread_open: false, failures: 0, not_before: Moment::default() })
    }

    async fn perform(
        &mut self,
        operation: Operation,
        thread: Option<&Thread>,
        shown: &Shown,
    ) -> Result<(), StoreError> {
        let Some(current) = &mut self.current else { return Ok(()) };
        let (turn, channel) = (current.turn, self.channel.id);
        let outcome = match operation {
            Operation::Create { slot } => {
                let body = &shown.slots[slot as usize];
                let (nonce, hash) = (plan::nonce(turn, slot), plan::hash(body));
                self.store.slot_sending(turn, slot, channel, &nonce, &hash).await?;
                set(current, Posted { slot, state: PostedState::Sending, hash: hash.clone() });
                let custom_ids = custom_ids(&self.store, channel, body).await?;
                let opened = match thread {
                    Some(thread) if !current.thread_open => self.discord.open_thread(thread).await,
                    Some(_) | None => Ok(()),
                };
                let created = match opened {
                    Ok(()) => {
                        current.thread_open = true;
                        self.discord.create(channel, body, &custom_ids, &nonce).await
                    }
                    Err(error) => Err(error),
                };
                match created {
                    Ok(message) => {
                        self.store.slot_sent(turn, slot, message, &hash).await?;
                        set(current, Posted { slot, state: PostedState::Sent(message), hash });
                        Ok(())
                    }
                    Err(error) => Err((slot, error)),
                }
            }
            Operation::Edit { slot, message } => {
                let body = &shown.slots[slot as usize];
                let custom_ids = custom_ids(&self.store, channel, body).await?;
                match self.discord.edit(channel, message, body, &custom_ids).await {
                    Ok(()) => {
                        let hash = plan::hash(body);
                        self.store.slot_sent(turn, slot, message, &hash).await?;
                        set(current, Posted { slot, state: PostedState::Sent(message), hash });
                        Ok(())
                    }
                    Err(error) => Err((slot, error)),
                }
            }
            Operation::Delete { slot, message } => match self.discord.delete(channel, message).await {
                Ok(()) | Err(DeliverError::Gone(_)) => self.refused(slot).await.map(Ok)?,
                Err(error) => Err((slot, error)),
            },
        };
        match outcome {
            Ok(()) => {
                if let Some(current) = &mut self.current {
                    current.failures = 0;
                }
                Ok(())
            }
            Err((slot, error)) => self.failed(slot, error).await,
        }
    }

    async fn failed(&mut self, slot: u32, error: DeliverError) -> Result<(), StoreError> {
        let Some(current) = &mut self.current else { return Ok(()) };
        let channel = self.channel.id;
        current.failures += 1;
        match error {
            DeliverError::Retry { error } => {
                let wait = RETRY_WAIT_MIN * 2_u32.saturating_pow(current.failures.min(8) - 1);
                current.not_before = self.clock.moment().after(wait.min(RETRY_WAIT_MAX));
                tracing::warn!(%channel, turn = %current.turn, slot, error = %Chain(&*error), "Discord call failed, trying again");
                Ok(())
            }
            DeliverError::Archived if current.failures <= 3 => {
                if let Err(error) = self.discord.unarchive(channel).await {
                    tracing::warn!(%channel, error = %Chain(&error), "thread could not be brought back from the archive");
                    return self.refused(slot).await;
                }
                Ok(())
            }
            error @ (DeliverError::Archived | DeliverError::Gone(_) | DeliverError::Refused(_)) => {
                tracing::warn!(%channel, turn = %current.turn, slot, error = %Chain(&error), "a message was refused for good");
                self.refused(slot).await
            }
        }
    }

    async fn refused(&mut self, slot: u32) -> Result<(), StoreError> {
        let Some(current) = &mut self.current else { return Ok(()) };
        self.store.slot_refused(current.turn, slot).await?;
        set(current, Posted { slot, state: PostedState::Refused, hash: String::new() });
        Ok(())
    }
}

/// What Discord will know the body's buttons by: rows before the message that shows them.
async fn custom_ids(
    store: &Store,
    channel: ChannelId,
    body: &MessageBody,
) -> Result<Vec<String>, StoreError> {
    let actions = body.buttons.iter().map(|button| button.action.clone()).collect();
    store.button_ids(channel.into(), actions).await
}

fn set(current: &mut Current, posted: Posted) {
    match current.posted.iter_mut().find(|known| known.slot == posted.slot) {
        Some(known) => *known = posted,
        None => current.posted.push(posted),
    }
}

//! The order in which messages arrived. Serenity hands every event to a task of its own, and those overtake each other:
//! two messages written in one breath, a burst after a resume, a message whose files take long. What people see is the
//! order in which they wrote, so the messages of a channel are taken one after the other, as the gateway gave them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serenity::all::{Event, ShardMessenger};
use serenity::gateway::CollectorCallback;
use tokio::sync::watch;

use crate::domain::ids::{ChannelId, MessageId};

/// A message that waits for longer than this goes on: the one before it hangs.
const WAIT_MAX: Duration = Duration::from_mins(2);

/// The messages that arrived and are not taken yet, by channel.
#[derive(Debug, Clone, Default)]
pub struct Arrivals {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    channels: Mutex<HashMap<ChannelId, VecDeque<MessageId>>>,
    /// The channels of which a page is being read.
    read: Mutex<HashSet<ChannelId>>,
    /// How often messages were changed or deleted since they arrived, or since their page is being read.
    touched: Mutex<HashMap<(ChannelId, MessageId), u64>>,
    changed: watch::Sender<()>,
}

/// A page of a channel that is being read: what is changed in the channel meanwhile is not what the page says.
#[derive(Debug)]
pub struct Page {
    inner: Arc<Inner>,
    channel: ChannelId,
}

/// A message's turn to be taken; dropping it lets the next one go.
#[derive(Debug)]
pub struct Taken {
    inner: Arc<Inner>,
    channel: ChannelId,
    message: MessageId,
    /// Whether every message before this one was taken, as it should be.
    in_order: bool,
    /// Whether it is read, and another task has it as well.
    is_live: bool,
    /// How many changes of it are heeded.
    heeded: AtomicU64,
}

impl Arrivals {
    /// Notes the messages of this shard from now on, before any task sees them. A message that came before is noted by its
    /// own task.
    pub fn watch(&self, shard: &ShardMessenger) {
        let arrivals = self.clone();
        shard.add_collector(CollectorCallback(Box::new(move |event| {
            if let Event::MessageCreate(created) = event {
                let message = &created.message;
                arrivals.note(ChannelId(message.channel_id.get()), MessageId(message.id.get()));
            }
            true
        })));
    }

    /// Notes a message, once.
    pub fn note(&self, channel: ChannelId, message: MessageId) {
        let mut channels = lock(&self.inner.channels);
        let noted = channels.entry(channel).or_default();
        if !noted.contains(&message) {
            // Discord's ids grow with time. Those of a session's first moments may be noted by their own tasks.
            let place = noted.iter().rposition(|earlier| *earlier < message).map_or(0, |place| place + 1);
            noted.insert(place, message);
        }
    }

    /// Waits until a message that was changed or deleted was taken, if it did arrive.
    pub async fn passed(&self, channel: ChannelId, message: MessageId) {
        let mut changed = self.inner.changed.subscribe();
        if self.inner.is_noted(channel, message) || lock(&self.inner.read).contains(&channel) {
            *lock(&self.inner.touched).entry((channel, message)).or_default() += 1;
        }
        let passed = async {
            while self.inner.is_noted(channel, message) {
                // The sender is in `self`, so it cannot be gone.
                let _ = changed.changed().await;
            }
        };
        if tokio::time::timeout(WAIT_MAX, passed).await.is_err() {
            tracing::warn!(%channel, %message, "a message that was changed hangs; going on without it");
        }
    }

    /// Begins to read a page of a channel; one at a time.
    pub fn read(&self, channel: ChannelId) -> Page {
        lock(&self.inner.read).insert(channel);
        Page { inner: Arc::clone(&self.inner), channel }
    }

    /// Waits for `ready`, and until every message that arrived in the channel before this one was taken.
    pub async fn take(
        &self,
        channel: ChannelId,
        message: MessageId,
        ready: impl Future<Output = ()>,
    ) -> Taken {
        self.note(channel, message);
        let mut taken = Taken::of(&self.inner, channel, message, false);
        ready.await;
        let mut changed = self.inner.changed.subscribe();
        let first = async {
            while !self.inner.is_first(channel, message) {
                // The sender is in `self`, so it cannot be gone.
                let _ = changed.changed().await;
            }
        };
        if tokio::time::timeout(WAIT_MAX, first).await.is_err() {
            tracing::warn!(%channel, %message, "the message before this one hangs; going on without it");
            taken.in_order = false;
        }
        taken
    }
}

impl Page {
    /// Notes a message of the page, which is taken when those before it are.
    pub fn note(&self, message: MessageId) -> Taken {
        // One that came live as well is let go by its own task, which has to know what became of it meanwhile.
        let is_live = self.inner.is_noted(self.channel, message);
        Arrivals { inner: Arc::clone(&self.inner) }.note(self.channel, message);
        Taken::of(&self.inner, self.channel, message, is_live)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        lock(&self.inner.read).remove(&self.channel);
        // Those that still wait to be taken are not the page's.
        lock(&self.inner.touched).retain(|(channel, message), _| {
            *channel != self.channel || self.inner.is_noted(*channel, *message)
        });
    }
}

impl Taken {
    fn of(inner: &Arc<Inner>, channel: ChannelId, message: MessageId, is_live: bool) -> Self {
        let (inner, heeded) = (Arc::clone(inner), AtomicU64::new(0));
        Self { inner, channel, message, in_order: true, is_live, heeded }
    }

    /// Whether every message before this one was taken. If not, one before it hangs, and nothing is known of it.
    pub fn is_in_order(&self) -> bool {
        self.in_order
    }

    /// Whether the message was changed or deleted since it arrived, and since this was asked: it is not what it was.
    pub fn was_touched(&self) -> bool {
        let touched = lock(&self.inner.touched).get(&(self.channel, self.message)).copied().unwrap_or(0);
        self.heeded.swap(touched, Ordering::Relaxed) != touched
    }
}

impl Inner {
    fn is_noted(&self, channel: ChannelId, message: MessageId) -> bool {
        let channels = lock(&self.channels);
        channels.get(&channel).is_some_and(|noted| noted.contains(&message))
    }

    fn is_first(&self, channel: ChannelId, message: MessageId) -> bool {
        let channels = lock(&self.channels);
        let noted = channels.get(&channel);
        noted.is_none_or(|noted| noted.front() == Some(&message) || !noted.contains(&message))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if self.is_live {
            return;
        }
        {
            let mut channels = lock(&self.inner.channels);
            if let Some(noted) = channels.get_mut(&self.channel) {
                noted.retain(|message| *message != self.message);
                if noted.is_empty() {
                    channels.remove(&self.channel);
                }
            }
        }
        lock(&self.inner.touched).remove(&(self.channel, self.message));
        self.inner.changed.send_replace(());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    const HERE: ChannelId = ChannelId(1);

    #[tokio::test]
    async fn messages_are_taken_in_the_order_of_their_arrival() {
        let arrivals = Arrivals::default();
        for message in [3, 5, 3] {
            arrivals.note(HERE, MessageId(message));
        }
        let take = |channel, message| arrivals.take(channel, MessageId(message), std::future::ready(()));
        let mut fifth = Box::pin(take(HERE, 5));
        assert!((&mut fifth).now_or_never().is_none(), "5 overtook 3");
        let taken = take(HERE, 3).await;
        assert!(taken.is_in_order());
        assert!((&mut fifth).now_or_never().is_none(), "5 did not wait for 3's end");
        take(ChannelId(2), 4).now_or_never().expect("another channel does not wait");
        drop(taken);
        drop(fifth.await);
        assert!(arrivals.inner.channels.lock().expect("nobody panicked").is_empty());
    }

    #[tokio::test]
    async fn who_changes_a_message_that_waits_is_heeded() {
        let arrivals = Arrivals::default();
        let taken = arrivals.take(HERE, MessageId(3), std::future::ready(())).await;
        assert!(!taken.was_touched());
        let mut passed = Box::pin(arrivals.passed(HERE, MessageId(3)));
        assert!((&mut passed).now_or_never().is_none());
        assert!(taken.was_touched());
        assert!(!taken.was_touched(), "once for each change");
        drop(taken);
        passed.await;
        arrivals.passed(HERE, MessageId(3)).await;
        assert!(arrivals.inner.touched.lock().expect("nobody panicked").is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_hangs_does_not_hold_up_the_others_for_ever() {
        let arrivals = Arrivals::default();
        arrivals.note(HERE, MessageId(1));
        arrivals.note(HERE, MessageId(2));
        let taken = arrivals.take(HERE, MessageId(2), std::future::ready(())).await;
        assert!(!taken.is_in_order());
    }

    #[tokio::test]
    async fn messages_that_were_not_noted_are_taken_by_their_ids() {
        let arrivals = Arrivals::default();
        let gate = tokio::sync::Semaphore::new(0);
        let held = || async { drop(gate.acquire().await) };
        let mut second = Box::pin(arrivals.take(HERE, MessageId(2), held()));
        assert!((&mut second).now_or_never().is_none());
        let mut first = Box::pin(arrivals.take(HERE, MessageId(1), held()));
        assert!((&mut first).now_or_never().is_none());
        gate.add_permits(2);
        assert!((&mut second).now_or_never().is_none(), "2 overtook 1");
        let taken = first.await;
        assert!((&mut second).now_or_never().is_none(), "2 did not wait for 1's end");
        drop(taken);
        second.await;
    }
}

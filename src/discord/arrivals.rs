//! The order in which messages arrived. Serenity hands every event to a task of its own, and those overtake each other:
//! two messages written in one breath, a burst after a resume, a message whose files take long. What people see is the
//! order in which they wrote, so the messages of a channel are taken one after the other, as the gateway gave them.

use std::collections::{HashMap, VecDeque};
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
    changed: watch::Sender<()>,
}

/// A message's turn to be taken; dropping it lets the next one go.
#[derive(Debug)]
pub struct Taken {
    inner: Arc<Inner>,
    channel: ChannelId,
    message: MessageId,
}

impl Arrivals {
    /// Notes the messages of this shard from now on, before any task sees them. A message that was not noted, because
    /// it came before, is simply not held up.
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
        let mut channels = self.inner.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = channels.entry(channel).or_default();
        if !noted.contains(&message) {
            noted.push_back(message);
        }
    }

    /// Waits until every message that arrived in the channel before this one was taken.
    pub async fn take(&self, channel: ChannelId, message: MessageId) -> Taken {
        let mut changed = self.inner.changed.subscribe();
        let first = async {
            while !self.inner.is_first(channel, message) {
                // The sender is in `self`, so it cannot be gone.
                let _ = changed.changed().await;
            }
        };
        if tokio::time::timeout(WAIT_MAX, first).await.is_err() {
            tracing::warn!(%channel, %message, "the message before this one hangs; going on without it");
        }
        Taken { inner: Arc::clone(&self.inner), channel, message }
    }
}

impl Inner {
    fn is_first(&self, channel: ChannelId, message: MessageId) -> bool {
        let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = channels.get(&channel);
        noted.is_none_or(|noted| noted.front() == Some(&message) || !noted.contains(&message))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        {
            let mut channels = self.inner.channels.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(noted) = channels.get_mut(&self.channel) {
                noted.retain(|message| *message != self.message);
                if noted.is_empty() {
                    channels.remove(&self.channel);
                }
            }
        }
        self.inner.changed.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    const HERE: ChannelId = ChannelId(1);

    #[tokio::test]
    async fn messages_are_taken_in_the_order_of_their_arrival() {
        let arrivals = Arrivals::default();
        for message in [5, 3, 5] {
            arrivals.note(HERE, MessageId(message));
        }
        assert!(arrivals.take(HERE, MessageId(3)).now_or_never().is_none(), "3 overtook 5");
        let taken = arrivals.take(HERE, MessageId(5)).await;
        assert!(arrivals.take(HERE, MessageId(3)).now_or_never().is_none(), "3 did not wait for 5's end");
        arrivals.take(ChannelId(2), MessageId(4)).now_or_never().expect("another channel does not wait");
        arrivals.take(HERE, MessageId(2)).now_or_never().expect("one that was not noted does not wait");
        drop(taken);
        drop(arrivals.take(HERE, MessageId(3)).await);
        assert!(arrivals.inner.channels.lock().expect("nobody panicked").is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_hangs_does_not_hold_up_the_others_for_ever() {
        let arrivals = Arrivals::default();
        arrivals.note(HERE, MessageId(1));
        arrivals.note(HERE, MessageId(2));
        arrivals.take(HERE, MessageId(2)).await;
    }
}

//! Reactions on prompts: one at a time, and what changed meanwhile is skipped.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::deliver::{DeliverError, Discord};
use crate::chain::Chain;
use crate::domain::ids::{ChannelId, MessageId};
use crate::render::view::Reaction;

/// Reactions that a message is known for long enough to need; older ones are final.
const MESSAGES_KEPT: usize = 256;
const ATTEMPTS_MAX: u32 = 5;

#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) message: MessageId,
    pub(super) reaction: Reaction,
}

/// Serves one channel until the outbox is gone.
pub(super) async fn run(
    discord: Arc<dyn Discord>,
    channel: ChannelId,
    mut wanted: mpsc::UnboundedReceiver<Wanted>,
) {
    let mut posted: HashMap<MessageId, Reaction> = HashMap::new();
    let mut pending: Vec<Wanted> = Vec::new();
    loop {
        if pending.is_empty() {
            let Some(next) = wanted.recv().await else { return };
            pending.push(next);
        }
        while let Ok(next) = wanted.try_recv() {
            pending.retain(|earlier| earlier.message != next.message);
            pending.push(next);
        }
        let Wanted { message, reaction } = pending.remove(0);
        let before = posted.get(&message).copied();
        if before == Some(reaction) {
            continue;
        }
        put(&*discord, channel, message, reaction).await;
        match before {
            Some(before) => take(&*discord, channel, message, before).await,
            // The daemon before this one may have left one of those that are not final.
            None if reaction != Reaction::Seen => {
                for earlier in
                    [Reaction::Seen, Reaction::Working].into_iter().filter(|earlier| *earlier != reaction)
                {
                    take(&*discord, channel, message, earlier).await;
                }
            }
            None => {}
        }
        if posted.len() >= MESSAGES_KEPT {
            posted.retain(|_, reaction| !reaction.is_final());
        }
        posted.insert(message, reaction);
    }
}

async fn put(discord: &dyn Discord, channel: ChannelId, message: MessageId, reaction: Reaction) {
    retried(|| discord.react(channel, message, reaction.emoji())).await;
}

async fn take(discord: &dyn Discord, channel: ChannelId, message: MessageId, reaction: Reaction) {
    retried(|| discord.unreact(channel, message, reaction.emoji())).await;
}

/// A reaction is a courtesy: it is tried a few times, and given up with a line in the log.
async fn retried<F: Future<Output = Result<(), DeliverError>>>(mut call: impl FnMut() -> F) {
    for attempt in 1..=ATTEMPTS_MAX {
        match call().await {
            Ok(()) => return,
            Err(DeliverError::Retry { error }) => {
                tracing::debug!(attempt, error = %Chain(&*error), "reaction failed, trying again");
                tokio::time::sleep(Duration::from_millis(500) * attempt).await;
            }
            Err(error) => {
                tracing::debug!(error = %Chain(&error), "reaction refused");
                return;
            }
        }
    }
}

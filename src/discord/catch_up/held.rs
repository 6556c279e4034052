//! What was held after an absence, and a person's word on it. Whether they may say it was asked before.

use super::super::{Data, DoorError, notice};
use crate::domain::ids::ChannelId;
use crate::domain::prompt::Origin;
use crate::render::view::Reaction;
use crate::store::{Settled, StoreError};

/// Runs what is held in a channel, in the order in which it was said; how many prompts that were. Of several who want it
/// one has it, and the others get 0.
pub async fn run(data: &Data, channel: ChannelId) -> Result<usize, DoorError> {
    let Some((held, prompts)) = data.store.queue_held(channel).await? else { return Ok(0) };
    for prompt in prompts {
        if let Origin::Message { channel, message } = prompt.origin {
            data.outbox.react(channel, message, Reaction::Seen);
        }
        let conversation = prompt.conversation;
        let submitted = data.registry.ask(conversation, |it| {
            let prompt = prompt.clone();
            async move { it.submit(prompt).await }
        });
        submitted.await?;
    }
    notice::held_settled(data, channel, &held, Settled::Run);
    Ok(held.count)
}

/// Lets go of what is held in a channel; how many prompts that were.
pub async fn ignore(data: &Data, channel: ChannelId) -> Result<usize, DoorError> {
    let Some(held) = data.store.ignore_held(channel).await? else { return Ok(0) };
    notice::held_settled(data, channel, &held, Settled::Ignored);
    Ok(held.count)
}

/// Says what became of what was held in a channel: whoever decided it may have found a daemon that ended before it did.
pub async fn tell_settled(data: &Data, channel: ChannelId) -> Result<(), StoreError> {
    for (held, settled) in data.store.settled_held(channel).await? {
        notice::held_settled(data, channel, &held, settled);
    }
    Ok(())
}

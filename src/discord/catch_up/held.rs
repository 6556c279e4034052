//! What was held after an absence, and a person's word on it. Whether they may say it was asked before.

use super::super::{Data, DoorError, notice};
use crate::chain::Chain;
use crate::domain::ids::{ChannelId, MessageId};
use crate::domain::prompt::Origin;
use crate::render::view::Reaction;
use crate::store::{Held, NewConversation, Settled, StoreError};

/// Runs what is held in a channel, in the order in which it was said; how many prompts that were. Of several who want it
/// one has it, and the others get 0.
pub async fn run(data: &Data, channel: ChannelId) -> Result<usize, DoorError> {
    let _alone = data.catch_up.alone().await;
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
    let _alone = data.catch_up.alone().await;
    let Some(held) = data.store.ignore_held(channel).await? else { return Ok(0) };
    notice::held_settled(data, channel, &held, Settled::Ignored);
    Ok(held.count)
}

/// Says what is held in a channel, once for what there is, and what became of what was.
pub async fn tell(data: &Data, channel: ChannelId) {
    if let Err(error) = try_to_tell(data, channel).await {
        tracing::error!(%channel, error = %Chain(&error), "what is held could not be looked up");
    }
}

async fn try_to_tell(data: &Data, channel: ChannelId) -> Result<(), StoreError> {
    let _alone = data.catch_up.alone().await;
    if let Some(held) = data.store.held(channel).await? {
        if let Some(project) = data.config.project_for(channel) {
            // A click on the notice is looked up by the conversation; where each request has a thread there is none.
            let title = project.name.clone();
            let new = NewConversation {
                id: channel.into(),
                guild: None,
                project: title.clone(),
                parent: None,
                title,
                since: MessageId(channel.0),
            };
            data.store.open_conversation(&new).await?;
        }
        notice::held(data, channel, &held);
    }
    // Whoever decided it may have found a daemon that ended before it said so, or may have decided it since it was read
    // above: so this comes last.
    for (held, settled) in data.store.settled_held(channel).await? {
        notice::held_settled(data, channel, &held, settled);
    }
    Ok(())
}

/// Says that less is held in a channel than this, because something of it was taken back: in the message that said so, or
/// where its last prompt is gone in one for the rest. Whoever calls it is alone since they looked ([`CatchUp::alone`]).
///
/// [`CatchUp::alone`]: super::CatchUp::alone
pub async fn tell_less(data: &Data, channel: ChannelId, before: &Held) -> Result<(), StoreError> {
    let left = data.store.held(channel).await?;
    if left.is_none_or(|left| left.newest != before.newest) {
        notice::nothing_held(data, channel, before);
    }
    if let Some(left) = left {
        notice::held(data, channel, &left);
    }
    Ok(())
}

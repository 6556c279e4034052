//! What was held after an absence, and a person's word on it. Whether they may say it was asked before.

use super::super::{Data, DoorError, notice};
use crate::chain::Chain;
use crate::domain::ids::{ChannelId, MessageId, PromptId};
use crate::domain::prompt::Origin;
use crate::render::view::Reaction;
use crate::store::{NewConversation, Settled, StoreError};

/// Runs what is held in a channel, in the order in which it was said; how many prompts that were. Of several who want it
/// one has it, and the others get 0.
pub async fn run(data: &Data, channel: ChannelId) -> Result<usize, DoorError> {
    let alone = data.catch_up.alone().await;
    let Some((held, prompts)) = data.store.queue_held(channel).await? else { return Ok(0) };
    notice::held_settled(data, channel, &held, Settled::Run);
    // An actor that hangs must hold up nobody else.
    drop(alone);
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

/// Says that less is held in a channel, because this prompt of it was taken back: in the message that said so, or where it
/// was the last one in a message for the rest.
pub async fn tell_less(data: &Data, channel: ChannelId, taken_back: PromptId) -> Result<(), StoreError> {
    let _alone = data.catch_up.alone().await;
    // Where somebody decided on all of it meanwhile, that message says what.
    if !data.store.settled_held(channel).await?.iter().any(|(held, _)| held.newest == taken_back) {
        notice::held_no_more(data, channel, taken_back);
    }
    if let Some(left) = data.store.held(channel).await? {
        notice::held(data, channel, &left);
    }
    Ok(())
}

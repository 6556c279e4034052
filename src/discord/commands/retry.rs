//! `/retry`: the last prompt of this conversation, once more. *Retry*, on a message: that prompt, or what it answers.

use serenity::all::Message;

use super::{Context, author, here, reply, scope};
use crate::discord::access::Action;
use crate::discord::{DoorError, again};
use crate::domain::ids::MessageId;

const NOTHING: &str = "Nothing was run here yet, so there is nothing to run once more. Write to me first. Where each request has a \
     thread, use this in the thread.";

const NOT_A_PROMPT: &str = "That message asked for nothing, and is no answer to something that did: there is nothing to run once more.";

/// Run the last prompt of this conversation once more, with its files.
#[poise::command(slash_command, guild_only)]
pub async fn retry(ctx: Context<'_>) -> Result<(), DoorError> {
    super::defer(&ctx).await?;
    let scope = match scope(&ctx, here(&ctx), Action::Prompt).await? {
        Ok(scope) => scope,
        Err(sentence) => return reply(&ctx, &sentence).await,
    };
    let data = ctx.data();
    let Some(before) = data.store.last_prompt(scope.channel.into()).await? else {
        return reply(&ctx, NOTHING).await;
    };
    let sentence = again::again(data, &before, author(&ctx), ctx.interaction.id.get()).await?;
    reply(&ctx, &sentence).await
}

/// Run what a message asked for once more.
#[poise::command(context_menu_command = "Retry", guild_only)]
pub async fn retry_message(ctx: Context<'_>, message: Message) -> Result<(), DoorError> {
    super::defer(&ctx).await?;
    let data = ctx.data();
    if let Err(sentence) = scope(&ctx, here(&ctx), Action::Look).await? {
        return reply(&ctx, &sentence).await;
    }
    let Some(before) = data.store.prompt_at(MessageId(message.id.get())).await? else {
        return reply(&ctx, NOT_A_PROMPT).await;
    };
    if let Err(sentence) = scope(&ctx, before.conversation.into(), Action::Prompt).await? {
        return reply(&ctx, &sentence).await;
    }
    let sentence = again::again(data, &before, author(&ctx), ctx.interaction.id.get()).await?;
    reply(&ctx, &sentence).await
}

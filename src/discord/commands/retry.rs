//! `/retry`: the last prompt of this conversation, once more.

use super::{Context, author, here, reply, scope};
use crate::discord::access::Action;
use crate::discord::{DoorError, again};

const NOTHING: &str = "Nothing was run here yet, so there is nothing to run once more. Write to me first. Where each request has a \
     thread, use this in the thread.";

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

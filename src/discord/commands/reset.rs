//! `/reset [channel]`: the conversation begins anew.

use super::{Context, here, scope};
use crate::discord::DoorError;
use crate::discord::access::Action;
use crate::domain::ids::ChannelId;

/// Begin anew: Claude forgets this conversation. Files that it changed stay as they are.
#[poise::command(slash_command, guild_only)]
pub async fn reset(
    ctx: Context<'_>,
    #[description = "Another channel or thread than this one"] channel: Option<serenity::all::GuildChannel>,
) -> Result<(), DoorError> {
    super::defer(&ctx).await?;
    let channel = channel.map_or_else(|| here(&ctx), |channel| ChannelId(channel.id.get()));
    let scope = match scope(&ctx, channel, Action::Reset).await? {
        Ok(scope) => scope,
        Err(sentence) => return super::reply(&ctx, &sentence).await,
    };
    if scope.conversation.is_none() {
        return super::reply(&ctx, &format!("There is no conversation in <#{channel}> yet.")).await;
    }
    let by = super::person(&ctx).id;
    ctx.data().store.audit(Some(by), "reset", &channel.to_string(), "").await?;
    let withdrawn = ctx.data().registry.ask(channel.into(), |it| async move { it.reset().await }).await?;
    let waited = match withdrawn {
        0 => String::new(),
        1 => " One message that waited was withdrawn: send it again if it is still wanted.".to_owned(),
        more => {
            format!(" {more} messages that waited were withdrawn: send them again if they are still wanted.")
        }
    };
    let sentence = format!(
        "Done: the next message in <#{channel}> begins a new conversation. Files that Claude changed stay as they \
         are.{waited}"
    );
    super::reply(&ctx, &sentence).await
}

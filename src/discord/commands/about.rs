//! *Ask Claude about this*, on any message: opens the form for the question. [`about`](crate::discord::about) takes it.

use std::time::Duration;

use serenity::all::{CreateInteractionResponse, Message};

use super::{Context, guild, person, reply};
use crate::discord::incoming::modal;
use crate::discord::{DoorError, about, announce, rest};
use crate::domain::ids::{ChannelId, MessageId};
use crate::render::form;

/// A form must be the first answer, within Discord's three seconds.
const LOOK_UP_MAX: Duration = Duration::from_millis(1_500);

const TOO_SLOW: &str = "That took me too long to open, so nothing was asked. Try it again.";

/// Ask Claude about a message.
#[poise::command(context_menu_command = "Ask Claude about this", guild_only)]
pub async fn ask_about(ctx: Context<'_>, message: Message) -> Result<(), DoorError> {
    let data = ctx.data();
    let (channel, id) = (ChannelId(message.channel_id.get()), MessageId(message.id.get()));
    let person = person(&ctx);
    let found = about::form_id(ctx.serenity_context(), data, guild(&ctx), &person, channel, id);
    let id = match tokio::time::timeout(LOOK_UP_MAX, found).await {
        Ok(found) => match found? {
            Ok(id) => id,
            Err(sentence) => return reply(&ctx, &sentence).await,
        },
        Err(_) => return reply(&ctx, TOO_SLOW).await,
    };
    let opened = CreateInteractionResponse::Modal(modal(&id, form::about()));
    let opening = ctx.interaction.create_response(&ctx.serenity_context().http, opened);
    rest::answer(data.catch_up.breaker(), opening).await?;
    announce::announced(data, guild(&ctx), channel, &person).await
}

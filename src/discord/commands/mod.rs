//! Slash commands and those of a message (right-click), one file each. To add one: a file with a `#[poise::command]` function, a line in [`all`], a line in
//! `help.rs`, and what it promises in the README. Every answer is ephemeral, and the first thing a command does is to
//! acknowledge: Discord gives it three seconds.

mod about;
mod choosing;
mod effort;
mod help;
mod mode;
mod model;
mod page;
mod queue;
mod reset;
mod retry;
mod share;
mod status;
mod steer;
mod stop;
mod waiting;
mod why;
mod withdraw;

use serenity::all::{CreateAllowedMentions, Permissions};

use super::access::{Action, Person};
use super::scope::{Scope, scope as discord_scope};
use super::{Data, DoorError, rest};
use crate::domain::ids::{ChannelId, GuildId, RoleId, UserId};
use crate::domain::prompt::Author;

/// The context of a command.
pub type Context<'a> = poise::ApplicationContext<'a, Data, DoorError>;

/// Every command.
pub fn all() -> Vec<poise::Command<Data, DoorError>> {
    vec![
        about::ask_about(),
        effort::effort(),
        help::help(),
        steer::interrupt(),
        mode::mode(),
        model::model(),
        queue::queue(),
        reset::reset(),
        retry::retry(),
        retry::retry_message(),
        share::share(),
        status::status(),
        steer::steer(),
        stop::stop(),
        waiting::waiting(),
        why::why(),
        withdraw::withdraw(),
    ]
}

/// The scope of a command in `channel`, or the sentence that says why not.
pub async fn scope<'a>(
    ctx: &Context<'a>,
    channel: ChannelId,
    action: Action,
) -> Result<Result<Scope<'a>, String>, DoorError> {
    let person = person(ctx);
    discord_scope(ctx.serenity_context(), ctx.data(), guild(ctx), channel, &person, action).await
}

/// Who uses the command, as Discord says in the interaction itself.
pub fn person(ctx: &Context<'_>) -> Person {
    let member = ctx.interaction.member.as_deref();
    Person {
        id: UserId(ctx.interaction.user.id.get()),
        roles: member.iter().flat_map(|member| &member.roles).map(|role| RoleId(role.get())).collect(),
        manages_messages: member
            .and_then(|member| member.permissions)
            .is_some_and(|permissions| permissions.contains(Permissions::MANAGE_MESSAGES)),
    }
}

/// The same, with the name that people know them by here.
pub fn author(ctx: &Context<'_>) -> Author {
    let nick = ctx.interaction.member.as_ref().and_then(|member| member.nick.clone());
    let user = &ctx.interaction.user;
    let name = nick.or_else(|| user.global_name.clone()).unwrap_or_else(|| user.name.clone());
    Author { id: UserId(user.id.get()), name }
}

/// The server in which it was used.
pub fn guild(ctx: &Context<'_>) -> Option<GuildId> {
    ctx.interaction.guild_id.map(|guild| GuildId(guild.get()))
}

/// Where the command was used.
pub fn here(ctx: &Context<'_>) -> ChannelId {
    ChannelId(ctx.interaction.channel_id.get())
}

/// Acknowledges, before anything takes its time.
pub async fn defer(ctx: &Context<'_>) -> Result<(), DoorError> {
    Ok(rest::answer(ctx.data().catch_up.breaker(), ctx.defer_ephemeral()).await?)
}

/// Answers, for this person alone: whoever is named in it is not told.
pub async fn reply(ctx: &Context<'_>, text: &str) -> Result<(), DoorError> {
    let nobody = CreateAllowedMentions::new();
    let reply = poise::CreateReply::default().content(text).allowed_mentions(nobody).ephemeral(true);
    rest::answer(ctx.data().catch_up.breaker(), poise::Context::Application(*ctx).send(reply)).await?;
    Ok(())
}

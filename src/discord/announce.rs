//! What announces a prompt: somebody types, fills in a command, or opens a form. Who may ask there is let in by the same
//! [`authorize`](super::access::authorize) as their message will be; of anybody else nothing is even remembered. What comes
//! of it is the conversation's: [`Handle::announce`](crate::conversation::handle::Handle::announce).

use std::time::Duration;

use serenity::all::{CommandInteraction, TypingStartEvent, UserId as DiscordUserId};

use super::access::{Action, Person, Verdict, authorize};
use super::{Data, DoorError, rule};
use crate::config::{ConversationScope, RespondTo};
use crate::domain::ids::{ChannelId, GuildId, RoleId, UserId};

/// A conversation that was silent for longer is not one that somebody goes on with, as a rule.
const LATELY: Duration = Duration::from_hours(24);
/// The same where people talk to each other as well, so that most of what is typed is not for us.
const LATELY_AMONG_OTHERS: Duration = Duration::from_hours(1);

/// Somebody began to type.
pub async fn typing(data: &Data, me: DiscordUserId, event: &TypingStartEvent) -> Result<(), DoorError> {
    let Some(member) = event.member.as_ref().filter(|member| !member.user.bot && event.user_id != me) else {
        return Ok(());
    };
    let person = Person {
        id: UserId(event.user_id.get()),
        roles: member.roles.iter().map(|role| RoleId(role.get())).collect(),
        manages_messages: false,
    };
    let guild = event.guild_id.map(|guild| GuildId(guild.get()));
    announced(data, guild, ChannelId(event.channel_id.get()), &person).await
}

/// Somebody fills in a command.
pub async fn draft(data: &Data, command: &CommandInteraction) -> Result<(), DoorError> {
    let roles = command.member.iter().flat_map(|member| &member.roles);
    let person = Person {
        id: UserId(command.user.id.get()),
        roles: roles.map(|role| RoleId(role.get())).collect(),
        manages_messages: false,
    };
    let guild = command.guild_id.map(|guild| GuildId(guild.get()));
    announced(data, guild, ChannelId(command.channel_id.get()), &person).await
}

/// Somebody is about to ask for something in this channel.
pub async fn announced(
    data: &Data,
    guild: Option<GuildId>,
    channel: ChannelId,
    person: &Person,
) -> Result<(), DoorError> {
    let claude = &data.config.claude;
    if !claude.prestart || claude.warm_idle_secs == 0 {
        return Ok(());
    }
    let own = data.config.project_for(channel);
    if own.is_some_and(|project| project.conversation == ConversationScope::Thread) {
        // What is said here opens a thread of its own.
        return Ok(());
    }
    let Some(conversation) = data.store.conversation(channel.into()).await? else { return Ok(()) };
    let above = conversation.parent.and_then(|parent| data.config.project_for(parent));
    let Some(project) = own.or(above) else { return Ok(()) };
    let among_others = own.is_some_and(|project| project.respond_to == RespondTo::Mentions);
    let lately = if among_others { LATELY_AMONG_OTHERS } else { LATELY };
    if conversation.session.is_none() || data.clock.wall().since(conversation.last_active_at) > lately {
        return Ok(());
    }
    let spot = rule::spot(project, guild, channel);
    let rule = rule::rule(&data.config, &data.store, project, spot, person.id).await?;
    if authorize(&rule, person, Action::Prompt) == Verdict::Allowed {
        data.registry.conversation(conversation.id).announce();
    }
    Ok(())
}

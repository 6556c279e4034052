//! What Discord says of a message: where it stands and in which project, by whom and with what.

use serenity::all::{ChannelType, Context, Message, MessageType};

use super::attachments::Offered;
use super::catch_up::Membership;
use super::intake::Whence;
use super::rest::Rest;
use super::route::{Facts, Place};
use super::{Data, DoorError};
use crate::config::Project;
use crate::domain::ids::{ChannelId, GuildId, MessageId, RoleId, UserId};

/// The project that the message's channel belongs to, and how. Discord is asked only about a message that is for the
/// bot, in a channel that is neither a project's nor a conversation's.
pub async fn place<'a>(
    ctx: &Context,
    data: &'a Data,
    facts: &Facts<'_>,
) -> Result<Option<(&'a Project, Place)>, DoorError> {
    if let Some(project) = data.config.project_for(facts.channel) {
        let place = Place::Channel { respond_to: project.respond_to, scope: project.conversation };
        return Ok(Some((project, place)));
    }
    if let Some(known) = data.store.conversation(facts.channel.into()).await? {
        let project = known.parent.and_then(|parent| data.config.project_for(parent));
        // What people wrote to each other before is read again after an absence, and is not for us.
        let joined = facts.message >= known.since;
        return Ok(project.map(|project| (project, Place::Thread { joined })));
    }
    if !facts.to_me {
        return Ok(None);
    }
    let parent = thread_parent(Rest::of(ctx, data), facts.channel).await?;
    let project = parent.and_then(|parent| data.config.project_for(parent));
    Ok(project.map(|project| (project, Place::Thread { joined: false })))
}

/// The channel above, if this is a thread. A parent id alone is no proof: a channel's category is one, too.
pub async fn thread_parent(rest: Rest<'_>, channel: ChannelId) -> Result<Option<ChannelId>, DoorError> {
    Ok(rest.channel(channel).await?.and_then(|channel| match channel.kind {
        ChannelType::PublicThread | ChannelType::PrivateThread | ChannelType::NewsThread => {
            channel.parent_id.map(|parent| ChannelId(parent.get()))
        }
        _ => None,
    }))
}

/// The name of a channel or thread, where the cache has it.
pub fn channel_name(ctx: &Context, guild: Option<GuildId>, channel: ChannelId) -> Option<String> {
    let guild = ctx.cache.guild(serenity::all::GuildId::new(guild?.0))?;
    let id = serenity::all::ChannelId::new(channel.0);
    let in_guild = guild.channels.get(&id).map(|channel| channel.name.clone());
    in_guild.or_else(|| guild.threads.iter().find(|thread| thread.id == id).map(|thread| thread.name.clone()))
}

/// What decides whether a message is for the bot.
pub fn facts(message: &Message, me: UserId) -> Facts<'_> {
    let answers_me =
        message.referenced_message.as_ref().is_some_and(|answered| answered.author.id.get() == me.0);
    Facts {
        me,
        author: UserId(message.author.id.get()),
        by_bot: message.author.bot,
        by_webhook: message.webhook_id.is_some(),
        ordinary: matches!(message.kind, MessageType::Regular | MessageType::InlineReply),
        message: MessageId(message.id.get()),
        channel: ChannelId(message.channel_id.get()),
        to_me: answers_me || message.mentions.iter().any(|user| user.id.get() == me.0),
        text: &message.content,
        has_files: !message.attachments.is_empty(),
    }
}

/// What the guild knows of the author: it came with a live message, and is asked for otherwise.
pub async fn membership(
    message: &Message,
    guild: Option<GuildId>,
    whence: Whence<'_>,
) -> Result<Membership, DoorError> {
    match (whence, guild) {
        (Whence::Read(reading), Some(guild)) => {
            reading.membership(guild, UserId(message.author.id.get())).await
        }
        (Whence::Read(_) | Whence::Live { .. }, _) => {
            let roles = message.member.iter().flat_map(|member| &member.roles);
            Ok(Membership {
                roles: roles.map(|role| RoleId(role.get())).collect(),
                nick: message.member.as_ref().and_then(|member| member.nick.clone()),
            })
        }
    }
}

/// A file that a message names.
pub fn offered(attachment: &serenity::all::Attachment) -> Offered {
    Offered {
        name: attachment.filename.clone(),
        url: attachment.url.clone(),
        content_type: attachment.content_type.clone(),
        bytes: u64::from(attachment.size),
    }
}

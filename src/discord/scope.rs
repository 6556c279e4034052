//! A place that somebody wants something in, and whether they may want it there.

use serenity::all::Context;

use super::access::{Action, Person, authorize, denied};
use super::facts::thread_parent;
use super::rest::Rest;
use super::{Data, DoorError, rule};
use crate::config::{AccessRule, Project};
use crate::domain::ids::{ChannelId, GuildId};
use crate::store::Conversation;

const NOT_A_PROJECT: &str =
    "No project belongs to this channel. `/help` lists the channels where you can talk to Claude.";

/// A place that may be used in this way by this person.
pub struct Scope<'a> {
    /// The project.
    pub project: &'a Project,
    /// Who may what there, for this person.
    pub rule: AccessRule<'a>,
    /// The conversation, if there is one yet.
    pub conversation: Option<Conversation>,
    /// The channel or thread.
    pub channel: ChannelId,
}

/// The place that `channel` is, or the sentence that says why not.
pub async fn scope<'a>(
    ctx: &Context,
    data: &'a Data,
    guild: Option<GuildId>,
    channel: ChannelId,
    person: &Person,
    action: Action,
) -> Result<Result<Scope<'a>, String>, DoorError> {
    let conversation = data.store.conversation(channel.into()).await?;
    let project = if let Some(project) = data.config.project_for(channel) {
        Some(project)
    } else {
        let parent = match &conversation {
            Some(conversation) => conversation.parent,
            None => thread_parent(Rest::of(ctx, data), channel).await?,
        };
        parent.and_then(|parent| data.config.project_for(parent))
    };
    let Some(project) = project else { return Ok(Err(NOT_A_PROJECT.to_owned())) };
    let spot = rule::spot(project, guild, channel);
    let rule = rule::rule(&data.config, &data.store, project, spot, person.id).await?;
    Ok(match denied(authorize(&rule, person, action), &rule, None) {
        None => Ok(Scope { project, rule, conversation, channel }),
        Some(sentence) => Err(sentence),
    })
}

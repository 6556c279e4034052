//! Reactions.

use serde_json::json;

use super::{Answer, Call, no_content, ok, parse_user};
use crate::domain::ids::{ChannelId, MessageId};
use crate::playground::discord::errors::ApiError;
use crate::playground::discord::intents::Kind;
use crate::playground::discord::permissions as may;
use crate::playground::discord::rules;
use crate::playground::discord::state::State;

pub(super) fn answer(
    state: &mut State,
    call: &Call,
    channel: ChannelId,
    id: MessageId,
    rest: &[&str],
) -> Answer {
    state.need_message(channel, id)?;
    if let Some(emoji) = rest.first()
        && !rules::is_emoji(emoji)
    {
        return Err(ApiError::unknown_emoji());
    }
    let bot = state.world.bot;
    let others = |state: &State| state.need(channel, may::MANAGE_MESSAGES).map(|_| ());
    match (call.method.as_str(), rest) {
        ("PUT", [emoji, "@me"]) => {
            state.need(channel, may::READ_MESSAGE_HISTORY)?;
            let known = state.live_message(id).is_some_and(|m| m.reactions.iter().any(|(e, _)| e == emoji));
            if !known {
                state.need(channel, may::ADD_REACTIONS)?;
            }
            let thread = state.channels.get(&channel).and_then(|found| found.thread.as_ref());
            if thread.is_some_and(|thread| thread.archived) {
                return Err(ApiError::archived());
            }
            state.add_reaction(bot, id, emoji)?;
            no_content()
        }
        ("DELETE", [emoji, user]) => {
            let user = parse_user(state, user)?;
            if user != bot {
                others(state)?;
            }
            state.remove_reaction(user, id, emoji)?;
            no_content()
        }
        ("DELETE", []) => {
            others(state)?;
            if let Some(message) = state.messages.get_mut(&id) {
                message.reactions.clear();
            }
            let data = json!({"channel_id": channel.to_string(), "message_id": id.to_string(),
                "guild_id": state.world.guild.to_string()});
            state.dispatch("MESSAGE_REACTION_REMOVE_ALL", Kind::Reaction, Some(channel), &data);
            state.tell_reactions(id);
            no_content()
        }
        ("DELETE", [emoji]) => {
            others(state)?;
            if let Some(message) = state.messages.get_mut(&id) {
                message.reactions.retain(|(known, _)| known != emoji);
            }
            let data = json!({"channel_id": channel.to_string(), "message_id": id.to_string(),
                "guild_id": state.world.guild.to_string(), "emoji": {"id": null, "name": emoji}});
            state.dispatch("MESSAGE_REACTION_REMOVE_EMOJI", Kind::Reaction, Some(channel), &data);
            state.tell_reactions(id);
            no_content()
        }
        ("GET", [emoji]) => {
            let message = state.need_message(channel, id)?;
            let users = message.reactions.iter().find(|(known, _)| known == emoji);
            let users = users.map(|(_, users)| users.as_slice()).unwrap_or_default();
            ok(users.iter().map(|user| state.user(*user)).collect())
        }
        _ => Err(ApiError::no_route()),
    }
}

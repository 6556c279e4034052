//! The REST API v10 and the CDN. `serve.rs` takes requests in; here each finds its function.

mod channels;
mod guild;
mod interactions;
mod messages;
mod reactions;
mod serve;
mod threads;

pub(super) use serve::router;

use serde_json::Value;

use super::errors::ApiError;
use super::posting::Upload;
use super::state::State;
use crate::domain::ids::{ChannelId, GuildId, MessageId, UserId};

/// A request, read whole.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: String,
    /// Segments below `/api/v10`, decoded.
    pub(super) path: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    /// The JSON body, or `payload_json`; null where there is none.
    pub(super) body: Value,
    pub(super) files: Vec<Upload>,
    pub(super) token: Option<String>,
}

impl Call {
    fn query(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    fn query_id(&self, key: &str) -> Option<u64> {
        self.query(key)?.parse().ok()
    }
}

/// An answer with a status.
pub(super) type Answer = Result<(u16, Value), ApiError>;

#[expect(clippy::unnecessary_wraps, reason = "ends functions that answer")]
fn ok(body: Value) -> Answer {
    Ok((200, body))
}

#[expect(clippy::unnecessary_wraps, reason = "ends functions that answer")]
fn no_content() -> Answer {
    Ok((204, Value::Null))
}

/// Answers a request whose token was checked.
pub(super) fn answer(state: &mut State, call: &Call) -> Answer {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["gateway" | "oauth2" | "applications" | "users" | "guilds", ..] => guild::answer(state, call, &path),
        ["channels", id, rest @ ..] => {
            let id = ChannelId(parse(id, "channel_id")?);
            in_channel(state, call, id, rest)
        }
        ["interactions" | "webhooks", ..] => interactions::answer(state, call, &path),
        _ => Err(ApiError::no_route()),
    }
}

fn in_channel(state: &mut State, call: &Call, id: ChannelId, rest: &[&str]) -> Answer {
    match (call.method.as_str(), rest) {
        ("POST", ["messages"]) => messages::create(state, call, id),
        ("GET", ["messages"]) => messages::list(state, call, id),
        ("POST", ["messages", "bulk-delete"]) => messages::bulk_delete(state, call, id),
        ("GET", ["messages", "pins"]) => messages::pins_page(state, id),
        ("GET", ["pins"]) => messages::pins(state, id),
        ("PUT" | "DELETE", ["pins", message] | ["messages", "pins", message]) => {
            messages::pin(state, id, parse_message(message)?, call.method == "PUT")
        }
        ("GET", ["messages", message]) => messages::get(state, id, parse_message(message)?),
        ("PATCH", ["messages", message]) => messages::edit(state, call, id, parse_message(message)?),
        ("DELETE", ["messages", message]) => messages::delete(state, id, parse_message(message)?),
        ("POST", ["messages", message, "threads"]) => {
            threads::create(state, call, id, Some(parse_message(message)?))
        }
        (_, ["messages", message, "reactions", rest @ ..]) => {
            reactions::answer(state, call, id, parse_message(message)?, rest)
        }
        ("POST", ["threads"]) => threads::create(state, call, id, None),
        ("GET", ["threads", "archived", kind @ ("public" | "private")]) => {
            threads::archived(state, call, id, *kind == "private")
        }
        ("GET", ["users", "@me", "threads", "archived", "private"]) => {
            threads::joined_private(state, call, id)
        }
        (_, ["thread-members", rest @ ..]) => threads::members(state, call, id, rest),
        ("POST", ["typing"]) => channels::typing(state, id),
        ("GET", []) => channels::get(state, id),
        ("PATCH", []) => channels::edit(state, call, id),
        ("DELETE", []) => channels::delete(state, id),
        _ => Err(ApiError::no_route()),
    }
}

fn parse(text: &str, what: &str) -> Result<u64, ApiError> {
    text.parse().map_err(|_| {
        ApiError::field(what, "NUMBER_TYPE_COERCE", &format!("Value \"{text}\" is not snowflake."))
    })
}

fn parse_message(text: &str) -> Result<MessageId, ApiError> {
    parse(text, "message_id").map(MessageId)
}

fn parse_user(state: &State, text: &str) -> Result<UserId, ApiError> {
    if text == "@me" { Ok(state.world.bot) } else { parse(text, "user_id").map(UserId) }
}

impl State {
    /// The channel, if the bot can see it and may do `bits` in it.
    fn need(&self, channel: ChannelId, bits: u64) -> Result<&super::state::Channel, ApiError> {
        let found = self.channels.get(&channel).ok_or_else(ApiError::unknown_channel)?;
        if !self.bot_may(channel, super::permissions::VIEW_CHANNEL) {
            return Err(ApiError::missing_access());
        }
        if !self.bot_may(channel, bits) {
            return Err(ApiError::missing_permissions());
        }
        Ok(found)
    }

    /// The channel, if the bot may send in it: threads have a permission of their own, and may be locked.
    fn need_to_send(&self, channel: ChannelId) -> Result<&super::state::Channel, ApiError> {
        use super::permissions as may;
        let found = self.need(channel, 0)?;
        let bit = if found.is_thread() { may::SEND_MESSAGES_IN_THREADS } else { may::SEND_MESSAGES };
        self.need(channel, bit)?;
        if let Some(thread) = &found.thread
            && thread.locked
            && !self.bot_may(channel, may::MANAGE_THREADS)
        {
            return Err(ApiError::locked());
        }
        Ok(found)
    }

    /// A message in this channel that the bot can see.
    fn need_message(&self, channel: ChannelId, id: MessageId) -> Result<&super::state::Message, ApiError> {
        self.need(channel, 0)?;
        self.live_message(id)
            .filter(|message| message.channel == channel && message.only_for.is_none())
            .ok_or_else(ApiError::unknown_message)
    }

    fn need_guild(&self, id: &str) -> Result<GuildId, ApiError> {
        let id = GuildId(parse(id, "guild_id")?);
        if id == self.world.guild { Ok(id) } else { Err(ApiError::unknown_guild()) }
    }
}

//! Threads and their members.

use serde_json::{Value, json};

use super::{Answer, Call, no_content, ok, parse_user};
use crate::domain::ids::{ChannelId, MessageId};
use crate::playground::discord::errors::{ApiError, FieldError};
use crate::playground::discord::permissions as may;
use crate::playground::discord::rules;
use crate::playground::discord::state::State;

/// The durations after which a thread may be archived, in minutes.
const AUTO_ARCHIVE_MINUTES: [u64; 4] = [60, 1440, 4320, 10_080];

pub(super) fn create(state: &mut State, call: &Call, parent: ChannelId, from: Option<MessageId>) -> Answer {
    let channel = state.need(parent, may::CREATE_PUBLIC_THREADS)?;
    if channel.is_thread() || channel.recipient.is_some() {
        let what = "Cannot execute action on this channel type";
        return Err(ApiError::new(400, 50024, what).breaks("thread"));
    }
    let name = call.body["name"].as_str().unwrap_or_default();
    let minutes = call.body["auto_archive_duration"].as_u64().unwrap_or(4320);
    let mut errors = Vec::new();
    if !(1..=100).contains(&rules::length(name.trim())) {
        let what = "Must be between 1 and 100 in length.";
        errors.push(FieldError::new("name", "BASE_TYPE_BAD_LENGTH", what));
    }
    if !AUTO_ARCHIVE_MINUTES.contains(&minutes) {
        let what = "Value must be one of (60, 1440, 4320, 10080).";
        errors.push(FieldError::new("auto_archive_duration", "BASE_TYPE_CHOICES", what));
    }
    if !errors.is_empty() {
        return Err(ApiError::form(&errors));
    }
    if let Some(message) = from {
        state.need_message(parent, message)?;
        if state.channels.contains_key(&ChannelId(message.0)) {
            return Err(ApiError::thread_exists());
        }
    }
    // Without a type, a thread that comes from no message is private.
    let private = from.is_none() && call.body["type"].as_u64().unwrap_or(12) == 12;
    let bot = state.world.bot;
    let id = state.open_thread(bot, parent, name.trim(), from, private, minutes);
    let thread = state.channels.get(&id).map_or(Value::Null, |thread| state.channel(thread));
    Ok((201, thread))
}

pub(super) fn archived(state: &State, parent: ChannelId, kind: &str) -> Answer {
    state.need(parent, may::READ_MESSAGE_HISTORY)?;
    let private = kind == "private";
    let threads: Vec<_> = state
        .channels
        .values()
        .filter(|channel| channel.parent == Some(parent))
        .filter(|channel| channel.thread.as_ref().is_some_and(|t| t.archived && t.private == private))
        .map(|channel| state.channel(channel))
        .collect();
    ok(json!({"threads": threads, "members": [], "has_more": false}))
}

pub(super) fn members(state: &mut State, call: &Call, id: ChannelId, rest: &[&str]) -> Answer {
    let channel = state.need(id, 0)?;
    let Some(thread) = &channel.thread else {
        return Err(ApiError::new(400, 50024, "Cannot execute action on this channel type").breaks("thread"));
    };
    let (archived, members) = (thread.archived, thread.members.clone());
    match (call.method.as_str(), rest) {
        ("GET", []) => ok(members.iter().map(|user| state.thread_member(id, *user)).collect()),
        ("GET", [user]) => {
            let user = parse_user(state, user)?;
            if !members.contains(&user) {
                return Err(ApiError::unknown_member());
            }
            ok(state.thread_member(id, user))
        }
        ("PUT" | "DELETE", [_]) if archived => Err(ApiError::archived()),
        ("PUT", [user]) => {
            let user = parse_user(state, user)?;
            state.join_thread(id, user);
            no_content()
        }
        ("DELETE", [user]) => {
            let user = parse_user(state, user)?;
            if user != state.world.bot {
                state.need(id, may::MANAGE_THREADS)?;
            }
            state.leave_thread(id, user);
            no_content()
        }
        _ => Err(ApiError::no_route()),
    }
}

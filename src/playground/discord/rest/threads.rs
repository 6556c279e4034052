//! Threads and their members.

use serde_json::{Value, json};

use super::{Answer, Call, no_content, ok, parse_user};
use crate::domain::ids::{ChannelId, MessageId};
use crate::playground::discord::errors::{ApiError, FieldError};
use crate::playground::discord::permissions as may;
use crate::playground::discord::rules;
use crate::playground::discord::state::{Channel, State};

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

/// Newest first, by when they were archived; `before` is such a time.
pub(super) fn archived(state: &State, call: &Call, parent: ChannelId, private: bool) -> Answer {
    state.need(parent, may::READ_MESSAGE_HISTORY)?;
    if private {
        state.need(parent, may::MANAGE_THREADS)?;
    }
    let at = |channel: &&Channel| channel.thread.as_ref().map(|thread| thread.archive_changed);
    let mut threads = asleep(state, parent, private);
    threads.sort_by_key(|channel| std::cmp::Reverse(at(channel)));
    if let Some(before) = call.query("before") {
        let wrong = || ApiError::field("before", "DATE_TIME_TYPE_PARSE", "Not a valid ISO8601 timestamp.");
        let before = serenity::all::Timestamp::parse(before).map_err(|_| wrong())?.timestamp_millis();
        threads.retain(|channel| at(channel).is_some_and(|at| at.0 < before));
    }
    page(state, call, threads)
}

/// Those that the bot is in, newest first; `before` is an id.
pub(super) fn joined_private(state: &State, call: &Call, parent: ChannelId) -> Answer {
    state.need(parent, may::READ_MESSAGE_HISTORY)?;
    let mut threads = asleep(state, parent, true);
    threads.retain(|channel| {
        channel.thread.as_ref().is_some_and(|thread| thread.members.contains(&state.world.bot))
            && call.query_id("before").is_none_or(|before| channel.id.0 < before)
    });
    threads.sort_by_key(|channel| std::cmp::Reverse(channel.id));
    page(state, call, threads)
}

/// The archived threads below a channel.
fn asleep(state: &State, parent: ChannelId, private: bool) -> Vec<&Channel> {
    let below = state.channels.values().filter(|channel| channel.parent == Some(parent));
    below
        .filter(|channel| channel.thread.as_ref().is_some_and(|t| t.archived && t.private == private))
        .collect()
}

fn page(state: &State, call: &Call, threads: Vec<&Channel>) -> Answer {
    let limit = call.query_id("limit").unwrap_or(50);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if !(2..=100).contains(&limit) {
        return Err(ApiError::field("limit", "NUMBER_TYPE_MAX", "int value should be between 2 and 100."));
    }
    let has_more = threads.len() > limit;
    let threads: Vec<_> = threads.into_iter().take(limit).map(|channel| state.channel(channel)).collect();
    ok(json!({"threads": threads, "members": [], "has_more": has_more}))
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

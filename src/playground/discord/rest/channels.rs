//! Channels and typing.

use std::time::Duration;

use serde_json::Value;

use super::{Answer, Call, no_content, ok};
use crate::domain::ids::ChannelId;
use crate::playground::discord::errors::ApiError;
use crate::playground::discord::permissions as may;
use crate::playground::discord::rules;
use crate::playground::discord::state::State;

/// How often a channel or thread may get another name: twice in ten minutes.
const RENAMES_MAX: usize = 2;
const RENAMES_WINDOW: Duration = Duration::from_mins(10);

pub(super) fn get(state: &State, id: ChannelId) -> Answer {
    let channel = state.need(id, 0)?;
    ok(state.channel(channel))
}

pub(super) fn typing(state: &mut State, id: ChannelId) -> Answer {
    state.need_to_send(id)?;
    state.expire_typing();
    state.type_in(state.world.bot, id);
    no_content()
}

pub(super) fn delete(state: &mut State, id: ChannelId) -> Answer {
    let channel = state.need(id, 0)?;
    let object = state.channel(channel);
    let bit = if channel.is_thread() { may::MANAGE_THREADS } else { may::MANAGE_CHANNELS };
    state.need(id, bit)?;
    state.remove_channel(id);
    ok(object)
}

pub(super) fn edit(state: &mut State, call: &Call, id: ChannelId) -> Answer {
    let body = &call.body;
    let channel = state.need(id, 0)?.clone();
    if let Some(name) = body["name"].as_str()
        && !(1..=100).contains(&rules::length(name))
    {
        let what = "Must be between 1 and 100 in length.";
        return Err(ApiError::field("name", "BASE_TYPE_BAD_LENGTH", what));
    }
    if let Some(thread) = &channel.thread {
        let manager = state.bot_may(id, may::MANAGE_THREADS);
        let owner = thread.owner == state.world.bot;
        let only_wakes = body.as_object().is_some_and(|all| all.keys().all(|key| key == "archived"))
            && body["archived"] == false;
        // Whoever may send in a thread may wake it, unless it is locked.
        if !manager && (thread.locked || !(owner || only_wakes)) {
            return Err(if thread.locked { ApiError::locked() } else { ApiError::missing_permissions() });
        }
        if body.get("locked").is_some() && !manager {
            return Err(ApiError::missing_permissions());
        }
        if thread.archived && body["archived"] != false && body.as_object().is_some_and(|all| !all.is_empty())
        {
            return Err(ApiError::archived());
        }
    } else {
        state.need(id, may::MANAGE_CHANNELS)?;
    }
    let renames = body["name"].as_str().is_some_and(|name| name != channel.name);
    if renames {
        limit_renames(state, id)?;
    }
    state.change_channel(id, |channel| {
        if let Some(name) = body["name"].as_str() {
            name.clone_into(&mut channel.name);
        }
        if body.get("topic").is_some() {
            channel.topic = body["topic"].as_str().map(str::to_owned);
        }
        if let Some(thread) = &mut channel.thread {
            thread.archived = body["archived"].as_bool().unwrap_or(thread.archived);
            thread.locked = body["locked"].as_bool().unwrap_or(thread.locked);
            thread.auto_archive_minutes =
                body["auto_archive_duration"].as_u64().unwrap_or(thread.auto_archive_minutes);
        }
    });
    ok(state.channels.get(&id).map_or(Value::Null, |channel| state.channel(channel)))
}

/// A limit of its own, below that of the bucket.
fn limit_renames(state: &mut State, id: ChannelId) -> Result<(), ApiError> {
    let now = state.now();
    let lifted = state.limits.lifted;
    let renames = state.limits.renames.entry(id).or_default();
    renames.retain(|at| now.since(*at) < RENAMES_WINDOW);
    if renames.len() >= RENAMES_MAX && !lifted {
        let after = RENAMES_WINDOW.saturating_sub(now.since(renames[0]));
        return Err(ApiError::rate_limited(after));
    }
    renames.push(now);
    Ok(())
}

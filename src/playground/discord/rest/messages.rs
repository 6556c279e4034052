//! Messages: create, list, get, edit, delete, pins.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Call, no_content, ok};
use crate::clock::WallTime;
use crate::domain::ids::{ChannelId, MessageId};
use crate::playground::discord::errors::{ApiError, FieldError};
use crate::playground::discord::gateway::session::without_content;
use crate::playground::discord::intents::MESSAGE_CONTENT;
use crate::playground::discord::permissions as may;
use crate::playground::discord::posting::{NewMessage, SETTABLE, Upload};
use crate::playground::discord::rules::{self, MessageRules};
use crate::playground::discord::state::{Message, State};

/// How long a nonce is known: "the past few minutes".
const NONCE_LASTS: Duration = Duration::from_mins(5);
/// After this Discord takes few edits of a message. How many is not documented.
const EDITED_FOR: Duration = Duration::from_hours(1);
const LATE_EDITS_MAX: usize = 5;
/// The largest file, in a guild without boosts.
const FILE_BYTES_MAX: usize = 10 * 1024 * 1024;

pub(super) fn create(state: &mut State, call: &Call, channel: ChannelId) -> Answer {
    let archived_and_locked = {
        let found = state.need_to_send(channel)?;
        found.thread.as_ref().is_some_and(|thread| thread.archived && thread.locked)
    };
    if archived_and_locked {
        return Err(ApiError::archived());
    }
    let (body, files) = checked(call, MessageRules { files: call.files.len(), nonce: true })?;
    if !files.is_empty() {
        state.need(channel, may::ATTACH_FILES)?;
    }
    let nonce =
        body["nonce"].as_str().map(str::to_owned).or_else(|| body["nonce"].as_u64().map(|n| n.to_string()));
    let now = state.now();
    let enforced = nonce.filter(|_| body["enforce_nonce"] == true).map(|nonce| (channel, nonce));
    if let Some(key) = &enforced {
        let lasts = state.faults.nonces_last.unwrap_or(NONCE_LASTS);
        let earlier = state.nonces.get(key).filter(|(_, at)| now.since(*at) < lasts);
        // The earlier message, even if it was deleted since.
        if let Some(message) = earlier.and_then(|(id, _)| state.messages.get(id)) {
            return ok(state.message(message));
        }
    }
    let reply_to = reply(state, channel, &body)?;
    if is_empty(&body, files.len()) {
        return Err(ApiError::empty_message());
    }
    let embeds = if state.bot_may(channel, may::EMBED_LINKS) { body["embeds"].clone() } else { json!([]) };
    let id = state.post(NewMessage {
        kind: if reply_to.is_some() { 19 } else { 0 },
        embeds,
        components: body["components"].clone(),
        files,
        reply_to,
        nonce: Some(body["nonce"].clone()).filter(|nonce| !nonce.is_null()),
        allowed: body["allowed_mentions"].clone(),
        flags: body["flags"].as_u64().unwrap_or(0) & SETTABLE,
        ..NewMessage::plain(state.world.bot, channel, body["content"].as_str().unwrap_or_default())
    });
    if let Some(key) = enforced {
        state.nonces.insert(key, (id, now));
    }
    shown(state, id)
}

/// The body, if it keeps the rules, and its files with what `attachments` says of them.
pub(super) fn checked(call: &Call, rules: MessageRules) -> Result<(Value, Vec<Upload>), ApiError> {
    let body = if call.body.is_object() { call.body.clone() } else { json!({}) };
    let mut errors = rules::message(&body, rules);
    let mut files = call.files.clone();
    for file in &mut files {
        if file.bytes.len() > FILE_BYTES_MAX {
            let error = ApiError::new(413, 40005, "Request entity too large").breaks("file size");
            return Err(error);
        }
        let described = body["attachments"].as_array().into_iter().flatten();
        let described = described.into_iter().find(|each| id_of(each) == Some(file.number));
        if let Some(each) = described {
            if let Some(name) = each["filename"].as_str() {
                name.clone_into(&mut file.name);
            }
            file.description = each["description"].as_str().map(str::to_owned);
        } else if body["attachments"].is_array() {
            errors.push(FieldError::new("attachments", "ATTACHMENT_NOT_FOUND", "A file is not described"));
        }
    }
    if errors.is_empty() { Ok((body, files)) } else { Err(ApiError::form(&errors)) }
}

fn id_of(attachment: &Value) -> Option<u64> {
    attachment["id"].as_u64().or_else(|| attachment["id"].as_str().and_then(|id| id.parse().ok()))
}

/// Whether nothing at all would be shown.
pub(super) fn is_empty(body: &Value, files: usize) -> bool {
    let none = |key: &str| body[key].as_array().is_none_or(Vec::is_empty);
    let blank = body["content"].as_str().unwrap_or_default().trim().is_empty();
    blank
        && files == 0
        && none("embeds")
        && none("components")
        && none("sticker_ids")
        && body["poll"].is_null()
}

fn reply(state: &State, channel: ChannelId, body: &Value) -> Result<Option<MessageId>, ApiError> {
    let reference = &body["message_reference"];
    let Some(id) = rules::snowflake(&reference["message_id"]).map(MessageId) else { return Ok(None) };
    let found = state.live_message(id).filter(|message| message.channel == channel);
    match found {
        Some(_) if !state.bot_may(channel, may::READ_MESSAGE_HISTORY) => {
            Err(ApiError::new(403, 160_002, "Cannot reply without permission to read message history"))
        }
        Some(_) => Ok(Some(id)),
        None if reference["fail_if_not_exists"] == false => Ok(None),
        None => {
            // Somebody deleted it: no fault of the client's.
            let mut error =
                ApiError::field("message_reference", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message");
            error.rule = None;
            Err(error)
        }
    }
}

fn shown(state: &State, id: MessageId) -> Answer {
    ok(state.messages.get(&id).map_or(Value::Null, |message| state.message(message)))
}

/// A message as this application may read it.
fn readable(state: &State, message: &Message) -> Value {
    let mut object = state.message(message);
    // It is told when the message is created, and never again.
    if let Some(object) = object.as_object_mut() {
        object.remove("nonce");
    }
    let direct = state.channels.get(&message.channel).is_some_and(|channel| channel.recipient.is_some());
    let blind = state.world.privileged_intents & MESSAGE_CONTENT == 0;
    if blind && !direct && state.hides_content(&object) { without_content(&object) } else { object }
}

pub(super) fn list(state: &State, call: &Call, channel: ChannelId) -> Answer {
    state.need(channel, 0)?;
    let limit = call.query("limit").map_or(Ok(50), str::parse::<usize>).unwrap_or(0);
    if !(1..=100).contains(&limit) {
        let what = "int value should be between 1 and 100.";
        return Err(ApiError::field("limit", "NUMBER_TYPE_MAX", what));
    }
    if !state.bot_may(channel, may::READ_MESSAGE_HISTORY) {
        return ok(json!([]));
    }
    let mut ids: Vec<_> = state
        .messages
        .values()
        .filter(|message| message.channel == channel && !message.deleted && message.only_for.is_none())
        .map(|message| message.id)
        .collect();
    if let Some(around) = call.query_id("around") {
        let at = ids.partition_point(|id| id.0 < around);
        let from = at.saturating_sub(limit / 2);
        ids = ids.into_iter().skip(from).take(limit).collect();
    } else if let Some(after) = call.query_id("after") {
        ids = ids.into_iter().filter(|id| id.0 > after).take(limit).collect();
    } else {
        let before = call.query_id("before").unwrap_or(u64::MAX);
        ids.retain(|id| id.0 < before);
        ids = ids.split_off(ids.len().saturating_sub(limit));
    }
    // Newest first, whatever was asked.
    ids.reverse();
    ok(ids.iter().filter_map(|id| state.messages.get(id)).map(|message| readable(state, message)).collect())
}

pub(super) fn get(state: &State, channel: ChannelId, id: MessageId) -> Answer {
    state.need(channel, may::READ_MESSAGE_HISTORY)?;
    let message = state.need_message(channel, id)?;
    ok(readable(state, message))
}

pub(super) fn edit(state: &mut State, call: &Call, channel: ChannelId, id: MessageId) -> Answer {
    let message = state.need_message(channel, id)?;
    let own = message.author == state.world.bot;
    if !own {
        return Err(ApiError::not_the_author());
    }
    if let Some(thread) = state.channels.get(&channel).and_then(|found| found.thread.as_ref())
        && thread.archived
    {
        return Err(ApiError::archived());
    }
    let late = |at: &WallTime| at.since(message.created) > EDITED_FOR;
    let late_edits = message.history.iter().filter(|(at, _)| late(at)).count();
    if late_edits >= LATE_EDITS_MAX && late(&state.wall()) {
        return Err(ApiError::edited_too_late());
    }
    apply_edit(state, call, id)?;
    shown(state, id)
}

/// Changes a message by the body of a PATCH: what is not named stays.
pub(super) fn apply_edit(state: &mut State, call: &Call, id: MessageId) -> Result<(), ApiError> {
    let (body, files) = checked(call, MessageRules { files: call.files.len(), nonce: false })?;
    let Some(before) = state.messages.get(&id).cloned() else { return Err(ApiError::unknown_message()) };
    let kept: Vec<u64> = match body["attachments"].as_array() {
        None => before.attachments.clone(),
        Some(list) => {
            let kept: Vec<_> = list.iter().filter_map(id_of).collect();
            before.attachments.iter().copied().filter(|id| kept.contains(id)).collect()
        }
    };
    if kept.len() + files.len() > 10 {
        return Err(ApiError::field("attachments", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length."));
    }
    let after = json!({
        "content": if body.get("content").is_some() { body["content"].clone() } else { before.content.as_str().into() },
        "embeds": if body["embeds"].is_array() { &body["embeds"] } else { &before.embeds },
        "components": if body["components"].is_array() { &body["components"] } else { &before.components },
    });
    if is_empty(&after, kept.len() + files.len()) {
        return Err(ApiError::empty_message());
    }
    let mut attachments = kept;
    for file in files {
        attachments.push(state.store_file(before.channel, file));
    }
    let found = crate::playground::discord::mentions::mentions(
        after["content"].as_str().unwrap_or_default(),
        &body["allowed_mentions"],
        None,
    );
    let content = after["content"].as_str().unwrap_or_default().to_owned();
    state.edit_message(id, Some(content), |message| {
        message.embeds = after["embeds"].clone();
        message.components = after["components"].clone();
        message.attachments = attachments;
        message.mentions = found.users.into_iter().collect();
        if let Some(flags) = body["flags"].as_u64() {
            message.flags = message.flags & !SETTABLE | flags & SETTABLE;
        }
    });
    Ok(())
}

pub(super) fn delete(state: &mut State, channel: ChannelId, id: MessageId) -> Answer {
    let message = state.need_message(channel, id)?;
    if message.author != state.world.bot {
        state.need(channel, may::MANAGE_MESSAGES)?;
    }
    state.delete_message(id);
    no_content()
}

pub(super) fn bulk_delete(state: &mut State, call: &Call, channel: ChannelId) -> Answer {
    state.need(channel, may::MANAGE_MESSAGES)?;
    let ids: Vec<_> =
        call.body["messages"].as_array().into_iter().flatten().filter_map(rules::snowflake).collect();
    if !(2..=100).contains(&ids.len()) {
        let what = "Must be between 2 and 100 in length.";
        return Err(ApiError::field("messages", "BASE_TYPE_BAD_LENGTH", what));
    }
    for id in ids {
        state.delete_message(MessageId(id));
    }
    no_content()
}

fn pinned(state: &State, channel: ChannelId) -> impl Iterator<Item = &Message> {
    state
        .messages
        .values()
        .filter(move |message| message.channel == channel && message.pinned && !message.deleted)
}

pub(super) fn pins(state: &State, channel: ChannelId) -> Answer {
    state.need(channel, 0)?;
    ok(pinned(state, channel).map(|message| readable(state, message)).collect())
}

pub(super) fn pins_page(state: &State, channel: ChannelId) -> Answer {
    state.need(channel, 0)?;
    let items = pinned(state, channel).map(|message| {
        json!({"pinned_at": crate::playground::discord::objects::timestamp(message.created),
            "message": readable(state, message)})
    });
    ok(json!({"items": items.collect::<Vec<_>>(), "has_more": false}))
}

pub(super) fn pin(state: &mut State, channel: ChannelId, id: MessageId, pin: bool) -> Answer {
    state.need(channel, may::MANAGE_MESSAGES)?;
    state.need_message(channel, id)?;
    if let Some(message) = state.messages.get_mut(&id) {
        message.pinned = pin;
    }
    state.announce("MESSAGE_UPDATE", id);
    no_content()
}

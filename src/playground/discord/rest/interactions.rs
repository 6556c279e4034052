//! Answers to interactions: the callback, the original message, and messages that follow.

use serde_json::{Value, json};

use super::messages::{apply_edit, checked, is_empty};
use super::{Answer, Call, no_content, ok, parse};
use crate::domain::ids::MessageId;
use crate::playground::discord::InteractionId;
use crate::playground::discord::errors::{ApiError, FieldError};
use crate::playground::discord::interactions::{Choice, Interaction, TOKEN_LASTS};
use crate::playground::discord::posting::{EPHEMERAL, LOADING, NewMessage, SETTABLE};
use crate::playground::discord::rules::{self, MessageRules};
use crate::playground::discord::state::State;

/// How many messages may follow where the application is not installed; a bound against runaways here.
const FOLLOWUPS_MAX: usize = 100;

pub(super) fn answer(state: &mut State, call: &Call, path: &[&str]) -> Answer {
    match (call.method.as_str(), path) {
        ("POST", ["interactions", id, token, "callback"]) => {
            let id = InteractionId(parse(id, "interaction_id")?);
            callback(state, call, id, token)
        }
        (_, ["webhooks", application, token, rest @ ..]) => {
            if parse(application, "webhook_id")? != state.world.application {
                return Err(ApiError::unknown_webhook());
            }
            let id = by_token(state, token)?;
            match (call.method.as_str(), rest) {
                ("POST", []) => follow_up(state, call, id),
                (method, ["messages", "@original"]) => {
                    let original = state.interactions.get(&id).and_then(|each| each.original);
                    on_message(state, call, method, original)
                }
                (method, ["messages", message]) => {
                    let message = MessageId(parse(message, "message_id")?);
                    let known = state.interactions.get(&id).is_some_and(|each| {
                        each.original == Some(message) || each.followups.contains(&message)
                    });
                    on_message(state, call, method, known.then_some(message))
                }
                _ => Err(ApiError::no_route()),
            }
        }
        _ => Err(ApiError::no_route()),
    }
}

/// The interaction that a token belongs to, while the token is good.
fn by_token(state: &State, token: &str) -> Result<InteractionId, ApiError> {
    let found = state.interactions.values().find(|each| each.token == token);
    let found = found.filter(|each| each.acknowledged.is_some()).ok_or_else(ApiError::unknown_webhook)?;
    if state.now().since(found.created) > TOKEN_LASTS {
        return Err(ApiError::new(401, 50027, "Invalid Webhook Token").breaks("interaction"));
    }
    Ok(found.id)
}

fn callback(state: &mut State, call: &Call, id: InteractionId, token: &str) -> Answer {
    let found = state.interactions.get(&id).filter(|each| each.token == token && !each.failed).cloned();
    let interaction = found.ok_or_else(ApiError::unknown_interaction)?;
    if interaction.acknowledged.is_some() {
        return Err(ApiError::already_acknowledged());
    }
    let kind = call.body["type"].as_u64().unwrap_or(0);
    let fits = match interaction.kind {
        4 => kind == 8,
        3 => matches!(kind, 4..=7 | 9),
        // A form that a command opened has no message to change.
        5 => matches!(kind, 4 | 5) || matches!(kind, 6 | 7) && interaction.message.is_some(),
        _ => matches!(kind, 4 | 5 | 9),
    };
    if !fits {
        return Err(ApiError::field(
            "type",
            "INTERACTION_TYPE_CALLBACK_TYPE_INVALID",
            "Not for this interaction",
        ));
    }
    let data = &call.body["data"];
    let mut done = Interaction {
        acknowledged: Some(state.now()),
        answer_kind: Some(kind),
        ephemeral: data["flags"].as_u64().unwrap_or(0) & EPHEMERAL != 0,
        ..interaction
    };
    let inner = Call {
        method: call.method.clone(),
        path: Vec::new(),
        query: Vec::new(),
        body: data.clone(),
        files: call.files.clone(),
        token: None,
    };
    match kind {
        4 => done.original = Some(post(state, &inner, &done, None)?),
        5 => done.original = Some(post_thinking(state, &done)),
        6 => done.original = done.message,
        7 => {
            done.original = done.message;
            let message = done.message.ok_or_else(ApiError::unknown_message)?;
            apply_edit(state, &inner, message)?;
        }
        8 => done.choices = choices(data)?,
        _ => done.modal = Some(modal(data)?),
    }
    let original = done.original;
    state.interactions.insert(id, done.clone());
    // The message tells of its interaction, which is only known now.
    if let (4 | 5, Some(message)) = (kind, original) {
        state.announce("MESSAGE_CREATE", message);
    }
    if let Some(modal) = &done.modal {
        let data =
            json!({"interaction": id.to_string(), "modal": modal, "channel_id": done.channel.to_string()});
        state.tell("MODAL", Some(done.user), data);
    }
    if call.query("with_response") == Some("true") {
        let message = original.and_then(|id| state.messages.get(&id)).map(|message| state.message(message));
        return ok(json!({
            "interaction": {"id": id.to_string(), "type": done.kind,
                "response_message_id": original.map(|id| id.to_string()),
                "response_message_loading": kind == 5, "response_message_ephemeral": done.ephemeral},
            "resource": {"type": kind, "message": message},
        }));
    }
    no_content()
}

fn template(state: &State, interaction: &Interaction, ephemeral: bool) -> NewMessage {
    NewMessage {
        kind: if interaction.kind == 2 { 20 } else { 19 },
        webhook: true,
        interaction: Some(interaction.id),
        only_for: ephemeral.then_some(interaction.user),
        flags: if ephemeral { EPHEMERAL } else { 0 },
        reply_to: interaction.message,
        ..NewMessage::plain(state.world.bot, interaction.channel, "")
    }
}

fn post(
    state: &mut State,
    call: &Call,
    interaction: &Interaction,
    ephemeral: Option<bool>,
) -> Result<MessageId, ApiError> {
    let (body, files) = checked(call, MessageRules { files: call.files.len(), nonce: false })?;
    if is_empty(&body, files.len()) {
        return Err(ApiError::empty_message());
    }
    let flags = body["flags"].as_u64().unwrap_or(0);
    let template = template(state, interaction, ephemeral.unwrap_or(flags & EPHEMERAL != 0));
    Ok(state.post_quietly(NewMessage {
        content: body["content"].as_str().unwrap_or_default().to_owned(),
        embeds: body["embeds"].clone(),
        components: body["components"].clone(),
        files,
        allowed: body["allowed_mentions"].clone(),
        flags: template.flags | flags & SETTABLE,
        ..template
    }))
}

fn post_thinking(state: &mut State, interaction: &Interaction) -> MessageId {
    let template = template(state, interaction, interaction.ephemeral);
    state.post_quietly(NewMessage { flags: template.flags | LOADING, ..template })
}

fn follow_up(state: &mut State, call: &Call, id: InteractionId) -> Answer {
    let Some(interaction) = state.interactions.get(&id).cloned() else {
        return Err(ApiError::unknown_webhook());
    };
    if interaction.followups.len() >= FOLLOWUPS_MAX {
        return Err(ApiError::new(
            400,
            40094,
            "This interaction has reached the maximum number of follow-up messages",
        )
        .breaks("interaction"));
    }
    // The first message after "thinking…" takes its place, and is as private as that was.
    let waiting = interaction
        .original
        .filter(|original| state.live_message(*original).is_some_and(|message| message.flags & LOADING != 0));
    let message = if let Some(original) = waiting {
        apply_edit(state, call, original)?;
        original
    } else {
        let message = post(state, call, &interaction, None)?;
        state.announce("MESSAGE_CREATE", message);
        if let Some(each) = state.interactions.get_mut(&id) {
            each.followups.push(message);
        }
        message
    };
    ok(state.messages.get(&message).map_or(Value::Null, |message| state.message(message)))
}

fn on_message(state: &mut State, call: &Call, method: &str, id: Option<MessageId>) -> Answer {
    let id = id.filter(|id| state.live_message(*id).is_some()).ok_or_else(ApiError::unknown_message)?;
    match method {
        "GET" => {}
        "PATCH" => apply_edit(state, call, id)?,
        "DELETE" => {
            state.delete_message(id);
            return no_content();
        }
        _ => return Err(ApiError::no_route()),
    }
    ok(state.messages.get(&id).map_or(Value::Null, |message| state.message(message)))
}

fn choices(data: &Value) -> Result<Vec<Choice>, ApiError> {
    let list = data["choices"].as_array().cloned().unwrap_or_default();
    let mut errors = Vec::new();
    if list.len() > 25 {
        errors.push(FieldError::new(
            "data.choices",
            "BASE_TYPE_MAX_LENGTH",
            "Must be 25 or fewer in length.",
        ));
    }
    for (index, choice) in list.iter().enumerate() {
        let fits = |value: &Value| value.as_str().is_none_or(|text| (1..=100).contains(&rules::length(text)));
        if !choice["name"].is_string() || !fits(&choice["name"]) || !fits(&choice["value"]) {
            let what = "Must be between 1 and 100 in length.";
            errors.push(FieldError::new(format!("data.choices.{index}"), "BASE_TYPE_BAD_LENGTH", what));
        }
    }
    if !errors.is_empty() {
        return Err(ApiError::form(&errors));
    }
    let choice = |choice: Value| Choice {
        name: choice["name"].as_str().unwrap_or_default().to_owned(),
        value: choice["value"].clone(),
    };
    Ok(list.into_iter().map(choice).collect())
}

fn modal(data: &Value) -> Result<Value, ApiError> {
    let errors = rules::modal(data);
    if errors.is_empty() { Ok(data.clone()) } else { Err(ApiError::form(&errors)) }
}

//! Gateway address, application, users, guild, commands.

use serde_json::{Value, json};

use super::{Answer, Call, ok, parse, parse_user};
use crate::domain::ids::UserId;
use crate::playground::discord::errors::ApiError;
use crate::playground::discord::rules;
use crate::playground::discord::state::State;

/// What a small bot has; without limits, whoever is started again and again waits for no login.
fn identifies_at_once(state: &State) -> u32 {
    if state.limits.lifted { 1000 } else { 1 }
}

pub(super) fn answer(state: &mut State, call: &Call, path: &[&str]) -> Answer {
    match (call.method.as_str(), path) {
        ("GET", ["gateway"]) => ok(json!({"url": state.gateway_url})),
        ("GET", ["gateway", "bot"]) => ok(json!({
            "url": state.gateway_url, "shards": 1,
            "session_start_limit": {"total": 1000, "remaining": state.sessions.identifies_left,
                "reset_after": 86_400_000, "max_concurrency": identifies_at_once(state)},
        })),
        ("GET", ["oauth2", "applications", "@me"] | ["applications", "@me"]) => ok(state.application()),
        ("GET", ["users", "@me"]) => {
            let mut user = state.user(state.world.bot);
            user["verified"] = true.into();
            user["mfa_enabled"] = true.into();
            user["email"] = Value::Null;
            ok(user)
        }
        ("GET", ["users", "@me", "guilds"]) => {
            let mut guild = state.guild();
            guild["owner"] = false.into();
            guild["permissions"] = state.guild_permissions(state.world.bot).to_string().into();
            ok(json!([guild]))
        }
        ("POST", ["users", "@me", "channels"]) => {
            let recipient = rules::snowflake(&call.body["recipient_id"]).map(UserId);
            let recipient = recipient.filter(|id| state.world.person(*id).is_some());
            let id = state.direct_channel(recipient.ok_or_else(ApiError::unknown_user)?);
            ok(state.channels.get(&id).map_or(Value::Null, |channel| state.channel(channel)))
        }
        ("GET", ["users", id]) => {
            let id = UserId(parse(id, "user_id")?);
            state.world.person(id).map(|_| ()).ok_or_else(ApiError::unknown_user)?;
            ok(state.user(id))
        }
        ("GET", ["guilds", id, rest @ ..]) => {
            state.need_guild(id)?;
            guild(state, call, rest)
        }
        (_, ["applications", application, rest @ ..]) => {
            if parse(application, "application_id")? != state.world.application {
                return Err(ApiError::new(
                    403,
                    20012,
                    "You are not authorized to perform this action on this application",
                ));
            }
            match rest {
                ["commands", rest @ ..] => commands(state, call, false, rest),
                ["guilds", id, "commands", rest @ ..] => {
                    state.need_guild(id)?;
                    commands(state, call, true, rest)
                }
                _ => Err(ApiError::no_route()),
            }
        }
        _ => Err(ApiError::no_route()),
    }
}

fn guild(state: &State, call: &Call, rest: &[&str]) -> Answer {
    match rest {
        [] => ok(state.guild()),
        ["channels"] => ok(state.text_channels().map(|channel| state.channel(channel)).collect()),
        ["roles"] => ok(state.roles().into()),
        ["threads", "active"] => {
            let threads: Vec<_> = state.active_threads().collect();
            let mine = threads.iter().filter(|channel| {
                channel.thread.as_ref().is_some_and(|thread| thread.members.contains(&state.world.bot))
            });
            ok(json!({
                "members": mine.map(|channel| state.thread_member(channel.id, state.world.bot)).collect::<Vec<_>>(),
                "threads": threads.iter().map(|channel| state.channel(channel)).collect::<Vec<_>>(),
            }))
        }
        ["members"] => {
            let limit = call.query_id("limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(1);
            let after = call.query_id("after").unwrap_or(0);
            let people = state.world.people.iter().filter(|person| person.id.0 > after).take(limit);
            ok(people.map(|person| state.member(person.id)).collect())
        }
        ["members", id] => {
            let id = parse_user(state, id)?;
            state.world.person(id).map(|_| ()).ok_or_else(ApiError::unknown_member)?;
            ok(state.member(id))
        }
        ["emojis"] => ok(json!([])),
        _ => Err(ApiError::no_route()),
    }
}

fn commands(state: &mut State, call: &Call, of_guild: bool, rest: &[&str]) -> Answer {
    let list =
        |state: &State| if of_guild { state.guild_commands.clone() } else { state.global_commands.clone() };
    let mut known = list(state);
    let (status, answer) = match (call.method.as_str(), rest) {
        ("GET", []) => return ok(known.into()),
        ("GET", [id]) => {
            let command = known.into_iter().find(|command| command["id"] == *id);
            return ok(command.ok_or_else(ApiError::unknown_command)?);
        }
        ("PUT", []) => {
            let wanted = call.body.as_array().cloned().unwrap_or_default();
            check(&wanted)?;
            known = wanted.into_iter().map(|command| complete(state, &known, command, of_guild)).collect();
            (200, Value::from(known.clone()))
        }
        ("POST", []) => {
            let command = complete(state, &known, call.body.clone(), of_guild);
            known.retain(|other| other["id"] != command["id"]);
            known.push(command.clone());
            check(&known)?;
            (201, command)
        }
        ("PATCH", [id]) => {
            let command = known.iter_mut().find(|command| command["id"] == *id);
            let command = command.ok_or_else(ApiError::unknown_command)?;
            for (key, value) in call.body.as_object().into_iter().flatten() {
                command[key] = value.clone();
            }
            let changed = command.clone();
            check(&known)?;
            (200, changed)
        }
        ("DELETE", [id]) => {
            if !known.iter().any(|command| command["id"] == *id) {
                return Err(ApiError::unknown_command());
            }
            known.retain(|command| command["id"] != *id);
            (204, Value::Null)
        }
        _ => return Err(ApiError::no_route()),
    };
    if of_guild {
        state.guild_commands = known;
    } else {
        state.global_commands = known;
    }
    let all: Vec<_> = state.guild_commands.iter().chain(&state.global_commands).cloned().collect();
    state.tell("COMMANDS", None, json!({"commands": all}));
    Ok((status, answer))
}

fn check(list: &[Value]) -> Result<(), ApiError> {
    let errors = rules::commands(list);
    if errors.is_empty() { Ok(()) } else { Err(ApiError::form(&errors)) }
}

/// A command as Discord keeps it. One that is already known by name and type keeps its id.
fn complete(state: &mut State, known: &[Value], mut command: Value, of_guild: bool) -> Value {
    if !command.is_object() {
        command = json!({});
    }
    if command["type"].is_null() {
        command["type"] = 1.into();
    }
    let same = |other: &&Value| other["name"] == command["name"] && other["type"] == command["type"];
    let id = known.iter().find(same).map(|other| other["id"].clone());
    command["id"] = id.unwrap_or_else(|| state.new_id().to_string().into());
    command["application_id"] = state.world.application.to_string().into();
    command["version"] = state.new_id().to_string().into();
    if of_guild {
        command["guild_id"] = state.world.guild.to_string().into();
    }
    for (key, default) in
        [("default_member_permissions", Value::Null), ("nsfw", false.into()), ("description", "".into())]
    {
        if command[key].is_null() {
            command[key] = default;
        }
    }
    command
}

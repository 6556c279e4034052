//! IDENTIFY and RESUME.

use serde_json::{Value, json};

use super::{Connection, Step};
use crate::playground::discord::intents;
use crate::playground::discord::state::State;

impl Connection {
    pub(super) fn identify(&self, data: &Value) -> Step {
        let shared = std::sync::Arc::clone(&self.shared);
        let refused = shared.look(|state| refusal(state, data));
        if let Some((code, why)) = refused {
            return self.refuse(code, why);
        }
        let again = shared.change(|state| {
            let now = state.now();
            // One IDENTIFY in five seconds (`max_concurrency` is 1).
            let too_soon = !state.limits.lifted
                && state.sessions.identifies.last().is_some_and(|last| now.since(*last).as_secs() < 5);
            state.sessions.identifies.push(now);
            state.sessions.identifies_left -= 1;
            too_soon
        });
        if again {
            self.reply(&json!({"op": 9, "d": false, "s": null, "t": null}));
            return Step::Go;
        }
        let (number, send) = (self.number, self.send.clone());
        shared.change(|state| {
            let id = format!("{:032x}", u128::from(state.new_id()) << 32 | u128::from(number));
            let ready = ready(state, &id, &data["shard"]);
            let guild = state.guild_create();
            let wanted = data["intents"].as_u64().unwrap_or(0);
            let session = state.sessions.open(id, wanted, number, send);
            session.dispatch("READY", &ready);
            if wanted & intents::GUILDS != 0 {
                session.dispatch("GUILD_CREATE", &guild);
            }
        });
        Step::Go
    }

    pub(super) fn resume(&self, data: &Value) -> Step {
        if !self.shared.look(|state| is_token(state, &data["token"])) {
            return self.refuse(4004, "a wrong token");
        }
        let (number, send) = (self.number, self.send.clone());
        let resumed = self.shared.change(|state| {
            let id = data["session_id"].as_str().unwrap_or_default();
            let sequence = data["seq"].as_u64().unwrap_or(0);
            let resumed = state.sessions.resume(id, sequence, number, send);
            if resumed.is_some() {
                let now = state.now();
                state.sessions.resumes.push(now);
            }
            resumed
        });
        if resumed.is_none() {
            self.reply(&json!({"op": 9, "d": false, "s": null, "t": null}));
        }
        Step::Go
    }
}

fn is_token(state: &State, token: &Value) -> bool {
    let token = token.as_str().unwrap_or_default();
    token.strip_prefix("Bot ").unwrap_or(token) == state.world.token
}

/// The close code that an IDENTIFY earns, if any.
fn refusal(state: &State, data: &Value) -> Option<(u16, &'static str)> {
    if !is_token(state, &data["token"]) {
        return Some((4004, "a wrong token"));
    }
    if state.sessions.identifies_left == 0 {
        return Some((4004, "more than 1000 IDENTIFYs in a day: the token is reset"));
    }
    let Some(wanted) = data["intents"].as_u64() else {
        return Some((4002, "an IDENTIFY without intents"));
    };
    if wanted & !intents::KNOWN != 0 {
        return Some((4013, "unknown intents"));
    }
    if wanted & intents::PRIVILEGED & !state.world.privileged_intents != 0 {
        return Some((4014, "intents that the application may not use"));
    }
    None
}

fn ready(state: &State, session: &str, shard: &Value) -> Value {
    let mut user = state.user(state.world.bot);
    user["verified"] = true.into();
    user["mfa_enabled"] = true.into();
    user["email"] = Value::Null;
    let application = state.application();
    let mut ready = json!({
        "v": 10, "user": user, "session_id": session, "resume_gateway_url": state.gateway_url,
        "guilds": [{"id": state.world.guild.to_string(), "unavailable": true}],
        "application": {"id": application["id"], "flags": application["flags"]},
        "private_channels": [], "relationships": [], "_trace": [],
    });
    if shard.is_array() {
        ready["shard"] = shard.clone();
    }
    ready
}

//! Lines for the CLI's stdin. Each is one line of valid JSON, whatever people wrote: `serde_json` escapes every control
//! character, so there is never a raw newline in it.

use serde_json::{Map, Value, json};

use crate::domain::answer::Answer;
use crate::domain::ask::{Ask, AskKind, Grant};
use crate::domain::ids::PromptId;

/// A prompt. Its id becomes the CLI's uuid of the message: in the transcript, in the echo, and as its dedup key.
pub fn user_line(prompt: PromptId, text: &str) -> String {
    json!({
        "type": "user",
        "message": { "role": "user", "content": text },
        "parent_tool_use_id": null,
        "session_id": "",
        "uuid": prompt.0.to_string(),
    })
    .to_string()
}

/// A prompt for a turn that runs: the CLI hears it with the next result of a tool, or makes a turn of it afterwards (its
/// README §7).
pub fn steer_line(id: PromptId, text: &str) -> String {
    json!({
        "type": "user",
        "message": { "role": "user", "content": text },
        "parent_tool_use_id": null,
        "session_id": "",
        "uuid": id.0.to_string(),
        "priority": "next",
    })
    .to_string()
}

/// The handshake. Sent first: it gives the lists of models and commands, and hides the CLI's start-up. The project's
/// system prompt travels here rather than as an argument, because arguments are visible in `ps` (RELIABILITY F7).
pub fn initialize_line(request: &str, system_prompt: Option<&str>) -> String {
    let mut body = Map::new();
    body.insert("subtype".into(), "initialize".into());
    if let Some(system_prompt) = system_prompt {
        body.insert("appendSystemPrompt".into(), system_prompt.into());
    }
    control(request, &Value::Object(body))
}

/// Stops the running turn; the process stays.
pub fn interrupt_line(request: &str) -> String {
    control(request, &json!({ "subtype": "interrupt" }))
}

/// The model from the next API call on; `None` for the CLI's default.
pub fn set_model_line(request: &str, model: Option<&str>) -> String {
    match model {
        Some(model) => control(request, &json!({ "subtype": "set_model", "model": model })),
        None => control(request, &json!({ "subtype": "set_model" })),
    }
}

/// The permission mode from now on. It takes a checked mode, because the CLI accepts invalid ones without a word.
pub fn set_permission_mode_line(request: &str, mode: crate::config::PermissionMode) -> String {
    control(request, &json!({ "subtype": "set_permission_mode", "mode": mode.as_str() }))
}

/// The effort from the next API call on.
pub fn set_effort_line(request: &str, effort: crate::domain::effort::Effort) -> String {
    control(
        request,
        &json!({ "subtype": "apply_flag_settings", "settings": { "effortLevel": effort.as_str() } }),
    )
}

/// Takes back a prompt that the CLI has queued and not begun.
pub fn cancel_line(request: &str, prompt: PromptId) -> String {
    control(request, &json!({ "subtype": "cancel_async_message", "message_uuid": prompt.0.to_string() }))
}

/// Ends the process: the running turn is aborted with its tools.
pub fn end_session_line(request: &str) -> String {
    control(request, &json!({ "subtype": "end_session" }))
}

/// The answer to an ask. On allow the input is echoed, because the CLI fails the tool without it (its README §6).
pub fn answer_line(ask: &Ask, answer: &Answer) -> String {
    let response = match (&ask.kind, answer) {
        (AskKind::Elicitation { .. }, answer) => elicited(answer),
        (_, Answer::Deny { message }) => json!({ "behavior": "deny", "message": message }),
        (AskKind::Plan { .. }, Answer::DenyBecause { by, words }) => {
            let message = format!("{by} wants you to keep planning. They said in the chat: {words}");
            json!({ "behavior": "deny", "message": message })
        }
        (_, Answer::DenyBecause { by, words }) => {
            json!({ "behavior": "deny", "message": format!("{by} said no to this in the chat: {words}") })
        }
        (_, Answer::AllowForSession) => {
            let mut response = json!({ "behavior": "allow", "updatedInput": input(ask) });
            if let Some(grant) = ask.grant() {
                response["updatedPermissions"] = json!([permission(grant)]);
            }
            response
        }
        (_, Answer::AllowEdited { command }) => {
            let mut input = input(ask);
            input.insert("command".into(), command.as_str().into());
            json!({ "behavior": "allow", "updatedInput": input })
        }
        (AskKind::Question { questions }, Answer::Chosen { answers }) => {
            let keyed = questions.iter().zip(answers);
            let keyed: Map<_, _> =
                keyed.map(|(asked, answer)| (asked.question.clone(), answer.as_str().into())).collect();
            let mut input = input(ask);
            input.insert("answers".into(), Value::Object(keyed));
            json!({ "behavior": "allow", "updatedInput": input })
        }
        (_, Answer::Allow | Answer::Chosen { .. } | Answer::Filled { .. }) => {
            json!({ "behavior": "allow", "updatedInput": input(ask) })
        }
    };
    success(&ask.request, &response)
}

/// The answer to an MCP server (MCP: client/elicitation, response actions).
fn elicited(answer: &Answer) -> Value {
    match answer {
        Answer::Filled { content } => {
            let content = object(serde_json::from_str(content).unwrap_or_default());
            json!({ "action": "accept", "content": content })
        }
        Answer::Deny { .. } | Answer::DenyBecause { .. } => json!({ "action": "decline" }),
        Answer::Allow | Answer::AllowForSession | Answer::AllowEdited { .. } | Answer::Chosen { .. } => {
            json!({ "action": "accept", "content": {} })
        }
    }
}

/// The input as it was asked.
fn input(ask: &Ask) -> Map<String, Value> {
    object(serde_json::from_str(&ask.input).unwrap_or_default())
}

/// One permission until the session ends. Never `localSettings`: that would outlive it, in a file of the project.
fn permission(grant: &Grant) -> Value {
    match grant {
        Grant::Rules { rules } => {
            let rules: Vec<_> = rules
                .iter()
                .map(|rule| match &rule.content {
                    Some(content) => json!({ "toolName": rule.tool, "ruleContent": content }),
                    None => json!({ "toolName": rule.tool }),
                })
                .collect();
            json!({ "type": "addRules", "rules": rules, "behavior": "allow", "destination": "session" })
        }
        Grant::AcceptEdits => json!({ "type": "setMode", "mode": "acceptEdits", "destination": "session" }),
    }
}

/// The answer that a request gets which nobody here can serve: without one the CLI may wait for ever.
pub(in crate::claude) fn refusal_line(request: &str, error: &str) -> String {
    json!({
        "type": "control_response",
        "response": { "subtype": "error", "request_id": request, "error": error },
    })
    .to_string()
}

/// A successful answer to one of the CLI's requests.
pub(in crate::claude) fn success(request: &str, response: &Value) -> String {
    json!({
        "type": "control_response",
        "response": { "subtype": "success", "request_id": request, "response": response },
    })
    .to_string()
}

fn control(request: &str, body: &Value) -> String {
    json!({ "type": "control_request", "request_id": request, "request": body }).to_string()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

//! The control protocol's side of the host: requests that arrive on stdin between and during turns, answered at once
//! by the thread that reads them.

use std::io::BufRead;

use serde_json::{Value, json};

use super::House;
use super::inbox::{Cut, Inbox};
use super::message::Message;
use super::speaker::Speaker;

/// Reads stdin to its end. A line that is no JSON ends the process, as it ends the CLI.
pub fn read(input: impl BufRead, inbox: &Inbox, speaker: &Speaker, house: &House, may_bypass: bool) {
    for line in input.split(b'\n') {
        let Ok(line) = line else { break };
        if line.trim_ascii().is_empty() {
            continue;
        }
        let value: Value = match serde_json::from_slice(&line) {
            Ok(Value::Null) => die("null"),
            Ok(value) => value,
            Err(error) => die(&error.to_string()),
        };
        match value["type"].as_str() {
            Some("user") => match Message::from_line(&value) {
                Ok(message) => {
                    let (uuid, content) = (message.uuid.clone(), message.content.clone());
                    if !inbox.push(message) {
                        speaker.replay(&uuid, &content);
                    }
                }
                Err(error) => die(&error),
            },
            Some("control_request") => {
                let request_id = value["request_id"].as_str().unwrap_or_default();
                let answer = answer(&value["request"], inbox, speaker, house, may_bypass);
                respond(speaker, request_id, answer);
                // After the answer: what the cut makes the turn say comes behind it, as in the CLI.
                match value["request"]["subtype"].as_str() {
                    Some("interrupt") => inbox.cut(Cut::Interrupted),
                    Some("end_session") => inbox.cut(Cut::SessionEnded),
                    _ => {}
                }
            }
            Some("control_response") => {
                let request = value["response"]["request_id"].as_str().unwrap_or_default();
                inbox.answer(request.to_owned(), value["response"].clone());
            }
            _ => {}
        }
    }
    inbox.close();
}

/// Withdraws the open question, if there is one, and says so.
pub fn withdraw_ask(inbox: &Inbox, speaker: &Speaker) {
    if let Some(request) = inbox.withdraw_ask() {
        speaker.control(&json!({ "type": "control_cancel_request", "request_id": request }));
    }
}

fn respond(speaker: &Speaker, request_id: &str, answer: Result<Option<Value>, String>) {
    let mut response = json!({ "request_id": request_id });
    match answer {
        Ok(body) => {
            response["subtype"] = json!("success");
            if let Some(body) = body {
                response["response"] = body;
            }
        }
        Err(error) => {
            response["subtype"] = json!("error");
            response["error"] = json!(error);
        }
    }
    speaker.control(&json!({ "type": "control_response", "response": response }));
}

fn answer(
    request: &Value,
    inbox: &Inbox,
    speaker: &Speaker,
    house: &House,
    may_bypass: bool,
) -> Result<Option<Value>, String> {
    let text = |name: &str| request[name].as_str().unwrap_or_default();
    Ok(match text("subtype") {
        "initialize" => Some(initialize(house)),
        "interrupt" | "end_session" => {
            withdraw_ask(inbox, speaker);
            None
        }
        "set_permission_mode" => {
            let mode = text("mode");
            if mode == "bypassPermissions" && !may_bypass {
                return Err(
                    "Cannot set permission mode to bypassPermissions because the session was not launched \
                            with --dangerously-skip-permissions"
                        .into(),
                );
            }
            speaker.change(|facts| mode.clone_into(&mut facts.permission_mode));
            speaker.status(None, json!({ "permissionMode": mode }));
            Some(json!({ "mode": mode }))
        }
        "set_model" => {
            let model = request["model"].as_str().unwrap_or(house.model).to_owned();
            speaker.change(|facts| facts.model.clone_from(&model));
            let line = format!("<local-command-stdout>Set model to {model}</local-command-stdout>");
            speaker.user(json!(line), json!({ "isReplay": true }));
            None
        }
        "cancel_async_message" => Some(json!({ "cancelled": inbox.withdraw(text("message_uuid")) })),
        "get_context_usage" => Some(json!({
            "categories": [{ "name": "Messages", "tokens": 2218 }, { "name": "Free space", "tokens": 197_782 }],
            "totalTokens": 2218, "maxTokens": 200_000, "percentage": 1, "autoCompactThreshold": 167_000,
        })),
        "get_session_cost" => {
            Some(json!({ "text": format!("Total cost:            ${:.4}", speaker.facts().cost_usd) }))
        }
        "get_usage" => Some(json!({ "session": { "total_cost_usd": speaker.facts().cost_usd },
                                    "subscription_type": null, "rate_limits_available": false })),
        "get_settings" => {
            Some(json!({ "effective": {}, "sources": [], "applied": { "model": speaker.facts().model } }))
        }
        "get_binary_version" => Some(json!({ "version": super::VERSION })),
        "mcp_status" => Some(json!({ "mcpServers": [] })),
        "generate_session_title" => Some(json!({ "title": text("description") })),
        "side_question" => Some(json!({ "response": text("question"), "synthetic": false })),
        "file_suggestions" => Some(json!({ "suggestions": [] })),
        "reload_skills" => Some(json!({ "skills": [] })),
        "stop_task" | "background_tasks" => Some(json!({})),
        "set_max_thinking_tokens" | "apply_flag_settings" | "rename_session" => None,
        other => return Err(format!("Unsupported control request subtype: {other}")),
    })
}

fn initialize(house: &House) -> Value {
    let commands = house
        .commands
        .iter()
        .map(|(name, description)| json!({ "name": name, "description": description, "argumentHint": "" }));
    let models = house.models.iter().map(|(value, resolved, name)| {
        json!({ "value": value, "resolvedModel": resolved, "displayName": name, "description": name,
                "supportsEffort": true, "supportedEffortLevels": ["low", "medium", "high"] })
    });
    json!({
        "commands": commands.collect::<Vec<_>>(), "models": models.collect::<Vec<_>>(),
        "agents": [{ "name": "claude", "description": "Catch-all" }],
        "account": { "tokenSource": "none", "apiKeySource": key_source(), "apiProvider": house.provider },
        "output_style": "default", "available_output_styles": ["default"], "pid": std::process::id(),
    })
}

/// Where the CLI has its key from, in its word.
fn key_source() -> &'static str {
    let set = std::env::var_os("ANTHROPIC_API_KEY").is_some_and(|key| !key.is_empty());
    if set { "ANTHROPIC_API_KEY" } else { "none" }
}

fn die(error: &str) -> ! {
    eprintln!("Error parsing streaming input line: {error}");
    std::process::exit(1)
}

//! Questions to the host in the middle of a turn: may this tool be used, what does the person choose, is the plan good.

use serde_json::{Value, json};
use uuid::Uuid;

use super::Turn;
use crate::playground::assistant::inbox::Cut;

/// What came of a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Go ahead, with this input (the host may have changed it).
    Allow(Value),
    /// No, and this is what the model is told.
    Deny(String),
}

impl Turn<'_> {
    /// Asks the host whether a tool may be used, as far as the permission mode leaves it to the host.
    pub fn ask(&mut self, tool_use: &str, name: &str, input: &Value) -> Result<Verdict, Cut> {
        let mode = self.speaker.facts().permission_mode;
        if mode == "bypassPermissions" && !is_for_a_person(name) {
            return Ok(Verdict::Allow(input.clone()));
        }
        self.ask_host(tool_use, name, input, None)
    }

    /// The same where a hook wants it, for this reason, in every mode.
    pub fn ask_because(
        &mut self,
        tool_use: &str,
        name: &str,
        input: &Value,
        reason: &str,
    ) -> Result<Verdict, Cut> {
        self.ask_host(tool_use, name, input, Some(reason))
    }

    fn ask_host(
        &mut self,
        tool_use: &str,
        name: &str,
        input: &Value,
        reason: Option<&str>,
    ) -> Result<Verdict, Cut> {
        let for_a_person = is_for_a_person(name);
        let mode = self.speaker.facts().permission_mode;
        if mode == "dontAsk" && !for_a_person {
            let message = format!(
                "Permission to use {name} has been denied because Claude Code is running in don't ask mode."
            );
            self.deny(tool_use, name, input);
            self.speaker.system(
                "permission_denied",
                json!({ "tool_name": name, "tool_use_id": tool_use, "decision_reason_type": "mode",
                        "message": message }),
            );
            return Ok(Verdict::Deny(message));
        }
        if self.flags.value("--permission-prompt-tool") != Some("stdio") {
            self.deny(tool_use, name, input);
            return Ok(Verdict::Deny(format!(
                "Claude requested permissions to use {name}, but you haven't granted it yet."
            )));
        }
        let request = Uuid::new_v4().to_string();
        self.inbox.open_ask(&request);
        self.speaker.control(&request_line(&request, tool_use, name, input, reason));
        let answer =
            self.inbox.wait_for_answer(&request).inspect_err(|_| self.deny(tool_use, name, input))?;
        let verdict = answer.as_ref().map_or_else(
            || Ok(Verdict::Deny(failed("Error: Tool permission stream closed before response received"))),
            read,
        );
        match &verdict {
            Ok(Verdict::Allow(_)) => {
                if let Some(mode) = answer.as_ref().and_then(granted_mode) {
                    self.switch_mode(&mode);
                } else if name == "ExitPlanMode" {
                    self.switch_mode("default");
                }
            }
            Ok(Verdict::Deny(_)) | Err(_) => self.deny(tool_use, name, input),
        }
        verdict
    }

    /// Asks the host for what an MCP server wants to know, and gives the host's answer.
    pub fn elicit(&mut self, server: &str, message: &str, schema: &Value) -> Result<Value, Cut> {
        let request = Uuid::new_v4().to_string();
        self.inbox.open_ask(&request);
        self.speaker.control(&json!({ "type": "control_request", "request_id": request, "request": {
            "subtype": "elicitation", "mcp_server_name": server, "message": message, "mode": "form",
            "requested_schema": schema,
        } }));
        let answer = self.inbox.wait_for_answer(&request)?;
        let response = answer.map(|answer| answer["response"].clone());
        Ok(response
            .filter(|response| response["action"].is_string())
            .unwrap_or(json!({ "action": "cancel" })))
    }

    /// Switches the permission mode and says so.
    pub fn switch_mode(&mut self, mode: &str) {
        self.speaker.change(|facts| mode.clone_into(&mut facts.permission_mode));
        self.speaker.status(None, json!({ "permissionMode": mode }));
    }

    pub(super) fn deny(&mut self, tool_use: &str, name: &str, input: &Value) {
        self.denials.push(json!({ "tool_name": name, "tool_use_id": tool_use, "tool_input": input }));
    }
}

fn is_for_a_person(name: &str) -> bool {
    matches!(name, "AskUserQuestion" | "ExitPlanMode")
}

fn request_line(request: &str, tool_use: &str, name: &str, input: &Value, reason: Option<&str>) -> Value {
    let mut body = json!({
        "subtype": "can_use_tool", "tool_name": name, "display_name": name, "input": input,
        "tool_use_id": tool_use,
    });
    if let Some(command) = input["command"].as_str() {
        let description = input["description"].as_str().unwrap_or(command);
        body["description"] = json!(description);
    }
    if let Some(reason) = reason {
        // What a hook wants to be asked comes without suggestions.
        body["decision_reason"] = json!(reason);
        body["decision_reason_type"] = json!("hook");
    } else if let Some(command) = input["command"].as_str() {
        body["permission_suggestions"] = json!([
            { "type": "addRules", "rules": [{ "toolName": name, "ruleContent": suggested(command) }], "behavior": "allow",
              "destination": "localSettings" },
            { "type": "setMode", "mode": "acceptEdits", "destination": "session" },
        ]);
        body["decision_reason"] = json!("This command requires approval");
        body["decision_reason_type"] = json!("other");
    }
    json!({ "type": "control_request", "request_id": request, "request": body })
}

/// What to allow from now on, as the CLI 2.1.197 suggests it: of git all with this subcommand, else this very command.
fn suggested(command: &str) -> String {
    let mut words = command.split_whitespace();
    match (words.next(), words.next()) {
        (Some("git"), Some(subcommand)) => format!("git {subcommand} *"),
        _ => command.to_owned(),
    }
}

/// Reads an answer as strictly as the CLI does: `updatedInput` and `message` are not optional.
fn read(answer: &Value) -> Result<Verdict, Cut> {
    if answer["subtype"] == "error" {
        return Ok(Verdict::Deny(failed(&format!(
            "Error: {}",
            answer["error"].as_str().unwrap_or_default()
        ))));
    }
    let response = &answer["response"];
    match response["behavior"].as_str() {
        Some("allow") if response["updatedInput"].is_object() => {
            Ok(Verdict::Allow(response["updatedInput"].clone()))
        }
        Some("deny") if response["interrupt"] == Value::Bool(true) => Err(Cut::Interrupted),
        Some("deny") if response["message"].is_string() => {
            Ok(Verdict::Deny(response["message"].as_str().unwrap_or_default().to_owned()))
        }
        _ => Ok(Verdict::Deny(failed("ZodError: [\n  {\n    \"code\": \"invalid_union\"\n  }\n]"))),
    }
}

fn granted_mode(answer: &Value) -> Option<String> {
    let updates = answer["response"]["updatedPermissions"].as_array()?;
    let update = updates.iter().find(|update| update["type"] == "setMode")?;
    update["mode"].as_str().map(str::to_owned)
}

fn failed(why: &str) -> String {
    format!("Tool permission request failed: {why}")
}

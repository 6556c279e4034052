//! The end of a turn: exactly one `result`, whatever happened before it.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::Turn;
use crate::playground::assistant::inbox::Cut;
use crate::playground::assistant::speaker::merge;

/// How a turn ends that nobody cut short.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// Well.
    Completed,
    /// A local command was run (`/context`): its output is the result, and no model was called.
    Local(String),
    /// The API failed, in the CLI's own way of saying so.
    Failed {
        /// The sentence that stands for an answer.
        text: String,
        /// The kind of error, as `assistant.error` names it.
        error: &'static str,
        /// The API's HTTP status.
        status: Option<u16>,
    },
    /// Everything was printed already (a recording was played). `failed` decides the exit code.
    Printed {
        /// Whether its result said `is_error`.
        failed: bool,
    },
    /// No result comes at all, which the real CLI never does.
    Silent,
}

impl Turn<'_> {
    /// Prints the result. Gives whether it says that it failed: the exit code of the process.
    pub(crate) fn finish(mut self, outcome: Result<(), Cut>) -> bool {
        let failed = match (outcome, self.ending.clone()) {
            (Err(cut), _) => self.cut_short(cut),
            (Ok(()), Ending::Completed) => {
                self.begin();
                self.echo();
                self.close_message("end_turn");
                let text = self.said.last().cloned().unwrap_or_default();
                self.print(json!({
                    "subtype": "success", "is_error": false, "api_error_status": null, "result": text,
                    "stop_reason": "end_turn", "terminal_reason": "completed", "num_turns": self.steps + 1,
                }));
                false
            }
            (Ok(()), Ending::Local(text)) => {
                self.begin();
                self.echo();
                self.print(json!({
                    "subtype": "success", "is_error": false, "result": text, "stop_reason": null, "num_turns": 0,
                }));
                false
            }
            (Ok(()), Ending::Failed { text, error, status }) => {
                self.begin();
                self.echo();
                self.close_message("end_turn");
                self.speaker.event(json!({
                    "type": "assistant", "parent_tool_use_id": null, "error": error,
                    "message": { "id": Uuid::new_v4(), "type": "message", "role": "assistant",
                                 "model": "<synthetic>", "content": [{ "type": "text", "text": text }],
                                 "stop_reason": "stop_sequence", "stop_sequence": "", "usage": usage(0, 0) },
                }));
                self.print(json!({
                    "subtype": "success", "is_error": true, "api_error_status": status, "result": text,
                    "stop_reason": "stop_sequence", "terminal_reason": "completed", "num_turns": 1,
                }));
                true
            }
            (Ok(()), Ending::Printed { failed }) => failed,
            (Ok(()), Ending::Silent) => false,
        };
        let said = self.said();
        if !said.is_empty() {
            self.session.add("assistant", &Uuid::new_v4().to_string(), &said);
        }
        failed
    }

    fn cut_short(&mut self, cut: Cut) -> bool {
        // Nothing was heard of the API yet, so the CLI has nothing to say either (its reference, §10).
        if cut == Cut::Signalled && self.open.is_none() && self.open_tool.is_none() {
            return false;
        }
        self.begin();
        self.echo();
        let partial = std::mem::take(&mut self.text);
        if let Some(message) = self.open.take()
            && !partial.is_empty()
        {
            self.speaker.assistant(&message.id, json!({ "type": "text", "text": partial }));
            self.said.push(partial.clone());
        }
        let in_tool = self.open_tool.is_some();
        if let Some(tool_use) = self.open_tool.take() {
            self.speaker.user(
                json!([{ "type": "tool_result", "tool_use_id": tool_use, "is_error": true,
                         "content": "The user doesn't want to proceed with this tool use. The tool use was \
                                     rejected. STOP what you are doing and wait for the user to tell you how to \
                                     proceed." }]),
                json!({ "tool_use_result": "User rejected tool use" }),
            );
        }
        let reason = if in_tool { "aborted_tools" } else { "aborted_streaming" };
        if cut == Cut::Overtaken {
            self.print(json!({
                "subtype": "success", "is_error": false, "result": partial, "stop_reason": null,
                "terminal_reason": reason, "num_turns": self.steps + 1,
            }));
            return false;
        }
        let note = if in_tool {
            "[Request interrupted by user for tool use]"
        } else {
            "[Request interrupted by user]"
        };
        self.speaker.user(json!([{ "type": "text", "text": note }]), json!({}));
        let stop_reason = if in_tool { json!("tool_use") } else { Value::Null };
        self.print(json!({
            "subtype": "error_during_execution", "is_error": true, "stop_reason": stop_reason,
            "terminal_reason": reason, "num_turns": self.steps + 2,
            "errors": [format!("[ede_diagnostic] result_type=user last_content_type=n/a stop_reason={}",
                               if in_tool { "tool_use" } else { "null" })],
        }));
        // SIGINT in the middle of a text ends with 0, in the middle of a tool with 1 (§10).
        cut != Cut::Signalled || in_tool
    }

    fn print(&mut self, fields: Value) {
        let cost = self.cost_usd;
        self.speaker.change(|facts| facts.cost_usd += cost);
        let facts = self.speaker.facts();
        let output_tokens = u64::try_from(self.said().chars().count() / 4).unwrap_or(u64::MAX);
        let mut result = json!({
            "type": "result", "duration_ms": millis(self.started_at.elapsed()), "duration_api_ms": 0,
            "total_cost_usd": facts.cost_usd, "usage": usage(100, output_tokens),
            "modelUsage": { facts.model: { "inputTokens": 100, "outputTokens": output_tokens,
                "cacheReadInputTokens": 0, "cacheCreationInputTokens": 0, "webSearchRequests": 0,
                "costUSD": facts.cost_usd, "contextWindow": 200_000, "maxOutputTokens": 64_000 } },
            "permission_denials": self.denials, "fast_mode_state": "off",
        });
        merge(&mut result, fields);
        if let Some(origin) = self.origin {
            result["origin"] = json!({ "kind": origin });
        }
        self.speaker.result(result);
    }
}

/// The `usage` object of a result.
pub fn usage(input_tokens: u64, output_tokens: u64) -> Value {
    json!({
        "input_tokens": input_tokens, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        "output_tokens": output_tokens, "server_tool_use": { "web_search_requests": 0, "web_fetch_requests": 0 },
        "service_tier": "standard",
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

//! What the CLI prints, and (for rebuilding the state from a spool) what was written to it.

use serde_json::Value;

use super::control::{Cancel, Request, Response};
use super::lenient;
use super::message::{Message, ResultLine, Stream};
use super::system::{
    ApiRetry, HookResponse, Init, ModelFallback, PermissionDenied, RateLimit, Status, TaskNotification,
    TaskStarted, TaskUpdated,
};

/// One line of the CLI's stdout.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// The start of every turn (`system/init`).
    Init(Init),
    /// The CLI's state (`system/status`).
    Status(Status),
    /// The API failed, another attempt comes (`system/api_retry`).
    ApiRetry(ApiRetry),
    /// Another model stands in (`system/model_fallback`).
    ModelFallback(ModelFallback),
    /// A tool was refused without a question (`system/permission_denied`).
    PermissionDenied(PermissionDenied),
    /// A hook has ended (`system/hook_response`).
    HookResponse(HookResponse),
    /// A sub-agent or a command became a task of its own (`system/task_started`).
    TaskStarted(TaskStarted),
    /// A task has news (`system/task_updated`).
    TaskUpdated(TaskUpdated),
    /// A task is over (`system/task_notification`).
    TaskNotification(TaskNotification),
    /// A raw event of the API's stream (`stream_event`).
    Stream(Stream),
    /// One finished block of an answer (`assistant`).
    Assistant(Message),
    /// A tool result, an echo of a prompt, or something the CLI says in the person's place (`user`).
    User(Message),
    /// The end of a turn (`result`).
    Result(Box<ResultLine>),
    /// The usage limit of the account (`rate_limit_event`).
    RateLimit(RateLimit),
    /// The CLI wants something from us (`control_request`).
    Request(Box<Request>),
    /// The CLI answers a request of ours, or echoes an answer of ours (`control_response`).
    Response(Response),
    /// The CLI no longer wants what it asked for (`control_cancel_request`).
    Cancel(Cancel),
    /// A type that is known and of no interest here.
    Known(&'static str),
    /// A type that this version of the project does not know.
    Unknown {
        /// `type`, or `type/subtype`.
        kind: String,
        /// The start of the line.
        raw: String,
    },
    /// No JSON object with a `type`, or one of a known type without what it must have.
    Malformed {
        /// The start of the line.
        raw: String,
        /// What is wrong.
        error: String,
    },
}

/// `system` subtypes that need no reaction.
const QUIET_SYSTEM: &[&str] = &[
    "background_tasks_changed",
    "commands_changed",
    "compact_boundary",
    "elicitation_complete",
    "files_persisted",
    "hook_progress",
    "hook_started",
    "informational",
    "local_command_output",
    "memory_recall",
    "mirror_error",
    "model_refusal_no_fallback",
    "notification",
    "plugin_install",
    "session_state_changed",
    "task_progress",
    "thinking_tokens",
    "worker_shutting_down",
];

/// Types that need no reaction.
const QUIET: &[&str] =
    &["auth_status", "keep_alive", "prompt_suggestion", "tool_progress", "tool_use_summary"];

impl Incoming {
    /// Reads a line. Never fails: what cannot be read is a value too.
    pub fn read(line: &[u8]) -> Self {
        match lenient::json(line) {
            Ok(value) => Self::of(value, line),
            Err(error) => Incoming::Malformed { raw: start(line), error: error.to_string() },
        }
    }

    fn of(value: Value, line: &[u8]) -> Self {
        let Some(kind) = value.get("type").and_then(Value::as_str).map(str::to_owned) else {
            return Incoming::Malformed { raw: start(line), error: "no type".to_owned() };
        };
        let subtype = value.get("subtype").and_then(Value::as_str).unwrap_or_default().to_owned();
        let read = match (kind.as_str(), subtype.as_str()) {
            ("system", "init") => serde_json::from_value(value).map(Incoming::Init),
            ("system", "status") => serde_json::from_value(value).map(Incoming::Status),
            ("system", "api_retry") => serde_json::from_value(value).map(Incoming::ApiRetry),
            ("system", "model_fallback") => serde_json::from_value(value).map(Incoming::ModelFallback),
            ("system", "permission_denied") => serde_json::from_value(value).map(Incoming::PermissionDenied),
            ("system", "hook_response") => serde_json::from_value(value).map(Incoming::HookResponse),
            ("system", "task_started") => serde_json::from_value(value).map(Incoming::TaskStarted),
            ("system", "task_updated") => serde_json::from_value(value).map(Incoming::TaskUpdated),
            ("system", "task_notification") => serde_json::from_value(value).map(Incoming::TaskNotification),
            ("stream_event", _) => serde_json::from_value(value).map(Incoming::Stream),
            ("assistant", _) => serde_json::from_value(value).map(Incoming::Assistant),
            ("user", _) => serde_json::from_value(value).map(Incoming::User),
            ("result", _) => serde_json::from_value(value).map(|result| Incoming::Result(Box::new(result))),
            ("rate_limit_event", _) => serde_json::from_value(value).map(Incoming::RateLimit),
            ("control_request", _) => serde_json::from_value(value).map(Incoming::Request),
            ("control_response", _) => serde_json::from_value(value).map(Incoming::Response),
            ("control_cancel_request", _) => serde_json::from_value(value).map(Incoming::Cancel),
            ("system", other) => return known(QUIET_SYSTEM, other, &format!("system/{other}"), line),
            (other, _) => return known(QUIET, other, other, line),
        };
        read.unwrap_or_else(|error| Incoming::Malformed { raw: start(line), error: error.to_string() })
    }
}

fn known(quiet: &[&'static str], name: &str, kind: &str, line: &[u8]) -> Incoming {
    match quiet.iter().find(|known| **known == name) {
        Some(known) => Incoming::Known(known),
        None => Incoming::Unknown { kind: kind.chars().take(100).collect(), raw: start(line) },
    }
}

/// The first bytes of a line, for the log. Lines can be 16 MiB long.
fn start(line: &[u8]) -> String {
    String::from_utf8_lossy(&line[..line.len().min(500)]).into_owned()
}

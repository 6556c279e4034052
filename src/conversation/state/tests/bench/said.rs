//! What people ask and a CLI says, as tests write it.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::claude::{steer_line, user_line};
use crate::clock::{Moment, WallTime};
use crate::conversation::state::{KnownTurn, Turn};
use crate::domain::event::Carried;
use crate::domain::ids::{ChannelId, ConversationId, MessageId, ProcessId, PromptId, UserId};
use crate::domain::prompt::{Author, Origin, Prompt, Wish};
use crate::runner::{Exit, Record};

pub fn prompt(number: u64) -> Prompt {
    Prompt {
        id: PromptId(Uuid::from_u128(number.into())),
        origin: Origin::Message { channel: ChannelId(1), message: MessageId(number) },
        conversation: ConversationId(1),
        author: Author { id: UserId(1), name: "Ada".to_owned() },
        text: format!("prompt {number}"),
        attachments: Vec::new(),
        // An hour between one and the next.
        received_at: WallTime(i64::try_from(number).unwrap() * 3_600_000),
        wish: Wish::default(),
    }
}

/// Prompt `number`, said in one breath with the others that are made so.
pub fn in_one_breath(number: u64) -> Prompt {
    Prompt { received_at: WallTime(i64::try_from(number).unwrap() * 1000), ..prompt(number) }
}

pub fn number(prompt: PromptId) -> u64 {
    u64::try_from(prompt.0.as_u128()).unwrap()
}

/// The turn of prompt `number` as the store has it.
pub fn known(number: u64) -> KnownTurn {
    let turn = Turn::waiting(vec![prompt(number)], Moment::default(), WallTime(0));
    KnownTurn {
        id: turn.id,
        prompt: turn.prompt,
        parts: turn.parts,
        started_at: WallTime(0),
        delivered: false,
        end: None,
        side_effects: false,
        ran: Duration::ZERO,
        waited: Duration::ZERO,
        carried: Carried::default(),
        attempt: 1,
    }
}

pub fn out(line: &Value) -> Record {
    Record::Out(Bytes::from(line.to_string()))
}

pub fn written(number: u64) -> Record {
    Record::In(Bytes::from(user_line(prompt(number).id, "x")))
}

pub fn init() -> Record {
    out(&json!({"type": "system", "subtype": "init", "cwd": "/srv/p"}))
}

pub fn echo(number: u64) -> Record {
    let mut line: Value = serde_json::from_str(&user_line(prompt(number).id, "x")).unwrap();
    line["isReplay"] = true.into();
    out(&line)
}

/// The line that tells the process of prompt `number` while a turn runs.
pub fn told(number: u64, process: ProcessId) -> Record {
    Record::In(Bytes::from(steer_line(prompt(number).id.steered_into(process), "x")))
}

/// What the CLI says when it has heard the prompt with this uuid.
pub fn echo_of(id: PromptId) -> Record {
    let mut line: Value = serde_json::from_str(&user_line(id, "x")).unwrap();
    line["isReplay"] = true.into();
    out(&line)
}

/// The CLI's answer to a `cancel_async_message`.
pub fn cancelled(request: &Record, cancelled: bool) -> Record {
    let Record::In(line) = request else { panic!("requests go in") };
    let line: Value = serde_json::from_slice(line).unwrap();
    out(&json!({"type": "control_response", "response": {"subtype": "success",
        "request_id": line["request_id"], "response": {"cancelled": cancelled}}}))
}

pub fn text(text: &str) -> Record {
    let content = json!([{"type": "text", "text": text}]);
    out(&json!({"type": "assistant", "uuid": text, "message": {"id": text, "content": content}}))
}

pub fn tool(id: &str, name: &str) -> Record {
    let content = json!([{"type": "tool_use", "id": id, "name": name, "input": {"command": "ls"}}]);
    out(&json!({"type": "assistant", "message": {"id": id, "content": content}}))
}

/// What streams before a tool is called.
pub fn tool_ahead(name: &str) -> Record {
    let event = json!({"type": "content_block_start", "index": 0,
        "content_block": {"type": "tool_use", "id": "t", "name": name, "input": {}}});
    out(&json!({"type": "stream_event", "event": event, "parent_tool_use_id": null}))
}

pub fn tool_result(id: &str) -> Record {
    let content = json!([{"type": "tool_result", "tool_use_id": id, "content": "ok"}]);
    out(&json!({"type": "user", "message": {"content": content}}))
}

pub fn task_started() -> Record {
    out(&json!({"type": "system", "subtype": "task_started", "task_id": "b1", "description": "sleep"}))
}

pub fn permission(request: &str) -> Record {
    out(&json!({"type": "control_request", "request_id": request, "request": {
        "subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "ls"}, "tool_use_id": request}}))
}

/// The answer to an ask, as the spool has it once it was written.
pub fn denied(request: &str) -> Record {
    let line = json!({"type": "control_response", "response": {"subtype": "success", "request_id": request,
        "response": {"behavior": "deny", "message": "m"}}});
    Record::In(Bytes::from(line.to_string()))
}

pub fn result() -> Record {
    out(&json!({"type": "result", "subtype": "success", "is_error": false, "result": "r"}))
}

pub fn aborted() -> Record {
    out(&json!({"type": "result", "subtype": "error_during_execution", "is_error": true,
        "terminal_reason": "aborted_tools"}))
}

/// What the CLI says that does not have the session which it was told to resume.
pub fn no_session() -> Record {
    out(&json!({"type": "result", "subtype": "error_during_execution", "is_error": true,
        "errors": ["No conversation found with session ID: 7"]}))
}

pub fn stderr(line: &'static str) -> Record {
    Record::Err(Bytes::from(line))
}

pub fn exit(code: i32) -> Record {
    Record::Exit(Exit::Code { code })
}

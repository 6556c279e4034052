//! Writes the CLI's output: one JSON object a line, each with a `uuid` and the session's id. Shapes are those of the
//! recordings of the CLI 2.1.197 in `tests/traces`.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Map, Value, json};
use uuid::Uuid;

/// How the answer is printed: the CLI's `--output-format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Only the answer's text.
    Text,
    /// Only the `result` object.
    Json,
    /// Every event, one a line.
    StreamJson,
}

/// The one who writes to stdout. Cheap to clone; a line is written whole, whichever thread writes it.
#[derive(Clone)]
pub struct Speaker {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    out: Box<dyn Write + Send>,
    format: Format,
    facts: Facts,
}

/// What the lines say about the process.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The session's id; `/clear` changes it.
    pub session: String,
    /// The working directory.
    pub dir: String,
    /// The model in use.
    pub model: String,
    /// The permission mode in use.
    pub permission_mode: String,
    /// Whether raw API events are printed too.
    pub partial: bool,
    /// Whether accepted user messages are echoed.
    pub replay: bool,
    /// The tools that `init` lists.
    pub tools: Vec<String>,
    /// The slash commands that `init` lists.
    pub commands: Vec<String>,
    /// US dollars since the process started.
    pub cost_usd: f64,
}

impl std::fmt::Debug for Speaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Speaker").finish_non_exhaustive()
    }
}

impl Speaker {
    /// A speaker that writes to `out`.
    pub fn new(out: Box<dyn Write + Send>, format: Format, facts: Facts) -> Self {
        Self { inner: Arc::new(Mutex::new(Inner { out, format, facts })) }
    }

    /// What the lines say about the process, as it is now.
    pub fn facts(&self) -> Facts {
        self.lock().facts.clone()
    }

    /// Changes what the lines say from now on.
    pub fn change(&self, change: impl FnOnce(&mut Facts)) {
        change(&mut self.lock().facts);
    }

    /// Prints an event, with `uuid` and `session_id` added where it has none.
    pub fn event(&self, mut event: Value) {
        let mut inner = self.lock();
        if let Value::Object(fields) = &mut event {
            let session = inner.facts.session.clone();
            fields.entry("session_id").or_insert_with(|| json!(session));
            fields.entry("uuid").or_insert_with(|| json!(Uuid::new_v4()));
        }
        inner.print(&event);
    }

    /// Prints a line of the control protocol, which carries no `uuid`.
    pub fn control(&self, line: &Value) {
        self.lock().print(line);
    }

    /// Writes bytes as they are, to stdout.
    pub fn raw(&self, bytes: &[u8]) {
        self.lock().write(bytes);
    }

    /// `system/init`, the first line of every turn.
    pub fn init(&self) {
        let facts = self.facts();
        self.event(json!({
            "type": "system", "subtype": "init", "cwd": facts.dir, "tools": facts.tools, "mcp_servers": [],
            "model": facts.model, "permissionMode": facts.permission_mode, "slash_commands": facts.commands,
            "apiKeySource": "none", "claude_code_version": super::VERSION, "output_style": "default",
            "agents": ["claude", "Explore", "general-purpose", "Plan"], "skills": [], "plugins": [],
            "fast_mode_state": "off",
        }));
    }

    /// `system/status`: what the CLI is at.
    pub fn status(&self, status: Option<&str>, more: Value) {
        let mut event = json!({ "type": "system", "subtype": "status", "status": status });
        merge(&mut event, more);
        self.event(event);
    }

    /// A `system` event of any subtype.
    pub fn system(&self, subtype: &str, more: Value) {
        let mut event = json!({ "type": "system", "subtype": subtype });
        merge(&mut event, more);
        self.event(event);
    }

    /// A raw API event, if they were asked for.
    pub fn stream_event(&self, event: Value) {
        if self.facts().partial {
            let mut line = json!({ "type": "stream_event", "parent_tool_use_id": null });
            line["event"] = event;
            self.event(line);
        }
    }

    /// One finished content block.
    pub fn assistant(&self, message_id: &str, block: Value) {
        let model = self.facts().model;
        let mut message = api_message(message_id, &model);
        message["content"] = Value::Array(vec![block]);
        self.event(json!({
            "type": "assistant", "message": message, "parent_tool_use_id": null, "request_id": id("req_"),
        }));
    }

    /// A user message that the CLI accepted, if echoes were asked for.
    pub fn replay(&self, uuid: &str, content: &Value) {
        if self.facts().replay {
            self.event(json!({
                "type": "user", "message": { "role": "user", "content": content }, "parent_tool_use_id": null,
                "uuid": uuid, "isReplay": true,
            }));
        }
    }

    /// A user message that the CLI made itself: a tool's result, or a note.
    pub fn user(&self, content: Value, more: Value) {
        let mut event = json!({ "type": "user", "parent_tool_use_id": null });
        event["message"] = json!({ "role": "user" });
        event["message"]["content"] = content;
        merge(&mut event, more);
        self.event(event);
    }

    /// The `result` of a turn; in the formats without events this alone is printed.
    pub fn result(&self, mut result: Value) {
        let mut inner = self.lock();
        let session = inner.facts.session.clone();
        merge(&mut result, json!({ "type": "result", "session_id": session }));
        if let Value::Object(fields) = &mut result {
            fields.entry("uuid").or_insert_with(|| json!(Uuid::new_v4()));
        }
        if inner.format == Format::Text {
            let text = result["result"].as_str().unwrap_or("Execution error").to_owned();
            inner.write(text.as_bytes());
            inner.write(b"\n");
        } else {
            inner.write(result.to_string().as_bytes());
            inner.write(b"\n");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panics while writing a line")
    }
}

impl Inner {
    fn print(&mut self, line: &Value) {
        if self.format == Format::StreamJson {
            let mut bytes = line.to_string().into_bytes();
            bytes.push(b'\n');
            self.write(&bytes);
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        // A host that went away is the end: there is nobody left to tell.
        if self.out.write_all(bytes).and_then(|()| self.out.flush()).is_err() {
            std::process::exit(1);
        }
    }
}

/// An API message without content, as `message_start` and `assistant` carry it.
pub fn api_message(message_id: &str, model: &str) -> Value {
    json!({
        "id": message_id, "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": null, "stop_sequence": null,
        "usage": { "input_tokens": 100, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
                   "output_tokens": 1, "service_tier": "standard" },
    })
}

/// A fresh identifier in the API's style: the prefix and 24 hexadecimal digits.
pub fn id(prefix: &str) -> String {
    let digits = Uuid::new_v4().simple().to_string();
    format!("{prefix}{}", &digits[..24])
}

/// Adds the fields of `more` to `object`.
pub fn merge(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        let more: Map<String, Value> = more;
        object.extend(more);
    }
}

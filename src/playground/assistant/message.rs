//! A prompt as the host writes it to stdin.

use serde_json::Value;
use uuid::Uuid;

/// A user message of the host.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The host's key, or one of ours.
    pub uuid: String,
    /// Its content as it came: a string or blocks.
    pub content: Value,
    /// The text in it.
    pub text: String,
    /// When it wants to be heard.
    pub priority: Priority,
    /// Whether it wants an answer at all.
    pub query: bool,
    /// Whether it came while something else was going on: such messages share one turn.
    pub late: bool,
}

/// When a message that comes during a turn wants to be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// At once: the turn is cut short.
    Now,
    /// With the next result of a tool, or in a turn of its own.
    Next,
    /// In a turn of its own.
    Later,
}

impl Message {
    /// Reads a line of type `user`. The error is what the CLI dies with.
    pub fn from_line(line: &Value) -> Result<Self, String> {
        let message = line.get("message").filter(|message| message.is_object());
        let message = message.ok_or("Error: Expected message in user message")?;
        if message["role"] != "user" {
            return Err(format!("Error: Expected message role 'user', got '{}'", message["role"]));
        }
        Ok(Self {
            uuid: line["uuid"].as_str().map_or_else(|| Uuid::new_v4().to_string(), str::to_owned),
            content: message["content"].clone(),
            text: text_of(&message["content"]),
            priority: match line["priority"].as_str() {
                Some("now") => Priority::Now,
                Some("later") => Priority::Later,
                _ => Priority::Next,
            },
            query: line["shouldQuery"] != Value::Bool(false),
            late: false,
        })
    }

    /// A prompt that came on the command line.
    pub fn from_text(text: String) -> Self {
        Self {
            uuid: Uuid::new_v4().to_string(),
            content: Value::String(text.clone()),
            text,
            priority: Priority::Next,
            query: true,
            late: false,
        }
    }
}

/// The text of a message's content: the string, or its text blocks with the other blocks named.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts = blocks.iter().map(|block| match block["type"].as_str() {
                Some("text") => block["text"].as_str().unwrap_or_default().to_owned(),
                Some(other) => format!("[{other}]"),
                None => String::new(),
            });
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

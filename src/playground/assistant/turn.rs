//! One turn as the host sees it: from `init` to its one `result`. The assistants say *what* happens in it; the order
//! and shape of the lines is kept here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::flags::Flags;
use super::inbox::{Cut, Inbox};
use super::message::Message;
use super::sessions::Session;
use super::speaker::{Speaker, api_message, id};

mod asking;
mod ending;
mod hooks;

pub use asking::Verdict;
pub use ending::{Ending, usage};
pub use hooks::Hooked;

/// A running turn. Every step gives [`Cut`] when the turn has to end early; pass it on with `?`.
#[derive(Debug)]
pub struct Turn<'a> {
    /// Where its lines go.
    pub speaker: &'a Speaker,
    /// What the host sends meanwhile.
    pub inbox: &'a Arc<Inbox>,
    /// The session that it belongs to.
    pub session: &'a mut Session,
    /// The command line of the process.
    pub flags: &'a Flags,
    /// US dollars that this turn costs.
    pub cost_usd: f64,
    /// What the host said while a tool ran, to be gone into before the turn ends.
    pub steered: Vec<String>,
    /// What it was begun for, and where it shows in the result.
    origin: Option<&'static str>,
    heard: Vec<Message>,
    begun: bool,
    open: Option<OpenMessage>,
    open_tool: Option<String>,
    text: String,
    said: Vec<String>,
    steps: u32,
    denials: Vec<Value>,
    started_at: Instant,
    ending: Ending,
}

/// An API message whose blocks are still coming.
#[derive(Debug)]
struct OpenMessage {
    id: String,
    blocks: usize,
}

impl<'a> Turn<'a> {
    /// A turn for these messages (none: it began by itself, because of `origin`).
    pub fn new(
        speaker: &'a Speaker,
        inbox: &'a Arc<Inbox>,
        session: &'a mut Session,
        flags: &'a Flags,
        heard: Vec<Message>,
        origin: Option<&'static str>,
    ) -> Self {
        Self {
            speaker,
            inbox,
            session,
            flags,
            cost_usd: 0.0,
            steered: Vec::new(),
            origin,
            heard,
            begun: false,
            open: None,
            open_tool: None,
            text: String::new(),
            said: Vec::new(),
            steps: 0,
            denials: Vec::new(),
            started_at: Instant::now(),
            ending: Ending::Completed,
        }
    }

    /// Prints `init`, if that has not been done. Every other step does it by itself.
    pub fn begin(&mut self) {
        if !self.begun {
            self.begun = true;
            self.speaker.init();
        }
    }

    /// How the turn will end, unless it is cut. Without a word about it: [`Ending::Completed`].
    pub fn end_as(&mut self, ending: Ending) {
        self.ending = ending;
    }

    /// The key of the message that began the turn.
    pub fn prompt_uuid(&self) -> Option<&str> {
        self.heard.first().map(|message| message.uuid.as_str())
    }

    /// Says a text in a few pieces.
    pub fn say(&mut self, text: &str) -> Result<(), Cut> {
        let pieces = pieces(text, (text.chars().count() / 6).max(8));
        self.stream(pieces, Duration::ZERO)
    }

    /// Says a text piece by piece, with a pause after each.
    pub fn stream(&mut self, pieces: impl IntoIterator<Item = String>, pause: Duration) -> Result<(), Cut> {
        let index = self.open_block(&json!({ "type": "text", "text": "" }));
        for piece in pieces {
            self.inbox.wait(Some(pause), true, || false)?;
            self.speaker.stream_event(json!({
                "type": "content_block_delta", "index": index, "delta": { "type": "text_delta", "text": piece },
            }));
            self.text.push_str(&piece);
        }
        self.inbox.wait(Some(Duration::ZERO), true, || false)?;
        let text = std::mem::take(&mut self.text);
        self.close_block(index, json!({ "type": "text", "text": text }));
        self.said.push(text);
        Ok(())
    }

    /// Thinks aloud, as extended thinking streams.
    pub fn think(&mut self, text: &str) -> Result<(), Cut> {
        let index = self.open_block(&json!({ "type": "thinking", "thinking": "", "signature": "" }));
        for (count, piece) in pieces(text, 12).into_iter().enumerate() {
            self.inbox.wait(Some(Duration::ZERO), true, || false)?;
            if self.speaker.facts().partial {
                self.speaker.system(
                    "thinking_tokens",
                    json!({ "estimated_tokens": count + 1, "estimated_tokens_delta": 1 }),
                );
            }
            self.speaker.stream_event(json!({
                "type": "content_block_delta", "index": index,
                "delta": { "type": "thinking_delta", "thinking": piece },
            }));
        }
        self.close_block(index, json!({ "type": "thinking", "thinking": text, "signature": "c2lnbmF0dXJl" }));
        Ok(())
    }

    /// Calls a tool, and gives the id of the use. It is open until [`tool_result`](Turn::tool_result).
    pub fn tool(&mut self, name: &str, input: &Value) -> String {
        let tool_use = id("toolu_");
        let index =
            self.open_block(&json!({ "type": "tool_use", "id": tool_use, "name": name, "input": {} }));
        self.speaker.stream_event(json!({
            "type": "content_block_delta", "index": index,
            "delta": { "type": "input_json_delta", "partial_json": input.to_string() },
        }));
        self.close_block(
            index,
            json!({ "type": "tool_use", "id": tool_use, "name": name, "input": input.clone() }),
        );
        self.close_message("tool_use");
        self.open_tool = Some(tool_use.clone());
        tool_use
    }

    /// The result of a tool. What the host said meanwhile is heard now.
    pub fn tool_result(&mut self, tool_use: &str, content: &str, failed: bool, detail: &Value) {
        self.open_tool = None;
        self.speaker.user(
            json!([{ "type": "tool_result", "tool_use_id": tool_use, "content": content, "is_error": failed }]),
            json!({ "tool_use_result": detail }),
        );
        self.steps += 1;
        for message in self.inbox.steering() {
            self.speaker.replay(&message.uuid, &message.content);
            self.session.add("user", &message.uuid, &message.text);
            self.steered.push(message.text);
        }
    }

    /// Waits, as if the model or a tool took its time.
    pub fn pause(&self, duration: Duration) -> Result<(), Cut> {
        self.inbox.wait(Some(duration), self.open_tool.is_none(), || false)
    }

    /// Waits until something outside is so.
    pub fn wait_until(&self, done: impl FnMut() -> bool) -> Result<(), Cut> {
        self.inbox.wait(None, self.open_tool.is_none(), done)
    }

    /// All that was said so far.
    pub fn said(&self) -> String {
        self.said.join("\n\n")
    }

    /// The first output of a turn: the echoes of what it is for come with it.
    fn open_block(&mut self, start: &Value) -> usize {
        self.begin();
        if self.open.is_none() {
            if self.speaker.facts().partial {
                self.speaker.status(Some("requesting"), json!({}));
            }
            self.echo();
            let message_id = id("msg_");
            let model = self.speaker.facts().model;
            self.speaker.stream_event(
                json!({ "type": "message_start", "message": api_message(&message_id, &model) }),
            );
            self.open = Some(OpenMessage { id: message_id, blocks: 0 });
        }
        let index = self.open.as_ref().map_or(0, |message| message.blocks);
        self.speaker
            .stream_event(json!({ "type": "content_block_start", "index": index, "content_block": start }));
        index
    }

    fn close_block(&mut self, index: usize, block: Value) {
        if let Some(message) = &mut self.open {
            message.blocks += 1;
            self.speaker.assistant(&message.id, block);
        }
        self.speaker.stream_event(json!({ "type": "content_block_stop", "index": index }));
    }

    fn close_message(&mut self, stop_reason: &str) {
        if self.open.take().is_some() {
            self.speaker.stream_event(json!({
                "type": "message_delta", "delta": { "stop_reason": stop_reason, "stop_sequence": null },
                "usage": { "output_tokens": 20 },
            }));
            self.speaker.stream_event(json!({ "type": "message_stop" }));
        }
    }

    fn echo(&mut self) {
        for message in std::mem::take(&mut self.heard) {
            self.speaker.replay(&message.uuid, &message.content);
        }
    }
}

/// Cuts a text into pieces of `chars_max` characters.
pub fn pieces(text: &str, chars_max: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(chars_max.max(1)).map(|piece| piece.iter().collect()).collect()
}

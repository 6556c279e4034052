//! The state of one turn: what streams, which tools run, who is asked.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use serde_json::Value;

use super::Step;
use crate::claude::tools::tool_of;
use crate::claude::wire::incoming::Incoming;
use crate::claude::wire::message::{Block, Message, StreamEvent};
use crate::domain::ask::Ask;
use crate::domain::event::{TurnEvent, Usage};
use crate::domain::ids::PromptId;
use crate::domain::tool::ToolUse;

/// How the CLI marks messages in which it speaks itself.
const SYNTHETIC: &str = "<synthetic>";

/// What began a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Began {
    /// A prompt was written while no turn ran.
    Written,
    /// The CLI went on after the turn before, with a prompt that it had queued or by itself.
    Output,
}

/// What the CLI has shown of a turn.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Signs {
    /// Its `init`.
    pub(super) init: bool,
    /// The echo of the prompt: it works on it. Slash commands have none.
    pub(super) echo: bool,
}

/// A usage limit that is reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct UsedUp {
    /// When it starts anew, seconds since the epoch.
    pub(super) resets_at_secs: Option<i64>,
}

/// A turn in progress.
#[derive(Debug)]
pub(super) struct Turn {
    /// The prompt that it is for.
    pub(super) prompt: Option<PromptId>,
    /// What began it.
    pub(super) began: Began,
    /// What the CLI has shown of it.
    pub(super) signs: Signs,
    /// Whether we asked it to stop.
    pub(super) interrupted: bool,
    /// Tokens and money so far.
    pub(super) usage: Usage,
    /// What the CLI last called an API failure (`assistant.error`).
    pub(super) api_error: Option<String>,
    /// The usage limit that rejected a request of this turn.
    pub(super) used_up: Option<UsedUp>,
    /// The API message that streams.
    streaming: Option<String>,
    /// Whether text streamed that no finished block has confirmed.
    unconfirmed: bool,
    compacting: bool,
    asks: Vec<Ask>,
    tools: Vec<String>,
}

impl Turn {
    pub(super) fn begin(prompt: Option<PromptId>, began: Began) -> Self {
        Self {
            prompt,
            began,
            signs: Signs::default(),
            interrupted: false,
            usage: Usage::default(),
            api_error: None,
            used_up: None,
            streaming: None,
            unconfirmed: false,
            compacting: false,
            asks: Vec::new(),
            tools: Vec::new(),
        }
    }

    pub(super) fn is_compacting(&self) -> bool {
        self.compacting
    }

    pub(super) fn tool_running(&self) -> bool {
        !self.tools.is_empty()
    }

    pub(super) fn asks(&self) -> impl Iterator<Item = &Ask> {
        self.asks.iter()
    }

    /// An event of the API's stream, of the main agent.
    pub(super) fn stream(&mut self, event: &StreamEvent, steps: &mut Vec<Step>) {
        match event.kind.as_str() {
            "message_start" => {
                self.drop_unconfirmed(steps);
                self.streaming = event.message.as_ref().map(|message| message.id.clone());
            }
            "content_block_start" => {
                let Some(block) = &event.content_block else { return };
                match block.kind.as_str() {
                    "thinking" | "redacted_thinking" => steps.push(Step::Event(TurnEvent::Thinking)),
                    "tool_use" if !tool_of(&block.name, &Value::Null, "").is_read_only() => {
                        steps.push(Step::Event(TurnEvent::ChangeAhead));
                    }
                    _ => {}
                }
            }
            "content_block_delta" => {
                let Some(delta) = event.delta.as_ref().filter(|delta| delta.kind == "text_delta") else {
                    return;
                };
                if !delta.text.is_empty() {
                    self.unconfirmed = true;
                    steps.push(Step::Event(TurnEvent::TextDelta(delta.text.clone())));
                }
            }
            _ => {}
        }
    }

    /// A finished block (or several).
    pub(super) fn assistant(&mut self, message: &Message, cwd: &str, steps: &mut Vec<Step>) {
        if message.api.model.as_deref() == Some(SYNTHETIC) {
            // The failure says what this text says; the output of a local command is in the result.
            if message.parent.is_none() && message.error.is_some() {
                self.api_error.clone_from(&message.error);
            }
            return;
        }
        let streamed = message.api.id.is_some() && message.api.id == self.streaming;
        for block in &message.api.content.0 {
            match (block.kind.as_str(), message.parent.is_some()) {
                ("text", false) if !block.text.is_empty() => {
                    if !streamed {
                        self.drop_unconfirmed(steps);
                    }
                    self.unconfirmed = false;
                    steps.push(Step::Event(TurnEvent::Text(block.text.clone())));
                }
                ("thinking" | "redacted_thinking", false) if !streamed => {
                    steps.push(Step::Event(TurnEvent::Thinking));
                }
                ("tool_use", _) => self.tool_started(block, message.parent.clone(), cwd, steps),
                _ => {}
            }
        }
    }

    fn tool_started(&mut self, block: &Block, parent: Option<String>, cwd: &str, steps: &mut Vec<Step>) {
        if self.tools.contains(&block.id) {
            return;
        }
        self.tools.push(block.id.clone());
        steps.push(Step::Event(TurnEvent::ToolStarted(ToolUse {
            id: block.id.clone(),
            tool: tool_of(&block.name, &block.input, cwd),
            parent,
        })));
    }

    /// A tool gave its result.
    pub(super) fn tool_ended(&mut self, id: &str, failed: bool, steps: &mut Vec<Step>) {
        // The CLI settles an ask by itself when its stdin is closed: then the result comes without an answer.
        let moot = self.asks.iter().find(|ask| ask.tool_use.as_deref() == Some(id));
        if let Some(request) = moot.map(|ask| ask.request.clone()) {
            self.withdraw(&request, steps);
        }
        let Some(at) = self.tools.iter().position(|tool| tool == id) else { return };
        self.tools.remove(at);
        steps.push(Step::Event(TurnEvent::ToolEnded { id: id.to_owned(), failed }));
    }

    /// The CLI asks.
    pub(super) fn ask(&mut self, ask: Ask, steps: &mut Vec<Step>) {
        if self.asks.iter().any(|open| open.request == ask.request) {
            return;
        }
        self.asks.push(ask.clone());
        steps.push(Step::Event(TurnEvent::Asked(ask)));
    }

    /// An answer was written. Whether it was to an ask that is open.
    pub(super) fn answered(&mut self, request: &str) -> bool {
        let before = self.asks.len();
        self.asks.retain(|ask| ask.request != request);
        self.asks.len() < before
    }

    /// The CLI no longer asks.
    pub(super) fn withdraw(&mut self, request: &str, steps: &mut Vec<Step>) {
        if self.answered(request) {
            steps.push(Step::Event(TurnEvent::AskWithdrawn { request: request.to_owned() }));
        }
    }

    /// Withdraws what is still open, and gives it.
    pub(super) fn withdraw_all(&mut self, steps: &mut Vec<Step>) -> Vec<Ask> {
        let asks = std::mem::take(&mut self.asks);
        steps.extend(
            asks.iter().map(|ask| Step::Event(TurnEvent::AskWithdrawn { request: ask.request.clone() })),
        );
        asks
    }

    /// Lines that say something about the turn and change little.
    pub(super) fn notice(&mut self, line: Incoming, steps: &mut Vec<Step>) {
        let event = match line {
            Incoming::Status(status) => {
                let compacting = status.status.as_deref() == Some("compacting");
                if compacting != self.compacting {
                    self.compacting = compacting;
                    steps.push(Step::Event(TurnEvent::Compacting(compacting)));
                }
                let Some(mode) = status.permission_mode else { return };
                TurnEvent::ModeChanged(mode)
            }
            Incoming::ApiRetry(retry) => TurnEvent::Retrying {
                attempt: retry.attempt,
                attempts_max: retry.max_retries,
                delay: Duration::try_from_secs_f64(retry.retry_delay_ms / 1000.0).unwrap_or_default(),
                reason: retry.error,
            },
            Incoming::ModelFallback(fallback) => {
                TurnEvent::ModelFallback { from: fallback.original_model, to: fallback.fallback_model }
            }
            Incoming::PermissionDenied(denied) => {
                TurnEvent::PermissionDenied { tool: denied.tool_name, message: denied.message }
            }
            Incoming::RateLimit(limit) => {
                let rejected = limit.info.status == "rejected";
                if rejected {
                    self.used_up = Some(UsedUp { resets_at_secs: limit.info.resets_at });
                }
                TurnEvent::RateLimit { rejected, resets_at_secs: limit.info.resets_at, kind: limit.info.kind }
            }
            _ => return,
        };
        steps.push(Step::Event(event));
    }

    /// What streamed and was never confirmed is void: the CLI repeats the request, silently.
    fn drop_unconfirmed(&mut self, steps: &mut Vec<Step>) {
        if std::mem::take(&mut self.unconfirmed) {
            steps.push(Step::Event(TurnEvent::TextDropped));
        }
    }
}

/// Uuids of lines, the newest few thousand.
#[derive(Debug, Default)]
pub(super) struct Seen {
    set: HashSet<String>,
    order: VecDeque<String>,
}

impl Seen {
    const MAX: usize = 8192;

    /// Whether this uuid is new. A line without one always is.
    pub(super) fn first_time(&mut self, uuid: Option<&str>) -> bool {
        let Some(uuid) = uuid else { return true };
        if !self.set.insert(uuid.to_owned()) {
            return false;
        }
        self.order.push_back(uuid.to_owned());
        if self.order.len() > Self::MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
        true
    }
}

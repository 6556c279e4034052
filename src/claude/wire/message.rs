//! Messages: finished, in pieces, and the `result` at the end of a turn.

use serde::Deserialize;
use serde_json::Value;

use super::lenient::{self, lenient_struct};

lenient_struct!(
    /// `stream_event`.
    Stream {
        /// The API's own event.
        event: StreamEvent = "event",
        /// The Agent tool use that it belongs to.
        parent: Option<String> = "parent_tool_use_id",
    }
);

lenient_struct!(
    /// The API's own event, flat: which fields are set depends on the kind.
    StreamEvent {
        /// `message_start`, `content_block_start`, `content_block_delta` …
        kind: String = "type",
        /// Of `message_start`.
        message: Option<StreamMessage> = "message",
        /// Of `content_block_start`.
        content_block: Option<BlockStart> = "content_block",
        /// Of `content_block_delta`.
        delta: Option<Delta> = "delta",
    }
);

lenient_struct!(
    /// What a block begins with.
    BlockStart {
        /// `text`, `thinking`, `tool_use` …
        kind: String = "type",
        /// The name of the tool, of a `tool_use`.
        name: String = "name",
    }
);

lenient_struct!(
    /// The message that a stream begins.
    StreamMessage {
        /// The API's id of it.
        id: String = "id",
    }
);

lenient_struct!(
    /// A piece of a block.
    Delta {
        /// `text_delta`, `input_json_delta`, `thinking_delta` …
        kind: String = "type",
        /// Of `text_delta`.
        text: String = "text",
    }
);

lenient_struct!(
    /// `assistant` and `user`.
    Message {
        /// The API message.
        api: ApiMessage = "message",
        /// The Agent tool use that it belongs to; absent for the main agent.
        parent: Option<String> = "parent_tool_use_id",
        /// The CLI's id of the line.
        uuid: Option<String> = "uuid",
        /// Set when the text is the CLI's report of an API failure.
        error: Option<String> = "error",
        /// Whether it echoes what was written to stdin.
        is_replay: bool = "isReplay",
        /// What a tool gave, in the tool's own shape.
        tool_use_result: Option<ToolUseResult> = "tool_use_result",
    }
);

lenient_struct!(
    /// The part of a tool's own result that matters here.
    ToolUseResult {
        /// Set when the command went to the background.
        background_task: Option<String> = "backgroundTaskId",
        /// Set when an agent went to the background.
        is_async: bool = "isAsync",
    }
);

lenient_struct!(
    /// The API message of a line.
    ApiMessage {
        /// The API's id.
        id: Option<String> = "id",
        /// `<synthetic>` where the CLI speaks itself.
        model: Option<String> = "model",
        /// Blocks, or one text.
        content: Content = "content",
    }
);

/// What a message holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Content(pub Vec<Block>);

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Content(match Value::deserialize(from)? {
            Value::String(text) => vec![Block { kind: "text".to_owned(), text, ..Block::default() }],
            list => lenient::list(list).unwrap_or_default(),
        }))
    }
}

lenient_struct!(
    /// A content block, flat: which fields are set depends on the kind.
    Block {
        /// `text`, `thinking`, `tool_use`, `tool_result` …
        kind: String = "type",
        /// Of `text`.
        text: String = "text",
        /// Of `tool_use`.
        id: String = "id",
        /// Of `tool_use`.
        name: String = "name",
        /// Of `tool_use`.
        input: Value = "input",
        /// Of `tool_result`.
        tool_use_id: String = "tool_use_id",
        /// Of `tool_result`.
        is_error: Option<bool> = "is_error",
    }
);

lenient_struct!(
    /// `result`.
    ResultLine {
        /// `success` (which says little), `error_during_execution`, `error_max_turns`, `error_max_budget_usd`.
        subtype: String = "subtype",
        /// Whether it failed: the one field to judge by.
        is_error: bool = "is_error",
        /// The API's HTTP status, if that is why.
        api_error_status: Option<u16> = "api_error_status",
        /// The text, also of a failure.
        result: String = "result",
        /// Texts of failures without `result`.
        errors: Vec<String> = "errors",
        /// The model's own reason to stop.
        stop_reason: Option<String> = "stop_reason",
        /// The CLI's reason to stop.
        terminal_reason: Option<String> = "terminal_reason",
        /// The session it belongs to.
        session_id: String = "session_id",
        /// US dollars of the whole process so far.
        total_cost_usd: Option<f64> = "total_cost_usd",
        /// Tokens of this turn.
        usage: Tokens = "usage",
        /// Who began the turn, if not a person.
        origin: Option<TurnOrigin> = "origin",
    }
);

lenient_struct!(
    /// Who began a turn.
    TurnOrigin {
        /// `task-notification`.
        kind: String = "kind",
    }
);

lenient_struct!(
    /// Tokens as the API counts them.
    Tokens {
        /// Neither read from nor written to the cache.
        input: u64 = "input_tokens",
        /// Written by the model.
        output: u64 = "output_tokens",
        /// Read from the cache.
        cache_read: u64 = "cache_read_input_tokens",
        /// Written to the cache.
        cache_write: u64 = "cache_creation_input_tokens",
    }
);

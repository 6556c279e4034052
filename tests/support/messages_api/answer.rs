//! What the model answers, and the API's events that say it.

use std::time::Duration;

use serde_json::{Value, json};

use super::prompt;
use crate::support::directives::directives;

/// One answer of the model.
#[derive(Debug, Default)]
pub struct Answer {
    /// Milliseconds before the headers.
    pub slow_ms: u64,
    /// Silent before the headers until released.
    pub hold: bool,
    /// An HTTP status instead, this many times.
    pub status: Option<(u16, u32)>,
    blocks: Vec<Block>,
    refused: bool,
    tokens: Option<(u64, u64)>,
    down: bool,
}

/// A piece of an answer.
#[derive(Debug)]
pub enum Block {
    /// Text in pieces, with a pause after each.
    Text(Vec<String>, Duration),
    /// Thinking.
    Thinking(String),
    /// A call of a tool.
    Tool(String, Value),
    /// Silence until released.
    Hold,
    /// The connection is lost.
    Drop,
}

/// A step of a stream.
#[derive(Debug)]
pub enum Step {
    /// An event.
    Event(Value),
    /// Nothing for a while.
    Pause(Duration),
    /// Nothing until released.
    Hold,
    /// The end, in the middle.
    Drop,
}

/// The answer to a conversation.
pub fn answer(messages: &[Value]) -> Answer {
    let newest = prompt::newest(messages);
    let mut before = prompt::prompts(messages);
    let mut answer = Answer::default();
    let wanted = directives(&newest);
    if wanted.is_empty() {
        answer.text(format!("You said: {newest}"));
        return answer;
    }
    let mut tools_left = prompt::tools_done(messages);
    for directive in wanted {
        if tools_left > 0 {
            tools_left -= usize::from(directive.name == "tool");
            continue;
        }
        let argument = directive.argument.as_str();
        match directive.name.as_str() {
            "say" => answer.text(argument.to_owned()),
            "stream" => {
                let (chunks, ms) = argument.split_once(',').unwrap_or((argument, "0"));
                let chunks = (1..=number::<usize>(chunks)).map(|chunk| format!("chunk {chunk} ")).collect();
                answer.blocks.push(Block::Text(chunks, Duration::from_millis(number(ms))));
            }
            "thinking" => answer.blocks.push(Block::Thinking(argument.to_owned())),
            "recall" => {
                before.retain(|text| *text != newest);
                answer.text(format!("You said before: {}", before.join(" | ")));
            }
            "tool" => {
                let (name, input) = argument.split_once(' ').unwrap_or((argument, "{}"));
                let input = serde_json::from_str(input).expect("[[tool:Name {…}]] takes JSON");
                answer.blocks.push(Block::Tool(name.to_owned(), input));
                return answer;
            }
            "slow" => answer.slow_ms = number(argument),
            "hold" => answer.hold = true,
            "hold-mid" => answer.blocks.push(Block::Hold),
            "drop" => answer.blocks.push(Block::Drop),
            "down" => answer.down = true,
            "status" => {
                let (status, times) = argument.split_once(',').unwrap_or((argument, "1000000"));
                answer.status = Some((number(status), number(times)));
            }
            "refuse" => answer.refused = true,
            "tokens" => {
                let (input, output) = argument.split_once(',').expect("[[tokens:input,output]]");
                answer.tokens = Some((number(input), number(output)));
            }
            other => panic!("there is no directive [[{other}]]"),
        }
    }
    for said in prompt::steering(messages) {
        answer.text(format!("You also said: {said}"));
    }
    if answer.blocks.is_empty() {
        answer.text("done.".to_owned());
    }
    answer
}

fn number<T: std::str::FromStr>(argument: &str) -> T {
    argument.trim().parse().unwrap_or_else(|_| panic!("“{argument}” is no number"))
}

impl Answer {
    fn text(&mut self, text: String) {
        self.blocks.push(Block::Text(vec![text], Duration::ZERO));
    }

    fn stop_reason(&self) -> &'static str {
        match self.blocks.last() {
            _ if self.refused => "refusal",
            Some(Block::Tool(..)) => "tool_use",
            _ => "end_turn",
        }
    }

    fn usage(&self) -> Value {
        let (input, output) = self.tokens.unwrap_or((100, 10));
        json!({ "input_tokens": input, "output_tokens": output, "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0, "service_tier": "standard" })
    }

    /// The whole message, for a request that does not stream.
    pub fn message(&self, model: &str) -> Value {
        let content: Vec<Value> = self.blocks.iter().filter_map(Block::content).collect();
        json!({ "id": id("msg_"), "type": "message", "role": "assistant", "model": model, "content": content,
                "stop_reason": self.stop_reason(), "stop_sequence": null, "usage": self.usage() })
    }

    /// The events of a stream.
    pub fn events(&self, model: &str) -> Vec<Step> {
        if self.down {
            return vec![Step::Drop];
        }
        let mut start = self.message(model);
        start["content"] = json!([]);
        start["stop_reason"] = Value::Null;
        start["usage"]["output_tokens"] = json!(1);
        let mut steps = vec![Step::Event(json!({ "type": "message_start", "message": start }))];
        for (index, block) in
            self.blocks.iter().filter(|block| block.content().is_some() || block.is_cut()).enumerate()
        {
            block.steps(index, &mut steps);
        }
        let (_, output) = self.tokens.unwrap_or((100, 10));
        let delta = json!({ "stop_reason": self.stop_reason(), "stop_sequence": null });
        steps.push(Step::Event(
            json!({ "type": "message_delta", "delta": delta, "usage": { "output_tokens": output } }),
        ));
        steps.push(Step::Event(json!({ "type": "message_stop" })));
        steps
    }
}

impl Block {
    fn is_cut(&self) -> bool {
        matches!(self, Block::Hold | Block::Drop)
    }

    fn content(&self) -> Option<Value> {
        match self {
            Block::Text(pieces, _) => Some(json!({ "type": "text", "text": pieces.concat() })),
            Block::Thinking(text) => {
                Some(json!({ "type": "thinking", "thinking": text, "signature": "c2lnbmF0dXJl" }))
            }
            Block::Tool(name, input) => {
                Some(json!({ "type": "tool_use", "id": id("toolu_"), "name": name, "input": input }))
            }
            Block::Hold | Block::Drop => None,
        }
    }

    fn steps(&self, index: usize, steps: &mut Vec<Step>) {
        let start = match self {
            Block::Text(..) => json!({ "type": "text", "text": "" }),
            Block::Thinking(_) => json!({ "type": "thinking", "thinking": "", "signature": "" }),
            Block::Tool(name, _) => {
                json!({ "type": "tool_use", "id": id("toolu_"), "name": name, "input": {} })
            }
            Block::Hold => return steps.push(Step::Hold),
            Block::Drop => return steps.push(Step::Drop),
        };
        let event = |event: Value| Step::Event(event);
        steps.push(event(json!({ "type": "content_block_start", "index": index, "content_block": start })));
        let delta = |delta: Value| {
            Step::Event(json!({ "type": "content_block_delta", "index": index, "delta": delta }))
        };
        match self {
            Block::Text(pieces, pause) => {
                for piece in pieces {
                    steps.push(delta(json!({ "type": "text_delta", "text": piece })));
                    if !pause.is_zero() {
                        steps.push(Step::Pause(*pause));
                    }
                }
            }
            Block::Thinking(text) => {
                steps.push(delta(json!({ "type": "thinking_delta", "thinking": text })));
                steps.push(delta(json!({ "type": "signature_delta", "signature": "c2lnbmF0dXJl" })));
            }
            Block::Tool(_, input) => {
                steps.push(delta(json!({ "type": "input_json_delta", "partial_json": input.to_string() })));
            }
            Block::Hold | Block::Drop => {}
        }
        steps.push(event(json!({ "type": "content_block_stop", "index": index })));
    }
}

fn id(prefix: &str) -> String {
    format!("{prefix}{}", &uuid::Uuid::new_v4().simple().to_string()[..24])
}

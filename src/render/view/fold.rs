//! What each event does to a view.

use std::time::Duration;

use super::{
    Asked, Block, Doing, Outcome, Progress, Started, TEXT_BYTES_MAX, ToolState, ToolUse, TurnEnd, View,
    WallTime,
};
use super::{code_span, escape, facts, one_line};

/// So much of what somebody said to the turn that runs stands in it; the message itself stands above.
const STEERED_CHARS_MAX: usize = 160;

/// From the word that a tool was cut to the end of the turn.
const CUT_MAX: Duration = Duration::from_secs(10);

impl View {
    pub(super) fn started(&mut self, started: &Started) {
        self.doing = Doing::Working;
        if !started.model.is_empty() {
            self.model = Some(started.model.clone());
        }
        if !started.permission_mode.is_empty() {
            self.mode = Some(started.permission_mode.clone());
        }
        if !started.mcp_failed.is_empty() {
            let servers: Vec<String> =
                started.mcp_failed.iter().map(|name| code_span(&one_line(name, 30))).collect();
            self.notice(format!("-# ⚠️ MCP did not start: {}", servers.join(", ")));
        }
    }

    pub(super) fn text_delta(&mut self, delta: &str) {
        if delta.is_empty() || self.text_bytes + delta.len() > TEXT_BYTES_MAX {
            return;
        }
        self.doing = Doing::Writing;
        self.text_bytes += delta.len();
        if let Some(Block::Text(text)) = self.open_text.and_then(|index| self.blocks.get_mut(index)) {
            text.push_str(delta);
        } else {
            self.open_text = Some(self.blocks.len());
            self.blocks.push(Block::Text(delta.to_owned()));
        }
    }

    pub(super) fn text(&mut self, whole: &str) {
        let place = self.open_text;
        self.text_dropped();
        if whole.trim().is_empty() {
            return;
        }
        let whole = facts::at_most_bytes(whole, TEXT_BYTES_MAX.saturating_sub(self.text_bytes));
        self.doing = Doing::Working;
        self.text_bytes += whole.len();
        match place {
            Some(index) => self.blocks[index] = Block::Text(whole.to_owned()),
            None => self.blocks.push(Block::Text(whole.to_owned())),
        }
    }

    pub(super) fn text_dropped(&mut self) {
        if let Some(Block::Text(text)) = self.open_text.take().and_then(|index| self.blocks.get_mut(index)) {
            self.text_bytes -= text.len();
            text.clear();
        }
    }

    pub(super) fn tool_started(&mut self, tool_use: &ToolUse) {
        self.doing = Doing::Working;
        if let Some(known) = self.tool_mut(&tool_use.id) {
            known.tool_use = tool_use.clone();
            return;
        }
        self.tools += 1;
        let state = ToolState { tool_use: tool_use.clone(), progress: Progress::Running, ended_at: None };
        match self.blocks.last_mut() {
            Some(Block::Tools(group)) => group.push(state),
            _ => self.blocks.push(Block::Tools(vec![state])),
        }
    }

    pub(super) fn tool_ended(&mut self, id: &str, failed: bool) {
        self.doing = Doing::Working;
        let at = self.last_event_at;
        if let Some(known) = self.tool_mut(id) {
            known.ended_at = Some(at);
            known.progress = if failed { Progress::Failed } else { Progress::Done };
        }
    }

    pub(super) fn permission_denied(&mut self, tool: &str, message: &str) {
        if !self.denied.iter().any(|known| known == tool) {
            self.denied.push(tool.to_owned());
        }
        let (tool, message) = (escape(&one_line(tool, 40)), escape(&one_line(message, 160)));
        let why = if message.is_empty() { String::new() } else { format!(": {message}") };
        self.notice(format!("-# 🚫 {tool} was refused{why}"));
    }

    pub(super) fn model_fallback(&mut self, from: &str, to: &str) {
        self.model = Some(to.to_owned());
        let (from, to) = (facts::model(from), facts::model(to));
        self.notice(format!("-# ↪️ {from} is not available: {to} stands in"));
    }

    pub(super) fn mode_changed(&mut self, mode: &str) {
        if self.mode.as_deref() != Some(mode) {
            self.mode = Some(mode.to_owned());
            self.notice(format!("-# 🔀 permission mode is now {}", code_span(&one_line(mode, 40))));
        }
    }

    pub(super) fn steered(&mut self, by: &str, text: &str) {
        let (by, text) = (escape(&one_line(by, 40)), escape(&one_line(text, STEERED_CHARS_MAX)));
        self.blocks.push(Block::Notice(format!("-# ↪️ **{by}**: {text}")));
    }

    pub(super) fn settle(&mut self, request: &str, with: &Outcome) {
        let open = self.asks_mut().filter(|asked| asked.outcome == Outcome::Open);
        open.filter(|asked| asked.ask.request == request).for_each(|asked| asked.outcome = with.clone());
    }

    pub(super) fn asks_mut(&mut self) -> impl Iterator<Item = &mut Asked> {
        self.blocks.iter_mut().filter_map(|block| match block {
            Block::Ask(asked) => Some(asked.as_mut()),
            Block::Text(_) | Block::Tools(_) | Block::Notice(_) => None,
        })
    }

    pub(super) fn end(&mut self, end: &TurnEnd, at: WallTime) {
        let open = self.asks_mut().filter(|asked| asked.outcome == Outcome::Open);
        open.for_each(|asked| asked.outcome = Outcome::Withdrawn);
        match end {
            // A local command (`/context`) has a result, but never said anything.
            TurnEnd::Completed { text } if !self.has_text() => self.text(text),
            // The CLI also says in its own words that it failed; people get ours.
            TurnEnd::Failed(_) => {
                if let Some(Block::Text(text)) = self.blocks.last_mut()
                    && facts::is_the_clis_error(text)
                {
                    text.clear();
                }
            }
            TurnEnd::Interrupted | TurnEnd::CutOff { .. } | TurnEnd::TimedOut { .. } => self.cut_tools(at),
            TurnEnd::Completed { .. } | TurnEnd::LimitReached { .. } => {}
        }
        self.ended = Some((end.clone(), at));
    }

    /// A tool that ran when the turn was stopped did not fail by itself, even if the CLI says so: it says it in the
    /// moment before it ends the turn, and nothing comes in between.
    fn cut_tools(&mut self, at: WallTime) {
        let is_last = matches!(self.blocks.last(), Some(Block::Tools(_)));
        let Some(Block::Tools(last)) =
            self.blocks.iter_mut().rev().find(|block| matches!(block, Block::Tools(_)))
        else {
            return;
        };
        for state in last {
            let just_now = state.ended_at.is_some_and(|ended| at.since(ended) < CUT_MAX);
            match state.progress {
                Progress::Running => state.progress = Progress::Stopped,
                Progress::Failed if is_last && just_now => state.progress = Progress::Stopped,
                Progress::Failed | Progress::Done | Progress::Stopped => {}
            }
        }
    }

    pub(super) fn notice(&mut self, line: String) {
        // The same thing again is not news.
        if !matches!(self.blocks.last(), Some(Block::Notice(last)) if *last == line) {
            self.blocks.push(Block::Notice(line));
        }
    }

    pub(super) fn has_text(&self) -> bool {
        self.blocks.iter().any(|block| matches!(block, Block::Text(text) if !text.trim().is_empty()))
    }

    pub(super) fn open_asks(&self) -> usize {
        self.blocks
            .iter()
            .filter(|block| matches!(block, Block::Ask(asked) if asked.outcome == Outcome::Open))
            .count()
    }

    /// The tools that run, in the order of their start.
    pub(super) fn running_tools(&self) -> impl DoubleEndedIterator<Item = &ToolState> {
        self.blocks
            .iter()
            .filter_map(|block| match block {
                Block::Tools(group) => Some(group),
                Block::Text(_) | Block::Ask(_) | Block::Notice(_) => None,
            })
            .flatten()
            .filter(|state| state.progress == Progress::Running)
    }

    fn tool_mut(&mut self, id: &str) -> Option<&mut ToolState> {
        self.blocks
            .iter_mut()
            .rev()
            .filter_map(|block| match block {
                Block::Tools(group) => Some(group),
                Block::Text(_) | Block::Ask(_) | Block::Notice(_) => None,
            })
            .flatten()
            .find(|state| state.tool_use.id == id)
    }
}

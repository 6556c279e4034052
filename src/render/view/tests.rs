//! Every message that people see, as a snapshot: `view/tests/snapshots` is the place to read how a turn looks.

use std::fmt::Write as _;
use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::ask::{AskKind, Change, Grant, Question, Rule};
use crate::domain::event::{Failure, Limit};
use crate::domain::tool::Tool;
use crate::render::message::{CONTENT_UNITS_MAX, units};

mod asks;
mod endings;
mod texts;
mod work;

/// A turn that is told second by second.
struct Told {
    view: View,
    now: WallTime,
}

impl Told {
    fn begin() -> Self {
        let about = About {
            turn: TurnId(Uuid::nil()),
            reply_to: Some(MessageId(7)),
            started_at: WallTime(1_000_000),
            model: Some("sonnet".to_owned()),
        };
        Self { view: View::new(about), now: WallTime(1_000_000) }
    }

    /// With a CLI that began to work.
    fn started() -> Self {
        Self::begin().after(2).then(TurnEvent::Started(Started {
            model: "claude-sonnet-4-5-20250929".to_owned(),
            permission_mode: "default".to_owned(),
            ..Started::default()
        }))
    }

    fn after(mut self, secs: i64) -> Self {
        self.now = WallTime(self.now.0 + secs * 1_000);
        self
    }

    #[expect(clippy::needless_pass_by_value, reason = "each event is written where it happens")]
    fn then(mut self, event: TurnEvent) -> Self {
        self.view.apply(&event, self.now);
        self
    }

    fn says(self, text: &str) -> Self {
        self.then(TurnEvent::Text(text.to_owned()))
    }

    fn uses(self, id: &str, tool: Tool) -> Self {
        self.then(TurnEvent::ToolStarted(ToolUse { id: id.to_owned(), tool, parent: None }))
    }

    fn used(self, id: &str, tool: Tool) -> Self {
        self.uses(id, tool).then(TurnEvent::ToolEnded { id: id.to_owned(), failed: false })
    }

    fn cost(self) -> Self {
        self.then(TurnEvent::Usage(Usage {
            input_tokens: 1_300,
            output_tokens: 2_000,
            cache_read_tokens: 90_000,
            cache_write_tokens: 9_000,
            cost_usd: 0.04,
        }))
    }

    fn ends(self, end: TurnEnd) -> Self {
        self.then(TurnEvent::Ended(end))
    }

    fn show(&self) -> Shown {
        self.view.show(self.now)
    }

    /// The whole of what is shown, for a reader.
    fn read(&self) -> String {
        read(&self.show())
    }
}

fn completed() -> TurnEnd {
    TurnEnd::Completed { text: String::new() }
}

fn bash(command: &str) -> Tool {
    Tool::Bash { command: command.to_owned(), description: None }
}

fn file(path: &str) -> Tool {
    Tool::Read { path: path.to_owned() }
}

fn read(shown: &Shown) -> String {
    let mut text = String::new();
    let typing = if shown.typing { " (typing …)" } else { "" };
    let _ = writeln!(text, "{}{typing}", shown.reaction.emoji());
    for (index, body) in shown.slots.iter().enumerate() {
        let reply = if body.reply_to.is_some() { ", a reply" } else { "" };
        let _ = writeln!(text, "━━ message {}{reply} ━━\n{}", index + 1, body.content);
        for file in &body.files {
            let _ = writeln!(text, "[file {}, {} bytes]", file.name, file.bytes.len());
        }
        for menu in &body.menus {
            let items = menu.items.iter().map(|item| {
                let mark = if item.chosen { "☑" } else { "☐" };
                format!("{mark} {}", item.label)
            });
            let _ = writeln!(text, "[{} ▾ {}]", menu.placeholder, items.collect::<Vec<_>>().join(" "));
        }
        if !body.buttons.is_empty() {
            let buttons: Vec<_> = body.buttons.iter().map(|button| format!("[{}]", button.label)).collect();
            let _ = writeln!(text, "{}", buttons.join(" "));
        }
    }
    text
}

/// Several moments below each other.
fn moments(told: &[(&str, String)]) -> String {
    told.iter().map(|(name, text)| format!("╔══ {name}\n{text}\n")).collect::<Vec<_>>().concat()
}

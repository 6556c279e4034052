//! What Claude asks a person, whole: who answers has to see what they answer.

use super::{Answer, Ask, Outcome, code_span, escape, one_line};
use crate::domain::ask::{AskKind, Question};
use crate::domain::tool::Tool;
use crate::render::chunk::chunk;
use crate::render::escape::{code_block, reveal};
use crate::render::markdown::discord_markdown;
use crate::render::tool_line;

/// So much of a command or an input is shown, in UTF-16 units.
const INPUT_UNITS_MAX: usize = 1_200;

/// So much of a plan is shown, in UTF-16 units: two messages.
const PLAN_UNITS_MAX: usize = 3_200;

/// The ask and what became of it, Discord markdown.
pub(super) fn block(ask: &Ask, outcome: &Outcome) -> String {
    let body = match &ask.kind {
        AskKind::Permission { tool, reason, blocked_path } => {
            permission(tool, reason.as_deref(), blocked_path.as_deref(), &ask.input)
        }
        AskKind::Question { questions } => questions.iter().map(question).collect::<Vec<_>>().join("\n\n"),
        AskKind::Plan { plan } => {
            format!("📋 **Claude has a plan:**\n\n{}", cut(&discord_markdown(plan), PLAN_UNITS_MAX))
        }
        AskKind::Elicitation { server, message } => {
            format!("🔌 **{} asks:** {}", escape(&one_line(server, 40)), escape(&one_line(message, 1_000)))
        }
    };
    match outcome {
        Outcome::Open => body,
        Outcome::Answered(Answer::Allow) => format!("{body}\n-# ✅ allowed"),
        Outcome::Answered(Answer::Deny { message }) => {
            format!("{body}\n-# 🚫 denied: {}", escape(&one_line(message, 200)))
        }
        Outcome::Withdrawn => format!("{body}\n-# withdrawn, without an answer"),
    }
}

fn permission(tool: &Tool, reason: Option<&str>, blocked_path: Option<&str>, input: &str) -> String {
    let mut lines = vec![format!("🔐 **May Claude use {}?**", escape(&tool_line::name(tool)))];
    lines.extend(reason.map(|reason| escape(&one_line(reason, 300))));
    lines.extend(
        blocked_path.map(|path| format!("This is out of bounds: {}", code_span(&one_line(path, 200)))),
    );
    lines.push(match tool {
        Tool::Bash { command, .. } => code("sh", command),
        _ => code("json", &pretty(input)),
    });
    lines.join("\n")
}

fn question(question: &Question) -> String {
    let how = if question.multiple { " (several may be chosen)" } else { "" };
    let mut lines = vec![format!(
        "❓ **{}:** {}{how}",
        escape(&one_line(&question.header, 60)),
        escape(&one_line(&question.question, 600))
    )];
    let options = question.options.iter().enumerate();
    lines.extend(options.map(|(index, option)| format!("{}. {}", index + 1, escape(&one_line(option, 200)))));
    lines.join("\n")
}

/// The input with a line per field; as it is, should it not be JSON.
fn pretty(input: &str) -> String {
    serde_json::from_str::<serde_json::Value>(input)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| input.to_owned())
}

fn code(language: &str, text: &str) -> String {
    cut(&code_block(language, &reveal(text)), INPUT_UNITS_MAX)
}

/// The beginning of a document, with a note of how much is left out.
fn cut(document: &str, units_max: usize) -> String {
    let pieces = chunk(document, units_max);
    match pieces.as_slice() {
        [] => String::new(),
        [whole] => whole.clone(),
        [first, rest @ ..] => {
            let left: usize = rest.iter().map(|piece| piece.chars().count()).sum();
            format!("{first}\n-# … about {left} characters more")
        }
    }
}

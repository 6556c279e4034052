//! How a turn that is over says so: what there is to say, and the footer.

use crate::domain::action::Button;

use super::{Block, TurnEnd, View, WallTime, code_span, escape, facts, failure, one_line};

/// How many background tasks are named.
const BACKGROUND_NAMED_MAX: usize = 3;

/// The last line of the turn, with its `-# `.
pub(super) fn footer(view: &View, end: &TurnEnd, at: WallTime) -> String {
    let elapsed = facts::duration(at.since(view.about.started_at));
    let facts = facts_of(view);
    match end {
        // What is said above it has the mark.
        TurnEnd::Completed { .. } if empty(view).is_some() => format!("-# {elapsed}{facts}"),
        TurnEnd::Completed { .. } => format!("-# ✅ {elapsed}{facts}"),
        TurnEnd::Interrupted => {
            format!("-# ⏹️ Stopped after {elapsed}{facts}: the session stays, just go on writing")
        }
        TurnEnd::TimedOut { .. }
        | TurnEnd::LimitReached { .. }
        | TurnEnd::Failed(_)
        | TurnEnd::CutOff { .. } => {
            format!("-# {elapsed}{facts}")
        }
    }
}

/// What there is to say about the end, below everything else; nothing for an answer that stands.
pub(super) fn closing(view: &View, end: &TurnEnd) -> Vec<String> {
    let mut lines = Vec::new();
    match end {
        TurnEnd::Completed { .. } => lines.extend(empty(view)),
        TurnEnd::Interrupted => {}
        TurnEnd::TimedOut { limit } | TurnEnd::LimitReached { limit } => {
            lines.push(format!("⏹️ {}{}", failure::limit_sentence(*limit), error_id(view)));
        }
        TurnEnd::CutOff { failure } => {
            lines.push(format!("❌ {}{}", failure::cut_off_sentence(failure), error_id(view)));
        }
        TurnEnd::Failed(why) => {
            lines.push(format!("❌ {}{}", failure::failure_sentence(why), error_id(view)));
        }
    }
    lines.extend(background(view));
    lines
}

/// What somebody can do about the end.
pub(super) fn buttons(view: &View, end: &TurnEnd) -> Vec<Button> {
    match end {
        // What it had begun may be half done.
        TurnEnd::CutOff { .. } => vec![Button::go_on(view.about.turn)],
        TurnEnd::Failed(_)
        | TurnEnd::Completed { .. }
        | TurnEnd::Interrupted
        | TurnEnd::TimedOut { .. }
        | TurnEnd::LimitReached { .. } => Vec::new(),
    }
}

/// A turn that ends well and has nothing to show is told as such (a "success" with nothing done is none).
fn empty(view: &View) -> Option<String> {
    if view.has_text() {
        return None;
    }
    let asked = view.blocks.iter().any(|block| matches!(block, Block::Ask(_)));
    Some(if !view.denied.is_empty() {
        let names: Vec<String> = view.denied.iter().take(5).map(|name| escape(&one_line(name, 40))).collect();
        format!(
            "⚠️ Claude ended without an answer, and was refused: {}. Allow the tool for this project, or ask for \
             something else.",
            names.join(", ")
        )
    } else if asked {
        "⚠️ Claude ended without an answer after what it asked. Say how to go on.".to_owned()
    } else if view.tools > 0 {
        "⚠️ Claude used tools, but ended without an answer. Ask what came of it.".to_owned()
    } else {
        "⚠️ Claude ended without an answer and did nothing. Ask again, in other words.".to_owned()
    })
}

fn background(view: &View) -> Option<String> {
    let named: Vec<String> = view
        .background
        .iter()
        .take(BACKGROUND_NAMED_MAX)
        .map(|(_, description)| code_span(&one_line(description, 60)))
        .collect();
    let more = view.background.len().saturating_sub(BACKGROUND_NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!named.is_empty()).then(|| format!("-# 🏃 still running in the background: {}{more}", named.join(", ")))
}

/// ` · 3 tools · 12.3k tokens · $0.04 · sonnet 4.5`; what is not known is left out.
fn facts_of(view: &View) -> String {
    let mut parts = Vec::new();
    if view.tools > 0 {
        parts.push(format!("{} tool{}", view.tools, if view.tools == 1 { "" } else { "s" }));
    }
    let usage = view.usage;
    // What was read from the cache is left out: it is the whole conversation again at each step, and nearly free.
    let tokens = usage.input_tokens + usage.cache_write_tokens + usage.output_tokens;
    if tokens > 0 {
        parts.push(format!("{} tokens", facts::count(tokens)));
    }
    parts.extend(facts::money(usage.cost_usd));
    parts.extend(view.model.as_deref().map(facts::model));
    parts.extend(facts::chosen(view));
    if parts.is_empty() { String::new() } else { format!(" · {}", parts.join(" · ")) }
}

fn error_id(view: &View) -> String {
    view.error.as_ref().map_or_else(String::new, |id| format!(" ({id})"))
}

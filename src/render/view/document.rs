//! The blocks of a turn as one document of Discord markdown.

use std::collections::BTreeMap;

use super::middle::without_middle;
use super::{Asked, Block, Progress, ToolState, View, ask};
use crate::domain::tool::Tool;
use crate::render::markdown::discord_markdown;
use crate::render::tool_line;

/// So many tools of a group are shown; those before them are counted.
const TOOLS_SHOWN_MAX: usize = 5;

/// So many asks of a turn get a message of their own; more than these stand in the last one.
const CARDS_MAX: usize = 24;

/// What stands above the first card of a turn that said and did nothing before.
const BEFORE_THE_CARD: &str = "-# 🔐 Claude asks before it begins:";

/// So many kinds of the counted tools are named.
const KINDS_NAMED_MAX: usize = 6;

/// A part of the document that begins with a message of its own, because somebody is to be told.
#[derive(Default)]
pub(super) struct Segment<'a> {
    /// Discord markdown.
    pub(super) text: String,
    /// The asks in it that wait for people.
    pub(super) open: Vec<&'a Asked>,
    /// The asks in it whose document stays with it.
    pub(super) kept: Vec<&'a Asked>,
}

/// The whole document: what comes before the first card, and each card with what comes after it. `closing` are lines
/// about the end, below everything else.
pub(super) fn document<'a>(view: &'a View, closing: &[String]) -> Vec<Segment<'a>> {
    let mut segments = vec![Segment::default()];
    let mut small = true;
    let last_card =
        view.blocks.iter().rposition(|block| matches!(block, Block::Ask(asked) if asked.posed.is_some()));
    for (index, block) in view.blocks.iter().enumerate() {
        let (is_small, text) = match block {
            Block::Text(text) => (false, discord_markdown(&without_middle(text))),
            // What stands above a card stays as it is.
            Block::Tools(group) => {
                let above_a_card = last_card.is_some_and(|card| index < card);
                (true, tools(group, view, view.ended.is_some(), above_a_card))
            }
            Block::Ask(asked) => {
                if asked.posed.is_some() && segments.len() <= CARDS_MAX {
                    segments.push(Segment::default());
                    small = true;
                }
                if let Some(segment) = segments.last_mut().filter(|_| asked.posed.is_some()) {
                    segment.kept.push(asked);
                }
                if let Some(segment) = segments.last_mut().filter(|_| asked.is_open_to_people()) {
                    segment.open.push(asked);
                }
                (false, ask::block(asked))
            }
            Block::Notice(line) => (true, line.clone()),
        };
        append(&mut segments, is_small, &text, &mut small);
    }
    for line in closing {
        append(&mut segments, line.starts_with("-# "), line, &mut small);
    }
    if segments.len() > 1 && segments[0].text.is_empty() {
        // The card must be a message that comes, not one that changes: only that tells anybody.
        BEFORE_THE_CARD.clone_into(&mut segments[0].text);
    }
    segments
}

fn append(segments: &mut [Segment<'_>], is_small: bool, text: &str, small: &mut bool) {
    let Some(Segment { text: document, .. }) = segments.last_mut() else { return };
    let text = text.trim_end();
    if text.trim().is_empty() {
        return;
    }
    if !document.is_empty() {
        // Small print stands right below what it belongs to; whatever follows has air above it.
        document.push_str(if is_small && (*small || !ends_in_a_quote(document)) { "\n" } else { "\n\n" });
    }
    document.push_str(text.trim_start_matches('\n'));
    *small = is_small;
}

/// All that Claude said, as it said it.
pub(super) fn whole_text(view: &View) -> String {
    let texts: Vec<&str> = view
        .blocks
        .iter()
        .filter_map(|block| match block {
            Block::Text(text) if !text.trim().is_empty() => Some(text.trim_matches('\n')),
            Block::Text(_) | Block::Tools(_) | Block::Ask(_) | Block::Notice(_) => None,
        })
        .collect();
    texts.join("\n\n") + "\n"
}

/// A line after a quote would still belong to it.
fn ends_in_a_quote(document: &str) -> bool {
    document.lines().next_back().is_some_and(|line| line.trim_start().starts_with('>'))
}

fn tools(group: &[ToolState], view: &View, ended: bool, above_a_card: bool) -> String {
    let group: Vec<&ToolState> = group.iter().filter(|state| !is_told_by_its_ask(state, view)).collect();
    // The status line tells of the tool that runs; it gets its line here when it is through.
    let group = match group.as_slice() {
        [before @ .., last] if !above_a_card && is_in_status(last, view, ended) => before,
        group => group,
    };
    let first_shown = group.len().saturating_sub(TOOLS_SHOWN_MAX);
    // An agent that still runs stays in sight, however many tools it used.
    let (folded, kept): (Vec<&ToolState>, Vec<&ToolState>) =
        group[..first_shown].iter().copied().partition(|state| ended || state.progress != Progress::Running);
    let mut lines = Vec::new();
    match folded.as_slice() {
        [] => {}
        // To count one takes as much room as to show it.
        [one] => lines.push(tool(one, ended)),
        _ => lines.push(earlier(&folded)),
    }
    lines
        .extend(kept.into_iter().chain(group[first_shown..].iter().copied()).map(|state| tool(state, ended)));
    lines.join("\n")
}

/// A question or a plan stands whole where it is asked, with what became of it.
fn is_told_by_its_ask(state: &ToolState, view: &View) -> bool {
    let is_ask = matches!(state.tool_use.tool, Tool::Question { .. } | Tool::Plan);
    let mut asks = view.blocks.iter().filter_map(|block| match block {
        Block::Ask(asked) => asked.ask.tool_use.as_ref(),
        Block::Text(_) | Block::Tools(_) | Block::Notice(_) => None,
    });
    is_ask && asks.any(|id| *id == state.tool_use.id)
}

fn is_in_status(state: &ToolState, view: &View, ended: bool) -> bool {
    let status = view.running_tools().next_back().map(|state| &state.tool_use.id);
    !ended && view.open_asks() == 0 && status == Some(&state.tool_use.id)
}

fn tool(state: &ToolState, ended: bool) -> String {
    let mark = match state.progress {
        Progress::Running if ended => " (not finished)",
        Progress::Running => " …",
        Progress::Done => "",
        Progress::Failed => " ✗ failed",
        Progress::Stopped => " (stopped)",
    };
    format!("-# {}{mark}", tool_line::tool_use_line(&state.tool_use))
}

fn earlier(folded: &[&ToolState]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for state in folded {
        *counts.entry(tool_line::name(&state.tool_use.tool)).or_default() += 1;
    }
    let mut kinds: Vec<(String, usize)> = counts.into_iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let others: usize = kinds.iter().skip(KINDS_NAMED_MAX).map(|(_, count)| count).sum();
    let mut named: Vec<String> = kinds
        .iter()
        .take(KINDS_NAMED_MAX)
        .map(|(name, count)| format!("{} ×{count}", crate::render::escape::escape(name)))
        .collect();
    if others > 0 {
        named.push(format!("others ×{others}"));
    }
    let failed = folded.iter().filter(|state| state.progress == Progress::Failed).count();
    let failed = if failed > 0 { format!(" ({failed} failed)") } else { String::new() };
    format!("-# … {} earlier: {}{failed}", folded.len(), named.join(", "))
}

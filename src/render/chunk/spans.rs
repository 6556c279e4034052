//! What is better not cut through: links, code spans, mentions and addresses; and, if it can be, emphasis.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag};

use super::lines::{Kind, Layout};

/// How far before the end of a window something that begins there is looked for, in bytes: its end is not in sight.
const UNCLOSED_BYTES_MAX: usize = 400;

/// The longest mention, emoji or time stamp, in bytes.
const MENTION_BYTES_MAX: usize = 80;

/// How bad a cut is at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Guard {
    Free,
    /// In bold, italic or struck text.
    Soft,
    /// In a link, a code span, a mention, an address.
    Hard,
}

/// The guards of a window.
#[derive(Debug)]
pub(super) struct Spans {
    base: usize,
    guards: Vec<Guard>,
}

impl Spans {
    /// Of the text in this window, outside of fences. It is not looked further than the window, so that what comes
    /// later changes nothing.
    pub(super) fn of(layout: &Layout<'_>, window: Range<usize>) -> Self {
        let mut spans = Self { base: window.start, guards: vec![Guard::Free; window.len() + 1] };
        let mut run: Option<Range<usize>> = None;
        for line in &layout.lines[layout.line_at(window.start)..] {
            if line.start >= window.end {
                break;
            }
            let own = line.start.max(window.start)..line.text_end.min(window.end);
            // Lines of one paragraph are read as one; whatever else begins, begins anew.
            let is_text = line.kind == Kind::Text;
            if !is_text && let Some(run) = run.take() {
                spans.read(layout.text, run);
            }
            match line.kind {
                Kind::Open | Kind::Code | Kind::CodeBlank | Kind::Close | Kind::Blank => {}
                Kind::Text | Kind::Heading | Kind::Item | Kind::Row if own.is_empty() => {}
                Kind::Text | Kind::Item => run = Some(run.map_or(own.clone(), |run| run.start..own.end)),
                Kind::Heading | Kind::Row => spans.read(layout.text, own),
            }
        }
        if let Some(run) = run {
            spans.read(layout.text, run);
        }
        spans
    }

    /// How bad a cut is here.
    pub(super) fn at(&self, offset: usize) -> Guard {
        offset.checked_sub(self.base).and_then(|index| self.guards.get(index)).copied().unwrap_or(Guard::Free)
    }

    /// Guards each place inside of a range; its ends stay free.
    fn guard(&mut self, range: Range<usize>, guard: Guard) {
        let inside = (range.start + 1).saturating_sub(self.base)..range.end.saturating_sub(self.base);
        let last = self.guards.len();
        for place in self.guards.get_mut(inside.start.min(last)..inside.end.min(last)).into_iter().flatten() {
            *place = guard.max(*place);
        }
    }

    fn read(&mut self, text: &str, run: Range<usize>) {
        let blank = text[run.clone()].len() - text[run.clone()].trim_start().len();
        let base = run.start + blank;
        let run = &text[base..run.end];
        let at = |range: Range<usize>| base + range.start..base + range.end;
        for (event, range) in Parser::new_ext(run, Options::ENABLE_STRIKETHROUGH).into_offset_iter() {
            match event {
                Event::Start(Tag::Link { .. } | Tag::Image { .. })
                | Event::Code(_)
                | Event::InlineHtml(_) => self.guard(at(range), Guard::Hard),
                Event::Start(Tag::Emphasis | Tag::Strong | Tag::Strikethrough) => {
                    self.guard(at(range), Guard::Soft);
                }
                _ => {}
            }
        }
        for range in addresses(run).chain(mentions(run)) {
            self.guard(at(range), Guard::Hard);
        }
        // What begins here and ends beyond the window.
        if base + run.len() == self.base + self.guards.len() - 1 {
            let tail = run.floor_char_boundary(run.len().saturating_sub(UNCLOSED_BYTES_MAX));
            for (open, guard) in unclosed(&run[tail..]) {
                let open = base + tail + open;
                if self.at(open) == Guard::Free && self.at(open + 1) < guard {
                    self.guard(open..base + run.len() + 1, guard);
                }
            }
        }
    }
}

/// Bare addresses, up to white space.
fn addresses(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices("http").filter_map(|(start, _)| {
        let rest = &text[start..];
        let is_address = rest.starts_with("http://") || rest.starts_with("https://");
        let end =
            rest.find(|c: char| c.is_whitespace() || c == '>').map_or(text.len() + 1, |end| start + end);
        is_address.then_some(start..end)
    })
}

/// `<@1>`, `<#1>`, `<:name:1>`, `<a:name:1>`, `<t:1:R>`, `</name:1>`.
fn mentions(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices('<').filter_map(|(start, _)| {
        let rest = &text[start..text.floor_char_boundary(start + MENTION_BYTES_MAX)];
        let end = rest.find('>')?;
        (is_mention(rest) && !rest[..end].contains(char::is_whitespace)).then_some(start..start + end + 1)
    })
}

fn is_mention(text: &str) -> bool {
    ["<@", "<#", "<:", "<a:", "<t:", "</", "<id:"].iter().any(|beginning| text.starts_with(beginning))
}

/// Where something begins that may end beyond this text.
fn unclosed(text: &str) -> impl Iterator<Item = (usize, Guard)> {
    let link = text.rfind('[').filter(|at| match text[*at..].split_once("](") {
        // Were it whole, it would be guarded already.
        Some((_, address)) => !address.contains(char::is_whitespace),
        None => !text[*at..].contains(']') || text.ends_with(']'),
    });
    let code = text.rfind('`').filter(|_| text.matches('`').count() % 2 == 1);
    let mention = text.rfind('<').filter(|at| {
        let rest = &text[*at..];
        rest.len() < MENTION_BYTES_MAX && is_mention(rest) && !rest.contains(['>', ' '])
    });
    let strong = text.rfind("**").filter(|_| text.matches("**").count() % 2 == 1);
    let hard = [link, code, mention].into_iter().flatten().map(|at| (at, Guard::Hard));
    hard.chain(strong.map(|at| (at, Guard::Soft)))
}

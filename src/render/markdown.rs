//! Claude's markdown → the markdown that Discord shows.
//!
//! Discord renders no tables, pictures, rules, task lists or headings below the third level, knows one kind of fence,
//! and links to addresses alone. What it does show stays as it was written: slices of the source are kept, and only
//! the constructs named here are rewritten (one arm each in [`rewrite`]).

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd};

use super::escape::{code_span, defuse_fences, one_line};

mod table;

/// How a thematic break is drawn.
const RULE: &str = "⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯";

/// The same document in the dialect that Discord renders. Line ends become `\n`.
pub fn discord_markdown(markdown: &str) -> String {
    let source = markdown.replace("\r\n", "\n");
    let mut target = String::with_capacity(source.len() + 64);
    let mut done = 0;
    for (range, replacement) in rewrites(&source) {
        // What lies inside of something rewritten already is part of it.
        if range.start >= done {
            target.push_str(&source[done..range.start]);
            target.push_str(&replacement);
            done = range.end;
        }
    }
    target.push_str(&source[done..]);
    target
}

/// What is replaced by what, in order.
fn rewrites(source: &str) -> Vec<(Range<usize>, String)> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH;
    let events: Vec<(Event<'_>, Range<usize>)> =
        Parser::new_ext(source, options).into_offset_iter().collect();
    let mut rewrites: Vec<(Range<usize>, String)> = Vec::new();
    for (index, (event, range)) in events.iter().enumerate() {
        let inner = || inside(&events[index..]);
        rewrites.extend(rewrite(source, event, range.clone(), inner));
    }
    rewrites.sort_by_key(|(range, _)| range.start);
    rewrites
}

/// The events between a start and its end.
fn inside<'e, 'a>(events: &'e [(Event<'a>, Range<usize>)]) -> &'e [(Event<'a>, Range<usize>)] {
    let mut depth = 0_usize;
    for (index, (event, _)) in events.iter().enumerate() {
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &events[1..index.max(1)];
        }
    }
    &events[1..]
}

type Inner<'e, 'a> = &'e [(Event<'a>, Range<usize>)];

fn rewrite<'e, 'a: 'e>(
    source: &str,
    event: &Event<'_>,
    range: Range<usize>,
    inner: impl FnOnce() -> Inner<'e, 'a>,
) -> Vec<(Range<usize>, String)> {
    let text = &source[range.clone()];
    match event {
        Event::Start(Tag::Table(alignments)) => {
            let indent = indentation(source, range.start);
            vec![(trimmed(source, range), table::show(source, alignments, inner(), &indent))]
        }
        Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => fenced(source, range, info),
        Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => {
            // Only at the left edge: in a list, what is indented is seldom meant as code.
            let line_start = source[..range.start].rfind('\n').map_or(0, |at| at + 1);
            let is_at_the_edge = source[line_start..range.start].chars().all(|c| matches!(c, ' ' | '\t'));
            if !is_at_the_edge || range.start - line_start > 4 {
                return Vec::new();
            }
            let lines: Vec<&str> = source[line_start..range.end]
                .trim_end()
                .lines()
                .map(|line| {
                    line.strip_prefix("    ").or_else(|| line.strip_prefix('\t')).unwrap_or(line.trim())
                })
                .collect();
            let end = line_start + source[line_start..range.end].trim_end().len();
            vec![(line_start..end, format!("```\n{}\n```", defuse_fences(&lines.join("\n"))))]
        }
        Event::Start(Tag::Heading { level, .. }) => heading(text, *level)
            .map(|heading| (range.start..range.start + text.trim_end().len(), heading))
            .into_iter()
            .collect(),
        Event::Rule => vec![(range.start..range.start + text.trim_end().len(), RULE.to_owned())],
        Event::TaskListMarker(done) => vec![(range, if *done { "☑" } else { "☐" }.to_owned())],
        Event::Start(Tag::Image { link_type: LinkType::Inline, dest_url, .. }) => {
            let label = plain(inner());
            let label = if label.is_empty() { "picture".to_owned() } else { label };
            vec![(range, link(&label, dest_url))]
        }
        Event::Start(Tag::Link { link_type: LinkType::Inline, dest_url, .. }) if !is_address(dest_url) => {
            vec![(range, link(&plain(inner()), dest_url))]
        }
        // `>>> ` would take the rest of the message into the quote.
        Event::Start(Tag::BlockQuote(_)) => text
            .match_indices(">>>")
            .filter(|(at, _)| *at == 0 || text[..*at].ends_with('\n'))
            .map(|(at, marks)| (range.start + at..range.start + at + marks.len(), ">".to_owned()))
            .collect(),
        _ => Vec::new(),
    }
}

/// A fence of three backticks with a language that Discord takes; the code as it is.
fn fenced(source: &str, range: Range<usize>, info: &str) -> Vec<(Range<usize>, String)> {
    let text = source[range.clone()].trim_end_matches('\n');
    let Some(mark) = text.chars().next() else { return Vec::new() };
    let marks = text.len() - text.trim_start_matches(mark).len();
    let first_end = text.find('\n').unwrap_or(text.len());
    let language: String =
        info.chars().take_while(|c| c.is_ascii_alphanumeric() || "_+-.#".contains(*c)).take(20).collect();
    let last_start = text.rfind('\n').map_or(text.len(), |at| at + 1);
    let last = text[last_start..].trim_start_matches([' ', '\t', '>']).trim_end();
    let is_closed =
        last_start > first_end && last.len() >= marks && !last.is_empty() && last.chars().all(|c| c == mark);
    let body_end = if is_closed { last_start } else { text.len() };
    let mut rewrites = vec![(range.start..range.start + first_end, format!("```{language}"))];
    if first_end < body_end {
        let body = range.start + first_end..range.start + body_end;
        let defused = defuse_fences(&source[body.clone()]);
        rewrites.push((body, defused));
    }
    if is_closed {
        let close_end = range.start + last_start + text[last_start..].trim_end().len();
        rewrites.push((close_end - last.len()..close_end, "```".to_owned()));
    }
    rewrites
}

/// Discord has three levels of headings, and none that are underlined.
fn heading(text: &str, level: HeadingLevel) -> Option<String> {
    let text = text.trim();
    let words = if text.starts_with('#') {
        text.trim_start_matches('#').trim().trim_end_matches('#').trim_end()
    } else {
        let (words, _) = text.rsplit_once('\n')?;
        if words.contains('\n') {
            return None;
        }
        words.trim()
    };
    match level {
        _ if words.is_empty() => None,
        HeadingLevel::H1 | HeadingLevel::H2 | HeadingLevel::H3 if text.starts_with('#') => None,
        HeadingLevel::H1 => Some(format!("# {words}")),
        HeadingLevel::H2 => Some(format!("## {words}")),
        _ if words.contains("**") => Some(words.to_owned()),
        _ => Some(format!("**{words}**")),
    }
}

/// A link that Discord shows as one. To a file of the project there is none: its name is told.
fn link(label: &str, target: &str) -> String {
    if is_address(target) {
        // Angle brackets keep round ones in the address from ending it.
        let target = if target.contains(['(', ')', ' ']) { format!("<{target}>") } else { target.to_owned() };
        return format!("[{label}]({target})");
    }
    let code = code_span(&one_line(target, 200));
    let is_same = label.trim_matches('`') == target || target.is_empty();
    if is_same {
        if target.is_empty() { label.to_owned() } else { code }
    } else {
        format!("{label} ({code})")
    }
}

fn is_address(target: &str) -> bool {
    ["http://", "https://", "discord://", "mailto:", "tel:"].iter().any(|scheme| target.starts_with(scheme))
}

/// The words of these events, with code as code.
fn plain(inner: &[(Event<'_>, Range<usize>)]) -> String {
    let words: String = inner
        .iter()
        .map(|(event, _)| match event {
            Event::Text(text) => text.to_string(),
            Event::Code(code) => code_span(code),
            Event::SoftBreak | Event::HardBreak => " ".to_owned(),
            _ => String::new(),
        })
        .collect();
    words.trim().to_owned()
}

/// What stands before a block in its line, as white space: each of its lines needs it.
fn indentation(source: &str, start: usize) -> String {
    let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
    source[line_start..start].chars().map(|c| if c == '>' { '>' } else { ' ' }).collect()
}

/// Without the line end that a block takes along.
fn trimmed(source: &str, range: Range<usize>) -> Range<usize> {
    range.start..range.start + source[range.clone()].trim_end().len()
}

/// Whether these events end here; tables are read by it.
fn ends(event: &Event<'_>, what: TagEnd) -> bool {
    matches!(event, Event::End(end) if *end == what)
}

#[cfg(test)]
mod tests;

//! What each line of a document is. Discord knows no nesting of blocks: three backticks at the beginning of a line
//! are a fence, however deep the list is in which they stand. So lines are read as Discord reads them, and each is
//! told by itself and the fence that is open above it.

use std::ops::Range;

/// A line that is longer is no fence: so a fence can always be closed and opened again within a piece.
const FENCE_BYTES_MAX: usize = 90;

/// More white space at the beginning of a piece is left out: with it, no word might fit.
const INDENT_BYTES_MAX: usize = 80;

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Blank,
    Heading,
    /// The first line of a list item.
    Item,
    /// A row of a table.
    Row,
    Text,
    /// Opens a fence.
    Open,
    /// Between fences.
    Code,
    CodeBlank,
    /// Closes a fence.
    Close,
}

#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) kind: Kind,
    pub(super) start: usize,
    /// Without the line end.
    pub(super) text_end: usize,
    /// With the line end.
    pub(super) end: usize,
    /// The fence that this line belongs to.
    pub(super) fence: Option<usize>,
}

/// A fence, as it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fence {
    /// What stands before it in the line: indentation and quote marks; list marks are blanks here.
    prefix: String,
    marks: String,
    info: String,
}

impl Fence {
    /// The fence that a line opens.
    pub(super) fn opened_by(line: &str) -> Option<Self> {
        if line.len() > FENCE_BYTES_MAX {
            return None;
        }
        let marks_start = skip_containers(line);
        let rest = &line[marks_start..];
        let mark = rest.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let marks_end = rest.find(|c| c != mark).unwrap_or(rest.len());
        let info = rest[marks_end..].trim();
        let is_fence = marks_end >= 3 && !(mark == '`' && info.contains('`'));
        is_fence.then(|| Self {
            prefix: line[..marks_start]
                .chars()
                .map(|c| if c == '>' || c.is_whitespace() { c } else { ' ' })
                .collect(),
            marks: rest[..marks_end].to_owned(),
            info: info.to_owned(),
        })
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let rest = line.trim_start_matches([' ', '\t', '>']).trim_end();
        let mark = &self.marks[..1];
        line.len() <= FENCE_BYTES_MAX && rest.len() >= self.marks.len() && rest.replace(mark, "").is_empty()
    }

    /// A quote that ends takes the fence inside it along.
    fn is_left_by(&self, line: &str) -> bool {
        self.prefix.contains('>') && !line.trim_start().starts_with('>')
    }

    /// The line that opens it again, with its line end.
    pub(super) fn reopening(&self) -> String {
        format!("{}{}{}\n", self.prefix, self.marks, self.info)
    }

    /// The line that closes it, with the line end before it.
    pub(super) fn closing(&self) -> String {
        format!("\n{}{}", self.prefix, self.marks)
    }
}

/// Reads line by line.
#[derive(Debug, Default)]
pub(super) struct Scan {
    open: Option<Fence>,
}

impl Scan {
    /// The fence that is still open at the end of a text.
    pub(super) fn unclosed(text: &str) -> Option<Fence> {
        let mut scan = Scan::default();
        for range in split(text) {
            scan.read(&text[range]);
        }
        scan.open
    }

    /// What this line is; `line` is without its line end.
    fn read(&mut self, line: &str) -> Kind {
        if self.open.as_ref().is_some_and(|fence| fence.is_left_by(line)) {
            self.open = None;
        }
        if let Some(fence) = &self.open {
            return if fence.is_closed_by(line) {
                self.open = None;
                Kind::Close
            } else if line.trim().is_empty() {
                Kind::CodeBlank
            } else {
                Kind::Code
            };
        }
        self.open = Fence::opened_by(line);
        if self.open.is_some() { Kind::Open } else { kind_of(line) }
    }
}

/// A document with its lines.
#[derive(Debug)]
pub(super) struct Layout<'a> {
    pub(super) text: &'a str,
    pub(super) lines: Vec<Line>,
    fences: Vec<Fence>,
}

impl<'a> Layout<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let mut layout = Self { text, lines: Vec::new(), fences: Vec::new() };
        let mut scan = Scan::default();
        for Range { start, end: text_end } in split(text) {
            let kind = scan.read(&text[start..text_end]);
            if kind == Kind::Open {
                layout.fences.extend(scan.open.clone());
            }
            let fence = matches!(kind, Kind::Open | Kind::Code | Kind::CodeBlank | Kind::Close)
                .then(|| layout.fences.len() - 1);
            let line_end = if text[text_end..].starts_with("\r\n") { 2 } else { 1 };
            let end = (text_end + line_end).min(text.len());
            layout.lines.push(Line { kind, start, text_end, end, fence });
        }
        layout
    }

    /// The index of the line in which this offset lies.
    pub(super) fn line_at(&self, offset: usize) -> usize {
        self.lines.partition_point(|line| line.end <= offset).min(self.lines.len().saturating_sub(1))
    }

    /// The fence inside of which this offset lies: below the line that opens it.
    pub(super) fn fence_at(&self, offset: usize) -> Option<&Fence> {
        let line = self.lines.get(self.line_at(offset))?;
        if line.kind == Kind::Open { None } else { line.fence.map(|index| &self.fences[index]) }
    }

    /// Whether the rest of the line would be read as a fence, if it stood at the beginning of a message.
    pub(super) fn becomes_fence(&self, offset: usize) -> bool {
        let Some(line) = self.lines.get(self.line_at(offset)) else { return false };
        if line.start == offset || offset >= line.text_end {
            return false;
        }
        let rest = &self.text[offset..line.text_end];
        match self.fence_at(offset) {
            Some(fence) => fence.is_closed_by(rest),
            None => Fence::opened_by(rest).is_some(),
        }
    }

    /// The first place from here on that is not white space. The indentation of a line stays, if it is a sensible
    /// one: that is not white space between words.
    pub(super) fn skip_blank(&self, from: usize) -> usize {
        let Some(first) = self.lines.get(self.line_at(from)) else { return from };
        let mut at = from;
        for line in &self.lines[self.line_at(from)..] {
            let rest = &self.text[at.min(line.text_end)..line.text_end];
            if !rest.trim().is_empty() {
                let is_in_words = at > line.start && !matches!(first.kind, Kind::Code | Kind::CodeBlank);
                let blank = skip_spaces(rest);
                return if is_in_words || blank > INDENT_BYTES_MAX { at + blank } else { at };
            }
            at = line.end;
        }
        self.text.len()
    }

    /// Whether a line that closes a fence begins here.
    pub(super) fn is_closing_line(&self, offset: usize) -> bool {
        let line = &self.lines[self.line_at(offset)];
        line.start == offset && line.kind == Kind::Close
    }

    pub(super) fn line_end(&self, offset: usize) -> usize {
        self.lines[self.line_at(offset)].end
    }
}

/// The bytes of white space at the beginning, as far as it is not part of a grapheme cluster with what follows.
fn skip_spaces(rest: &str) -> usize {
    use unicode_segmentation::UnicodeSegmentation;
    rest.grapheme_indices(true)
        .find(|(_, grapheme)| !super::is_blank(grapheme))
        .map_or(rest.len(), |(at, _)| at)
}

/// The lines of a text, without their line ends.
fn split(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let bare = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
        let range = start..start + bare.len();
        start += line.len();
        range
    })
}

/// The length of indentation, quote marks and list marks at the beginning of a line.
pub(super) fn skip_containers(line: &str) -> usize {
    let mut at = 0;
    loop {
        let rest = &line[at..];
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let mark = item_mark(&rest[blank..]).unwrap_or(usize::from(rest[blank..].starts_with('>')));
        if blank + mark == 0 {
            return at;
        }
        at += blank + mark;
    }
}

/// The length of the list mark with which a text begins: `- `, `* `, `+ `, `1. `, `1) `.
fn item_mark(text: &str) -> Option<usize> {
    let digits = text.bytes().take(9).take_while(u8::is_ascii_digit).count();
    let mark = match text.as_bytes().get(digits) {
        Some(b'-' | b'*' | b'+') if digits == 0 => 1,
        Some(b'.' | b')') if digits > 0 => digits + 1,
        _ => return None,
    };
    text[mark..].starts_with([' ', '\t']).then_some(mark)
}

/// Whether a line would be read as something else than words.
pub(super) fn begins_block(line: &str) -> bool {
    !matches!(kind_of(line), Kind::Text | Kind::Blank) || line.starts_with(['>', '-'])
}

/// What a line outside of a fence is.
fn kind_of(line: &str) -> Kind {
    let bare = line.trim_start();
    let level = bare.bytes().take_while(|byte| *byte == b'#').count();
    if bare.is_empty() {
        Kind::Blank
    } else if (1..=6).contains(&level) && bare[level..].starts_with(' ') {
        Kind::Heading
    } else if item_mark(bare).is_some() {
        Kind::Item
    } else if bare.starts_with('|') {
        Kind::Row
    } else {
        Kind::Text
    }
}

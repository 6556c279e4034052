//! Markdown → pieces within Discord's limit.
//!
//! Every piece is a slice of the document; only white space at the cuts is left out. A code fence that a cut goes
//! through is closed below its piece and opened again above the next. Where a cut may be, and which place is better
//! than another, is in `breaks.rs`; what is a fence, a heading, an item in `lines.rs`; what is better not cut through
//! (links, code spans, mentions, emphasis) in `spans.rs`.
//!
//! While an answer streams, the pieces before the last two never change: whether and where a piece ends is decided
//! by what fits into it, and hardly looks further. So no earlier message is written again.

use unicode_segmentation::UnicodeSegmentation;

use super::message::units;
use breaks::Window;
use lines::{Layout, Scan};

mod breaks;
mod lines;
mod spans;

/// The least sensible limit, in UTF-16 units; less is taken as this much.
pub const UNITS_MIN: usize = 300;

/// Set before what would turn into a fence because a cut put it at the beginning of a line: it has no width.
const NOT_A_FENCE: char = '\u{200b}';

/// Cuts a document into pieces of at most `units_max` UTF-16 units (and [`UNITS_MIN`] at least). No piece is empty or
/// white space alone, in each the fences are balanced, and no grapheme cluster that fits into a piece is cut.
pub fn chunk(markdown: &str, units_max: usize) -> Vec<String> {
    pieces(markdown, units_max).into_iter().map(|piece| piece.text).collect()
}

/// The first pieces of a document, at most so many, and where the next one would begin. A long document costs no more than
/// a short one: it is drawn again with every few words that are added to it.
pub fn chunk_first(markdown: &str, units_max: usize, pieces_max: usize) -> (Vec<String>, Option<usize>) {
    let mut pieces = first_pieces(markdown, units_max, pieces_max.saturating_add(1));
    let rest = pieces.get(pieces_max).map(|piece| piece.start);
    pieces.truncate(pieces_max);
    (pieces.into_iter().map(|piece| piece.text).collect(), rest)
}

/// About the last `bytes` bytes of a document, but nothing before `from`: whole lines, unless they are too long for that,
/// and a fence that is open there is opened again.
pub fn end_of(markdown: &str, from: usize, bytes: usize) -> String {
    let wanted = markdown.len().saturating_sub(bytes);
    if wanted <= from {
        return with_head(markdown, from);
    }
    let wanted = markdown.floor_char_boundary(wanted);
    let line = markdown[wanted..].find('\n').map(|offset| wanted + offset + 1);
    with_head(markdown, line.filter(|line| line - wanted <= bytes / 2).unwrap_or(wanted))
}

fn with_head(markdown: &str, start: usize) -> String {
    let head = Scan::unclosed(&markdown[..start]).map_or_else(String::new, |fence| fence.reopening());
    format!("{head}{}", &markdown[start..])
}

/// A piece: `head`, a slice of the document, and `tail`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    /// What is sent.
    text: String,
    /// The slice.
    start: usize,
    /// Its end.
    end: usize,
    /// The bytes in front of the slice: the fence that is opened again.
    head: usize,
    /// The bytes behind the slice: the fence that is closed.
    tail: usize,
}

fn pieces(text: &str, units_max: usize) -> Vec<Piece> {
    first_pieces(text, units_max, usize::MAX)
}

fn first_pieces(text: &str, units_max: usize, pieces_max: usize) -> Vec<Piece> {
    let units_max = units_max.max(UNITS_MIN);
    let layout = Layout::of(text);
    let mut pieces: Vec<Piece> = Vec::new();
    let mut start = layout.skip_blank(0);
    while start < text.len() && pieces.len() < pieces_max {
        let piece = next_piece(&layout, start, units_max);
        start = layout.skip_blank(piece.end);
        // What is left of a fence may be its last line alone, and this piece has closed it already.
        if piece.tail > 0 && layout.is_closing_line(start) {
            start = layout.skip_blank(layout.line_end(start));
        }
        pieces.push(piece);
    }
    pieces
}

fn next_piece(layout: &Layout<'_>, start: usize, units_max: usize) -> Piece {
    let text = layout.text;
    let head = head(layout, start);
    let units_left = units_max - units(&head);
    let window = Window::new(layout, start, units_left);
    if window.is_all() {
        let end = trim_end(text, start, text.len());
        if let Some(piece) = compose(text, &head, start, end, units_max) {
            return piece;
        }
    }
    // A place is good only if the fence that is open there can still be closed.
    for end in window.breaks() {
        if let Some(piece) = compose(text, &head, start, end, units_max) {
            return piece;
        }
    }
    // One grapheme cluster longer than a whole message: between its characters, because nothing else is left.
    let end = text[start..]
        .char_indices()
        .map(|(offset, c)| start + offset + c.len_utf8())
        .take_while(|end| units(&text[start..*end]) <= units_left / 2)
        .last()
        .unwrap_or(text.len());
    compose(text, &head, start, end, units_max).unwrap_or(Piece {
        text: text[start..end].to_owned(),
        start,
        end,
        head: 0,
        tail: 0,
    })
}

/// What stands above the slice that begins at `start`.
fn head(layout: &Layout<'_>, start: usize) -> String {
    let mut head = layout.fence_at(start).map_or_else(String::new, lines::Fence::reopening);
    if layout.becomes_fence(start) {
        head.push(NOT_A_FENCE);
    }
    head
}

/// The piece with this slice; `None` if it is too long.
fn compose(document: &str, head: &str, start: usize, end: usize, units_max: usize) -> Option<Piece> {
    let mut text = format!("{head}{}", &document[start..end]);
    // Read as a reader of this one message does: only so it is sure that its fences are balanced.
    let tail = Scan::unclosed(&text).map_or_else(String::new, |fence| fence.closing());
    text.push_str(&tail);
    (units(&text) <= units_max).then_some(Piece { text, start, end, head: head.len(), tail: tail.len() })
}

/// The end of a slice without the white space at its end, and at least one grapheme.
fn trim_end(text: &str, start: usize, end: usize) -> usize {
    text[start..end]
        .grapheme_indices(true)
        .rev()
        .find(|(_, grapheme)| !is_blank(grapheme))
        .map_or(start, |(offset, grapheme)| start + offset + grapheme.len())
}

fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

#[cfg(test)]
mod tests;

//! The places where a piece may end, best first.

use unicode_segmentation::UnicodeSegmentation;

use super::lines::{Kind, Layout, Line, begins_block};
use super::spans::{Guard, Spans};
use super::{is_blank, units};

/// How good a place is, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// Between paragraphs, before a heading, before or after a fence.
    Paragraph,
    /// Before a list item.
    Item,
    /// Between lines.
    Line,
    /// Between the rows of a table.
    Row,
    /// At an empty line of code.
    CodeGap,
    /// Between lines of code.
    CodeLine,
    /// After a sentence.
    Sentence,
    /// Between words.
    Space,
    /// Between words of bold, italic or struck text.
    SoftSpace,
    /// Where it hurts: below a heading, at the first or last line of a fence, between words of a link.
    Bad,
    /// Between grapheme clusters that belong together.
    Grapheme,
    /// Between any two.
    Any,
}

/// The classes with the least part of a piece, in percent, that has to be full for them to be worth it.
const WORTH: [(Class, usize); 9] = [
    (Class::Paragraph, 50),
    (Class::Item, 50),
    (Class::Line, 50),
    (Class::CodeGap, 70),
    (Class::CodeLine, 50),
    (Class::Row, 50),
    (Class::Sentence, 50),
    (Class::Space, 50),
    (Class::SoftSpace, 30),
];

/// What fits into a piece, and a little more to look at.
pub(super) struct Window<'a> {
    layout: &'a Layout<'a>,
    start: usize,
    /// The end of each grapheme cluster that fits, and how many units it is from the start.
    ends: Vec<(usize, usize)>,
    units_max: usize,
}

impl<'a> Window<'a> {
    /// From `start` on, at most `units_max` UTF-16 units.
    pub(super) fn new(layout: &'a Layout<'a>, start: usize, units_max: usize) -> Self {
        let mut used = 0;
        let ends = layout.text[start..]
            .grapheme_indices(true)
            .map(|(offset, grapheme)| {
                used += units(grapheme);
                (start + offset + grapheme.len(), used)
            })
            .take_while(|(_, used)| *used <= units_max)
            .collect();
        Self { layout, start, ends, units_max }
    }

    /// Whether the document ends within the window (white space behind its end does not count).
    pub(super) fn is_all(&self) -> bool {
        self.layout.skip_blank(self.limit()) >= self.layout.text.len()
    }

    fn limit(&self) -> usize {
        self.ends.last().map_or(self.start, |(end, _)| *end)
    }

    /// Where the piece may end, best first.
    pub(super) fn breaks(&self) -> Vec<usize> {
        let mut places = self.places();
        places.retain(|place| place.end > self.start);
        let rank = |place: &Place| {
            let percent = place.units * 100 / self.units_max;
            let worth = WORTH.iter().position(|(class, least)| *class == place.class && percent >= *least);
            // What is not worth it comes after all that is: there the fullest piece is the best, but a link that
            // fits into the next piece is still not cut.
            let harm = match place.class {
                Class::Bad => 2,
                Class::Grapheme => 3,
                Class::Any => 4,
                _ => 1,
            };
            (worth.map_or(harm, |_| 0), worth.unwrap_or(0), std::cmp::Reverse(place.units))
        };
        places.sort_by_cached_key(rank);
        places.into_iter().map(|place| place.end).collect()
    }

    fn places(&self) -> Vec<Place> {
        let spans = Spans::of(self.layout, self.start..self.limit());
        let mut places = Vec::new();
        let mut line = self.layout.line_at(self.start);
        for (index, (end, used)) in self.ends.iter().copied().enumerate() {
            let begin = if index == 0 { self.start } else { self.ends[index - 1].0 };
            while begin >= self.layout.lines[line].end {
                line += 1;
            }
            let grapheme = &self.layout.text[begin..end];
            // White space goes between two pieces, so each place is the end of words.
            if is_blank(grapheme) {
                continue;
            }
            let class = self.class_after(line, grapheme, end, &spans);
            places.push(Place { end, units: used, class });
        }
        places
    }

    /// How good it is to cut behind the grapheme cluster that ends at `end`, in this line.
    fn class_after(&self, index: usize, grapheme: &str, end: usize, spans: &Spans) -> Class {
        let text = self.layout.text;
        let line = &self.layout.lines[index];
        let rest = &text[end..line.text_end.max(end)];
        if rest.trim().is_empty() {
            return self.class_of_line_end(index, spans.at(end));
        }
        if matches!(line.kind, Kind::Open | Kind::Close) {
            return Class::Any;
        }
        if may_begin_fence(rest) && self.layout.becomes_fence(self.layout.skip_blank(end)) {
            return Class::Any;
        }
        let guard = spans.at(end);
        let is_sentence = ends_sentence(grapheme, rest);
        if rest.starts_with([' ', '\t']) || is_sentence {
            return match guard {
                Guard::Free if begins_block(rest.trim_start()) => Class::Bad,
                Guard::Free if is_sentence && line.fence.is_none() => Class::Sentence,
                Guard::Free => Class::Space,
                Guard::Soft => Class::SoftSpace,
                Guard::Hard => Class::Any,
            };
        }
        if guard == Guard::Hard || is_same_mark(grapheme, rest) { Class::Any } else { Class::Grapheme }
    }

    fn class_of_line_end(&self, index: usize, guard: Guard) -> Class {
        let lines = &self.layout.lines;
        let line = &lines[index];
        let Some(next) = lines.get(index + 1) else { return Class::Paragraph };
        if line.fence.is_some() && line.fence == next.fence {
            return class_in_fence(lines, index);
        }
        match (line.kind, next.kind) {
            (Kind::Heading, _) => Class::Bad,
            (_, Kind::Blank | Kind::Heading | Kind::Open) | (Kind::Close, _) => Class::Paragraph,
            _ if guard == Guard::Hard => Class::Any,
            _ if guard == Guard::Soft => Class::SoftSpace,
            (_, Kind::Item) => Class::Item,
            (Kind::Row, Kind::Row) => Class::Row,
            _ => Class::Line,
        }
    }
}

/// A place where a piece may end.
#[derive(Debug, Clone, Copy)]
struct Place {
    end: usize,
    units: usize,
    class: Class,
}

fn class_in_fence(lines: &[Line], index: usize) -> Class {
    // Blank lines of code are skipped at a cut: what counts is whether any code follows.
    let follows = lines[index + 1..].iter().find(|line| line.kind != Kind::CodeBlank).map(|line| line.kind);
    match (lines[index].kind, follows) {
        (Kind::Open, _) | (_, Some(Kind::Close)) => Class::Bad,
        _ if lines[index + 1].kind == Kind::CodeBlank => Class::CodeGap,
        _ => Class::CodeLine,
    }
}

/// Whether it is worth a closer look if a fence would begin here: what stands before one are marks and digits.
fn may_begin_fence(rest: &str) -> bool {
    rest.trim_start_matches([' ', '\t']).starts_with(|c: char| "`~>-*+".contains(c) || c.is_ascii_digit())
}

/// Whether a sentence ends here. In scripts without spaces its mark alone tells.
fn ends_sentence(grapheme: &str, rest: &str) -> bool {
    match grapheme {
        "。" | "！" | "？" | "．" => true,
        "." | "!" | "?" | "…" | "؟" | "۔" | "।" => rest.starts_with(' '),
        _ => false,
    }
}

/// Whether a run of marks (backticks, stars) goes on.
fn is_same_mark(grapheme: &str, rest: &str) -> bool {
    matches!(grapheme, "`" | "~" | "*" | "_" | "|" | "#" | ">" | "\\") && rest.starts_with(grapheme)
        || grapheme == "\\"
}

//! Tables, which Discord does not render: narrow ones as aligned text in a code block, wide ones as a list of values.
//!
//! A table is shown in sections, each with the header above it, so that a long table can be cut between sections; how
//! a section looks depends on its own rows alone, so that a table that streams does not change what stands already.

use std::ops::Range;

use pulldown_cmark::{Alignment, Event, TagEnd};
use unicode_segmentation::UnicodeSegmentation;

use super::{Inner, ends, plain};
use crate::render::escape::{defuse_fences, shorten};
use crate::render::message::units;

/// A wider table wraps on a phone, and then nothing is below anything any more.
const COLUMNS_MAX: usize = 46;

/// The length at which a section ends, in UTF-16 units.
const SECTION_UNITS: usize = 1_400;

/// The longest cell of a list, in graphemes.
const CELL_CHARS_MAX: usize = 1_000;

/// The table as Discord can show it; `indent` stands before each line but the first.
pub(super) fn show(source: &str, alignments: &[Alignment], inner: Inner<'_, '_>, indent: &str) -> String {
    let rows = rows(source, inner);
    let Some((header, body)) = rows.split_first() else { return String::new() };
    let mut sections: Vec<Vec<&Vec<Cell>>> = vec![Vec::new()];
    let mut length = 0;
    for row in body {
        let more = row.iter().map(|cell| units(&cell.plain) + 3).sum::<usize>();
        if length + more > SECTION_UNITS && length > 0 {
            sections.push(Vec::new());
            length = 0;
        }
        length += more;
        if let Some(section) = sections.last_mut() {
            section.push(row);
        }
    }
    let shown: Vec<String> = sections.iter().map(|section| section_of(header, section, alignments)).collect();
    shown.join("\n").replace('\n', &format!("\n{indent}"))
}

/// A cell as words for a code block, and as the markdown that it was.
struct Cell {
    plain: String,
    markdown: String,
}

impl Cell {
    /// Takes what a row has beyond the columns of its header, which GFM ignores: mostly a `|` in code that is not escaped.
    fn take_up(&mut self, beyond: &str) {
        let beyond = beyond.trim_matches(|c: char| c.is_whitespace() || c == '|');
        if !beyond.is_empty() {
            self.plain = format!("{} | {}", self.plain, beyond.replace(['`', 'ˋ'], ""));
            self.markdown = format!("{} | {beyond}", self.markdown);
        }
    }
}

fn rows(source: &str, inner: Inner<'_, '_>) -> Vec<Vec<Cell>> {
    let mut rows: Vec<Vec<Cell>> = vec![Vec::new()];
    let (mut cell_start, mut cell_end) = (None, 0);
    for (index, (event, range)) in inner.iter().enumerate() {
        if let Event::Start(pulldown_cmark::Tag::TableCell) = event {
            cell_start = Some(index);
        } else if ends(event, TagEnd::TableCell) {
            let words = &inner[cell_start.take().map_or(index, |start| start + 1)..index];
            cell_end = range.end;
            if let Some(row) = rows.last_mut() {
                row.push(cell(source, words, range));
            }
        } else if ends(event, TagEnd::TableHead) || ends(event, TagEnd::TableRow) {
            if let Some(cell) = rows.last_mut().and_then(|row| row.last_mut()) {
                cell.take_up(source.get(cell_end..range.end).unwrap_or_default());
            }
            rows.push(Vec::new());
        }
    }
    rows.retain(|row| !row.is_empty());
    rows
}

fn cell(source: &str, words: Inner<'_, '_>, range: &Range<usize>) -> Cell {
    Cell { plain: plain(words).replace(['`', 'ˋ'], ""), markdown: source[range.clone()].trim().to_owned() }
}

fn section_of(header: &[Cell], body: &[&Vec<Cell>], alignments: &[Alignment]) -> String {
    let columns = header.len();
    let text = |row: &[Cell], column: usize| row.get(column).map_or(String::new(), |cell| cell.plain.clone());
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = body.iter().map(|row| width(&text(row, column)));
            cells.chain([width(&text(header, column))]).max().unwrap_or(0)
        })
        .collect();
    if widths.iter().sum::<usize>() + 3 * columns.saturating_sub(1) > COLUMNS_MAX {
        return list(header, body);
    }
    let line = |row: &[Cell]| {
        let cells: Vec<String> = (0..columns)
            .map(|column| pad(&text(row, column), widths[column], alignments.get(column)))
            .collect();
        cells.join(" │ ").trim_end().to_owned()
    };
    let rule = widths.iter().map(|width| "─".repeat(*width)).collect::<Vec<_>>().join("─┼─");
    let lines: Vec<String> =
        [line(header), rule].into_iter().chain(body.iter().map(|row| line(row))).collect();
    format!("```\n{}\n```", defuse_fences(&lines.join("\n")))
}

/// Each row as an item with a line per cell.
fn list(header: &[Cell], body: &[&Vec<Cell>]) -> String {
    let mut lines = Vec::new();
    for row in body {
        let mut mark = "- ";
        for (column, cell) in row.iter().enumerate().filter(|(_, cell)| !cell.markdown.is_empty()) {
            let name = header.get(column).map_or("", |cell| cell.plain.as_str());
            let name = if name.is_empty() { String::new() } else { format!("**{name}:** ") };
            lines.push(format!("{mark}{name}{}", shorten(&cell.markdown, CELL_CHARS_MAX)));
            mark = "  ";
        }
    }
    if lines.is_empty() {
        header.iter().map(|cell| cell.plain.as_str()).collect::<Vec<_>>().join(", ")
    } else {
        lines.join("\n")
    }
}

fn pad(text: &str, to: usize, alignment: Option<&Alignment>) -> String {
    let room = to.saturating_sub(width(text));
    let left = match alignment {
        Some(Alignment::Right) => room,
        Some(Alignment::Center) => room / 2,
        Some(Alignment::Left | Alignment::None) | None => 0,
    };
    format!("{}{text}{}", " ".repeat(left), " ".repeat(room - left))
}

/// The columns that a text takes in a font of fixed width: East Asian characters and emoji take two.
fn width(text: &str) -> usize {
    text.graphemes(true).map(|grapheme| if grapheme.chars().any(is_wide) { 2 } else { 1 }).sum()
}

fn is_wide(c: char) -> bool {
    matches!(u32::from(c),
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60
        | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd | 0x2705 | 0x274c | 0x2728 | 0xfe0f)
}

//! The document, cut into messages. A turn takes at most [`SLOTS_MAX`] of them, and a few more for each card.

use super::document::Segment;
use super::{TurnEnd, View, ask, document, ending};
use crate::domain::action::Button;
use crate::render::chunk::{chunk, chunk_first, end_of};
use crate::render::escape::shorten;
use crate::render::message::{CONTENT_UNITS_MAX, File, MessageBody, units};

/// A longer turn is left out in the middle, and comes as a file when it is over.
pub(super) const SLOTS_MAX: usize = 6;

/// A card and what comes after it may take so many more.
const SLOTS_OF_CARD_MAX: usize = 2;

/// So much of the document goes into one message, in UTF-16 units; the rest is room for the status line or footer, so
/// that a change of it never moves the text.
const DOCUMENT_UNITS_MAX: usize = CONTENT_UNITS_MAX - FOOT_UNITS_MAX - 1;

/// The longest status line or footer.
const FOOT_UNITS_MAX: usize = 240;

/// The last message of a long turn shows between this much and twice as much of the end, in UTF-16 units.
const TAIL_UNITS: usize = 800;

/// So much of the document's end is looked at for that: three pieces, with three bytes a unit at most.
const TAIL_BYTES: usize = 3 * 3 * TAIL_UNITS;

/// The file that has the whole answer.
const FILE_NAME: &str = "answer.md";

/// The slots of a turn that works, with its status line.
pub(super) fn while_it_works(view: &View, status: &str) -> Vec<MessageBody> {
    let (bodies, _) =
        bodies(&document::document(view, &[]), "-# … it goes on, this is the end so far:", view);
    let mut bodies = finish(view, bodies, status);
    // Where people look while it works.
    if let Some(last) = bodies.last_mut() {
        last.end_with(Button::stop(view.about.turn));
    }
    bodies
}

/// The slots of a turn that is over, with its footer.
pub(super) fn at_the_end(view: &View, end: &TurnEnd, footer: &str) -> Vec<MessageBody> {
    let segments = document::document(view, &ending::closing(view, end));
    let (bodies, is_long) =
        bodies(&segments, "-# … the whole answer is in answer.md, this is its end:", view);
    let mut bodies = finish(view, bodies, footer);
    if let Some(last) = bodies.last_mut() {
        if is_long {
            last.files
                .push(File { name: FILE_NAME.to_owned(), bytes: document::whole_text(view).into_bytes() });
        }
        last.buttons.extend(ending::buttons(view, end));
    }
    bodies
}

/// The messages of a document, and whether something of it is left out. Each card begins one, so that it can notify.
fn bodies(segments: &[Segment<'_>], note: &str, view: &View) -> (Vec<MessageBody>, bool) {
    let slots_max = SLOTS_MAX + SLOTS_OF_CARD_MAX * (segments.len() - 1);
    let (mut bodies, mut is_long) = (Vec::new(), false);
    for (index, segment) in segments.iter().enumerate() {
        let after = segments.len() - 1 - index;
        let room = slots_max.saturating_sub(bodies.len() + SLOTS_OF_CARD_MAX * after).max(1);
        let (pieces, long) = cut(&segment.text, note, room);
        is_long |= long;
        let first = bodies.len();
        bodies.extend(pieces.into_iter().map(MessageBody::text));
        if let [head, ..] = &mut bodies[first..] {
            head.ping = segment.open.iter().find_map(|asked| asked.person());
            // It stays below the words that it belongs to, also when more comes after them.
            head.files = segment.kept.iter().filter_map(|asked| ask::document(asked)).collect();
        }
        if let Some(last) = bodies[first..].last_mut() {
            let (turn, open) = (view.about.turn, &segment.open);
            last.files.extend(open.iter().filter_map(|asked| ask::file(asked)));
            last.menus = open.iter().flat_map(|asked| ask::menus(turn, asked)).collect();
            last.buttons = open.iter().flat_map(|asked| ask::buttons(turn, asked)).collect();
            last.fit_rows();
        }
    }
    (bodies, is_long)
}

/// The pieces of a text in at most `slots_max` messages, and whether something of it is left out.
fn cut(document: &str, note: &str, slots_max: usize) -> (Vec<String>, bool) {
    let (pieces, more) = chunk_first(document, DOCUMENT_UNITS_MAX, slots_max);
    if more.is_none() {
        return (pieces, false);
    }
    let (mut pieces, rest) = match slots_max {
        0 | 1 => (Vec::new(), Some(0)),
        _ => chunk_first(document, DOCUMENT_UNITS_MAX, slots_max - 1),
    };
    let rest = rest.unwrap_or(document.len());
    let small = chunk(&end_of(document, rest, TAIL_BYTES), TAIL_UNITS);
    let tail = small[small.len().saturating_sub(2)..].join("\n\n");
    pieces.push(format!("{note}\n{tail}"));
    (pieces, true)
}

fn finish(view: &View, mut bodies: Vec<MessageBody>, foot: &str) -> Vec<MessageBody> {
    let foot = if units(foot) > FOOT_UNITS_MAX { shorten(foot, FOOT_UNITS_MAX / 4) } else { foot.to_owned() };
    match bodies.last_mut() {
        Some(last) => last.content = format!("{}\n{foot}", last.content),
        None => bodies.push(MessageBody::text(foot)),
    }
    if let Some(first) = bodies.first_mut() {
        first.reply_to = view.about.reply_to;
    }
    bodies
}

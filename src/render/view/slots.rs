//! The document, cut into messages. A turn takes at most [`SLOTS_MAX`] of them.

use super::{TurnEnd, View, document, ending};
use crate::render::chunk::{chunk, chunk_first, end_of};
use crate::render::escape::shorten;
use crate::render::message::{CONTENT_UNITS_MAX, File, MessageBody, units};

/// A longer turn is left out in the middle, and comes as a file when it is over.
pub(super) const SLOTS_MAX: usize = 6;

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
    let (pieces, _) = cut(&document::document(view, &[]), "-# … it goes on, this is the end so far:");
    bodies(view, pieces, status)
}

/// The slots of a turn that is over, with its footer.
pub(super) fn at_the_end(view: &View, end: &TurnEnd, footer: &str) -> Vec<MessageBody> {
    let text = document::document(view, &ending::closing(view, end));
    let (pieces, is_long) = cut(&text, "-# … the whole answer is in answer.md, this is its end:");
    let mut bodies = bodies(view, pieces, footer);
    if is_long && let Some(last) = bodies.last_mut() {
        last.files.push(File { name: FILE_NAME.to_owned(), bytes: document::whole_text(view).into_bytes() });
    }
    bodies
}

/// The pieces of a document, and whether something of it is left out.
fn cut(document: &str, note: &str) -> (Vec<String>, bool) {
    let (pieces, more) = chunk_first(document, DOCUMENT_UNITS_MAX, SLOTS_MAX);
    if more.is_none() {
        return (pieces, false);
    }
    let (mut pieces, rest) = chunk_first(document, DOCUMENT_UNITS_MAX, SLOTS_MAX - 1);
    let rest = rest.unwrap_or(document.len());
    let small = chunk(&end_of(document, rest, TAIL_BYTES), TAIL_UNITS);
    let tail = small[small.len().saturating_sub(2)..].join("\n\n");
    pieces.push(format!("{note}\n{tail}"));
    (pieces, true)
}

fn bodies(view: &View, pieces: Vec<String>, foot: &str) -> Vec<MessageBody> {
    let foot = if units(foot) > FOOT_UNITS_MAX { shorten(foot, FOOT_UNITS_MAX / 4) } else { foot.to_owned() };
    let mut bodies: Vec<MessageBody> = pieces.into_iter().map(MessageBody::text).collect();
    match bodies.last_mut() {
        Some(last) => last.content = format!("{}\n{foot}", last.content),
        None => bodies.push(MessageBody::text(foot)),
    }
    if let Some(first) = bodies.first_mut() {
        first.reply_to = view.about.reply_to;
    }
    bodies
}

//! Markdown → pieces within Discord's limit.

use super::message::units;
use unicode_segmentation::UnicodeSegmentation;

/// Cuts a document into pieces of at most `units_max` UTF-16 units.
pub fn chunk(markdown: &str, units_max: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut length = 0;
    for grapheme in markdown.graphemes(true) {
        let more = units(grapheme);
        if length + more > units_max {
            pieces.push(String::new());
            length = 0;
        }
        length += more;
        if let Some(piece) = pieces.last_mut() {
            piece.push_str(grapheme);
        }
    }
    pieces.retain(|piece| !piece.trim().is_empty());
    pieces
}

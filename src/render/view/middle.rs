//! What a very long text can do without, because nobody is shown it.

use std::borrow::Cow;

/// A shorter text is drawn as it is.
const WHOLE_BYTES_MAX: usize = 512 << 10;
/// What the messages of a turn can show of a text's beginning, at the very most, and a little more.
const HEAD_BYTES: usize = 384 << 10;
/// The same of its end.
const TAIL_BYTES: usize = 32 << 10;

/// The text without the lines in its middle that no message shows: a draw costs as much as what it looks at. The fences of
/// code stay, so that what follows them is what it was.
pub(super) fn without_middle(text: &str) -> Cow<'_, str> {
    if text.len() <= WHOLE_BYTES_MAX {
        return Cow::Borrowed(text);
    }
    let head = line_after(text, HEAD_BYTES);
    let tail = line_after(text, text.len() - TAIL_BYTES);
    let fences = text[head..tail].split_inclusive('\n').filter(|line| is_fence(line));
    let middle: String = fences.collect();
    Cow::Owned([&text[..head], &middle, &text[tail..]].concat())
}

fn is_fence(line: &str) -> bool {
    // Also in a list or a quote.
    let line =
        line.trim_start_matches(|c: char| c.is_whitespace() || "->*+.)".contains(c) || c.is_ascii_digit());
    line.starts_with("```") || line.starts_with("~~~")
}

/// Where the first line after this byte begins; a line that does not end is cut between characters.
fn line_after(text: &str, at: usize) -> usize {
    let at = text.floor_char_boundary(at);
    text[at..].find('\n').map_or(at, |end| at + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::chunk::{chunk_first, end_of};
    use crate::render::markdown::discord_markdown;

    #[test]
    fn what_is_shown_of_a_long_text_is_the_same() {
        let code = "```rust\nfn main() {}\n".to_owned() + &"let x = 1;\n".repeat(40_000) + "```\n";
        let texts = [
            "line of a flood, which is no code\n".repeat(60_000),
            code.repeat(4),
            format!("{}the end", code.repeat(3)),
            "words without any end of a line ".repeat(40_000),
            "äöü ".repeat(300_000),
        ];
        for text in texts {
            let (whole, short) = (discord_markdown(&text), discord_markdown(&without_middle(&text)));
            assert!(short.len() < whole.len(), "{}", &text[..40]);
            let first = |document: &str| chunk_first(document, 1_759, 54).0;
            assert_eq!(first(&whole), first(&short), "{}", &text[..40]);
            let last = |document: &str| end_of(document, document.len(), 7_200);
            assert_eq!(last(&whole), last(&short), "{}", &text[..40]);
        }
    }

    #[test]
    fn what_is_not_long_stays() {
        let text = "a line\n".repeat(1_000);
        assert!(matches!(without_middle(&text), Cow::Borrowed(_)));
    }
}

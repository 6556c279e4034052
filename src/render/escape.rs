//! Text that others wrote, made harmless where we say something about it: one line, no hidden or reordering
//! characters, no markdown, no mention. The answer of Claude itself is *not* escaped: it is markdown, and no
//! mention in any message pings anybody (`outbox/deliver.rs`).

use unicode_segmentation::UnicodeSegmentation;

use super::message::units;

/// One line of at most `chars_max` graphemes: line ends and control characters become spaces, runs of white space one
/// space; what hides or reorders text is removed or made visible. A cut is marked with `…`.
pub fn one_line(text: &str, chars_max: usize) -> String {
    let mut line = String::new();
    for c in text.chars().filter_map(visible) {
        match c {
            c if c.is_whitespace() || c.is_control() => {
                if !line.ends_with(' ') && !line.is_empty() {
                    line.push(' ');
                }
            }
            c => line.push(c),
        }
    }
    shorten(line.trim_end(), chars_max)
}

/// The same text with nothing in it that hides or reorders other text; line ends and tabs stay.
pub fn reveal(text: &str) -> String {
    text.chars()
        .filter_map(visible)
        .filter_map(|c| match c {
            '\n' | '\t' => Some(c),
            '\r' => None,
            c if c.is_control() => Some('\u{fffd}'),
            c => Some(c),
        })
        .collect()
}

/// At most `chars_max` graphemes, and at most four times as many UTF-16 units; a cut is marked with `…`.
pub fn shorten(text: &str, chars_max: usize) -> String {
    let mut kept = 0;
    let mut units_kept = 0;
    for (count, (offset, grapheme)) in text.grapheme_indices(true).enumerate() {
        let end = offset + grapheme.len();
        units_kept += units(grapheme);
        if count >= chars_max || units_kept > chars_max * 4 {
            return format!("{}…", text[..kept].trim_end());
        }
        // Room for the mark, should this not be the last grapheme.
        if count + 1 < chars_max {
            kept = end;
        }
    }
    text.to_owned()
}

/// As [`shorten`], but it is the beginning that goes: what matters of a path is its end.
pub fn shorten_start(text: &str, chars_max: usize) -> String {
    let graphemes: Vec<&str> = text.graphemes(true).collect();
    if graphemes.len() <= chars_max {
        return shorten(text, chars_max);
    }
    let tail: String = graphemes[graphemes.len() + 1 - chars_max.max(1)..].concat();
    shorten(&format!("…{tail}"), chars_max)
}

/// An inline code span that shows this line; nothing in it is markdown or a mention. A backtick becomes the letter
/// that looks like it, because Discord's code spans have no escape.
pub fn code_span(line: &str) -> String {
    let line = line.trim();
    if line.is_empty() { "` `".to_owned() } else { format!("`{}`", line.replace('`', "ˋ")) }
}

/// A code block that shows this text. Three backticks inside it would end it, so they are set apart by an invisible
/// space.
pub fn code_block(language: &str, text: &str) -> String {
    format!("```{language}\n{}\n```", defuse_fences(text.trim_end_matches(['\n', '\r'])))
}

/// Sets backticks apart, so that no three of them follow each other.
pub fn defuse_fences(text: &str) -> String {
    let mut defused = String::with_capacity(text.len());
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        if run == 3 {
            defused.push('\u{200b}');
            run = 1;
        }
        defused.push(c);
    }
    defused
}

/// Sets bars apart, so that no two of them follow each other: Discord covers what stands between two pairs.
pub fn defuse_spoilers(text: &str) -> String {
    let mut defused = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '|' && defused.ends_with('|') {
            defused.push('\u{200b}');
        }
        defused.push(c);
    }
    defused
}

/// Plain words: what would be markdown or a mention is shown as it is written.
pub fn escape(line: &str) -> String {
    let mut escaped = String::with_capacity(line.len() + 8);
    for c in line.chars() {
        if matches!(c, '\\' | '*' | '_' | '~' | '`' | '|' | '[' | ']' | '<' | '>' | '#') {
            escaped.push('\\');
        }
        escaped.push(c);
        if c == '@' {
            escaped.push('\u{200b}');
        }
    }
    escaped
}

/// The character as it may be shown: nothing for what is invisible, a mark for what reorders text.
fn visible(c: char) -> Option<char> {
    match c {
        // Line and paragraph separator.
        '\u{2028}' | '\u{2029}' => Some('\n'),
        // Embeddings, overrides, isolates, and the marks of direction.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' => {
            Some('\u{fffd}')
        }
        // Zero-width and soft hyphen; fillers that look like nothing; tags.
        '\u{200b}'
        | '\u{200c}'
        | '\u{2060}'..='\u{2064}'
        | '\u{feff}'
        | '\u{ad}'
        | '\u{180e}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{3164}'
        | '\u{ffa0}'
        | '\u{e0000}'..='\u{e007f}' => None,
        c => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_without_hidden_text() {
        assert_eq!(one_line("a\r\n\tb\u{0}c", 80), "a b c");
        assert_eq!(one_line("rm \u{202e}gpj.exe\u{200b}!", 80), "rm \u{fffd}gpj.exe!");
        assert_eq!(one_line("👨‍👩‍👧 e\u{301}", 80), "👨‍👩‍👧 e\u{301}");
    }

    #[test]
    fn a_cut_is_marked_and_is_between_graphemes() {
        assert_eq!(shorten("abcdef", 6), "abcdef");
        assert_eq!(shorten("abcdefg", 6), "abcde…");
        assert_eq!(shorten("👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧", 2), "👨‍👩‍👧…");
        assert_eq!(shorten_start("src/render/view.rs", 8), "…view.rs");
        assert!(units(&shorten(&"e\u{301}\u{301}\u{301}\u{301}\u{301}".repeat(80), 80)) <= 321);
    }

    #[test]
    fn code_stays_code() {
        assert_eq!(code_span("echo `date`"), "`echo ˋdateˋ`");
        assert_eq!(code_block("sh", "a\n```\nb\n"), "```sh\na\n``\u{200b}`\nb\n```");
        assert!(!defuse_fences("`````````").contains("```"));
    }

    #[test]
    fn words_are_words() {
        assert_eq!(escape("@everyone <@1> *x*"), "@\u{200b}everyone \\<@\u{200b}1\\> \\*x\\*");
    }
}

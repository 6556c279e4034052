//! What the eye would miss: characters that nobody sees, that move others, or that look like others. They are named.

use std::fmt::Write as _;

use unicode_segmentation::UnicodeSegmentation;

/// A text in one line in which nothing is lost: what ends lines is visible, too.
pub fn in_a_line(text: &str) -> String {
    expose(text).replace('\n', "⏎").replace('\t', "⇥")
}

/// The same text with a name in the place of each character that nobody would see, or that moves others.
pub fn expose(text: &str) -> String {
    named(text, is_hidden)
}

/// The same of what people read and no program does: the spaces of typography stay, everybody sees them.
pub fn expose_prose(text: &str) -> String {
    let is_space = |c| matches!(c, '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}');
    named(text, |c| is_hidden(c) && !is_space(c))
}

fn named(text: &str, is_hidden: impl Fn(char) -> bool) -> String {
    let mut exposed = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            let _ = write!(exposed, "⟨U+{:04X}⟩", u32::from(c));
        } else {
            exposed.push(c);
        }
    }
    exposed
}

fn is_hidden(c: char) -> bool {
    if matches!(c, '\n' | '\t') {
        return false;
    }
    // White space that is not the space; zero width, direction, separators, invisible operators, fillers, variation
    // selectors, tags.
    c.is_control()
        || matches!(c,
            '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{ad}' | '\u{34f}'
            | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0e}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// What the eye would miss: hidden characters, letters that look like those of another script in the same word, and
/// where a program reads it, marks that look like those that mean something to it.
pub fn warning(text: &str, language: &str) -> Option<String> {
    let hidden = text.chars().filter(|c| is_hidden(*c)).count();
    let words = text.unicode_words().filter(|word| word.chars().any(|c| c.is_ascii_alphabetic()));
    let letters = words.flat_map(str::chars).filter(|c| imitates(*c));
    // A change may be one of prose in any script.
    let marks = if language == "diff" { Vec::new() } else { marks(text) };
    let mut alike: Vec<String> = Vec::new();
    for c in letters.chain(marks) {
        let named = format!("`{c}` U+{:04X}", u32::from(c));
        if !alike.contains(&named) {
            alike.push(named);
        }
    }
    let mut parts = Vec::new();
    if hidden > 0 {
        let characters = if hidden == 1 { "character" } else { "characters" };
        parts.push(format!("{hidden} invisible {characters}, shown as ⟨U+…⟩"));
    }
    if !alike.is_empty() {
        let more = alike.len().saturating_sub(6);
        alike.truncate(6);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        parts.push(format!("characters that look like others: {}{more}", alike.join(", ")));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Whether a letter can stand for a Latin one: Greek, Cyrillic, Armenian, Cherokee, full width, mathematical.
fn imitates(c: char) -> bool {
    matches!(c,
        '\u{370}'..='\u{58f}' | '\u{13a0}'..='\u{13ff}' | '\u{ab70}'..='\u{abbf}' | '\u{ff21}'..='\u{ff5a}'
        | '\u{1d400}'..='\u{1d7ff}')
}

/// What looks like ASCII without being it, in the order in which it stands. In a text of another script, the marks of that
/// script are only its marks.
fn marks(text: &str) -> Vec<char> {
    let chars: Vec<char> = text.chars().collect();
    // The nearest character that is neither white space nor such a mark itself: whether it belongs to another script.
    let of_others = |nearest: &mut bool, c: char| {
        let before = *nearest;
        if !c.is_whitespace() && !is_mark(c) && !is_dash(c) {
            *nearest = !c.is_ascii() && !is_hidden(c);
        }
        before
    };
    let mut nearest = false;
    let before: Vec<bool> = chars.iter().map(|c| of_others(&mut nearest, *c)).collect();
    nearest = false;
    let mut after: Vec<bool> = chars.iter().rev().map(|c| of_others(&mut nearest, *c)).collect();
    after.reverse();
    let begins_option = |at: usize| {
        let follows = at.checked_sub(1).is_none_or(|at| !chars[at].is_alphanumeric());
        let next = chars.get(at + 1).is_some_and(|c| c.is_ascii_alphanumeric() || *c == '-' || is_dash(*c));
        follows && next
    };
    let imitating = chars.iter().enumerate().filter(|(at, c)| {
        (is_mark(**c) && !before[*at] && !after[*at]) || (is_dash(**c) && begins_option(*at))
    });
    imitating.map(|(_, c)| *c).collect()
}

/// Whether it looks like punctuation, or anything else, of ASCII: full width and small forms, slashes, dots, colons.
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{ff01}'..='\u{ff5e}' | '\u{fe50}'..='\u{fe62}' | '\u{fe64}'..='\u{fe6b}' | '\u{37e}' | '\u{2024}'
        | '\u{2044}' | '\u{2215}' | '\u{2216}' | '\u{2217}' | '\u{2223}' | '\u{2236}' | '\u{223c}' | '\u{29f5}'
        | '\u{29f8}' | '\u{a789}')
}

/// Whether it looks like the dash of an option; elsewhere it is a hyphen or a minus.
fn is_dash(c: char) -> bool {
    matches!(c, '\u{2010}' | '\u{2011}' | '\u{2212}' | '\u{fe63}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_is_named() {
        assert_eq!(expose("rm \u{202e}x\u{200b}\u{0}\n\ty\r"), "rm ⟨U+202E⟩x⟨U+200B⟩⟨U+0000⟩\n\ty⟨U+000D⟩");
        assert_eq!(expose("é 👩 ok"), "é 👩 ok");
        assert_eq!(expose("a\u{a0}; b"), "a⟨U+00A0⟩; b");
        assert_eq!(expose_prose("a\u{a0}:\u{3000}b\u{200b}"), "a\u{a0}:\u{3000}b⟨U+200B⟩");
        assert_eq!(warning("ls -la", "sh"), None);
        // A word of one script is only a word.
        assert_eq!(warning("echo привет", "sh"), None);
        assert_eq!(
            warning("cat p\u{430}sswd\u{200b}", "sh").as_deref(),
            Some("1 invisible character, shown as ⟨U+…⟩; characters that look like others: `а` U+0430")
        );
    }

    #[test]
    fn what_looks_like_the_marks_of_a_command_is_named() {
        let alike = |text: &str| warning(text, "sh");
        for (text, named) in [
            ("cat /etc\u{2215}passwd", "`∕` U+2215"),
            ("cat /etc\u{2044}passwd", "`⁄` U+2044"),
            ("rm -rf \u{ff0f}", "`／` U+FF0F"),
            ("curl https\u{ff1a}//example.org", "`：` U+FF1A"),
            ("curl https://example\u{ff0e}org", "`．` U+FF0E"),
            ("curl https://example\u{2024}org", "`․` U+2024"),
            ("ls \u{ff1b} rm x", "`；` U+FF1B"),
            ("ls\u{37e} rm x", "`\u{37e}` U+037E"),
            ("\u{ff52}\u{ff4d} x", "`ｒ` U+FF52, `ｍ` U+FF4D"),
            ("rm \u{2212}rf x", "`−` U+2212"),
            ("git push \u{2010}\u{2010}force", "`‐` U+2010"),
        ] {
            let expected = format!("characters that look like others: {named}");
            assert_eq!(alike(text), Some(expected), "{text}");
        }
        for text in [
            "git commit -m 'fix – it’s “done” — at last…'",
            "git commit -m '修复：登录（新）；完成！'",
            "echo '10 − 5 = 5, 10−5'",
            "echo well\u{2010}known",
        ] {
            assert_eq!(alike(text), None, "{text}");
        }
        // A text has the marks of its own script.
        assert_eq!(warning("+Ｏ（API）", "diff"), None);
    }
}

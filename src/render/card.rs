//! What a permission is for, so that somebody with a phone in one hand decides with open eyes: the command, the change
//! or the input as it would be done, with everything visible that hides, reorders or imitates.

use std::fmt::Write as _;

use unicode_segmentation::UnicodeSegmentation;

use crate::domain::ask::{Ask, AskKind, Change, Grant};
use crate::domain::tool::Tool;

use super::escape::{code_block, code_span, defuse_spoilers, shorten};
use super::markdown::discord_markdown;
use super::message::{File, units};
use super::tool_line;

/// More words than this for what a grant allows do not stand on a card, in UTF-16 units.
const COVERS_UNITS_MAX: usize = 320;

/// A longer name of a tool stands below its beginning, in graphemes; those that the API takes are shorter.
const NAME_CHARS_MAX: usize = 140;

/// What would be done, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The text, with nothing invisible in it.
    pub text: String,
    /// The language of its code block.
    pub language: &'static str,
    /// What its file is called, should it be too long for a message.
    pub file_name: &'static str,
    /// What else the tool is given, a line each, with nothing invisible in it: a command may be told to leave its sandbox.
    pub besides: Vec<String>,
    /// What else stands on its message, where that is too long for it, a line each, with nothing invisible in it.
    pub about: Vec<String>,
    /// What the eye would miss.
    pub warning: Option<String>,
}

impl Card {
    /// All of it, as Discord shows it.
    pub fn markdown(&self) -> String {
        let text = match self.language {
            "md" => defuse_spoilers(&discord_markdown(&self.text)),
            language => code_block(language, &self.text),
        };
        let mut parts = vec![text];
        for (title, lines) in [("With:", &self.besides), ("About it:", &self.about)] {
            if !lines.is_empty() {
                parts.push(format!("{title}\n{}", code_block("", &lines.join("\n"))));
            }
        }
        parts.join("\n")
    }

    /// All of it, as a file.
    pub fn file(self) -> File {
        // Before the command, where no comment of its own can stand.
        let mut text = String::new();
        for line in &self.about {
            let _ = writeln!(text, "# {line}");
        }
        for line in &self.besides {
            let _ = writeln!(text, "# with {line}");
        }
        text.push_str(&self.text);
        File { name: self.file_name.to_owned(), bytes: text.into_bytes() }
    }
}

/// What a permission is for; none for what is asked otherwise.
pub fn of(ask: &Ask) -> Option<Card> {
    let AskKind::Permission { tool, changes, .. } = &ask.kind else { return None };
    let (raw, language, file_name) = match tool {
        Tool::Bash { command, .. } | Tool::Monitor { command, .. } => (command.clone(), "sh", "command.sh"),
        _ if !changes.is_empty() => (diff(tool, changes), "diff", "change.diff"),
        _ => (pretty(&ask.input), "json", "input.json"),
    };
    let name = name(tool);
    let besides = besides(tool, !changes.is_empty(), &ask.input);
    let mut card = shown(&raw, language, file_name);
    card.warning = warning(&format!("{}\n{}\n{raw}", own_name(tool), besides.join("\n")), language);
    card.besides = besides.iter().map(|line| in_a_line(line)).collect();
    if heading(tool) != name {
        card.text = format!("{name}\n{}", card.text);
    }
    Some(card)
}

/// What the tool is called in the question whether it may be used: all of it, but for what no tool is called.
pub fn heading(tool: &Tool) -> String {
    shorten(&name(tool), NAME_CHARS_MAX)
}

/// What the tool is called: of a server's, both names, because it is the second that says what it does.
fn name(tool: &Tool) -> String {
    match tool {
        Tool::Mcp { .. } | Tool::Other { .. } => in_a_line(&own_name(tool)),
        _ => tool_line::name(tool),
    }
}

/// The name that others gave to the tool; empty where it is one of ours.
fn own_name(tool: &Tool) -> String {
    match tool {
        Tool::Mcp { server, tool } => format!("{server}: {tool}"),
        Tool::Other { name } => name.clone(),
        _ => String::new(),
    }
}

/// A plan, whole.
pub fn of_plan(plan: &str) -> Card {
    // Discord knows one line end.
    let text = expose_prose(&plan.replace("\r\n", "\n"));
    Card { text, language: "md", file_name: "plan.md", besides: Vec::new(), about: Vec::new(), warning: None }
}

/// What a server says, whole.
pub fn of_words(message: &str) -> Card {
    let text = expose_prose(&message.replace("\r\n", "\n"));
    Card {
        text,
        language: "",
        file_name: "message.txt",
        besides: Vec::new(),
        about: Vec::new(),
        warning: None,
    }
}

/// A command that somebody wrote in the place of the one that was asked for.
pub fn of_command(command: &str) -> Card {
    shown(command, "sh", "command.sh")
}

fn shown(raw: &str, language: &'static str, file_name: &'static str) -> Card {
    Card {
        text: expose(raw),
        language,
        file_name,
        besides: Vec::new(),
        about: Vec::new(),
        warning: warning(raw, language),
    }
}

/// What the input of a tool holds besides what its card shows in a way of its own.
fn besides(tool: &Tool, is_diff: bool, input: &str) -> Vec<String> {
    let shown: &[&str] = match tool {
        Tool::Bash { .. } | Tool::Monitor { .. } => &["command", "description"],
        _ if is_diff => &["file_path", "old_string", "new_string", "replace_all", "content", "edits"],
        // The whole of it.
        _ => return Vec::new(),
    };
    let input = serde_json::from_str::<serde_json::Map<_, _>>(input).unwrap_or_default();
    let is_shown = |key: &str, value: &serde_json::Value| {
        // A command or a description that is no text is not what the card shows.
        shown.contains(&key) && (is_diff || value.is_string())
    };
    let others = input.iter().filter(|(key, value)| !is_shown(key, value));
    others.map(|(key, value)| format!("{key}: {value}")).collect()
}

/// What Claude says that the tool does: its own words, which nobody has checked.
pub fn said(tool: &Tool) -> Option<&str> {
    match tool {
        Tool::Bash { description, .. } | Tool::Monitor { description, .. } => {
            description.as_deref().filter(|said| !said.trim().is_empty())
        }
        _ => None,
    }
}

/// What a grant allows, in words, whole: a permission of which nobody can see how far it goes is none to give. None where
/// it is more than a card can hold.
pub fn covers(grant: &Grant) -> Option<String> {
    let words = match grant {
        Grant::AcceptEdits => "every edit of a file here".to_owned(),
        Grant::Rules { rules } => {
            let named = rules.iter().map(|rule| match &rule.content {
                Some(content) => code_span(&in_a_line(&format!("{}({content})", rule.tool))),
                None => format!("every use of {}", code_span(&in_a_line(&rule.tool))),
            });
            named.collect::<Vec<_>>().join(", ")
        }
    };
    (units(&words) <= COVERS_UNITS_MAX).then_some(words)
}

/// What may be allowed until the session ends, as far as a card can say it.
pub fn offered(ask: &Ask) -> Option<String> {
    ask.grant().and_then(covers)
}

/// A text in one line in which nothing is lost: what ends lines is visible, too.
pub fn in_a_line(text: &str) -> String {
    expose(text).replace('\n', "⏎").replace('\t', "⇥")
}

/// The changes as people read them; what stays the same around them is not known here.
fn diff(tool: &Tool, changes: &[Change]) -> String {
    let path = match tool {
        Tool::Edit { path } | Tool::Write { path, .. } => path.as_str(),
        _ => "",
    };
    let path = in_a_line(path);
    let mut text = String::new();
    for change in changes {
        let how = match (&change.old, change.everywhere) {
            (None, _) => "the whole file becomes",
            (Some(_), true) => "everywhere",
            (Some(_), false) => "once",
        };
        let _ = writeln!(text, "@@ {path} ({how}) @@");
        let (old, new) = (change.old.as_deref().unwrap_or_default(), change.new.as_str());
        for (sign, side, other) in [('-', old, new), ('+', new, old)] {
            for line in side.split_terminator('\n') {
                text.push(sign);
                text.push_str(line);
                text.push('\n');
            }
            // The last line of one side goes on with what follows it in the file.
            if !side.is_empty() && !side.ends_with('\n') && other.ends_with('\n') {
                text.push_str("\\ no line end\n");
            }
        }
    }
    text
}

/// The input with a line per field; as it is, should it not be JSON.
fn pretty(input: &str) -> String {
    serde_json::from_str::<serde_json::Value>(input)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| input.to_owned())
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
fn warning(text: &str, language: &str) -> Option<String> {
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
        let alike = |text: &str| shown(text, "sh", "command.sh").warning;
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
        assert_eq!(shown("+Ｏ（API）", "diff", "change.diff").warning, None);
    }

    #[test]
    fn a_change_of_line_ends_alone_is_seen() {
        let tool = Tool::Edit { path: "a\n+b.rs".into() };
        let change = |old: &str, new: &str| {
            let change = Change { old: Some(old.into()), new: new.into(), everywhere: false };
            expose(&diff(&tool, &[change])).split_once('\n').map(|(_, lines)| lines.to_owned())
        };
        assert_eq!(change("a\nb\n", "a\r\nb\r\n").as_deref(), Some("-a\n-b\n+a⟨U+000D⟩\n+b⟨U+000D⟩\n"));
        assert_eq!(change("a\n", "a").as_deref(), Some("-a\n+a\n\\ no line end\n"));
        assert_eq!(change("a", "b\n").as_deref(), Some("-a\n\\ no line end\n+b\n"));
        assert_eq!(change("a\n", "").as_deref(), Some("-a\n"));
        assert_eq!(change("a\n\n", "a\n").as_deref(), Some("-a\n-\n+a\n"));
    }

    #[test]
    fn an_edit_is_a_diff() {
        let tool = Tool::Edit { path: "a.rs".into() };
        let change = |old: Option<&str>, everywhere| Change {
            old: old.map(str::to_owned),
            new: "b\nc".into(),
            everywhere,
        };
        assert_eq!(
            diff(&tool, &[change(Some("a"), true), change(None, false)]),
            "@@ a.rs (everywhere) @@\n-a\n+b\n+c\n@@ a.rs (the whole file becomes) @@\n+b\n+c\n"
        );
    }
}

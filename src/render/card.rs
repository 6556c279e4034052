//! What a permission is for, so that somebody with a phone in one hand decides with open eyes: the command, the change
//! or the input as it would be done, with everything visible that hides, reorders or imitates.

use std::fmt::Write as _;

use crate::domain::ask::{Ask, AskKind, Change, Grant};
use crate::domain::tool::Tool;

use super::escape::{code_block, code_span, defuse_spoilers, shorten};
use super::expose::{expose, expose_prose, in_a_line, warning};
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

#[cfg(test)]
mod tests {
    use super::*;

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

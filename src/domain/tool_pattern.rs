//! Tools by name and what they are used on, in the CLI's notation: `Bash`, `Bash(git push:*)`, `Edit(src/**)`,
//! `mcp__forge__*`. Here a pattern names what needs *more* care, so in doubt it fits: it looks at words, not at what a
//! shell would make of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ask::{Ask, AskKind, Grant};
use super::tool::Tool;

/// Which uses of tools are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ToolPattern {
    tool: String,
    content: Option<String>,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no tool; write a name such as \"Write\" or \"Bash(git push:*)\"")]
pub struct NotAPattern(String);

impl FromStr for ToolPattern {
    type Err = NotAPattern;

    fn from_str(text: &str) -> Result<Self, NotAPattern> {
        let wrong = || NotAPattern(text.to_owned());
        let text = text.trim();
        let (tool, content) = match text.split_once('(') {
            None => (text, None),
            Some((tool, rest)) => {
                let content = rest.strip_suffix(')').ok_or_else(wrong)?.trim();
                // Everything of the tool, as without the parentheses.
                (tool, Some(content).filter(|content| !["", "*", ":*", "**"].contains(content)))
            }
        };
        let named = |c: char| c.is_alphanumeric() || "_-*.".contains(c);
        if tool.is_empty() || tool.starts_with('-') || !tool.chars().all(named) {
            return Err(wrong());
        }
        Ok(Self { tool: tool.to_owned(), content: content.map(str::to_owned) })
    }
}

impl TryFrom<String> for ToolPattern {
    type Error = NotAPattern;

    fn try_from(text: String) -> Result<Self, NotAPattern> {
        text.parse()
    }
}

impl From<ToolPattern> for String {
    fn from(pattern: ToolPattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for ToolPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            Some(content) => write!(f, "{}({content})", self.tool),
            None => f.write_str(&self.tool),
        }
    }
}

/// A rule of the CLI's for one of them is one for all.
const EDITS: &[&str] = &["Edit", "MultiEdit", "NotebookEdit", "Write"];
const RUNS: &[&str] = &["Bash", "Monitor"];

impl ToolPattern {
    /// Whether what is asked is meant. Questions, plans and elicitations run nothing.
    pub fn fits(&self, ask: &Ask) -> bool {
        match &ask.kind {
            AskKind::Permission { tool, .. } => self.fits_tool(tool),
            AskKind::Question { .. } | AskKind::Plan { .. } | AskKind::Elicitation { .. } => false,
        }
    }

    /// Whether running this command instead is meant.
    pub fn fits_command(&self, command: &str) -> bool {
        self.fits_tool(&Tool::Bash { command: command.to_owned(), description: None })
    }

    /// Whether what is meant could later go unasked because of this grant: in doubt it could.
    pub fn may_go_unasked(&self, grant: &Grant) -> bool {
        let names = |names: &[&str]| names.iter().any(|name| glob(&self.tool, name));
        match grant {
            // The CLI's mode allows some commands on files as well (rm, mv, sed).
            Grant::AcceptEdits => names(EDITS) || names(RUNS),
            Grant::Rules { rules } => rules.iter().any(|rule| match (rule.tool.as_str(), &rule.content) {
                ("Bash" | "Monitor", Some(command)) if !command.contains('*') => {
                    let (command, description) = (command.clone(), None);
                    self.fits_command(&command) || self.fits_tool(&Tool::Monitor { command, description })
                }
                ("Bash" | "Monitor", _) => names(RUNS),
                ("Edit" | "Write", _) => names(EDITS),
                // A rule for a server is one for each of its tools, and the other way round.
                (tool, _) => names(&[tool]) || self.tool.starts_with(tool) || tool.starts_with(&self.tool),
            }),
        }
    }

    fn fits_tool(&self, tool: &Tool) -> bool {
        let (names, on) = names_and_content(tool);
        if !names.iter().any(|name| glob(&self.tool, name)) {
            return false;
        }
        let Some(content) = &self.content else { return true };
        if let Tool::Bash { .. } | Tool::Monitor { .. } = tool {
            return runs(content, &on);
        }
        let content = content.strip_prefix("domain:").unwrap_or(content);
        let content = content.trim_start_matches("./").trim_start_matches('/');
        glob(content, on.trim_start_matches("./"))
            || glob(&format!("*{content}"), &on)
            || on.contains(content)
    }
}

/// The CLI's names of a tool that has a look of its own (some share one), and what it is used on.
fn names_and_content(tool: &Tool) -> (Vec<String>, String) {
    let of = |names: &[&str], on: &str| (names.iter().map(|&name| name.to_owned()).collect(), on.to_owned());
    match tool {
        Tool::Bash { command, .. } => of(&["Bash"], command),
        Tool::Monitor { command, .. } => of(RUNS, command),
        Tool::Read { path } => of(&["Read", "NotebookRead"], path),
        Tool::Edit { path } => of(&["Edit", "MultiEdit", "NotebookEdit"], path),
        Tool::Write { path, .. } => of(&["Write"], path),
        Tool::Search { pattern, path } => of(&["Glob", "Grep", "LS"], path.as_deref().unwrap_or(pattern)),
        Tool::Fetch { url } => of(&["WebFetch"], url),
        Tool::WebSearch { query } => of(&["WebSearch"], query),
        Tool::Agent { description, .. } => of(&["Agent", "Task"], description),
        Tool::Todo { subject } => {
            of(&["TodoWrite", "TaskCreate", "TaskUpdate"], subject.as_deref().unwrap_or_default())
        }
        Tool::Skill { name } => of(&["Skill", "SlashCommand"], name),
        Tool::Question { question } => of(&["AskUserQuestion"], question),
        Tool::Plan => of(&["ExitPlanMode", "EnterPlanMode"], ""),
        Tool::Mcp { server, tool } => of(&[&format!("mcp__{server}__{tool}"), &format!("mcp__{server}")], ""),
        Tool::Other { name } => of(&[name], ""),
    }
}

/// Whether the words of the pattern stand together anywhere in the command: alone, after `cd x &&`, in quotes.
fn runs(pattern: &str, command: &str) -> bool {
    let pattern = pattern.strip_suffix(":*").or_else(|| pattern.strip_suffix(" *")).unwrap_or(pattern);
    let (wanted, there) = (words(pattern), words(command));
    !wanted.is_empty()
        && there.windows(wanted.len()).any(|there| {
            there.iter().zip(&wanted).all(|(there, wanted)| {
                // A program may be named by its path.
                glob(wanted, there) || there.rsplit('/').next().is_some_and(|name| glob(wanted, name))
            })
        })
}

fn words(text: &str) -> Vec<String> {
    let plain: String = text.chars().filter(|c| !matches!(c, '"' | '\'' | '\\')).collect();
    let between = |c: char| c.is_whitespace() || ";&|()`{}<>$".contains(c);
    plain.split(between).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// `*` stands for anything, `**` as well.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ask::Rule;

    fn fits(pattern: &str, tool: &Tool) -> bool {
        pattern.parse::<ToolPattern>().expect("a pattern").fits_tool(tool)
    }

    fn bash(command: &str) -> Tool {
        Tool::Bash { command: command.to_owned(), description: None }
    }

    #[test]
    fn commands_by_their_words() {
        for command in [
            "git push",
            "git push origin main --force",
            "cd x && git   push",
            "/usr/bin/git push",
            "sh -c 'git push'",
            "\"git\" push;ls",
            "(git push)",
            "FOO=1 git\tpush",
            "g\\it push",
        ] {
            assert!(fits("Bash(git push:*)", &bash(command)), "{command}");
            assert!(fits("Bash(git push *)", &bash(command)) && fits("Bash", &bash(command)), "{command}");
        }
        for command in ["git status", "echo pushed", "git", "push git"] {
            assert!(!fits("Bash(git push:*)", &bash(command)), "{command}");
        }
        assert!(!fits("Write", &bash("git push")));
    }

    #[test]
    fn what_a_grant_could_let_through() {
        let push: ToolPattern = "Bash(git push:*)".parse().expect("a pattern");
        let grant = |tool: &str, content: Option<&str>| Grant::Rules {
            rules: vec![Rule { tool: tool.to_owned(), content: content.map(str::to_owned) }],
        };
        for content in [None, Some("git:*"), Some("git push:*"), Some("git push origin"), Some("sh -c *")] {
            assert!(push.may_go_unasked(&grant("Bash", content)), "{content:?}");
        }
        assert!(!push.may_go_unasked(&grant("Bash", Some("npm test"))));
        assert!(!push.may_go_unasked(&grant("Write", None)));
        for content in [None, Some("git push:*"), Some("git push origin")] {
            assert!(push.may_go_unasked(&grant("Monitor", content)), "{content:?}");
        }
        assert!(!push.may_go_unasked(&grant("Monitor", Some("tail -f log"))));
        let monitor: ToolPattern = "Monitor(git push:*)".parse().expect("a pattern");
        assert!(monitor.may_go_unasked(&grant("Bash", Some("git push origin"))));
        assert!(monitor.may_go_unasked(&grant("Bash", None)));
        assert!(push.may_go_unasked(&Grant::AcceptEdits));
        let fetch: ToolPattern = "WebFetch".parse().expect("a pattern");
        assert!(!fetch.may_go_unasked(&Grant::AcceptEdits) && fetch.may_go_unasked(&grant("WebFetch", None)));
        let forge: ToolPattern = "mcp__forge__merge".parse().expect("a pattern");
        assert!(forge.may_go_unasked(&grant("mcp__forge__merge", None)));
        assert!(forge.may_go_unasked(&grant("mcp__forge", None)));
        assert!(!forge.may_go_unasked(&grant("mcp__wiki", None)));
    }

    #[test]
    fn files_addresses_and_servers() {
        let edit = Tool::Edit { path: "src/a/b.rs".to_owned() };
        assert!(fits("Edit(src/**)", &edit) && fits("Edit(*.rs)", &edit) && fits("NotebookEdit", &edit));
        assert!(!fits("Edit(docs/**)", &edit) && !fits("Write", &edit));
        let fetch = Tool::Fetch { url: "https://example.org/a".to_owned() };
        assert!(fits("WebFetch(domain:example.org)", &fetch) && !fits("WebFetch(domain:other.org)", &fetch));
        let mcp = Tool::Mcp { server: "forge".to_owned(), tool: "merge".to_owned() };
        assert!(fits("mcp__forge__merge", &mcp) && fits("mcp__forge", &mcp) && fits("mcp__*", &mcp));
        assert!(!fits("mcp__wiki__*", &mcp));
    }

    #[test]
    fn what_names_no_tool_is_refused() {
        for text in ["", "  ", "(x)", "--bare", "Bash(git", "Ba sh"] {
            assert!(text.parse::<ToolPattern>().is_err(), "{text:?}");
        }
        for text in ["Bash", "Bash(git push:*)", "mcp__a__*"] {
            assert_eq!(text.parse::<ToolPattern>().expect("a pattern").to_string(), text);
        }
    }
}

//! A rule in the CLI's notation: `Bash(git push:*)`, `Edit(src/**)`, `WebFetch(domain:example.org)`, `mcp__forge__*`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::paths;

/// The CLI's tools that change files: a rule for `Edit` covers all of them.
pub(super) const EDITING: &[&str] = &["Edit", "Write", "MultiEdit", "NotebookEdit"];
/// The CLI's tools that read files: a rule for `Read` covers all of them.
pub(super) const READING: &[&str] = &["Read", "Grep", "Glob", "LS", "NotebookRead"];
/// The CLI's tools that run a command of a shell: a rule for `Bash` covers all of them.
pub(super) const RUNNING: &[&str] = &["Bash", "Monitor"];

/// Which uses of a tool are meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rule {
    /// The tool's name, or a pattern of names (`mcp__forge__*`).
    tool: String,
    /// What it is used on; none: anything.
    content: Option<String>,
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotARule {
    /// There is no name of a tool.
    #[error(
        "{0:?} names no tool; write \"Bash(git push:*)\", \"Edit(src/**)\", \"WebFetch(domain:example.org)\" or a name alone"
    )]
    NoTool(String),
    /// The parentheses are not closed, or something stands behind them.
    #[error("{0:?} does not end with its closing parenthesis; write it like \"Bash(git push:*)\"")]
    Open(String),
    /// The pattern of files cannot be read.
    #[error("{0:?} holds no pattern of files; write one as in a .gitignore, such as \"Edit(src/**)\"")]
    Glob(String),
    /// The domain is missing.
    #[error("{0:?} names no domain; write \"WebFetch(domain:example.org)\"")]
    Domain(String),
}

impl FromStr for Rule {
    type Err = NotARule;

    fn from_str(text: &str) -> Result<Self, NotARule> {
        let whole = || text.to_owned();
        let trimmed = text.trim();
        let (tool, content) = match trimmed.split_once('(') {
            None => (trimmed, None),
            Some((tool, rest)) => {
                let content = rest.strip_suffix(')').ok_or_else(|| NotARule::Open(whole()))?.trim();
                (tool, Some(content).filter(|content| !["", "*", ":*", "**"].contains(content)))
            }
        };
        let named = |c: char| c.is_ascii_alphanumeric() || "_-*.".contains(c);
        if !tool.starts_with(|c: char| c.is_ascii_alphabetic()) || !tool.chars().all(named) {
            return Err(NotARule::NoTool(whole()));
        }
        let of_files = EDITING.contains(&tool) || READING.contains(&tool);
        if let Some(content) = content {
            if of_files && paths::file_patterns(content, "/", None).len() < 2 {
                return Err(NotARule::Glob(whole()));
            }
            if tool == "WebFetch" && content.strip_prefix("domain:").is_none_or(str::is_empty) {
                return Err(NotARule::Domain(whole()));
            }
        }
        Ok(Self { tool: tool.to_owned(), content: content.map(str::to_owned) })
    }
}

impl TryFrom<String> for Rule {
    type Error = NotARule;

    fn try_from(text: String) -> Result<Self, NotARule> {
        text.parse()
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> Self {
        rule.to_string()
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            Some(content) => write!(f, "{}({content})", self.tool),
            None => f.write_str(&self.tool),
        }
    }
}

impl Rule {
    /// Whether the rule is for this tool.
    pub(super) fn is_for(&self, tool: &str) -> bool {
        let family = |name: &str, tools: &[&str]| self.tool == name && tools.contains(&tool);
        let server = self.tool.starts_with("mcp__") && !self.tool[5..].contains("__");
        wildcard(&self.tool, tool)
            || family("Edit", EDITING)
            || family("Read", READING)
            || (server && tool.strip_prefix(&self.tool).is_some_and(|rest| rest.starts_with("__")))
            || (self.tool == "Task" && tool == "Agent")
            || family("Bash", RUNNING)
    }

    /// Whether it means every use of its tools.
    pub(super) fn is_bare(&self) -> bool {
        self.content.is_none()
    }

    /// Whether it covers a command, or a part of one.
    pub(super) fn covers_command(&self, command: &str) -> bool {
        let Some(content) = &self.content else { return true };
        if let Some(prefix) = content.strip_suffix(":*") {
            return command
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n']));
        }
        wildcard(content, command) || content.strip_suffix(" *").is_some_and(|bare| wildcard(bare, command))
    }

    /// Whether it is a command to the letter.
    pub(super) fn is_exactly(&self, command: &str) -> bool {
        self.content.as_deref().is_some_and(|content| !content.contains('*') && content == command)
    }

    /// Whether it covers a file, by its absolute path.
    pub(super) fn covers_file(&self, path: &str, dir: &str, home: Option<&str>) -> bool {
        let Some(content) = &self.content else { return true };
        paths::file_patterns(content, dir, home).iter().any(|pattern| pattern.is_match(path))
    }

    /// Whether it covers a host: the domain itself and what is below it.
    pub(super) fn covers_host(&self, host: &str) -> bool {
        let Some(content) = &self.content else { return true };
        let domain = content.strip_prefix("domain:").unwrap_or(content);
        let domain = domain.strip_prefix("*.").unwrap_or(domain).to_ascii_lowercase();
        let host = host.to_ascii_lowercase();
        wildcard(&domain, &host) || host.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.'))
    }

    /// Whether it covers whatever else a tool is used on, given as text.
    pub(super) fn covers_text(&self, text: &str) -> bool {
        self.content.as_deref().is_none_or(|content| wildcard(content, text))
    }
}

/// `*` stands for any text.
fn wildcard(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<_> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

//! One look per tool. To give a new tool its own: a variant of [`Tool`], an arm in [`icon`], one in [`words`], one in
//! [`name`], and a line in the snapshot below.

use super::escape::{code_span, escape, one_line, shorten_start};
use crate::domain::tool::{Tool, ToolUse};

/// The longest tool line in visible characters.
pub const LINE_CHARS_MAX: usize = 80;

/// Room for what varies, next to the icon, the name and a mark.
const SUBJECT_CHARS_MAX: usize = 60;

/// One short line of Discord markdown, without the `-# ` of a subtext.
pub fn tool_line(tool: &Tool) -> String {
    format!("{} {}", icon(tool), words(tool))
}

/// As [`tool_line`]; the tools of a sub-agent are indented below it.
pub fn tool_use_line(tool_use: &ToolUse) -> String {
    let line = tool_line(&tool_use.tool);
    if tool_use.parent.is_some() { format!("↳ {line}") } else { line }
}

/// The tool in words, without its icon.
pub fn words(tool: &Tool) -> String {
    let name = name(tool);
    match tool {
        Tool::Bash { command, .. } | Tool::Monitor { command, .. } => {
            format!("{name}: {}", code_line(command))
        }
        Tool::Read { path } | Tool::Edit { path } | Tool::Write { path, lines: 0 } => {
            format!("{name} {}", code_path(path))
        }
        Tool::Write { path, lines } => {
            let s = if *lines == 1 { "" } else { "s" };
            format!("{name} {} ({lines} line{s})", code_span(&shorten_start(&one_line(path, 400), 45)))
        }
        Tool::Search { pattern, path: None } => format!("{name} {}", code_line(pattern)),
        Tool::Search { pattern, path: Some(path) } => {
            let pattern = code_span(&one_line(pattern, 34));
            format!("{name} {pattern} in {}", code_span(&shorten_start(&one_line(path, 400), 24)))
        }
        Tool::Fetch { url } => {
            let bare = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url);
            format!("{name} {}", code_line(bare))
        }
        Tool::WebSearch { query } => format!("{name} {}", code_line(query)),
        Tool::Agent { description, kind: None } => {
            format!("{name}: {}", plain(description, SUBJECT_CHARS_MAX))
        }
        Tool::Agent { description, kind: Some(kind) } => {
            format!("{name} ({}): {}", plain(kind, 20), plain(description, 40))
        }
        Tool::Todo { subject: None } | Tool::Plan => name,
        Tool::Todo { subject: Some(subject) } => format!("{name}: {}", plain(subject, SUBJECT_CHARS_MAX)),
        Tool::Skill { name: skill } => format!("{name} {}", code_span(&one_line(skill, 40))),
        Tool::Question { question } => format!("{name}: {}", plain(question, SUBJECT_CHARS_MAX)),
        Tool::Mcp { server, tool } => format!("{}: {}", plain(server, 30), plain(tool, 40)),
        Tool::Other { .. } => plain(&name, SUBJECT_CHARS_MAX),
    }
}

/// What the tool is called where several are counted: `Read ×7`.
pub fn name(tool: &Tool) -> String {
    let name = match tool {
        Tool::Bash { .. } => "Bash",
        Tool::Monitor { .. } => "Monitor",
        Tool::Read { .. } => "Read",
        Tool::Edit { .. } => "Edit",
        Tool::Write { .. } => "Write",
        Tool::Search { .. } => "Search",
        Tool::Fetch { .. } => "Fetch",
        Tool::WebSearch { .. } => "Web search",
        Tool::Agent { .. } => "Agent",
        Tool::Todo { .. } => "Tasks",
        Tool::Skill { .. } => "Skill",
        Tool::Question { .. } => "Question",
        Tool::Plan => "Plan",
        Tool::Mcp { server, .. } => return one_line(server, 30),
        Tool::Other { name } => return one_line(name, SUBJECT_CHARS_MAX),
    };
    name.to_owned()
}

fn icon(tool: &Tool) -> &'static str {
    match tool {
        Tool::Bash { .. } => "💻",
        Tool::Monitor { .. } => "📡",
        Tool::Read { .. } => "📖",
        Tool::Edit { .. } => "✏️",
        Tool::Write { .. } => "📝",
        Tool::Search { .. } => "🔎",
        Tool::Fetch { .. } => "🌐",
        Tool::WebSearch { .. } => "🌍",
        Tool::Agent { .. } => "🤖",
        Tool::Todo { .. } => "☑️",
        Tool::Skill { .. } => "🧩",
        Tool::Question { .. } => "❓",
        Tool::Plan => "📋",
        Tool::Mcp { .. } => "🔌",
        Tool::Other { .. } => "🔧",
    }
}

fn code_line(text: &str) -> String {
    // A second line of a command is worth a mark: `cd x\nrm -rf .` is not `cd x`.
    let shown =
        text.trim().lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ⏎ ");
    code_span(&one_line(&shown, SUBJECT_CHARS_MAX))
}

fn code_path(path: &str) -> String {
    code_span(&shorten_start(&one_line(path, 400), SUBJECT_CHARS_MAX))
}

fn plain(text: &str, chars_max: usize) -> String {
    escape(&one_line(text, chars_max))
}

#[cfg(test)]
mod tests;

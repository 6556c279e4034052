//! A tool's input JSON → what people want to know of it. A new tool: an arm here, a variant in `domain/tool.rs`, a look
//! in `render/tool_line.rs`.

use serde_json::Value;

use crate::domain::tool::Tool;

/// What a use of the tool `name` with this input does. Paths inside `cwd` become relative to it. Never fails: what is
/// missing in the input is empty.
pub fn tool_of(name: &str, input: &Value, cwd: &str) -> Tool {
    let text = |key: &str| input.get(key).and_then(Value::as_str).map(str::to_owned);
    let path = |keys: &[&str]| keys.iter().find_map(|key| text(key)).map(|path| relative(&path, cwd));
    match name {
        "Bash" => {
            Tool::Bash { command: text("command").unwrap_or_default(), description: text("description") }
        }
        "Monitor" => match text("command") {
            Some(command) => Tool::Monitor { command, description: text("description") },
            None => Tool::Other { name: name.to_owned() },
        },
        "Read" | "NotebookRead" => {
            Tool::Read { path: path(&["file_path", "notebook_path"]).unwrap_or_default() }
        }
        "Edit" | "MultiEdit" | "NotebookEdit" => {
            Tool::Edit { path: path(&["file_path", "notebook_path"]).unwrap_or_default() }
        }
        "Write" => Tool::Write {
            path: path(&["file_path"]).unwrap_or_default(),
            lines: text("content").map_or(0, |content| content.lines().count()),
        },
        "Glob" | "Grep" => {
            Tool::Search { pattern: text("pattern").unwrap_or_default(), path: path(&["path"]) }
        }
        "LS" => Tool::Search { pattern: "*".to_owned(), path: path(&["path"]) },
        "WebFetch" => Tool::Fetch { url: text("url").unwrap_or_default() },
        "WebSearch" => Tool::WebSearch { query: text("query").unwrap_or_default() },
        "Agent" | "Task" => {
            Tool::Agent { description: text("description").unwrap_or_default(), kind: text("subagent_type") }
        }
        "TodoWrite" | "TaskCreate" | "TaskUpdate" | "TaskList" | "TaskGet" => {
            Tool::Todo { subject: text("subject").or_else(|| todo_in_progress(input)) }
        }
        "Skill" => Tool::Skill { name: text("skill").or_else(|| text("command")).unwrap_or_default() },
        "SlashCommand" => Tool::Skill { name: text("command").unwrap_or_default() },
        "AskUserQuestion" => Tool::Question { question: first_question(input).unwrap_or_default() },
        "EnterPlanMode" | "ExitPlanMode" => Tool::Plan,
        _ => mcp(name).unwrap_or_else(|| Tool::Other { name: name.to_owned() }),
    }
}

/// `path` as seen from `cwd`, where it lies inside and does not climb out again.
fn relative(path: &str, cwd: &str) -> String {
    let inside = (cwd.len() > 1).then(|| path.strip_prefix(cwd.trim_end_matches('/'))).flatten();
    match inside {
        Some("" | "/") => ".".to_owned(),
        Some(rest) if rest.starts_with('/') && !rest.split('/').any(|part| part == "..") => {
            rest.trim_start_matches('/').to_owned()
        }
        _ => path.to_owned(),
    }
}

fn mcp(name: &str) -> Option<Tool> {
    let (server, tool) = name.strip_prefix("mcp__")?.split_once("__")?;
    Some(Tool::Mcp { server: server.to_owned(), tool: tool.to_owned() })
}

fn first_question(input: &Value) -> Option<String> {
    input.get("questions")?.get(0)?.get("question")?.as_str().map(str::to_owned)
}

/// `TodoWrite` gives the whole list each time: the item in progress is what matters.
fn todo_in_progress(input: &Value) -> Option<String> {
    let todos = input.get("todos")?.as_array()?;
    let current =
        todos.iter().find(|todo| todo.get("status").and_then(Value::as_str) == Some("in_progress"))?;
    current.get("content")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tool_keeps_a_name_that_rules_know() {
        let names =
            ["Bash", "Read", "Edit", "Write", "Grep", "WebFetch", "Agent", "Skill", "mcp__a__b", "Monitor"];
        for name in names {
            assert_eq!(tool_of(name, &json!({}), "/srv").cli_name(), name);
        }
    }

    #[test]
    fn inputs_become_tools() {
        let cases = [
            ("Read", json!({"file_path": "/srv/p/src/a.rs"}), Tool::Read { path: "src/a.rs".into() }),
            ("Read", json!({"file_path": "/srv/pp/a.rs"}), Tool::Read { path: "/srv/pp/a.rs".into() }),
            ("Read", json!({"file_path": "/srv/p/../x"}), Tool::Read { path: "/srv/p/../x".into() }),
            ("Read", json!({"file_path": 7}), Tool::Read { path: String::new() }),
            (
                "Grep",
                json!({"pattern": "x", "path": "/srv/p"}),
                Tool::Search { pattern: "x".into(), path: Some(".".into()) },
            ),
            (
                "Write",
                json!({"file_path": "a", "content": "1\n2\n"}),
                Tool::Write { path: "a".into(), lines: 2 },
            ),
            (
                "mcp__git_hub__open_pr",
                json!({}),
                Tool::Mcp { server: "git_hub".into(), tool: "open_pr".into() },
            ),
            ("mcp__broken", json!(null), Tool::Other { name: "mcp__broken".into() }),
            (
                "Monitor",
                json!({"command": "tail -f log", "persistent": true}),
                Tool::Monitor { command: "tail -f log".into(), description: None },
            ),
            ("Monitor", json!({"ws": {}}), Tool::Other { name: "Monitor".into() }),
            ("Novel", json!([]), Tool::Other { name: "Novel".into() }),
            ("TaskCreate", json!({"subject": "First"}), Tool::Todo { subject: Some("First".into()) }),
            (
                "TodoWrite",
                json!({"todos": [{"content": "a", "status": "completed"}, {"content": "b", "status": "in_progress"}]}),
                Tool::Todo { subject: Some("b".into()) },
            ),
        ];
        for (name, input, expected) in cases {
            assert_eq!(tool_of(name, &input, "/srv/p"), expected);
        }
    }
}

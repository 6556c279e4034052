//! A tool that Claude uses, as far as people want to know it.

use serde::{Deserialize, Serialize};

/// One use of a tool. The CLI's own input JSON stays in `claude/`; what is shown is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolUse {
    /// The CLI's id of this use (`toolu_…`).
    pub id: String,
    /// The tool and what it is used on.
    pub tool: Tool,
    /// The id of the Agent tool use that this one belongs to, when a sub-agent uses it.
    pub parent: Option<String>,
}

/// The tools of the CLI that have a look of their own, and the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Tool {
    /// `Bash`.
    Bash {
        /// The whole command.
        command: String,
        /// What Claude says that it does.
        description: Option<String>,
    },
    /// `Monitor`, where it watches what a command says.
    Monitor {
        /// The whole command.
        command: String,
        /// What Claude says that it does.
        description: Option<String>,
    },
    /// `Read`, `NotebookRead`.
    Read {
        /// The file, relative to the project where it lies inside.
        path: String,
    },
    /// `Edit`, `MultiEdit`, `NotebookEdit`.
    Edit {
        /// The file, relative to the project where it lies inside.
        path: String,
    },
    /// `Write`.
    Write {
        /// The file, relative to the project where it lies inside.
        path: String,
        /// How many lines it gets.
        lines: usize,
    },
    /// `Glob`, `Grep`, `LS`.
    Search {
        /// The pattern.
        pattern: String,
        /// Where, if it was said.
        path: Option<String>,
    },
    /// `WebFetch`.
    Fetch {
        /// The address.
        url: String,
    },
    /// `WebSearch`.
    WebSearch {
        /// The query.
        query: String,
    },
    /// `Agent` (listed as `Task`).
    Agent {
        /// What it is for, in a few words.
        description: String,
        /// The kind of agent.
        kind: Option<String>,
    },
    /// `TodoWrite`, `TaskCreate`, `TaskUpdate`, `TaskList`, `TaskGet`.
    Todo {
        /// The subject of the item, where there is one.
        subject: Option<String>,
    },
    /// `Skill`, `SlashCommand`.
    Skill {
        /// Its name.
        name: String,
    },
    /// `AskUserQuestion`.
    Question {
        /// The first question.
        question: String,
    },
    /// `EnterPlanMode`, `ExitPlanMode`.
    Plan,
    /// A tool of an MCP server, `mcp__server__tool`.
    Mcp {
        /// The server.
        server: String,
        /// The tool.
        tool: String,
    },
    /// Any other.
    Other {
        /// Its name.
        name: String,
    },
}

impl Tool {
    /// What the CLI calls it, or a tool that is used on the same: rules are for such names.
    pub fn cli_name(&self) -> String {
        let name = match self {
            Tool::Bash { .. } => "Bash",
            Tool::Monitor { .. } => "Monitor",
            Tool::Read { .. } => "Read",
            Tool::Edit { .. } => "Edit",
            Tool::Write { .. } => "Write",
            Tool::Search { .. } => "Grep",
            Tool::Fetch { .. } => "WebFetch",
            Tool::WebSearch { .. } => "WebSearch",
            Tool::Agent { .. } => "Agent",
            Tool::Todo { .. } => "TodoWrite",
            Tool::Skill { .. } => "Skill",
            Tool::Question { .. } => "AskUserQuestion",
            Tool::Plan => "ExitPlanMode",
            Tool::Mcp { server, tool } => return format!("mcp__{server}__{tool}"),
            Tool::Other { name } => name,
        };
        name.to_owned()
    }

    /// Whether this tool can only look. Everything else is taken to change something (RELIABILITY §6.3).
    pub fn is_read_only(&self) -> bool {
        match self {
            Tool::Read { .. }
            | Tool::Search { .. }
            | Tool::Fetch { .. }
            | Tool::WebSearch { .. }
            | Tool::Todo { .. }
            | Tool::Question { .. }
            | Tool::Plan => true,
            Tool::Bash { .. }
            | Tool::Monitor { .. }
            | Tool::Edit { .. }
            | Tool::Write { .. }
            | Tool::Agent { .. }
            | Tool::Skill { .. }
            | Tool::Mcp { .. }
            | Tool::Other { .. } => false,
        }
    }
}

//! A question of the CLI that waits for a person.

use serde::{Deserialize, Serialize};

use super::tool::Tool;

/// A question that waits for a person. The CLI's request stays open until it is answered or withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The CLI's id of the request; the answer carries it.
    pub request: String,
    /// The tool use that waits (`toolu_…`), if the CLI names one.
    pub tool_use: Option<String>,
    /// What is asked.
    pub kind: AskKind,
    /// The whole input of the tool as JSON text: what an answer must echo, and what a person must be able to see.
    pub input: String,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum AskKind {
    /// May this tool be used? (`can_use_tool`)
    Permission {
        /// The tool and what on.
        tool: Tool,
        /// The CLI's reason for asking, if it gives one.
        reason: Option<String>,
        /// The path that is out of bounds, if that is the reason.
        blocked_path: Option<String>,
    },
    /// One to four questions with options (`AskUserQuestion`).
    Question {
        /// The questions.
        questions: Vec<Question>,
    },
    /// Is this plan good? (`ExitPlanMode`)
    Plan {
        /// The plan, Markdown.
        plan: String,
    },
    /// An MCP server asks the user (`elicitation`).
    Elicitation {
        /// The server.
        server: String,
        /// What it says.
        message: String,
    },
}

/// One question with its options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The question; its text is the key of the answer.
    pub question: String,
    /// A few words to head it.
    pub header: String,
    /// Labels of the options.
    pub options: Vec<String>,
    /// Whether several may be chosen.
    pub multiple: bool,
}

/// What a person (or the lack of one) says to an [`Ask`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// Go ahead, with the input as it was asked.
    Allow,
    /// No, and Claude is told why.
    Deny {
        /// The reason, in words for Claude.
        message: String,
    },
}

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
        /// The directory that the CLI works in.
        #[serde(default)]
        dir: String,
        /// What an edit or a write would change, in order; empty for any other tool.
        #[serde(default)]
        changes: Vec<Change>,
        /// What may be allowed until the session ends, so that the same is not asked again; none: only this once.
        #[serde(default)]
        grant: Option<Grant>,
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

/// A change of a file that a tool would make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The text that goes; none where the whole file is written.
    pub old: Option<String>,
    /// The text that comes.
    pub new: String,
    /// Whether it is done at each place where the old text stands.
    pub everywhere: bool,
}

/// What may be allowed until the session ends: one of the CLI's suggestions (its README §6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "grant", rename_all = "snake_case")]
pub enum Grant {
    /// Every use that one of these rules covers.
    Rules {
        /// The rules, at least one.
        rules: Vec<Rule>,
    },
    /// Every edit of a file in the CLI's directories: its mode `acceptEdits`.
    AcceptEdits,
}

/// A rule of the CLI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The tool's name.
    pub tool: String,
    /// What it covers of the tool, in the CLI's notation; none: all of it.
    pub content: Option<String>,
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
    /// Go ahead, and do not ask again for what the ask's [`Grant`] covers.
    AllowForSession,
    /// No, and Claude is told why.
    Deny {
        /// The reason, in words for Claude.
        message: String,
    },
}

impl Ask {
    /// Whether a person can answer it from Discord. What nobody can answer is denied at once.
    pub fn is_for_people(&self) -> bool {
        match self.kind {
            AskKind::Permission { .. } => true,
            AskKind::Question { .. } | AskKind::Plan { .. } | AskKind::Elicitation { .. } => false,
        }
    }

    /// What may be allowed until the session ends.
    pub fn grant(&self) -> Option<&Grant> {
        match &self.kind {
            AskKind::Permission { grant, .. } => grant.as_ref(),
            AskKind::Question { .. } | AskKind::Plan { .. } | AskKind::Elicitation { .. } => None,
        }
    }
}

impl Answer {
    /// Whether it lets the CLI go ahead.
    pub fn allows(&self) -> bool {
        match self {
            Answer::Allow | Answer::AllowForSession => true,
            Answer::Deny { .. } => false,
        }
    }
}

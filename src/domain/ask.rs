//! A question of the CLI that waits for a person. What is said to it is in [`answer`](super::answer).

use serde::{Deserialize, Serialize};

use super::tool::Tool;

/// More options than this are a menu: three rows of buttons, with room for *Other…*.
const ONE_TAP_OFFERS_MAX: usize = 14;

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
        /// What it wants to be told; none: yes or no is all.
        #[serde(default)]
        fields: Vec<Field>,
        /// Why nobody can answer it from a chat, if so.
        #[serde(default)]
        unfit: Option<String>,
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
    /// What there is to choose from.
    pub options: Vec<Offer>,
    /// Whether several may be chosen.
    pub multiple: bool,
}

/// One option of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// What it is called; the answer carries it.
    pub label: String,
    /// What it means; may be empty.
    #[serde(default)]
    pub description: String,
    /// What it would look like, as text of several lines.
    #[serde(default)]
    pub preview: Option<String>,
}

/// One thing that an MCP server wants to be told (MCP: client/elicitation, a property of the requested schema).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its key in the answer.
    pub name: String,
    /// What it is called.
    pub title: String,
    /// What it means; may be empty.
    pub description: String,
    /// What may be written.
    pub kind: FieldKind,
    /// Whether it must be told.
    pub required: bool,
    /// What it is if nobody says otherwise, as text.
    pub default: Option<String>,
}

/// What may be written into a [`Field`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "field", rename_all = "snake_case")]
pub enum FieldKind {
    /// Any text of so many characters.
    Text {
        /// At least.
        min: Option<u64>,
        /// At most.
        max: Option<u64>,
    },
    /// A number between two others, which are decimal text: exact, and comparable.
    Number {
        /// Whether it has no fraction.
        whole: bool,
        /// The smallest.
        min: Option<String>,
        /// The largest.
        max: Option<String>,
    },
    /// Yes or no.
    YesNo,
    /// One of these values; each with the word that people know it by.
    OneOf {
        /// Value and word.
        values: Vec<(String, String)>,
    },
}

impl Ask {
    /// Whether a person can answer it from Discord. What nobody can answer is denied at once.
    pub fn is_for_people(&self) -> bool {
        match &self.kind {
            AskKind::Permission { .. } | AskKind::Question { .. } | AskKind::Plan { .. } => true,
            AskKind::Elicitation { unfit, .. } => unfit.is_none(),
        }
    }

    /// What may be allowed until the session ends.
    pub fn grant(&self) -> Option<&Grant> {
        match &self.kind {
            AskKind::Permission { grant, .. } => grant.as_ref(),
            AskKind::Plan { .. } => Some(&Grant::AcceptEdits),
            AskKind::Question { .. } | AskKind::Elicitation { .. } => None,
        }
    }

    /// The command that would run, where the ask is for one: it may be edited.
    pub fn command(&self) -> Option<&str> {
        match &self.kind {
            AskKind::Permission { tool: Tool::Bash { command, .. }, .. } => Some(command),
            AskKind::Permission { .. }
            | AskKind::Question { .. }
            | AskKind::Plan { .. }
            | AskKind::Elicitation { .. } => None,
        }
    }

    /// Its questions; none where it is another kind of ask.
    pub fn questions(&self) -> &[Question] {
        match &self.kind {
            AskKind::Question { questions } => questions,
            AskKind::Permission { .. } | AskKind::Plan { .. } | AskKind::Elicitation { .. } => &[],
        }
    }

    /// Whether one tap answers it: a single question of which one option is chosen.
    pub fn is_one_tap(&self) -> bool {
        matches!(self.questions(), [only] if !only.multiple && only.options.len() <= ONE_TAP_OFFERS_MAX)
    }
}

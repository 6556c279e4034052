//! What is said to an [`Ask`](super::ask::Ask): by a person in the chat, step by step, and to the CLI in the end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What the CLI gets: what a person (or the lack of one) decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// Go ahead, with the input as it was asked.
    Allow,
    /// Go ahead, and do not ask again for what the ask's [`Grant`](super::ask::Grant) covers.
    AllowForSession,
    /// Go ahead, with this command in the place of the one that was asked for.
    AllowEdited {
        /// The command that runs.
        command: String,
    },
    /// The questions are answered.
    Chosen {
        /// The answer to each question, in their order.
        answers: Vec<String>,
    },
    /// The form of an MCP server is filled in.
    Filled {
        /// A JSON object.
        content: String,
    },
    /// No, and Claude is told why.
    Deny {
        /// The reason, in words for Claude.
        message: String,
    },
    /// No, and Claude is told what a person had to say about it.
    DenyBecause {
        /// Their name.
        by: String,
        /// Their words.
        words: String,
    },
}

impl Answer {
    /// Whether it lets the CLI go ahead.
    pub fn allows(&self) -> bool {
        match self {
            Answer::Allow
            | Answer::AllowForSession
            | Answer::AllowEdited { .. }
            | Answer::Chosen { .. }
            | Answer::Filled { .. } => true,
            Answer::Deny { .. } | Answer::DenyBecause { .. } => false,
        }
    }
}

/// What a person says to an ask, as they say it: one click, one menu, one form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Go ahead this once.
    AllowOnce,
    /// Go ahead, and with all that the card says, until the session ends.
    AllowForSession,
    /// No.
    Deny,
    /// No, for this reason; it may be empty.
    DenyBecause(String),
    /// Go ahead with this command instead.
    Edited(String),
    /// The one question's answer is this option.
    Option(usize),
    /// Of this question these options, for now.
    Options {
        /// Which question, from 0.
        question: usize,
        /// Which options, from 0.
        options: Vec<usize>,
    },
    /// Own words to each question, in their order; empty ones take back what was said before.
    Own(Vec<String>),
    /// What was chosen so far is the answer.
    Send,
    /// What was written into the fields of a form, in their order.
    Filled(Vec<String>),
}

/// What was chosen so far, by question from 0: it counts when it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Draft(pub BTreeMap<usize, Pick>);

/// What was chosen of a question.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pick {
    /// The options, from 0, in their order.
    pub options: Vec<usize>,
    /// Own words.
    pub own: Option<String>,
}

impl Draft {
    /// What was chosen of a question.
    pub fn pick(&self, question: usize) -> Option<&Pick> {
        self.0.get(&question).filter(|pick| !pick.options.is_empty() || pick.own.is_some())
    }
}

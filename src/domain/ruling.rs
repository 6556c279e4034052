//! A decision on the use of a tool that nobody was asked about. What a person decides is an [`answer`](super::answer).

/// What was decided on one use of a tool, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// The use of the tool (`toolu_…`), or what else names the line that tells of it.
    pub of: String,
    /// The tool, by the CLI's name.
    pub tool: String,
    /// Whether it may run.
    pub allowed: bool,
    /// What decided.
    pub by: RuledBy,
}

/// What decided on the use of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuledBy {
    /// A rule of the operator's.
    Rule {
        /// In its notation.
        rule: String,
        /// The [`digest`](super::digest::digest) of the tool's input.
        input: String,
    },
    /// A hook that could not decide, ours or another: then nothing runs.
    Failure,
    /// A hook that is not ours: the project's, the user's or a plugin's.
    OtherHook,
    /// The CLI by itself: its mode, or a rule of its own settings.
    Cli {
        /// Its word for why.
        why: String,
    },
}

//! What always asks, whatever the mode and the rules say: what cannot be undone, what opens the host, and what hides.
//!
//! Each pattern has commands that it matches and some that it does not; a test holds them. An example that begins with
//! `Edit:`, `Read:` or `WebFetch:` is a file or an address for that tool, any other is a command.

mod code;

mod elsewhere;

mod host;

mod loss;

mod targets;

use super::Context;
use super::shell::{Part, Script};

/// Of the catalogue. Raised with every change of what it matches.
pub const VERSION: u32 = 1;

/// One kind of catastrophe.
#[derive(Debug)]
pub struct Pattern {
    /// Its name: stays the same over versions.
    pub name: &'static str,
    /// What it would do, for whoever has to decide.
    pub why: &'static str,
    /// Whether this is one.
    finds: fn(&Look) -> bool,
    /// What it matches.
    pub matches: &'static [&'static str],
    /// What it does not match.
    pub passes: &'static [&'static str],
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// One use of a tool, as the patterns look at it.
#[derive(Debug)]
pub(super) struct Look<'a> {
    /// The tool's name.
    pub tool: &'a str,
    /// The command, as it was written.
    pub command: Option<&'a str>,
    /// The command, taken apart.
    pub script: Option<&'a Script>,
    /// The files that it is used on, absolute.
    pub files: &'a [String],
    /// The host that it fetches from.
    pub host: Option<&'a str>,
    /// Where.
    pub context: Context<'a>,
}

impl Look<'_> {
    /// Whether any part of a command is one.
    pub(super) fn any(&self, finds: impl Fn(&Part) -> bool) -> bool {
        self.script.is_some_and(|script| script.parts.iter().any(finds))
    }
}

/// All patterns, in the order in which they are looked for.
pub fn all() -> impl Iterator<Item = &'static Pattern> {
    [loss::PATTERNS, elsewhere::PATTERNS, host::PATTERNS, code::PATTERNS].into_iter().flatten()
}

/// The pattern of this name.
pub fn named(name: &str) -> Option<&'static Pattern> {
    all().find(|pattern| pattern.name == name)
}

/// The patterns that match: who allows one has not allowed another.
pub(super) fn find(look: &Look) -> Vec<&'static Pattern> {
    all().filter(|pattern| (pattern.finds)(look)).collect()
}

/// Their names, for a sentence.
pub fn names(patterns: &[&'static Pattern]) -> String {
    patterns.iter().map(|pattern| pattern.name).collect::<Vec<_>>().join(", ")
}

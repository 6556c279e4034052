//! What can be wrong with a configuration, said so that the reader can mend it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

/// Why there is no configuration. The daemon exits with 78.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("failed to read the configuration file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{}:{line}: not valid TOML: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1 on.
        line: usize,
        /// What.
        message: String,
    },
    /// Values are wrong, or keys unknown: all of them at once.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Invalid(Vec<Problem>),
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands, if that is known: `file:line`, or the name of an environment variable.
    pub place: Option<String>,
    /// The key, e.g. `limits.turn_secs_max` or `projects[0].dir`.
    pub key: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Problem {
    pub(super) fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: None, key: key.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}: {}", self.key, self.message)
    }
}

/// Collects problems; one key is complained about once in the same words.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
    seen: BTreeSet<(String, String)>,
}

impl Problems {
    pub(super) fn add(&mut self, key: impl Into<String>, message: impl Into<String>) {
        let problem = Problem::new(key, message);
        if self.seen.insert((problem.key.clone(), problem.message.clone())) {
            self.found.push(problem);
        }
    }

    pub(super) fn into_found(self) -> Vec<Problem> {
        self.found
    }
}

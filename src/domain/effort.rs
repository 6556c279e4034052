//! How hard Claude thinks: the words of the CLI's `--effort`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How hard Claude thinks. Which of them a model knows, the CLI says (`supportedEffortLevels`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// Quick and cheap.
    Low,
    /// Between.
    Medium,
    /// The CLI's own default for most models.
    High,
    /// More than that.
    Xhigh,
    /// All that there is.
    Max,
}

impl Effort {
    /// All of them, from the least on.
    pub const ALL: [Effort; 5] = [Effort::Low, Effort::Medium, Effort::High, Effort::Xhigh, Effort::Max];

    /// The word that the CLI knows.
    pub fn as_str(self) -> &'static str {
        match self {
            Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High => "high",
            Effort::Xhigh => "xhigh",
            Effort::Max => "max",
        }
    }

    /// The effort of this word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.as_str() == word)
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

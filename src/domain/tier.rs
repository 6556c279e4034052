//! How much a person may do. What each tier may is decided in `discord/access.rs`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much a person may do, in a place. Each may all that those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Looks: `/status`, `/why`.
    Observer,
    /// Prompts, answers what their own turns ask, stops and withdraws what is theirs.
    Member,
    /// Answers and stops for everybody, begins anew, chooses the model.
    Operator,
    /// Everything that there is.
    Admin,
}

impl Tier {
    /// All of them, lowest first.
    pub const ALL: [Tier; 4] = [Tier::Observer, Tier::Member, Tier::Operator, Tier::Admin];

    /// The word in the configuration and in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Tier::Observer => "observer",
            Tier::Member => "member",
            Tier::Operator => "operator",
            Tier::Admin => "admin",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

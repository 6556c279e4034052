//! Between the types of the tables and ours. Ids of Discord keep their bits: `SQLite` has signed integers only.

use std::fmt::Display;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::StoreError;

/// Reads a UUID.
pub(super) fn uuid(text: &str, what: &'static str) -> Result<Uuid, StoreError> {
    Uuid::from_str(text).map_err(|source| StoreError::Value { what, source: source.into() })
}

/// Reads JSON.
pub(super) fn json<T: DeserializeOwned>(text: &str, what: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|source| StoreError::Value { what, source: source.into() })
}

/// Writes JSON.
pub(super) fn to_json<T: Serialize>(value: &T, what: &'static str) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|source| StoreError::Value { what, source: source.into() })
}

/// A word that a CHECK of the table should have kept out.
pub(super) fn unknown<T: Display>(word: T, what: &'static str) -> StoreError {
    StoreError::Value { what, source: format!("unknown word {word}").into() }
}

/// Makes an enum of words that stand in a column.
macro_rules! words {
    ($name:ident, $what:literal, { $($variant:ident = $word:literal),* $(,)? }) => {
        impl $name {
            /// The word in the table.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)*
                }
            }

            pub(super) fn read(word: &str) -> Result<Self, super::StoreError> {
                match word {
                    $($word => Ok($name::$variant),)*
                    other => Err(super::row::unknown(other, $what)),
                }
            }
        }
    };
}
pub(super) use words;

//! `[access]`: who may use the bot. Who may do what is decided in `discord/access.rs`.

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use crate::domain::ids::{ChannelId, GuildId, RoleId, UserId};

/// Who may use the bot, where the project says nothing of its own. Empty lists let nobody in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct AccessConfig {
    /// Discord ids of people. Default: nobody.
    #[serde(deserialize_with = "snowflakes")]
    pub users: Vec<UserId>,
    /// Discord ids of roles. Default: none.
    #[serde(deserialize_with = "snowflakes")]
    pub roles: Vec<RoleId>,
    /// Whether everybody who can see the channel may use the bot. Default: no.
    pub everyone: bool,
    /// Discord id of whoever runs the bot: mentioned, once, when Claude Code is not logged in any more, and written to,
    /// once, when the bot may not write in a project's channel. Gives no right to use it. Default: nobody.
    #[serde(deserialize_with = "snowflake_option", skip_serializing_if = "Option::is_none")]
    pub owner: Option<UserId>,
    /// Who may use `/reset`. Default: those with Manage Messages.
    pub reset: ResetBy,
}

/// Who may use `/reset`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetBy {
    /// Whoever has Discord's permission Manage Messages in the channel.
    #[default]
    ManageMessages,
    /// Whoever may prompt.
    Members,
}

/// The rule that is in force in a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessRule<'a> {
    /// These people may use the bot.
    pub users: &'a [UserId],
    /// Whoever has one of these roles may use the bot.
    pub roles: &'a [RoleId],
    /// Everybody who can see the channel may.
    pub everyone: bool,
    /// Who of them may use `/reset`.
    pub reset: ResetBy,
}

impl AccessRule<'_> {
    /// Whether this lets nobody in at all, which the bot says at start.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.roles.is_empty() && !self.everyone
    }
}

impl AccessConfig {
    /// The rule where a project has none of its own.
    pub fn rule(&self) -> AccessRule<'_> {
        AccessRule { users: &self.users, roles: &self.roles, everyone: self.everyone, reset: self.reset }
    }
}

/// An id of Discord: a number, or the same as a string of digits, because other tools write it so.
struct Digits(u64);

impl<'de> Deserialize<'de> for Digits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DigitsVisitor).map(Digits)
    }
}

struct DigitsVisitor;

impl Visitor<'_> for DigitsVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            "a Discord id such as 123456789012345678 (in Discord: Developer Mode on, right click, Copy ID)",
        )
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<u64, E> {
        match u64::try_from(value) {
            Ok(id) if id > 0 => Ok(id),
            _ => Err(E::invalid_value(de::Unexpected::Signed(value), &self)),
        }
    }

    // SQLite has signed integers only; an id of Discord reaches that size in the year 2084.
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<u64, E> {
        match i64::try_from(value) {
            Ok(id) => self.visit_i64(id),
            Err(_) => Err(E::invalid_value(de::Unexpected::Unsigned(value), &self)),
        }
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<u64, E> {
        match value.trim().parse::<i64>() {
            Ok(id) => self.visit_i64(id),
            Err(_) => Err(E::invalid_value(de::Unexpected::Str(value), &self)),
        }
    }
}

/// The id types that a configuration may hold.
pub(super) trait Snowflake {
    fn from_id(id: u64) -> Self;
}

macro_rules! snowflake {
    ($($name:ident),*) => {$(
        impl Snowflake for $name {
            fn from_id(id: u64) -> Self {
                Self(id)
            }
        }
    )*};
}
snowflake!(ChannelId, GuildId, RoleId, UserId);

pub(super) fn snowflake<'de, D: Deserializer<'de>, T: Snowflake>(deserializer: D) -> Result<T, D::Error> {
    Digits::deserialize(deserializer).map(|digits| T::from_id(digits.0))
}

pub(super) fn snowflake_option<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Snowflake,
{
    snowflake(deserializer).map(Some)
}

pub(super) fn snowflakes<'de, D: Deserializer<'de>, T: Snowflake>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let digits = Vec::<Digits>::deserialize(deserializer)?;
    Ok(digits.into_iter().map(|digits| T::from_id(digits.0)).collect())
}

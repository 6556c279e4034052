//! Ids of Discord as people write them.

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use crate::domain::ids::{ChannelId, GuildId, RoleId, UserId};

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

pub(super) fn snowflakes_option<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Snowflake,
{
    snowflakes(deserializer).map(Some)
}

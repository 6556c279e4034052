//! Reading JSON that may be a little broken.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A struct of which every field may be absent or of a strange shape.
macro_rules! lenient_struct {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident : $type:ty = $wire:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Default, serde::Deserialize)]
        pub struct $name {
            $(
                $(#[$field_doc])*
                #[serde(default, rename = $wire, deserialize_with = "crate::claude::wire::lenient::field")]
                pub $field: $type,
            )+
        }
    };
}

pub(super) use lenient_struct;

/// For `#[serde(default, deserialize_with = "…")]`: a field of a strange shape reads as its default, so that one odd
/// field does not cost the whole line (and with it, say, the end of a turn).
pub(in crate::claude::wire) fn field<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let value = Value::deserialize(from)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// A list of which the elements that cannot be read are left out.
pub(super) fn list<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let Value::Array(values) = Value::deserialize(from)? else { return Ok(Vec::new()) };
    Ok(values.into_iter().filter_map(|value| serde_json::from_value(value).ok()).collect())
}

/// One line as JSON. Bytes that are no UTF-8 and lone surrogates (`"\ud83d"`, which JavaScript writes when it cuts a
/// string inside an emoji) become U+FFFD instead of failing the line.
pub(super) fn json(line: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(line).or_else(|error| {
        let text = String::from_utf8_lossy(line);
        let mended = mend_surrogates(&text);
        if matches!((&text, &mended), (Cow::Borrowed(_), Cow::Borrowed(_))) {
            return Err(error);
        }
        serde_json::from_str(&mended)
    })
}

/// Replaces each `\uD800`…`\uDFFF` escape that has no partner by `\ufffd`.
fn mend_surrogates(text: &str) -> Cow<'_, str> {
    if !text.contains("\\ud") && !text.contains("\\uD") {
        return Cow::Borrowed(text);
    }
    let mut mended = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        mended.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => {
                mended.push_str("\\ufffd");
                rest = &rest[6..];
                continue;
            }
            (Some(_), _) => 6,
            // Any other escape is a backslash and one character; the backslash alone may end a truncated line.
            (None, _) => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        mended.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    mended.push_str(rest);
    Cow::Owned(mended)
}

/// The UTF-16 unit that a text starting with `\uXXXX` stands for.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_surrogates_and_bad_utf8_do_not_cost_the_line() {
        for (line, expected) in [
            (&br#"{"a":"x\ud83d"}"#[..], "x\u{fffd}"),
            (br#"{"a":"\ud83d\ude00!"}"#, "😀!"),
            (br#"{"a":"\ude00\ud83d\ude00"}"#, "\u{fffd}😀"),
            (br#"{"a":"\\ud83d \ud83d"}"#, "\\ud83d \u{fffd}"),
            (b"{\"a\":\"\xff\"}", "\u{fffd}"),
        ] {
            assert_eq!(json(line).unwrap()["a"], expected);
        }
        assert!(json(b"{").is_err());
        assert!(json(br#"{"a":"\ud83d\"#).is_err());
    }
}

//! PURE: the rules that Discord's REST API holds requests to. Each returns what is wrong, field by field.

mod command;
mod message;
mod modal;

pub(super) use command::commands;
pub(super) use message::{MessageRules, message};
pub(super) use modal::{may_be_sent, modal};

use serde_json::Value;

use super::errors::FieldError;

/// An id, given as a string or (in requests) as a number.
pub(super) fn snowflake(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok())).filter(|id| *id != 0)
}

/// Whether Discord knows this emoji. Ours has no custom ones.
pub(super) fn is_emoji(text: &str) -> bool {
    let keycap = text.ends_with('\u{20e3}');
    !text.is_empty()
        && text.chars().count() <= 12
        && text.chars().all(|c| !c.is_ascii() || (keycap && (c.is_ascii_digit() || c == '#' || c == '*')))
        && text.chars().any(|c| {
            matches!(u32::from(c), 0x203c | 0x2049 | 0x20e3 | 0x2100..=0x32ff | 0x1f000..=0x1faff)
                || matches!(c, '©' | '®')
        })
}

/// Length as it is counted here: UTF-16 units. Discord's documentation only says "characters"; no way of counting
/// gives more than this one, so what passes here passes there.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Collects what is wrong.
#[derive(Default)]
struct Check {
    errors: Vec<FieldError>,
}

impl Check {
    fn fail(&mut self, path: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.errors.push(FieldError::new(path, code, message));
    }

    /// `object[key]`, if it is there, is a string of `min..=max` units.
    fn text(&mut self, path: &str, object: &Value, key: &str, min: usize, max: usize) {
        let path = join(path, key);
        match &object[key] {
            Value::Null => {}
            Value::String(text) => self.length(path, length(text), min, max),
            _ => self.fail(path, "STRING_TYPE_CONVERT", "Could not interpret as string."),
        }
    }

    /// `object[key]` must be there, too.
    fn required_text(&mut self, path: &str, object: &Value, key: &str, max: usize) {
        if object[key].is_null() {
            self.fail(join(path, key), "BASE_TYPE_REQUIRED", "This field is required");
        } else {
            self.text(path, object, key, 1, max);
        }
    }

    fn length(&mut self, path: impl Into<String>, length: usize, min: usize, max: usize) {
        if length > max {
            self.fail(path, "BASE_TYPE_MAX_LENGTH", format!("Must be {max} or fewer in length."));
        } else if length < min {
            self.fail(path, "BASE_TYPE_BAD_LENGTH", format!("Must be between {min} and {max} in length."));
        }
    }

    /// The items of `object[key]`, of which there may be `max`.
    fn list<'a>(&mut self, path: &str, object: &'a Value, key: &str, max: usize) -> &'a [Value] {
        match &object[key] {
            Value::Null => &[],
            Value::Array(items) => {
                self.length(join(path, key), items.len(), 0, max);
                items
            }
            _ => {
                self.fail(join(path, key), "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType");
                &[]
            }
        }
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests;

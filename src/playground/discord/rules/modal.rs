//! The rules for a modal, and for what a person may send off with it.

use std::collections::HashSet;

use serde_json::Value;

use super::{Check, join, length};
use crate::playground::discord::errors::FieldError;

/// The longest text of an input.
const VALUE_MAX: usize = 4000;

/// What is wrong with the modal that an interaction is answered with.
pub(in super::super) fn modal(data: &Value) -> Vec<FieldError> {
    let mut check = Check::default();
    check.required_text("data", data, "custom_id", 100);
    check.required_text("data", data, "title", 45);
    let rows = check.list("data", data, "components", 5);
    if rows.is_empty() {
        check.length("data.components", 0, 1, 5);
    }
    let mut ids = HashSet::new();
    for (number, row) in rows.iter().enumerate() {
        let path = format!("data.components.{number}");
        let inputs = row["components"].as_array().map(Vec::as_slice).unwrap_or_default();
        let [input] = inputs else {
            check.fail(path, "BASE_TYPE_BAD_LENGTH", "A row of a modal holds one text input.");
            continue;
        };
        if row["type"] != 1 || input["type"] != 4 {
            check.fail(&path, "BASE_TYPE_CHOICES", "A modal holds rows of text inputs.");
        }
        text_input(&mut check, &format!("{path}.components.0"), input);
        if !ids.insert(input["custom_id"].as_str()) {
            let what = "Component custom id cannot be duplicated";
            check.fail(join(&path, "custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", what);
        }
    }
    check.errors
}

fn text_input(check: &mut Check, path: &str, input: &Value) {
    check.required_text(path, input, "custom_id", 100);
    check.required_text(path, input, "label", 45);
    check.text(path, input, "value", 0, VALUE_MAX);
    check.text(path, input, "placeholder", 0, 100);
    if !matches!(input["style"].as_u64(), Some(1 | 2)) {
        check.fail(join(path, "style"), "BASE_TYPE_CHOICES", "Must be one of (1, 2).");
    }
    let (min, max) = bounds(input);
    if max == 0 || max > VALUE_MAX || min > max {
        check.fail(join(path, "max_length"), "NUMBER_TYPE_MAX", "Must be between 1 and 4000.");
    }
}

fn bounds(input: &Value) -> (usize, usize) {
    let number = |key: &str, absent| {
        input[key].as_u64().map_or(absent, |number| usize::try_from(number).unwrap_or(usize::MAX))
    };
    (number("min_length", 0), number("max_length", VALUE_MAX))
}

/// Whether Discord's client would let a person send these texts off: each belongs to an input and has its length, and
/// none that is required is empty.
pub(in super::super) fn may_be_sent(modal: &Value, texts: &[(&str, &str)]) -> bool {
    let rows = modal["components"].as_array().into_iter().flatten();
    let inputs: Vec<_> = rows.flat_map(|row| row["components"].as_array().into_iter().flatten()).collect();
    let known = texts.iter().all(|(id, _)| inputs.iter().any(|input| input["custom_id"] == *id));
    let fits = |input: &&Value| {
        let text = texts.iter().find(|(id, _)| input["custom_id"] == *id).map_or("", |(_, text)| *text);
        let (min, max) = bounds(input);
        match length(text) {
            0 => input["required"] == false,
            units => (min..=max).contains(&units),
        }
    };
    known && inputs.iter().all(fits)
}

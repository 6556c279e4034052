//! The rules for application commands.
//! <https://discord.com/developers/docs/interactions/application-commands#application-command-object>

use std::collections::HashSet;

use serde_json::Value;

use super::{Check, join, length};
use crate::playground::discord::errors::FieldError;

/// What is wrong with a whole list of commands. `path` of an error begins with the command's index.
pub(in super::super) fn commands(list: &[Value]) -> Vec<FieldError> {
    let mut check = Check::default();
    let chat_inputs = list.iter().filter(|command| kind(command) == 1).count();
    if chat_inputs > 100 {
        check.fail("", "APPLICATION_COMMANDS_MAX", "Maximum number of application commands reached (100).");
    }
    let mut names = HashSet::new();
    for (index, command) in list.iter().enumerate() {
        let path = index.to_string();
        if !names.insert((kind(command), command["name"].as_str())) {
            check.fail(
                join(&path, "name"),
                "APPLICATION_COMMANDS_DUPLICATE_NAME",
                "Application command names must be unique",
            );
        }
        if kind(command) == 1 {
            name(&mut check, &path, command);
            check.required_text(&path, command, "description", 100);
            options(&mut check, &path, command, 0);
            if text_length(command) > 8000 {
                check.fail(path, "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)");
            }
        } else {
            check.required_text(&path, command, "name", 32);
        }
    }
    check.errors
}

fn kind(command: &Value) -> u64 {
    command["type"].as_u64().unwrap_or(1)
}

/// `^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$`, and lower case where the letter has one.
fn name(check: &mut Check, path: &str, object: &Value) {
    check.required_text(path, object, "name", 32);
    let text = object["name"].as_str().unwrap_or_default();
    let fits = |c: char| (matches!(c, '-' | '_' | '\'') || c.is_alphanumeric()) && c.to_lowercase().eq([c]);
    if !text.chars().all(fits) {
        check.fail(join(path, "name"), "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid");
    }
}

fn options(check: &mut Check, path: &str, object: &Value, depth: usize) {
    let mut names = HashSet::new();
    let mut optional_before = false;
    for (index, option) in check.list(path, object, "options", 25).iter().enumerate() {
        let path = format!("{path}.options.{index}");
        name(check, &path, option);
        check.required_text(&path, option, "description", 100);
        if !names.insert(option["name"].as_str()) {
            check.fail(
                &path,
                "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS",
                "Option name already exists",
            );
        }
        let required = option["required"].as_bool().unwrap_or(false);
        if required && optional_before {
            check.fail(
                &path,
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            );
        }
        optional_before |= !required;
        match option["type"].as_u64() {
            Some(1 | 2) if depth < 2 => options(check, &path, option, depth + 1),
            Some(3..=11) => {}
            _ => check.fail(join(&path, "type"), "BASE_TYPE_CHOICES", "Invalid option type"),
        }
        let choices = check.list(&path, option, "choices", 25);
        if !choices.is_empty() && option["autocomplete"] == true {
            check.fail(
                join(&path, "autocomplete"),
                "APPLICATION_COMMAND_AUTOCOMPLETE_CHOICES",
                "autocomplete cannot be true if choices are present",
            );
        }
        for (number, choice) in choices.iter().enumerate() {
            check.required_text(&format!("{path}.choices.{number}"), choice, "name", 100);
            check.text(
                &format!("{path}.choices.{number}"),
                &choice["value"].as_str().map_or(Value::Null, |value| serde_json::json!({ "value": value })),
                "value",
                0,
                100,
            );
        }
    }
}

/// Name, description, and values of everything in a command together.
fn text_length(object: &Value) -> usize {
    let text = |value: &Value| value.as_str().map_or(0, length);
    let below = ["options", "choices"].iter().filter_map(|key| object[key].as_array()).flatten();
    text(&object["name"])
        + text(&object["description"])
        + text(&object["value"])
        + below.map(text_length).sum::<usize>()
}

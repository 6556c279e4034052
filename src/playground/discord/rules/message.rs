//! The rules for the body of a message.

use std::collections::HashSet;

use serde_json::Value;

use super::{Check, join, length, snowflake};
use crate::playground::discord::errors::FieldError;

/// What differs between the places that take a message.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct MessageRules {
    /// Files in this request.
    pub(in super::super) files: usize,
    /// Whether `nonce` means anything here.
    pub(in super::super) nonce: bool,
}

/// What is wrong with the body of a message that is created or edited.
pub(in super::super) fn message(body: &Value, rules: MessageRules) -> Vec<FieldError> {
    let mut check = Check::default();
    check.text("", body, "content", 0, 2000);
    embeds(&mut check, body);
    components(&mut check, body);
    allowed_mentions(&mut check, &body["allowed_mentions"]);
    if rules.nonce {
        match &body["nonce"] {
            Value::Null | Value::Number(_) => {}
            Value::String(nonce) => check.length("nonce", length(nonce), 0, 25),
            _ => check.fail("nonce", "BASE_TYPE_CHOICES", "Must be a string or an integer."),
        }
    }
    let kept = check.list("", body, "attachments", 10);
    check.length("attachments", rules.files.max(kept.len()), 0, 10);
    for (index, attachment) in kept.iter().enumerate() {
        check.text(&format!("attachments.{index}"), attachment, "description", 0, 1024);
    }
    check.errors
}

fn embeds(check: &mut Check, body: &Value) {
    let mut total = 0;
    for (index, embed) in check.list("", body, "embeds", 10).iter().enumerate() {
        let path = format!("embeds.{index}");
        check.text(&path, embed, "title", 0, 256);
        check.text(&path, embed, "description", 0, 4096);
        check.text(&join(&path, "footer"), &embed["footer"], "text", 0, 2048);
        check.text(&join(&path, "author"), &embed["author"], "name", 0, 256);
        for (number, field) in check.list(&path, embed, "fields", 25).iter().enumerate() {
            let path = format!("{path}.fields.{number}");
            check.required_text(&path, field, "name", 256);
            check.required_text(&path, field, "value", 1024);
        }
        if embed["color"].as_u64().is_some_and(|color| color > 0xff_ff_ff) {
            check.fail(
                join(&path, "color"),
                "NUMBER_TYPE_MAX",
                "int value should be less than or equal to 16777215.",
            );
        }
        for url in [&embed["url"], &embed["image"]["url"], &embed["thumbnail"]["url"]] {
            let Some(url) = url.as_str() else { continue };
            if !["http://", "https://", "attachment://"].iter().any(|scheme| url.starts_with(scheme)) {
                check.fail(
                    join(&path, "url"),
                    "URL_TYPE_INVALID_SCHEME",
                    "Scheme must be one of http, https.",
                );
            }
        }
        total += embeds_text_length(embed);
    }
    if total > 6000 {
        check.fail("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000");
    }
}

/// How much text an embed holds, for the limit that all embeds of a message share.
fn embeds_text_length(embed: &Value) -> usize {
    let text = |value: &Value| value.as_str().map_or(0, length);
    let fields = embed["fields"]
        .as_array()
        .map_or(0, |fields| fields.iter().map(|field| text(&field["name"]) + text(&field["value"])).sum());
    fields
        + text(&embed["title"])
        + text(&embed["description"])
        + text(&embed["footer"]["text"])
        + text(&embed["author"]["name"])
}

fn components(check: &mut Check, body: &Value) {
    let mut ids = HashSet::new();
    for (number, row) in check.list("", body, "components", 5).iter().enumerate() {
        let path = format!("components.{number}");
        if row["type"] != 1 {
            check.fail(
                join(&path, "type"),
                "BASE_TYPE_CHOICES",
                "Value of field \"type\" must be one of (1,).",
            );
            continue;
        }
        let items = check.list(&path, row, "components", 5);
        if items.is_empty() {
            check.length(join(&path, "components"), 0, 1, 5);
        }
        let is_select = |item: &&Value| matches!(item["type"].as_u64(), Some(3 | 5..=8));
        if items.iter().any(|item| is_select(&item)) && items.len() > 1 {
            check.fail(
                &path,
                "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
                "The specified component exceeds the maximum width",
            );
        }
        for (index, item) in items.iter().enumerate() {
            component(check, &format!("{path}.components.{index}"), item, &mut ids);
        }
    }
}

fn component<'a>(check: &mut Check, path: &str, item: &'a Value, ids: &mut HashSet<&'a str>) {
    let is_link = item["type"] == 2 && item["style"] == 5;
    match item["type"].as_u64() {
        Some(2) => {
            check.text(path, item, "label", 0, 80);
            if item["label"].is_null() && item["emoji"].is_null() {
                check.fail(path, "BUTTON_COMPONENT_INVALID_LABEL", "A button must have a label or an emoji.");
            }
            if !matches!(item["style"].as_u64(), Some(1..=5)) {
                check.fail(
                    join(path, "style"),
                    "BASE_TYPE_CHOICES",
                    "Value of field \"style\" must be one of (1, 2, 3, 4, 5).",
                );
            }
            if is_link && item["url"].is_null() {
                check.fail(join(path, "url"), "BASE_TYPE_REQUIRED", "A url is required");
            }
        }
        Some(3) => {
            check.text(path, item, "placeholder", 0, 150);
            let options = check.list(path, item, "options", 25);
            if options.is_empty() {
                check.length(join(path, "options"), 0, 1, 25);
            }
            for (index, option) in options.iter().enumerate() {
                let path = format!("{path}.options.{index}");
                check.required_text(&path, option, "label", 100);
                check.required_text(&path, option, "value", 100);
                check.text(&path, option, "description", 0, 100);
            }
            menu_counts(check, path, item, options);
        }
        Some(4..=8) => {}
        _ => check.fail(join(path, "type"), "BASE_TYPE_CHOICES", "Unknown component type."),
    }
    if is_link {
        return;
    }
    check.required_text(path, item, "custom_id", 100);
    if let Some(id) = item["custom_id"].as_str()
        && !ids.insert(id)
    {
        check.fail(
            join(path, "custom_id"),
            "COMPONENT_CUSTOM_ID_DUPLICATED",
            "Component custom id cannot be duplicated",
        );
    }
}

/// How many of a menu's options may be chosen, and that each is told from the others.
fn menu_counts(check: &mut Check, path: &str, item: &Value, options: &[Value]) {
    let count = |key: &str, absent: usize| {
        item[key].as_u64().map_or(absent, |count| usize::try_from(count).unwrap_or(usize::MAX))
    };
    let (min, max) = (count("min_values", 1), count("max_values", 1));
    if max == 0 || max > options.len().max(1) || min > max {
        let what = format!("Must be between 1 and {} and not below min_values.", options.len());
        check.fail(join(path, "max_values"), "NUMBER_TYPE_MAX", what);
    }
    let mut values = HashSet::new();
    if !options.iter().all(|option| values.insert(option["value"].as_str())) {
        let what = "The specified option value is already used";
        check.fail(join(path, "options"), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", what);
    }
    if options.iter().filter(|option| option["default"] == true).count() > max {
        let what = "The number of default options is more than max_values";
        check.fail(join(path, "options"), "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES", what);
    }
}

fn allowed_mentions(check: &mut Check, allowed: &Value) {
    for (what, kind) in [("users", "users"), ("roles", "roles")] {
        let ids = check.list("allowed_mentions", allowed, what, 100);
        if ids.iter().any(|id| snowflake(id).is_none()) {
            check.fail(join("allowed_mentions", what), "NUMBER_TYPE_COERCE", "Value is not snowflake.");
        }
        let parsed = allowed["parse"].as_array().is_some_and(|parse| parse.iter().any(|value| value == kind));
        if parsed && !ids.is_empty() {
            check.fail(
                "allowed_mentions",
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                format!("parse:[\"{kind}\"] and {kind}: [ids...] are mutually exclusive."),
            );
        }
    }
}

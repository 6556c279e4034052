//! What an MCP server asks the user: a flat schema → the fields of a form (MCP: client/elicitation, "Requested Schema").

use serde_json::Value;

use crate::claude::wire::control::RequestBody;
use crate::domain::ask::{AskKind, Field, FieldKind};

/// A form of Discord's has this many fields.
const FIELDS_MAX: usize = 5;

/// The ask; one that no form of Discord's can hold says why.
pub(super) fn elicitation(body: &RequestBody) -> AskKind {
    let server = body.server.clone().unwrap_or_default();
    let message = body.message.as_str().unwrap_or_default().to_owned();
    let (fields, unfit) = match fields(body) {
        Ok(fields) => (fields, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    AskKind::Elicitation { server, message, fields, unfit }
}

fn fields(body: &RequestBody) -> Result<Vec<Field>, String> {
    if body.mode.as_deref() == Some("url") {
        return Err("it wants a web page to be opened, which cannot be done from here".to_owned());
    }
    let schema = &body.requested_schema;
    let properties = schema.get("properties").and_then(Value::as_object);
    let Some(properties) = properties else { return Ok(Vec::new()) };
    if properties.len() > FIELDS_MAX {
        return Err(format!("it has {} fields, and a form here has {FIELDS_MAX}", properties.len()));
    }
    let required: Vec<_> = schema.get("required").and_then(Value::as_array).into_iter().flatten().collect();
    let mut fields = Vec::new();
    for (name, property) in properties {
        let required = required.iter().any(|key| key.as_str() == Some(name));
        fields.push(field(name, property, required)?);
    }
    // What must be told comes first; the order of the server is not in the line as we read it.
    fields.sort_by_key(|field| !field.required);
    Ok(fields)
}

fn field(name: &str, property: &Value, required: bool) -> Result<Field, String> {
    let text = |key: &str| property.get(key).and_then(Value::as_str).map(str::to_owned);
    Ok(Field {
        name: name.to_owned(),
        title: text("title").unwrap_or_else(|| name.to_owned()),
        description: text("description").unwrap_or_default(),
        kind: kind(name, property)?,
        required,
        default: property.get("default").and_then(plain),
    })
}

fn kind(name: &str, property: &Value) -> Result<FieldKind, String> {
    if let Some(values) = choices(property) {
        return Ok(FieldKind::OneOf { values });
    }
    let count = |key: &str| property.get(key).and_then(Value::as_u64);
    let number = |key: &str| property.get(key).filter(|value| value.is_number()).map(Value::to_string);
    match property.get("type").and_then(Value::as_str) {
        Some("string") => Ok(FieldKind::Text { min: count("minLength"), max: count("maxLength") }),
        Some(kind @ ("number" | "integer")) => {
            Ok(FieldKind::Number { whole: kind == "integer", min: number("minimum"), max: number("maximum") })
        }
        Some("boolean") => Ok(FieldKind::YesNo),
        _ => Err(format!("its field {name} takes more than a text, a number, a choice or yes and no")),
    }
}

/// The values of an enumeration, with the words for them: `enum` with `enumNames`, or `oneOf` of `const` with `title`.
fn choices(property: &Value) -> Option<Vec<(String, String)>> {
    if let Some(values) = property.get("enum").and_then(Value::as_array) {
        let names = property.get("enumNames").and_then(Value::as_array);
        let listed = values.iter().enumerate().filter_map(|(index, value)| {
            let value = value.as_str()?.to_owned();
            let name = names.and_then(|names| names.get(index)?.as_str()).unwrap_or(&value).to_owned();
            Some((value, name))
        });
        return Some(listed.collect()).filter(|values: &Vec<_>| !values.is_empty());
    }
    let values = property.get("oneOf")?.as_array()?.iter().filter_map(|each| {
        let value = each.get("const")?.as_str()?.to_owned();
        let name = each.get("title").and_then(Value::as_str).unwrap_or(&value).to_owned();
        Some((value, name))
    });
    Some(values.collect()).filter(|values: &Vec<_>| !values.is_empty())
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is) => Some(if *is { "yes" } else { "no" }.to_owned()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(schema: &Value) -> (Vec<Field>, Option<String>) {
        let body = json!({ "subtype": "elicitation", "mcp_server_name": "s", "message": "m", "mode": "form",
            "requested_schema": schema });
        match elicitation(&serde_json::from_value(body).unwrap()) {
            AskKind::Elicitation { fields, unfit, .. } => (fields, unfit),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_flat_schema_is_a_form() {
        let (fields, unfit) = of(&json!({ "type": "object", "required": ["name"], "properties": {
            "age": { "type": "integer", "minimum": 0, "maximum": 150 },
            "name": { "type": "string", "title": "Your name", "minLength": 2, "description": "As it is" },
            "sure": { "type": "boolean", "default": true },
            "size": { "type": "string", "enum": ["s", "l"], "enumNames": ["Small", "Large"] },
            "hue": { "oneOf": [{ "const": "r", "title": "Red" }, { "const": "b" }] },
        } }));
        assert_eq!(unfit, None);
        let names: Vec<_> = fields.iter().map(|field| (field.title.as_str(), field.required)).collect();
        let rest = [("age", false), ("hue", false), ("size", false), ("sure", false)];
        assert_eq!(names, [&[("Your name", true)][..], &rest].concat());
        assert_eq!(fields[0].kind, FieldKind::Text { min: Some(2), max: None });
        let (min, max) = (Some("0".to_owned()), Some("150".to_owned()));
        assert_eq!(fields[1].kind, FieldKind::Number { whole: true, min, max });
        assert_eq!(
            fields[3].kind,
            FieldKind::OneOf { values: vec![("s".into(), "Small".into()), ("l".into(), "Large".into())] }
        );
        assert_eq!((&fields[4].kind, fields[4].default.as_deref()), (&FieldKind::YesNo, Some("yes")));
        assert_eq!(of(&Value::Null), (Vec::new(), None));
    }

    #[test]
    fn what_no_form_can_hold_says_why() {
        let many: serde_json::Map<_, _> =
            (0..6).map(|n| (format!("f{n}"), json!({ "type": "string" }))).collect();
        let why = |schema: &Value| of(schema).1.unwrap_or_default();
        assert!(why(&json!({ "properties": many })).contains("6 fields"));
        assert!(why(&json!({ "properties": { "tags": { "type": "array" } } })).contains("tags"));
        let url = json!({ "subtype": "elicitation", "mode": "url", "url": "https://x" });
        assert!(matches!(elicitation(&serde_json::from_value(url).unwrap()),
            AskKind::Elicitation { unfit: Some(why), .. } if why.contains("web page")));
    }
}

use serde_json::{Value, json};

use super::{MessageRules, commands, is_emoji, message};

fn wrong(body: &Value) -> Vec<String> {
    let errors = message(body, MessageRules { files: 0, nonce: true });
    errors.into_iter().map(|error| format!("{} {}", error.path, error.code)).collect()
}

fn button(id: &str) -> Value {
    json!({"type": 2, "style": 1, "label": "Go", "custom_id": id})
}

#[test]
fn messages_at_the_limits_pass() {
    let fields = vec![json!({"name": "n", "value": "v"}); 25];
    let rows: Vec<_> = (0..5)
        .map(|row| json!({"type": 1, "components": (0..5).map(|n| button(&format!("{row}-{n}"))).collect::<Vec<_>>()}))
        .collect();
    let body = json!({
        "content": "x".repeat(2000), "nonce": "n".repeat(25), "components": rows,
        "embeds": [{"title": "t".repeat(256), "description": "d".repeat(4096), "fields": fields}],
        "allowed_mentions": {"parse": [], "users": ["1"]},
    });
    assert_eq!(wrong(&body), Vec::<String>::new());
}

#[test]
fn each_rule_of_messages() {
    let table = [
        (json!({"content": "x".repeat(2001)}), "content BASE_TYPE_MAX_LENGTH"),
        (json!({"content": "😀".repeat(1001)}), "content BASE_TYPE_MAX_LENGTH"),
        (json!({"content": 5}), "content STRING_TYPE_CONVERT"),
        (json!({"nonce": "n".repeat(26)}), "nonce BASE_TYPE_MAX_LENGTH"),
        (json!({"embeds": vec![json!({"title": "t"}); 11]}), "embeds BASE_TYPE_MAX_LENGTH"),
        (json!({"embeds": [{"title": "t".repeat(257)}]}), "embeds.0.title BASE_TYPE_MAX_LENGTH"),
        (json!({"embeds": [{"description": "t".repeat(4097)}]}), "embeds.0.description BASE_TYPE_MAX_LENGTH"),
        (
            json!({"embeds": [{"fields": vec![json!({"name": "n", "value": "v"}); 26]}]}),
            "embeds.0.fields BASE_TYPE_MAX_LENGTH",
        ),
        (
            json!({"embeds": [{"fields": [{"name": "", "value": "v"}]}]}),
            "embeds.0.fields.0.name BASE_TYPE_BAD_LENGTH",
        ),
        (
            json!({"embeds": [{"fields": [{"name": "n", "value": "v".repeat(1025)}]}]}),
            "embeds.0.fields.0.value BASE_TYPE_MAX_LENGTH",
        ),
        (
            json!({"embeds": vec![json!({"description": "d".repeat(3001)}); 2]}),
            "embeds MAX_EMBED_SIZE_EXCEEDED",
        ),
        (
            json!({"components": vec![json!({"type": 1, "components": []}); 1]}),
            "components.0.components BASE_TYPE_BAD_LENGTH",
        ),
        (json!({"components": [button("a")]}), "components.0.type BASE_TYPE_CHOICES"),
        (
            json!({"components": [{"type": 1, "components": [button("a"), button("a")]}]}),
            "components.0.components.1.custom_id COMPONENT_CUSTOM_ID_DUPLICATED",
        ),
        (
            json!({"components": [{"type": 1, "components": [button(&"a".repeat(101))]}]}),
            "components.0.components.0.custom_id BASE_TYPE_MAX_LENGTH",
        ),
        (
            json!({"components": [{"type": 1, "components": (0..6).map(|n| button(&n.to_string())).collect::<Vec<_>>()}]}),
            "components.0.components BASE_TYPE_MAX_LENGTH",
        ),
        (
            json!({"allowed_mentions": {"parse": ["users"], "users": ["1"]}}),
            "allowed_mentions MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
        ),
        (json!({"attachments": vec![json!({"id": 0}); 11]}), "attachments BASE_TYPE_MAX_LENGTH"),
    ];
    for (body, expected) in table {
        assert!(wrong(&body).iter().any(|error| error == expected), "{expected}: {:?}", wrong(&body));
    }
    let files = message(&json!({}), MessageRules { files: 11, nonce: true });
    assert_eq!(files[0].path, "attachments");
}

#[test]
fn each_rule_of_commands() {
    let good = json!({"name": "reset", "description": "Begin anew", "options": [
        {"type": 7, "name": "channel", "description": "Which"}]});
    assert_eq!(commands(std::slice::from_ref(&good)), []);
    let with = |key: &str, value: Value| {
        let mut command = good.clone();
        command[key] = value;
        vec![command]
    };
    let option = |extra: Value| {
        let mut option = json!({"type": 3, "name": "o", "description": "d"});
        for (key, value) in extra.as_object().unwrap() {
            option[key] = value.clone();
        }
        option
    };
    let table = [
        (with("name", json!("Reset")), "APPLICATION_COMMAND_INVALID_NAME"),
        (with("name", json!("re set")), "APPLICATION_COMMAND_INVALID_NAME"),
        (with("name", json!("x".repeat(33))), "BASE_TYPE_MAX_LENGTH"),
        (with("description", json!("")), "BASE_TYPE_BAD_LENGTH"),
        (with("description", json!("d".repeat(101))), "BASE_TYPE_MAX_LENGTH"),
        (
            with("options", json!([option(json!({})), option(json!({}))])),
            "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS",
        ),
        (
            with("options", json!([option(json!({})), option(json!({"name": "p", "required": true}))])),
            "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
        ),
        (with("options", json!([option(json!({"type": 99}))])), "BASE_TYPE_CHOICES"),
        (with("options", json!(vec![option(json!({})); 26])), "BASE_TYPE_MAX_LENGTH"),
        (vec![good.clone(), good.clone()], "APPLICATION_COMMANDS_DUPLICATE_NAME"),
        (vec![good.clone(); 101], "APPLICATION_COMMANDS_MAX"),
    ];
    for (list, expected) in table {
        assert!(commands(&list).iter().any(|error| error.code == expected), "{expected}");
    }
}

#[test]
fn emoji_are_told_from_other_text() {
    for emoji in ["👀", "✅", "❌", "⏳", "⏹️", "1️⃣", "👍🏽", "🏳️‍🌈", "🇩🇪"]
    {
        assert!(is_emoji(emoji), "{emoji}");
    }
    for text in ["", "ok", "ä", "name:123", ":eyes:", "👀x", "1"] {
        assert!(!is_emoji(text), "{text}");
    }
}

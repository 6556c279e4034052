use serde_json::{Value, json};

use super::{MessageRules, commands, is_emoji, may_be_sent, message, modal};

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

fn menu(options: &Value, min: usize, max: usize) -> Value {
    let menu = json!({"type": 3, "custom_id": "m", "options": options, "min_values": min, "max_values": max});
    json!({"components": [{"type": 1, "components": [menu]}]})
}

#[test]
fn each_rule_of_menus() {
    let two = json!([{"label": "a", "value": "0"}, {"label": "b", "value": "1"}]);
    let chosen =
        json!([{"label": "a", "value": "0", "default": true}, {"label": "b", "value": "1", "default": true}]);
    assert_eq!(wrong(&menu(&two, 0, 2)), Vec::<String>::new());
    assert_eq!(wrong(&menu(&chosen, 1, 2)), Vec::<String>::new());
    let at = "components.0.components.0";
    let twice = json!([{"label": "a", "value": "0"}, {"label": "b", "value": "0"}]);
    let table = [
        (menu(&two, 1, 3), "max_values NUMBER_TYPE_MAX"),
        (menu(&two, 2, 1), "max_values NUMBER_TYPE_MAX"),
        (menu(&twice, 1, 1), "options SELECT_COMPONENT_OPTION_VALUE_DUPLICATED"),
        (menu(&chosen, 1, 1), "options SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES"),
        (menu(&json!([]), 1, 1), "options BASE_TYPE_BAD_LENGTH"),
    ];
    for (body, expected) in table {
        assert_eq!(wrong(&body), [format!("{at}.{expected}")], "{body}");
    }
}

#[test]
fn each_rule_of_modals() {
    let input = |change: &Value| {
        let mut input = json!({"type": 4, "custom_id": "0", "label": "l", "style": 2, "max_length": 4000});
        for (key, value) in change.as_object().expect("an object") {
            input[key] = value.clone();
        }
        json!({"custom_id": "c", "title": "t", "components": [{"type": 1, "components": [input]}]})
    };
    let at_the_limits =
        json!({"label": "l".repeat(45), "value": "v".repeat(4000), "placeholder": "p".repeat(100)});
    assert_eq!(modal(&input(&at_the_limits)), []);
    let mut six = input(&json!({}));
    six["components"] = vec![six["components"][0].clone(); 6].into();
    let title =
        json!({"custom_id": "c", "title": "t".repeat(46), "components": input(&json!({}))["components"]});
    let button =
        json!({"custom_id": "c", "title": "t", "components": [{"type": 1, "components": [button("b")]}]});
    for body in [
        input(&json!({"label": "l".repeat(46)})),
        input(&json!({"label": ""})),
        input(&json!({"value": "v".repeat(4001)})),
        input(&json!({"placeholder": "p".repeat(101)})),
        input(&json!({"style": 3})),
        input(&json!({"max_length": 4001})),
        input(&json!({"custom_id": "c".repeat(101)})),
        six,
        title,
        button,
        json!({"custom_id": "c", "title": "t", "components": []}),
    ] {
        assert_ne!(modal(&body), [], "{body}");
    }
}

#[test]
fn a_client_sends_off_what_fits_into_the_modal() {
    let row = |id: &str, required: bool| {
        let input = json!({"type": 4, "custom_id": id, "label": "l", "style": 1, "max_length": 3, "required": required});
        json!({"type": 1, "components": [input]})
    };
    let form = json!({"components": [row("0", true), row("1", false)]});
    assert!(may_be_sent(&form, &[("0", "abc"), ("1", "")]) && may_be_sent(&form, &[("0", "a")]));
    for texts in [&[("1", "a")][..], &[("0", "")], &[("0", "abcd")], &[("0", "a"), ("2", "a")]] {
        assert!(!may_be_sent(&form, texts), "{texts:?}");
    }
}

use serde_json::{Value, json};

use super::start;
use crate::playground::discord::{EmbeddedDiscord, World};

async fn post(server: &EmbeddedDiscord, path: &str, body: Value) -> (u16, Value) {
    let response = super::client(server)
        .post(format!("https://discord.com/api/v10{path}"))
        .header("authorization", format!("Bot {}", server.token()))
        .header("content-type", "application/json")
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    (response.status().as_u16(), serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default())
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_and_kept() {
    let server = start().await;
    let messages = format!("/channels/{}/messages", World::HARBOR);
    let threads = format!("/channels/{}/threads", World::HARBOR);
    let table = [
        (&messages, json!({"content": "x".repeat(2001)}), 50035, "form"),
        (&messages, json!({"content": "  "}), 50006, "empty message"),
        (&messages, json!({"content": "x", "nonce": "n".repeat(26)}), 50035, "form"),
        (&threads, json!({"name": "n".repeat(101)}), 50035, "form"),
        (&threads, json!({"name": "n", "auto_archive_duration": 61}), 50035, "form"),
    ];
    for (count, (path, body, code, rule)) in table.into_iter().enumerate() {
        let (status, answer) = post(&server, path, body).await;
        assert_eq!((status, &answer["code"]), (400, &json!(code)), "{answer}");
        assert_eq!(server.violations().len(), count + 1);
        assert_eq!(server.violations()[count].rule, rule);
    }
    let (_, answer) = post(&server, &messages, json!({"embeds": [{"title": "t".repeat(257)}]})).await;
    assert_eq!(answer["errors"]["embeds"]["0"]["title"]["_errors"][0]["code"], "BASE_TYPE_MAX_LENGTH");
    assert!(server.messages(World::HARBOR).is_empty());
}

#[tokio::test]
async fn an_unknown_route_is_a_violation_and_commands_are_checked() {
    let server = start().await;
    assert_eq!(post(&server, "/stage-instances", json!({})).await.0, 404);
    let commands = format!("/applications/{}/commands", World::BOT);
    let (status, _) = post(&server, &commands, json!({"name": "Reset", "description": "d"})).await;
    assert_eq!(status, 400);
    let rules: Vec<_> = server.violations().iter().map(|violation| violation.rule).collect();
    assert_eq!(rules, ["unknown route", "form"]);
}

#[tokio::test]
async fn a_message_takes_twenty_reactions() {
    let server = start().await;
    let id = server.say(World::MARA, World::HARBOR, "x");
    for n in 0..25 {
        server.react(World::MARA, id, &char::from_u32(0x1f600 + n).unwrap().to_string());
    }
    assert_eq!(server.reactions(id).len(), 20);
}

#[tokio::test]
async fn a_thread_is_renamed_twice_in_ten_minutes() {
    let server = start().await;
    server.faults().limits_lifted(false);
    let http = super::http(&server);
    let builder = serenity::all::CreateThread::new("a").kind(serenity::all::ChannelType::PublicThread);
    let thread = super::channel(World::HARBOR).create_thread(&http, builder).await.unwrap();
    for (name, status) in [("b", 200), ("c", 200), ("d", 429), ("c", 200)] {
        let response = super::client(&server)
            .patch(format!("https://discord.com/api/v10/channels/{}", thread.id))
            .header("authorization", format!("Bot {}", server.token()))
            .body(json!({"name": name}).to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(response.status().as_u16(), status, "{name}");
    }
}

//! `/why`, and the audit as `switchboard audit` tells it.

use serde_json::json;
use switchboard::domain::ids::{ChannelId, MessageId, UserId};
use switchboard::playground::discord::World;

use crate::harness::{HARBOR, JONAS, MARA, Stage, VERA, private_text};

fn link(channel: ChannelId, message: MessageId) -> String {
    format!("https://discord.com/channels/{}/{channel}/{message}", World::GUILD)
}

async fn why(stage: &Stage, who: UserId, link: &str) -> String {
    let options = json!([{ "name": "link", "type": 3, "value": link }]);
    private_text(&stage.slash(who, HARBOR, "why", options).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_message_was_not_answered_is_told_to_who_may_know() {
    let stage =
        Stage::new().await.with("access", "[[access.people]]\ntier = \"member\"\nroles = []\nusers = [5]");
    let _bot = stage.bot().await;
    let strangers = stage.ask(VERA, HARBOR, "[[say:no]]");
    let general = stage.ask(MARA, World::GENERAL, "[[say:no]]");
    let plain = stage.say(MARA, HARBOR, "just talk");
    let answered = stage.ask(JONAS, HARBOR, "[[say:Aye.]]");
    stage.answer(HARBOR, answered).await;
    stage.rows("SELECT why FROM ignored", 2).await;
    for who in [VERA, MARA] {
        let told = why(&stage, who, &link(HARBOR, strangers)).await;
        assert!(told.contains("not among the people of this project"), "{told}");
    }
    assert!(why(&stage, MARA, &link(World::GENERAL, general)).await.contains("No project belongs"));
    assert!(why(&stage, MARA, &link(HARBOR, plain)).await.contains("I know nothing of that message"));
    let told = why(&stage, MARA, &link(HARBOR, answered)).await;
    assert!(told.starts_with("It was answered. Here: https://discord.com/channels/"), "{told}");
    let told = why(&stage, VERA, &link(HARBOR, answered)).await;
    assert_eq!(told, "Only its author and the operators of its project may know that.");
    assert!(why(&stage, MARA, "https://discord.com/channels/77/1/2").await.contains("another server"));
    assert!(why(&stage, MARA, "what?").await.contains("no link to a message"));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_tells_and_finds_a_change() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[say:Aye.]]");
    stage.answer(HARBOR, message).await;
    stage.slash_text(MARA, HARBOR, "reset").await;
    stage.slash_text(MARA, HARBOR, "stop").await;
    // Beside the bot.
    let verified = stage.run(&["audit", "verify"]);
    assert_eq!((verified.code, verified.stdout.contains("rows, unchanged. Head: ")), (Some(0), true));
    let told = stage.run(&["audit", "--json"]);
    let actions: Vec<_> = told
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["action"].clone())
        .collect();
    assert_eq!(actions, ["start", "prompt", "reset", "stop"]);
    assert!(!told.stdout.contains("Aye"), "no text of people: {}", told.stdout);
    assert!(stage.run(&["audit", "--since", "1h"]).stdout.contains(&MARA.to_string()));
    drop(bot);
    let file = stage.state_dir().join("switchboard.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut connection = sqlx::ConnectOptions::connect(&options).await.expect("the database");
    sqlx::raw_sql("DROP TRIGGER audit_is_not_changed; UPDATE audit SET actor = 1 WHERE seq = 2")
        .execute(&mut connection)
        .await
        .expect("whoever may write the file may do that");
    drop(connection);
    let verified = stage.run(&["audit", "verify"]);
    assert_eq!(verified.code, Some(1));
    assert!(
        verified.stdout.contains("The audit is broken: row 2 is not as it was written"),
        "{}",
        verified.stdout
    );
}

//! What the gateway brings twice is served once: it repeats events when a session is resumed.

use serde_json::{Value, json};

use super::ASKS;
use crate::harness::{HARBOR, MARA, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_click_a_form_and_a_command_that_come_twice_are_served_once() {
    let stage = Stage::new().await.with_daemon_env("LOG_LEVEL", "info");
    let bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    let allow = stage.button_ids(card).remove(0);
    let clicked = stage.discord.component(MARA, card, &allow, &[]);
    // At once, and when all is decided.
    stage.discord.repeat(clicked);
    stage.acknowledged(clicked).await;
    stage.answer(HARBOR, message).await;
    stage.discord.repeat(clicked);

    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    let opened = stage.click(MARA, card, "Deny and say why").await;
    stage.discord.repeat(opened);
    let sent = stage.submit(opened, &["not now"]).await;
    stage.discord.repeat(sent);
    stage.answer(HARBOR, message).await;

    let message = stage.ask(MARA, HARBOR, "[[say:Aye.]]");
    stage.answer(HARBOR, message).await;
    let retried = stage.discord.slash(MARA, HARBOR, "retry", json!([]));
    stage.discord.repeat(retried);
    stage.replied(retried).await;
    stage.rows("SELECT id FROM turns WHERE delivered_at IS NOT NULL", 4).await;
    // Whatever came before this was served.
    let last = stage.ask(MARA, HARBOR, "[[say:Last.]]");
    stage.answer(HARBOR, last).await;
    // On its way out it may well give up something.
    let lines = stage.log_lines();
    assert_eq!(bot.stop().code, Some(0));

    assert_eq!(stage.cli_prompts().len(), 5, "{:?}", stage.cli_prompts());
    assert_eq!(stage.sql("SELECT state FROM asks ORDER BY rowid").await, ["allowed", "denied"]);
    assert_eq!(stage.sql("SELECT target FROM audit WHERE action = 'answer'").await.len(), 2);
    assert_eq!(stage.cli_log("told").len(), 2);
    for id in [clicked, opened, sent] {
        let state = stage.discord.interaction(id);
        assert!(state.followups.is_empty(), "who clicked was told that they were late: {state:?}");
    }
    let is_bad = |line: &&Value| line["level"] == "ERROR" || line.to_string().contains("could not be");
    let bad: Vec<_> = lines.iter().filter(is_bad).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    stage.assert_well_behaved();
}

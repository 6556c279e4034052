//! One more word to the one who is needed.

use switchboard::playground::discord::Pinged;

use super::ASKS;
use crate::harness::{HARBOR, JONAS, MARA, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asked_is_told_once_more_and_nobody_else() {
    let stage = Stage::new().await.with("limits", "ask_remind_secs_max = 1");
    let bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    stage.said(HARBOR, "Claude still waits for an answer").await;
    // It is not said again by the next daemon.
    bot.kill();
    let _bot = stage.bot().await;
    stage.rows("SELECT state FROM slots WHERE state = 'sent'", 3).await;
    stage.click(JONAS, card, "Allow once").await;
    stage.answer(HARBOR, message).await;
    stage.said(HARBOR, "a reminder of a question that is settled now").await;
    let reminders = stage.bot_messages(HARBOR).into_iter().filter(|text| text.contains("⏰"));
    assert_eq!(reminders.count(), 1);
    assert_eq!(stage.pinged_by_cards(), [Pinged::User(MARA), Pinged::User(MARA)]);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_does_not_outlive_its_question_where_a_daemon_does_not() {
    let stage = Stage::new().await.with("limits", "ask_secs_max = 20\nask_remind_secs_max = 1");
    let bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, ASKS);
    stage.said(HARBOR, "Claude still waits for an answer").await;
    stage.rows("SELECT state FROM slots WHERE state = 'sent'", 3).await;
    bot.kill();
    // Its time is over before anybody comes who could say so.
    tokio::time::sleep(std::time::Duration::from_secs(20)).await;
    let _bot = stage.bot().await;
    stage.answer(HARBOR, message).await;
    stage.said(HARBOR, "a reminder of a question that is settled now").await;
    assert!(!stage.bot_messages(HARBOR).iter().any(|text| text.contains("Claude still waits")));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_reminded_where_nobody_wants_it() {
    let stage = Stage::new().await.with("limits", "ask_secs_max = 10\nask_remind_secs_max = 0");
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, ASKS);
    stage.answer(HARBOR, message).await;
    assert_eq!(stage.pinged_by_cards(), [Pinged::User(MARA)]);
    stage.assert_well_behaved();
}

//! The daemon dies between what Discord said of a message and the row of that.

use super::*;
use crate::harness::{Around, Bot, LIGHTHOUSE, eventually, hears_tests};

/// A stage whose next daemon dies at this point.
fn dies_at(stage: Stage, point: &str) -> Stage {
    let env = vec![("FAIL_AT".to_owned(), format!("{point}:1"))];
    stage.around(Around { env, ..Around::default() })
}

/// The daemon dies; the next one answers.
async fn answered_by_the_next(stage: Stage, mut doomed: Bot, message: MessageId) {
    eventually("the daemon to die", || doomed.is_over().then_some(())).await;
    let stage = stage.around(Around::default());
    let _bot = stage.bot().await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("Only once."), "{answer}");
    assert_eq!(stage.outcome(message).await, "✅");
    assert_eq!(stage.bot_messages(HARBOR).len(), 1, "{:#?}", stage.bot_messages(HARBOR));
    stage.rows("select 'x' from turns where delivered_at is null", 0).await;
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_looked_up_as_the_daemon_died_is_looked_up_again() {
    if !hears_tests() {
        return;
    }
    let is_there = || Fault::ApplyThenHold(Arc::new(Notify::new()));
    let is_not_there = || Fault::Hold(Arc::new(Notify::new()));
    for fault in [is_there(), is_not_there()] {
        let stage = Stage::new().await;
        let bot = stage.bot().await;
        stage.discord.faults().next_rest(CREATE, fault);
        let message = stage.ask(MARA, HARBOR, "[[say:Only once.]]");
        stage.rows("select state from slots where state = 'sending'", 1).await;
        stage.rows("select state from turns where state = 'ended'", 1).await;
        bot.kill();
        ten_minutes_pass(&stage).await;
        let stage = dies_at(stage, "LookedUp");
        let doomed = stage.bot_unready();
        answered_by_the_next(stage, doomed, message).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_discord_refused_as_the_daemon_died_is_tried_again() {
    if !hears_tests() {
        return;
    }
    let stage = dies_at(Stage::new().await, "CreateRefused");
    let bot = stage.bot().await;
    let large = json!({ "code": 40005, "message": "Request entity too large" });
    stage.discord.faults().next_rest(CREATE, Fault::Status(413, large));
    let message = stage.ask(MARA, HARBOR, "[[say:Only once.]]");
    answered_by_the_next(stage, bot, message).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_up_as_the_daemon_died_is_given_up_once() {
    if !hears_tests() {
        return;
    }
    let stage = dies_at(Stage::new().await, "SlotRefused");
    let mut bot = stage.bot().await;
    let opening = stage.ask(MARA, LIGHTHOUSE, "[[say:A thread.]]");
    assert_eq!(stage.outcome(opening).await, "✅");
    let thread = ChannelId(opening.0);
    let held = hold(&stage, thread).await;
    stage.discord.delete_channel(thread);
    held.go_on();
    eventually("the daemon to die", || bot.is_over().then_some(())).await;
    let stage = stage.around(Around::default());
    let _bot = stage.bot().await;
    stage.said(LIGHTHOUSE, "could not be posted").await;
    stage.rows("select 'x' from turns where delivered_at is null", 0).await;
    stage.rows("select 'x' from slots where state = 'refused'", 1).await;
    assert_eq!(copies(&stage, LIGHTHOUSE, "could not be posted"), 1);
    let other = stage.ask(MARA, HARBOR, "[[say:Undisturbed.]]");
    assert!(stage.answer(HARBOR, other).await.contains("Undisturbed."));
}

//! A turn that Claude begins by itself, because a task in the background is over, may ask as well: then whoever runs the bot
//! is called, and nobody else.

use serde_json::Value;
use switchboard::domain::ids::ChannelId;
use switchboard::playground::discord::{Pinged, Snapshot};

use super::made;
use crate::harness::{HARBOR, JONAS, LIGHTHOUSE, MARA, Stage, VERA};

/// A task that goes on after the turn; when it is over Claude wants to do something.
async fn a_task_that_asks_when_it_is_over(stage: &Stage) {
    let go = stage.dir().join("go");
    let script = "[[ask:bash:touch made.txt]][[code:1]]";
    let message =
        stage.ask(MARA, HARBOR, &format!("[[background:{script}|{}]][[say:It runs.]]", go.display()));
    stage.answer(HARBOR, message).await;
    std::fs::write(&go, "").expect("the task ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_runs_the_bot_is_called() {
    let stage = Stage::new()
        .await
        .with("access", &format!("owner = {JONAS}"))
        .with("limits", "ask_remind_secs_max = 1");
    let bot = stage.bot().await;
    a_task_that_asks_when_it_is_over(&stage).await;
    let (card, _) = stage.card(HARBOR).await;
    let shown = stage.discord.message(card).expect("the card is there")["content"].to_string();
    assert!(shown.contains(&format!("<@{JONAS}>")), "{shown}");
    assert!(shown.contains("An operator of the project answers."), "{shown}");
    // They are the one who is reminded, and whom the next daemon knows.
    stage.said(HARBOR, "Claude still waits for an answer").await;
    bot.kill();
    let _bot = stage.bot().await;
    assert!(!made(&stage));
    stage.click(JONAS, card, "Allow once").await;
    stage.said(HARBOR, "let line_1").await;
    assert!(made(&stage));
    assert_eq!(stage.pinged_by_cards(), [Pinged::User(JONAS), Pinged::User(JONAS)]);
    assert_eq!(stage.sql("SELECT state || ' ' || settled_by_name FROM asks").await, ["allowed Jonas"]);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_in_the_background_is_stopped_by_whoever_asked_for_it_or_runs_the_project() {
    let people = format!("[[access.people]]\ntier = \"member\"\nusers = [{JONAS}, {VERA}]");
    let stage = Stage::new().await.with("access", &people);
    let _bot = stage.bot().await;
    for who in [JONAS, MARA] {
        let go = stage.dir().join(format!("go-{who}"));
        let message = stage.ask(
            who,
            HARBOR,
            &format!("[[background:[[say:Unheard.]]|{}]][[say:It runs.]]", go.display()),
        );
        stage.answer(HARBOR, message).await;
        let said = stage.slash_text(VERA, HARBOR, "stop").await;
        assert!(said.contains("somebody else's"), "{said}");
        let said = stage.slash_text(who, HARBOR, "stop").await;
        assert!(said.contains("in the background"), "{said}");
        stage.rows("SELECT id FROM processes WHERE ended_at IS NULL", 0).await;
        std::fs::write(go, "").expect("the task would end");
    }
    let last = stage.ask(JONAS, HARBOR, "[[recall]]");
    assert!(stage.answer(HARBOR, last).await.contains("It runs."));
    let of_its_own = stage.sql("SELECT id FROM turns WHERE prompt IS NULL").await;
    assert!(of_its_own.is_empty(), "no task came to its end");
    let stops = stage.sql("SELECT count(*) || '' FROM audit WHERE action = 'stop'").await;
    assert_eq!(stops, ["2"]);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_is_named_nobody_is_called_and_the_card_says_who_may() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    a_task_that_asks_when_it_is_over(&stage).await;
    let (card, _) = stage.card(HARBOR).await;
    let shown = stage.discord.message(card).expect("the card is there")["content"].to_string();
    assert!(shown.contains("An operator of the project answers."), "{shown}");
    stage.click(MARA, card, "Deny").await;
    stage.said(HARBOR, "denied by Mara").await;
    assert!(!made(&stage));
    assert_eq!(stage.pinged_by_cards(), []);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_place_holds_up_no_question_and_comes_after_it() {
    let stage = Stage::new().await.with("limits", "running_turns_max = 1");
    let _bot = stage.bot().await;
    let go = stage.dir().join("go");
    let script = "[[ask:bash:touch made.txt]][[code:1]]";
    let first = stage.ask(MARA, HARBOR, &format!("[[background:{script}|{}]][[say:It runs.]]", go.display()));
    stage.answer(HARBOR, first).await;
    let free = stage.dir().join("free");
    let elsewhere = stage.ask(JONAS, LIGHTHOUSE, &format!("[[say:Here.]][[wait:{}]]", free.display()));
    stage.said(ChannelId(elsewhere.0), "Here.").await;
    let waits = stage.ask(MARA, HARBOR, "[[say:At last.]]");
    stage.answer_shows(HARBOR, waits, "waiting for a place").await;
    std::fs::write(&go, "").expect("the task ends");
    let (card, _) = stage.card(HARBOR).await;
    let left = |discord: &Snapshot<'_>| {
        let waiting = |message: &Value| message["content"].to_string().contains("waiting for a place");
        (!discord.messages(HARBOR).iter().any(waiting)).then_some(())
    };
    stage.discord.wait_for("the line of the turn that gave way to be gone", left).await;
    stage.click(MARA, card, "Allow once").await;
    stage.said(HARBOR, "let line_1").await;
    std::fs::write(&free, "").expect("a place is free");
    assert!(stage.answer(HARBOR, waits).await.contains("At last."));
    assert_eq!(stage.outcome(waits).await, "✅");
    let over = format!("{waits}/reactions/⏹️/@me");
    let said_over = |discord: Snapshot<'_>| discord.requests().iter().any(|it| it.path.ends_with(&over));
    assert!(!stage.discord.look(said_over), "it gave way, and waited on");
    stage.assert_well_behaved();
}

//! People in the loop: what Claude asks, who may answer, and that one answer counts, whatever happens meanwhile.

mod forms;
mod interactions;
mod nobody_asked;
mod plans;
mod questions;
mod reminders;
mod servers;
mod twice;
mod waiting;

use std::sync::Arc;

use insta::assert_snapshot;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use switchboard::playground::discord::{Fault, Pinged};
use tokio::sync::Notify;

use crate::harness::{BOT, HARBOR, JONAS, MARA, Stage, VERA, alive, eventually};

const ASKS: &str = "[[say:I need a file.]][[ask:bash:touch made.txt]][[say:That was it.]]";

fn made(stage: &Stage) -> bool {
    stage.dir().join("harbor/made.txt").exists()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_allows_and_the_command_runs() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, labels) = stage.card(HARBOR).await;
    assert_eq!(
        labels,
        ["Allow once", "Allow for this session", "Deny", "Deny and say why", "Edit, then allow"]
    );
    assert!(!made(&stage));
    stage.at_work(message).await;
    assert_snapshot!("a_card", stage.transcript(HARBOR));
    stage.click(MARA, card, "Allow once").await;
    stage.answer(HARBOR, message).await;
    assert!(made(&stage));
    assert_snapshot!("a_card_that_was_allowed", stage.transcript(HARBOR));
    // One ping, of the one whose turn waited.
    assert_eq!(stage.pinged_by_cards(), [Pinged::User(MARA)]);
    assert_eq!(stage.sql("SELECT state || ' ' || settled_by_name FROM asks").await, ["allowed Mara"]);
    assert_eq!(
        stage.sql("SELECT substr(detail, 1, 18) FROM audit WHERE action = 'answer'").await,
        ["allowed permission"]
    );
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_denies_and_claude_is_told() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    // Whoever may prompt may answer: Jonas has the role.
    stage.click(JONAS, card, "Deny").await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("denied by Jonas") && answer.contains("It was refused: Jonas"), "{answer}");
    assert!(!made(&stage));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_click_counts_for_nothing() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    let clicked = stage.click(VERA, card, "Allow once").await;
    let told = stage.told_privately(clicked).await;
    assert!(told.contains("not among the people"), "{told}");
    assert!(!made(&stage));
    assert_eq!(stage.sql("SELECT state FROM asks").await, ["open"]);
    stage.click(MARA, card, "Deny").await;
    stage.answer(HARBOR, message).await;
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_clicks_one_counts() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    let ids = stage.button_ids(card);
    let clicks: Vec<_> = (0..50)
        .filter_map(|number| {
            let person = if number % 2 == 0 { MARA } else { JONAS };
            stage.discord.try_component(person, card, &ids[number % 3], &[])
        })
        .collect();
    stage.answer(HARBOR, message).await;
    let told = stage
        .discord
        .wait_for("all but one click to be answered", |discord| {
            let states = clicks.iter().map(|click| discord.interaction(*click));
            let told: Vec<_> = states.filter(|state| !state.followups.is_empty()).collect();
            (told.len() == clicks.len() - 1).then_some(told)
        })
        .await;
    for state in &told {
        let text = state.followups[0]["content"].as_str().unwrap_or_default();
        assert!(text.contains("was first"), "{text}");
    }
    assert_eq!(stage.sql("SELECT count(*) || '' FROM audit WHERE action = 'answer'").await, ["1"]);
    assert_eq!(stage.cli_log("prompt").len(), 1);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_button_works_after_the_daemon_was_killed() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    let ids = stage.button_ids(card);
    bot.kill();
    let _bot = stage.bot().await;
    assert_eq!(stage.button_ids(card), ids);
    stage.click_id(MARA, card, &ids[0]).await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("allowed by Mara") && answer.contains("That was it."), "{answer}");
    assert!(made(&stage));
    assert_eq!(stage.pinged_by_cards(), [Pinged::User(MARA)], "nobody is told twice");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_of_a_cli_that_died_meanwhile_says_so() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    let ids = stage.button_ids(card);
    let cli = stage.cli_pid(1).await;
    bot.kill();
    kill(Pid::from_raw(cli), Signal::SIGKILL).expect("it is there");
    eventually("the CLI to be gone", || (!alive(cli)).then_some(())).await;
    // Discord does not take the edit that removes the buttons yet: people still see them.
    let held = Arc::new(Notify::new());
    stage
        .discord
        .faults()
        .next_rest(format!("PATCH /channels/{HARBOR}/messages/{card}").as_str(), Fault::Hold(held.clone()));
    let _bot = stage.bot().await;
    stage.rows("SELECT state FROM asks WHERE state = 'withdrawn'", 1).await;
    let clicked = stage.click_id(MARA, card, &ids[0]).await;
    let told = stage.told_privately(clicked).await;
    assert!(told.contains("This question is void"), "{told}");
    held.notify_one();
    stage.answer(HARBOR, message).await;
    assert!(!made(&stage));
    stage.assert_well_behaved();
}

/// Discord wants to hear of each within three seconds (its docs, "Receiving and Responding").
#[tokio::test(flavor = "multi_thread")]
async fn what_hangs_holds_up_no_acknowledgement() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    let never = Fault::Hold(Arc::new(Notify::new()));
    stage.discord.faults().rate("* /channels/**", 1_000_000, 1, never);
    let writer = stage.locked().await;
    // Neither the database nor Discord's channels answer before these are acknowledged.
    stage.click(MARA, card, "Allow once").await;
    let asked = stage.discord.slash(MARA, HARBOR, "status", json!([]));
    stage.acknowledged(asked).await;
    assert!(!made(&stage), "the answer was given to Claude before it was stored");
    drop(writer);
    stage.discord.faults().clear_rest();
    assert!(stage.answer(HARBOR, message).await.contains("allowed by Mara"));
    assert!(made(&stage));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_answers_in_time_and_it_is_denied() {
    let stage = Stage::new().await.with("limits", "ask_secs_max = 20");
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(
        answer.contains("denied: nobody answered in time") && answer.contains("It was refused"),
        "{answer}"
    );
    assert!(stage.button_ids(card).is_empty(), "a settled card has no live buttons");
    assert!(!made(&stage));
    assert_eq!(stage.sql("SELECT state FROM asks").await, ["expired"]);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_nobody_can_see_is_denied() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let body = json!({ "code": 50035, "message": "Invalid Form Body" });
    let faults = stage.discord.faults();
    // The card comes in a message of its own, which Discord does not take.
    let gate = stage.dir().join("gate");
    let message = stage.ask(MARA, HARBOR, &format!("[[say:First.]][[wait:{}]]{ASKS}", gate.display()));
    stage
        .discord
        .wait_for("the first words", |discord| {
            let messages = discord.messages(HARBOR);
            let own = messages.iter().find(|message| message["author"]["id"] == BOT.to_string())?;
            own["content"].as_str()?.contains("First.").then_some(())
        })
        .await;
    faults.next_rest("POST /channels/*/messages", Fault::Status(400, body));
    std::fs::write(&gate, "").expect("the gate opens");
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("It was refused: the question could not be shown"), "{answer}");
    assert!(!made(&stage));
    assert_eq!(stage.sql("SELECT state FROM asks").await, ["expired"]);
    assert!(stage.pinged_by_cards().is_empty(), "nobody was told of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_withdraws_the_question() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    stage.slash_text(MARA, HARBOR, "stop").await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("withdrawn, without an answer"), "{answer}");
    assert!(stage.button_ids(card).is_empty());
    assert!(!made(&stage));
    assert_eq!(stage.sql("SELECT state FROM asks").await, ["withdrawn"]);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_was_cut_off_goes_on_with_a_click_once() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    stage.ask(MARA, HARBOR, "[[say:I begin.]][[bash:touch begun.txt]][[exit:7]]");
    let (cut, labels) = stage.card(HARBOR).await;
    assert_eq!(labels, ["Go on"]);
    let id = stage.button_ids(cut).remove(0);
    let stranger = stage.click_id(VERA, cut, &id).await;
    assert!(stage.told_privately(stranger).await.contains("not among the people"));
    let clicks = [MARA, JONAS].map(|person| stage.discord.component(person, cut, &id, &[]));
    stage.answer(HARBOR, cut).await;
    let told = stage
        .discord
        .wait_for("the second click to be answered", |discord| {
            let states = clicks.iter().map(|click| discord.interaction(*click));
            states.flat_map(|state| state.followups).next()
        })
        .await;
    assert!(told["content"].as_str().unwrap_or_default().contains("was first"), "{told}");
    let prompts = stage.cli_prompts();
    assert_eq!(prompts.len(), 2, "{prompts:?}");
    assert!(prompts[1].contains("was cut off") && prompts[1].contains("part of"), "{prompts:?}");
    stage
        .discord
        .wait_for("the button to be gone", |discord| {
            let message = discord.message(cut)?;
            message["components"].as_array().is_none_or(Vec::is_empty).then_some(())
        })
        .await;
    stage.assert_well_behaved();
}

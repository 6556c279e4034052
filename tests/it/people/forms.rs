//! Permissions that are answered with words: why not, and with another command.

use insta::assert_snapshot;

use super::{ASKS, made};
use crate::harness::{HARBOR, JONAS, MARA, Stage, VERA};

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_reaches_claude_with_the_name_of_who_said_it() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    let opened = stage.click(JONAS, card, "Deny and say why").await;
    assert_eq!(stage.form(opened)["title"], "Deny and say why");
    assert_eq!(stage.sql("SELECT state FROM asks").await, ["open"], "to open a form decides nothing");
    stage.submit(opened, &["not *today*, use `made2.txt`"]).await;
    let answer = stage.answer(HARBOR, message).await;
    let told = "It was refused: Jonas said no to this in the chat: not *today*, use `made2.txt`";
    assert!(answer.contains(told), "{answer}");
    assert!(!made(&stage));
    assert_snapshot!("a_card_that_was_denied_with_a_reason", stage.transcript(HARBOR));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_command_runs_in_the_place_of_the_one_that_was_asked_for() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    let opened = stage.click(MARA, card, "Edit, then allow").await;
    let field = &stage.form(opened)["components"][0]["components"][0];
    assert_eq!(field["value"], "touch made.txt", "the whole command, to be changed");
    stage.submit(opened, &["touch other.txt"]).await;
    stage.answer(HARBOR, message).await;
    assert!(!made(&stage) && stage.dir().join("harbor/other.txt").exists());
    assert_snapshot!("a_card_that_was_edited", stage.transcript(HARBOR));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_opened_and_taken_for_those_alone_who_may_answer() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    let stranger = stage.click(VERA, card, "Edit, then allow").await;
    assert!(stage.discord.interaction(stranger).modal.is_none());
    assert!(stage.told_privately(stranger).await.contains("not among the people"));
    // Jonas may when he opens it, and not any more when he sends it off.
    let opened = stage.click(JONAS, card, "Deny and say why").await;
    stage.discord.set_roles(JONAS, &[]);
    let sent = stage.submit(opened, &["no"]).await;
    assert!(stage.told_privately(sent).await.contains("not among the people"));
    assert_eq!(stage.sql("SELECT state FROM asks").await, ["open"]);
    stage.click(MARA, card, "Deny").await;
    stage.answer(HARBOR, message).await;
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_comes_too_late_is_told_who_was_first_and_works_after_a_restart() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    let (first, late) = (
        stage.click(JONAS, card, "Edit, then allow").await,
        stage.click(MARA, card, "Deny and say why").await,
    );
    bot.kill();
    let _bot = stage.bot().await;
    stage.submit(first, &["touch other.txt"]).await;
    stage.answer(HARBOR, message).await;
    let sent = stage.submit(late, &["no"]).await;
    let told = stage.told_privately(sent).await;
    assert!(told.contains("Jonas was first: this is allowed already. Your click changed nothing"), "{told}");
    assert!(!made(&stage) && stage.dir().join("harbor/other.txt").exists());
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_a_long_command_is_one_tap_away() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let command: String = (0..300).map(|line| format!("true line {line}\n")).collect();
    std::fs::write(stage.dir().join("harbor/long.txt"), &command).expect("the project's directory");
    // A prompt that long does not fit into a message: the fake reads it.
    let message = stage.ask(MARA, HARBOR, "[[ask:bash-file:long.txt]]");
    let (card, labels) = stage.card(HARBOR).await;
    assert_eq!(labels.last().map(String::as_str), Some("Show all"));
    assert!(!labels.contains(&"Edit, then allow".to_owned()), "it does not fit into a form: {labels:?}");
    let shown = stage.click(JONAS, card, "Show all").await;
    let all = stage
        .discord
        .wait_for("all of it, privately", |discord| {
            let followups = discord.interaction(shown).followups;
            let private = followups.iter().all(|each| each["flags"].as_u64().unwrap_or_default() & 64 != 0);
            assert!(private, "everybody sees it");
            let all: String = followups.iter().filter_map(|each| each["content"].as_str()).collect();
            all.contains("line 299").then_some(all)
        })
        .await;
    assert!((0..300).all(|line| all.contains(&format!("line {line}\n"))), "{all}");
    assert_eq!(stage.sql("SELECT state FROM asks").await, ["open"]);
    stage.click(MARA, card, "Deny").await;
    stage.answer(HARBOR, message).await;
    stage.assert_well_behaved();
}

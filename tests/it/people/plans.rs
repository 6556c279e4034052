//! Plans: a document to read, and to approve or to send back.

use insta::assert_snapshot;

use crate::harness::{HARBOR, JONAS, MARA, Stage};

const PLAN: &str = "[[plan:# Plan\n1. Paint the buoy\n2. Drop it]]";

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_approved() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, PLAN);
    let (card, labels) = stage.card(HARBOR).await;
    assert_eq!(labels, ["Approve", "Approve and accept edits", "Keep planning"]);
    stage.at_work(message).await;
    assert_snapshot!("a_plan", stage.transcript(HARBOR));
    stage.click(JONAS, card, "Approve").await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("approved by Jonas") && answer.contains("The plan is approved."), "{answer}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_approved_with_its_edits() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, PLAN);
    let (card, _) = stage.card(HARBOR).await;
    stage.click(MARA, card, "Approve and accept edits").await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("approved for this session by Mara: every edit of a file here"), "{answer}");
    assert!(answer.contains("permission mode is now `acceptEdits`"), "{answer}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_should_be_different_reaches_claude() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, PLAN);
    let (card, _) = stage.card(HARBOR).await;
    let opened = stage.click(MARA, card, "Keep planning").await;
    stage.submit(opened, &["Paint it red first."]).await;
    let answer = stage.answer(HARBOR, message).await;
    let told = "It was refused: Mara wants you to keep planning. They said in the chat: Paint it red first.";
    assert!(answer.contains(told), "{answer}");
    assert_snapshot!("a_plan_that_was_sent_back", stage.transcript(HARBOR));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_plan_stays_as_a_document() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let steps: String = (0..80).map(|step| format!("{step}. paint\n")).collect();
    let long = "and think about it for a while, ".repeat(30);
    let message = stage.ask(MARA, HARBOR, &format!("[[plan:{steps}{}]]", &long[..900]));
    let (card, _) = stage.card(HARBOR).await;
    stage.click(MARA, card, "Approve").await;
    stage.answer(HARBOR, message).await;
    assert!(stage.bot_messages(HARBOR).join("\n").contains("79. paint"));
    stage.assert_well_behaved();
}

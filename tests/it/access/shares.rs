//! A conversation that is shared with one more person, for a time.

use serde_json::{Value, json};
use switchboard::domain::ids::UserId;

use crate::harness::{HARBOR, JONAS, LIGHTHOUSE, MARA, Stage, VERA, private_text};

const ASKS: &str = "[[ask:bash:touch made.txt]][[say:That was it.]]";

fn add(whom: UserId) -> Value {
    json!([{ "name": "add", "type": 1, "options": [
        { "name": "whom", "type": 6, "value": whom.to_string() }, { "name": "hours", "type": 4, "value": 2 }] }])
}

fn remove(whom: UserId) -> Value {
    json!([{ "name": "remove", "type": 1, "options": [{ "name": "whom", "type": 6, "value": whom.to_string() }] }])
}

fn list() -> Value {
    json!([{ "name": "list", "type": 1, "options": [] }])
}

async fn share(stage: &Stage, who: UserId, options: Value) -> String {
    private_text(&stage.slash(who, HARBOR, "share", options).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_writes_here_and_answers_nothing() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    assert!(share(&stage, MARA, add(VERA)).await.contains("no conversation here yet"));
    let first = stage.ask(MARA, HARBOR, "[[say:Aye.]]");
    stage.answer(HARBOR, first).await;
    assert!(share(&stage, VERA, add(VERA)).await.contains("not among the people"));
    assert!(stage.slash_text(VERA, HARBOR, "help").await.starts_with("You are not among the people"));
    assert!(share(&stage, MARA, add(JONAS)).await.contains("may write here already"));
    let told = share(&stage, MARA, add(VERA)).await;
    assert!(told.starts_with("Done") && told.contains("may write here until"), "{told}");
    stage.said(HARBOR, "shared this conversation with").await;
    let listed = share(&stage, MARA, list()).await;
    assert!(listed.contains(&format!("<@{VERA}>, member until")), "{listed}");

    // Who is let in is no stranger.
    assert!(stage.slash_text(VERA, HARBOR, "help").await.contains("I run Claude Code"));
    assert!(stage.slash_text(VERA, HARBOR, "status").await.contains("**harbor**"));

    // It survives.
    bot.kill();
    let _bot = stage.bot().await;
    let message = stage.ask(VERA, HARBOR, ASKS);
    let elsewhere = stage.ask(VERA, LIGHTHOUSE, "[[say:no]]");
    let (card, _) = stage.card(HARBOR).await;
    let clicked = stage.click(VERA, card, "Allow once").await;
    let told = stage.told_privately(clicked).await;
    assert!(told.contains("answered by the people of the project"), "{told}");
    assert!(!stage.dir().join("harbor/made.txt").exists());
    assert!(share(&stage, VERA, add(JONAS)).await.contains("operator"));
    stage.click(JONAS, card, "Allow once").await;
    assert!(stage.answer(HARBOR, message).await.contains("allowed by Jonas"));
    assert!(stage.discord.reactions(elsewhere).is_empty() && stage.discord.threads(LIGHTHOUSE).is_empty());
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_guest_has_waiting_ends_with_the_share() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let go = stage.dir().join("go");
    let first = stage.ask(MARA, HARBOR, &format!("[[say:I wait.]][[wait:{}]]", go.display()));
    stage.answer_shows(HARBOR, first, "I wait.").await;
    share(&stage, MARA, add(VERA)).await;
    let waiting = stage.ask(VERA, HARBOR, "[[say:no]]");
    stage.answer_shows(HARBOR, first, "1 queued").await;
    assert!(share(&stage, JONAS, remove(VERA)).await.starts_with("Done"));
    assert!(share(&stage, JONAS, remove(VERA)).await.contains("not shared with that person"));
    std::fs::write(&go, "").expect("the gate opens");
    assert_eq!(stage.outcome(waiting).await, "❌");
    stage.answer_shows(HARBOR, waiting, "Not run").await;
    let again = stage.ask(VERA, HARBOR, "[[say:no]]");
    let last = stage.ask(MARA, HARBOR, "[[say:Aye.]]");
    stage.answer(HARBOR, last).await;
    assert!(stage.discord.reactions(again).is_empty());
    assert_eq!(stage.cli_prompts().len(), 2);
    stage.said(HARBOR, "ended the share").await;
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_guest_wanted_told_to_a_turn_ends_with_the_share() {
    let limits = "running_turns_max = 1";
    let stage = Stage::new().await.with("limits", limits).with("harbor", "while_running = \"steer\"");
    let _bot = stage.bot().await;
    let first = stage.ask(MARA, HARBOR, "[[say:Aye.]]");
    stage.answer(HARBOR, first).await;
    share(&stage, MARA, add(VERA)).await;
    let (place, go) = (stage.dir().join("place"), stage.dir().join("go"));
    let elsewhere = stage.ask(MARA, LIGHTHOUSE, &format!("[[say:I wait.]][[wait:{}]]", place.display()));
    stage.said(switchboard::domain::ids::ChannelId(elsewhere.0), "I wait.").await;
    // Her turn waits for its place, and Vera's words for her turn.
    let wait = format!("while [ ! -e {} ]; do sleep 0.02; done", go.display());
    let waiting = stage.ask(MARA, HARBOR, &format!("[[bash:{wait}]][[bash:sleep 1]][[say:Finished.]]"));
    let told = stage.ask(VERA, HARBOR, "[[say:no]]");
    stage.answer_shows(HARBOR, waiting, "1 queued").await;
    assert!(share(&stage, JONAS, remove(VERA)).await.starts_with("Done"));
    std::fs::write(&place, "").expect("the place is free");
    stage.rows("SELECT 'x' FROM prompts WHERE state = 'refused'", 1).await;
    std::fs::write(&go, "").expect("the gate opens");
    let answer = stage.answer_shows(HARBOR, waiting, "Finished.").await;
    assert!(!answer.contains("↪️"), "{answer}");
    assert_eq!(stage.outcome(told).await, "❌");
    stage.answer_shows(HARBOR, told, "Not run").await;
    assert!(stage.cli_prompts().iter().all(|prompt| prompt != "[[say:no]]"));
    let states = stage.sql("SELECT state FROM prompts ORDER BY seq").await;
    assert_eq!(states, ["taken", "taken", "taken", "refused"]);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_opened_a_conversation_may_share_it_and_other_members_not() {
    let stage = Stage::new().await.with("access", "tier = \"member\"");
    let _bot = stage.bot().await;
    let message = stage.ask(JONAS, HARBOR, "[[say:Aye.]]");
    stage.answer(HARBOR, message).await;
    let told = share(&stage, MARA, add(VERA)).await;
    assert!(told.contains("an operator"), "{told}");
    assert!(share(&stage, JONAS, add(VERA)).await.starts_with("Done"));
    let message = stage.ask(VERA, HARBOR, "[[say:Thanks.]]");
    assert!(stage.answer(HARBOR, message).await.contains("Thanks."));
    stage.assert_well_behaved();
}

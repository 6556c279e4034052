//! Threads that take nothing, cannot be opened, or lose what they stand on: it is said above them.

use serde_json::json;
use switchboard::domain::ids::ChannelId;
use switchboard::playground::discord::Fault;

use super::{copies, hold, wait_done, wait_said};
use crate::harness::{HARBOR, LIGHTHOUSE, MARA, Stage};

/// A thread of the project `lighthouse` in which was talked already.
async fn thread(stage: &Stage) -> ChannelId {
    let first = stage.ask(MARA, LIGHTHOUSE, "[[say:A thread.]]");
    assert_eq!(stage.outcome(first).await, "✅");
    ChannelId(first.0)
}

/// All creates in this channel get this answer.
fn close(stage: &Stage, channel: ChannelId, status: u16, code: u32) {
    let path = format!("POST /channels/{channel}/messages");
    let body = json!({ "code": code, "message": "No." });
    stage.discord.faults().rate(&*path, 1_000_000, 1, Fault::Status(status, body));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_takes_nothing_is_said_above_it_and_gets_its_answer_later() {
    for (status, code, sentence) in
        [(400, 160_005, "is locked"), (403, 50_001, "I may not write"), (403, 50_013, "I may not write")]
    {
        let stage = Stage::new().await;
        let _bot = stage.bot().await;
        let thread = thread(&stage).await;
        close(&stage, thread, status, code);
        let waits = stage.ask(MARA, thread, "[[say:At last.]]");
        let notice = wait_said(&stage, LIGHTHOUSE, sentence).await;
        assert_eq!(stage.outcome(waits).await, "❌", "{code}: nobody can read it yet");
        // Nobody else waits.
        let other = stage.ask(MARA, HARBOR, "[[say:Undisturbed.]]");
        assert!(stage.answer(HARBOR, other).await.contains("Undisturbed."));
        stage.rows("select 'x' from turns where delivered_at is null", 1).await;
        stage.discord.faults().clear_rest();
        wait_said(&stage, thread, "At last.").await;
        assert_eq!(copies(&stage, thread, "At last."), 1);
        stage
            .discord
            .wait_for("the good news above", |discord| {
                let content = discord.message(notice)?["content"].as_str()?.to_owned();
                content.contains("is in <#").then_some(())
            })
            .await;
        stage.rows("select 'x' from turns where delivered_at is null", 0).await;
        wait_done(&stage, waits).await;
        assert!(stage.discord.invalid_requests() < 20, "{}", stage.discord.invalid_requests());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_cannot_be_opened_is_said() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let body = json!({ "code": 160_006, "message": "Maximum number of active threads reached." });
    let path = format!("POST /channels/{LIGHTHOUSE}/messages/*/threads");
    stage.discord.faults().rate(&*path, 1_000_000, 1, Fault::Status(400, body));
    let message = stage.ask(MARA, LIGHTHOUSE, "[[say:At last.]]");
    wait_said(&stage, LIGHTHOUSE, "as many active threads").await;
    stage.discord.faults().clear_rest();
    wait_said(&stage, ChannelId(message.0), "At last.").await;
    wait_done(&stage, message).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_is_deleted_is_said_above_it() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let thread = thread(&stage).await;
    let held = hold(&stage, thread).await;
    stage.discord.delete_channel(thread);
    held.go_on();
    let sentence = stage.said(LIGHTHOUSE, "could not be posted").await;
    let id = sentence.rsplit_once('(').expect("with an error id").1.trim_end_matches(')').to_owned();
    stage.logged(&id).await;
    stage.rows("select 'x' from turns where delivered_at is null", 0).await;
    stage.rows("select 'x' from slots where state = 'refused'", 1).await;
    let other = stage.ask(MARA, HARBOR, "[[say:Undisturbed.]]");
    assert!(stage.answer(HARBOR, other).await.contains("Undisturbed."));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_deletes_the_first_message_of_a_thread_does_not_cut_off_the_answer_in_it() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let go = stage.dir().join("go");
    let lines = format!("[[say:Begun.]][[wait:{}]][[lines:300]][[say:The end.]]", go.display());
    let opening = stage.ask(MARA, LIGHTHOUSE, &lines);
    let thread = ChannelId(opening.0);
    stage.said(thread, "Begun.").await;
    // The next daemon does not know that the thread is open.
    bot.kill();
    stage.discord.delete(opening);
    let _bot = stage.bot().await;
    std::fs::write(&go, "").expect("the file");
    stage.said(thread, "The end.").await;
    stage.rows("select 'x' from turns where delivered_at is not null", 1).await;
}

//! A turn outlives the daemon, and so does the session; nothing is posted twice.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::stage;
use crate::harness::{HARBOR, MARA, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_the_session_goes_on() {
    let Some((_api, stage)) = stage().await else { return };
    let bot = stage.bot().await;
    stage.exchange(HARBOR, "[[say:before]]").await;
    assert_eq!(bot.stop().code, Some(0));
    let bot = stage.bot().await;
    let answer = stage.exchange(HARBOR, "[[recall]] one").await;
    assert!(answer.contains("[[say:before]]"), "{answer}");
    bot.kill();
    let _bot = stage.bot().await;
    let answer = stage.exchange(HARBOR, "[[recall]] two").await;
    assert!(answer.contains("[[say:before]]") && answer.contains("[[recall]] one"), "{answer}");
    assert_eq!(stage.sql("SELECT id FROM sessions").await.len(), 1);
    assert_eq!(stage.clis("harbor").len(), 1);
    assert_eq!(stage.bot_messages(HARBOR).len(), 3);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_goes_on_while_the_bot_is_killed_and_comes_back() {
    let Some((api, stage)) = stage().await else { return };
    let bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[stream:500,0]][[hold-mid]][[say:the very end]]");
    stage.showing(HARBOR, "chunk 300 ").await;
    bot.kill();
    let _bot = stage.bot().await;
    api.release();
    let answer = stage.answer(HARBOR, message).await;
    once_and_whole(&stage, &answer);
    assert_eq!(api.requests().len(), 1, "the turn was not asked for again");
    assert!(stage.exchange(HARBOR, "[[recall]]").await.contains("[[stream:500,0]]"));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_ends_while_the_bot_is_away_is_shown_whole_and_once() {
    let Some((api, stage)) = stage().await else { return };
    let bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[stream:500,0]][[hold-mid]][[say:the very end]]");
    stage.showing(HARBOR, "chunk 300 ").await;
    bot.kill();
    api.release();
    eventually("the turn to end", || stage.has_result().then_some(())).await;
    let bot = stage.bot().await;
    let answer = stage.answer(HARBOR, message).await;
    once_and_whole(&stage, &answer);

    // And not once more at the next start.
    let shown = stage.bot_messages(HARBOR);
    bot.kill();
    let _bot = stage.bot().await;
    assert!(stage.exchange(HARBOR, "[[recall]]").await.contains("[[stream:500,0]]"));
    assert_eq!(stage.bot_messages(HARBOR)[..shown.len()], shown);
    assert_eq!(api.requests().len(), 2);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_process_that_was_killed_is_missed_by_nobody() {
    let Some((_api, stage)) = stage().await else { return };
    let _bot = stage.bot().await;
    stage.exchange(HARBOR, "[[say:before]]").await;
    let [cli] = stage.clis("harbor")[..] else { panic!("one CLI") };
    kill(Pid::from_raw(cli), Signal::SIGKILL).expect("it is there");
    let answer = stage.exchange(HARBOR, "[[recall]]").await;
    assert!(answer.contains("[[say:before]]"), "{answer}");
    assert_eq!(stage.bot_messages(HARBOR).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_before_it_changed_anything_is_replaced_and_answers_once() {
    let Some((api, stage)) = stage().await else { return };
    let _bot = stage.bot().await;
    stage.exchange(HARBOR, "[[say:before]]").await;
    let message = stage.ask(MARA, HARBOR, "[[say:some words]][[hold-mid]][[say:the end]]");
    stage.showing(HARBOR, "some words").await;
    let [cli] = stage.clis("harbor")[..] else { panic!("one CLI") };
    kill(Pid::from_raw(cli), Signal::SIGKILL).expect("it is there");
    // It is in the transcript of the dead one, and asked for again all the same.
    eventually("the prompt to be asked for again", || (api.requests().len() >= 3).then_some(())).await;
    api.release();
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("the end") && answer.matches("some words").count() == 1, "{answer}");
    assert_eq!(stage.outcome(message).await, "✅");
    assert_eq!(stage.bot_messages(HARBOR).len(), 2);
    let answer = stage.exchange(HARBOR, "[[recall]]").await;
    assert!(answer.contains("[[say:before]]"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_after_it_changed_something_is_not_replaced() {
    let Some((api, stage)) = stage().await else { return };
    let stage = stage.with("claude", "permission_mode = \"acceptEdits\"");
    let _bot = stage.bot().await;
    let message = stage.ask(
        MARA,
        HARBOR,
        "[[tool:Write {\"file_path\":\"EFFECT\",\"content\":\"once\"}]][[say:some words]][[hold-mid]]",
    );
    stage.showing(HARBOR, "some words").await;
    let [cli] = stage.clis("harbor")[..] else { panic!("one CLI") };
    kill(Pid::from_raw(cli), Signal::SIGKILL).expect("it is there");
    assert_eq!(stage.outcome(message).await, "❌");
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("signal 9") && answer.contains("not run again"), "{answer}");
    super::failures::assert_logged(&stage, &answer).await;
    let asked = api.requests().len();
    let answer = stage.exchange(HARBOR, "[[recall]]").await;
    assert!(answer.contains("EFFECT"), "the session stays: {answer}");
    assert_eq!(api.requests().len(), asked + 1);
}

/// Each of the 500 chunks is in one message, once; and so is the end.
fn once_and_whole(stage: &crate::harness::Stage, answer: &str) {
    let all = stage.bot_messages(HARBOR).join(" ");
    for text in (1..=500).map(|n| format!("chunk {n}")).chain(["the very end".to_owned()]) {
        let found = all.match_indices(&text).filter(|(at, _)| {
            let next = all[at + text.len()..].chars().next();
            next.is_none_or(|next| !next.is_ascii_digit())
        });
        assert_eq!(found.count(), 1, "{text}, once: {all}");
    }
    assert!(answer.contains("chunk 1 ") && answer.contains("the very end"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_daemon_the_cli_ends_after_a_while_and_the_session_stays() {
    let Some((_api, stage)) = stage().await else { return };
    let stage = stage.with("limits", "orphan_secs_max = 15");
    let bot = stage.bot().await;
    stage.exchange(HARBOR, "[[say:before]]").await;
    assert_eq!(stage.clis("harbor").len(), 1);
    bot.kill();
    eventually("the CLI to end", || stage.clis("harbor").is_empty().then_some(())).await;
    let _bot = stage.bot().await;
    let answer = stage.exchange(HARBOR, "[[recall]]").await;
    assert!(answer.contains("[[say:before]]"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_is_gone_is_told_and_the_prompt_answered() {
    let Some((_api, stage)) = stage().await else { return };
    let stage = stage.with("claude", "warm_idle_secs = 0");
    let _bot = stage.bot().await;
    stage.exchange(HARBOR, "[[say:before]]").await;
    eventually("the process to be closed", || stage.clis("harbor").is_empty().then_some(())).await;
    std::fs::remove_dir_all(stage.dir().join("home/.claude/projects"))
        .expect("the CLI keeps its sessions there");
    let answer = stage.exchange(HARBOR, "[[recall]]").await;
    assert!(answer.contains("You said before:") && !answer.contains("[[say:before]]"), "{answer}");
    assert!(answer.contains("memory of this conversation was lost"), "that it is gone is said: {answer}");
    let answer = stage.exchange(HARBOR, "[[recall]] again").await;
    assert!(answer.contains("[[recall]]"), "the new session goes on: {answer}");
    stage.assert_well_behaved();
}

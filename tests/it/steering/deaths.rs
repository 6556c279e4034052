//! The daemon dies with what waits in its hands: each step 20 times with `HISTORY_DEATHS=20`.

use super::*;
use crate::harness::Around;
use crate::history::number;

/// The daemon dies at each step between a reaction and the end of the turn that heard it; the next one goes on.
async fn dies_at(point: &str, hears: bool) {
    let stage = Stage::new().await.with_daemon_env("FAIL_AT", format!("{point}:1"));
    let mut bot = stage.bot().await;
    let gate = if hears { Gate::tool(&stage).await } else { Gate::text(&stage).await };
    let told = stage.ask(MARA, HARBOR, "[[say:the other thing]]");
    stage.answer_shows(HARBOR, gate.message, "1 queued").await;
    stage.discord.react(MARA, told, "⏩");
    if matches!(point, "Hearing" | "Heard") {
        gate.open_when_told(&stage, "say:the other thing").await;
    }
    eventually(&format!("the daemon to die at {point}"), || bot.is_over().then_some(())).await;
    gate.open();
    let stage = stage.around(Around::default());
    let _bot = stage.bot().await;
    assert_eq!(stage.outcome(told).await, "✅", "{point}");
    stage.answer(HARBOR, gate.message).await;
    // The next daemon answers what it finds before it looks at what waits.
    let note_gone = || stage.bot_messages(HARBOR).iter().all(|said| !said.contains("Queued")).then_some(());
    eventually(&format!("no note that it waits, after a death at {point}"), note_gone).await;
    let said = stage.bot_messages(HARBOR).join("\n");
    // Its words stand once, the line that quotes it not counted.
    let words = said.lines().filter(|line| line.contains("the other thing") && !line.contains("↪️")).count();
    assert_eq!(words, 1, "{point}: {said}");
    let last = stage.ask(MARA, HARBOR, "[[say:the end]]");
    stage.answer(HARBOR, last).await;
    assert_eq!(stage.sql("PRAGMA integrity_check").await, ["ok"], "{point}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_dies_while_it_tells_the_turn_loses_nothing_and_says_nothing_twice() {
    if !hears_tests() {
        return;
    }
    for _ in 0..number("HISTORY_DEATHS", 1) {
        for point in ["Wished", "SteerDue", "SteerRow", "SteerHanded"] {
            dies_at(point, true).await;
            dies_at(point, false).await;
        }
        for point in ["Hearing", "Heard"] {
            dies_at(point, true).await;
        }
    }
}

/// The CLI dies with what it was told, and the daemon when that is to wait again.
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_dies_when_what_was_told_in_vain_waits_again_has_it_answered_once() {
    if !hears_tests() {
        return;
    }
    for _ in 0..number("HISTORY_DEATHS", 1) {
        let stage = Stage::new().await.with_daemon_env("FAIL_AT", "Unsteered:1");
        let mut bot = stage.bot().await;
        let gate = Gate::tool(&stage).await;
        let told = stage.ask(JONAS, HARBOR, "[[say:after all]]");
        stage.answer_shows(HARBOR, gate.message, "1 queued").await;
        stage.discord.react(JONAS, told, "⏩");
        reaction(&stage, told, "⏩").await;
        kill(Pid::from_raw(stage.cli_pid(1).await), Signal::SIGKILL).expect("it is there");
        eventually("the daemon to die", || bot.is_over().then_some(())).await;
        let stage = stage.around(Around::default());
        let _bot = stage.bot().await;
        let answer = stage.answer(HARBOR, told).await;
        assert!(answer.contains("after all"), "{answer}");
        let given = stage.cli_prompts().iter().filter(|prompt| prompt.contains("after all")).count();
        assert_eq!(given, 1);
        assert_eq!(stage.sql("PRAGMA integrity_check").await, ["ok"]);
        stage.assert_well_behaved();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_dies_with_what_was_taken_back_runs_it_not() {
    if !hears_tests() {
        return;
    }
    let again = 0..number("HISTORY_DEATHS", 1);
    for point in again.flat_map(|_| ["Withdrawn", "PromptEdited"]) {
        let stage = Stage::new().await.with_daemon_env("FAIL_AT", format!("{point}:1"));
        let mut bot = stage.bot().await;
        let gate = Gate::text(&stage).await;
        let edited = stage.ask(JONAS, HARBOR, "[[say:before]]");
        let deleted = stage.ask(MARA, HARBOR, "[[say:deleted]]");
        stage.answer_shows(HARBOR, gate.message, "2 queued").await;
        if point == "Withdrawn" {
            stage.discord.delete(deleted);
        } else {
            stage.discord.edit(edited, &format!("<@{BOT}> [[say:after]]"));
        }
        eventually(&format!("the daemon to die at {point}"), || bot.is_over().then_some(())).await;
        stage.discord.edit(edited, &format!("<@{BOT}> [[say:after]]"));
        if point != "Withdrawn" {
            stage.discord.delete(deleted);
        }
        let stage = stage.around(Around::default());
        let _bot = stage.bot().await;
        gate.open();
        let answer = stage.answer(HARBOR, edited).await;
        assert!(answer.contains("after"), "{point}: {answer}");
        assert_eq!(stage.cli_prompts().len(), 2, "{point}: {:?}", stage.cli_prompts());
        assert_eq!(stage.sql("PRAGMA integrity_check").await, ["ok"], "{point}");
        stage.assert_well_behaved();
    }
}

/// Its reaction says so in the end, though whoever took it back did not live to set it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_back_as_the_daemon_died_is_seen_to_be() {
    if !hears_tests() {
        return;
    }
    for _ in 0..number("HISTORY_DEATHS", 1) {
        let stage = Stage::new().await.with_daemon_env("FAIL_AT", "Withdrawn:2");
        let mut bot = stage.bot().await;
        let gate = Gate::text(&stage).await;
        let waiting = [JONAS, MARA].map(|who| stage.ask(who, HARBOR, "[[say:never]]"));
        stage.answer_shows(HARBOR, gate.message, "2 queued").await;
        stage.discord.slash(MARA, HARBOR, "reset", json!([]));
        eventually("the daemon to die", || bot.is_over().then_some(())).await;
        let stage = stage.around(Around::default());
        let _bot = stage.bot().await;
        gate.open();
        for message in waiting {
            assert_eq!(stage.outcome(message).await, "⏹️");
        }
        stage.outcome(gate.message).await;
        assert_eq!(stage.cli_prompts().len(), 1);
        // No later daemon shows it again.
        stage.rows("SELECT id FROM prompts WHERE ended_in IS NOT NULL", 0).await;
        stage.assert_well_behaved();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_any_more_sees_it_though_the_daemon_died() {
    if !hears_tests() {
        return;
    }
    for _ in 0..number("HISTORY_DEATHS", 1) {
        let stage = Stage::new().await.with_daemon_env("FAIL_AT", "Withdrawn:1");
        let mut bot = stage.bot().await;
        let gate = Gate::text(&stage).await;
        let revoked = stage.ask(JONAS, HARBOR, "[[say:no]]");
        stage.answer_shows(HARBOR, gate.message, "1 queued").await;
        stage.discord.set_roles(JONAS, &[]);
        gate.open();
        eventually("the daemon to die", || bot.is_over().then_some(())).await;
        let stage = stage.around(Around::default());
        let _bot = stage.bot().await;
        assert_eq!(stage.outcome(revoked).await, "❌");
        assert_eq!(stage.cli_prompts().len(), 1);
        stage.assert_well_behaved();
    }
}

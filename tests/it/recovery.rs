//! Killed, restarted, cut off: what was accepted is answered, once, and in order (ARCHITECTURE, promises of the daemon
//! and the outbox).

use std::path::PathBuf;
use std::time::Duration;

use futures::future::join_all;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use switchboard::domain::ids::{ChannelId, MessageId};
use switchboard::playground::discord::{Fault, Snapshot};

use crate::harness::{BOT, HARBOR, LIGHTHOUSE, MARA, Stage, alive, by_turns, eventually, parent_of};

fn lines_of(file: &std::path::Path) -> usize {
    std::fs::read_to_string(file).unwrap_or_default().lines().count()
}

/// How many of the bot's messages have this text.
fn copies(stage: &Stage, channel: ChannelId, text: &str) -> usize {
    stage.bot_messages(channel).iter().filter(|content| content.contains(text)).count()
}

/// The bot's message with this text.
fn said(discord: Snapshot<'_>, channel: ChannelId, text: &str) -> Option<MessageId> {
    let messages = discord.messages(channel);
    let by_bot = |message: &&Value| message["author"]["id"] == BOT.to_string();
    let found = messages
        .iter()
        .filter(by_bot)
        .find(|message| message["content"].as_str().is_some_and(|content| content.contains(text)));
    found?["id"].as_str()?.parse().ok().map(MessageId)
}

/// A turn that waits in its middle, with a side effect that can be counted.
struct Held {
    message: MessageId,
    gate: PathBuf,
    marker: PathBuf,
}

async fn hold(stage: &Stage) -> Held {
    let (gate, marker) = (stage.dir().join("gate"), stage.dir().join("marker"));
    let text = format!(
        "[[say:First half.]] [[marker:{}]] [[wait:{}]] [[say:Second half.]]",
        marker.display(),
        gate.display()
    );
    let message = stage.ask(MARA, HARBOR, &text);
    eventually("the side effect", || (lines_of(&marker) == 1).then_some(())).await;
    Held { message, gate, marker }
}

async fn assert_answered_once(stage: &Stage, held: &Held) {
    let answer = stage.answer(HARBOR, held.message).await;
    assert_eq!(stage.outcome(held.message).await, "✅", "{answer}");
    for half in ["First half.", "Second half."] {
        assert_eq!(answer.matches(half).count(), 1, "{answer}");
        assert_eq!(copies(stage, HARBOR, half), 1, "{:#?}", stage.bot_messages(HARBOR));
    }
    assert_eq!(lines_of(&held.marker), 1, "the side effect happened once");
    assert_eq!(stage.cli_log("prompt").len(), 1, "one CLI had the prompt");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_after_a_stop_and_after_a_kill() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[say:alpha]]");
    stage.answer(HARBOR, message).await;
    assert_eq!(bot.stop().code, Some(0));
    let bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[say:beta]]");
    stage.answer(HARBOR, message).await;
    bot.kill();
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[recall]]");
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("alpha") && answer.contains("beta"), "{answer}");
    assert_eq!(stage.sql("select distinct session from turns").await.len(), 1);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_goes_on_after_a_kill_and_is_answered_once() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let held = hold(&stage).await;
    stage.discord.wait_for("the first half", |discord| said(*discord, HARBOR, "First half.")).await;
    bot.kill();
    let _bot = stage.bot().await;
    std::fs::write(&held.gate, "").expect("the gate opens");
    assert_answered_once(&stage, &held).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_ended_while_the_daemon_was_away_is_answered_once() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let held = hold(&stage).await;
    let cli = stage.cli_pid(1).await;
    bot.kill();
    std::fs::write(&held.gate, "").expect("the gate opens");
    let spools = stage.state_dir().join("processes");
    eventually("the result to be recorded", || {
        let spools = stage.files(&spools);
        let recorded = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains("\"type\":\"result\"");
        spools.values().any(|bytes| recorded(bytes)).then_some(())
    })
    .await;
    // And the CLI is gone as well, as after a power cut of its own.
    kill(Pid::from_raw(cli), Signal::SIGKILL).expect("it lives");
    let _bot = stage.bot().await;
    assert_answered_once(&stage, &held).await;
    let next = stage.ask(MARA, HARBOR, "[[recall]]");
    let answer = stage.answer(HARBOR, next).await;
    assert!(answer.contains("First half."), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_again_and_again_answers_once() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let held = hold(&stage).await;
    bot.kill();
    for _ in 0..4 {
        // Wherever it is just then: nothing is waited for.
        stage.bot_unready().kill();
    }
    std::fs::write(&held.gate, "").expect("the gate opens");
    for _ in 0..2 {
        stage.bot().await.kill();
    }
    let _bot = stage.bot().await;
    assert_answered_once(&stage, &held).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queued_prompts_survive_in_their_order() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let held = hold(&stage).await;
    let queued: Vec<_> = (1..=5)
        .map(|number| stage.ask(by_turns(number), HARBOR, &format!("[[say:Queued {number}.]]")))
        .collect();
    stage.rows("select id from prompts", 6).await;
    bot.kill();
    std::fs::write(&held.gate, "").expect("the gate opens");
    let _bot = stage.bot().await;
    for (number, message) in (1..).zip(&queued) {
        let answer = stage.answer(HARBOR, *message).await;
        assert!(answer.contains(&format!("Queued {number}.")), "{answer}");
        assert_eq!(copies(&stage, HARBOR, &format!("Queued {number}.")), 1);
    }
    let begun: Vec<_> = stage.cli_log("prompt").iter().map(|line| line["text"].to_string()).collect();
    let order: Vec<_> = (1..=5).map(|number| format!("Queued {number}.")).collect();
    assert_eq!(begun.len(), 6, "{begun:?}");
    assert!(begun[1..].iter().zip(&order).all(|(text, wanted)| text.contains(wanted)), "{begun:?}");
    assert_eq!(lines_of(&held.marker), 1);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_was_accepted_and_never_begun_runs_after_the_restart() {
    let stage = Stage::new().await.with("limits", "running_turns_max = 1");
    let bot = stage.bot().await;
    let held = hold(&stage).await;
    // Another conversation: it waits for a place, so no process was ever started for it.
    let other = stage.ask(MARA, LIGHTHOUSE, "[[say:At last.]]");
    stage.rows("select id from prompts", 2).await;
    bot.kill();
    std::fs::write(&held.gate, "").expect("the gate opens");
    let _bot = stage.bot().await;
    assert_eq!(stage.outcome(other).await, "✅");
    let starts = stage.cli_log("prompt");
    assert_eq!(starts.len(), 2, "{starts:#?}");
    assert_eq!(stage.discord.threads(LIGHTHOUSE).len(), 1, "one thread for it");
    stage.assert_well_behaved();
}

/// Longer than an actor that has nothing to do waits for more.
#[tokio::test(flavor = "multi_thread")]
async fn so_does_one_when_discord_is_away_for_a_while_after_it() {
    let stage = Stage::new().await.with("limits", "running_turns_max = 1");
    let bot = stage.bot().await;
    let held = hold(&stage).await;
    let other = stage.ask(MARA, LIGHTHOUSE, "[[say:At last.]]");
    stage.rows("select id from prompts", 2).await;
    bot.kill();
    std::fs::write(&held.gate, "").expect("the gate opens");
    stage.discord.faults().set_gateway_down(true);
    let _bot = stage.bot_unready();
    tokio::time::sleep(Duration::from_secs(35)).await;
    stage.discord.faults().set_gateway_down(false);
    assert_eq!(stage.outcome(other).await, "✅");
    assert_eq!(stage.cli_log("prompt").len(), 2);
}

/// Its shim was killed, so no record tells that it is over; and its end is not delivered yet when the next daemon comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_lost_is_not_taken_for_the_one_after_it() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let (there, go) = (stage.dir().join("there"), stage.dir().join("go"));
    let never = stage.dir().join("never");
    let first = format!("[[bash:true]][[stream:200,2]][[say:Half.]][[wait:{}]]", never.display());
    let first = stage.ask(MARA, HARBOR, &first);
    stage.answer_shows(HARBOR, first, "Half.").await;
    let second = format!("[[say:Two.]][[bash:touch {}]][[wait:{}]]", there.display(), go.display());
    let second = stage.ask(MARA, HARBOR, &second);
    stage.answer_shows(HARBOR, first, "1 queued").await;
    for matcher in ["POST /channels/*/messages", "PATCH /channels/*/messages/*"] {
        stage.discord.faults().rate(matcher, 1_000_000, 1, Fault::Status(500, json!({})));
    }
    let shim = parent_of(stage.cli_pid(1).await);
    kill(Pid::from_raw(shim), Signal::SIGKILL).expect("the shim runs");
    eventually("the second turn to work", || there.exists().then_some(())).await;
    bot.kill();
    stage.discord.faults().clear_rest();
    let _bot = stage.bot().await;
    std::fs::write(&go, "").expect("the gate opens");
    assert_eq!(stage.outcome(second).await, "✅");
    assert!(stage.answer(HARBOR, second).await.contains("Two."));
    let first = stage.answer(HARBOR, first).await;
    assert!(first.contains("Half.") && !first.contains("Two."), "{first}");
    assert_eq!(stage.cli_log("prompt").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_at_discord_costs_neither_a_message_nor_posts_one_twice() {
    let faults = [
        ("POST /channels/*/messages", Fault::Status(502, json!({}))),
        ("POST /channels/*/messages", Fault::Drop),
        ("POST /channels/*/messages", Fault::ApplyThenFail),
        ("POST /channels/*/messages", Fault::ApplyThenStatus(504)),
        ("PATCH /channels/*/messages/*", Fault::Status(500, json!({}))),
        ("PATCH /channels/*/messages/*", Fault::Drop),
        ("PATCH /channels/*/messages/*", Fault::ApplyThenFail),
    ];
    join_all((1..).zip(faults).map(|(seed, (matcher, fault))| async move {
        let stage = Stage::new().await;
        let _bot = stage.bot().await;
        let what = format!("{matcher} {fault:?}");
        stage.discord.faults().rate(matcher, 300_000, seed, fault);
        for number in 0..3 {
            // Several messages each, with edits while they stream.
            let message =
                stage.ask(MARA, HARBOR, &format!("[[stream:20,15]] [[lines:90]] [[say:End {number}.]]"));
            assert_eq!(stage.outcome(message).await, "✅", "{what}");
            let answer = stage.answer(HARBOR, message).await;
            assert!(answer.contains(&format!("End {number}.")), "{what}: {answer}");
        }
        stage.discord.faults().clear_rest();
        let posted = stage.bot_messages(HARBOR);
        for number in 0..3 {
            let ends = posted.iter().filter(|content| content.contains(&format!("End {number}."))).count();
            assert_eq!(ends, 1, "{what}: {posted:#?}");
        }
        // Each is known to a slot, so that a later daemon would not post it again.
        stage.rows("select message || '' from slots where message is not null", posted.len()).await;
        stage.assert_well_behaved();
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limits_are_waited_for() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    for matcher in [
        "POST /channels/*/messages",
        "PATCH /channels/*/messages/*",
        "PUT /channels/*/messages/*/reactions/**",
    ] {
        let limited =
            |scope, global| Fault::RateLimited { retry_after: Duration::from_millis(700), global, scope };
        stage.discord.faults().next_rest(matcher, limited("user", false));
        stage.discord.faults().next_rest(matcher, limited("shared", false));
        stage.discord.faults().next_rest(matcher, limited("global", true));
        let message = stage.ask(MARA, HARBOR, "[[stream:40,30]] [[say:In the end.]]");
        let answer = stage.answer(HARBOR, message).await;
        assert!(answer.contains("In the end."), "{matcher}: {answer}");
        assert_eq!(stage.outcome(message).await, "✅");
    }
    assert_eq!(copies(&stage, HARBOR, "In the end."), 3);
    assert!(stage.discord.invalid_requests() < 30, "{}", stage.discord.invalid_requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_comes_back_from_everything() {
    type Trouble = fn(&Stage);
    let troubles: &[(&str, Trouble)] = &[
        ("close 4000", |stage| stage.discord.faults().close(4000)),
        ("close 4009", |stage| stage.discord.faults().close(4009)),
        ("close 1000", |stage| stage.discord.faults().close(1000)),
        ("close without a code", |stage| stage.discord.faults().close_without_code()),
        ("reconnect", |stage| stage.discord.faults().reconnect()),
        ("invalid session, resumable", |stage| stage.discord.faults().invalid_session(true)),
        ("invalid session", |stage| stage.discord.faults().invalid_session(false)),
        ("a cut", |stage| stage.discord.faults().drop_tcp()),
    ];
    join_all(troubles.iter().map(|(what, trouble)| async move {
        let stage = Stage::new().await;
        let _bot = stage.bot().await;
        let before = stage.discord.identifies_and_resumes();
        trouble(&stage);
        stage
            .discord
            .wait_for(&format!("the bot to come back after {what}"), |discord| {
                (discord.identifies_and_resumes() != before && discord.connected() > 0).then_some(())
            })
            .await;
        let message = stage.ask(MARA, HARBOR, "[[say:Back.]]");
        let answer = stage.answer(HARBOR, message).await;
        assert!(answer.contains("Back."), "{what}: {answer}");
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_during_a_cut_is_answered_once() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    stage.discord.faults().set_gateway_down(true);
    let during = stage.ask(MARA, HARBOR, "[[say:During.]]");
    stage.discord.faults().set_gateway_down(false);
    let answer = stage.answer(HARBOR, during).await;
    assert!(answer.contains("During."), "{answer}");
    assert_eq!(copies(&stage, HARBOR, "During."), 1);
    assert_eq!(stage.cli_log("prompt").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_somebody_deletes_ends_rightly() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let held = hold(&stage).await;
    let first =
        stage.discord.wait_for("the first half", |discord| said(*discord, HARBOR, "First half.")).await;
    stage.discord.delete(first);
    std::fs::write(&held.gate, "").expect("the gate opens");
    assert_eq!(stage.outcome(held.message).await, "✅");
    let next = stage.ask(MARA, HARBOR, "[[say:Next.]]");
    assert!(stage.answer(HARBOR, next).await.contains("Next."));
    // What was said after the deletion arrives all the same, once.
    assert_eq!(copies(&stage, HARBOR, "Second half."), 1, "{:#?}", stage.bot_messages(HARBOR));
    assert_eq!(stage.sql("select outcome from turns order by started_at").await, ["completed", "completed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_its_author_deletes_is_answered_without_a_reply() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let held = hold(&stage).await;
    stage.discord.delete(held.message);
    std::fs::write(&held.gate, "").expect("the gate opens");
    stage.discord.wait_for("the answer", |discord| said(*discord, HARBOR, "Second half.")).await;
    let next = stage.ask(MARA, HARBOR, "[[say:Next.]]");
    assert!(stage.answer(HARBOR, next).await.contains("Next."));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_to_one_channel_disturbs_no_other() {
    type Trouble = fn(&Stage, ChannelId);
    let troubles: &[(&str, Trouble)] = &[
        ("archived", |stage, thread| stage.discord.archive_thread(thread, true)),
        ("locked", |stage, thread| {
            stage.discord.lock_thread(thread, true);
            stage.discord.archive_thread(thread, true);
        }),
        ("deleted", |stage, thread| stage.discord.delete_channel(thread)),
        ("without its parent", |stage, _| stage.discord.delete_channel(LIGHTHOUSE)),
    ];
    for (what, trouble) in troubles {
        let stage = Stage::new().await;
        let bot = stage.bot().await;
        let gate = stage.dir().join("gate");
        let text = format!("[[say:First half.]] [[wait:{}]] [[say:Second half.]]", gate.display());
        let _message = stage.ask(MARA, LIGHTHOUSE, &text);
        let thread = stage
            .discord
            .wait_for("the thread with the first half", |discord| {
                let threads = discord.threads(LIGHTHOUSE);
                let id = threads.first()?["id"].as_str()?.parse().ok().map(ChannelId)?;
                said(*discord, id, "First half.").map(|_| id)
            })
            .await;
        trouble(&stage, thread);
        std::fs::write(&gate, "").expect("the gate opens");
        for number in 0..3 {
            let message = stage.ask(MARA, HARBOR, &format!("[[say:Undisturbed {number}.]]"));
            let answer = stage.answer(HARBOR, message).await;
            assert!(answer.contains(&format!("Undisturbed {number}.")), "{what}: {answer}");
        }
        if *what == "archived" {
            stage
                .discord
                .wait_for("the answer in the thread that was archived", |discord| {
                    said(*discord, thread, "Second half.")
                })
                .await;
        }
        stage.rows("select state from turns where state = 'running'", 0).await;
        assert!(
            stage.discord.invalid_requests() < 20,
            "{what}: {} refused requests",
            stage.discord.invalid_requests()
        );
        // Nothing of it keeps the bot from stopping.
        assert_eq!(bot.stop().code, Some(0), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discord_that_is_away_at_the_start_is_waited_for() {
    let stage = Stage::new().await;
    stage.discord.faults().set_down(true);
    let bot = stage.bot_unready();
    stage
        .discord
        .wait_for("the bot to ask twice", |discord| (discord.requests().len() >= 2).then_some(()))
        .await;
    stage.discord.faults().set_down(false);
    stage.discord.wait_for("the bot to connect", |discord| (discord.connected() > 0).then_some(())).await;
    let message = stage.ask(MARA, HARBOR, "[[say:Here I am.]]");
    assert!(stage.answer(HARBOR, message).await.contains("Here I am."));
    assert_eq!(bot.stop().code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discord_that_goes_away_in_the_middle_gets_the_end() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let held = hold(&stage).await;
    stage.discord.faults().set_down(true);
    std::fs::write(&held.gate, "").expect("the gate opens");
    stage.rows("select state from turns where state = 'running'", 0).await;
    stage.discord.faults().set_down(false);
    assert_answered_once(&stage, &held).await;
    let cli = stage.cli_pid(1).await;
    assert!(alive(parent_of(cli)));
}

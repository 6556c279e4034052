//! Killed, restarted, cut off: what was accepted is answered, once, and in order (ARCHITECTURE, promises of the daemon
//! and the outbox).

mod discord;

use std::path::PathBuf;
use std::time::Duration;

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
async fn what_a_turn_waited_for_people_before_a_restart_is_no_run_time() {
    let stage = Stage::new().await.with("limits", "turn_secs_max = 30");
    let bot = stage.bot().await;
    // Longer than two looks at its limits.
    let message = stage.ask(MARA, HARBOR, "[[ask:bash:touch made.txt]] [[pause:2500]] [[say:Allowed.]]");
    let (card, _) = stage.card(HARBOR).await;
    bot.kill();
    // As if that had been ten minutes ago.
    stage
        .alter(
            "UPDATE turns SET started_at = started_at - 600000, started_up_ms = started_up_ms - 600000;
             UPDATE asks SET created_at = created_at - 600000",
        )
        .await;
    let _bot = stage.bot().await;
    stage.click(MARA, card, "Allow once").await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("Allowed."), "{answer}");
    assert_eq!(stage.outcome(message).await, "✅");
    stage.assert_well_behaved();
}

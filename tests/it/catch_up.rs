//! What is written while the bot is away (RELIABILITY F41; B2 is `history::absence`): it is answered once and in order, by
//! the same rules as live messages, and nothing is replayed in a channel that is seen for the first time. What is too old
//! or too much is said ([`held`]). Threads are found first ([`threads`]).

mod changed;
mod held;
mod threads;

use std::sync::Arc;

use switchboard::domain::ids::{ChannelId, MessageId, UserId};
use switchboard::playground::discord::{Draft, Fault, Snapshot, World};
use tokio::sync::Notify;

use crate::harness::{BOT, HARBOR, JONAS, LIGHTHOUSE, MARA, Stage, VERA, by_turns};

const FERRY: UserId = World::FERRY;

/// How many of the bot's messages have this text.
fn copies(stage: &Stage, channel: ChannelId, text: &str) -> usize {
    stage.bot_messages(channel).iter().filter(|content| content.contains(text)).count()
}

/// Waits until the bot has noted how far it read in so many channels.
async fn known(stage: &Stage, channels: usize) {
    stage.rows("select channel || '' from watermarks", channels).await;
}

/// Waits until the watermark of a channel is at a message, or later.
async fn decided(stage: &Stage, channel: ChannelId, message: MessageId) {
    let query = format!("select 'yes' from watermarks where channel = {channel} and message >= {message}");
    stage.rows(&query, 1).await;
}

/// How many GETs of messages in a channel there were.
fn reads(discord: Snapshot<'_>, channel: ChannelId) -> usize {
    let path = format!("/channels/{channel}/messages");
    let read = |path: &str, wanted: &str| path.split('?').next() == Some(wanted);
    discord.requests().iter().filter(|request| request.method == "GET" && read(&request.path, &path)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_while_the_bot_was_away_is_answered_once_and_in_order() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let first = stage.ask(MARA, HARBOR, "[[say:Before.]]");
    stage.answer(HARBOR, first).await;
    bot.kill();
    let missed: Vec<_> =
        (1..=3).map(|n| stage.ask(by_turns(n), HARBOR, &format!("[[say:Missed {n}.]]"))).collect();
    let bot = stage.bot().await;
    let live = stage.ask(MARA, HARBOR, "[[say:Live.]]");
    for (n, message) in missed.iter().enumerate() {
        let answer = stage.answer(HARBOR, *message).await;
        assert!(answer.contains(&format!("Missed {}.", n + 1)), "{answer}");
    }
    stage.answer(HARBOR, live).await;
    let prompts = stage.cli_prompts();
    let order: Vec<_> = ["Before.", "Missed 1.", "Missed 2.", "Missed 3.", "Live."]
        .iter()
        .map(|text| prompts.iter().position(|prompt| prompt.contains(text)))
        .collect();
    assert!(order.is_sorted() && prompts.len() == 5, "{prompts:?}");
    // And not once more.
    bot.kill();
    let _bot = stage.bot().await;
    let last = stage.ask(MARA, HARBOR, "[[say:Last.]]");
    stage.answer(HARBOR, last).await;
    assert_eq!(stage.cli_prompts().len(), 6, "{:?}", stage.cli_prompts());
    assert_eq!(copies(&stage, HARBOR, "Missed 1."), 1);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_rules_hold_for_what_is_read() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    known(&stage, 2).await;
    bot.kill();
    stage.ask(VERA, HARBOR, "[[say:Stranger.]]");
    stage.ask(FERRY, HARBOR, "[[say:Bot.]]");
    stage.discord.say_with(
        MARA,
        HARBOR,
        Draft { content: format!("<@{BOT}> [[say:Webhook.]]"), webhook: true, ..Draft::default() },
    );
    stage.say(MARA, HARBOR, "[[say:Chatter.]]");
    stage.ask(MARA, World::GENERAL, "[[say:Elsewhere.]]");
    let deleted = stage.ask(MARA, HARBOR, "[[say:Deleted.]]");
    stage.discord.delete(deleted);
    let edited = stage.ask(MARA, HARBOR, "[[say:Typo.]]");
    stage.discord.edit(edited, &format!("<@{BOT}> [[say:Corrected.]]"));
    // By a role, which a message that is read does not tell.
    let by_role = stage.ask(JONAS, HARBOR, "[[say:Builder.]]");
    let _bot = stage.bot().await;
    assert!(stage.answer(HARBOR, edited).await.contains("Corrected."));
    assert!(stage.answer(HARBOR, by_role).await.contains("Builder."));
    decided(&stage, HARBOR, by_role).await;
    let prompts = stage.cli_prompts();
    assert_eq!(prompts.len(), 2, "{prompts:?}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_was_taken_away_meanwhile_counts() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    known(&stage, 2).await;
    bot.kill();
    let message = stage.ask(JONAS, HARBOR, "[[say:Builder.]]");
    stage.discord.set_roles(JONAS, &[]);
    let _bot = stage.bot().await;
    decided(&stage, HARBOR, message).await;
    let live = stage.ask(MARA, HARBOR, "[[say:Live.]]");
    stage.answer(HARBOR, live).await;
    assert_eq!(stage.cli_prompts().len(), 1, "{:?}", stage.cli_prompts());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_is_seen_for_the_first_time_replays_nothing() {
    let stage = Stage::new().await;
    stage.ask(MARA, HARBOR, "[[say:Long ago.]]");
    let thread = stage.discord.create_thread(MARA, LIGHTHOUSE, "old", None);
    stage.ask(MARA, thread, "[[say:In a thread, long ago.]]");
    let bot = stage.bot().await;
    known(&stage, 3).await;
    bot.kill();
    // But from then on nothing is lost, though the bot never said a word here.
    let missed = stage.ask(MARA, HARBOR, "[[say:Missed.]]");
    let there = stage.ask(MARA, thread, "[[say:There.]]");
    let _bot = stage.bot().await;
    assert!(stage.answer(HARBOR, missed).await.contains("Missed."));
    assert!(stage.answer(thread, there).await.contains("There."));
    assert_eq!(stage.cli_prompts().len(), 2, "{:?}", stage.cli_prompts());
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_page_is_read_and_what_is_not_for_the_bot_is_not_read_again() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    known(&stage, 2).await;
    bot.kill();
    for n in 0..230 {
        stage.say(MARA, HARBOR, &format!("chatter {n}"));
    }
    let missed = stage.ask(MARA, HARBOR, "[[say:Missed.]]");
    for n in 0..130 {
        stage.say(MARA, HARBOR, &format!("more chatter {n}"));
    }
    let last = stage.say(MARA, HARBOR, "the last");
    let bot = stage.bot().await;
    assert!(stage.answer(HARBOR, missed).await.contains("Missed."));
    decided(&stage, HARBOR, last).await;
    // Live chatter is noted as well, when the daemon stops at the latest.
    let chatter = stage.say(MARA, HARBOR, "live chatter");
    let live = stage.ask(MARA, HARBOR, "[[say:Live.]]");
    stage.answer(HARBOR, live).await;
    let later = stage.say(MARA, HARBOR, "and chatter after it");
    assert!(chatter < live && live < later);
    decided(&stage, HARBOR, later).await;
    assert_eq!(bot.stop().code, Some(0));
    let before = stage.discord.look(|discord| reads(discord, HARBOR));
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[say:Again.]]");
    stage.answer(HARBOR, message).await;
    let after = stage.discord.look(|discord| reads(discord, HARBOR));
    assert_eq!(after - before, 1, "one page was enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_while_it_catches_up_goes_on() {
    let stage = Stage::new().await.with("limits", "catch_up_prompts_max = 100\nqueued_prompts_max = 100");
    let bot = stage.bot().await;
    known(&stage, 2).await;
    bot.kill();
    let missed: Vec<_> =
        (0..12).map(|n| stage.ask(by_turns(n), HARBOR, &format!("[[say:Missed {n:02}.]]"))).collect();
    for seen in [2, 6] {
        let bot = stage.bot_unready();
        stage
            .discord
            .wait_for("some of them to be seen", |discord| {
                let seen_by = |message: &&MessageId| !discord.reactions(**message).is_empty();
                (missed.iter().filter(seen_by).count() >= seen).then_some(())
            })
            .await;
        bot.kill();
    }
    let _bot = stage.bot().await;
    for n in 0..12 {
        stage.said(HARBOR, &format!("Missed {n:02}.\n-# ✅")).await;
    }
    let prompts = stage.cli_prompts();
    let texts: Vec<_> = prompts.iter().map(|prompt| prompt.trim().to_owned()).collect();
    let wanted: Vec<_> = (0..12).map(|n| format!("[[say:Missed {n:02}.]]")).collect();
    assert_eq!(texts, wanted);
    for n in 0..12 {
        assert_eq!(copies(&stage, HARBOR, &format!("Missed {n:02}.")), 1);
    }
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_cannot_be_read_holds_up_no_other_and_keeps_its_order() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    known(&stage, 2).await;
    bot.kill();
    let here = stage.ask(MARA, HARBOR, "[[say:Here.]]");
    let there = stage.ask(MARA, LIGHTHOUSE, "[[say:There.]]");
    let matcher = format!("GET /channels/{HARBOR}/messages");
    for _ in 0..2 {
        stage.discord.faults().next_rest(matcher.as_str(), Fault::Status(503, serde_json::Value::Null));
    }
    stage.discord.faults().next_rest(matcher.as_str(), Fault::Drop);
    let _bot = stage.bot().await;
    stage.said(ChannelId(there.0), "There.").await;
    let live = stage.ask(MARA, HARBOR, "[[say:Live.]]");
    assert!(stage.answer(HARBOR, live).await.contains("Live."));
    assert!(stage.answer(HARBOR, here).await.contains("Here."));
    let prompts = stage.cli_prompts();
    assert_eq!(prompts.len(), 3, "{prompts:?}");
    let in_order = ["There.", "Here.", "Live."].iter().zip(&prompts).all(|(word, text)| text.contains(word));
    assert!(in_order, "{prompts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watermark_never_jumps_over_what_was_not_read() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    known(&stage, 2).await;
    bot.kill();
    let missed = stage.ask(MARA, HARBOR, "[[say:Missed.]]");
    // The channel cannot be read, so a live message does not wait for ever; then the daemon dies.
    stage.discord.faults().rate(
        format!("GET /channels/{HARBOR}/messages").as_str(),
        1_000_000,
        1,
        Fault::Status(503, serde_json::Value::Null),
    );
    let bot = stage.bot().await;
    let live = stage.ask(MARA, HARBOR, "[[say:Live.]]");
    stage.outcome(live).await;
    assert!(stage.answer(HARBOR, live).await.contains("Live."));
    bot.kill();
    stage.discord.faults().clear_rest();
    let _bot = stage.bot().await;
    assert!(stage.answer(HARBOR, missed).await.contains("Missed."));
    assert_eq!(stage.cli_prompts().len(), 2, "{:?}", stage.cli_prompts());
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_read_while_what_waits_is_looked_at() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    known(&stage, 2).await;
    let go = stage.dir().join("go");
    let first = stage.ask(MARA, HARBOR, &format!("[[say:First.]][[wait:{}]]", go.display()));
    stage.said(HARBOR, "First.").await;
    let waits = stage.ask(MARA, HARBOR, "[[say:Waits.]]");
    stage.rows("SELECT id FROM prompts WHERE state = 'queued'", 1).await;
    bot.kill();
    let missed = stage.ask(JONAS, LIGHTHOUSE, "[[say:Missed.]]");
    for _ in 0..3 {
        let never = Fault::Hold(Arc::new(Notify::new()));
        stage.discord.faults().next_rest(format!("GET /channels/{HARBOR}/messages/{waits}").as_str(), never);
    }
    let _bot = stage.bot().await;
    // Long before Discord's answers are given up for lost.
    let live = stage.ask(JONAS, LIGHTHOUSE, "[[say:Live.]]");
    stage.said(ChannelId(missed.0), "Missed.").await;
    stage.said(ChannelId(live.0), "Live.").await;
    std::fs::write(&go, "").expect("the file");
    stage.answer(HARBOR, first).await;
    assert!(stage.answer(HARBOR, waits).await.contains("Waits."));
}

//! Threads in which somebody wrote while the bot was away.

use std::sync::Arc;

use switchboard::domain::ids::ChannelId;
use switchboard::playground::discord::{Fault, RequestLog};
use tokio::sync::Notify;

use super::{known, reads};
use crate::harness::{HARBOR, JONAS, LIGHTHOUSE, MARA, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn threads_are_read_as_well() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let asked = stage.ask(MARA, LIGHTHOUSE, "[[say:Opened.]]");
    let own = ChannelId(asked.0);
    stage.said(own, "Opened.").await;
    stage.outcome(asked).await;
    known(&stage, 2).await;
    bot.kill();
    // In a thread that the bot opened, where nobody answered yet; in one that is new; and one to be opened.
    let joined = stage.say(MARA, own, "[[say:Joined.]]");
    let new = stage.discord.create_thread(MARA, HARBOR, "new", None);
    let unasked = stage.say(MARA, new, "[[say:Chatter.]]");
    let mentioned = stage.ask(MARA, new, "[[say:Mentioned.]]");
    let opening = stage.ask(MARA, LIGHTHOUSE, "[[say:Opening.]]");
    let _bot = stage.bot().await;
    for (channel, message, text) in [
        (own, joined, "Joined."),
        (new, mentioned, "Mentioned."),
        (ChannelId(opening.0), opening, "Opening."),
    ] {
        stage.said(channel, text).await;
        assert_eq!(stage.outcome(message).await, "✅", "{text}");
    }
    assert!(stage.discord.reactions(unasked).is_empty());
    assert_eq!(stage.cli_prompts().len(), 4, "{:?}", stage.cli_prompts());
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_was_silent_for_months_is_read_when_somebody_wrote_in_it() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let mut threads = Vec::new();
    for text in ["woken", "asleep again", "silent"] {
        let asked = stage.ask(MARA, LIGHTHOUSE, &format!("[[say:Opened {text}.]]"));
        stage.said(ChannelId(asked.0), &format!("Opened {text}.")).await;
        assert_eq!(stage.outcome(asked).await, "✅");
        threads.push(ChannelId(asked.0));
    }
    known(&stage, 2).await;
    bot.kill();
    for thread in &threads {
        stage.discord.archive_thread(*thread, true);
    }
    stage.alter("update conversations set last_active_at = last_active_at - 90 * 86400000").await;
    let woken = stage.ask(MARA, threads[0], "[[say:Woken.]]");
    let asleep = stage.ask(MARA, threads[1], "[[say:Asleep again.]]");
    stage.discord.archive_thread(threads[1], true);
    // And one that nobody knows yet.
    let new = stage.discord.create_thread(MARA, HARBOR, "new", None);
    let short = stage.ask(MARA, new, "[[say:Short.]]");
    stage.discord.archive_thread(new, true);
    let bot = stage.bot().await;
    for (channel, message, text) in
        [(threads[0], woken, "Woken."), (threads[1], asleep, "Asleep again."), (new, short, "Short.")]
    {
        stage.said(channel, text).await;
        assert_eq!(stage.outcome(message).await, "✅", "{text}");
    }
    assert_eq!(stage.cli_prompts().len(), 6, "{:?}", stage.cli_prompts());
    // How far they were read is known now: another absence in which nobody writes there does not read it.
    assert_eq!(bot.stop().code, Some(0));
    stage.alter("update conversations set last_active_at = last_active_at - 90 * 86400000").await;
    let before = stage.discord.look(|discord| reads(discord, threads[2]));
    let _bot = stage.bot().await;
    let live = stage.ask(MARA, HARBOR, "[[say:Live.]]");
    stage.answer(HARBOR, live).await;
    assert_eq!(stage.discord.look(|discord| reads(discord, threads[2])), before);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_that_discord_does_not_list_for_a_while_are_read_later() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    known(&stage, 2).await;
    bot.kill();
    let thread = stage.discord.create_thread(MARA, HARBOR, "new", None);
    let there = stage.ask(MARA, thread, "[[say:There.]]");
    let here = stage.ask(MARA, HARBOR, "[[say:Here.]]");
    for _ in 0..4 {
        let fault = Fault::Status(503, serde_json::Value::Null);
        stage.discord.faults().next_rest("GET /guilds/*/threads/active", fault);
    }
    let _bot = stage.bot().await;
    assert!(stage.answer(HARBOR, here).await.contains("Here."));
    assert!(stage.answer(thread, there).await.contains("There."));
    assert_eq!(stage.cli_prompts().len(), 2, "{:?}", stage.cli_prompts());
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_that_were_not_listed_are_found_by_the_next_daemon() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    known(&stage, 2).await;
    bot.kill();
    let thread = stage.discord.create_thread(MARA, HARBOR, "new", None);
    let there = stage.ask(MARA, thread, "[[say:There.]]");
    let here = stage.ask(MARA, HARBOR, "[[say:Here.]]");
    let fault = Fault::Status(503, serde_json::Value::Null);
    stage.discord.faults().rate("GET /guilds/*/threads/active", 1_000_000, 1, fault);
    let bot = stage.bot().await;
    stage.answer(HARBOR, here).await;
    let live = stage.ask(JONAS, HARBOR, "[[say:Live.]]");
    stage.answer(HARBOR, live).await;
    // Stopped in order, so that it notes how far it came.
    assert_eq!(bot.stop().code, Some(0));
    stage.discord.faults().clear_rest();
    let _bot = stage.bot().await;
    assert!(stage.answer(thread, there).await.contains("There."));
    assert_eq!(stage.cli_prompts().len(), 3, "{:?}", stage.cli_prompts());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_somebody_waits_is_read_before_the_others() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let threads: Vec<_> = (0..10)
        .map(|number| stage.discord.create_thread(MARA, HARBOR, &format!("t{number}"), None))
        .collect();
    for thread in &threads {
        stage.ask(MARA, *thread, "[[say:Before.]]");
        stage.said(*thread, "Before.").await;
    }
    known(&stage, 12).await;
    bot.kill();
    let missed = |thread: &ChannelId| stage.ask(MARA, *thread, "[[say:Missed.]]");
    let missed: Vec<_> = threads.iter().map(missed).collect();
    let listed = Arc::new(Notify::new());
    stage.discord.faults().next_rest("GET /guilds/*/threads/active", Fault::Hold(Arc::clone(&listed)));
    let begun = stage.discord.requests().len();
    let _bot = stage.bot().await;
    // The oldest is read last.
    let live = stage.ask(JONAS, threads[0], "[[say:Live.]]");
    // The gateway brings this after it.
    stage.slash_text(MARA, HARBOR, "status").await;
    listed.notify_one();
    for (thread, message) in threads.iter().zip(&missed) {
        assert!(stage.answer(*thread, *message).await.contains("Missed."));
    }
    assert!(stage.answer(threads[0], live).await.contains("Live."));
    let pages = |request: &RequestLog| {
        let channel = request.path.strip_prefix("/channels/")?.strip_suffix("/messages")?.to_owned();
        (request.method == "GET").then_some(channel)
    };
    let read: Vec<_> = stage.discord.requests()[begun..].iter().filter_map(pages).collect();
    let place = read.iter().position(|channel| *channel == threads[0].to_string());
    // Four are read at a time.
    assert!(place.is_some_and(|place| place < 4), "{place:?} of {read:?}");
}

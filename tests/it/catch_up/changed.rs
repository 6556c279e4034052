//! What is changed or deleted while it is being made up for.

use std::sync::Arc;

use switchboard::domain::ids::{ChannelId, MessageId};
use switchboard::playground::discord::{Fault, Snapshot, World};
use tokio::sync::Notify;

use super::{known, reads};
use crate::harness::{BOT, HARBOR, JONAS, LIGHTHOUSE, MARA, Stage, VERA};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_changed_while_it_waits_for_those_before_it_is_as_it_is_then() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    known(&stage, 2).await;
    bot.kill();
    // Nothing that runs, so that what comes next does not wait in a queue, where edits are heeded as well.
    stage.say(MARA, HARBOR, "Chatter.");
    let before = stage.discord.look(|discord| reads(discord, HARBOR));
    let hold = Arc::new(Notify::new());
    stage.discord.faults().next_rest(
        format!("GET /channels/{HARBOR}/messages").as_str(),
        Fault::ApplyThenHold(Arc::clone(&hold)),
    );
    let _bot = stage.bot().await;
    let read = |discord: &Snapshot<'_>| (reads(*discord, HARBOR) > before).then_some(());
    stage.discord.wait_for("the channel to be read", read).await;
    // What was read does not have these.
    let edited = stage.ask(JONAS, HARBOR, "[[say:Before the edit.]]");
    let deleted = stage.ask(MARA, HARBOR, "[[say:Deleted.]]");
    stage.discord.edit(edited, &format!("<@{BOT}> [[say:After the edit.]]"));
    stage.discord.delete(deleted);
    // Both events come before what is held goes on.
    let there = stage.ask(MARA, LIGHTHOUSE, "[[say:There.]]");
    stage.said(ChannelId(there.0), "There.").await;
    hold.notify_one();
    assert!(stage.answer(HARBOR, edited).await.contains("After the edit."));
    let last = stage.ask(MARA, HARBOR, "[[say:Last.]]");
    stage.answer(HARBOR, last).await;
    let prompts = stage.cli_prompts();
    assert_eq!(prompts[1..], ["[[say:After the edit.]]", "[[say:Last.]]"]);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_changed_while_its_page_is_read_is_as_it_is_then() {
    let stage = Stage::new().await.with("access", "everyone = true");
    let bot = stage.bot().await;
    known(&stage, 2).await;
    bot.kill();
    // It takes a while to learn who wrote it, so those after it in the page are not taken yet.
    let first = stage.ask(VERA, HARBOR, "[[say:First.]]");
    let [early, late] = ["Early", "Late"]
        .map(|when| [JONAS, MARA].map(|who| stage.ask(who, HARBOR, &format!("[[say:{when}, before.]]"))));
    let change = |[edited, deleted]: [MessageId; 2], when: &str| {
        stage.discord.edit(edited, &format!("<@{BOT}> [[say:{when}, after.]]"));
        stage.discord.delete(deleted);
    };
    let [page, member] = [(); 2].map(|()| Arc::new(Notify::new()));
    let faults = stage.discord.faults();
    let path = format!("GET /channels/{HARBOR}/messages");
    let before = stage.discord.look(|discord| reads(discord, HARBOR));
    faults.next_rest(path.as_str(), Fault::ApplyThenHold(Arc::clone(&page)));
    let author = format!("/members/{VERA}");
    let path = format!("GET /guilds/{}{author}", World::GUILD);
    faults.next_rest(path.as_str(), Fault::ApplyThenHold(Arc::clone(&member)));
    let _bot = stage.bot().await;
    let read = |discord: &Snapshot<'_>| (reads(*discord, HARBOR) > before).then_some(());
    stage.discord.wait_for("the channel to be read", read).await;
    change(early, "Early");
    // Everything that was sent to the bot before this is there when it is answered.
    let there = stage.ask(MARA, LIGHTHOUSE, "[[say:There.]]");
    stage.said(ChannelId(there.0), "There.").await;
    page.notify_one();
    let asked = |discord: &Snapshot<'_>| {
        discord.requests().iter().any(|request| request.path.ends_with(&author)).then_some(())
    };
    stage.discord.wait_for("the author's roles to be asked for", asked).await;
    change(late, "Late");
    let there = stage.ask(MARA, LIGHTHOUSE, "[[say:There again.]]");
    stage.said(ChannelId(there.0), "There again.").await;
    member.notify_one();
    assert!(stage.answer(HARBOR, first).await.contains("First."));
    let last = stage.ask(MARA, HARBOR, "[[say:Last.]]");
    stage.answer(HARBOR, last).await;
    let prompts =
        stage.sql(&format!("SELECT text FROM prompts WHERE conversation = {HARBOR} ORDER BY seq")).await;
    let asked = ["[[say:Early, after.]]", "[[say:Late, after.]]", "[[say:Last.]]"];
    assert_eq!(prompts[1..], asked, "{prompts:?}");
    stage.assert_well_behaved();
}

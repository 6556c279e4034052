//! What is too old or too much after an absence: it is said, kept, and runs when somebody says so.

use serde_json::Value;
use switchboard::domain::ids::MessageId;
use switchboard::playground::discord::Snapshot;

use super::{copies, known};
use crate::harness::{HARBOR, JONAS, LIGHTHOUSE, MARA, Stage, VERA, by_turns};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_is_said_once_and_kept() {
    let stage = Stage::new().await.with("limits", "catch_up_prompts_max = 2");
    let bot = stage.bot().await;
    known(&stage, 2).await;
    bot.kill();
    let missed: Vec<_> =
        (0..5).map(|n| stage.ask(by_turns(n), HARBOR, &format!("[[say:Missed {n}.]]"))).collect();
    let bot = stage.bot().await;
    for message in &missed[..2] {
        assert_eq!(stage.outcome(*message).await, "✅");
    }
    let notice = stage.said(HARBOR, "while I was away").await;
    assert!(notice.contains("3 messages"), "{notice}");
    let held = stage.sql("select text from prompts where held_in is not null order by seq").await;
    assert_eq!(held, ["[[say:Missed 2.]]", "[[say:Missed 3.]]", "[[say:Missed 4.]]"]);
    bot.kill();
    let _bot = stage.bot().await;
    let live = stage.ask(MARA, HARBOR, "[[say:Live.]]");
    stage.answer(HARBOR, live).await;
    assert_eq!(copies(&stage, HARBOR, "while I was away"), 1, "{:#?}", stage.bot_messages(HARBOR));
    assert_eq!(stage.cli_prompts().len(), 3, "{:?}", stage.cli_prompts());
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_run_or_ignored_by_one_click() {
    let stage = Stage::new().await.with("limits", "catch_up_prompts_max = 0");
    let bot = stage.bot().await;
    known(&stage, 2).await;
    bot.kill();
    for n in 0..3 {
        stage.ask(by_turns(n), HARBOR, &format!("[[say:Here {n}.]]"));
    }
    stage.ask(MARA, LIGHTHOUSE, "[[say:There.]]");
    let _bot = stage.bot().await;
    let notice = |channel| {
        stage.discord.wait_for("the notice", move |discord| {
            let messages = discord.messages(channel);
            let found = messages.iter().find(|message| message["components"][0]["components"].is_array())?;
            found["id"].as_str()?.parse().ok().map(MessageId)
        })
    };
    let (here, there) = (notice(HARBOR).await, notice(LIGHTHOUSE).await);
    let id = stage.click(VERA, here, "Run").await;
    assert!(stage.told_privately(id).await.contains("not among the people"));
    stage.click(JONAS, here, "Run").await;
    for n in 0..3 {
        stage.said(HARBOR, &format!("Here {n}.\n-# ✅")).await;
    }
    stage.said(HARBOR, "3 messages while I was away were held, and run now.").await;
    stage.click(MARA, there, "Ignore").await;
    stage.said(LIGHTHOUSE, "1 message while I was away was not run.").await;
    let prompts: Vec<_> = stage.cli_prompts().iter().map(|prompt| prompt.trim().to_owned()).collect();
    assert_eq!(prompts, ["[[say:Here 0.]]", "[[say:Here 1.]]", "[[say:Here 2.]]"]);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_of_what_is_held_no_more_loses_its_buttons() {
    let stage = Stage::new().await.with("limits", "catch_up_prompts_max = 0");
    let bot = stage.bot().await;
    known(&stage, 2).await;
    bot.kill();
    stage.ask(MARA, HARBOR, "[[say:Missed.]]");
    let bot = stage.bot().await;
    let (notice, _) = stage.with_button(HARBOR, "Run").await;
    bot.kill();
    // As a daemon leaves it that dies after the decision, before it says so.
    stage.alter("UPDATE prompts SET state = 'withdrawn', held_in = NULL WHERE held_in IS NOT NULL").await;
    let _bot = stage.bot().await;
    let clicked = stage.click(MARA, notice, "Run").await;
    assert!(stage.told_privately(clicked).await.contains("Nothing is held here any more"));
    let left = stage.buttons(HARBOR);
    assert!(left.is_empty(), "{left:?}");
    assert!(stage.cli_prompts().is_empty());
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_back_what_is_held_changes_what_is_said_of_it() {
    let stage = Stage::new().await.with("limits", "catch_up_prompts_max = 0");
    let bot = stage.bot().await;
    known(&stage, 2).await;
    bot.kill();
    let missed: Vec<_> =
        (0..3).map(|n| stage.ask(by_turns(n), HARBOR, &format!("[[say:Missed {n}.]]"))).collect();
    let _bot = stage.bot().await;
    stage.said(HARBOR, "3 messages while I was away").await;
    stage.discord.delete(missed[1]);
    stage.said(HARBOR, "2 messages while I was away").await;
    // The notice is known by the last of them: the rest gets one of its own.
    stage.discord.delete(missed[2]);
    stage.said(HARBOR, "1 message while I was away").await;
    let gone = |discord: &Snapshot<'_>| {
        let own = discord.messages(HARBOR);
        let told = |message: &&Value| message["content"].to_string().contains("while I was away");
        (own.iter().filter(told).count() == 1).then_some(())
    };
    stage.discord.wait_for("the other notice to be gone", gone).await;
    stage.discord.delete(missed[0]);
    let gone = |discord: &Snapshot<'_>| discord.messages(HARBOR).is_empty().then_some(());
    stage.discord.wait_for("nothing to be held", gone).await;
    assert!(stage.cli_prompts().is_empty());
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_decided_is_said_by_the_next_daemon() {
    let stage = Stage::new().await.with("limits", "catch_up_prompts_max = 0");
    let bot = stage.bot().await;
    known(&stage, 2).await;
    bot.kill();
    stage.ask(MARA, HARBOR, "[[say:Missed.]]");
    let bot = stage.bot().await;
    let (notice, _) = stage.with_button(HARBOR, "Ignore").await;
    bot.kill();
    // As a daemon leaves it that dies after it stored the decision.
    stage
        .alter(
            "INSERT INTO settled_held (channel, newest, count, became, settled_at)
                SELECT held_in, id, 1, 'ignored', received_at FROM prompts WHERE held_in IS NOT NULL;
             UPDATE prompts SET held_in = NULL WHERE held_in IS NOT NULL",
        )
        .await;
    let _bot = stage.bot().await;
    stage.said(HARBOR, "1 message while I was away was not run.").await;
    let said = stage.discord.message(notice).expect("the notice is there");
    assert_eq!(said["content"], "1 message while I was away was not run.", "in the same place");
    assert!(stage.buttons(HARBOR).is_empty(), "{:?}", stage.buttons(HARBOR));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_old_is_said() {
    let stage = Stage::new().await.with("limits", "catch_up_secs_max = 0");
    let bot = stage.bot().await;
    known(&stage, 2).await;
    bot.kill();
    stage.ask(MARA, HARBOR, "[[say:Old.]]");
    let _bot = stage.bot().await;
    let notice = stage.said(HARBOR, "while I was away").await;
    assert!(notice.contains("1 message "), "{notice}");
    assert!(stage.cli_prompts().is_empty(), "{:?}", stage.cli_prompts());
}

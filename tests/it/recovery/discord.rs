//! Discord in trouble: requests that fail, limits, a gateway that is cut, messages and channels that go.

use futures::future::join_all;
use serde_json::json;
use switchboard::playground::discord::Fault;

use super::*;

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

//! One reply, whatever Discord does: lost sends, deleted messages, channels that take nothing (RELIABILITY B4).

mod deaths;
mod threads;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use switchboard::domain::ids::{ChannelId, MessageId};
use switchboard::playground::discord::{Draft, Fault, Snapshot};
use tokio::sync::Notify;

use crate::harness::{BOT, HARBOR, JONAS, MARA, Stage, VERA};

const CREATE: &str = "POST /channels/*/messages";

/// How many of the bot's messages have this text.
fn copies(stage: &Stage, channel: ChannelId, text: &str) -> usize {
    stage.bot_messages(channel).iter().filter(|content| content.contains(text)).count()
}

/// The bot's message with this text.
fn said(discord: Snapshot<'_>, channel: ChannelId, text: &str) -> Option<MessageId> {
    let messages = discord.messages(channel);
    let found = messages.iter().find(|message| {
        message["author"]["id"] == BOT.to_string()
            && message["content"].as_str().is_some_and(|content| content.contains(text))
    });
    found?["id"].as_str()?.parse().ok().map(MessageId)
}

async fn wait_said(stage: &Stage, channel: ChannelId, text: &str) -> MessageId {
    stage.discord.wait_for(&format!("“{text}”"), |discord| said(*discord, channel, text)).await
}

/// Waits until ✅ is the only reaction.
async fn wait_done(stage: &Stage, message: MessageId) {
    stage
        .discord
        .wait_for("✅ alone", |discord| {
            let reactions = discord.reactions(message);
            matches!(&reactions[..], [(only, _)] if only == "✅").then_some(())
        })
        .await;
}

/// A turn that has said “First half.” and waits.
struct Held {
    message: MessageId,
    /// The bot's message.
    first: MessageId,
    gate: PathBuf,
}

impl Held {
    fn go_on(&self) {
        std::fs::write(&self.gate, "").expect("the gate opens");
    }
}

async fn hold(stage: &Stage, channel: ChannelId) -> Held {
    let gate = stage.dir().join(format!("gate-{channel}"));
    let text = format!("[[say:First half.]] [[wait:{}]] [[say:Second half.]]", gate.display());
    let message = stage.ask(MARA, channel, &text);
    let first = wait_said(stage, channel, "First half.").await;
    Held { message, first, gate }
}

async fn assert_answered_once(stage: &Stage, held: &Held) {
    assert_eq!(stage.outcome(held.message).await, "✅");
    for half in ["First half.", "Second half."] {
        assert_eq!(copies(stage, HARBOR, half), 1, "{:#?}", stage.bot_messages(HARBOR));
    }
    stage.assert_well_behaved();
}

/// As if the daemon had been away for ten minutes.
async fn ten_minutes_pass(stage: &Stage) {
    stage.discord.advance(Duration::from_mins(10));
    stage.change("update slots set first_try_at = first_try_at - 600000").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_whose_reply_was_lost_is_found_when_its_nonce_is_forgotten() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let before = stage.ask(MARA, HARBOR, "[[say:Something before.]]");
    stage.answer(HARBOR, before).await;
    stage.discord.faults().next_rest(CREATE, Fault::ApplyThenHold(Arc::new(Notify::new())));
    let message = stage.ask(MARA, HARBOR, "[[say:Only once.]]");
    stage
        .discord
        .wait_for("the message that the bot does not hear of", |discord| {
            (discord.messages(HARBOR).len() == 4).then_some(())
        })
        .await;
    stage.rows("select state from turns where state = 'ended'", 2).await;
    bot.kill();
    ten_minutes_pass(&stage).await;
    let _bot = stage.bot().await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("Only once."), "{answer}");
    assert_eq!(stage.bot_messages(HARBOR).len(), 2, "{:#?}", stage.bot_messages(HARBOR));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_whose_reply_was_lost_is_found_also_when_our_clock_was_ahead_then() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    stage.discord.faults().next_rest(CREATE, Fault::ApplyThenHold(Arc::new(Notify::new())));
    let message = stage.ask(MARA, HARBOR, "[[say:Only once.]]");
    stage.rows("select state from slots where state = 'sending'", 1).await;
    stage.rows("select state from turns where state = 'ended'", 1).await;
    bot.kill();
    ten_minutes_pass(&stage).await;
    stage.change("update slots set first_try_at = first_try_at + 1000 * 86400000").await;
    let _bot = stage.bot().await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("Only once."), "{answer}");
    assert_eq!(stage.bot_messages(HARBOR).len(), 1, "{:#?}", stage.bot_messages(HARBOR));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_notice_is_found_however_much_was_said_in_the_channel_that_day() {
    let stage = Stage::new().await;
    for number in 0..2100 {
        stage.discord.say(VERA, HARBOR, &format!("Talk of the day, {number}."));
    }
    stage.discord.advance(Duration::from_hours(1));
    let bot = stage.bot().await;
    let held = hold(&stage, HARBOR).await;
    stage.discord.faults().next_rest(CREATE, Fault::ApplyThenHold(Arc::new(Notify::new())));
    // That it waits is told below no prompt of a turn: nothing but the time says where its notice may be.
    let waits = stage.ask(JONAS, HARBOR, "[[say:Then this.]]");
    wait_said(&stage, HARBOR, "Queued").await;
    stage.rows("select state from slots where state = 'sending'", 1).await;
    bot.kill();
    ten_minutes_pass(&stage).await;
    let _bot = stage.bot().await;
    held.go_on();
    assert_answered_once(&stage, &held).await;
    assert_eq!(stage.outcome(waits).await, "✅");
    stage.rows("select state from slots where state = 'removed'", 1).await;
    assert_eq!(copies(&stage, HARBOR, "Queued"), 0, "{:#?}", stage.bot_messages(HARBOR));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_a_message_that_was_found_stands_below_it() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    stage.discord.faults().next_rest(CREATE, Fault::ApplyThenHold(Arc::new(Notify::new())));
    // Its first message is the one that is lost, the others follow after the restart.
    let long = stage.ask(MARA, HARBOR, "[[lines:200]] [[say:The end.]]");
    stage.rows("select state from slots where state = 'sending'", 1).await;
    stage.rows("select state from turns where state = 'ended'", 1).await;
    bot.kill();
    ten_minutes_pass(&stage).await;
    let _bot = stage.bot().await;
    let answer = stage.answer(HARBOR, long).await;
    for line in ["Line 3 says", "Line 123 says", "Line 195 says", "The end."] {
        assert_eq!(answer.matches(line).count(), 1, "{line:?} in {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_gets_the_earlier_message_brings_it_up_to_date() {
    for fault in [Fault::ApplyThenFail, Fault::ApplyThenStatus(504)] {
        let stage = Stage::new().await;
        let _bot = stage.bot().await;
        // What is tried again is another body: the turn is over by then.
        stage.discord.faults().next_rest(CREATE, fault);
        let message = stage.ask(MARA, HARBOR, "[[say:The whole answer.]]");
        let answer = stage.answer(HARBOR, message).await;
        assert!(answer.contains("The whole answer."), "{answer}");
        assert_eq!(stage.bot_messages(HARBOR).len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_after_a_message_was_deleted_still_arrives() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let held = hold(&stage, HARBOR).await;
    stage.discord.delete(held.first);
    held.go_on();
    assert_answered_once(&stage, &held).await;
    // A message of a turn that is over stays deleted, also after a restart.
    let second = wait_said(&stage, HARBOR, "Second half.").await;
    stage.discord.delete(second);
    assert_eq!(bot.stop().code, Some(0));
    let _bot = stage.bot().await;
    let next = stage.ask(MARA, HARBOR, "[[say:Next.]]");
    stage.answer(HARBOR, next).await;
    assert_eq!(stage.bot_messages(HARBOR).len(), 1, "{:#?}", stage.bot_messages(HARBOR));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_old_to_be_edited_is_replaced() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let held = hold(&stage, HARBOR).await;
    bot.kill();
    stage.discord.advance(Duration::from_hours(2));
    stage.change("update slots set first_try_at = first_try_at - 7200000").await;
    let _bot = stage.bot().await;
    held.go_on();
    assert_answered_once(&stage, &held).await;
    assert_ne!(said_now(&stage, "Second half."), held.first, "it goes on in a new message");
    assert!(stage.discord.message(held.first).is_none_or(|message| message["content"].is_null()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_takes_no_more_edits_is_replaced() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let held = hold(&stage, HARBOR).await;
    let worn =
        json!({ "code": 30046, "message": "Maximum number of edits to messages older than 1 hour reached." });
    let path = format!("PATCH /channels/{HARBOR}/messages/{}", held.first);
    stage.discord.faults().rate(&*path, 1_000_000, 1, Fault::Status(400, worn));
    held.go_on();
    assert_answered_once(&stage, &held).await;
}

fn said_now(stage: &Stage, text: &str) -> MessageId {
    stage.discord.look(|discord| said(discord, HARBOR, text)).expect("it is there")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_in_passing_costs_nothing() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let held = hold(&stage, HARBOR).await;
    let body = json!({ "code": 0, "message": "401: Unauthorized" });
    stage.discord.faults().rate("* /channels/**", 1_000_000, 1, Fault::Status(401, body));
    held.go_on();
    stage.rows("select state from turns where state = 'ended'", 1).await;
    stage.discord.wait_for("a refusal", |discord| (discord.invalid_requests() > 2).then_some(())).await;
    stage.discord.faults().clear_rest();
    assert_answered_once(&stage, &held).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_taken_is_said_and_the_rest_arrives() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let held = hold(&stage, HARBOR).await;
    let large = json!({ "code": 40005, "message": "Request entity too large" });
    // The last edit brings the file of a very long answer; until it is gone nothing of the edit passes.
    let gate = stage.dir().join("long");
    held.go_on();
    stage.outcome(held.message).await;
    let text = format!("[[lines:900]] [[wait:{}]] [[say:The end.]]", gate.display());
    let message = stage.ask(MARA, HARBOR, &text);
    stage.answer_shows(HARBOR, message, "it goes on").await;
    let last = stage.answers(HARBOR, message).pop().expect("there are several");
    let path = format!("PATCH /channels/{HARBOR}/messages/{last}");
    stage.discord.faults().next_rest(&*path, Fault::Status(413, large.clone()));
    std::fs::write(&gate, "").expect("the gate opens");
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("The end."), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_done_when_all_of_it_can_be_read() {
    let stage = Stage::new().await.with("discord", "activity_reactions = false");
    let _bot = stage.bot().await;
    // The turn is over long before its messages are there.
    stage.discord.faults().rate(CREATE, 1_000_000, 1, Fault::Delay(Duration::from_millis(700)));
    let message = stage.ask(MARA, HARBOR, "[[lines:300]] [[say:The end.]]");
    stage.outcome(message).await;
    let requests = stage.discord.requests();
    let place = |found: &dyn Fn(&str, &str) -> bool| {
        requests.iter().rposition(|request| found(&request.method, &request.path)).expect("it was made")
    };
    let text = place(&|method, path| {
        ["POST", "PATCH"].contains(&method) && path.contains("/messages") && !path.contains("reactions")
    });
    let done = place(&|method, path| method == "PUT" && path.contains('✅'));
    assert!(text < done, "{text} {done}");
    stage.rows("select 'x' from turns where delivered_at is not null", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reaction_tells_what_a_turn_does() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[bash:until test -e go; do sleep 0.05; done]] [[say:Done.]]");
    let has = |emoji: &'static str| {
        move |discord: &Snapshot<'_>| {
            let reactions = discord.reactions(message);
            matches!(&reactions[..], [(only, _)] if only == emoji).then_some(())
        }
    };
    stage.discord.wait_for("💻", |discord| has("💻")(discord)).await;
    std::fs::write(stage.dir().join("harbor/go"), "").expect("the command ends");
    assert_eq!(stage.outcome(message).await, "✅");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_pings_nobody_and_one_without_a_ping_is_heard() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let first = stage.ask(MARA, HARBOR, &format!("[[say:Ask me more, <@{JONAS}>.]]"));
    stage.answer(HARBOR, first).await;
    let answer = stage.answers(HARBOR, first)[0];
    assert_eq!(stage.discord.message(answer).expect("it is there")["mentions"], json!([]));
    let draft =
        Draft { content: "[[recall]]".to_owned(), reply_to: Some(answer), silent: true, ..Draft::default() };
    let reply = stage.discord.say_with(JONAS, HARBOR, draft);
    assert_eq!(stage.discord.message(reply).expect("it is there")["mentions"], json!([]));
    assert!(stage.answer(HARBOR, reply).await.contains("Ask me more"));
    stage.assert_well_behaved();
}

//! The outbox with a Discord that refuses what it is told to.

mod bench;

use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use self::bench::{Bench, no_connection, not_taken, with_file};
use super::deliver::DeliverError;
use super::*;
use crate::render::message::MessageBody;
use crate::store::SlotState;

const HERE: ChannelId = ChannelId(7);
const TURN: TurnId = TurnId(Uuid::from_u128(1));

#[tokio::test]
async fn a_file_that_is_not_taken_is_said_beside_the_words() {
    let bench = Bench::new(vec![not_taken()]).await;
    let posted = bench.ends_with(with_file()).await;
    assert!(posted.len() == 1 && posted[0].files.is_empty(), "{posted:?}");
    assert!(posted[0].content.contains("did not take the file") && posted[0].content.ends_with("The end."));
    assert_eq!(bench.reactions(), ["❌"]);
}

#[tokio::test]
async fn a_reaction_that_could_not_be_taken_away_goes_with_the_next_one() {
    let bench = Bench::new(vec![]).await;
    bench.outbox.acknowledge(HERE, MessageId(5));
    bench.outbox.settled().await;
    assert_eq!(bench.reactions(), ["👀"]);
    *lock(&bench.discord.deaf) = 10;
    tokio::time::pause();
    bench.outbox.react(HERE, MessageId(5), Reaction::Working);
    bench.outbox.settled().await;
    assert_eq!(*lock(&bench.discord.deaf), 0, "both were given up");
    tokio::time::resume();
    bench.ends_with(MessageBody::text("The end.")).await;
    assert_eq!(bench.reactions(), ["✅"]);
}

#[tokio::test]
async fn a_day_for_which_a_channel_is_closed_is_the_same_for_all_that_waits() {
    let bench = Bench::new(vec![]).await;
    *lock(&bench.discord.closed) = true;
    for number in 1..=3 {
        let prompt = Some((HERE, MessageId(number)));
        let target = Target { channel: HERE, parent: None, thread: None, prompt, also: Vec::new() };
        let slots = vec![MessageBody::text("The end.")];
        let shown = Shown { slots, reaction: Reaction::Done, typing: false, ended: true };
        bench.outbox.show(TurnId(Uuid::from_u128(u128::from(number))), &target, shown);
    }
    while bench.outbox.closed_channels().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    // Time goes on while the database works, so in small steps, and what is measured is rough.
    while bench.reactions().len() < 3 && begun.elapsed() < Duration::from_hours(100) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(begun.elapsed() < Duration::from_hours(20), "what cannot be read looks as if it worked");
    let is_over = || lock(&bench.outbox.inner.channels).get(&HERE).is_none_or(|channel| channel.is_empty());
    while !is_over() && begun.elapsed() < Duration::from_hours(100) {
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let waited = begun.elapsed();
    assert!((Duration::from_hours(24)..Duration::from_hours(48)).contains(&waited), "{waited:?}");
}

#[tokio::test]
async fn the_owner_is_not_told_of_trouble_that_is_over_by_then() {
    let forbidden = DeliverError::Closed { why: Closed::Permission, said: "forbidden".to_owned() };
    let bench = Bench::of(vec![forbidden], Some(UserId(3))).await;
    let owner = Arc::new(Notify::new());
    *lock(&bench.discord.owner_away) = Some(Arc::clone(&owner));
    bench.show(MessageBody::text("The end."));
    while bench.outbox.closed_channels().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    while !bench.outbox.closed_channels().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    owner.notify_one();
    // Nothing can be waited for that does not come.
    tokio::time::sleep(Duration::from_millis(200)).await;
    bench.outbox.settled().await;
    assert_eq!(lock(&bench.discord.posted)[..], [MessageBody::text("The end.")]);
}

#[tokio::test]
async fn nothing_waits_for_a_channel_that_is_gone() {
    let locked = DeliverError::Closed { why: Closed::Locked, said: "locked".to_owned() };
    let bench = Bench::new(vec![locked, DeliverError::ChannelGone("unknown".to_owned())]).await;
    bench.show(MessageBody::text("The end."));
    while bench.outbox.closed_channels().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    while !bench.outbox.closed_channels().is_empty() && begun.elapsed() < Duration::from_hours(1) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(bench.outbox.closed_channels(), []);
}

#[tokio::test]
async fn words_that_are_not_taken_are_said_in_a_sentence() {
    let bench = Bench::new(vec![not_taken(), not_taken()]).await;
    let posted = bench.ends_with(with_file()).await;
    assert!(posted.len() == 1 && posted[0].content.contains("did not take this part"), "{posted:?}");
    assert_eq!(bench.reactions(), ["❌"]);
}

#[tokio::test]
async fn what_is_not_taken_at_all_is_refused_and_ends() {
    let bench = Bench::new(vec![not_taken(), not_taken(), not_taken()]).await;
    assert_eq!(bench.ends_with(with_file()).await, []);
    let slots = bench.store.slots(TURN).await.expect("the database works");
    assert_eq!(slots.iter().map(|slot| slot.state).collect::<Vec<_>>(), [SlotState::Refused]);
    assert_eq!(bench.reactions(), ["❌"]);
}

#[tokio::test]
async fn a_thread_that_is_put_back_into_the_archive_is_brought_back_again_whatever_failed_before() {
    let bench = Bench::new((0..4).map(|_| no_connection()).collect()).await;
    *lock(&bench.discord.archived) = 7;
    bench.show(MessageBody::text("The end."));
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    while lock(&bench.discord.posted).is_empty() && begun.elapsed() < Duration::from_hours(2) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(lock(&bench.discord.posted)[..], [MessageBody::text("The end.")]);
}

#[tokio::test]
async fn a_notice_that_was_lost_beside_an_answer_is_not_taken_for_it() {
    let bench = Bench::new(vec![]).await;
    let lost = async |left: u32| {
        while *lock(&bench.discord.lost) > left {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    *lock(&bench.discord.lost) = 2;
    bench.show(MessageBody::text("The end."));
    lost(1).await;
    // A notice goes before every turn, but not before it is known what came of a create.
    let (key, target) = (
        TurnId(Uuid::from_u128(2)),
        Target { channel: HERE, parent: None, thread: None, prompt: None, also: Vec::new() },
    );
    let slots = vec![MessageBody::text("Queued.")];
    let shown = Shown { slots, reaction: Reaction::Seen, typing: false, ended: true };
    bench.outbox.say(key, &target, shown);
    lost(0).await;
    bench.outbox.unsay(key, &target);
    bench.outbox.settled().await;
    let posted: Vec<_> = lock(&bench.discord.posted).iter().map(|body| body.content.clone()).collect();
    assert_eq!(posted, ["The end.", "Queued."]);
    assert_eq!(lock(&bench.discord.deleted)[..], [MessageId(2)]);
}

#[tokio::test]
async fn a_turn_that_gives_way_holds_up_nobody_and_what_was_posted_of_it_is_taken_back() {
    let bench = Bench::new(vec![]).await;
    let target = Target { channel: HERE, parent: None, thread: None, prompt: None, also: Vec::new() };
    let turn = |number: u128, text: &str, ended: bool| {
        let shown =
            Shown { slots: vec![MessageBody::text(text)], reaction: Reaction::Working, typing: false, ended };
        bench.outbox.show(TurnId(Uuid::from_u128(number)), &target, shown);
    };
    let there = async |wanted: &[&str]| loop {
        let (posted, deleted) = (lock(&bench.discord.posted).clone(), lock(&bench.discord.deleted).clone());
        let there = (1..).zip(&posted).filter(|(id, _)| !deleted.contains(&MessageId(*id)));
        if there.map(|(_, body)| body.content.as_str()).eq(wanted.iter().copied()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    turn(1, "Waits for a place.", false);
    there(&["Waits for a place."]).await;
    // Another one begins although this is not over: nobody waits for what waits.
    turn(2, "By itself.", false);
    there(&["Waits for a place.", "By itself."]).await;
    bench.outbox.unsay(TurnId(Uuid::from_u128(1)), &target);
    there(&["By itself."]).await;
    turn(2, "By itself, done.", true);
    there(&["By itself, done."]).await;
    // What was taken back comes after it.
    turn(1, "Its turn.", true);
    there(&["By itself, done.", "Its turn."]).await;
}

#[tokio::test]
async fn workers_end_when_nothing_is_shown_any_more() {
    let bench = Bench::new(vec![]).await;
    assert_eq!(bench.ends_with(MessageBody::text("The end.")).await, [MessageBody::text("The end.")]);
    assert_eq!(bench.reactions(), ["✅"]);
    assert_eq!(lock(&bench.outbox.inner.channels).len(), 1);
    tokio::time::pause();
    // Workers wake up, find nothing, and let go of themselves.
    while !lock(&bench.outbox.inner.channels).is_empty() || bench.outbox.inner.reactions.channels() > 0 {
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
    tokio::time::resume();
    let posted = bench.ends_with(MessageBody::text("Once more.")).await;
    assert_eq!(posted, [MessageBody::text("Once more.")], "a new worker finds the message");
}

#[tokio::test]
async fn a_create_does_not_wait_for_longer_than_its_nonce_counts() {
    let bench = Bench::new(vec![]).await;
    let (held, dropped) = oneshot::channel();
    *lock(&bench.discord.hangs) = Some(held);
    bench.show(MessageBody::text("The end."));
    while lock(&bench.discord.hangs).is_some() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let dropped = tokio::time::timeout(plan::NONCE_KNOWN * 2, dropped).await;
    assert!(matches!(dropped, Ok(Err(_))), "it still waits after {:?}", begun.elapsed());
    // The runtime's timers count whole milliseconds, and round up.
    let late = begun.elapsed().saturating_sub(plan::NONCE_KNOWN);
    assert!(late < Duration::from_millis(2), "it waited for {:?}", begun.elapsed());
    tokio::time::resume();
    bench.outbox.settled().await;
    assert_eq!(lock(&bench.discord.posted)[..], [MessageBody::text("The end.")]);
}

//! Whom a conversation is shared with, and why messages became no prompts.

use std::time::Duration;

use super::*;
use crate::domain::tier::Tier;

const GUEST: UserId = UserId(5);

fn share(store: &Store, lasts: Duration) -> Share {
    let until = store.now().0 + i64::try_from(lasts.as_millis()).unwrap();
    Share { person: GUEST, tier: Tier::Member, by: UserId(HUGE), expires_at: WallTime(until) }
}

#[tokio::test]
async fn a_share_counts_in_its_conversation_until_it_ends() {
    let db = Db::new().await;
    let there = ConversationId(200);
    db.open_conversation(&new_conversation(there)).await.unwrap();
    let hour = share(&db, Duration::from_hours(1));
    db.share(HERE, &hour).await.unwrap();
    let db = db.reopened().await;
    assert_eq!(db.shared_with(HERE, GUEST).await.unwrap(), Some(Tier::Member));
    assert_eq!(db.shared_with(there, GUEST).await.unwrap(), None, "nowhere else");
    assert_eq!(db.shared_with(HERE, UserId(6)).await.unwrap(), None, "nobody else");
    assert_eq!(db.conversations_shared_with(GUEST).await.unwrap(), [HERE]);
    // Shared again: one share, with the new time.
    let longer = share(&db, Duration::from_hours(2));
    db.share(HERE, &longer).await.unwrap();
    assert_eq!(db.shares(HERE).await.unwrap(), [longer]);
    assert!(db.unshare(HERE, GUEST, UserId(1)).await.unwrap());
    assert!(!db.unshare(HERE, GUEST, UserId(1)).await.unwrap());
    assert_eq!(db.shared_with(HERE, GUEST).await.unwrap(), None);
    // By itself.
    db.share(HERE, &share(&db, Duration::ZERO)).await.unwrap();
    assert_eq!(db.shared_with(HERE, GUEST).await.unwrap(), None);
    assert!(
        db.was_shared_with(HERE, GUEST).await.unwrap() && !db.was_shared_with(there, GUEST).await.unwrap()
    );
    let told: Vec<_> =
        db.audit_entries(9).await.unwrap().into_iter().rev().map(|entry| entry.action).collect();
    assert_eq!(told, ["share", "share", "unshare", "share"]);
}

#[tokio::test]
async fn a_clock_that_is_wrong_lets_nobody_in_again_and_keeps_nobody_in() {
    let db = Db::new().await;
    let hour = share(&db, Duration::from_hours(1));
    db.share(HERE, &hour).await.unwrap();
    // It was behind, and Discord tells that.
    db.clock.is_past(WallTime(db.now().0 + 2 * 3_600_000));
    assert_eq!(db.shared_with(HERE, GUEST).await.unwrap(), None);
    assert!(db.conversations_shared_with(GUEST).await.unwrap().is_empty());

    // What a clock that is ahead takes for over is ended for good by whoever ends it.
    let db = Db::new().await;
    let over = share(&db, Duration::ZERO);
    db.share(HERE, &over).await.unwrap();
    assert_eq!(db.shared_with(HERE, GUEST).await.unwrap(), None);
    assert!(db.unshare(HERE, GUEST, UserId(1)).await.unwrap());
    let until = db.now().0 + 3_600_000;
    sqlx::query("UPDATE shares SET expires_at = ?")
        .bind(until)
        .execute(&mut *db.writer().await.unwrap())
        .await
        .unwrap();
    assert_eq!(db.shared_with(HERE, GUEST).await.unwrap(), None);
}

fn ignored(message: u64, at: i64) -> Ignored {
    Ignored {
        message: MessageId(message),
        channel: ChannelId(HUGE),
        guild: Some(GUILD),
        author: UserId(HUGE),
        why: "not_among_people".to_owned(),
        at: WallTime(at),
    }
}

#[tokio::test]
async fn why_is_kept_for_a_while_and_not_without_bound() {
    let db = Db::new().await;
    let now = db.now().0;
    let old = ignored(1, now - 31 * 24 * 3600 * 1000);
    let many: Vec<_> = (10..10_020).map(|message| ignored(message, now)).collect();
    db.note_ignored(&[old]).await.unwrap();
    db.note_ignored(&many).await.unwrap();
    assert_eq!(db.ignored(MessageId(1)).await.unwrap(), None, "older than 30 days");
    assert_eq!(db.ignored(MessageId(10)).await.unwrap(), None, "more than 10,000");
    assert_eq!(db.ignored(MessageId(10_019)).await.unwrap(), Some(ignored(10_019, now)));
    assert_eq!(db.became(MessageId(10_019)).await.unwrap(), None);
}

#[tokio::test]
async fn what_became_of_a_prompt() {
    let db = Db::new().await;
    let became = async |message| db.became(MessageId(message)).await.unwrap().unwrap();
    let (turn, _) = db.running(1).await;
    assert_eq!((became(1).await.state, became(1).await.outcome), (PromptState::Taken, None));
    db.end_turn(turn, &TurnEnd::Failed(Failure::Overloaded), &Usage::default(), 0, None).await.unwrap();
    assert_eq!(became(1).await.outcome.as_deref(), Some("failed"));
    db.accept(&prompt(2), None).await.unwrap();
    assert_eq!((became(2).await.state, became(2).await.author), (PromptState::Queued, UserId(HUGE)));
    db.refuse(prompt(2).id, TurnId::of(prompt(2).id), "no room").await.unwrap();
    assert_eq!(became(2).await.refused_because.as_deref(), Some("no room"));
    db.hold(&prompt(3), ChannelId(100), None).await.unwrap();
    assert!(became(3).await.is_held);
    db.turn_away(&prompt(4), "10 wait here already", None).await.unwrap();
    assert_eq!(became(4).await.refused_because.as_deref(), Some("10 wait here already"));
}

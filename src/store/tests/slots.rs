//! The messages of a turn.

use super::*;

fn slot(turn: TurnId, slot: u32, generation: u32) -> SlotKey {
    SlotKey { turn, slot, generation }
}

#[tokio::test]
async fn a_slot_is_known_before_its_message() {
    let db = Db::new().await;
    let (turn, _) = db.running(1).await;
    let channel = ChannelId(HUGE);
    db.slot_sending(slot(turn, 0, 0), channel, "n0", "h0", Vec::new()).await.unwrap();
    db.slot_sending(slot(turn, 0, 0), channel, "n0", "h0", Vec::new()).await.unwrap();
    let slots = db.slots(turn).await.unwrap();
    assert_eq!((slots[0].state, slots[0].message, slots[0].channel), (SlotState::Sending, None, channel));
    assert_eq!(slots[0].body_hash, "h0");
    db.slot_sent(slot(turn, 0, 0), MessageId(HUGE), "h2").await.unwrap();
    db.slot_sending(slot(turn, 1, 0), channel, "n1", "h", Vec::new()).await.unwrap();
    db.slot_refused(slot(turn, 1, 0), channel, "n1").await.unwrap();
    db.slot_refused(slot(turn, 2, 0), channel, "n2").await.unwrap();
    let slots = db.reopened().await.slots(turn).await.unwrap();
    assert_eq!((slots[0].state, slots[0].message), (SlotState::Sent, Some(MessageId(HUGE))));
    assert_eq!((slots[1].key, slots[1].state), (slot(turn, 1, 0), SlotState::Refused));
    assert_eq!((slots[2].key, slots[2].state), (slot(turn, 2, 0), SlotState::Refused));
}

#[tokio::test]
async fn of_several_bodies_nobody_knows_which_one_arrived() {
    let db = Db::new().await;
    let (turn, _) = db.running(1).await;
    let key = slot(turn, 0, 0);
    for hash in ["h0", "h1", "h1"] {
        db.slot_sending(key, HERE.into(), "n", hash, Vec::new()).await.unwrap();
    }
    assert_eq!(db.slots(turn).await.unwrap()[0].body_hash, "");
    db.slot_absent(key).await.unwrap();
    assert!(db.slots(turn).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_slot_has_its_messages_one_after_the_other() {
    let db = Db::new().await;
    let (turn, _) = db.running(1).await;
    for generation in 0..2 {
        let key = slot(turn, 0, generation);
        db.slot_sending(key, HERE.into(), &format!("n{generation}"), "h", Vec::new()).await.unwrap();
        db.slot_sent(key, MessageId(5 + u64::from(generation)), "h").await.unwrap();
    }
    db.slot_removed(slot(turn, 0, 0)).await.unwrap();
    // A message that is there is never forgotten.
    db.slot_absent(slot(turn, 0, 1)).await.unwrap();
    let states: Vec<_> =
        db.slots(turn).await.unwrap().iter().map(|slot| (slot.message, slot.state)).collect();
    assert_eq!(states, [(Some(MessageId(5)), SlotState::Removed), (Some(MessageId(6)), SlotState::Sent)]);
    assert!(db.knows_message(MessageId(5)).await.unwrap() && db.knows_message(MessageId(6)).await.unwrap());
}

#[tokio::test]
async fn the_messages_of_the_bot_are_known() {
    let db = Db::new().await;
    let (turn, _) = db.running(1).await;
    db.slot_sending(slot(turn, 0, 0), HERE.into(), "n", "h", Vec::new()).await.unwrap();
    assert!(!db.knows_message(MessageId(5)).await.unwrap());
    db.slot_sent(slot(turn, 0, 0), MessageId(5), "h").await.unwrap();
    assert!(db.knows_message(MessageId(5)).await.unwrap());
}

use proptest::prelude::*;

use super::*;

const NOW: WallTime = WallTime(1_000_000_000);

fn before(age: Duration) -> WallTime {
    WallTime(NOW.0 - i64::try_from(age.as_millis()).expect("it fits"))
}

fn posted(slot: u32, generation: u32, state: PostedState, text: &str) -> Posted {
    Posted { slot, generation, state, hash: hash(&MessageBody::text(text)), first_try_at: NOW }
}

/// The first message of a slot, posted in the order of the slots.
fn sent(slot: u32, text: &str) -> Posted {
    posted(slot, 0, PostedState::Sent(MessageId(u64::from(slot) + 100)), text)
}

fn aged(posted: Posted, age: Duration) -> Posted {
    Posted { first_try_at: before(age), ..posted }
}

fn bodies(texts: &[&str]) -> Vec<MessageBody> {
    texts.iter().map(|text| MessageBody::text(*text)).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with the next operation")]
fn create(slot: u32, generation: u32) -> Option<Operation> {
    Some(Operation { slot, generation, call: Call::Create })
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with the next operation")]
fn edit(slot: u32, message: u64) -> Option<Operation> {
    Some(Operation { slot, generation: 0, call: Call::Edit(MessageId(message)) })
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with the next operation")]
fn delete(slot: u32, generation: u32, message: u64) -> Option<Operation> {
    Some(Operation { slot, generation, call: Call::Delete(MessageId(message)) })
}

/// What is next while the turn works.
fn working(wanted: &[&str], posted: &[Posted]) -> Option<Operation> {
    next(&bodies(wanted), posted, false, NOW)
}

#[test]
fn equal_needs_nothing() {
    assert_eq!(working(&["a", "b"], &[sent(0, "a"), sent(1, "b")]), None);
    assert_eq!(working(&[], &[]), None);
}

#[test]
fn the_lowest_difference_comes_first() {
    let posted = [sent(0, "old")];
    assert_eq!(working(&["new", "b"], &posted), edit(0, 100));
    assert_eq!(working(&["old", "b"], &posted), create(1, 0));
}

#[test]
fn an_unfinished_create_is_tried_again_while_its_nonce_is_known_and_then_looked_up() {
    let sending = posted(0, 0, PostedState::Sending, "a");
    assert_eq!(working(&["a"], std::slice::from_ref(&sending)), create(0, 0));
    let look_up = Some(Operation { slot: 0, generation: 0, call: Call::LookUp });
    assert_eq!(working(&["a"], &[aged(sending, NONCE_KNOWN)]), look_up);
    // One that is not wanted any more may be there all the same.
    let surplus = posted(1, 0, PostedState::Sending, "b");
    let look_up = Some(Operation { slot: 1, generation: 0, call: Call::LookUp });
    assert_eq!(working(&["a"], &[sent(0, "a"), surplus]), look_up);
}

#[test]
fn what_is_not_to_be_shown_yet_takes_nothing_away() {
    assert_eq!(working(&[], &[sent(0, "a"), sent(1, "b")]), None);
    assert_eq!(working(&[], &[posted(0, 0, PostedState::Sending, "a")]), None);
}

#[test]
fn a_refused_slot_is_left_alone() {
    assert_eq!(working(&["a"], &[posted(0, 0, PostedState::Refused, "")]), None);
}

#[test]
fn surplus_messages_go_from_the_end_and_come_back() {
    let all = [sent(0, "a"), sent(1, "b"), sent(2, "c")];
    assert_eq!(working(&["a"], &all), delete(2, 0, 102));
    let gone = [sent(0, "a"), posted(1, 0, PostedState::Removed, "b")];
    assert_eq!(working(&["a"], &gone), None);
    assert_eq!(working(&["a", "more"], &gone), create(1, 1));
}

#[test]
fn what_comes_after_a_deleted_message_is_posted_anew_and_what_follows_it_too() {
    let mut all = vec![posted(0, 0, PostedState::Removed, "a"), sent(1, "b")];
    assert_eq!(working(&["a, more", "b"], &all), create(0, 1));
    all.push(posted(0, 1, PostedState::Sent(MessageId(200)), "a, more"));
    assert_eq!(working(&["a, more", "b"], &all), create(1, 1));
    all.push(posted(1, 1, PostedState::Sent(MessageId(201)), "b"));
    assert_eq!(working(&["a, more", "b"], &all), delete(1, 0, 101));
    all[1].state = PostedState::Removed;
    assert_eq!(working(&["a, more", "b"], &all), None);
}

#[test]
fn who_deletes_again_and_again_has_peace_until_the_end() {
    let mut all: Vec<_> = (0..5).map(|generation| posted(0, generation, PostedState::Removed, "a")).collect();
    assert_eq!(working(&["b"], &all), create(0, 5));
    all.push(posted(0, 5, PostedState::Removed, "a"));
    assert_eq!(working(&["b"], &all), None);
    assert_eq!(next(&bodies(&["b"]), &all, true, NOW), create(0, 6));
}

#[test]
fn a_message_that_is_too_old_or_takes_no_edits_is_replaced() {
    let old = aged(sent(0, "a"), EDITED_FOR);
    assert_eq!(working(&["a"], std::slice::from_ref(&old)), None);
    assert_eq!(working(&["b"], std::slice::from_ref(&old)), create(0, 1));
    assert_eq!(working(&["b"], &[aged(sent(0, "a"), Duration::from_mins(49))]), edit(0, 100));
    assert_eq!(working(&["b"], &[posted(0, 0, PostedState::Worn(MessageId(100)), "a")]), create(0, 1));
    // The old one stays until the new one is there.
    let sending = posted(0, 1, PostedState::Sending, "b");
    assert_eq!(working(&["b"], &[old.clone(), sending]), create(0, 1));
    let new = posted(0, 1, PostedState::Sent(MessageId(200)), "b");
    assert_eq!(working(&["b"], &[old, new]), delete(0, 0, 100));
}

#[test]
fn a_lost_message_is_found_by_the_one_that_it_answers() {
    let found = |message, reply_to: Option<u64>| Found {
        message: MessageId(message),
        reply_to: reply_to.map(MessageId),
        nonce: None,
    };
    let lost = |found: &[Found], reply_to: Option<u64>| {
        lost(found, "n", Some(reply_to.map(MessageId))).map(|found| found.message.0)
    };
    assert_eq!(lost(&[], Some(1)), None);
    assert_eq!(lost(&[found(5, Some(2)), found(6, Some(1))], Some(1)), Some(6));
    assert_eq!(lost(&[found(5, None)], Some(1)), Some(5), "the prompt was deleted");
    assert_eq!(lost(&[found(5, Some(2)), found(6, None)], None), Some(6));
    assert_eq!(lost(&[found(5, Some(2))], None), None);
    // What is not wanted any more may have answered anything.
    assert!(super::lost(&[found(5, Some(2))], "n", None).is_some());
    let told = Found { nonce: Some("n".into()), ..found(7, Some(1)) };
    let other = Found { nonce: Some("m".into()), ..found(6, Some(1)) };
    assert_eq!(lost(&[found(5, Some(1)), other.clone(), told], Some(1)), Some(7), "Discord says it");
    assert_eq!(lost(&[other], Some(1)), None);
}

#[test]
fn files_count_and_replies_do_not() {
    let plain = MessageBody::text("a");
    let mut reply = plain.clone();
    reply.reply_to = Some(MessageId(1));
    assert_eq!(hash(&plain), hash(&reply));
    let mut file = plain.clone();
    file.files.push(crate::render::message::File { name: "answer.md".into(), bytes: vec![1] });
    assert_ne!(hash(&plain), hash(&file));
    let mut button = plain.clone();
    button.buttons.push(crate::domain::action::Button::go_on(TurnId(uuid::Uuid::nil())));
    assert_ne!(hash(&plain), hash(&button));
}

#[test]
fn nonces_differ_by_slot_and_fit() {
    let turn = TurnId(uuid::Uuid::from_u128(7));
    assert_eq!(nonce(turn, 0, 0), nonce(turn, 0, 0));
    assert_ne!(nonce(turn, 0, 0), nonce(turn, 1, 0));
    assert_ne!(nonce(turn, 0, 0), nonce(turn, 0, 1));
    assert!(nonce(turn, 0, 1).len() <= 25);
}

/// What Discord does, and what we hear of it.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    Done,
    DoneAndLost,
    NotDone,
}

proptest! {
    /// However calls fail, views change and people delete: once the last view is in and nothing fails any more, the
    /// channel shows it, in order, once.
    #[test]
    fn in_the_end_the_channel_equals_the_last_view(
        views in prop::collection::vec(prop::collection::vec("[a-c]", 1..5), 1..8),
        outcomes in prop::collection::vec(prop_oneof![
            Just(Outcome::Done), Just(Outcome::DoneAndLost), Just(Outcome::NotDone)], 0..40),
        waits in prop::collection::vec(prop_oneof![Just(1i64), Just(130), Just(3100)], 40),
        deletions in prop::collection::vec((0usize..40, 0usize..5), 0..4),
    ) {
        let mut world = World { now: NOW, ..World::default() };
        let mut trouble = outcomes.into_iter();
        let mut waits = waits.into_iter();
        let mut step = 0;
        for (index, view) in views.iter().enumerate() {
            let wanted: Vec<_> = view.iter().map(|text| MessageBody::text(text.as_str())).collect();
            let ended = index + 1 == views.len();
            for _ in 0..if ended { 200 } else { 4 } {
                if !ended && let Some((_, nth)) = deletions.iter().find(|(at, _)| *at == step) {
                    world.somebody_deletes(*nth);
                }
                step += 1;
                let Some(operation) = next(&wanted, &world.posted, ended, world.now) else { break };
                world.perform(operation, &wanted, trouble.next().unwrap_or(Outcome::Done));
                world.now.0 += waits.next().unwrap_or(1) * 1000;
            }
            if ended {
                prop_assert_eq!(next(&wanted, &world.posted, true, world.now), None, "it settles");
                // Who deleted a message that did not change afterwards did not want it.
                let channel: Vec<_> = world.channel.iter().map(|(_, _, text)| text.clone()).collect();
                let mut rest = view.iter();
                prop_assert!(channel.iter().all(|text| rest.any(|wanted| wanted == text)), "{:?} of {:?}", channel, view);
                prop_assert!(channel.len() + deletions.len() >= view.len(), "{:?} of {:?}", channel, view);
            }
        }
    }
}

/// A channel in which nobody else writes, and what the outbox knows of it.
#[derive(Default)]
struct World {
    now: WallTime,
    posted: Vec<Posted>,
    /// Id, nonce, text.
    channel: Vec<(u64, String, String)>,
    /// Nonces that Discord knows, with their messages.
    nonces: Vec<(String, u64, WallTime)>,
    last_id: u64,
}

impl World {
    fn somebody_deletes(&mut self, nth: usize) {
        if nth < self.channel.len() {
            self.channel.remove(nth);
        }
    }

    fn set(&mut self, posted: Posted) {
        self.posted.retain(|each| (each.slot, each.generation) != (posted.slot, posted.generation));
        self.posted.push(posted);
        self.posted.sort_by_key(|each| (each.slot, each.generation));
    }

    fn perform(&mut self, operation: Operation, wanted: &[MessageBody], outcome: Outcome) {
        let Operation { slot, generation, call } = operation;
        let known =
            self.posted.iter().find(|each| (each.slot, each.generation) == (slot, generation)).cloned();
        let applied = !matches!(outcome, Outcome::NotDone);
        let heard = matches!(outcome, Outcome::Done);
        match call {
            Call::Create => {
                let body = &wanted[slot as usize];
                let wanted_hash = hash(body);
                let hash = match &known {
                    Some(known) if known.hash != wanted_hash => String::new(),
                    _ => wanted_hash,
                };
                let first_try_at = known.map_or(self.now, |known| known.first_try_at);
                let mut posted = Posted { slot, generation, state: PostedState::Sending, hash, first_try_at };
                if applied {
                    let nonce = nonce(TurnId(uuid::Uuid::nil()), slot, generation);
                    let message = self.create(nonce, &body.content);
                    if heard {
                        posted.state = PostedState::Sent(MessageId(message));
                    }
                }
                self.set(posted);
            }
            Call::LookUp => {
                if !heard {
                    return;
                }
                let rowless = self.channel.iter().filter(|(id, ..)| {
                    !self.posted.iter().any(|posted| posted.message() == Some(MessageId(*id)))
                });
                let found: Vec<_> = rowless
                    .map(|(id, ..)| Found { message: MessageId(*id), reply_to: None, nonce: None })
                    .collect();
                let known = known.expect("it was tried");
                match lost(&found, "", Some(None)) {
                    Some(found) => {
                        let state = PostedState::Sent(found.message);
                        self.set(Posted { state, hash: String::new(), ..known });
                    }
                    None => self.posted.retain(|each| (each.slot, each.generation) != (slot, generation)),
                }
            }
            Call::Edit(message) => {
                let body = &wanted[slot as usize];
                let mut known = known.expect("it was sent");
                match self.channel.iter_mut().find(|(id, ..)| *id == message.0) {
                    Some(there) => {
                        if applied {
                            there.2.clone_from(&body.content);
                        }
                        known.hash = if heard { hash(body) } else { String::new() };
                    }
                    None => known.state = PostedState::Removed,
                }
                self.set(known);
            }
            Call::Delete(message) => {
                if applied {
                    self.channel.retain(|(id, ..)| *id != message.0);
                }
                let known = known.expect("it was sent");
                if heard {
                    self.set(Posted { state: PostedState::Removed, ..known });
                } else {
                    self.set(Posted { hash: String::new(), ..known });
                }
            }
        }
    }

    /// With a nonce that is known it is the earlier message, also one that was deleted since.
    fn create(&mut self, nonce: String, text: &str) -> u64 {
        let known = |(known, _, at): &&(String, u64, WallTime)| {
            *known == nonce && self.now.since(*at) < Duration::from_mins(5)
        };
        if let Some((_, message, _)) = self.nonces.iter().find(known) {
            return *message;
        }
        self.last_id += 1;
        self.channel.push((self.last_id, nonce.clone(), text.to_owned()));
        self.nonces.push((nonce, self.last_id, self.now));
        self.last_id
    }
}

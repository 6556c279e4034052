//! PURE: what to do next so that the posted messages equal the wanted ones.

use sha2::{Digest, Sha256};

use crate::domain::ids::{MessageId, TurnId};
use crate::render::message::MessageBody;

/// What is known of a slot that was posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// Its number, from 0.
    pub slot: u32,
    /// What became of it.
    pub state: PostedState,
    /// The [`hash`] of the body that was sent last.
    pub hash: String,
}

/// What became of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostedState {
    /// A create was begun, and how it ended is not known: it is tried again with the same nonce.
    Sending,
    /// It is this message.
    Sent(MessageId),
    /// Discord refused it for good, or somebody deleted it. It is left alone.
    Refused,
}

/// One call to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Post the slot.
    Create {
        /// Which slot.
        slot: u32,
    },
    /// Change a message.
    Edit {
        /// Which slot.
        slot: u32,
        /// Its message.
        message: MessageId,
    },
    /// Remove a message that the view has no slot for any more.
    Delete {
        /// Which slot.
        slot: u32,
        /// Its message.
        message: MessageId,
    },
}

/// The next call, or none when Discord equals the view. Lower slots come first, so that messages stand in order.
pub fn next(wanted: &[MessageBody], posted: &[Posted]) -> Option<Operation> {
    let numbered = (0u32..).zip(wanted);
    for (slot, body) in numbered {
        match posted.iter().find(|posted| posted.slot == slot) {
            None | Some(Posted { state: PostedState::Sending, .. }) => {
                return Some(Operation::Create { slot });
            }
            Some(Posted { state: PostedState::Sent(message), hash: posted, .. }) if *posted != hash(body) => {
                return Some(Operation::Edit { slot, message: *message });
            }
            Some(Posted { state: PostedState::Sent(_) | PostedState::Refused, .. }) => {}
        }
    }
    posted.iter().rev().find_map(|posted| match posted.state {
        PostedState::Sent(message) if posted.slot as usize >= wanted.len() => {
            Some(Operation::Delete { slot: posted.slot, message })
        }
        PostedState::Sent(_) | PostedState::Sending | PostedState::Refused => None,
    })
}

/// What tells two bodies apart. `reply_to` and `ping` are not in it: they count when the message is created.
pub fn hash(body: &MessageBody) -> String {
    let mut hasher = Sha256::new();
    hasher.update(body.content.as_bytes());
    for file in &body.files {
        hasher.update([0]);
        hasher.update(file.name.as_bytes());
        hasher.update([0]);
        hasher.update(&file.bytes);
    }
    for button in &body.buttons {
        hasher.update([1]);
        // By its meaning rather than by its id: the same before and after a restart.
        hasher.update(serde_json::to_vec(button).expect("a button is plain data"));
    }
    hex(&hasher.finalize()[..16])
}

/// The nonce of a slot: the same for every attempt, different for every slot of every turn, at most 25 characters
/// (docs: resources/message).
pub fn nonce(turn: TurnId, slot: u32) -> String {
    let mut hasher = Sha256::new();
    hasher.update(turn.0.as_bytes());
    hasher.update(slot.to_be_bytes());
    hex(&hasher.finalize()[..12])
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(slot: u32, text: &str) -> Posted {
        Posted {
            slot,
            state: PostedState::Sent(MessageId(u64::from(slot) + 100)),
            hash: hash(&MessageBody::text(text)),
        }
    }

    fn bodies(texts: &[&str]) -> Vec<MessageBody> {
        texts.iter().map(|text| MessageBody::text(*text)).collect()
    }

    #[test]
    fn equal_needs_nothing() {
        assert_eq!(next(&bodies(&["a", "b"]), &[sent(0, "a"), sent(1, "b")]), None);
        assert_eq!(next(&[], &[]), None);
    }

    #[test]
    fn the_lowest_difference_comes_first() {
        let posted = [sent(0, "old")];
        assert_eq!(
            next(&bodies(&["new", "b"]), &posted),
            Some(Operation::Edit { slot: 0, message: MessageId(100) })
        );
        assert_eq!(next(&bodies(&["old", "b"]), &posted), Some(Operation::Create { slot: 1 }));
    }

    #[test]
    fn an_unfinished_create_is_tried_again_and_a_refused_slot_is_left_alone() {
        let sending = Posted { slot: 0, state: PostedState::Sending, hash: String::new() };
        assert_eq!(next(&bodies(&["a"]), &[sending]), Some(Operation::Create { slot: 0 }));
        let refused = Posted { slot: 0, state: PostedState::Refused, hash: String::new() };
        assert_eq!(next(&bodies(&["a"]), &[refused]), None);
    }

    #[test]
    fn surplus_messages_go_from_the_end() {
        let posted = [sent(0, "a"), sent(1, "b"), sent(2, "c")];
        assert_eq!(
            next(&bodies(&["a"]), &posted),
            Some(Operation::Delete { slot: 2, message: MessageId(102) })
        );
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
        assert_eq!(nonce(turn, 0), nonce(turn, 0));
        assert_ne!(nonce(turn, 0), nonce(turn, 1));
        assert!(nonce(turn, 0).len() <= 25);
    }
}

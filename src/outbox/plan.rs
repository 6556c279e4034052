//! PURE: what to do next so that the posted messages equal the wanted ones.
//!
//! A slot is one message, most of the time. When somebody deletes it while the turn works, or when it has become too old
//! to be edited, the slot gets another: its next *generation*, with a nonce of its own. Messages stand in the order of
//! their slots, so those below follow.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::clock::WallTime;
use crate::domain::ids::{MessageId, TurnId};
use crate::render::message::MessageBody;

/// For so long Discord is trusted to know a nonce: "the past few minutes" (docs: resources/message). A create that began
/// longer ago is looked up before it is made again.
pub const NONCE_KNOWN: Duration = Duration::from_mins(2);
/// After an hour Discord takes few edits of a message (code 30046, RELIABILITY §3): well before that, what is new goes
/// into a new message.
pub const EDITED_FOR: Duration = Duration::from_mins(50);
/// So often a slot comes back while its turn works, however often its message is deleted. At the end it comes once more.
const REMOVED_MAX: usize = 5;

/// What is known of one message of a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The slot's number, from 0.
    pub slot: u32,
    /// How many messages the slot had before this one.
    pub generation: u32,
    /// What became of it.
    pub state: PostedState,
    /// The [`hash`] of the body that Discord has; empty when that is not known.
    pub hash: String,
    /// When its create was first tried: the message is not older.
    pub first_try_at: WallTime,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostedState {
    /// A create was begun, and how it ended is not known: it is tried again with the same nonce, or looked up.
    Sending,
    /// It is this message.
    Sent(MessageId),
    /// It is this message, and Discord takes no more edits of it.
    Worn(MessageId),
    /// It is not there any more: somebody deleted it, or it was not needed.
    Removed,
    /// Discord refused it for good. The slot is left alone.
    Refused,
}

impl Posted {
    /// The message, if it is there.
    pub fn message(&self) -> Option<MessageId> {
        match self.state {
            PostedState::Sent(message) | PostedState::Worn(message) => Some(message),
            PostedState::Sending | PostedState::Removed | PostedState::Refused => None,
        }
    }
}

/// One call to make, for one message of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Which slot.
    pub slot: u32,
    /// Which of its messages.
    pub generation: u32,
    /// What to do.
    pub call: Call,
}

/// What to do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Post it.
    Create,
    /// Look whether it was posted.
    LookUp,
    /// Change it.
    Edit(MessageId),
    /// Remove it: the view has no slot for it any more, or another message took its place.
    Delete(MessageId),
}

/// The next call, or none when Discord equals the view. Lower slots come first, so that messages stand in order; what was
/// replaced goes before anything else is done. `ended` says that this is the last view. Before that, a view without any slot
/// is not to be shown yet: what the daemon before this one posted of it stays until there is more to see.
pub fn next(wanted: &[MessageBody], posted: &[Posted], ended: bool, now: WallTime) -> Option<Operation> {
    if wanted.is_empty() && !ended {
        return None;
    }
    let replaced = posted.iter().find(|old| old.message().is_some() && is_replaced(old, posted));
    if let Some((old, message)) = replaced.and_then(|old| Some((old, old.message()?))) {
        return Some(operation(old, Call::Delete(message)));
    }
    let mut above = None;
    for (slot, body) in (0u32..).zip(wanted) {
        let Some(latest) = latest(posted, slot) else {
            return Some(Operation { slot, generation: 0, call: Call::Create });
        };
        let again = Operation { slot, generation: latest.generation + 1, call: Call::Create };
        match latest.state {
            // A first try in the future is one of a clock that was set back since: how long ago it was is not known.
            PostedState::Sending
                if now < latest.first_try_at || now.since(latest.first_try_at) >= NONCE_KNOWN =>
            {
                return Some(operation(latest, Call::LookUp));
            }
            PostedState::Sending => return Some(operation(latest, Call::Create)),
            PostedState::Sent(message) | PostedState::Worn(message) if above > Some(message) => {
                return Some(again);
            }
            PostedState::Sent(message) | PostedState::Worn(message) if latest.hash == hash(body) => {
                above = Some(message);
            }
            PostedState::Worn(_) => return Some(again),
            PostedState::Sent(_) if now.since(latest.first_try_at) >= EDITED_FOR => return Some(again),
            PostedState::Sent(message) => return Some(operation(latest, Call::Edit(message))),
            PostedState::Removed if ended || times_removed(posted, slot) <= REMOVED_MAX => {
                return Some(again);
            }
            PostedState::Removed | PostedState::Refused => {}
        }
    }
    posted.iter().rev().filter(|posted| posted.slot as usize >= wanted.len()).find_map(
        |surplus| match surplus.state {
            PostedState::Sending => Some(operation(surplus, Call::LookUp)),
            PostedState::Sent(message) | PostedState::Worn(message) => {
                Some(operation(surplus, Call::Delete(message)))
            }
            PostedState::Removed | PostedState::Refused => None,
        },
    )
}

fn operation(posted: &Posted, call: Call) -> Operation {
    Operation { slot: posted.slot, generation: posted.generation, call }
}

fn latest(posted: &[Posted], slot: u32) -> Option<&Posted> {
    posted.iter().filter(|posted| posted.slot == slot).max_by_key(|posted| posted.generation)
}

fn is_replaced(old: &Posted, posted: &[Posted]) -> bool {
    let newer = |each: &&Posted| each.slot == old.slot && each.generation > old.generation;
    posted.iter().filter(newer).any(|newer| newer.message().is_some())
}

fn times_removed(posted: &[Posted], slot: u32) -> usize {
    posted.iter().filter(|each| each.slot == slot && each.state == PostedState::Removed).count()
}

/// A message of ours that was found in a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its id.
    pub message: MessageId,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// Its nonce, where Discord tells it: it does when a message is created, and promises nothing for later.
    pub nonce: Option<String>,
}

/// The message that a lost create made, among those of ours that are newer than all that was known when it was first tried
/// and belong to no slot that is known, oldest first.
///
/// The outbox alone posts to channels, one create at a time in each, and none before it is known what came of the one
/// before; and every message that it heard of has a row. So a message of ours without a row is from a create whose reply
/// was lost, and the only such create is the one that is looked up. What could be left of another (refused later, and
/// given up) answers another prompt: a message that answers somebody else's is not it.
/// `reply_to` is what the message answered; none: it is not wanted any more, and nobody knows what it answered.
pub fn lost<'a>(found: &'a [Found], nonce: &str, reply_to: Option<Option<MessageId>>) -> Option<&'a Found> {
    let told = found.iter().find(|found| found.nonce.as_deref() == Some(nonce));
    told.or_else(|| {
        // A prompt that was deleted before the answer came is not referred to.
        let fits = |found: &&Found| {
            found.reply_to.is_none() || reply_to.is_none_or(|reply_to| found.reply_to == reply_to)
        };
        found.iter().filter(|found| found.nonce.is_none()).find(fits)
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
    for menu in &body.menus {
        hasher.update([2]);
        hasher.update(serde_json::to_vec(menu).expect("a menu is plain data"));
    }
    for button in &body.buttons {
        hasher.update([1]);
        // By its meaning rather than by its id: the same before and after a restart.
        hasher.update(serde_json::to_vec(button).expect("a button is plain data"));
    }
    hex(&hasher.finalize()[..16])
}

/// The nonce of a message: the same for every attempt, different for every slot of every turn and each of its
/// generations, at most 25 characters (docs: resources/message).
pub fn nonce(turn: TurnId, slot: u32, generation: u32) -> String {
    let mut hasher = Sha256::new();
    hasher.update(turn.0.as_bytes());
    hasher.update(slot.to_be_bytes());
    if generation > 0 {
        hasher.update(generation.to_be_bytes());
    }
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
mod tests;

//! What whoever is needed is told once more, when an ask has waited for long.

use crate::clock::WallTime;
use crate::domain::ids::UserId;

use super::message::MessageBody;

/// An ask still waits for this person; at this time it is denied.
pub fn waits(person: UserId, until: WallTime) -> MessageBody {
    let at = until.0.div_euclid(1_000);
    MessageBody::text(format!(
        "⏰ <@{person}> Claude still waits for an answer. Without one it is denied <t:{at}:R>."
    ))
}

/// It does not wait any more.
pub fn over() -> MessageBody {
    MessageBody::text("-# ⏰ this was a reminder of a question that is settled now")
}

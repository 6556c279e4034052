//! What is known to be posted of a turn: its rows, read once, and then what became of each call.

use super::super::Inner;
use super::super::plan::{Operation, Posted, PostedState};
use crate::clock::WallTime;
use crate::domain::ids::TurnId;
use crate::store::{Slot, SlotState, StoreError};

/// Nothing, before the rows are read.
#[derive(Debug, Default)]
pub(super) struct Known {
    posted: Vec<Posted>,
    is_read: bool,
}

impl Known {
    /// Reads the rows, the first time.
    pub(super) async fn read(&mut self, inner: &Inner, turn: TurnId) -> Result<(), StoreError> {
        if !self.is_read {
            self.posted = inner.store.slots(turn).await?.into_iter().map(as_posted).collect();
            self.is_read = true;
        }
        Ok(())
    }

    pub(super) fn all(&self) -> &[Posted] {
        &self.posted
    }

    pub(super) fn get(&self, operation: Operation) -> Option<&Posted> {
        self.posted.iter().find(|posted| is_of(posted, operation))
    }

    pub(super) fn set(&mut self, operation: Operation, state: PostedState, hash: String, now: WallTime) {
        let first_try_at = self.get(operation).map_or(now, |known| known.first_try_at);
        self.forget(operation);
        let Operation { slot, generation, .. } = operation;
        self.posted.push(Posted { slot, generation, state, hash, first_try_at });
    }

    pub(super) fn forget(&mut self, operation: Operation) {
        self.posted.retain(|posted| !is_of(posted, operation));
    }

    /// Whether Discord refused a message for good: of this slot, or of any.
    pub(super) fn is_refused(&self, slot: Option<u32>) -> bool {
        let mut of_slot = self.posted.iter().filter(|posted| slot.is_none_or(|slot| posted.slot == slot));
        of_slot.any(|posted| posted.state == PostedState::Refused)
    }
}

fn is_of(posted: &Posted, operation: Operation) -> bool {
    (posted.slot, posted.generation) == (operation.slot, operation.generation)
}

fn as_posted(slot: Slot) -> Posted {
    Posted {
        slot: slot.key.slot,
        generation: slot.key.generation,
        state: match (slot.state, slot.message) {
            (SlotState::Sent, Some(message)) => PostedState::Sent(message),
            (SlotState::Removed, _) => PostedState::Removed,
            (SlotState::Refused, _) => PostedState::Refused,
            (SlotState::Sent, None) | (SlotState::Sending, _) => PostedState::Sending,
        },
        hash: slot.body_hash,
        first_try_at: slot.first_try_at,
    }
}

//! Places among the running turns: at most `limits.running_turns_max`, first come, first served.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of all conversations.
#[derive(Debug, Clone)]
pub(super) struct Places(Arc<Semaphore>);

/// A place; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Place(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

impl Places {
    pub(super) fn new(max: usize) -> Self {
        Self(Arc::new(Semaphore::new(max)))
    }

    /// Waits for a place. The semaphore is fair, so nobody waits for ever.
    pub(super) async fn take(&self) -> Place {
        let permit = Arc::clone(&self.0).acquire_owned().await;
        Place(permit.expect("the semaphore is never closed"))
    }
}

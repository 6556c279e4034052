//! Holds requests back when Discord refused too many: [`Invalid`] with a lock and a clock, shared by all who ask Discord.

use std::sync::{Arc, Mutex, PoisonError};

use super::invalid::{INVALID_MAX, Invalid};
use crate::clock::Clock;
use crate::store::{Store, StoreError};

/// Where the store keeps it.
const KEY: &str = "discord.invalid_requests";

/// Cheap to clone; every clone is the same one.
#[derive(Debug, Clone)]
pub struct Breaker {
    invalid: Arc<Mutex<Kept>>,
    clock: Clock,
}

#[derive(Debug, Default)]
struct Kept {
    invalid: Invalid,
    stored: Invalid,
}

impl Breaker {
    /// With what an earlier daemon remembered.
    pub async fn new(store: &Store, clock: Clock) -> Result<Self, StoreError> {
        let known = store.setting(KEY).await?;
        let invalid: Invalid = known.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        let kept = Kept { stored: invalid.clone(), invalid };
        Ok(Self { invalid: Arc::new(Mutex::new(kept)), clock })
    }

    /// Waits until a request may go; at once, unless too many were refused.
    pub async fn ready(&self) {
        loop {
            let wait = self.with(|kept| kept.invalid.wait(self.clock.wall()));
            if wait.is_zero() {
                return;
            }
            tracing::error!(
                ?wait,
                "{INVALID_MAX} requests were refused within ten minutes (401, 403, 429): waiting, before Discord bans this address"
            );
            tokio::time::sleep(wait).await;
        }
    }

    /// The status of an answer.
    pub fn note(&self, status: u16) {
        if Invalid::counts(status) {
            self.with(|kept| kept.invalid.note(self.clock.wall()));
        }
    }

    /// Remembers it for the next daemon, if there is anything new.
    pub async fn store(&self, store: &Store) -> Result<(), StoreError> {
        let changed = self.with(|kept| (kept.invalid != kept.stored).then(|| kept.invalid.clone()));
        let Some(invalid) = changed else { return Ok(()) };
        if let Ok(json) = serde_json::to_string(&invalid) {
            store.set_setting(KEY, &json).await?;
            self.with(|kept| kept.stored = invalid);
        }
        Ok(())
    }

    fn with<T>(&self, f: impl FnOnce(&mut Kept) -> T) -> T {
        f(&mut self.invalid.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

//! Holds requests back when Discord refused too many: [`Invalid`] with a lock and a clock, shared by all who ask Discord.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::invalid::{INVALID_MAX, Invalid, PATIENT_MAX};
use crate::chain::Chain;
use crate::clock::{Clock, WallTime};
use crate::store::{Store, StoreError};

/// Where the store keeps it.
const KEY: &str = "discord.invalid_requests";
/// So many that the store does not know are the most that a daemon that is killed forgets, but for those of a moment.
const UNSTORED_MAX: usize = 20;
/// Whoever waits looks again after this: the clock may be set.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// Cheap to clone; every clone is the same one.
#[derive(Debug, Clone)]
pub struct Breaker {
    invalid: Arc<Mutex<Kept>>,
    /// Held from the look at what is known until the store has it: else an older list could be stored after a newer one.
    storing: Arc<tokio::sync::Mutex<()>>,
    store: Store,
    clock: Clock,
}

#[derive(Debug, Default)]
struct Kept {
    invalid: Invalid,
    /// How many were noted that the store does not know.
    unstored: usize,
    /// Whether it was said that requests wait.
    told: bool,
}

/// How Discord takes what we ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// So many requests were refused in the last ten minutes.
    pub refused: usize,
    /// So long everything waits that can; zero: nothing does.
    pub wait: Duration,
}

impl Kept {
    fn standing(&self, now: WallTime) -> Standing {
        Standing { refused: self.invalid.count(now), wait: self.invalid.wait(PATIENT_MAX, now) }
    }
}

impl Breaker {
    /// With what an earlier daemon remembered.
    pub async fn new(store: &Store, clock: Clock) -> Result<Self, StoreError> {
        let known = store.setting(KEY).await?;
        let invalid: Invalid = known.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        let kept = Kept { invalid, ..Kept::default() };
        let (invalid, storing) = (Arc::new(Mutex::new(kept)), Arc::default());
        Ok(Self { invalid, storing, store: store.clone(), clock })
    }

    /// Waits until a request may go; at once, unless too many were refused.
    pub async fn ready(&self) {
        if self.with(|kept| kept.unstored >= UNSTORED_MAX) {
            self.keep().await;
        }
        loop {
            // Looked at and said in one step: else somebody who looked before the last refusal says that requests go on.
            let (Standing { refused, wait }, first) = self.with(|kept| {
                let standing = kept.standing(self.clock.wall());
                let waits = !standing.wait.is_zero();
                (standing, std::mem::replace(&mut kept.told, waits) != waits)
            });
            if wait.is_zero() {
                if first {
                    tracing::warn!(refused, "requests to Discord go on");
                }
                return;
            }
            if first {
                self.keep().await;
                tracing::error!(
                    refused,
                    ?wait,
                    "Discord refused {PATIENT_MAX} requests within ten minutes (401, 403, 429): what can wait waits, \
                     before Discord bans this address. The lines above say what was refused"
                );
            }
            tokio::time::sleep(wait.min(LOOK_AGAIN)).await;
        }
    }

    /// Whether an answer to a person may go, which cannot wait.
    pub fn may_answer(&self) -> bool {
        self.with(|kept| kept.invalid.wait(INVALID_MAX, self.clock.wall())).is_zero()
    }

    /// How Discord takes what we ask.
    pub fn standing(&self) -> Standing {
        self.with(|kept| kept.standing(self.clock.wall()))
    }

    /// The status of an answer.
    pub fn note(&self, status: u16) {
        if Invalid::counts(status) {
            self.with(|kept| {
                kept.invalid.note(self.clock.wall());
                kept.unstored += 1;
            });
        }
    }

    /// Remembers it for the next daemon, if there is anything new.
    pub async fn store(&self) -> Result<(), StoreError> {
        let _alone = self.storing.lock().await;
        let changed = self.with(|kept| (kept.unstored > 0).then(|| (kept.invalid.clone(), kept.unstored)));
        let Some((invalid, unstored)) = changed else { return Ok(()) };
        if let Ok(json) = serde_json::to_string(&invalid) {
            self.store.set_setting(KEY, &json).await?;
            self.with(|kept| kept.unstored -= unstored);
        }
        Ok(())
    }

    async fn keep(&self) {
        if let Err(error) = self.store().await {
            tracing::warn!(error = %Chain(&error), "what Discord refused could not be stored");
        }
    }

    fn with<T>(&self, f: impl FnOnce(&mut Kept) -> T) -> T {
        f(&mut self.invalid.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_refused_while_two_store_it_is_stored_next() {
        let dir = tempfile::tempdir().expect("a directory");
        let clock = Clock::start();
        let store = Store::open(&dir.path().join("switchboard.db"), clock).await.expect("a new database");
        let breaker = Breaker::new(&store, clock).await.expect("nothing stored yet");
        let refused = |times| (0..times).for_each(|_| breaker.note(403));
        refused(20);
        // Both have begun when five more are refused.
        let (first, second, ()) = tokio::join!(breaker.store(), breaker.store(), async { refused(5) });
        first.and(second).expect("stored");
        breaker.store().await.expect("stored");
        let next = Breaker::new(&store, clock).await.expect("what was stored");
        assert_eq!(next.standing().refused, 25);
    }
}

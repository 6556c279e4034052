//! Places among the running turns: at most `limits.running_turns_max`, first come, first served.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of all conversations.
#[derive(Debug, Clone)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    /// How many were taken beyond that.
    owed: Arc<Mutex<usize>>,
}

/// A place; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Place {
    permit: Option<OwnedSemaphorePermit>,
    places: Places,
}

impl Places {
    pub(super) fn new(max: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(max)), owed: Arc::default() }
    }

    /// Waits for a place. The semaphore is fair, so nobody waits for ever.
    pub(super) async fn take(&self) -> Place {
        let permit = Arc::clone(&self.free).acquire_owned().await.expect("the semaphore is never closed");
        Place { permit: Some(permit), places: self.clone() }
    }

    /// Takes a place now, also where none is free: for what runs anyway. Until as many are given back, nobody else gets
    /// one.
    pub(super) fn take_now(&self) -> Place {
        let mut owed = self.owed();
        let permit = Arc::clone(&self.free).try_acquire_owned().ok();
        *owed += usize::from(permit.is_none());
        Place { permit, places: self.clone() }
    }

    fn owed(&self) -> MutexGuard<'_, usize> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut owed = self.places.owed();
        let permit = self.permit.take();
        if *owed > 0 {
            *owed -= 1;
            permit.into_iter().for_each(OwnedSemaphorePermit::forget);
        } else if permit.is_none() {
            // Somebody gave his up for this one meanwhile.
            self.places.free.add_permits(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn what_runs_anyway_counts_and_nobody_waits_for_ever() {
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let places = Places::new(1);
            let mut held: Vec<_> = (0..3).map(|_| Some(places.take_now())).collect();
            for at in order {
                assert!(places.take().now_or_never().is_none(), "more than one would run");
                held[at] = None;
            }
            let next = places.take().now_or_never().expect("the place is free");
            assert!(places.take().now_or_never().is_none());
            drop(next);
            assert!(places.take().now_or_never().is_some());
        }
    }
}

//! Places among the running turns: at most `limits.running_turns_max`, fair between the people who ask ([`Fair`]).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{oneshot, watch};

use super::fair::{Fair, Ticket};
use crate::domain::ids::UserId;
use crate::render::view::{BEFORE_MAX, WaitsFor};

/// Whose turn a place is for; none: nobody asked for it.
pub(super) type Asker = Option<UserId>;

/// The places of all conversations.
#[derive(Debug, Clone)]
pub(super) struct Places {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    max: usize,
    /// May be more than `max`: what runs anyway has a place as well.
    taken: usize,
    line: Fair<Asker, Waiter>,
}

#[derive(Debug)]
struct Waiter {
    come: oneshot::Sender<()>,
    standing: watch::Sender<WaitsFor>,
}

/// A place; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Place {
    asker: Asker,
    places: Places,
}

impl Places {
    pub(super) fn new(max: usize) -> Self {
        Self { inner: Arc::new(Mutex::new(Inner { max, taken: 0, line: Fair::new() })) }
    }

    /// Waits for a place. Meanwhile `standing` tells how many come before. Nobody waits for ever.
    pub(super) async fn take(&self, asker: Asker, standing: watch::Sender<WaitsFor>) -> Place {
        let (come, coming) = oneshot::channel();
        let ticket = {
            let mut inner = self.inner();
            let ticket = inner.line.ask(asker, Waiter { come, standing });
            inner.serve();
            ticket
        };
        let mut waiting = Waiting { ticket, asker, places: self.clone(), came: false };
        // Its sender goes when it was used.
        let _ = coming.await;
        waiting.came = true;
        Place { asker, places: self.clone() }
    }

    /// Takes a place now, also where none is free: for what runs anyway. Until as many are given back, nobody else gets
    /// one.
    pub(super) fn take_now(&self, asker: Asker) -> Place {
        let mut inner = self.inner();
        inner.taken += 1;
        inner.line.takes(asker);
        Place { asker, places: self.clone() }
    }

    /// Whether a turn that came now would have a place at once.
    pub(super) fn is_free(&self) -> bool {
        let inner = self.inner();
        inner.taken < inner.max && inner.line.is_empty()
    }

    fn give_back(&self, asker: Asker) {
        let mut inner = self.inner();
        inner.taken -= 1;
        inner.line.gives(&asker);
        inner.serve();
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Gives what is free to who is next, and tells the first of the others how they stand.
    fn serve(&mut self) {
        while self.taken < self.max
            && let Some((_, waiter)) = self.line.next()
        {
            self.taken += 1;
            // One who does not wait any more finds out that it came, and gives it back.
            let _ = waiter.come.send(());
        }
        // The one after those may have been among them before.
        for (before, waiter) in self.line.in_order().take(BEFORE_MAX + 2).enumerate() {
            let stands = WaitsFor::Place { before: before.min(BEFORE_MAX) };
            waiter.standing.send_if_modified(|known| std::mem::replace(known, stands) != stands);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.give_back(self.asker);
    }
}

/// Somebody who waits. Whoever stops waiting takes no place.
struct Waiting {
    ticket: Ticket,
    asker: Asker,
    places: Places,
    came: bool,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.came {
            return;
        }
        let mut inner = self.places.inner();
        if inner.line.leaves(self.ticket) {
            inner.serve();
        } else {
            drop(inner);
            self.places.give_back(self.asker);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    const ADA: Asker = Some(UserId(1));
    const BEN: Asker = Some(UserId(2));

    fn unseen() -> watch::Sender<WaitsFor> {
        watch::Sender::new(WaitsFor::default())
    }

    #[test]
    fn what_runs_anyway_counts_and_nobody_waits_for_ever() {
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let places = Places::new(1);
            let mut held: Vec<_> = (0..3).map(|_| Some(places.take_now(ADA))).collect();
            for at in order {
                assert!(places.take(ADA, unseen()).now_or_never().is_none(), "more than one would run");
                held[at] = None;
            }
            let next = places.take(ADA, unseen()).now_or_never().expect("the place is free");
            assert!(places.take(ADA, unseen()).now_or_never().is_none());
            drop(next);
            assert!(places.take(ADA, unseen()).now_or_never().is_some());
        }
    }

    #[tokio::test]
    async fn each_sees_how_many_come_before_and_another_person_waits_for_one_turn() {
        let places = Places::new(1);
        let first = places.take(ADA, unseen()).await;
        let mut waiting = Vec::new();
        for _ in 0..3 {
            let standing = unseen();
            let sees = standing.subscribe();
            let mut wait = Box::pin(places.take(ADA, standing));
            assert!(wait.as_mut().now_or_never().is_none());
            waiting.push((wait, sees));
        }
        let before = |waiting: &[(_, watch::Receiver<WaitsFor>)]| -> Vec<_> {
            waiting.iter().map(|(_, sees)| *sees.borrow()).collect()
        };
        let place = |before| WaitsFor::Place { before };
        assert_eq!(before(&waiting), [place(0), place(1), place(2)]);
        let standing = unseen();
        let sees = standing.subscribe();
        let mut other = Box::pin(places.take(BEN, standing));
        assert!(other.as_mut().now_or_never().is_none());
        assert_eq!(*sees.borrow(), place(0));
        assert_eq!(before(&waiting), [place(1), place(2), place(3)], "who has a turn already comes after");
        // Who goes takes nobody's place.
        drop(waiting.remove(0));
        assert_eq!(before(&waiting), [place(1), place(2)]);
        drop(first);
        let mut second = other.now_or_never().expect("the place is free");
        assert_eq!(second.asker, BEN);
        for (wait, _) in waiting {
            drop(second);
            second = wait.now_or_never().expect("the place is free");
        }
        drop(second);
        assert!(places.is_free());
    }

    #[test]
    fn who_stops_waiting_in_the_moment_in_which_it_comes_gives_it_back() {
        let places = Places::new(1);
        let first = places.take_now(ADA);
        let mut wait = Box::pin(places.take(BEN, unseen()));
        assert!(wait.as_mut().now_or_never().is_none());
        drop(first);
        assert!(!places.is_free(), "it has come, and nobody looked");
        drop(wait);
        assert!(places.is_free());
    }
}

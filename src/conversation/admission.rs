//! The gate before the places: while the account cannot work, no turn of any conversation begins, and one that waits
//! takes no place.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::account::{Account, Hold, News};
use super::place::{Asker, Place, Places};
use crate::clock::Clock;
use crate::render::view::WaitsFor;

/// How long a wait sleeps at most before the clocks are looked at again: one of them may have stepped, and the machine
/// may have slept.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// The gate of all conversations. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Admission {
    account: Arc<Mutex<Account>>,
    hold: watch::Sender<Option<Hold>>,
    places: Places,
    clock: Clock,
}

impl Admission {
    pub(super) fn new(places: Places, clock: Clock) -> Self {
        Self { account: Arc::default(), hold: watch::Sender::new(None), places, clock }
    }

    /// Takes in what a turn heard. What was recorded before this daemon came is no news, but for a limit that still
    /// holds: so after a restart one turn tries at once.
    pub(super) fn heard(&self, news: News, live: bool) {
        let (now, wall) = (self.clock.moment(), self.clock.wall());
        let to_come = match news {
            News::LimitReached { resets_at_secs: Some(secs) } => secs.saturating_mul(1000) > wall.0,
            News::LimitReached { resets_at_secs: None } | News::NoLogin | News::Overloaded | News::Works => {
                false
            }
        };
        if !live && !to_come {
            return;
        }
        let mut account = self.account();
        let before = account.hold().map(|hold| hold.why);
        account.heard(news, now, wall);
        let hold = account.hold();
        self.publish(hold);
        match hold {
            Some(hold) if before != Some(hold.why) => {
                let secs = hold.until.since(now).as_secs();
                tracing::warn!(why = ?hold.why, secs, "the account cannot work, no turn begins");
            }
            None if before.is_some() => tracing::info!("the account works again"),
            Some(_) | None => {}
        }
    }

    /// Why nothing begins for now, and each change of it.
    pub(super) fn watch(&self) -> watch::Receiver<Option<Hold>> {
        self.hold.subscribe()
    }

    /// Waits until a turn may begin and there is a place for it, for which `asker` stands in line.
    pub(super) async fn place(&self, asker: Asker, standing: &watch::Sender<WaitsFor>) -> Place {
        loop {
            let tries = self.admitted().await;
            let place = self.places.take(asker, standing.clone()).await;
            // The account may have stopped working while this one waited for its place.
            if tries || self.account().hold().is_none() {
                return place;
            }
        }
    }

    /// Waits until a turn may begin. True: it is the one that tries for all.
    async fn admitted(&self) -> bool {
        let mut news = self.hold.subscribe();
        loop {
            news.mark_unchanged();
            let (now, wall) = (self.clock.moment(), self.clock.wall());
            let held = {
                let mut account = self.account();
                let tries = account.hold().is_some();
                let admitted = account.admit(now, wall);
                self.publish(account.hold());
                match admitted {
                    Ok(()) => return tries,
                    Err(hold) => hold,
                }
            };
            let look = self.clock.instant(held.until.min(now.after(LOOK_EVERY)));
            tokio::select! {
                () = tokio::time::sleep_until(look) => {}
                // The sender is in this very struct.
                _ = news.changed() => {}
            }
        }
    }

    fn publish(&self, hold: Option<Hold>) {
        self.hold.send_if_modified(|known| {
            let changed = *known != hold;
            *known = hold;
            changed
        });
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::domain::event::Outage;

    fn unseen() -> watch::Sender<WaitsFor> {
        watch::Sender::new(WaitsFor::default())
    }

    fn admission() -> (Admission, Clock) {
        let clock = Clock::start();
        (Admission::new(Places::new(1), clock), clock)
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_account_cannot_work_nobody_takes_a_place_and_one_tries_for_all() {
        let (admission, clock) = admission();
        admission.heard(News::NoLogin, true);
        admission.heard(News::NoLogin, true);
        assert!(admission.place(None, &unseen()).now_or_never().is_none());
        assert!(admission.places.take(None, unseen()).now_or_never().is_some(), "the place stays free");
        let tries = admission.place(None, &unseen()).await;
        assert!(clock.moment().0 >= Duration::from_secs(20));
        drop(tries);
        assert!(
            admission.place(None, &unseen()).now_or_never().is_none(),
            "the others wait for what becomes of it"
        );
        admission.heard(News::NoLogin, true);
        assert!(admission.place(None, &unseen()).now_or_never().is_none());
        let waits = tokio::spawn({
            let admission = admission.clone();
            async move { admission.place(None, &unseen()).await }
        });
        tokio::task::yield_now().await;
        admission.heard(News::Works, true);
        waits.await.expect("it is admitted at once");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waited_for_a_place_does_not_begin_into_a_hold() {
        let (admission, clock) = admission();
        let taken = admission.place(None, &unseen()).await;
        let standing = unseen();
        let mut waits = Box::pin(admission.place(None, &standing));
        assert!(waits.as_mut().now_or_never().is_none());
        admission.heard(News::Overloaded, true);
        drop(taken);
        assert!(waits.as_mut().now_or_never().is_none());
        assert!(admission.places.take(None, unseen()).now_or_never().is_some(), "it gave the place back");
        waits.await;
        assert!(clock.moment().0 >= Duration::from_secs(15));
    }

    #[tokio::test(start_paused = true)]
    async fn what_an_earlier_daemon_heard_counts_only_if_it_still_holds() {
        let (admission, clock) = admission();
        let wall = clock.wall();
        let reset = |secs: i64| News::LimitReached { resets_at_secs: Some(wall.0 / 1000 + secs) };
        let held = || admission.watch().borrow().map(|hold| hold.why);
        admission.heard(News::NoLogin, false);
        admission.heard(reset(-60), false);
        assert_eq!(held(), None);
        admission.heard(reset(600), false);
        assert_eq!(held(), Some(Outage::UsageLimit));
        admission.heard(News::Works, false);
        assert_eq!(held(), Some(Outage::UsageLimit), "that was before");
    }
}

//! Forgetting what serenity never forgets: the limit of each route of each channel that was ever called. Where each request
//! has a thread of its own, that would grow for as long as the daemon lives. And serenity counts the time until a limit is
//! over with the wall clock: one that was set back by two hours would keep a channel silent for as long.

use std::time::{Duration, UNIX_EPOCH};

use serenity::http::{Http, Ratelimit};
use tokio::sync::Mutex;

use crate::clock::{Clock, Moment, WallTime};

/// So many are kept in any case.
const KEPT_MAX: usize = 500;

/// All are looked through so often at most: at each request it was 6 % of a turn where there are hundreds of channels.
const LOOKED_EVERY: Duration = Duration::from_secs(10);

/// A clock that differs from the monotonic one by so much more or less than before was set. More than it is corrected by
/// while it runs (500 millionths, adjtimex(2)), and short enough to wait for.
const STEP_MIN: Duration = Duration::from_secs(1);

/// The limits of a client, which nobody has looked through at first.
#[derive(Default)]
pub struct Routes(Mutex<Looked>);

#[derive(Default)]
struct Looked {
    /// Not looked through before this.
    not_before: Moment,
    /// What the wall clock said when the monotonic one began.
    began: Option<WallTime>,
}

impl Routes {
    /// Forgets limits that are over, once there are many: a route without one is asked like a new one. Forgets all where
    /// the clock was set: nobody can tell when they are over.
    pub async fn forget(&self, http: &Http, clock: Clock) {
        let Some(limiter) = &http.ratelimiter else { return };
        let mut looked = self.0.lock().await;
        let (moment, now) = (clock.moment(), clock.machine());
        let began = now.before(moment.since(Moment::default()));
        let stepped = looked
            .began
            .replace(began)
            .is_some_and(|before| began.since(before).max(before.since(began)) >= STEP_MIN);
        let routes = limiter.routes();
        if stepped {
            tracing::info!("the clock was set");
            // Whoever waits for one of them already is given up as any call that takes too long, and tries again.
            routes.write().await.clear();
        } else if moment >= looked.not_before && routes.read().await.len() > KEPT_MAX {
            looked.not_before = moment.after(LOOKED_EVERY);
            routes.write().await.retain(|_, limit| counts(limit, now));
        }
    }
}

/// Whether somebody waits for it, or would have to.
fn counts(limit: &Mutex<Ratelimit>, now: WallTime) -> bool {
    let Ok(limit) = limit.try_lock() else { return true };
    let reset = limit.reset().and_then(|reset| reset.duration_since(UNIX_EPOCH).ok());
    reset.is_some_and(|reset| i64::try_from(reset.as_millis()).is_ok_and(|reset| WallTime(reset) > now))
}

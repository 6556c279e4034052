//! Forgetting what serenity never forgets: the limit of each route of each channel that was ever called. Where each request
//! has a thread of its own, that would grow for as long as the daemon lives.

use std::time::{Duration, UNIX_EPOCH};

use serenity::http::{Http, Ratelimit};
use tokio::sync::Mutex;

use crate::clock::{Clock, Moment, WallTime};

/// So many are kept in any case.
const KEPT_MAX: usize = 500;

/// All are looked through so often at most: at each request it was 6 % of a turn where there are hundreds of channels.
const LOOKED_EVERY: Duration = Duration::from_secs(10);

/// The limits of a client, which nobody has looked through at first.
#[derive(Default)]
pub struct Routes {
    /// Not looked through before this.
    not_before: Mutex<Moment>,
}

impl Routes {
    /// Forgets limits that are over, once there are many: a route without one is asked like a new one.
    pub async fn forget(&self, http: &Http, clock: Clock) {
        let Some(limiter) = &http.ratelimiter else { return };
        // Whoever finds it taken knows that another one looks.
        let Ok(mut not_before) = self.not_before.try_lock() else { return };
        let routes = limiter.routes();
        if clock.moment() < *not_before || routes.read().await.len() <= KEPT_MAX {
            return;
        }
        *not_before = clock.moment().after(LOOKED_EVERY);
        let now = clock.wall();
        routes.write().await.retain(|_, limit| counts(limit, now));
    }
}

/// Whether somebody waits for it, or would have to.
fn counts(limit: &Mutex<Ratelimit>, now: WallTime) -> bool {
    let Ok(limit) = limit.try_lock() else { return true };
    let reset = limit.reset().and_then(|reset| reset.duration_since(UNIX_EPOCH).ok());
    reset.is_some_and(|reset| i64::try_from(reset.as_millis()).is_ok_and(|reset| WallTime(reset) > now))
}

//! Forgetting what serenity never forgets: the limit of each route of each channel that was ever called. Where each request
//! has a thread of its own, that would grow for as long as the daemon lives.

use std::time::UNIX_EPOCH;

use serenity::http::{Http, Ratelimit};
use tokio::sync::Mutex;

use crate::clock::{Clock, WallTime};

/// So many are kept in any case.
const KEPT_MAX: usize = 500;

/// Forgets limits that are over, once there are many: a route without one is asked like a new one.
pub async fn forget(http: &Http, clock: Clock) {
    let Some(limiter) = &http.ratelimiter else { return };
    let routes = limiter.routes();
    if routes.read().await.len() > KEPT_MAX {
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

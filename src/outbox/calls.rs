//! The requests a second that all of the daemon may make together.

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// Discord's global limit is 50 requests a second over all routes (docs: topics/rate-limits); serenity does not hold other
/// tasks back after a global 429, so we stay below it.
const PER_SEC_MAX: NonZeroU32 = NonZeroU32::new(40).expect("40 is not zero");

/// What is left of this second's requests. Cheap to clone; all clones share it.
#[derive(Debug, Clone)]
pub struct Calls(Arc<DefaultDirectRateLimiter>);

impl Default for Calls {
    fn default() -> Self {
        Self(Arc::new(RateLimiter::direct(Quota::per_second(PER_SEC_MAX))))
    }
}

impl Calls {
    /// Waits until one more may go.
    pub async fn ready(&self) {
        self.0.until_ready().await;
    }
}

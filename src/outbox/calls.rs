//! The requests a second that all of the daemon may make together.

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// What is left of this second's requests. Cheap to clone; all clones share it.
#[derive(Debug, Clone)]
pub struct Calls(Arc<DefaultDirectRateLimiter>);

impl Calls {
    /// So many a second, at least one. Discord's global limit is 50 over all routes (docs: topics/rate-limits), and serenity
    /// does not hold other tasks back after a global 429: so it has to be less.
    pub fn new(per_sec_max: u32) -> Self {
        let per_sec_max = NonZeroU32::new(per_sec_max).unwrap_or(NonZeroU32::MIN);
        Self(Arc::new(RateLimiter::direct(Quota::per_second(per_sec_max))))
    }

    /// Waits until one more may go.
    pub async fn ready(&self) {
        self.0.until_ready().await;
    }
}

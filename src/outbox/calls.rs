//! The requests a second that all of the daemon may make together.

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// What is left of this second's requests. Cheap to clone; all clones share it.
#[derive(Debug, Clone)]
pub struct Calls(Arc<DefaultDirectRateLimiter>);

impl Calls {
    /// So many a second, at least one, and after a pause a fifth of them at once. Discord's global limit is 50 over all
    /// routes (docs: topics/rate-limits), and serenity does not hold other tasks back after a global 429: so no second may
    /// have more than that, also one that follows a pause.
    pub fn new(per_sec_max: u32) -> Self {
        Self(Arc::new(RateLimiter::direct(quota(per_sec_max))))
    }

    /// Waits until one more may go.
    pub async fn ready(&self) {
        self.0.until_ready().await;
    }

    /// Whether one more may go right now, which is then taken: for what nobody misses.
    pub fn spare(&self) -> bool {
        self.0.check().is_ok()
    }
}

fn quota(per_sec_max: u32) -> Quota {
    let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(at_least_one(per_sec_max)).allow_burst(at_least_one(per_sec_max / 5))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;

    use super::*;

    #[test]
    fn no_second_has_more_than_discord_allows_also_after_a_pause() {
        let clock = FakeRelativeClock::default();
        let limiter = RateLimiter::direct_with_clock(quota(40), clock.clone());
        let (step, mut calls) = (Duration::from_millis(1), Vec::new());
        for ms in 0..10_000_u32 {
            clock.advance(step);
            // Everybody wants something all the time, but for a pause.
            while !(3000..5000).contains(&ms) && limiter.check().is_ok() {
                calls.push(ms);
            }
        }
        let busiest =
            calls.iter().map(|from| calls.iter().filter(|at| (*from..from + 1000).contains(at)).count());
        assert!(busiest.max().is_some_and(|most| (45..=48).contains(&most)));
        assert!(calls.len() >= 8 * 40, "{} in eight seconds", calls.len());
    }
}

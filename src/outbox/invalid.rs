//! PURE: how many requests did Discord refuse lately, and must the next one wait for it?
//!
//! Discord bans an address for an hour after 10,000 answers with 401, 403 or 429 within ten minutes (RELIABILITY §3). The
//! breaker here is far below that, and ours alone: whatever goes wrong, we go on at the pace at which the old ones are
//! forgotten.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::WallTime;

/// Discord counts over this window.
const WINDOW: Duration = Duration::from_mins(10);
/// So many are allowed in the window, of Discord's 10,000.
pub const INVALID_MAX: usize = 300;
/// So many of them for what can wait. The rest is for answers to people who clicked or used a command, which cannot: also
/// `/status`, which says that all else waits.
pub const PATIENT_MAX: usize = 240;

/// The refused requests of the last ten minutes. As a value it survives restarts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Invalid {
    /// When, oldest first; never more than [`INVALID_MAX`].
    at: VecDeque<WallTime>,
}

impl Invalid {
    /// Whether an answer with this status counts.
    pub fn counts(status: u16) -> bool {
        matches!(status, 401 | 403 | 429)
    }

    /// A request was refused.
    pub fn note(&mut self, now: WallTime) {
        // A clock that was set back must not keep old ones for ever.
        self.at.retain(|at| *at <= now && now.since(*at) < WINDOW);
        self.at.push_back(now);
        while self.at.len() > INVALID_MAX {
            self.at.pop_front();
        }
    }

    /// How many there were in the last ten minutes.
    pub fn count(&self, now: WallTime) -> usize {
        self.at.iter().filter(|at| now.since(**at) < WINDOW).count()
    }

    /// How long the next request has to wait where this many are allowed; zero: it may go.
    pub fn wait(&self, max: usize, now: WallTime) -> Duration {
        let oldest_that_counts = self.at.len().checked_sub(max).and_then(|index| self.at.get(index));
        match oldest_that_counts {
            // One of the future: the clock was set back, and the next refusal clears it.
            Some(oldest) if *oldest <= now => WINDOW.saturating_sub(now.since(*oldest)),
            Some(_) | None => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> WallTime {
        WallTime(secs * 1000)
    }

    #[test]
    fn whatever_happens_ten_minutes_see_300_at_most() {
        let (mut invalid, mut made) = (Invalid::default(), Vec::new());
        for now in 0..3600 {
            // Ten requests a second, and each is refused.
            for _ in 0..10 {
                if invalid.wait(INVALID_MAX, at(now)).is_zero() {
                    invalid.note(at(now));
                    made.push(now);
                }
            }
        }
        for from in 0..3000 {
            let count = made.iter().filter(|made| (from..from + 600).contains(*made)).count();
            assert!(count <= INVALID_MAX, "{count} from {from}");
        }
        assert!(made.len() >= 5 * INVALID_MAX, "it goes on when they are forgotten");
    }

    #[test]
    fn what_cannot_wait_has_a_reserve() {
        let mut invalid = Invalid::default();
        (0..PATIENT_MAX).for_each(|_| invalid.note(at(0)));
        assert_eq!(invalid.wait(PATIENT_MAX, at(60)), Duration::from_mins(9));
        assert_eq!(invalid.wait(INVALID_MAX, at(60)), Duration::ZERO);
        // Each that comes after it is one more that has to be forgotten.
        invalid.note(at(60));
        assert_eq!(invalid.wait(PATIENT_MAX, at(60)), Duration::from_mins(9));
        invalid.note(at(60));
        assert_eq!(invalid.wait(PATIENT_MAX, at(599)), Duration::from_secs(1));
        (0..INVALID_MAX).for_each(|_| invalid.note(at(60)));
        assert_eq!(invalid.wait(INVALID_MAX, at(60)), Duration::from_mins(10));
    }

    #[test]
    fn it_survives_as_text_and_counts_what_is_young() {
        let mut invalid = Invalid::default();
        (0..10).for_each(|secs| invalid.note(at(secs)));
        let text = serde_json::to_string(&invalid).unwrap();
        let invalid: Invalid = serde_json::from_str(&text).unwrap();
        assert_eq!(invalid.count(at(9)), 10);
        assert_eq!(invalid.count(at(604)), 5);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_lock_out() {
        let mut invalid = Invalid::default();
        (0..400).for_each(|_| invalid.note(at(100_000)));
        assert_eq!(invalid.wait(INVALID_MAX, at(0)), Duration::ZERO);
        invalid.note(at(0));
        assert_eq!(invalid.count(at(0)), 1);
    }

    #[test]
    fn only_what_discord_counts() {
        for (status, counts) in
            [(200, false), (401, true), (403, true), (404, false), (429, true), (500, false)]
        {
            assert_eq!(Invalid::counts(status), counts, "{status}");
        }
    }
}

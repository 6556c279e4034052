//! PURE: may turns of the account that the CLI works with begin now?
//!
//! A usage limit, a login that is gone and an overloaded API are the same for every conversation: instead of each one
//! failing by itself, all wait, and one turn tries for all (RELIABILITY F27, F30). What is heard comes from the CLI's
//! structured events and ends, never from a text.

use std::time::Duration;

use crate::clock::{Moment, WallTime};
use crate::domain::event::{Failure, Outage};

/// The first wait of a reason without a time of its own; it doubles with each try that fails.
const LOGIN_WAIT: Duration = Duration::from_secs(20);
const OVERLOAD_WAIT: Duration = Duration::from_secs(15);
const LIMIT_WAIT: Duration = Duration::from_mins(5);
/// The longest wait between two tries.
const WAIT_MAX: Duration = Duration::from_mins(5);
/// After the time that the API names, so that its clock and ours need not agree to the second.
const RESET_SLACK: Duration = Duration::from_secs(5);
/// The longest limit that an API has (a week), and some: what is further off is no time to believe.
pub(super) const RESET_MAX: Duration = Duration::from_hours(8 * 24);
/// If nothing is heard of the turn that tries, another one does.
const TRIAL_MAX: Duration = Duration::from_mins(1);

/// What is heard of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Its usage limit is reached: the status is `rejected`.
    LimitReached {
        /// When it starts anew, seconds since the epoch.
        resets_at_secs: Option<i64>,
    },
    /// The CLI has no login, or one that the API refuses.
    NoLogin,
    /// The API is overloaded, or takes no more requests for now.
    Overloaded,
    /// It answers.
    Works,
}

/// Nothing begins for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// Why.
    pub why: Outage,
    /// When the next turn tries.
    pub until: Moment,
    /// The same, for people.
    pub until_at: WallTime,
}

/// The account.
#[derive(Debug, Clone, Default)]
pub struct Account {
    hold: Option<Hold>,
    /// Whether a turn was let through, and nothing was heard of it yet.
    trying: bool,
    /// How many tries failed in a row.
    failed: u32,
}

impl News {
    /// What a failed turn says of the account; most say nothing.
    pub fn of_failure(failure: &Failure) -> Option<Self> {
        match failure {
            Failure::UsageLimit { resets_at_secs } => {
                Some(News::LimitReached { resets_at_secs: *resets_at_secs })
            }
            Failure::NotLoggedIn | Failure::AuthenticationFailed => Some(News::NoLogin),
            Failure::Overloaded | Failure::RateLimited => Some(News::Overloaded),
            Failure::Billing
            | Failure::PromptTooLong
            | Failure::RequestTooLarge
            | Failure::ModelNotFound
            | Failure::ApiError { .. }
            | Failure::Unreachable
            | Failure::ApiTimeout
            | Failure::Refused
            | Failure::BadRequest
            | Failure::SessionNotFound
            | Failure::SessionInUse
            | Failure::RootRefused
            | Failure::CliMissing
            | Failure::CliTooOld { .. }
            | Failure::DirectoryMissing
            | Failure::StartFailed
            | Failure::ShutDown
            | Failure::DiskFull
            | Failure::Crashed { .. }
            | Failure::Lost
            | Failure::NoMemory
            | Failure::NotAllowed
            | Failure::Unknown => None,
        }
    }
}

impl Account {
    /// Why nothing begins for now.
    pub fn hold(&self) -> Option<Hold> {
        self.hold
    }

    /// Takes in what was heard. True: it may be otherwise now who may begin.
    pub fn heard(&mut self, news: News, now: Moment, wall: WallTime) -> bool {
        let (why, first_wait) = match news {
            News::Works => {
                let held = self.hold.is_some();
                *self = Self::default();
                return held;
            }
            News::LimitReached { .. } => (Outage::UsageLimit, LIMIT_WAIT),
            News::NoLogin => (Outage::NoLogin, LOGIN_WAIT),
            News::Overloaded => (Outage::Overloaded, OVERLOAD_WAIT),
        };
        // Of the turns that were under way when the first one failed, the others say nothing new.
        if self.hold.is_some_and(|hold| hold.why == why) && !self.trying {
            return false;
        }
        let reset = match news {
            News::LimitReached { resets_at_secs: Some(at_secs) } => reset_in(at_secs, wall),
            News::LimitReached { resets_at_secs: None } | News::NoLogin | News::Overloaded | News::Works => {
                None
            }
        };
        let doubled = first_wait.saturating_mul(1 << self.failed.min(8)).min(WAIT_MAX.max(first_wait));
        let wait = reset.unwrap_or(doubled);
        self.trying = false;
        self.failed = self.failed.saturating_add(1);
        self.hold = Some(Hold { why, until: now.after(wait), until_at: later(wall, wait) });
        true
    }

    /// May a turn begin? When the wait is over, one may, for all: the others wait for what becomes of it.
    pub fn admit(&mut self, now: Moment, wall: WallTime) -> Result<(), Hold> {
        let Some(hold) = &mut self.hold else { return Ok(()) };
        // By either clock: one of them stands still while the machine sleeps, the other one may step.
        if now < hold.until && wall < hold.until_at {
            return Err(*hold);
        }
        hold.until = now.after(TRIAL_MAX);
        hold.until_at = later(wall, TRIAL_MAX);
        self.trying = true;
        Ok(())
    }
}

/// How long until the API's time for a new beginning; none if that is no time to believe: one that is over by our clock was
/// told by another.
fn reset_in(at_secs: i64, wall: WallTime) -> Option<Duration> {
    let wait = WallTime(at_secs.checked_mul(1000)?).since(wall);
    (!wait.is_zero() && wait <= RESET_MAX).then(|| wait + RESET_SLACK)
}

fn later(wall: WallTime, wait: Duration) -> WallTime {
    WallTime(wall.0.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests;

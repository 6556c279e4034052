//! PURE: when may the next login at the gateway (IDENTIFY) be?
//!
//! Discord allows 1,000 a day, then ends every session and resets the token (RELIABILITY §3). Two things could spend
//! them: a daemon that is started again and again by its supervisor, and a session that is ended again and again. Both
//! are held back here, by what the database remembers, so that a restart forgets nothing.

use std::time::Duration;

use crate::clock::WallTime;
use crate::store::{Identify, IdentifyKind};

/// With fewer than this left for the day we do not log in: they are for people who repair something.
pub const RESERVE: u64 = 50;
/// Discord's own allowance for a day.
const DAY_MAX: usize = 1000;
/// Logins within a day after which running daemons are held back.
const AGAIN_FREE: usize = 300;
/// The distance of those beyond: a day of them and the free ones stay below [`DAY_MAX`].
const AGAIN_GAP: Duration = Duration::from_secs(150);
/// The first wait of a daemon that is started too often; it doubles up to [`START_GAP_MAX`].
const START_GAP_MIN: Duration = Duration::from_secs(15);
const START_GAP_MAX: Duration = Duration::from_mins(10);
/// Discord counts simultaneous logins over five seconds, from when they reach it: one that took long to connect may be
/// nearer to the next than we know.
const WINDOW: Duration = Duration::from_millis(5_500);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// What Discord says of its budget (`GET /gateway/bot`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Logins that are left.
    pub remaining: u64,
    /// When there will be new ones.
    pub reset_after: Duration,
    /// How many are allowed in five seconds.
    pub at_once: usize,
}

/// Why a login has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// There was one just now.
    JustNow,
    /// The daemon was started too often within an hour.
    Starts,
    /// Sessions ended too often within a day.
    Sessions,
    /// Discord's budget for the day is used up but for the reserve.
    Budget,
}

/// Whether the login that is due may be made: `None`, or how long to wait at least, and why.
///
/// `known` are the logins of the last day, oldest first. `budget` is what Discord says; none: it could not be asked, and
/// our own count has to do. None is of the future ([`Store::identifies`](crate::store::Store::identifies)).
pub fn wait(
    known: &[Identify],
    kind: IdentifyKind,
    starts_per_hour_max: usize,
    budget: Option<Budget>,
    now: WallTime,
) -> Option<(Duration, Why)> {
    let age = |identify: &Identify| now.since(identify.at);
    let within = |window: Duration| known.iter().filter(move |identify| age(identify) < window);
    // How long until fewer than `max` of these are younger than `window`.
    let room = |ages: Vec<Duration>, max: usize, window: Duration| {
        let over = ages.len().checked_sub(max)?;
        ages.get(over).map(|age| window.saturating_sub(*age))
    };
    let at_once = budget.map_or(1, |budget| budget.at_once.max(1));
    let just_now = room(within(WINDOW).map(age).collect(), at_once, WINDOW).map(|wait| (wait, Why::JustNow));
    let day = match budget {
        Some(budget) => (budget.remaining < RESERVE).then_some(budget.reset_after),
        None => room(within(DAY).map(age).collect(), DAY_MAX - usize::try_from(RESERVE).unwrap_or(0), DAY),
    };
    let day = day.map(|wait| (wait, Why::Budget));
    let often = match kind {
        IdentifyKind::Start => {
            let starts: Vec<_> =
                within(HOUR).filter(|identify| identify.kind == IdentifyKind::Start).map(age).collect();
            let free = starts_per_hour_max / 2;
            let gap = starts.len().checked_sub(free.max(1)).map(|over| {
                let gap =
                    START_GAP_MIN * 2_u32.saturating_pow(u32::try_from(over).unwrap_or(u32::MAX).min(16));
                gap.min(START_GAP_MAX)
            });
            let last = starts.last().copied().unwrap_or(HOUR);
            let gap = gap.map(|gap| gap.saturating_sub(last));
            let full = room(starts, starts_per_hour_max, HOUR);
            gap.max(full).map(|wait| (wait, Why::Starts))
        }
        IdentifyKind::Again => {
            let last = known.last().map_or(DAY, age);
            let too_often = within(DAY).count() >= AGAIN_FREE;
            too_often.then(|| (AGAIN_GAP.saturating_sub(last), Why::Sessions))
        }
    };
    [just_now, often, day]
        .into_iter()
        .flatten()
        .filter(|(wait, _)| !wait.is_zero())
        .max_by_key(|(wait, _)| *wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTS: usize = 20;

    fn at(secs: i64) -> WallTime {
        WallTime(secs * 1000)
    }

    fn budget(remaining: u64) -> Budget {
        Budget { remaining, reset_after: HOUR, at_once: 1 }
    }

    /// Logs in as soon as it may, again and again, from second to second, until `end`.
    fn storm(kind: IdentifyKind, every_secs: i64, end_secs: i64, budget: Option<Budget>) -> Vec<Identify> {
        let mut known: Vec<Identify> = Vec::new();
        for now in (0..end_secs).step_by(usize::try_from(every_secs).unwrap()) {
            if wait(&known, kind, STARTS, budget, at(now)).is_none() {
                known.push(Identify { at: at(now), kind });
            }
        }
        known
    }

    #[test]
    fn a_daemon_that_crashes_at_its_start_logs_in_20_times_an_hour_at_most() {
        let known = storm(IdentifyKind::Start, 1, 6 * 3600, Some(budget(900)));
        for from in 0..5 * 60 {
            let (from, to) = (at(from * 60), at(from * 60 + 3600));
            let logins = known.iter().filter(|known| known.at >= from && known.at < to).count();
            assert!(logins <= STARTS, "{logins} in the hour from {from:?}");
            assert!(logins > 0, "it gave up");
        }
        assert!(
            known[9].at <= at(60),
            "ten restarts for an upgrade wait for nothing but Discord's five seconds"
        );
    }

    #[test]
    fn sessions_that_end_again_and_again_leave_a_reserve() {
        // Discord could not be asked, so our own count has to do.
        let known = storm(IdentifyKind::Again, 6, 24 * 3600, None);
        assert!(known.len() <= 950, "{}", known.len());
        assert!(known[299].at <= at(300 * 6), "a bad half hour waits for nothing but Discord's five seconds");
    }

    #[test]
    fn the_reserve_is_not_touched() {
        let asked = |remaining| wait(&[], IdentifyKind::Start, STARTS, Some(budget(remaining)), at(0));
        assert_eq!(asked(50), None);
        assert_eq!(asked(49), Some((HOUR, Why::Budget)));
        assert_eq!(asked(0), Some((HOUR, Why::Budget)));
    }

    #[test]
    fn more_than_five_seconds_lie_between_two_logins_unless_discord_allows_more() {
        let known = [Identify { at: at(100), kind: IdentifyKind::Again }];
        let asked = |at_once, now| {
            let budget = Budget { remaining: 900, reset_after: HOUR, at_once };
            wait(&known, IdentifyKind::Start, STARTS, Some(budget), at(now))
        };
        assert_eq!(asked(1, 102), Some((Duration::from_millis(3_500), Why::JustNow)));
        assert_eq!(asked(1, 106), None);
        assert_eq!(asked(16, 102), None);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_lock_out() {
        let known: Vec<_> =
            (0..30).map(|n| Identify { at: at(100_000 + n), kind: IdentifyKind::Start }).collect();
        let (wait, why) =
            wait(&known, IdentifyKind::Start, STARTS, Some(budget(900)), at(0)).expect("it waits");
        assert_eq!(why, Why::Starts);
        assert!(wait <= HOUR);
    }
}

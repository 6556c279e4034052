//! Time, passed in: pure code takes a [`Moment`] or a [`WallTime`] as an argument and never asks for it.
//!
//! What people wrote and what they see is dated by Discord. So its time is ours as soon as it told it: a machine's clock
//! that is wrong, or set while the daemon runs, neither makes a prompt old nor a share last (RELIABILITY F37).

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch. For rows, logs and what people read; never for timers, because it may step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WallTime(pub i64);

impl WallTime {
    /// The time from `earlier` to `self`; zero when the clock stepped backwards (RELIABILITY F37).
    pub fn since(self, earlier: WallTime) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Whether the two may be the same time.
    fn is_about(self, other: WallTime) -> bool {
        self.since(other).max(other.since(self)) <= DIFFER_MAX
    }

    /// The time that was `duration` before.
    #[must_use]
    pub fn before(self, duration: Duration) -> WallTime {
        WallTime(self.0.saturating_sub(millis(duration)))
    }
}

/// Monotonic time since the daemon's start. For timers and pacing; means nothing in another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(pub Duration);

impl Moment {
    /// This moment and `duration` more.
    #[must_use]
    pub fn after(self, duration: Duration) -> Moment {
        Moment(self.0.saturating_add(duration))
    }

    /// The time from `earlier` to `self`, zero if `earlier` is later.
    pub fn since(self, earlier: Moment) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Time since the machine was started, without that for which it was suspended, as [`Moment`]s count: it never steps, and
/// means the same in every process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uptime {
    /// Which start of the machine.
    pub boot: String,
    /// Since then.
    pub since: Duration,
}

impl Uptime {
    /// The time from `earlier` to `self`; none when the machine was started anew in between.
    pub fn since(&self, earlier: &Uptime) -> Option<Duration> {
        (self.boot == earlier.boot).then(|| self.since.saturating_sub(earlier.since))
    }
}

/// Which start of the machine this is.
pub fn boot_id() -> std::io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// What Discord's clock said in an answer, at some time of the `took` until now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// It said so, in whole seconds.
    pub at: WallTime,
    /// How long it was asked for.
    pub took: Duration,
}

/// A clock that differs from another by no more is right.
const DIFFER_MAX: Duration = Duration::from_secs(2);

/// How exactly Discord tells its time.
const TOLD_IN: Duration = Duration::from_secs(1);

const UNKNOWN: i64 = i64::MIN;

/// What Discord's clock said when this machine was started, in Unix milliseconds; [`UNKNOWN`] before it told anything.
#[derive(Debug)]
struct Discord {
    /// As it told.
    told: AtomicI64,
    /// At least so much, since it told that: something was written later.
    past: AtomicI64,
}

/// The one place that reads the clocks. Cheap to copy; follows tokio's paused time in tests.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: tokio::time::Instant,
    /// All copies of a clock share it, for as long as the process lives.
    discord: &'static Discord,
}

impl Clock {
    /// A clock whose [`Moment`] zero is now.
    pub fn start() -> Self {
        let discord = Discord { told: AtomicI64::new(UNKNOWN), past: AtomicI64::new(UNKNOWN) };
        Self { start: tokio::time::Instant::now(), discord: Box::leak(Box::new(discord)) }
    }

    /// The wall clock: this machine's, or Discord's where they differ.
    pub fn wall(&self) -> WallTime {
        self.corrected(self.machine())
    }

    fn corrected(&self, machine: WallTime) -> WallTime {
        let Some(since) = since_boot() else { return machine };
        let now = |began: &AtomicI64| WallTime(began.load(Ordering::Relaxed).saturating_add(since));
        let (told, past) = (now(&self.discord.told), now(&self.discord.past));
        let told = if self.began().is_none() || told.is_about(machine) { machine } else { told };
        if past.since(told) > DIFFER_MAX { past } else { told }
    }

    /// What this machine's own clock says, right or wrong: as others on it count.
    #[expect(clippy::disallowed_methods, reason = "this is where it is read")]
    pub fn machine(&self) -> WallTime {
        WallTime(chrono::Utc::now().timestamp_millis())
    }

    /// By how many milliseconds this machine's clock is ahead of Discord's; negative: behind.
    pub fn ahead_ms(&self) -> i64 {
        let machine = self.machine();
        machine.0.saturating_sub(self.corrected(machine).0)
    }

    /// What [`Clock::wall`] said when this machine's clock, as it is now, said `machine`.
    pub fn at_machine(&self, machine: WallTime) -> WallTime {
        WallTime(machine.0.saturating_sub(self.ahead_ms()))
    }

    /// Discord says what time it is.
    pub fn is(&self, told: Told) {
        let Some(since) = since_boot() else { return };
        let latest = told.at.0.saturating_add(millis(TOLD_IN + told.took));
        let (earliest, machine) = (told.at.before(DIFFER_MAX), self.machine());
        let right = machine >= earliest && machine.0 <= latest.saturating_add(millis(DIFFER_MAX));
        let now = if right { machine.0 } else { told.at.0.midpoint(latest) };
        self.discord.told.store(now.saturating_sub(since), Ordering::Relaxed);
        self.discord.past.store(UNKNOWN, Ordering::Relaxed);
        if !right {
            tracing::warn!(
                ahead_ms = machine.0 - now,
                "this machine's clock is wrong: Discord's time counts"
            );
        }
    }

    /// Something was written at this time, by Discord's clock: it is not earlier.
    pub fn is_past(&self, written: WallTime) {
        let Some(since) = since_boot() else { return };
        self.discord.past.fetch_max(written.0.saturating_sub(since), Ordering::Relaxed);
    }

    /// What Discord's clock said when this machine was started, if it told.
    pub fn began(&self) -> Option<WallTime> {
        let began = self.discord.told.load(Ordering::Relaxed);
        (began != UNKNOWN).then_some(WallTime(began))
    }

    /// The same as another process knew it, in this very start of the machine.
    pub fn has_begun(&self, began: WallTime) {
        self.discord.told.store(began.0, Ordering::Relaxed);
    }

    /// The monotonic clock.
    pub fn moment(&self) -> Moment {
        Moment(self.start.elapsed())
    }

    /// The machine's own time. None where the kernel does not say.
    pub fn uptime(&self) -> Option<Uptime> {
        Some(Uptime { boot: boot_id().ok()?, since: clock_gettime(ClockId::CLOCK_MONOTONIC).ok()?.into() })
    }

    /// The instant to sleep until, for a moment of this clock.
    pub fn instant(&self, moment: Moment) -> tokio::time::Instant {
        self.start + moment.0
    }
}

/// Milliseconds since this machine was started, also those for which it was suspended. None where the kernel does not say.
fn since_boot() -> Option<i64> {
    Some(millis(clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?.into()))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 60 * 60 * 1000;

    fn told(clock: Clock, ahead_ms: i64, took: Duration) -> Told {
        Told { at: WallTime(clock.machine().0 + ahead_ms), took }
    }

    fn about(one: i64, other: i64) -> bool {
        (one - other).abs() < HOUR / 60
    }

    #[test]
    fn the_time_is_the_one_that_discord_tells() {
        let clock = Clock::start();
        let copy = clock;
        assert_eq!(clock.ahead_ms(), 0);
        for wrong in [-HOUR, HOUR] {
            clock.is(told(clock, wrong, Duration::ZERO));
            assert!(about(copy.ahead_ms(), -wrong) && about(copy.wall().0, clock.machine().0 + wrong));
            assert!(about(copy.at_machine(WallTime(2 * HOUR)).0, 2 * HOUR + wrong));
            // The next process.
            let next = Clock::start();
            next.has_begun(clock.began().expect("it was told"));
            assert!(about(next.ahead_ms(), -wrong));
        }
        clock.is(told(clock, -1500, Duration::ZERO));
        assert_eq!(clock.ahead_ms(), 0, "it is told in whole seconds");
        clock.is(told(clock, -9000, Duration::from_secs(9)));
        assert_eq!(clock.ahead_ms(), 0, "the answer was on its way");
    }

    #[test]
    fn it_is_not_earlier_than_what_was_written() {
        let clock = Clock::start();
        for written in [HOUR, 0, -HOUR] {
            clock.is_past(WallTime(clock.machine().0 + written));
            assert!(about(clock.ahead_ms(), -HOUR), "{written}");
        }
        clock.is(told(clock, 0, Duration::ZERO));
        assert_eq!(clock.ahead_ms(), 0, "it knows best");
        clock.is(told(clock, -HOUR, Duration::ZERO));
        clock.is_past(clock.machine());
        assert_eq!(clock.ahead_ms(), 0);
    }
}

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
        WallTime(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
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

/// A machine's clock that differs from Discord's by no more is right: Discord tells its time in whole seconds, and its
/// answer takes a while.
const DIFFER_MAX: Duration = Duration::from_secs(2);

/// Discord did not tell its time yet.
const UNTOLD: i64 = i64::MIN;

/// The one place that reads the clocks. Cheap to copy; follows tokio's paused time in tests.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: tokio::time::Instant,
    /// What Discord's clock said when this machine was started, in Unix milliseconds; [`UNTOLD`] before it is known. All
    /// copies of a clock share it, for as long as the process lives.
    discord: &'static AtomicI64,
}

impl Clock {
    /// A clock whose [`Moment`] zero is now.
    pub fn start() -> Self {
        Self { start: tokio::time::Instant::now(), discord: Box::leak(Box::new(AtomicI64::new(UNTOLD))) }
    }

    /// The wall clock: this machine's, or Discord's where they differ.
    pub fn wall(&self) -> WallTime {
        self.corrected(self.machine())
    }

    fn corrected(&self, machine: WallTime) -> WallTime {
        let told = self.discord.load(Ordering::Relaxed);
        match since_boot().filter(|_| told != UNTOLD) {
            Some(since) => {
                let discord = WallTime(told.saturating_add(since));
                if discord.is_about(machine) { machine } else { discord }
            }
            None => machine,
        }
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

    /// Discord says what time it is, to the second.
    pub fn is(&self, told: WallTime) {
        let before = self.wall();
        let Some(since) = since_boot() else { return };
        self.discord.store(told.0.saturating_sub(since), Ordering::Relaxed);
        if !told.is_about(before) {
            tracing::warn!(
                ahead_ms = self.ahead_ms(),
                "this machine's clock is wrong: Discord's time counts"
            );
        }
    }

    /// Something was written at this time, by Discord's clock: it is not earlier.
    pub fn is_past(&self, written: WallTime) {
        if written.since(self.wall()) > DIFFER_MAX {
            self.is(written);
        }
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
    let since: Duration = clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?.into();
    i64::try_from(since.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 60 * 60 * 1000;

    fn differ(one: WallTime, other: WallTime) -> i64 {
        (one.0 - other.0).abs()
    }

    #[test]
    fn the_time_is_the_one_that_discord_tells() {
        let clock = Clock::start();
        let copy = clock;
        assert!(differ(clock.wall(), clock.machine()) < HOUR / 60);
        for wrong in [-HOUR, HOUR] {
            let told = WallTime(clock.machine().0 + wrong);
            clock.is(told);
            assert!(differ(copy.wall(), told) < HOUR / 60 && (copy.ahead_ms() + wrong).abs() < 5, "{wrong}");
            assert!(differ(copy.at_machine(clock.machine()), told) < HOUR / 60, "{wrong}");
        }
        clock.is(WallTime(clock.machine().0 - 1500));
        assert_eq!(clock.ahead_ms(), 0, "it is told to the second");
    }

    #[test]
    fn it_is_never_earlier_than_what_was_written() {
        let clock = Clock::start();
        let written = WallTime(clock.machine().0 + HOUR);
        clock.is_past(written);
        clock.is_past(clock.machine());
        clock.is_past(WallTime(0));
        assert!(clock.wall() >= written && clock.wall().since(written) < Duration::from_mins(1));
    }
}

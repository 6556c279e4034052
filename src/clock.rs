//! Time, passed in: pure code takes a [`Moment`] or a [`WallTime`] as an argument and never asks for it.

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

/// The one place that reads the clocks. Cheap to clone; follows tokio's paused time in tests.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: tokio::time::Instant,
}

impl Clock {
    /// A clock whose [`Moment`] zero is now.
    pub fn start() -> Self {
        Self { start: tokio::time::Instant::now() }
    }

    /// The wall clock.
    #[expect(clippy::disallowed_methods, reason = "this is where it is read")]
    pub fn wall(&self) -> WallTime {
        WallTime(chrono::Utc::now().timestamp_millis())
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

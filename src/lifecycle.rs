//! Start, readiness, watchdog and stop of the daemon: the parts of being a good service.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::chain::Chain;
use crate::clock::{Clock, Moment};

/// Why the daemon ended, as its exit code says it (README, "Exit codes"). systemd does not restart on 3, 69 and 78.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// On request.
    Stopped,
    /// Something unexpected; the log has the chain.
    Unexpected,
    /// Another instance holds the state directory.
    Taken,
    /// Discord refused for good: token, intents.
    Refused,
    /// The configuration.
    Configuration,
}

impl Ending {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Ending::Stopped => 0,
            Ending::Unexpected => 1,
            Ending::Taken => 3,
            Ending::Refused => 69,
            Ending::Configuration => 78,
        }
    }
}

/// The state directory, held by this process alone until it is dropped.
#[derive(Debug)]
pub struct StateDir {
    _lock: Flock<File>,
}

/// Why the state directory could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum StateDirError {
    /// Another instance holds it.
    #[error("another instance of switchboard uses {0}")]
    Taken(String),
    /// It cannot be used.
    #[error("failed to use the state directory {path}")]
    Unusable {
        /// Which.
        path: String,
        /// Why.
        #[source]
        error: io::Error,
    },
}

/// Makes the state directory (0700) where it is missing, and takes it for this process. A lock of the operating system
/// ends with its process, so a stale one cannot be (RELIABILITY F38).
pub fn take_state_dir(dir: &Path) -> Result<StateDir, StateDirError> {
    let unusable = |error| StateDirError::Unusable { path: dir.display().to_string(), error };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(unusable)?;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700)).map_err(unusable)?;
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(dir.join("lock"))
        .map_err(unusable)?;
    match Flock::lock(lock, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(StateDir { _lock: lock }),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => Err(StateDirError::Taken(dir.display().to_string())),
        Err((_, error)) => Err(unusable(error.into())),
    }
}

/// Makes this process opaque to others of its user: its memory, environment and descriptors cannot be read through
/// `/proc`, and it dumps no core (RELIABILITY §5.1). The umask stays as it is, because Claude's files inherit it; our own
/// lie in a directory that is 0700.
pub fn harden() -> io::Result<()> {
    nix::sys::prctl::set_dumpable(false)?;
    Ok(())
}

/// Cancels `stop` at the first SIGTERM or SIGINT.
pub fn stop_on_signal(stop: CancellationToken) -> io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    #[expect(clippy::disallowed_methods, reason = "it lives as long as the process")]
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: stopping; turns go on under their shims"),
            _ = interrupt.recv() => tracing::info!("SIGINT: stopping; turns go on under their shims"),
        }
        stop.cancel();
    });
    Ok(())
}

/// A sign of life of one part of the daemon. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Vital {
    name: &'static str,
    clock: Clock,
    beat_ms: Arc<AtomicU64>,
}

impl Vital {
    /// A part that is alive now.
    pub fn new(name: &'static str, clock: Clock) -> Self {
        let vital = Self { name, clock, beat_ms: Arc::default() };
        vital.beat();
        vital
    }

    /// It is alive.
    pub fn beat(&self) {
        let ms = u64::try_from(self.clock.moment().0.as_millis()).unwrap_or(u64::MAX);
        self.beat_ms.store(ms, Ordering::Relaxed);
    }

    /// How long it has not been heard.
    pub fn silent(&self) -> Duration {
        let beat = Moment(Duration::from_millis(self.beat_ms.load(Ordering::Relaxed)));
        self.clock.moment().since(beat)
    }
}

/// Tells the service manager that the daemon works, as long as every part does; without one, does nothing.
pub async fn watchdog(vitals: Vec<(Vital, Duration)>) {
    let Some(period) = sd_notify::watchdog_enabled() else { return };
    let mut interval = tokio::time::interval(period / 3);
    loop {
        interval.tick().await;
        match vitals.iter().find(|(vital, silent_max)| vital.silent() > *silent_max) {
            None => notify(&[sd_notify::NotifyState::Watchdog]),
            Some((vital, _)) => {
                tracing::error!(part = vital.name, silent = ?vital.silent(), "not heard of for too long");
            }
        }
    }
}

/// Tells the service manager that the daemon serves.
pub fn ready(status: &str) {
    notify(&[sd_notify::NotifyState::Ready, sd_notify::NotifyState::Status(status)]);
}

/// Tells the service manager what the daemon does.
pub fn status(status: &str) {
    notify(&[sd_notify::NotifyState::Status(status)]);
}

/// Tells the service manager that the daemon stops.
pub fn stopping() {
    notify(&[sd_notify::NotifyState::Stopping]);
}

fn notify(states: &[sd_notify::NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(error = %Chain(&error), "the service manager could not be told");
    }
}

/// Ends this process with 2 after this time, whatever it does then.
pub fn end_after(time: Duration) {
    std::thread::spawn(move || {
        std::thread::sleep(time);
        std::process::exit(2);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_instance_is_refused_and_a_third_after_the_first_is_not() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("state");
        let first = take_state_dir(&path).expect("the first takes it");
        assert!(matches!(take_state_dir(&path), Err(StateDirError::Taken(_))));
        drop(first);
        take_state_dir(&path).expect("it is free again");
        let mode = std::fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_file_in_the_way_is_said() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        assert!(matches!(take_state_dir(file.path()), Err(StateDirError::Unusable { .. })));
    }
}

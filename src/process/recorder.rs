//! The one place through which the shim's tasks write to the spool, and learn how far it is.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::record::{Exit, Record, Stopping};
use super::shim::log;
use super::spool::Spool;
use crate::clock::Clock;

/// Room beyond the limit for what the child says while it is being stopped, in bytes.
const SLACK_BYTES: u64 = 16 << 20;

/// How far the spool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    /// Where the last complete record ends.
    pub end: u64,
    /// Whether that record is the exit.
    pub over: bool,
}

/// Appends records, and tells everybody who waits.
#[derive(Debug)]
pub(super) struct Recorder {
    spool: Mutex<Spool>,
    progress: watch::Sender<Progress>,
    clock: Clock,
    bytes_max: u64,
    full: CancellationToken,
    why_full: OnceLock<Stopping>,
    /// There while nothing is missing in the spool.
    whole: PathBuf,
    has_gap: AtomicBool,
}

impl Recorder {
    /// A recorder for a new spool of `bytes_max` bytes. `whole` is there for as long as nothing is missing in it.
    pub(super) fn new(spool: Spool, whole: PathBuf, bytes_max: u64, clock: Clock) -> io::Result<Self> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&whole)?;
        let progress = watch::Sender::new(Progress { end: spool.end().0, over: false });
        Ok(Self {
            spool: Mutex::new(spool),
            progress,
            clock,
            bytes_max,
            full: CancellationToken::new(),
            why_full: OnceLock::new(),
            whole,
            has_gap: AtomicBool::new(false),
        })
    }

    /// Records a line. What comes long after the spool was full is dropped: by then the child is being stopped.
    pub(super) fn record(&self, record: &Record) {
        if self.progress.borrow().end <= self.bytes_max.saturating_add(SLACK_BYTES) {
            self.append(record);
        } else {
            self.gap();
        }
    }

    /// Records the exit, and waits until it is on the disk.
    pub(super) fn exit(&self, exit: Exit) {
        if self.has_gap.load(Ordering::Relaxed) {
            self.append(&Record::Gap);
        }
        self.append(&Record::Exit(exit));
        let spool = self.spool.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = spool.sync() {
            log(format_args!("failed to sync the spool: {error}"));
        }
    }

    /// Cancelled when the spool is full, or the disk. The child is to be stopped then.
    pub(super) fn full(&self) -> &CancellationToken {
        &self.full
    }

    /// Why it is full, once it is.
    pub(super) fn why_full(&self) -> Stopping {
        self.why_full.get().copied().unwrap_or(Stopping::SpoolFull)
    }

    /// How far it is, from now on.
    pub(super) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    fn append(&self, record: &Record) {
        let over = matches!(record, Record::Exit(_));
        let mut spool = self.spool.lock().unwrap_or_else(PoisonError::into_inner);
        match spool.append(self.clock.wall(), record) {
            Ok(end) => {
                self.progress.send_replace(Progress { end: end.0, over });
                if end.0 > self.bytes_max && !self.full.is_cancelled() {
                    log(format_args!("the spool is full: {} bytes", end.0));
                    self.is_full(Stopping::SpoolFull);
                }
            }
            Err(error) => {
                if over || !self.full.is_cancelled() {
                    log(format_args!("failed to write the spool: {error}"));
                }
                self.gap();
                self.is_full(Stopping::DiskFull);
            }
        }
    }

    fn is_full(&self, why: Stopping) {
        let _ = self.why_full.set(why);
        self.full.cancel();
    }

    /// Something is missing from now on.
    fn gap(&self) {
        if !self.has_gap.swap(true, Ordering::Relaxed)
            && let Err(error) = fs::remove_file(&self.whole)
        {
            log(format_args!("failed to say that something is missing: {error}"));
        }
    }
}

//! The one place through which the shim's tasks write to the spool, and learn how far it is.

use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::record::{Exit, Record};
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
}

impl Recorder {
    /// A recorder for a new spool of `bytes_max` bytes.
    pub(super) fn new(spool: Spool, bytes_max: u64, clock: Clock) -> Self {
        let progress = watch::Sender::new(Progress { end: spool.end().0, over: false });
        Self { spool: Mutex::new(spool), progress, clock, bytes_max, full: CancellationToken::new() }
    }

    /// Records a line. What comes long after the spool was full is dropped: by then the child is being stopped.
    pub(super) fn record(&self, record: &Record) {
        if self.progress.borrow().end <= self.bytes_max.saturating_add(SLACK_BYTES) {
            self.append(record);
        }
    }

    /// Records the exit, and waits until it is on the disk.
    pub(super) fn exit(&self, exit: Exit) {
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
                    self.full.cancel();
                }
            }
            Err(error) => {
                if over || !self.full.is_cancelled() {
                    log(format_args!("failed to write the spool: {error}"));
                }
                self.full.cancel();
            }
        }
    }
}

//! Checkpoints: what was committed is copied from the log (`-wal`) into the file, so that the log does not grow. `SQLite` does
//! that in the call whose commit makes the log long enough, and somebody waits for it: some 20 ms with its two syncs. Here
//! it is done beside the calls, which is safe since `SQLite` 3.51.3.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Notify;

use super::{Store, StoreError};

/// A checkpoint is due after so many calls that write; at three to five pages each they make what `SQLite` waits for.
const CALLS: u32 = 250;
/// The log may grow to so many pages; then a call makes the checkpoint after all. Where writing hardly pauses, one beside
/// it seldom reaches the log's end, and only from there on the log begins anew.
pub(super) const LOG_PAGES_MAX: u32 = 4_000;

/// The calls since the last checkpoint.
#[derive(Debug, Clone, Default)]
pub(super) struct Checkpoints(Arc<Since>);

#[derive(Debug, Default)]
struct Since {
    calls: AtomicU32,
    due: Notify,
}

impl Checkpoints {
    /// A call begins that writes.
    pub(super) fn count(&self) {
        if self.0.calls.fetch_add(1, Ordering::Relaxed) + 1 == CALLS {
            self.0.due.notify_one();
        }
    }
}

impl Store {
    /// Waits until a checkpoint is due, and makes it. To be called again and again; without anybody who does, the calls
    /// make them, each when the log is full.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        self.checkpoints.0.due.notified().await;
        self.checkpoints.0.calls.store(0, Ordering::Relaxed);
        // PASSIVE: it waits neither for who reads nor for who writes, and leaves the other reader to those who ask.
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut *self.reader().await?).await?;
        Ok(())
    }
}

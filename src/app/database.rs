//! The database at the start, and what is found of it later.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::chain::Chain;
use crate::clock::Clock;
use crate::config::Config;
use crate::discord::time;
use crate::lifecycle;
use crate::store::{Store, StoreError};

/// How long it is waited before the next try.
const WAIT: Duration = Duration::from_secs(5);

/// Opens the database and writes that this daemon began; none if it is to stop before that is done. A full disk and
/// somebody else's lock are waited for: a daemon that ended with them would be started again for a while, and then no more.
pub async fn open(
    config: &Config,
    clock: Clock,
    stop: &CancellationToken,
) -> Result<Option<Store>, StoreError> {
    loop {
        match try_to_open(config, clock).await {
            Ok(store) => return Ok(Some(store)),
            Err(error) if error.is_passing() => {
                tracing::error!(error = %Chain(&error), "the database cannot be written to yet, trying again");
                lifecycle::status(
                    "waits: the database cannot be written to (a full disk, or a lock of somebody else)",
                );
            }
            Err(error) => return Err(error),
        }
        if stop.run_until_cancelled(tokio::time::sleep(WAIT)).await.is_none() {
            return Ok(None);
        }
    }
}

async fn try_to_open(config: &Config, clock: Clock) -> Result<Store, StoreError> {
    let store = Store::open(&config.state_dir.join("switchboard.db"), clock).await?;
    let started = note_start(config, &store, clock).await;
    if started.is_err() {
        store.close().await;
    }
    started.map(|()| store)
}

/// What is in force from now on stands in the audit; its head stands in the log, where whoever may write the database may
/// not write, perhaps.
async fn note_start(config: &Config, store: &Store, clock: Clock) -> Result<(), StoreError> {
    time::recall(store, clock).await?;
    let head = store.audit_head().await?;
    tracing::info!(seq = head.seq, hash = head.hash, "the audit so far");
    let detail = format!("version={} configuration={}", env!("CARGO_PKG_VERSION"), config.fingerprint());
    store.audit(None, "start", "", &detail).await
}

/// Reads a large database whole, beside all else. Comes only if it is damaged.
pub async fn damage(store: &Store) -> StoreError {
    if !store.is_checked() {
        match store.check().await {
            Ok(()) => {}
            Err(error @ StoreError::Corrupt { .. }) => {
                tracing::error!(error = %Chain(&error), "the database is damaged");
                return error;
            }
            Err(error) => tracing::warn!(error = %Chain(&error), "the database could not be checked"),
        }
    }
    std::future::pending().await
}

//! Connections to the file, each of which serves one call at a time. They are lent rather than pooled: to give one back to
//! sqlx's pool takes a task, and with it more than most of what is asked here (tests/bench/README.md).

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, Sqlite, SqliteConnection, Transaction};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

/// How long a call waits for a connection. Every transaction is short, so this is reached when the disk hangs.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// A connection that many share. Cheap to clone; every clone is the same connection.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    /// None: it is closed.
    open: Arc<Mutex<Option<SqliteConnection>>>,
    options: Arc<SqliteConnectOptions>,
}

/// A connection in the hands of one call.
#[derive(Debug)]
#[clippy::has_significant_drop]
pub(super) struct Lent<'a> {
    connection: MappedMutexGuard<'a, SqliteConnection>,
    options: &'a SqliteConnectOptions,
}

impl Connection {
    pub(super) async fn open(options: SqliteConnectOptions) -> Result<Self, sqlx::Error> {
        let connection = SqliteConnection::connect_with(&options).await?;
        Ok(Self { open: Arc::new(Mutex::new(Some(connection))), options: Arc::new(options) })
    }

    /// What it was opened with.
    pub(super) fn options(&self) -> &SqliteConnectOptions {
        &self.options
    }

    /// The connection, when those who came before are done with it.
    pub(super) async fn lend(&self) -> Result<Lent<'_>, sqlx::Error> {
        // The common case needs no timer.
        let open = match self.open.try_lock() {
            Ok(open) => open,
            Err(_) => tokio::time::timeout(WAIT_MAX, self.open.lock())
                .await
                .map_err(|_| sqlx::Error::PoolTimedOut)?,
        };
        self.lent(open)
    }

    /// The connection, if nobody has it.
    pub(super) fn lend_now(&self) -> Option<Result<Lent<'_>, sqlx::Error>> {
        Some(self.lent(self.open.try_lock().ok()?))
    }

    fn lent<'a>(&'a self, open: MutexGuard<'a, Option<SqliteConnection>>) -> Result<Lent<'a>, sqlx::Error> {
        let connection = MutexGuard::try_map(open, Option::as_mut).map_err(|_| sqlx::Error::PoolClosed)?;
        Ok(Lent { connection, options: &self.options })
    }

    /// Waits for whoever has it, and closes it. Nobody gets it any more.
    pub(super) async fn close(&self) {
        if let Some(connection) = self.open.lock().await.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "failed to close the database");
        }
    }
}

impl Lent<'_> {
    /// Begins a transaction that writes. What is dropped before its end is rolled back.
    pub(super) async fn begin(&mut self) -> Result<Transaction<'_, Sqlite>, sqlx::Error> {
        if self.connection.is_in_transaction() {
            // One was dropped, and its rollback is on its way: this is behind it.
            self.connection.ping().await?;
        }
        if self.connection.is_in_transaction() {
            // When the disk is full, SQLite ends a transaction by itself, and sqlx goes on counting it: with this
            // connection none would begin any more.
            *self.connection = SqliteConnection::connect_with(self.options).await?;
        }
        self.connection.begin_with("BEGIN IMMEDIATE").await
    }
}

impl Deref for Lent<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

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
    open: Arc<Mutex<Option<Open>>>,
    options: Arc<SqliteConnectOptions>,
}

#[derive(Debug)]
struct Open {
    connection: SqliteConnection,
    /// A script was begun, and nobody saw its end.
    in_script: bool,
}

/// A connection in the hands of one call.
#[derive(Debug)]
#[clippy::has_significant_drop]
pub(super) struct Lent<'a> {
    open: MappedMutexGuard<'a, Open>,
    options: &'a SqliteConnectOptions,
}

impl Connection {
    pub(super) async fn open(options: SqliteConnectOptions) -> Result<Self, sqlx::Error> {
        let connection = SqliteConnection::connect_with(&options).await?;
        let open = Open { connection, in_script: false };
        Ok(Self { open: Arc::new(Mutex::new(Some(open))), options: Arc::new(options) })
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
        let mut lent = self.lent(open)?;
        if lent.open.in_script {
            lent.roll_back().await;
        }
        Ok(lent)
    }

    /// The connection, if nobody has it. Of one that only reads.
    pub(super) fn lend_now(&self) -> Option<Result<Lent<'_>, sqlx::Error>> {
        Some(self.lent(self.open.try_lock().ok()?))
    }

    fn lent<'a>(&'a self, open: MutexGuard<'a, Option<Open>>) -> Result<Lent<'a>, sqlx::Error> {
        let open = MutexGuard::try_map(open, Option::as_mut).map_err(|_| sqlx::Error::PoolClosed)?;
        Ok(Lent { open, options: &self.options })
    }

    /// Waits for whoever has it, and closes it. Nobody gets it any more.
    pub(super) async fn close(&self) {
        if let Some(open) = self.open.lock().await.take()
            && let Err(error) = open.connection.close().await
        {
            tracing::warn!(%error, "failed to close the database");
        }
    }
}

impl Lent<'_> {
    /// Begins a transaction that writes. What is dropped before its end is rolled back.
    pub(super) async fn begin(&mut self) -> Result<Transaction<'_, Sqlite>, sqlx::Error> {
        let connection = &mut self.open.connection;
        if connection.is_in_transaction() {
            // One was dropped, and its rollback is on its way: this is behind it.
            connection.ping().await?;
        }
        if connection.is_in_transaction() {
            // When the disk is full, SQLite ends a transaction by itself, and sqlx goes on counting it: with this
            // connection none would begin any more.
            *connection = SqliteConnection::connect_with(self.options).await?;
        }
        connection.begin_with("BEGIN IMMEDIATE").await
    }

    /// A script comes: a whole transaction in one query, from `BEGIN IMMEDIATE` to `COMMIT`. Each way to the connection's
    /// thread and back takes longer than most statements, and a transaction of its own has three besides them. All of its
    /// rows have to be fetched, because it stops when nobody reads on. After it comes [`ended`](Self::ended); without
    /// that, what was begun is rolled back before the next call.
    pub(super) fn script(&mut self) -> &mut SqliteConnection {
        self.open.in_script = true;
        &mut self.open.connection
    }

    /// The script came to this end. Of one that failed nothing is left.
    pub(super) async fn ended<T>(&mut self, done: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        if done.is_err() {
            self.roll_back().await;
        }
        self.open.in_script = false;
        done
    }

    async fn roll_back(&mut self) {
        // It fails where nothing is left to be rolled back.
        let _ = sqlx::raw_sql("ROLLBACK").execute(&mut self.open.connection).await;
        self.open.in_script = false;
    }
}

impl Deref for Lent<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.open.connection
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.open.connection
    }
}

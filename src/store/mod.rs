//! SQLite; the only place with SQL. What was promised to somebody is here before they are told: a call that returned is
//! on the disk (`synchronous=FULL`). Nothing secret is stored.
//!
//! One connection writes, four read; a transaction that writes begins with `BEGIN IMMEDIATE`, because one that began
//! by reading fails at once when another writes (RELIABILITY F66). No transaction waits for anything but the disk.
//!
//! # With plain `sqlite3`
//! ```sql
//! -- What happened lately: who, what, when, how much.
//! SELECT started, project, author, prompt, outcome, secs, cost_usd FROM turns_readable ORDER BY started DESC LIMIT 20;
//! -- Every conversation: messages, turns, cost, last activity.
//! SELECT project, title, messages, queued, turns, cost_usd, last_active FROM conversations_readable;
//! -- What each person spent in the last 30 days.
//! SELECT author_name, count(*) AS turns, round(sum(cost_usd), 2) AS usd FROM turns JOIN prompts ON prompts.id = prompt
//! WHERE started_at > (unixepoch() - 30 * 86400) * 1000 GROUP BY author ORDER BY usd DESC;
//! ```
//! Open it with `sqlite3 -readonly`. The word that people were shown with a failure is `turns_readable.error_id`.
//!
//! # How to add a query
//! Queries are checked when they are compiled, against what `.sqlx/` says of them, so that a fresh clone builds with
//! nothing installed. After adding or changing one (or a migration) refresh that, in the root of the repository:
//! ```sh
//! rm -f target/queries.db && cat migrations/*.sql | sqlite3 target/queries.db
//! rm -rf .sqlx && mkdir .sqlx && touch src/lib.rs
//! SQLX_OFFLINE=false DATABASE_URL=sqlite://$PWD/target/queries.db SQLX_OFFLINE_DIR=$PWD/.sqlx cargo check
//! ```
//! A new fact is a migration (a new file in `migrations/`, never a change of an old one) and functions in the file of
//! its table here.

mod asks;
mod audit;
mod buttons;
mod conversations;
mod processes;
mod prompts;
mod row;
mod settings;
mod slots;
mod status;
mod turns;

#[cfg(test)]
mod tests;

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, Transaction};

pub use asks::{AskState, StoredAsk};
pub use audit::AuditEntry;
pub use buttons::StoredButton;
pub use conversations::{Conversation, NewConversation, Session};
pub use processes::{NewProcess, Process};
pub use prompts::{Accepted, PromptState};
pub use slots::{Slot, SlotState};
pub use status::{ConversationState, ConversationStatus};
pub use turns::{NewTurn, Turn, TurnState};

use crate::clock::{Clock, WallTime};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// SQLite's own result codes (<https://sqlite.org/rescode.html>).
const SQLITE_CORRUPT: i64 = 11;
const SQLITE_NOTADB: i64 = 26;

/// How long a call waits for another process that holds the database, such as a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a call waits for a connection. Every transaction is short, so this is reached when the disk hangs.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// The database. Cheap to clone; every clone is the same database.
#[derive(Debug, Clone)]
pub struct Store {
    writer: SqlitePool,
    reader: SqlitePool,
    clock: Clock,
}

/// Why the database could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file could not be made or opened.
    #[error("failed to open the database {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is damaged, or no database. It was left as it is.
    #[error(
        "failed to use {}: it is damaged or no database ({detail}); move it and its -wal away, then restore a backup",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// A newer version of this program wrote the file. It was left as it is.
    #[error("failed to use {}: a newer version of switchboard wrote it (schema {found}); use that version", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The migration that this version does not have.
        found: i64,
    },
    /// A migration failed; the schema is as it was before it.
    #[error("failed to bring the database up to date")]
    Migrate(#[source] MigrateError),
    /// A statement failed.
    #[error("failed to use the database")]
    Database(#[from] sqlx::Error),
    /// A value in the database is not what was written there.
    #[error("failed to read {what} from the database")]
    Value {
        /// Which value.
        what: &'static str,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Store {
    /// Opens the database, making it (0600) where there is none, and brings its schema up to date. A file that is
    /// damaged, no database, or newer than this program is refused and not touched.
    pub async fn open(path: &Path, clock: Clock) -> Result<Self, StoreError> {
        guard_file(path).map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("trusted_schema", "OFF");
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .idle_timeout(None)
                .max_lifetime(None)
        };
        let opened = |error| open_error(path, error);
        let writer = pool(1).connect_with(options.clone()).await.map_err(opened)?;
        let sound: Vec<String> =
            sqlx::query_scalar("PRAGMA quick_check(1)").fetch_all(&writer).await.map_err(opened)?;
        if sound != ["ok"] {
            return Err(StoreError::Corrupt { path: path.to_owned(), detail: sound.join("; ") });
        }
        MIGRATIONS.run(&writer).await.map_err(|error| migrate_error(path, error))?;
        let reader = pool(4).connect_with(options.pragma("query_only", "ON")).await.map_err(opened)?;
        Ok(Self { writer, reader, clock })
    }

    /// Waits for what is being written and closes the file.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    fn now(&self) -> WallTime {
        self.clock.wall()
    }
}

/// `SQLite` gives its own files (`-wal`, `-shm`) the mode of the database.
fn guard_file(path: &Path) -> std::io::Result<()> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600))
}

fn open_error(path: &Path, error: sqlx::Error) -> StoreError {
    match is_corrupt(&error) {
        Some(detail) => StoreError::Corrupt { path: path.to_owned(), detail },
        None => StoreError::Database(error),
    }
}

fn is_corrupt(error: &sqlx::Error) -> Option<String> {
    let error = error.as_database_error()?;
    let code: i64 = error.code()?.parse().ok()?;
    // The low byte is the primary code, the rest says more.
    let primary = code & 0xff;
    [SQLITE_CORRUPT, SQLITE_NOTADB].contains(&primary).then(|| error.message().to_owned())
}

fn migrate_error(path: &Path, error: MigrateError) -> StoreError {
    let newest = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
    match error {
        MigrateError::VersionMissing(found) if found > newest => {
            StoreError::Newer { path: path.to_owned(), found }
        }
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)
            if is_corrupt(&error).is_some() =>
        {
            open_error(path, error)
        }
        error => StoreError::Migrate(error),
    }
}

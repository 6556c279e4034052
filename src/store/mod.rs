//! SQLite; the only place with SQL. What was promised to somebody is here before they are told: a call that returned is
//! on the disk (`synchronous=FULL`). Nothing secret is stored.
//!
//! One connection writes, two read; a transaction that writes begins with `BEGIN IMMEDIATE`, because one that began
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

#![warn(clippy::significant_drop_in_scrutinee)]

mod accept;
mod asks;
mod audit;
pub mod audit_file;
mod buttons;
mod check;
mod checkpoint;
mod connection;
mod conversations;
mod error;
mod held;
mod history;
mod identifies;
mod ignored;
mod outages;
mod past_asks;
mod processes;
mod prompts;
mod refusals;
mod row;
mod rulings;
mod settings;
mod shares;
mod slots;
mod status;
mod turns;
mod waiting;

#[cfg(test)]
mod tests;

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

pub use accept::Accepted;
pub use asks::{AskState, StoredAsk, Wait, WaitingAsk};
pub use audit::{AuditEntry, AuditHead};
pub use buttons::StoredButton;
pub use conversations::{Conversation, NewConversation, Session};
pub use error::StoreError;
pub use held::{Held, Settled};
pub use history::Forgotten;
pub use identifies::{Identify, IdentifyKind};
pub use ignored::{Became, Ignored};
pub use outages::LoginOutage;
pub use past_asks::{PastAsk, PastAsks};
pub use processes::{NewProcess, Process};
pub use prompts::{Arrival, PromptState};
pub use refusals::Refusal;
pub use shares::Share;
pub use slots::{Slot, SlotKey, SlotState};
pub use status::{ConversationState, ConversationStatus};
pub use turns::{NewTurn, Turn, TurnState};
pub use waiting::{Ended, Noticed};

use crate::clock::{Clock, Uptime, WallTime};

use checkpoint::Checkpoints;
use connection::{Connection, Lent};
use error::{migrate_error, open_error};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// How long a call waits for another process that holds the database, such as a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// What each connection may keep of the file in memory, in KiB; reads are small, and the system's own cache is near.
const CACHE_KIB: u32 = 512;
/// So many look something up at a time.
const READERS: usize = 2;

/// The database. Cheap to clone; every clone is the same database.
#[derive(Debug, Clone)]
pub struct Store {
    writer: Connection,
    readers: [Connection; READERS],
    checkpoints: Checkpoints,
    clock: Clock,
    checked: bool,
}

impl Store {
    /// Opens the database, making it (0600) where there is none, and brings its schema up to date. A file that is
    /// damaged, no database, or newer than this program is refused and not touched; of a large one only the beginning is
    /// looked at ([`is_checked`](Self::is_checked)), and [`check`](Self::check) reads the rest.
    pub async fn open(path: &Path, clock: Clock) -> Result<Self, StoreError> {
        Self::open_checked(path, clock, check::FIRST_BYTES_MAX).await
    }

    /// The same; a file of up to `first_bytes_max` is read whole before.
    async fn open_checked(path: &Path, clock: Clock, first_bytes_max: u64) -> Result<Self, StoreError> {
        guard_file(path).map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("trusted_schema", "OFF")
            .pragma("cache_size", format!("-{CACHE_KIB}"));
        let opened = |error| open_error(path, error);
        let writing = options.clone().pragma("wal_autocheckpoint", checkpoint::LOG_PAGES_MAX.to_string());
        let writer = Connection::open(writing).await.map_err(opened)?;
        let bytes = std::fs::metadata(path).map_or(0, |file| file.len());
        let checked = bytes <= first_bytes_max;
        {
            let mut connection = writer.lend().await?;
            if checked {
                check::sound(path, &mut connection).await?;
            }
            MIGRATIONS.run(&mut *connection).await.map_err(|error| migrate_error(path, error))?;
        }
        // All of them at once: what is opened on a busy day is memory that stays.
        let options = options.pragma("query_only", "ON");
        let readers = [
            Connection::open(options.clone()).await.map_err(opened)?,
            Connection::open(options).await.map_err(opened)?,
        ];
        let store = Self { writer, readers, checkpoints: Checkpoints::default(), clock, checked };
        store.chain_old_audit().await?;
        Ok(store)
    }

    /// Waits for what is being written and closes the file.
    pub async fn close(&self) {
        for reader in &self.readers {
            reader.close().await;
        }
        self.writer.close().await;
    }

    /// Lets go of the pages that the connections keep. The system's own cache has them too, and each connection would come
    /// to keep as much as it may.
    pub async fn give_memory_back(&self) -> Result<(), StoreError> {
        for connection in std::iter::once(&self.writer).chain(&self.readers) {
            sqlx::query("PRAGMA shrink_memory").execute(&mut *connection.lend().await?).await?;
        }
        Ok(())
    }

    /// The connection that writes.
    async fn writer(&self) -> Result<Lent<'_>, StoreError> {
        self.checkpoints.count();
        Ok(self.writer.lend().await?)
    }

    /// One that reads.
    async fn reader(&self) -> Result<Lent<'_>, StoreError> {
        let [first, others @ ..] = &self.readers;
        let idle = first.lend_now().or_else(|| others.iter().find_map(Connection::lend_now));
        match idle {
            Some(reader) => Ok(reader?),
            None => Ok(first.lend().await?),
        }
    }

    fn now(&self) -> WallTime {
        self.clock.wall()
    }

    fn uptime(&self) -> Option<Uptime> {
        self.clock.uptime()
    }
}

/// `SQLite` gives its own files (`-wal`, `-shm`) the mode of the database.
fn guard_file(path: &Path) -> std::io::Result<()> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600))
}

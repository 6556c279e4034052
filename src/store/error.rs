//! Why the database could not be used, and whether it may be better in a moment.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sqlx::migrate::MigrateError;

use super::MIGRATIONS;

/// SQLite's own result codes (<https://sqlite.org/rescode.html>).
const SQLITE_BUSY: i64 = 5;
const SQLITE_LOCKED: i64 = 6;
const SQLITE_IOERR: i64 = 10;
const SQLITE_CORRUPT: i64 = 11;
const SQLITE_FULL: i64 = 13;
const SQLITE_CANTOPEN: i64 = 14;
const SQLITE_NOTADB: i64 = 26;

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

impl StoreError {
    /// Whether the same call may work later without anybody touching the file: another process holds it, the disk is
    /// full, or it failed. Nothing was stored then.
    pub fn is_passing(&self) -> bool {
        let error = match self {
            StoreError::Open { source, .. } => return source.kind() == ErrorKind::StorageFull,
            StoreError::Database(error)
            | StoreError::Migrate(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
                error
            }
            _ => return false,
        };
        let passing = [SQLITE_BUSY, SQLITE_LOCKED, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN];
        matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::Io(_))
            || result_code(error).is_some_and(|code| passing.contains(&code))
    }
}

pub(super) fn open_error(path: &Path, error: sqlx::Error) -> StoreError {
    match is_corrupt(&error) {
        Some(detail) => StoreError::Corrupt { path: path.to_owned(), detail },
        None => StoreError::Database(error),
    }
}

fn is_corrupt(error: &sqlx::Error) -> Option<String> {
    let code = result_code(error)?;
    let message = error.as_database_error()?.message();
    [SQLITE_CORRUPT, SQLITE_NOTADB].contains(&code).then(|| message.to_owned())
}

/// The primary result code; the higher bytes of what SQLite gives say more.
fn result_code(error: &sqlx::Error) -> Option<i64> {
    let code: i64 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

pub(super) fn migrate_error(path: &Path, error: MigrateError) -> StoreError {
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

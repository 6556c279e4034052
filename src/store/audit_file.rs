//! The audit from outside, beside a daemon that runs or without one: reads the database and writes nothing.
//!
//! What [`AuditFile::verify`] finds: a row that was changed, one that is missing or was slipped in, and rows taken away
//! from the end, as long as SQLite's own count of them was not set back as well. What it cannot find by itself: that
//! somebody who may write the file computed the chain anew from some row on, or cut it and set back that count. Both are
//! found with a head (number and hash of a row) that was noted elsewhere before: the log has one of each start.

use std::path::Path;

use futures::TryStreamExt as _;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};

use super::{AuditEntry, AuditHead, StoreError};
use crate::clock::WallTime;
use crate::domain::ids::UserId;

/// The audit of a database file.
#[derive(Debug)]
pub struct AuditFile {
    pool: SqlitePool,
}

/// What is wrong with the chain, at its first bad row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Its hash is not that of its content after the row before it.
    #[error("row {0} is not as it was written (or the one before it is not)")]
    Changed(i64),
    /// Rows are not there.
    #[error("row {expected} is missing: row {found} follows row {}", expected - 1)]
    Missing {
        /// The number that should come.
        expected: i64,
        /// The one that comes.
        found: i64,
    },
    /// Rows at the end are not there.
    #[error("the end is missing: {given} rows were written, and the last that is there is row {last}")]
    Cut {
        /// The last that is there.
        last: i64,
        /// As many were written.
        given: i64,
    },
    /// The row of a noted head is not there, or is another.
    #[error("row {0} is not the one that was noted")]
    OtherHead(i64),
}

impl AuditFile {
    /// Opens the database to read it.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).pragma("query_only", "ON");
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        Ok(Self { pool })
    }

    /// Gives the rows since `since` to `each`, oldest first.
    pub async fn entries(&self, since: WallTime, mut each: impl FnMut(AuditEntry)) -> Result<(), StoreError> {
        let mut rows =
            sqlx::query("SELECT * FROM audit WHERE at >= ? ORDER BY seq").bind(since.0).fetch(&self.pool);
        while let Some(row) = rows.try_next().await? {
            each(entry(&row)?);
        }
        Ok(())
    }

    /// Checks the whole chain, and that `noted` heads are in it. Gives its own head.
    pub async fn verify(&self, noted: &[AuditHead]) -> Result<Result<AuditHead, Broken>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let given: Option<i64> = sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'audit'")
            .fetch_optional(&mut *transaction)
            .await?;
        let mut head = AuditHead { seq: 0, hash: String::new() };
        let mut met = 0;
        {
            let mut rows = sqlx::query("SELECT * FROM audit ORDER BY seq").fetch(&mut *transaction);
            while let Some(row) = rows.try_next().await? {
                let entry = entry(&row)?;
                if entry.seq != head.seq + 1 {
                    return Ok(Err(Broken::Missing { expected: head.seq + 1, found: entry.seq }));
                }
                if entry.hash != entry.hash_after(&head.hash) {
                    return Ok(Err(Broken::Changed(entry.seq)));
                }
                let same = noted.iter().filter(|noted| noted.seq == entry.seq);
                for noted in same {
                    if noted.hash != entry.hash {
                        return Ok(Err(Broken::OtherHead(entry.seq)));
                    }
                    met += 1;
                }
                head = AuditHead { seq: entry.seq, hash: entry.hash };
            }
        }
        let given = given.unwrap_or(head.seq);
        if given != head.seq {
            return Ok(Err(Broken::Cut { last: head.seq, given }));
        }
        let last_noted = noted.iter().map(|noted| noted.seq).max();
        Ok(match last_noted {
            Some(last) if met < noted.len() => Err(Broken::OtherHead(last)),
            _ => Ok(head),
        })
    }
}

fn entry(row: &sqlx::sqlite::SqliteRow) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry {
        seq: row.try_get("seq")?,
        at: WallTime(row.try_get("at")?),
        actor: row.try_get::<Option<i64>, _>("actor")?.map(|id| UserId(id.cast_unsigned())),
        action: row.try_get("action")?,
        target: row.try_get("target")?,
        detail: row.try_get("detail")?,
        hash: row.try_get::<Option<String>, _>("hash")?.unwrap_or_default(),
    })
}

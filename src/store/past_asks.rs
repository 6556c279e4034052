//! Past asks from outside, beside a daemon that runs or without one: reads the database and writes nothing.

use std::path::Path;

use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};

use super::row::json;
use super::{AskState, StoreError};
use crate::clock::WallTime;
use crate::domain::ask::Ask;

/// A permission that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastAsk {
    /// When.
    pub at: WallTime,
    /// The name of the project.
    pub project: String,
    /// What was asked.
    pub ask: Ask,
    /// What became of it.
    pub state: AskState,
    /// The name of who settled it, if a person did.
    pub settled_by: Option<String>,
}

/// The asks of a database file.
#[derive(Debug)]
pub struct PastAsks {
    pool: SqlitePool,
}

impl PastAsks {
    /// Opens the database to read it.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).pragma("query_only", "ON");
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        Ok(Self { pool })
    }

    /// The newest permissions that were asked for, of one project or of all, oldest first.
    pub async fn permissions(&self, project: Option<&str>, max: u32) -> Result<Vec<PastAsk>, StoreError> {
        // Not checked when it is compiled: the file may be of another version.
        let rows = sqlx::query(
            "SELECT asks.created_at, conversations.project, asks.body, asks.state, asks.settled_by_name FROM asks
             JOIN processes ON processes.id = asks.process
             JOIN conversations ON conversations.id = processes.conversation
             WHERE asks.kind = 'permission' AND (?1 IS NULL OR conversations.project = ?1)
             ORDER BY asks.created_at DESC, asks.rowid DESC LIMIT ?2",
        )
        .bind(project)
        .bind(i64::from(max))
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .rev()
            .map(|row| {
                Ok(PastAsk {
                    at: WallTime(row.try_get("created_at")?),
                    project: row.try_get("project")?,
                    ask: json(row.try_get("body")?, "asks.body")?,
                    state: AskState::read(row.try_get("state")?)?,
                    settled_by: row.try_get("settled_by_name")?,
                })
            })
            .collect()
    }
}

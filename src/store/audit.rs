//! Who changed what. Rows are only ever added.

use super::{Store, StoreError};
use crate::clock::WallTime;
use crate::domain::ids::UserId;

/// A line of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: WallTime,
    /// Who; none: the daemon itself.
    pub actor: Option<UserId>,
    /// What was done, e.g. `reset`.
    pub action: String,
    /// To what, e.g. a conversation's id.
    pub target: String,
    /// More about it. Nothing secret, no text of prompts.
    pub detail: String,
}

impl Store {
    /// Adds a line to the audit.
    pub async fn audit(
        &self,
        actor: Option<UserId>,
        action: &str,
        target: &str,
        detail: &str,
    ) -> Result<(), StoreError> {
        let (now, actor) = (self.now().0, actor.map(|id| id.0.cast_signed()));
        sqlx::query!(
            "INSERT INTO audit (at, actor, action, target, detail) VALUES (?, ?, ?, ?, ?)",
            now,
            actor,
            action,
            target,
            detail
        )
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// The newest lines of the audit, newest first.
    pub async fn audit_entries(&self, max: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let max = i64::from(max);
        let rows = sqlx::query!(
            "SELECT at, actor, action, target, detail FROM audit ORDER BY seq DESC LIMIT ?",
            max
        )
        .fetch_all(&self.reader)
        .await?;
        let entries = rows.into_iter().map(|row| AuditEntry {
            at: WallTime(row.at),
            actor: row.actor.map(|id| UserId(id.cast_unsigned())),
            action: row.action,
            target: row.target,
            detail: row.detail,
        });
        Ok(entries.collect())
    }
}

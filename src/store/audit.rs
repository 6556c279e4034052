//! Who decided what. Rows are only ever added (triggers refuse anything else), and each carries the SHA-256 of the hash of
//! the row before it together with its own content. So whoever changes, removes or slips in a row by other means breaks
//! the chain from there on, unless they compute all that follows anew: against that helps a copy of the last hash, kept
//! elsewhere ([`audit_file`](super::audit_file)).

use sha2::{Digest as _, Sha256};
use sqlx::SqliteConnection;

use super::{Store, StoreError};
use crate::clock::WallTime;
use crate::domain::ids::UserId;

/// A line of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number, from 1, without gaps.
    pub seq: i64,
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
    /// The hash of the row before it and its own content, hex.
    pub hash: String,
}

/// The last row: with it, everything before is known to be unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditHead {
    /// Its number; 0: there is no row.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
}

/// What a row is to say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) actor: Option<UserId>,
    pub(super) action: &'a str,
    pub(super) target: &'a str,
    pub(super) detail: &'a str,
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
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        append(&mut transaction, self.now(), Line { actor, action, target, detail }).await?;
        Ok(transaction.commit().await?)
    }

    /// The newest lines of the audit, newest first.
    pub async fn audit_entries(&self, max: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let max = i64::from(max);
        let rows = sqlx::query!(
            r#"SELECT seq AS "seq!", at, actor, action, target, detail, hash AS "hash!" FROM audit
               ORDER BY seq DESC LIMIT ?"#,
            max
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        let entries = rows.into_iter().map(|row| AuditEntry {
            seq: row.seq,
            at: WallTime(row.at),
            actor: row.actor.map(|id| UserId(id.cast_unsigned())),
            action: row.action,
            target: row.target,
            detail: row.detail,
            hash: row.hash,
        });
        Ok(entries.collect())
    }

    /// The last row of the audit.
    pub async fn audit_head(&self) -> Result<AuditHead, StoreError> {
        let row =
            sqlx::query!(r#"SELECT seq AS "seq!", hash AS "hash!" FROM audit ORDER BY seq DESC LIMIT 1"#)
                .fetch_optional(&mut *self.reader().await?)
                .await?;
        Ok(row.map_or_else(AuditHead::none, |row| AuditHead { seq: row.seq, hash: row.hash }))
    }

    /// Gives rows of before the chain their hashes.
    pub(super) async fn chain_old_audit(&self) -> Result<(), StoreError> {
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        let rows = sqlx::query!(
            r#"SELECT seq AS "seq!", at, actor, action, target, detail FROM audit WHERE hash IS NULL ORDER BY seq"#
        )
        .fetch_all(&mut *transaction)
        .await?;
        let mut last = String::new();
        for row in rows {
            let mut entry = AuditEntry {
                seq: row.seq,
                at: WallTime(row.at),
                actor: row.actor.map(|id| UserId(id.cast_unsigned())),
                action: row.action,
                target: row.target,
                detail: row.detail,
                hash: String::new(),
            };
            entry.hash = entry.hash_after(&last);
            sqlx::query!("UPDATE audit SET hash = ? WHERE seq = ?", entry.hash, entry.seq)
                .execute(&mut *transaction)
                .await?;
            last = entry.hash;
        }
        Ok(transaction.commit().await?)
    }
}

impl AuditHead {
    fn none() -> Self {
        Self { seq: 0, hash: String::new() }
    }
}

impl AuditEntry {
    /// The hash that the row must have after one with the hash `before` (empty: it is the first).
    pub fn hash_after(&self, before: &str) -> String {
        let actor = self.actor.map(|id| id.0.cast_signed());
        let row = (before, self.seq, self.at.0, actor, &self.action, &self.target, &self.detail);
        // An array of JSON has one reading, whatever stands in its texts.
        let text = serde_json::to_string(&row).expect("numbers and texts have a form in JSON");
        hex(&Sha256::digest(text))
    }
}

/// Adds a row within a transaction, so that what it tells of and the row are there both, or neither.
pub(super) async fn append(
    transaction: &mut SqliteConnection,
    now: WallTime,
    line: Line<'_>,
) -> Result<(), StoreError> {
    let (given, seq, hash): (Option<i64>, Option<i64>, Option<String>) = sqlx::query_as(
        "SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'audit'),
                (SELECT seq FROM audit ORDER BY seq DESC LIMIT 1), (SELECT hash FROM audit ORDER BY seq DESC LIMIT 1)",
    )
    .fetch_one(&mut *transaction)
    .await?;
    let entry = next_entry(given, seq.zip(hash), now, line);
    let actor = entry.actor.map(|id| id.0.cast_signed());
    sqlx::query!(
        "INSERT INTO audit (seq, at, actor, action, target, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
        entry.seq,
        entry.at.0,
        actor,
        entry.action,
        entry.target,
        entry.detail,
        entry.hash
    )
    .execute(&mut *transaction)
    .await?;
    Ok(())
}

/// The row that says this, after the last one with its number and hash. Numbers that were `given` are never given again:
/// where rows were taken away from the end, a gap stays.
pub(super) fn next_entry(
    given: Option<i64>,
    last: Option<(i64, String)>,
    now: WallTime,
    line: Line<'_>,
) -> AuditEntry {
    let last = last.map_or_else(AuditHead::none, |(seq, hash)| AuditHead { seq, hash });
    let mut entry = AuditEntry {
        seq: given.unwrap_or_default().max(last.seq) + 1,
        at: now,
        actor: line.actor,
        action: line.action.to_owned(),
        target: line.target.to_owned(),
        detail: line.detail.to_owned(),
        hash: String::new(),
    };
    entry.hash = entry.hash_after(&last.hash);
    entry
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

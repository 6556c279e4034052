//! Logins at the gateway: Discord's budget for them outlives the daemon, so the memory of them does as well.

use super::row::words;
use super::{Store, StoreError};
use crate::clock::WallTime;

/// How long a login counts.
const KEPT_MS: i64 = 24 * 3600 * 1000;

/// What a login was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentifyKind {
    /// The first of a daemon.
    Start,
    /// A session could not be resumed.
    Again,
}

words!(IdentifyKind, "identifies.kind", {
    Start = "start",
    Again = "again",
});

/// One login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identify {
    /// When.
    pub at: WallTime,
    /// What for.
    pub kind: IdentifyKind,
}

impl Store {
    /// Notes a login that is about to happen, and forgets those that no longer count.
    pub async fn identified(&self, kind: IdentifyKind) -> Result<(), StoreError> {
        let (now, kind) = (self.now().0, kind.as_str());
        let gone = now.saturating_sub(KEPT_MS);
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        sqlx::query!("DELETE FROM identifies WHERE at < ?", gone).execute(&mut *transaction).await?;
        sqlx::query!("INSERT INTO identifies (at, kind) VALUES (?, ?)", now, kind)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// The logins of the last 24 hours, oldest first. Those of the future, which a clock that was set back makes, count as
    /// made now from now on: they would hold up every other until then.
    pub async fn identifies(&self) -> Result<Vec<Identify>, StoreError> {
        let now = self.now().0;
        let from = now.saturating_sub(KEPT_MS);
        let mut writer = self.writer().await?;
        sqlx::query!("UPDATE identifies SET at = ? WHERE at > ?", now, now).execute(&mut *writer).await?;
        let rows = sqlx::query!("SELECT at, kind FROM identifies WHERE at >= ? ORDER BY at, seq", from)
            .fetch_all(&mut *writer)
            .await?;
        rows.into_iter()
            .map(|row| Ok(Identify { at: WallTime(row.at), kind: IdentifyKind::read(&row.kind)? }))
            .collect()
    }
}

//! Processes: what may still be running, and what is left to be cleaned away.

use super::row::{to_json, uuid};
use super::{Store, StoreError};
use crate::clock::WallTime;
use crate::domain::ids::{ConversationId, ProcessId, SessionId};
use crate::runner::Exit;

/// A process to be started. Its row comes before the process, so that none is ever unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProcess {
    /// Its id.
    pub id: ProcessId,
    /// The conversation that it serves.
    pub conversation: ConversationId,
    /// The session that it works in.
    pub session: SessionId,
    /// Of the settings that it is launched with; not the settings, they may hold secrets.
    pub fingerprint: String,
    /// What it is told of model, mode and effort, as JSON.
    pub tuning: String,
}

/// A process that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub id: ProcessId,
    /// The conversation that it serves.
    pub conversation: ConversationId,
    /// The session that it was launched with.
    pub session: SessionId,
    /// Of the settings that it was launched with.
    pub fingerprint: String,
    /// What it was told last of model, mode and effort, as JSON; none: a daemon that knew nothing of that started it.
    pub tuning: Option<String>,
    /// When its row was made.
    pub started_at: WallTime,
    /// When we learned that it was over.
    pub ended_at: Option<WallTime>,
}

/// The columns that make a [`Process`].
struct Row {
    id: String,
    conversation: i64,
    session: String,
    fingerprint: String,
    tuning: Option<String>,
    started_at: i64,
    ended_at: Option<i64>,
}

impl Row {
    fn into_process(self) -> Result<Process, StoreError> {
        Ok(Process {
            id: ProcessId(uuid(&self.id, "processes.id")?),
            conversation: ConversationId(self.conversation.cast_unsigned()),
            session: SessionId(uuid(&self.session, "processes.session")?),
            fingerprint: self.fingerprint,
            tuning: self.tuning,
            started_at: WallTime(self.started_at),
            ended_at: self.ended_at.map(WallTime),
        })
    }
}

impl Store {
    /// Makes the row of a process that is about to be started.
    pub async fn start_process(&self, new: &NewProcess) -> Result<(), StoreError> {
        let (id, conversation, session) =
            (new.id.to_string(), new.conversation.0.cast_signed(), new.session.to_string());
        let now = self.now().0;
        sqlx::query!(
            "INSERT INTO processes (id, conversation, session, fingerprint, tuning, started_at)
             VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
            id,
            conversation,
            session,
            new.fingerprint,
            new.tuning,
            now
        )
        .execute(&mut *self.writer().await?)
        .await?;
        Ok(())
    }

    /// The process was told this.
    pub async fn process_told(&self, id: ProcessId, tuning: &str) -> Result<(), StoreError> {
        let id = id.to_string();
        sqlx::query!("UPDATE processes SET tuning = ? WHERE id = ?", tuning, id)
            .execute(&mut *self.writer().await?)
            .await?;
        Ok(())
    }

    /// The process is over, and asks nothing any more. The first exit counts.
    pub async fn end_process(&self, id: ProcessId, exit: &Exit) -> Result<(), StoreError> {
        let (id, exit, now) = (id.to_string(), to_json(exit, "processes.exit")?, self.now().0);
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        sqlx::query!(
            "UPDATE processes SET ended_at = ?, exit = ? WHERE id = ? AND ended_at IS NULL",
            now,
            exit,
            id
        )
        .execute(&mut *transaction)
        .await?;
        // Those of a spool that is lost: nothing else will tell of them.
        super::asks::withdraw_asks(&mut transaction, &id, WallTime(now)).await?;
        Ok(transaction.commit().await?)
    }

    /// The processes of a conversation that have something to tell after a start, oldest first: those not known to be
    /// over, and those with a turn whose end was not yet shown.
    pub async fn processes_to_attach(
        &self,
        conversation: ConversationId,
    ) -> Result<Vec<Process>, StoreError> {
        let conversation = conversation.0.cast_signed();
        let rows = sqlx::query_as!(
            Row,
            "SELECT id, conversation, session, fingerprint, tuning, started_at, ended_at FROM processes
             WHERE id IN (SELECT id FROM processes WHERE conversation = ?1 AND ended_at IS NULL
                UNION SELECT process FROM turns INDEXED BY turns_undelivered
                      WHERE delivered_at IS NULL AND conversation = ?1)
             ORDER BY rowid",
            conversation
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.into_iter().map(Row::into_process).collect()
    }

    /// The processes of all conversations that are not known to be over.
    pub async fn live_processes(&self) -> Result<Vec<Process>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            "SELECT id, conversation, session, fingerprint, tuning, started_at, ended_at FROM processes
             WHERE ended_at IS NULL ORDER BY rowid"
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.into_iter().map(Row::into_process).collect()
    }

    /// The processes whose spools nobody needs any more: over, and every turn's end is shown.
    pub async fn processes_to_forget(&self) -> Result<Vec<ProcessId>, StoreError> {
        let rows = sqlx::query_scalar!(
            "SELECT id FROM processes WHERE forgotten_at IS NULL AND ended_at IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM turns WHERE process = processes.id AND delivered_at IS NULL)"
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.iter().map(|id| uuid(id, "processes.id").map(ProcessId)).collect()
    }

    /// What was left of the process is cleaned away.
    pub async fn process_forgotten(&self, id: ProcessId) -> Result<(), StoreError> {
        let (id, now) = (id.to_string(), self.now().0);
        sqlx::query!("UPDATE processes SET forgotten_at = ? WHERE id = ?", now, id)
            .execute(&mut *self.writer().await?)
            .await?;
        Ok(())
    }
}

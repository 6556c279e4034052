//! Conversations and their sessions.

use std::path::Path;

use super::audit::{Line, append};
use super::row::uuid;
use super::{Store, StoreError};
use crate::clock::WallTime;
use crate::domain::ids::{ChannelId, ConversationId, GuildId, MessageId, SessionId, UserId};

/// A channel or thread in which Claude is talked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// The channel's or thread's id.
    pub id: ConversationId,
    /// The guild that it is in.
    pub guild: Option<GuildId>,
    /// The project's name in the configuration.
    pub project: String,
    /// The project's channel, if this is a thread below it.
    pub parent: Option<ChannelId>,
    /// What it is called.
    pub title: String,
    /// The session to go on with; none before the first turn and after `/reset`.
    pub session: Option<SessionId>,
    /// The model chosen with `/model`; none: the project's.
    pub model: Option<String>,
    /// The permission mode chosen with `/mode`, in the CLI's word; none: the project's.
    pub mode: Option<String>,
    /// The effort chosen with `/effort`, in the CLI's word; none: the model's own.
    pub effort: Option<String>,
    /// The message, or the use of a command, with which it was opened. In a thread what is older was written to others.
    pub since: MessageId,
    /// When it was first talked in.
    pub created_at: WallTime,
    /// When somebody last prompted, or a turn ended.
    pub last_active_at: WallTime,
}

/// A conversation to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConversation {
    /// The channel's or thread's id.
    pub id: ConversationId,
    /// The guild that it is in.
    pub guild: Option<GuildId>,
    /// The project's name in the configuration.
    pub project: String,
    /// The project's channel, if this is a thread below it.
    pub parent: Option<ChannelId>,
    /// What it is called.
    pub title: String,
    /// The message, or the use of a command, that opens it.
    pub since: MessageId,
}

/// The CLI's resumable history, as far as we know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub conversation: ConversationId,
    /// Where the CLI worked when it began; the CLI finds it again from there only.
    pub dir: std::path::PathBuf,
    /// Whether the CLI has it: then it is resumed, else begun under this id.
    pub started: bool,
}

impl Store {
    /// The conversation, if it was ever opened.
    pub async fn conversation(&self, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        let id_column = id.0.cast_signed();
        let row = sqlx::query!(
            "SELECT guild, project, parent, title, session, model, mode, effort, since, created_at,
                    last_active_at FROM conversations WHERE id = ?",
            id_column
        )
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let session = row.session.map(|session| uuid(&session, "conversations.session")).transpose()?;
        Ok(Some(Conversation {
            id,
            guild: row.guild.map(|id| GuildId(id.cast_unsigned())),
            project: row.project,
            parent: row.parent.map(|id| ChannelId(id.cast_unsigned())),
            title: row.title,
            session: session.map(SessionId),
            model: row.model,
            mode: row.mode,
            effort: row.effort,
            since: MessageId(row.since.cast_unsigned()),
            created_at: WallTime(row.created_at),
            last_active_at: WallTime(row.last_active_at),
        }))
    }

    /// The threads that are conversations, with the channels above: those in which something happened since `since`,
    /// the latest first, at most `max`.
    pub async fn threads_active_since(
        &self,
        since: WallTime,
        max: u32,
    ) -> Result<Vec<(ChannelId, ChannelId)>, StoreError> {
        let since = since.0;
        let rows = sqlx::query!(
            r#"SELECT id, parent AS "parent!" FROM conversations WHERE parent IS NOT NULL AND last_active_at >= ?
               ORDER BY last_active_at DESC LIMIT ?"#,
            since,
            max
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        let pair = |id: i64, parent: i64| (ChannelId(id.cast_unsigned()), ChannelId(parent.cast_unsigned()));
        Ok(rows.into_iter().map(|row| pair(row.id, row.parent)).collect())
    }

    /// Makes the conversation's row. One that is there stays as it is.
    pub async fn open_conversation(&self, new: &NewConversation) -> Result<(), StoreError> {
        let (id, now) = (new.id.0.cast_signed(), self.now().0);
        let guild = new.guild.map(|id| id.0.cast_signed());
        let parent = new.parent.map(|id| id.0.cast_signed());
        let since = new.since.0.cast_signed();
        sqlx::query!(
            "INSERT INTO conversations (id, guild, project, parent, title, created_at, last_active_at, since)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7) ON CONFLICT (id) DO NOTHING",
            id,
            guild,
            new.project,
            parent,
            new.title,
            now,
            since
        )
        .execute(&mut *self.writer().await?)
        .await?;
        Ok(())
    }

    /// Sets the model of the conversation, as this person chose (nobody: by itself); `None`: the project's again. The audit
    /// says so.
    pub async fn set_model(
        &self,
        id: ConversationId,
        model: Option<&str>,
        by: Option<UserId>,
    ) -> Result<(), StoreError> {
        let key = id.0.cast_signed();
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        sqlx::query!("UPDATE conversations SET model = ? WHERE id = ?", model, key)
            .execute(&mut *transaction)
            .await?;
        let (target, detail) = (id.to_string(), model.unwrap_or("default"));
        let line = Line { actor: by, action: "model", target: &target, detail };
        append(&mut transaction, self.now(), line).await?;
        Ok(transaction.commit().await?)
    }

    /// The same of its permission mode; `None`: the project's again.
    pub async fn set_mode(
        &self,
        id: ConversationId,
        mode: Option<&str>,
        by: Option<UserId>,
    ) -> Result<(), StoreError> {
        let key = id.0.cast_signed();
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        sqlx::query!("UPDATE conversations SET mode = ? WHERE id = ?", mode, key)
            .execute(&mut *transaction)
            .await?;
        let (target, detail) = (id.to_string(), mode.unwrap_or("project"));
        let line = Line { actor: by, action: "mode", target: &target, detail };
        append(&mut transaction, self.now(), line).await?;
        Ok(transaction.commit().await?)
    }

    /// A conversation that was to plan plans no more: the project's mode counts again. Whether it was; what somebody chose
    /// meanwhile stays.
    pub async fn leave_plan(&self, id: ConversationId) -> Result<bool, StoreError> {
        let key = id.0.cast_signed();
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        let done = sqlx::query!("UPDATE conversations SET mode = NULL WHERE id = ? AND mode = 'plan'", key)
            .execute(&mut *transaction)
            .await?;
        let left = done.rows_affected() > 0;
        if left {
            let target = id.to_string();
            let line = Line { actor: None, action: "mode", target: &target, detail: "project" };
            append(&mut transaction, self.now(), line).await?;
        }
        transaction.commit().await?;
        Ok(left)
    }

    /// The same of its effort; `None`: the model's own again.
    pub async fn set_effort(
        &self,
        id: ConversationId,
        effort: Option<&str>,
        by: Option<UserId>,
    ) -> Result<(), StoreError> {
        let key = id.0.cast_signed();
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        sqlx::query!("UPDATE conversations SET effort = ? WHERE id = ?", effort, key)
            .execute(&mut *transaction)
            .await?;
        let (target, detail) = (id.to_string(), effort.unwrap_or("default"));
        let line = Line { actor: by, action: "effort", target: &target, detail };
        append(&mut transaction, self.now(), line).await?;
        Ok(transaction.commit().await?)
    }

    /// Lets go of the session, and of mode and effort: the next turn begins a new one, with the project's. Returns the
    /// session that was.
    pub async fn reset(&self, id: ConversationId) -> Result<Option<SessionId>, StoreError> {
        let (id, now) = (id.0.cast_signed(), self.now().0);
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        let session = sqlx::query_scalar!("SELECT session FROM conversations WHERE id = ?", id)
            .fetch_optional(&mut *transaction)
            .await?
            .flatten();
        sqlx::query!("UPDATE conversations SET session = NULL, mode = NULL, effort = NULL WHERE id = ?", id)
            .execute(&mut *transaction)
            .await?;
        let Some(session) = session else {
            transaction.commit().await?;
            return Ok(None);
        };
        sqlx::query!("UPDATE sessions SET state = 'reset', ended_at = ? WHERE id = ?", now, session)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Some(SessionId(uuid(&session, "conversations.session")?)))
    }

    /// Makes this the conversation's session. One that is known already keeps what is known of it.
    pub async fn start_session(
        &self,
        session: SessionId,
        conversation: ConversationId,
        dir: &Path,
    ) -> Result<(), StoreError> {
        let (session, conversation) = (session.to_string(), conversation.0.cast_signed());
        let (dir, now) = (dir.to_string_lossy().into_owned(), self.now().0);
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        sqlx::query!(
            "INSERT INTO sessions (id, conversation, dir, created_at) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
            session,
            conversation,
            dir,
            now
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!("UPDATE conversations SET session = ? WHERE id = ?", session, conversation)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// The session, if we ever began it.
    pub async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let id_column = id.to_string();
        let row = sqlx::query!("SELECT conversation, dir, state FROM sessions WHERE id = ?", id_column)
            .fetch_optional(&mut *self.reader().await?)
            .await?;
        Ok(row.map(|row| Session {
            id,
            conversation: ConversationId(row.conversation.cast_unsigned()),
            dir: row.dir.into(),
            started: row.state == "started",
        }))
    }

    /// The CLI has the session now: from here on it is resumed.
    pub async fn mark_session_started(&self, id: SessionId) -> Result<(), StoreError> {
        let id = id.to_string();
        sqlx::query!("UPDATE sessions SET state = 'started' WHERE id = ? AND state = 'new'", id)
            .execute(&mut *self.writer().await?)
            .await?;
        Ok(())
    }

    /// The CLI does not have the session any more: its conversation lets go of it.
    pub async fn mark_session_stale(&self, id: SessionId) -> Result<(), StoreError> {
        let (id, now) = (id.to_string(), self.now().0);
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        sqlx::query!("UPDATE conversations SET session = NULL WHERE session = ?", id)
            .execute(&mut *transaction)
            .await?;
        sqlx::query!("UPDATE sessions SET state = 'stale', ended_at = ? WHERE id = ?", now, id)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }
}

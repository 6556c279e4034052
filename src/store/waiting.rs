//! Prompts that wait: what people change about them, who was told of them, and which turn has them in the end.

use std::collections::BTreeMap;

use super::prompts::{PromptState, Row, wish_word};
use super::row::{to_json, uuid};
use super::{Store, StoreError};
use crate::domain::ids::{ChannelId, ConversationId, ProcessId, PromptId, TurnId};
use crate::domain::prompt::{Attachment, Prompt, Wish};

/// A prompt of which people see something that is no turn which began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noticed {
    /// Which.
    pub prompt: PromptId,
    /// The key of the slots: of a notice, or of its turn.
    pub key: TurnId,
    /// Where it stands now.
    pub state: PromptState,
}

/// A prompt that is over without a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub prompt: PromptId,
    /// The key under which that is shown.
    pub shown_in: TurnId,
    /// Why it was refused; none: it was taken back.
    pub refused_because: Option<String>,
}

impl Store {
    /// Its author says it otherwise. False: it does not wait any more, or a process was told of it.
    pub async fn edit_prompt(
        &self,
        id: PromptId,
        text: &str,
        attachments: &[Attachment],
    ) -> Result<bool, StoreError> {
        let (id, attachments) = (id.to_string(), to_json(&attachments, "prompts.attachments")?);
        let done = sqlx::query!(
            "UPDATE prompts SET text = ?, attachments = ?
             WHERE id = ? AND (state = 'queued' AND steered_into IS NULL OR held_in IS NOT NULL)",
            text,
            attachments,
            id
        )
        .execute(&mut *self.writer().await?)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The prompt, if it waits, or is held.
    pub async fn waiting_prompt(&self, id: PromptId) -> Result<Option<Prompt>, StoreError> {
        let id = id.to_string();
        let row = sqlx::query_as!(
            Row,
            "SELECT id, origin, conversation, author, author_name, text, attachments, received_at, wish FROM prompts
             WHERE id = ? AND (state = 'queued' OR held_in IS NOT NULL)",
            id
        )
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        row.map(Row::into_prompt).transpose()
    }

    /// The channel in which a prompt is held, if it is.
    pub async fn held_in(&self, id: PromptId) -> Result<Option<ChannelId>, StoreError> {
        let id = id.to_string();
        let channel = sqlx::query_scalar!("SELECT held_in FROM prompts WHERE id = ?", id)
            .fetch_optional(&mut *self.reader().await?)
            .await?;
        Ok(channel.flatten().map(|channel| ChannelId(channel.cast_unsigned())))
    }

    /// What is to become of a prompt that waits. False: it does not wait any more.
    pub async fn wish(&self, id: PromptId, wish: Wish) -> Result<bool, StoreError> {
        let (id, wish) = (id.to_string(), wish_word(wish));
        let done = sqlx::query!("UPDATE prompts SET wish = ? WHERE id = ? AND state = 'queued'", wish, id)
            .execute(&mut *self.writer().await?)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// A process is about to be told of the prompt while a turn runs. False: it does not wait any more.
    pub async fn steer(&self, id: PromptId, process: ProcessId) -> Result<bool, StoreError> {
        let (id, process) = (id.to_string(), process.to_string());
        let done = sqlx::query!(
            "UPDATE prompts SET steered_into = ? WHERE id = ? AND state = 'queued'",
            process,
            id
        )
        .execute(&mut *self.writer().await?)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The running turn heard the prompt: it is part of that turn.
    pub async fn heard(&self, id: PromptId, turn: TurnId) -> Result<(), StoreError> {
        let (id, turn) = (id.to_string(), turn.to_string());
        sqlx::query!(
            "UPDATE prompts SET state = 'taken', turn = ?
             WHERE id = ? AND steered_into IS NOT NULL AND state IN ('queued', 'taken')",
            turn,
            id
        )
        .execute(&mut *self.writer().await?)
        .await?;
        Ok(())
    }

    /// The process did not hear the prompt, or nothing came of it: it waits again.
    pub async fn unsteer(&self, id: PromptId) -> Result<(), StoreError> {
        let id = id.to_string();
        sqlx::query!(
            "UPDATE prompts SET state = 'queued', steered_into = NULL, turn = NULL
             WHERE id = ? AND steered_into IS NOT NULL AND (state = 'queued' OR turn IS NOT NULL)",
            id
        )
        .execute(&mut *self.writer().await?)
        .await?;
        Ok(())
    }

    /// The prompts that a process was told of while a turn ran: those that the turn heard, and those that it may hear yet.
    pub async fn steered_into(&self, process: ProcessId) -> Result<Vec<Prompt>, StoreError> {
        let process = process.to_string();
        let rows = sqlx::query_as!(
            Row,
            "SELECT id, origin, conversation, author, author_name, text, attachments, received_at, wish FROM prompts
             WHERE steered_into = ? AND (state = 'queued' OR turn IS NOT NULL) ORDER BY received_at, seq",
            process
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.into_iter().map(Row::into_prompt).collect()
    }

    /// Lets go of prompts whose process is over: they wait again. How many there were.
    pub async fn unsteer_ended(&self, conversation: ConversationId) -> Result<u64, StoreError> {
        let conversation = conversation.0.cast_signed();
        let done = sqlx::query!(
            "UPDATE prompts SET steered_into = NULL
             WHERE conversation = ? AND state = 'queued' AND steered_into IS NOT NULL
               AND steered_into NOT IN (SELECT id FROM processes WHERE ended_at IS NULL)",
            conversation
        )
        .execute(&mut *self.writer().await?)
        .await?;
        Ok(done.rows_affected())
    }

    /// These prompts wait to be part of this turn, which has its name from another one.
    pub async fn join(&self, turn: TurnId, prompts: &[PromptId]) -> Result<(), StoreError> {
        let turn = turn.to_string();
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        for id in prompts {
            let id = id.to_string();
            sqlx::query!("UPDATE prompts SET turn = ? WHERE id = ? AND state = 'queued'", turn, id)
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
    }

    /// The prompts that wait and no process was told of, in the order in which they were said, with the turn that each
    /// waits to be part of.
    pub async fn to_take_up(
        &self,
        conversation: ConversationId,
    ) -> Result<Vec<(Prompt, Option<TurnId>)>, StoreError> {
        let id = conversation.0.cast_signed();
        let joined = sqlx::query!(
            r#"SELECT id, turn AS "turn!" FROM prompts
               WHERE conversation = ? AND state = 'queued' AND steered_into IS NULL AND turn IS NOT NULL"#,
            id
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        let mut turns = BTreeMap::new();
        for row in joined {
            turns.insert(PromptId(uuid(&row.id, "prompts.id")?), TurnId(uuid(&row.turn, "prompts.turn")?));
        }
        let waiting = self.queued(conversation).await?;
        let with_turn = |prompt: Prompt| {
            let turn = turns.get(&prompt.id).copied();
            (prompt, turn)
        };
        Ok(waiting.into_iter().map(with_turn).collect())
    }

    /// The prompts with which a turn began: the first of them, and those that waited to be one turn with it.
    pub async fn prompts_of(&self, turn: TurnId, first: PromptId) -> Result<Vec<Prompt>, StoreError> {
        let (turn, first) = (turn.to_string(), first.to_string());
        let rows = sqlx::query_as!(
            Row,
            "SELECT id, origin, conversation, author, author_name, text, attachments, received_at, wish FROM prompts
             WHERE id = ? OR turn = ? AND state = 'taken' AND steered_into IS NULL ORDER BY received_at, seq",
            first,
            turn
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.into_iter().map(Row::into_prompt).collect()
    }

    /// People are about to be told that the prompt waits, under this key of the slots.
    pub async fn note_notice(&self, id: PromptId, key: TurnId) -> Result<(), StoreError> {
        let (id, key) = (id.to_string(), key.to_string());
        sqlx::query!("UPDATE prompts SET notice = ? WHERE id = ?", key, id)
            .execute(&mut *self.writer().await?)
            .await?;
        Ok(())
    }

    /// The prompts that are over without a turn, and of which it is not known that people see so.
    pub async fn ended_unseen(&self, conversation: ConversationId) -> Result<Vec<Ended>, StoreError> {
        let conversation = conversation.0.cast_signed();
        let rows = sqlx::query!(
            r#"SELECT id, ended_in AS "ended_in!",
                      (SELECT detail FROM audit WHERE target = prompts.id AND action = 'refused') AS "because: String"
               FROM prompts WHERE conversation = ? AND ended_in IS NOT NULL ORDER BY received_at, seq"#,
            conversation
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        let ended = rows.into_iter().map(|row| {
            Ok(Ended {
                prompt: PromptId(uuid(&row.id, "prompts.id")?),
                shown_in: TurnId(uuid(&row.ended_in, "prompts.ended_in")?),
                refused_because: row.because,
            })
        });
        ended.collect()
    }

    /// The prompts of which people are told that they wait, or are about to be, whether they still do or not, and under which key of the slots:
    /// that of a notice, or that of their turn, which ended before it began.
    pub async fn noticed(&self, conversation: ConversationId) -> Result<Vec<Noticed>, StoreError> {
        let conversation = conversation.0.cast_signed();
        let rows = sqlx::query!(
            r#"SELECT id, notice AS "notice!", state FROM prompts WHERE conversation = ? AND notice IS NOT NULL
               AND (state = 'queued' OR EXISTS
                 (SELECT 1 FROM slots WHERE slots.turn = prompts.notice AND slots.state IN ('sending', 'sent')))
             ORDER BY received_at, seq"#,
            conversation
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        let noticed = rows.into_iter().map(|row| {
            let key = TurnId(uuid(&row.notice, "prompts.notice")?);
            Ok(Noticed {
                prompt: PromptId(uuid(&row.id, "prompts.id")?),
                key,
                state: PromptState::read(&row.state)?,
            })
        });
        noticed.collect()
    }

    /// All prompts that wait, in every conversation, also those that are held; oldest first.
    pub async fn all_waiting(&self) -> Result<Vec<Prompt>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            "SELECT id, origin, conversation, author, author_name, text, attachments, received_at, wish FROM prompts
             WHERE seq IN (SELECT seq FROM prompts WHERE state = 'queued' AND steered_into IS NULL
                UNION ALL SELECT seq FROM prompts WHERE held_in IS NOT NULL)
             ORDER BY received_at, seq"
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.into_iter().map(Row::into_prompt).collect()
    }

    /// Forgets under which key people were told of prompts that do not wait any more, where nothing of that is shown: the
    /// next start needs not look at them again.
    pub async fn forget_notices(&self) -> Result<u64, StoreError> {
        let done = sqlx::query!(
            "UPDATE prompts SET notice = NULL WHERE notice IS NOT NULL AND state <> 'queued' AND NOT EXISTS
               (SELECT 1 FROM slots WHERE slots.turn = prompts.notice AND slots.state IN ('sending', 'sent'))"
        )
        .execute(&mut *self.writer().await?)
        .await?;
        Ok(done.rows_affected())
    }

    /// A prompt that is held is not to be run, whatever is said of the others. False: it is not held.
    pub async fn let_go(&self, id: PromptId) -> Result<bool, StoreError> {
        let id = id.to_string();
        let done = sqlx::query!("UPDATE prompts SET held_in = NULL WHERE id = ? AND held_in IS NOT NULL", id)
            .execute(&mut *self.writer().await?)
            .await?;
        Ok(done.rows_affected() == 1)
    }
}

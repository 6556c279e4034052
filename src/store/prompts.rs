//! Prompts: the queue of every conversation, and the memory that nothing is done twice.

use super::audit::{Line, append};
use super::row::{json, unknown, uuid, words};
use super::{Store, StoreError};
use crate::clock::WallTime;
use crate::domain::ids::{ChannelId, ConversationId, MessageId, PromptId, TurnId, UserId};
use crate::domain::prompt::{Author, Prompt, Wish};

/// What is known where a prompt arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Whether it is stored already.
    pub known: bool,
    /// The newest message of its channel that was decided on.
    pub decided: Option<MessageId>,
    /// How many prompts wait in its conversation.
    pub queued: usize,
}

/// Where a prompt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptState {
    /// It waits.
    Queued,
    /// A turn has it.
    Taken,
    /// Its author took it back before a turn had it.
    Withdrawn,
    /// The queue was full, its author may not any more, or it is held until somebody says that it is to run.
    Refused,
}

words!(PromptState, "prompts.state", {
    Queued = "queued",
    Taken = "taken",
    Withdrawn = "withdrawn",
    Refused = "refused",
});

/// The columns that make a [`Prompt`].
pub(super) struct Row {
    pub(super) id: String,
    pub(super) origin: String,
    pub(super) conversation: i64,
    pub(super) author: i64,
    pub(super) author_name: String,
    pub(super) text: String,
    pub(super) attachments: String,
    pub(super) received_at: i64,
    pub(super) wish: Option<String>,
}

impl Row {
    pub(super) fn into_prompt(self) -> Result<Prompt, StoreError> {
        Ok(Prompt {
            id: PromptId(uuid(&self.id, "prompts.id")?),
            origin: json(&self.origin, "prompts.origin")?,
            conversation: ConversationId(self.conversation.cast_unsigned()),
            author: Author { id: UserId(self.author.cast_unsigned()), name: self.author_name },
            text: self.text,
            attachments: json(&self.attachments, "prompts.attachments")?,
            received_at: WallTime(self.received_at),
            wish: self.wish.map_or(Ok(Wish::Wait), |word| wish(&word))?,
        })
    }
}

/// The word of a wish in the table; none where there is nothing special.
pub(super) fn wish_word(wish: Wish) -> Option<&'static str> {
    match wish {
        Wish::Wait => None,
        Wish::Steer => Some("steer"),
        Wish::Interrupt => Some("interrupt"),
        Wish::Withdraw => Some("withdraw"),
    }
}

fn wish(word: &str) -> Result<Wish, StoreError> {
    match word {
        "steer" => Ok(Wish::Steer),
        "interrupt" => Ok(Wish::Interrupt),
        "withdraw" => Ok(Wish::Withdraw),
        other => Err(unknown(other, "prompts.wish")),
    }
}

impl Store {
    /// What is known where this prompt arrives.
    pub async fn arrival(
        &self,
        id: PromptId,
        conversation: ConversationId,
        channel: ChannelId,
    ) -> Result<Arrival, StoreError> {
        let id = id.to_string();
        let (conversation, channel) = (conversation.0.cast_signed(), channel.0.cast_signed());
        let row = sqlx::query!(
            r#"SELECT EXISTS (SELECT 1 FROM prompts WHERE id = ?) AS "known!: bool",
                      (SELECT message FROM watermarks WHERE channel = ?) AS "decided: i64",
                      (SELECT count(*) FROM prompts WHERE conversation = ? AND state = 'queued') AS "queued!: i64""#,
            id,
            channel,
            conversation
        )
        .fetch_one(&mut *self.reader().await?)
        .await?;
        Ok(Arrival {
            known: row.known,
            decided: row.decided.map(|message| MessageId(message.cast_unsigned())),
            queued: usize::try_from(row.queued).unwrap_or(usize::MAX),
        })
    }

    /// The prompt, whatever became of it.
    pub async fn prompt(&self, id: PromptId) -> Result<Option<Prompt>, StoreError> {
        let id = id.to_string();
        let row = sqlx::query_as!(
            Row,
            "SELECT id, origin, conversation, author, author_name, text, attachments, received_at, wish FROM prompts
             WHERE id = ?",
            id
        )
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        row.map(Row::into_prompt).transpose()
    }

    /// What was said last in a conversation: it ran, or was taken back before. What was only told to a turn that ran is
    /// part of that.
    pub async fn last_prompt(&self, conversation: ConversationId) -> Result<Option<Prompt>, StoreError> {
        let conversation = conversation.0.cast_signed();
        let row = sqlx::query_as!(
            Row,
            "SELECT id, origin, conversation, author, author_name, text, attachments, received_at, wish FROM prompts
             WHERE conversation = ? AND state IN ('taken', 'withdrawn') AND turn IS NULL
             ORDER BY received_at DESC, seq DESC LIMIT 1",
            conversation
        )
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        row.map(Row::into_prompt).transpose()
    }

    /// The prompt that a message is, that a message of ours answers, or of which it says that it waits.
    pub async fn prompt_at(&self, message: MessageId) -> Result<Option<Prompt>, StoreError> {
        let (key, message) = (format!("message:{message}"), message.0.cast_signed());
        let row = sqlx::query_as!(
            Row,
            "SELECT id, origin, conversation, author, author_name, text, attachments, received_at, wish FROM prompts
             WHERE origin_key = ?1
                OR id IN (SELECT prompt FROM turns JOIN slots ON slots.turn = turns.id WHERE slots.message = ?2)
                OR id IN (SELECT waits.id FROM slots JOIN prompts AS waits ON waits.notice = slots.turn
                          WHERE slots.message = ?2)
             LIMIT 1",
            key,
            message
        )
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        row.map(Row::into_prompt).transpose()
    }

    /// Where the prompt stands.
    pub async fn prompt_state(&self, id: PromptId) -> Result<Option<PromptState>, StoreError> {
        let id = id.to_string();
        let word = sqlx::query_scalar!("SELECT state FROM prompts WHERE id = ?", id)
            .fetch_optional(&mut *self.reader().await?)
            .await?;
        word.map(|word| PromptState::read(&word)).transpose()
    }

    /// The prompts that wait and no process was told of, in the order in which they were said.
    pub async fn queued(&self, conversation: ConversationId) -> Result<Vec<Prompt>, StoreError> {
        let conversation = conversation.0.cast_signed();
        let rows = sqlx::query_as!(
            Row,
            "SELECT id, origin, conversation, author, author_name, text, attachments, received_at, wish FROM prompts
             WHERE conversation = ? AND state = 'queued' AND steered_into IS NULL ORDER BY received_at, seq",
            conversation
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.into_iter().map(Row::into_prompt).collect()
    }

    /// How many prompts wait.
    pub async fn queued_count(&self, conversation: ConversationId) -> Result<usize, StoreError> {
        let conversation = conversation.0.cast_signed();
        let count = sqlx::query_scalar!(
            "SELECT count(*) FROM prompts WHERE conversation = ? AND state = 'queued'",
            conversation
        )
        .fetch_one(&mut *self.reader().await?)
        .await?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Takes a prompt out of the queue for its author; that it is over is shown under this key. False: a turn has it, or it
    /// is gone already.
    pub async fn withdraw(&self, id: PromptId, shown_in: TurnId) -> Result<bool, StoreError> {
        self.unqueue(id, shown_in, PromptState::Withdrawn, "").await
    }

    /// Takes a prompt out of the queue that may not or cannot be run; it stays known, so that it is not taken for new when
    /// Discord says it again. False: a turn has it, or it is gone already.
    pub async fn refuse(&self, id: PromptId, shown_in: TurnId, why: &str) -> Result<bool, StoreError> {
        self.unqueue(id, shown_in, PromptState::Refused, why).await
    }

    async fn unqueue(
        &self,
        id: PromptId,
        shown_in: TurnId,
        state: PromptState,
        why: &str,
    ) -> Result<bool, StoreError> {
        let (id, shown_in, state) = (id.to_string(), shown_in.to_string(), state.as_str());
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        let done = sqlx::query!(
            "UPDATE prompts SET state = ?, ended_in = ? WHERE id = ? AND state = 'queued'",
            state,
            shown_in,
            id
        )
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() == 1 {
            let line = Line { actor: None, action: state, target: &id, detail: why };
            append(&mut transaction, self.now(), line).await?;
        }
        transaction.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// The conversations that an actor is needed for after a start: prompts wait, a process runs, an end was not yet
    /// shown, or people are told still that a prompt waits.
    pub async fn conversations_with_work(&self) -> Result<Vec<ConversationId>, StoreError> {
        let rows = sqlx::query_scalar!(
            r#"SELECT conversation AS "conversation!" FROM prompts WHERE state = 'queued'
               UNION SELECT conversation FROM processes WHERE ended_at IS NULL
               UNION SELECT conversation FROM turns INDEXED BY turns_undelivered WHERE delivered_at IS NULL
               UNION SELECT conversation FROM prompts INDEXED BY prompts_ended_in WHERE ended_in IS NOT NULL
               UNION SELECT conversation FROM prompts JOIN slots ON slots.turn = prompts.notice
                     WHERE notice IS NOT NULL AND slots.state IN ('sending', 'sent') ORDER BY 1"#
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        Ok(rows.into_iter().map(|id: i64| ConversationId(id.cast_unsigned())).collect())
    }
}

//! Prompts that were written while nobody listened and wait for somebody to say "run" or "ignore": stored, so that
//! nothing is lost, and out of the queue, so that nothing runs unasked.

use super::row::to_json;
use super::{Accepted, Store, StoreError};
use crate::domain::ids::{ChannelId, MessageId, PromptId};
use crate::domain::prompt::Prompt;

/// What is held in one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// How many prompts.
    pub count: usize,
    /// The last of them: a notice about more of them is another notice.
    pub newest: PromptId,
}

impl Store {
    /// Stores a prompt that is not run unless somebody says so, and moves the watermark of the channel in which it
    /// stands: both or neither.
    pub async fn hold(
        &self,
        prompt: &Prompt,
        held_in: ChannelId,
        watermark: Option<(ChannelId, MessageId)>,
    ) -> Result<Accepted, StoreError> {
        let (id, key, now) = (prompt.id.to_string(), prompt.origin.key(), self.now().0);
        let origin = to_json(&prompt.origin, "prompts.origin")?;
        let attachments = to_json(&prompt.attachments, "prompts.attachments")?;
        let conversation = prompt.conversation.0.cast_signed();
        let author = prompt.author.id.0.cast_signed();
        let (received_at, held_in) = (prompt.received_at.0, held_in.0.cast_signed());
        let mut transaction = self.begin().await?;
        let stored = sqlx::query!(
            "INSERT INTO prompts
             (id, origin_key, origin, conversation, author, author_name, text, attachments, state, received_at,
              accepted_at, held_in)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'refused', ?, ?, ?) ON CONFLICT DO NOTHING",
            id,
            key,
            origin,
            conversation,
            author,
            prompt.author.name,
            prompt.text,
            attachments,
            received_at,
            now,
            held_in
        )
        .execute(&mut *transaction)
        .await?;
        if let Some((channel, message)) = watermark {
            super::settings::move_watermark(&mut transaction, channel, message).await?;
        }
        transaction.commit().await?;
        Ok(if stored.rows_affected() == 0 { Accepted::Duplicate } else { Accepted::New })
    }

    /// What is held in a channel, if anything is.
    pub async fn held(&self, channel: ChannelId) -> Result<Option<Held>, StoreError> {
        let channel = channel.0.cast_signed();
        let ids = sqlx::query_scalar!(
            "SELECT id FROM prompts WHERE held_in = ? ORDER BY received_at, seq",
            channel
        )
        .fetch_all(&self.reader)
        .await?;
        let Some(newest) = ids.last() else { return Ok(None) };
        Ok(Some(Held { count: ids.len(), newest: PromptId(super::row::uuid(newest, "prompts.id")?) }))
    }

    /// Puts what is held in a channel into the queues of its conversations, in the order in which it was said. Of
    /// several who ask, one gets the prompts; the others get none.
    pub async fn queue_held(&self, channel: ChannelId) -> Result<Vec<Prompt>, StoreError> {
        let channel = channel.0.cast_signed();
        let mut transaction = self.begin().await?;
        let ids = sqlx::query_scalar!(
            "SELECT id FROM prompts WHERE held_in = ? ORDER BY received_at, seq",
            channel
        )
        .fetch_all(&mut *transaction)
        .await?;
        sqlx::query!("UPDATE prompts SET state = 'queued', held_in = NULL WHERE held_in = ?", channel)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        let mut prompts = Vec::with_capacity(ids.len());
        for id in ids {
            let id = PromptId(super::row::uuid(&id, "prompts.id")?);
            prompts.extend(self.prompt(id).await?);
        }
        Ok(prompts)
    }

    /// Lets go of what is held in a channel: it stays known, and is never run. How many there were.
    pub async fn ignore_held(&self, channel: ChannelId) -> Result<usize, StoreError> {
        let channel = channel.0.cast_signed();
        let done = sqlx::query!("UPDATE prompts SET held_in = NULL WHERE held_in = ?", channel)
            .execute(&self.writer)
            .await?;
        Ok(usize::try_from(done.rows_affected()).unwrap_or(usize::MAX))
    }
}

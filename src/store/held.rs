//! Prompts that were written while nobody listened and wait for somebody to say "run" or "ignore": stored, so that
//! nothing is lost, and out of the queue, so that nothing runs unasked.

use super::prompts::insert;
use super::{Accepted, PromptState, Store, StoreError};
use crate::domain::ids::{ChannelId, MessageId, PromptId};
use crate::domain::prompt::Prompt;
use crate::fail_point::{Point, pass};

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
        let now = self.now().0;
        let mut transaction = self.begin().await?;
        let accepted = insert(&mut transaction, prompt, PromptState::Refused, Some(held_in), now).await?;
        if let Some((channel, message)) = watermark {
            super::settings::move_watermark(&mut transaction, channel, message).await?;
        }
        pass(Point::Holding).await;
        transaction.commit().await?;
        pass(Point::Held).await;
        Ok(accepted)
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
        pass(Point::HeldQueueing).await;
        transaction.commit().await?;
        pass(Point::HeldQueued).await;
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
        pass(Point::HeldIgnored).await;
        Ok(usize::try_from(done.rows_affected()).unwrap_or(usize::MAX))
    }
}

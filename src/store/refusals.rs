//! Prompts that were not taken, and whose authors may not have been told why.

use std::time::Duration;

use super::row::{json, uuid};
use super::{Store, StoreError};
use crate::domain::ids::{ChannelId, MessageId, PromptId};
use crate::domain::prompt::Origin;

/// Nobody is told later than this: they wrote again, or do not wait any more. As long as an answer waits for its channel.
const TOLD_WITHIN: Duration = Duration::from_hours(24);

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The prompt that it would have been.
    pub prompt: PromptId,
    /// Where it was written.
    pub channel: ChannelId,
    /// The message.
    pub answers: MessageId,
    /// The reason in words for people.
    pub sentence: String,
}

impl Store {
    /// The refusals of the last day of which nobody noted that their authors were told; oldest first.
    pub async fn refusals(&self) -> Result<Vec<Refusal>, StoreError> {
        let since = self.now().0.saturating_sub(i64::try_from(TOLD_WITHIN.as_millis()).unwrap_or(i64::MAX));
        let rows = sqlx::query!(
            r#"SELECT id, origin, refusal AS "refusal!" FROM prompts
               WHERE refusal IS NOT NULL AND accepted_at >= ? ORDER BY accepted_at, seq"#,
            since
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        let mut refusals = Vec::with_capacity(rows.len());
        for row in rows {
            // What somebody said with a command is answered by its answer.
            if let Origin::Message { channel, message } = json(&row.origin, "prompts.origin")? {
                let prompt = PromptId(uuid(&row.id, "prompts.id")?);
                refusals.push(Refusal { prompt, channel, answers: message, sentence: row.refusal });
            }
        }
        Ok(refusals)
    }

    /// Its author was told.
    pub async fn refusal_told(&self, prompt: PromptId) -> Result<(), StoreError> {
        let id = prompt.to_string();
        sqlx::query!("UPDATE prompts SET refusal = NULL WHERE id = ?", id)
            .execute(&mut *self.writer().await?)
            .await?;
        Ok(())
    }
}

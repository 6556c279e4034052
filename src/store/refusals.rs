//! Prompts that are not run, and whose authors may not have been told so.

use std::time::Duration;

use super::row::{json, uuid};
use super::{PromptState, Store, StoreError};
use crate::domain::ids::{ChannelId, MessageId, PromptId};
use crate::domain::prompt::Origin;

/// Nobody is told later than this: they wrote again, or do not wait any more. As long as an answer waits for its channel.
const TOLD_WITHIN: Duration = Duration::from_hours(24);

/// A message that is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its prompt.
    pub prompt: PromptId,
    /// Where it was written.
    pub channel: ChannelId,
    /// The message.
    pub answers: MessageId,
    /// The reason in words for people; none: its reaction says enough.
    pub sentence: Option<String>,
    /// Whether it was its author, or somebody else, who took it back.
    pub is_withdrawn: bool,
}

impl Store {
    /// Those of the last day of which nobody noted that their authors were told; oldest first.
    pub async fn refusals(&self) -> Result<Vec<Refusal>, StoreError> {
        let since = self.now().0.saturating_sub(i64::try_from(TOLD_WITHIN.as_millis()).unwrap_or(i64::MAX));
        let rows = sqlx::query!(
            r#"SELECT id, origin, state, refusal AS "refusal!" FROM prompts
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
                let sentence = Some(row.refusal).filter(|sentence| !sentence.is_empty());
                let is_withdrawn = row.state == PromptState::Withdrawn.as_str();
                refusals.push(Refusal { prompt, channel, answers: message, sentence, is_withdrawn });
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

//! Prompts that were written while nobody listened and wait for somebody to say "run" or "ignore": stored, so that
//! nothing is lost, and out of the queue, so that nothing runs unasked.

use sqlx::SqliteConnection;

use super::row::{uuid, words};
use super::{PromptState, Store, StoreError};
use crate::domain::ids::{ChannelId, PromptId};
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

/// What somebody decided on what was held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is run.
    Run,
    /// It is not.
    Ignored,
}

words!(Settled, "settled_held.became", { Run = "run", Ignored = "ignored" });

impl Store {
    /// What is held in a channel, if anything is.
    pub async fn held(&self, channel: ChannelId) -> Result<Option<Held>, StoreError> {
        let channel = channel.0.cast_signed();
        let ids = sqlx::query_scalar!(
            "SELECT id FROM prompts WHERE held_in = ? ORDER BY received_at, seq",
            channel
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        let Some(newest) = ids.last() else { return Ok(None) };
        Ok(Some(Held { count: ids.len(), newest: PromptId(uuid(newest, "prompts.id")?) }))
    }

    /// Puts what is held in a channel into the queues of its conversations, in the order in which it was said. Of
    /// several who ask, one gets the prompts; the others get none.
    pub async fn queue_held(&self, channel: ChannelId) -> Result<Option<(Held, Vec<Prompt>)>, StoreError> {
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        let Some((held, ids)) = self.settle(&mut transaction, channel, Settled::Run).await? else {
            return Ok(None);
        };
        pass(Point::HeldQueueing).await;
        transaction.commit().await?;
        pass(Point::HeldQueued).await;
        let mut prompts = Vec::with_capacity(ids.len());
        for id in ids {
            prompts.extend(self.prompt(id).await?);
        }
        Ok(Some((held, prompts)))
    }

    /// Lets go of what is held in a channel: it stays known, and is never run. Of several who ask, one is told what it
    /// was.
    pub async fn ignore_held(&self, channel: ChannelId) -> Result<Option<Held>, StoreError> {
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        let held = self.settle(&mut transaction, channel, Settled::Ignored).await?;
        transaction.commit().await?;
        pass(Point::HeldIgnored).await;
        Ok(held.map(|(held, _)| held))
    }

    /// What was decided on what was held in a channel, as far as it is not forgotten.
    pub async fn settled_held(&self, channel: ChannelId) -> Result<Vec<(Held, Settled)>, StoreError> {
        let channel = channel.0.cast_signed();
        let rows = sqlx::query!("SELECT newest, count, became FROM settled_held WHERE channel = ?", channel)
            .fetch_all(&mut *self.reader().await?)
            .await?;
        let read = rows.into_iter().map(|row| {
            let newest = PromptId(uuid(&row.newest, "settled_held.newest")?);
            let count = usize::try_from(row.count).unwrap_or(usize::MAX);
            Ok((Held { count, newest }, Settled::read(&row.became)?))
        });
        read.collect()
    }

    /// Takes what is held in a channel out of it, and remembers what was decided. Gives its prompts in the order in which
    /// they were said.
    async fn settle(
        &self,
        transaction: &mut SqliteConnection,
        channel: ChannelId,
        became: Settled,
    ) -> Result<Option<(Held, Vec<PromptId>)>, StoreError> {
        let (now, channel) = (self.now().0, channel.0.cast_signed());
        let ids = sqlx::query_scalar!(
            "SELECT id FROM prompts WHERE held_in = ? ORDER BY received_at, seq",
            channel
        )
        .fetch_all(&mut *transaction)
        .await?;
        let ids = ids.iter().map(|id| uuid(id, "prompts.id").map(PromptId)).collect::<Result<Vec<_>, _>>()?;
        let Some(newest) = ids.last().copied() else { return Ok(None) };
        let state = match became {
            Settled::Run => PromptState::Queued,
            Settled::Ignored => PromptState::Refused,
        };
        let state = state.as_str();
        sqlx::query!("UPDATE prompts SET state = ?, held_in = NULL WHERE held_in = ?", state, channel)
            .execute(&mut *transaction)
            .await?;
        let held = Held { count: ids.len(), newest };
        let (newest, count) = (newest.to_string(), i64::try_from(held.count).unwrap_or(i64::MAX));
        let became = became.as_str();
        sqlx::query!(
            "INSERT INTO settled_held (channel, newest, count, became, settled_at) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET count = excluded.count, became = excluded.became,
                    settled_at = excluded.settled_at",
            channel,
            newest,
            count,
            became,
            now
        )
        .execute(&mut *transaction)
        .await?;
        Ok(Some((held, ids)))
    }
}

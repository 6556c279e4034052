//! Small facts: how far each channel was read, and values under a name.

use sqlx::SqliteConnection;

use super::{Store, StoreError};
use crate::domain::ids::{ChannelId, MessageId};

/// Moves a watermark forward within a transaction; it never moves back.
async fn move_watermark(
    transaction: &mut SqliteConnection,
    channel: ChannelId,
    message: MessageId,
) -> Result<(), StoreError> {
    let (channel, message) = (channel.0.cast_signed(), message.0.cast_signed());
    sqlx::query!(
        "INSERT INTO watermarks (channel, message) VALUES (?, ?)
         ON CONFLICT (channel) DO UPDATE SET message = max(message, excluded.message)",
        channel,
        message
    )
    .execute(&mut *transaction)
    .await?;
    Ok(())
}

impl Store {
    /// The last message of the channel that was decided on; `None`: the channel was never read.
    pub async fn watermark(&self, channel: ChannelId) -> Result<Option<MessageId>, StoreError> {
        let channel = channel.0.cast_signed();
        let message = sqlx::query_scalar!("SELECT message FROM watermarks WHERE channel = ?", channel)
            .fetch_optional(&mut *self.reader().await?)
            .await?;
        Ok(message.map(|id| MessageId(id.cast_unsigned())))
    }

    /// A message was decided on that became no prompt. The watermark never moves back.
    pub async fn advance_watermark(&self, channel: ChannelId, message: MessageId) -> Result<(), StoreError> {
        self.advance_watermarks(&[(channel, message)]).await
    }

    /// The same for several channels, in one transaction.
    pub async fn advance_watermarks(&self, to: &[(ChannelId, MessageId)]) -> Result<(), StoreError> {
        if to.is_empty() {
            return Ok(());
        }
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        for (channel, message) in to {
            move_watermark(&mut transaction, *channel, *message).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// All watermarks: the channels to catch up in.
    pub async fn watermarks(&self) -> Result<Vec<(ChannelId, MessageId)>, StoreError> {
        let rows = sqlx::query!("SELECT channel, message FROM watermarks ORDER BY channel")
            .fetch_all(&mut *self.reader().await?)
            .await?;
        let pair = |channel: i64, message: i64| {
            (ChannelId(channel.cast_unsigned()), MessageId(message.cast_unsigned()))
        };
        Ok(rows.into_iter().map(|row| pair(row.channel, row.message)).collect())
    }

    /// The value under this name.
    pub async fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar!("SELECT value FROM settings WHERE key = ?", key)
            .fetch_optional(&mut *self.reader().await?)
            .await?)
    }

    /// Sets the value under this name.
    pub async fn set_setting(&self, key: &str, value: &str) -> Result<(), StoreError> {
        sqlx::query!(
            "INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            key,
            value
        )
        .execute(&mut *self.writer().await?)
        .await?;
        Ok(())
    }
}

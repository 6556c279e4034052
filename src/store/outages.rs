//! Times in which the login was gone: whoever runs the bot is told once in each, so the memory of it outlives the daemon.

use super::audit::{Line, append};
use super::row::uuid;
use super::{Store, StoreError};
use crate::domain::ids::{ChannelId, TurnId};

/// A time in which the login was gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginOutage {
    /// What the message about it goes by.
    pub notice: TurnId,
    /// Where it is told.
    pub channel: ChannelId,
    /// Whether the API answered again.
    pub is_over: bool,
}

/// The columns that make a [`LoginOutage`].
struct Row {
    notice: String,
    channel: i64,
    ended_at: Option<i64>,
}

impl Row {
    fn into_outage(self) -> Result<LoginOutage, StoreError> {
        Ok(LoginOutage {
            notice: TurnId(uuid(&self.notice, "login_outages.notice")?),
            channel: ChannelId(self.channel.cast_unsigned()),
            is_over: self.ended_at.is_some(),
        })
    }
}

impl Store {
    /// The login is gone, which is to be told in this message. False: somebody tells it already.
    pub async fn begin_login_outage(&self, notice: TurnId, channel: ChannelId) -> Result<bool, StoreError> {
        let (notice, target, now) = (notice.to_string(), channel.to_string(), self.now());
        let channel = channel.0.cast_signed();
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        let begun = sqlx::query!(
            "INSERT INTO login_outages (notice, channel, begun_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            notice,
            channel,
            now.0
        )
        .execute(&mut *transaction)
        .await?;
        if begun.rows_affected() == 1 {
            let line = Line { actor: None, action: "owner_called", target: &target, detail: "no login" };
            append(&mut transaction, now, line).await?;
        }
        transaction.commit().await?;
        Ok(begun.rows_affected() == 1)
    }

    /// The API answers: the login is there. The outage that ended with it, if there was one.
    pub async fn end_login_outage(&self) -> Result<Option<LoginOutage>, StoreError> {
        // Every turn says that the API answers, and few end an outage: those wait for no writer.
        let Some(open) = self.last_login_outage().await?.filter(|outage| !outage.is_over) else {
            return Ok(None);
        };
        let (notice, now) = (open.notice.to_string(), self.now().0);
        let ended = sqlx::query!(
            "UPDATE login_outages SET ended_at = ? WHERE notice = ? AND ended_at IS NULL",
            now,
            notice
        )
        .execute(&mut *self.writer().await?)
        .await?;
        Ok((ended.rows_affected() == 1).then_some(LoginOutage { is_over: true, ..open }))
    }

    /// The outage that began last.
    pub async fn last_login_outage(&self) -> Result<Option<LoginOutage>, StoreError> {
        let row = sqlx::query_as!(
            Row,
            "SELECT notice, channel, ended_at FROM login_outages ORDER BY seq DESC LIMIT 1"
        )
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        row.map(Row::into_outage).transpose()
    }
}

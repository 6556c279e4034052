//! Slots: which message of Discord's is which part of a turn. The row comes before the message.

use super::row::words;
use super::{Store, StoreError};
use crate::clock::WallTime;
use crate::domain::ids::{ChannelId, MessageId, TurnId};

/// A part of a turn that was posted, or began to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Its number in the turn, from 0.
    pub slot: u32,
    /// Where it is posted.
    pub channel: ChannelId,
    /// Its message, once that is known.
    pub message: Option<MessageId>,
    /// What Discord tells apart retries by.
    pub nonce: String,
    /// Of the body that was sent last.
    pub body_hash: String,
    /// What became of it.
    pub state: SlotState,
    /// When it was first tried.
    pub first_try_at: WallTime,
}

/// What became of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotState {
    /// It was begun; whether Discord has it is not known.
    Sending,
    /// Discord has it.
    Sent,
    /// Discord refused it for good, or it was deleted.
    Refused,
}

words!(SlotState, "slots.state", { Sending = "sending", Sent = "sent", Refused = "refused" });

/// The columns that make a [`Slot`].
struct Row {
    slot: i64,
    channel: i64,
    message: Option<i64>,
    nonce: String,
    body_hash: String,
    state: String,
    first_try_at: i64,
}

impl Row {
    fn into_slot(self) -> Result<Slot, StoreError> {
        Ok(Slot {
            slot: u32::try_from(self.slot).unwrap_or(u32::MAX),
            channel: ChannelId(self.channel.cast_unsigned()),
            message: self.message.map(|id| MessageId(id.cast_unsigned())),
            nonce: self.nonce,
            body_hash: self.body_hash,
            state: SlotState::read(&self.state)?,
            first_try_at: WallTime(self.first_try_at),
        })
    }
}

impl Store {
    /// The slots of a turn, in order.
    pub async fn slots(&self, turn: TurnId) -> Result<Vec<Slot>, StoreError> {
        let turn = turn.to_string();
        let rows = sqlx::query_as!(
            Row,
            "SELECT slot, channel, message, nonce, body_hash, state, first_try_at FROM slots
             WHERE turn = ? ORDER BY slot",
            turn
        )
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter().map(Row::into_slot).collect()
    }

    /// A message is about to be posted. What is known of the slot's first try stays.
    pub async fn slot_sending(
        &self,
        turn: TurnId,
        slot: u32,
        channel: ChannelId,
        nonce: &str,
        body_hash: &str,
    ) -> Result<(), StoreError> {
        let (turn, slot, channel, now) =
            (turn.to_string(), i64::from(slot), channel.0.cast_signed(), self.now().0);
        sqlx::query!(
            "INSERT INTO slots (turn, slot, channel, nonce, body_hash, state, first_try_at)
             VALUES (?, ?, ?, ?, ?, 'sending', ?)
             ON CONFLICT (turn, slot) DO UPDATE SET body_hash = excluded.body_hash, state = 'sending'",
            turn,
            slot,
            channel,
            nonce,
            body_hash,
            now
        )
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// Discord has this body in this message.
    pub async fn slot_sent(
        &self,
        turn: TurnId,
        slot: u32,
        message: MessageId,
        body_hash: &str,
    ) -> Result<(), StoreError> {
        let (turn, slot, message) = (turn.to_string(), i64::from(slot), message.0.cast_signed());
        sqlx::query!(
            "UPDATE slots SET state = 'sent', message = ?, body_hash = ? WHERE turn = ? AND slot = ?",
            message,
            body_hash,
            turn,
            slot
        )
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// Discord will not have this slot; it is left alone.
    pub async fn slot_refused(&self, turn: TurnId, slot: u32) -> Result<(), StoreError> {
        let (turn, slot) = (turn.to_string(), i64::from(slot));
        sqlx::query!("UPDATE slots SET state = 'refused' WHERE turn = ? AND slot = ?", turn, slot)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Whether the bot posted this message as part of a turn: an answer to it is meant for the bot.
    pub async fn knows_message(&self, message: MessageId) -> Result<bool, StoreError> {
        let message = message.0.cast_signed();
        let known = sqlx::query_scalar!("SELECT 1 FROM slots WHERE message = ?", message)
            .fetch_optional(&self.reader)
            .await?;
        Ok(known.is_some())
    }
}

//! Slots: which message of Discord's is which part of a turn. The row comes before the message.

use super::buttons::new_buttons;
use super::row::{to_json, unknown, words};
use super::{Store, StoreError};
use crate::clock::WallTime;
use crate::domain::action::Action;
use crate::domain::ids::{ChannelId, MessageId, TurnId};

/// One message of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotKey {
    /// The turn.
    pub turn: TurnId,
    /// The slot's number in the turn, from 0.
    pub slot: u32,
    /// How many messages the slot had before this one.
    pub generation: u32,
}

/// A part of a turn that was posted, or began to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Which message of which slot.
    pub key: SlotKey,
    /// Where it is posted.
    pub channel: ChannelId,
    /// Its message, once that is known.
    pub message: Option<MessageId>,
    /// What Discord tells apart retries by.
    pub nonce: String,
    /// Of the body that was sent last; empty when several were tried and which one arrived is not known.
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
    /// It was there, and was deleted: by somebody, or because it was not needed any more.
    Removed,
    /// Discord refused it for good.
    Refused,
}

words!(SlotState, "slots.state", { Sending = "sending", Sent = "sent", Removed = "removed", Refused = "refused" });

/// The columns that make a [`Slot`].
struct Row {
    slot: i64,
    generation: i64,
    channel: i64,
    message: Option<i64>,
    nonce: String,
    body_hash: String,
    state: String,
    first_try_at: i64,
}

impl Row {
    fn into_slot(self, turn: TurnId) -> Result<Slot, StoreError> {
        let number = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Slot {
            key: SlotKey { turn, slot: number(self.slot), generation: number(self.generation) },
            channel: ChannelId(self.channel.cast_unsigned()),
            message: self.message.map(|id| MessageId(id.cast_unsigned())),
            nonce: self.nonce,
            body_hash: self.body_hash,
            state: SlotState::read(&self.state)?,
            first_try_at: WallTime(self.first_try_at),
        })
    }
}

impl SlotKey {
    fn columns(self) -> (String, i64, i64) {
        (self.turn.to_string(), i64::from(self.slot), i64::from(self.generation))
    }
}

impl Store {
    /// The slots of a turn in order, each with its generations in theirs.
    pub async fn slots(&self, turn: TurnId) -> Result<Vec<Slot>, StoreError> {
        let id = turn.to_string();
        let rows = sqlx::query_as!(
            Row,
            "SELECT slot, generation, channel, message, nonce, body_hash, state, first_try_at FROM slots
             WHERE turn = ? ORDER BY slot, generation",
            id
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.into_iter().map(|row| row.into_slot(turn)).collect()
    }

    /// A message is about to be posted, with buttons for these actions: both are stored at once. Gives the ids of its
    /// buttons. What is known of the first try stays, also which messages were there before it; after one with another
    /// body nobody knows which of them Discord has.
    pub async fn slot_sending(
        &self,
        key: SlotKey,
        channel: ChannelId,
        nonce: &str,
        body_hash: &str,
        actions: Vec<Action>,
    ) -> Result<Vec<String>, StoreError> {
        let (turn, slot, generation) = key.columns();
        let (channel, now) = (channel.0.cast_signed(), self.now().0);
        let texts = actions.iter().map(|action| to_json(action, "buttons.action"));
        let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
        let new = to_json(&new_buttons(&texts), "buttons.action")?;
        let mut writer = self.writer().await?;
        // Of a button that is known, this gives the id that it has. The newest of all slots is not asked for with max():
        // in one half of a compound SQLite would read the whole index for it.
        let stored = sqlx::query!(
            "BEGIN IMMEDIATE;
             INSERT INTO buttons (id, conversation, action, created_at)
             SELECT value ->> 0, ?, value ->> 1, ? FROM json_each(?) WHERE true
             ON CONFLICT (conversation, action) DO UPDATE SET action = action RETURNING id, action;
             INSERT INTO slots (turn, slot, generation, channel, nonce, body_hash, state, first_try_at, follows)
             SELECT ?, ?, ?, ?, ?, ?, 'sending', ?, max(known.message) FROM (
                SELECT (SELECT message FROM slots WHERE message IS NOT NULL ORDER BY message DESC LIMIT 1) AS message
                UNION ALL SELECT message FROM watermarks WHERE channel = ?) AS known
             WHERE true
             ON CONFLICT (turn, slot, generation) DO UPDATE
             SET body_hash = iif(body_hash = excluded.body_hash, body_hash, ''), state = 'sending';
             COMMIT",
            channel,
            now,
            new,
            turn,
            slot,
            generation,
            channel,
            nonce,
            body_hash,
            now,
            channel
        )
        .fetch_all(writer.script())
        .await;
        let stored = writer.ended(stored).await?;
        let id_of = |text: &String| {
            let row = stored.iter().find(|row| row.action == *text).map(|row| row.id.clone());
            row.ok_or_else(|| unknown(text, "buttons.action"))
        };
        texts.iter().map(id_of).collect()
    }

    /// Discord has this body in this message.
    pub async fn slot_sent(
        &self,
        key: SlotKey,
        message: MessageId,
        body_hash: &str,
    ) -> Result<(), StoreError> {
        let (turn, slot, generation) = key.columns();
        let message = message.0.cast_signed();
        sqlx::query!(
            "UPDATE slots SET state = 'sent', message = ?, body_hash = ?
             WHERE turn = ? AND slot = ? AND generation = ?",
            message,
            body_hash,
            turn,
            slot,
            generation
        )
        .execute(&mut *self.writer().await?)
        .await?;
        Ok(())
    }

    /// The newest message that was known when the slot was first tried. `None`: none was.
    pub async fn slot_follows(&self, key: SlotKey) -> Result<Option<MessageId>, StoreError> {
        let (turn, slot, generation) = key.columns();
        let follows = sqlx::query_scalar!(
            "SELECT follows FROM slots WHERE turn = ? AND slot = ? AND generation = ?",
            turn,
            slot,
            generation
        )
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        Ok(follows.flatten().map(|id| MessageId(id.cast_unsigned())))
    }

    /// Nothing of it is there: whoever tries it again tries it for the first time.
    pub async fn slot_absent(&self, key: SlotKey) -> Result<(), StoreError> {
        let (turn, slot, generation) = key.columns();
        sqlx::query!(
            "DELETE FROM slots WHERE turn = ? AND slot = ? AND generation = ? AND state = 'sending'",
            turn,
            slot,
            generation
        )
        .execute(&mut *self.writer().await?)
        .await?;
        Ok(())
    }

    /// The message is not there any more.
    pub async fn slot_removed(&self, key: SlotKey) -> Result<(), StoreError> {
        let (turn, slot, generation) = key.columns();
        sqlx::query!(
            "UPDATE slots SET state = 'removed' WHERE turn = ? AND slot = ? AND generation = ?",
            turn,
            slot,
            generation
        )
        .execute(&mut *self.writer().await?)
        .await?;
        Ok(())
    }

    /// Discord will not have this slot; it is left alone.
    pub async fn slot_refused(
        &self,
        key: SlotKey,
        channel: ChannelId,
        nonce: &str,
    ) -> Result<(), StoreError> {
        let (turn, slot, generation) = key.columns();
        let (channel, now) = (channel.0.cast_signed(), self.now().0);
        sqlx::query!(
            "INSERT INTO slots (turn, slot, generation, channel, nonce, body_hash, state, first_try_at)
             VALUES (?, ?, ?, ?, ?, '', 'refused', ?)
             ON CONFLICT (turn, slot, generation) DO UPDATE SET state = 'refused'",
            turn,
            slot,
            generation,
            channel,
            nonce,
            now
        )
        .execute(&mut *self.writer().await?)
        .await?;
        Ok(())
    }

    /// Whether the bot posted this message as part of a turn: an answer to it is meant for the bot.
    pub async fn knows_message(&self, message: MessageId) -> Result<bool, StoreError> {
        let message = message.0.cast_signed();
        let known = sqlx::query_scalar!("SELECT 1 FROM slots WHERE message = ?", message)
            .fetch_optional(&mut *self.reader().await?)
            .await?;
        Ok(known.is_some())
    }
}

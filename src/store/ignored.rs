//! Messages that were for the bot and became no prompt, with the reason; and what became of those that did. For `/why`.

use super::row::uuid;
use super::{PromptState, Store, StoreError};
use crate::clock::WallTime;
use crate::domain::ids::{ChannelId, ConversationId, GuildId, MessageId, PromptId, TurnId, UserId};

/// So many are kept.
const KEPT_MAX: i64 = 10_000;
/// So long, in milliseconds.
const KEPT_MS: i64 = 30 * 24 * 3600 * 1000;

/// A message that became no prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Which.
    pub message: MessageId,
    /// Where it stands.
    pub channel: ChannelId,
    /// In which server; none: in none.
    pub guild: Option<GuildId>,
    /// Who wrote it.
    pub author: UserId,
    /// Why, as a word of the door's.
    pub why: String,
    /// When that was decided.
    pub at: WallTime,
}

/// What became of a message that is a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Became {
    /// The prompt.
    pub prompt: PromptId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Who wrote it.
    pub author: UserId,
    /// Where it stands.
    pub state: PromptState,
    /// Why it was refused, if it was.
    pub refused_because: Option<String>,
    /// Whether it is held until somebody says "run".
    pub is_held: bool,
    /// How its turn ended, in the table's word, if it did.
    pub outcome: Option<String>,
    /// Why, if that is known.
    pub reason: Option<String>,
    /// What a failure is called.
    pub error: Option<String>,
    /// The first message that shows its turn.
    pub shown_in: Option<(ChannelId, MessageId)>,
}

impl Store {
    /// Notes messages that became no prompts, and forgets the oldest.
    pub async fn note_ignored(&self, ignored: &[Ignored]) -> Result<(), StoreError> {
        let now = self.now().0;
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        for each in ignored {
            let (message, channel) = (each.message.0.cast_signed(), each.channel.0.cast_signed());
            let (guild, author) = (each.guild.map(|id| id.0.cast_signed()), each.author.0.cast_signed());
            sqlx::query!(
                "INSERT INTO ignored (message, channel, guild, author, why, at) VALUES (?, ?, ?, ?, ?, ?)
                 ON CONFLICT (message) DO UPDATE SET why = excluded.why",
                message,
                channel,
                guild,
                author,
                each.why,
                each.at.0
            )
            .execute(&mut *transaction)
            .await?;
        }
        let since = now - KEPT_MS;
        sqlx::query!("DELETE FROM ignored WHERE at < ?", since).execute(&mut *transaction).await?;
        sqlx::query!(
            "DELETE FROM ignored WHERE message IN
             (SELECT message FROM ignored ORDER BY at DESC, message DESC LIMIT -1 OFFSET ?)",
            KEPT_MAX
        )
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// Why a message became no prompt, if that is known.
    pub async fn ignored(&self, message: MessageId) -> Result<Option<Ignored>, StoreError> {
        let id = message.0.cast_signed();
        let row = sqlx::query!("SELECT channel, guild, author, why, at FROM ignored WHERE message = ?", id)
            .fetch_optional(&mut *self.reader().await?)
            .await?;
        Ok(row.map(|row| Ignored {
            message,
            channel: ChannelId(row.channel.cast_unsigned()),
            guild: row.guild.map(|id| GuildId(id.cast_unsigned())),
            author: UserId(row.author.cast_unsigned()),
            why: row.why,
            at: WallTime(row.at),
        }))
    }

    /// What became of a message that was accepted.
    pub async fn became(&self, message: MessageId) -> Result<Option<Became>, StoreError> {
        let key = format!("message:{message}");
        let row = sqlx::query!(
            r#"SELECT prompts.id AS "id!", prompts.conversation AS "conversation!", author AS "author!",
                      prompts.state AS "state!", held_in,
                      (SELECT detail FROM audit WHERE target = prompts.id AND action = 'refused') AS "because: String",
                      turns.id AS turn, outcome, reason, error_id
               FROM prompts LEFT JOIN turns
                 ON turns.prompt = prompts.id OR turns.id = prompts.turn AND prompts.state = 'taken'
               WHERE origin_key = ?"#,
            key
        )
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let turn = row.turn.map(|turn| uuid(&turn, "turns.id")).transpose()?;
        let shown_in = match turn {
            Some(turn) => self.first_message(TurnId(turn)).await?,
            None => None,
        };
        Ok(Some(Became {
            prompt: PromptId(uuid(&row.id, "prompts.id")?),
            conversation: ConversationId(row.conversation.cast_unsigned()),
            author: UserId(row.author.cast_unsigned()),
            state: PromptState::read(&row.state)?,
            refused_because: row.because,
            is_held: row.held_in.is_some(),
            outcome: row.outcome,
            reason: row.reason,
            error: row.error_id,
            shown_in,
        }))
    }

    async fn first_message(&self, turn: TurnId) -> Result<Option<(ChannelId, MessageId)>, StoreError> {
        let turn = turn.to_string();
        let row = sqlx::query!(
            r#"SELECT channel, message AS "message!" FROM slots WHERE turn = ? AND message IS NOT NULL
               ORDER BY slot, generation DESC LIMIT 1"#,
            turn
        )
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        Ok(row.map(|row| (ChannelId(row.channel.cast_unsigned()), MessageId(row.message.cast_unsigned()))))
    }
}

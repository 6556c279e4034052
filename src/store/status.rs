//! What is going on, over all conversations.

use super::row::words;
use super::{Store, StoreError};
use crate::clock::WallTime;
use crate::domain::ids::{ConversationId, GuildId};

/// A conversation as `/status` shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationStatus {
    /// Which.
    pub conversation: ConversationId,
    /// The project's name in the configuration.
    pub project: String,
    /// What the conversation is called.
    pub title: String,
    /// The model chosen with `/model`; none: the project's.
    pub model: Option<String>,
    /// What it does.
    pub state: ConversationState,
    /// How many turns it had.
    pub turns: u64,
    /// Input and output tokens of all turns, without those of the cache.
    pub tokens: u64,
    /// US dollars of all turns.
    pub cost_usd: f64,
    /// When somebody last prompted, or a turn ended.
    pub last_active_at: WallTime,
    /// When it was first talked in.
    pub created_at: WallTime,
}

/// What a conversation does, as far as the tables know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConversationState {
    /// Nothing.
    Idle,
    /// A turn runs.
    Running,
    /// Prompts wait, and no turn runs.
    Queued,
}

words!(ConversationState, "status.state", { Idle = "idle", Running = "running", Queued = "queued" });

impl Store {
    /// Every conversation of a guild, or of all; the one that was active last comes first.
    pub async fn status(&self, guild: Option<GuildId>) -> Result<Vec<ConversationStatus>, StoreError> {
        let guild = guild.map(|id| id.0.cast_signed());
        let rows = sqlx::query!(
            r#"SELECT conversations.id AS "id!", project AS "project!", title AS "title!", model,
                last_active_at AS "last_active_at!", created_at AS "created_at!",
                forgotten_turns + count(turns.id) AS "turns!: i64",
                forgotten_tokens + coalesce(sum(input_tokens + output_tokens), 0) AS "tokens!: i64",
                forgotten_cost_usd + coalesce(sum(cost_usd), 0.0) AS "cost_usd!: f64",
                CASE WHEN coalesce(max(turns.state = 'running'), 0) THEN 'running'
                     WHEN EXISTS (SELECT 1 FROM prompts WHERE conversation = conversations.id AND state = 'queued')
                     THEN 'queued' ELSE 'idle' END AS "state!: String"
             FROM conversations LEFT JOIN turns ON turns.conversation = conversations.id
             WHERE ?1 IS NULL OR guild = ?1
             GROUP BY conversations.id ORDER BY last_active_at DESC, conversations.id"#,
            guild
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            all.push(ConversationStatus {
                conversation: ConversationId(row.id.cast_unsigned()),
                project: row.project,
                title: row.title,
                model: row.model,
                state: ConversationState::read(&row.state)?,
                turns: row.turns.cast_unsigned(),
                tokens: row.tokens.cast_unsigned(),
                cost_usd: row.cost_usd,
                last_active_at: WallTime(row.last_active_at),
                created_at: WallTime(row.created_at),
            });
        }
        Ok(all)
    }
}

//! Forgetting: what is done and old goes, in small batches. Never what is open, and never what the future rests on:
//! conversations, sessions, watermarks, the audit.
//!
//! **A prompt whose row is gone does not run again.** Its origin was the one place where something is told to be a
//! duplicate, so a row goes only where something else says the same:
//! - A message's row goes when the watermark of its channel has passed it. Watermarks never move back and never go, and an
//!   absence is read from the message after them: no reading brings it again. Where a channel could not be read, its
//!   watermark stays behind, and its rows stay with it.
//! - Discord's gateway repeats events of minutes. Whoever takes live messages leaves out those that are older than
//!   [`REPEATED_MAX`] and not behind the watermark, and no row that is younger than twice that time goes.
//! - The row of a command goes by its age: what it answers to is good for a quarter of an hour, and nothing repeats it.
//! - The row of a click on "Go on" goes after its turn: without that a click goes nowhere. A turn that was cut off stays
//!   for as long as nobody went on with it, because the button below it works.
//! - The row of a conversation's first prompt stays without its words, one for each conversation: it says who opened it,
//!   and nobody else is that later.
//!
//! **A turn goes when nothing can tell of it any more**: it is over, Discord shows its end, and of all processes of its
//! conversation that began before its end nothing is left to be read again.
//!
//! What is old is measured by Discord's clock as well: nothing goes that is younger than the last message that was decided
//! on says, nor a prompt that Discord says is young. So a clock that is set ahead, or was behind, forgets nothing.

use std::time::Duration;

use sqlx::SqliteConnection;

use super::prompts::Arrival;
use super::row::uuid;
use super::{Store, StoreError};
use crate::clock::WallTime;
use crate::domain::ids::{MessageId, PromptId};

/// A live message that is older than this was repeated, if it was decided on before.
const REPEATED_MAX: Duration = Duration::from_hours(24);

/// What a batch came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// How many rows went, of all kinds.
    pub rows: u64,
    /// The prompts among them: their files can go.
    pub prompts: Vec<PromptId>,
}

impl Store {
    /// Forgets a batch of what was done before `age` ago: at most `max` rows of each kind, in one transaction. Nothing is
    /// left to forget when it comes back empty.
    pub async fn forget_history(&self, age: Duration, max: u32) -> Result<Forgotten, StoreError> {
        let Some(newest) = self.newest_decided_at().await? else { return Ok(Forgotten::default()) };
        let age = i64::try_from(age.max(2 * REPEATED_MAX).as_millis()).unwrap_or(i64::MAX);
        self.forget_before(WallTime(self.now().min(newest).0.saturating_sub(age)), max).await
    }

    /// When the newest message that was decided on was written, by Discord's clock: now is not before that. `None`: no
    /// channel was ever read.
    pub async fn newest_decided_at(&self) -> Result<Option<WallTime>, StoreError> {
        let newest = sqlx::query_scalar!(r#"SELECT max(message) AS "newest: i64" FROM watermarks"#)
            .fetch_one(&mut *self.reader().await?)
            .await?;
        Ok(newest.map(|newest| MessageId(newest.cast_unsigned()).written_at()))
    }

    /// Whether a live message was decided on long ago, so that it must have been repeated.
    pub async fn is_repeated(&self, arrival: &Arrival, message: MessageId) -> Result<bool, StoreError> {
        // The channel's own comes first, because that rules nearly all out; the newest of all is in none of their rows.
        if arrival.decided.is_none_or(|decided| message > decided) {
            return Ok(false);
        }
        let newest = self.newest_decided_at().await?;
        Ok(newest.is_some_and(|newest| newest.since(message.written_at()) >= REPEATED_MAX))
    }

    async fn forget_before(&self, before: WallTime, max: u32) -> Result<Forgotten, StoreError> {
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        let mut rows = forget_turns(&mut transaction, before, max).await?;
        // What is left of a turn goes after it.
        let prompts = forget_prompts(&mut transaction, before, max).await?;
        rows += prompts.len() as u64;
        rows += forget_the_rest(&mut transaction, before, max).await?;
        transaction.commit().await?;
        let prompts =
            prompts.iter().map(|id| uuid(id, "prompts.id").map(PromptId)).collect::<Result<_, _>>()?;
        Ok(Forgotten { rows, prompts })
    }
}

/// Turns that are over and told, with what was asked and shown in them.
async fn forget_turns(
    transaction: &mut SqliteConnection,
    before: WallTime,
    max: u32,
) -> Result<u64, StoreError> {
    let (before, mut rows) = (before.0, 0);
    let turns = sqlx::query!(
            r#"SELECT turns.id, turns.conversation, input_tokens + output_tokens AS "tokens!: i64", cost_usd FROM turns
               JOIN processes ON processes.id = turns.process
               WHERE state = 'ended' AND delivered_at < ?1 AND processes.forgotten_at < ?1
                 AND NOT EXISTS (SELECT 1 FROM asks WHERE asks.turn = turns.id AND asks.state = 'open')
                 AND NOT EXISTS (SELECT 1 FROM prompts WHERE prompts.id = turns.prompt AND received_at >= ?1)
                 AND NOT EXISTS (SELECT 1 FROM processes AS others WHERE others.forgotten_at IS NULL
                    AND others.conversation = turns.conversation AND others.started_at <= turns.ended_at)
                 AND NOT (turns.end ->> '$.end' = 'cut_off'
                    AND NOT EXISTS (SELECT 1 FROM prompts WHERE origin_key = 'go_on:' || turns.id))
               LIMIT ?2"#,
            before,
            max
        )
        .fetch_all(&mut *transaction)
        .await?;
    for turn in turns {
        let asks =
            sqlx::query!("DELETE FROM asks WHERE turn = ?", turn.id).execute(&mut *transaction).await?;
        let slots =
            sqlx::query!("DELETE FROM slots WHERE turn = ?", turn.id).execute(&mut *transaction).await?;
        sqlx::query!("DELETE FROM turns WHERE id = ?", turn.id).execute(&mut *transaction).await?;
        sqlx::query!(
                "UPDATE conversations SET forgotten_turns = forgotten_turns + 1, forgotten_tokens = forgotten_tokens + ?,
                    forgotten_cost_usd = forgotten_cost_usd + ? WHERE id = ?",
                turn.tokens,
                turn.cost_usd,
                turn.conversation
            )
            .execute(&mut *transaction)
            .await?;
        rows += 1 + asks.rows_affected() + slots.rows_affected();
    }
    Ok(rows)
}

/// Prompts that cannot come again. The first of a conversation tells who opened it: of that the words go, and the row stays.
async fn forget_prompts(
    transaction: &mut SqliteConnection,
    before: WallTime,
    max: u32,
) -> Result<Vec<String>, StoreError> {
    let before = before.0;
    let prompts = sqlx::query!(
        r#"WITH first AS (SELECT min(seq) AS seq FROM prompts GROUP BY conversation)
           SELECT seq AS "seq!", id, seq IN (SELECT seq FROM first) AS "is_first!: bool" FROM prompts
           WHERE state <> 'queued' AND held_in IS NULL AND accepted_at < ?1 AND received_at < ?1
               AND NOT EXISTS (SELECT 1 FROM turns WHERE turns.prompt = prompts.id OR turns.id = prompts.turn)
               AND NOT (text = '' AND attachments = '[]' AND seq IN (SELECT seq FROM first))
               AND CASE origin ->> '$.kind'
                   WHEN 'message' THEN CAST(substr(origin_key, 9) AS INTEGER) <=
                       (SELECT message FROM watermarks WHERE channel = origin ->> '$.channel')
                   WHEN 'go_on' THEN NOT EXISTS (SELECT 1 FROM turns WHERE turns.id = origin ->> '$.turn')
                   WHEN 'command' THEN TRUE
                   ELSE FALSE END
           LIMIT ?2"#,
        before,
        max
    )
    .fetch_all(&mut *transaction)
    .await?;
    let mut gone = Vec::with_capacity(prompts.len());
    for prompt in prompts {
        if prompt.is_first {
            sqlx::query!("UPDATE prompts SET text = '', attachments = '[]' WHERE seq = ?", prompt.seq)
                .execute(&mut *transaction)
                .await?;
        } else {
            sqlx::query!("DELETE FROM prompts WHERE seq = ?", prompt.seq).execute(&mut *transaction).await?;
        }
        gone.push(prompt.id);
    }
    Ok(gone)
}

/// What was beside turns or for them, and what tells of the account.
async fn forget_the_rest(
    transaction: &mut SqliteConnection,
    before: WallTime,
    max: u32,
) -> Result<u64, StoreError> {
    let (oldest_kept, before) = (MessageId::first_at(before).0.cast_signed(), before.0);
    let mut rows = 0;
    let outages = sqlx::query!(
        "DELETE FROM login_outages WHERE seq IN (SELECT seq FROM login_outages WHERE ended_at < ?1 LIMIT ?2)",
        before,
        max
    )
    .execute(&mut *transaction)
    .await?;
    rows += outages.rows_affected();
    let settled = sqlx::query!(
        "DELETE FROM settled_held WHERE (channel, newest) IN (
                SELECT channel, newest FROM settled_held WHERE settled_at < ?1 LIMIT ?2)",
        before,
        max
    )
    .execute(&mut *transaction)
    .await?;
    rows += settled.rows_affected();
    // Notices, reminders, and messages of turns that were taken back while they waited. A notice of what is or was
    // held or of a login that was gone, the messages of a turn that waits, and what was said beside a turn whose end is not
    // shown, are open.
    let slots = sqlx::query!(
            "DELETE FROM slots WHERE (turn, slot, generation) IN (
                SELECT turn, slot, generation FROM slots WHERE first_try_at < ?1 AND coalesce(message, 0) < ?3
                    AND NOT EXISTS (SELECT 1 FROM turns WHERE turns.id = slots.turn)
                    AND NOT EXISTS (SELECT 1 FROM login_outages WHERE notice = slots.turn)
                    AND NOT EXISTS (SELECT 1 FROM prompts WHERE held_in = slots.channel)
                    AND NOT EXISTS (SELECT 1 FROM settled_held WHERE settled_held.channel = slots.channel)
                    AND NOT EXISTS (SELECT 1 FROM prompts WHERE state = 'queued' AND conversation = slots.channel)
                    AND NOT EXISTS (SELECT 1 FROM turns WHERE delivered_at IS NULL AND conversation = slots.channel)
                LIMIT ?2)",
            before,
            max,
            oldest_kept
        )
        .execute(&mut *transaction)
        .await?;
    rows += slots.rows_affected();
    let buttons = sqlx::query!(
            "DELETE FROM buttons WHERE id IN (
                SELECT id FROM buttons WHERE created_at < ?1
                    AND CASE
                        WHEN action ->> '$.ask' IS NOT NULL
                            THEN NOT EXISTS (SELECT 1 FROM asks WHERE asks.id = action ->> '$.ask')
                        WHEN action ->> '$.action' = 'go_on'
                            THEN NOT EXISTS (SELECT 1 FROM turns WHERE turns.id = action ->> '$.turn')
                        WHEN action ->> '$.action' IN ('run_held', 'ignore_held')
                            THEN NOT EXISTS (SELECT 1 FROM prompts WHERE held_in = action ->> '$.conversation')
                        WHEN action ->> '$.action' = 'ask_about' THEN TRUE
                        ELSE FALSE END
                LIMIT ?2)",
            before,
            max
        )
        .execute(&mut *transaction)
        .await?;
    rows += buttons.rows_affected();
    let processes = sqlx::query!(
        "DELETE FROM processes WHERE id IN (
                SELECT id FROM processes WHERE forgotten_at < ?1
                    AND NOT EXISTS (SELECT 1 FROM turns WHERE turns.process = processes.id)
                    AND NOT EXISTS (SELECT 1 FROM asks WHERE asks.process = processes.id)
                LIMIT ?2)",
        before,
        max
    )
    .execute(&mut *transaction)
    .await?;
    rows += processes.rows_affected();
    Ok(rows)
}

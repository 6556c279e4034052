//! Turns: from a prompt to its one end.

use std::time::Duration;

use super::row::{json, to_json, uuid, words};
use super::{Store, StoreError};
use crate::clock::{Uptime, WallTime};
use crate::domain::event::{Carried, Failure, Limit, TurnEnd, Usage};
use crate::domain::ids::{ConversationId, ErrorId, ProcessId, PromptId, SessionId, TurnId};
use crate::runner::Position;

/// A turn that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTurn {
    /// Its id; the same for every attempt.
    pub id: TurnId,
    /// What it answers; none: the CLI began by itself.
    pub prompt: Option<PromptId>,
    /// Prompts that it answers as well: they waited behind the first one.
    pub more: Vec<PromptId>,
    /// Where.
    pub conversation: ConversationId,
    /// The session it goes on with.
    pub session: Option<SessionId>,
    /// The process that serves it.
    pub process: ProcessId,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// From where in the spool of the process it is recorded.
    pub from_position: Position,
    /// What happened before this attempt.
    pub carried: Carried,
}

/// A turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Its id.
    pub id: TurnId,
    /// What it answers; none: the CLI began by itself.
    pub prompt: Option<PromptId>,
    /// Where.
    pub conversation: ConversationId,
    /// The session it went on with.
    pub session: Option<SessionId>,
    /// The process that serves it, in the last attempt.
    pub process: ProcessId,
    /// The last attempt, from 1.
    pub attempt: u32,
    /// From where in the spool of the process it is recorded.
    pub from_position: Position,
    /// Whether it is over.
    pub state: TurnState,
    /// How it ended.
    pub end: Option<TurnEnd>,
    /// What its failure is called.
    pub error_id: Option<ErrorId>,
    /// Whether it may have changed something outside.
    pub side_effects: bool,
    /// What happened before the last attempt.
    pub carried: Carried,
    /// When its first attempt began.
    pub started_at: WallTime,
    /// When its last one did, on a clock that never steps, if the machine was not started anew since.
    pub started: Option<Uptime>,
    /// When it ended.
    pub ended_at: Option<WallTime>,
    /// When its end was shown in full.
    pub delivered_at: Option<WallTime>,
    /// Tokens and money.
    pub usage: Usage,
    /// How many tools it used.
    pub tools: u32,
}

/// Whether a turn is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnState {
    /// It has no end yet.
    Running,
    /// It has its one end.
    Ended,
}

words!(TurnState, "turns.state", { Running = "running", Ended = "ended" });

/// The columns that make a [`Turn`].
struct Row {
    id: String,
    prompt: Option<String>,
    conversation: i64,
    session: Option<String>,
    process: String,
    attempt: i64,
    from_position: i64,
    state: String,
    end: Option<String>,
    error_id: Option<String>,
    side_effects: i64,
    session_lost: i64,
    restarted: i64,
    held: i64,
    started_at: i64,
    boot: Option<String>,
    started_up_ms: Option<i64>,
    ended_at: Option<i64>,
    delivered_at: Option<i64>,
    input_tokens: i64,
    output_tokens: i64,
    cache_read_tokens: i64,
    cache_write_tokens: i64,
    cost_usd: f64,
    tools: i64,
}

impl Row {
    fn into_turn(self) -> Result<Turn, StoreError> {
        let prompt = self.prompt.map(|id| uuid(&id, "turns.prompt")).transpose()?;
        let session = self.session.map(|id| uuid(&id, "turns.session")).transpose()?;
        Ok(Turn {
            id: TurnId(uuid(&self.id, "turns.id")?),
            prompt: prompt.map(PromptId),
            conversation: ConversationId(self.conversation.cast_unsigned()),
            session: session.map(SessionId),
            process: ProcessId(uuid(&self.process, "turns.process")?),
            attempt: u32::try_from(self.attempt).unwrap_or(u32::MAX),
            from_position: Position(self.from_position.cast_unsigned()),
            state: TurnState::read(&self.state)?,
            end: self.end.map(|end| json(&end, "turns.end")).transpose()?,
            error_id: self.error_id.map(ErrorId),
            side_effects: self.side_effects != 0,
            carried: Carried {
                session_lost: self.session_lost != 0,
                restarted: self.restarted != 0,
                held: u32::try_from(self.held).unwrap_or(u32::MAX),
            },
            started_at: WallTime(self.started_at),
            started: self
                .boot
                .zip(self.started_up_ms)
                .map(|(boot, millis)| Uptime { boot, since: Duration::from_millis(millis.cast_unsigned()) }),
            ended_at: self.ended_at.map(WallTime),
            delivered_at: self.delivered_at.map(WallTime),
            usage: Usage {
                input_tokens: self.input_tokens.cast_unsigned(),
                output_tokens: self.output_tokens.cast_unsigned(),
                cache_read_tokens: self.cache_read_tokens.cast_unsigned(),
                cache_write_tokens: self.cache_write_tokens.cast_unsigned(),
                cost_usd: self.cost_usd,
            },
            tools: u32::try_from(self.tools).unwrap_or(u32::MAX),
        })
    }
}

impl Store {
    /// Begins a turn and takes its prompt out of the queue, or begins its next attempt in another process. A turn that
    /// has ended stays so. Its process must have a row.
    pub async fn begin_turn(&self, new: &NewTurn) -> Result<(), StoreError> {
        let (id, process, now) = (new.id.to_string(), new.process.to_string(), self.now().0);
        let prompt = new.prompt.map(|id| id.to_string());
        let session = new.session.map(|id| id.to_string());
        let conversation = new.conversation.0.cast_signed();
        let (attempt, from) = (i64::from(new.attempt), new.from_position.0.cast_signed());
        let Carried { session_lost, restarted, held } = new.carried;
        let up = self.uptime();
        let boot = up.as_ref().map(|up| up.boot.as_str());
        let up_ms = up.as_ref().map(|up| i64::try_from(up.since.as_millis()).unwrap_or(i64::MAX));
        let prompts: Vec<String> = new.prompt.iter().chain(&new.more).map(ToString::to_string).collect();
        let prompts = to_json(&prompts, "prompts.id")?;
        let mut writer = self.writer().await?;
        // A prompt that has this turn for itself may have waited to be part of another one.
        let begun = sqlx::query!(
            "BEGIN IMMEDIATE;
             INSERT INTO turns (id, prompt, conversation, session, process, attempt, from_position, started_at,
                session_lost, restarted, held, boot, started_up_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET session = excluded.session, process = excluded.process,
                attempt = excluded.attempt, from_position = excluded.from_position,
                session_lost = excluded.session_lost, restarted = excluded.restarted, held = excluded.held,
                boot = excluded.boot, started_up_ms = excluded.started_up_ms WHERE state = 'running';
             UPDATE prompts SET state = 'taken', turn = iif(id = ?, NULL, ?)
             WHERE id IN (SELECT value FROM json_each(?));
             COMMIT",
            id,
            prompt,
            conversation,
            session,
            process,
            attempt,
            from,
            now,
            session_lost,
            restarted,
            held,
            boot,
            up_ms,
            prompt,
            id,
            prompts
        )
        .execute(writer.script())
        .await;
        writer.ended(begun).await?;
        Ok(())
    }

    /// The turn may have changed something: it is never tried again by itself.
    pub async fn note_side_effects(&self, id: TurnId) -> Result<(), StoreError> {
        let id = id.to_string();
        sqlx::query!("UPDATE turns SET side_effects = 1 WHERE id = ? AND side_effects = 0", id)
            .execute(&mut *self.writer().await?)
            .await?;
        Ok(())
    }

    /// Stores the end of a turn. The first end counts: another one changes nothing, and is answered with false.
    pub async fn end_turn(
        &self,
        id: TurnId,
        end: &TurnEnd,
        usage: &Usage,
        tools: u32,
        error: Option<&ErrorId>,
    ) -> Result<bool, StoreError> {
        let (id, now, end_json) = (id.to_string(), self.now().0, to_json(end, "turns.end")?);
        let (outcome, reason) = words_of(end);
        let error = error.map(|error| error.0.as_str());
        let (input, output) = (usage.input_tokens.cast_signed(), usage.output_tokens.cast_signed());
        let (read, written) = (usage.cache_read_tokens.cast_signed(), usage.cache_write_tokens.cast_signed());
        let tools = i64::from(tools);
        let mut writer = self.writer().await?;
        let ended = sqlx::query!(
            "BEGIN IMMEDIATE;
             UPDATE turns SET state = 'ended', outcome = ?, reason = ?, end = ?, error_id = ?, ended_at = ?,
                duration_ms = max(0, ? - started_at), input_tokens = ?, output_tokens = ?, cache_read_tokens = ?,
                cache_write_tokens = ?, cost_usd = ?, tools = ?
             WHERE id = ? AND state = 'running' RETURNING id;
             UPDATE conversations SET last_active_at = ?
             WHERE changes() = 1 AND id = (SELECT conversation FROM turns WHERE id = ?);
             COMMIT",
            outcome,
            reason,
            end_json,
            error,
            now,
            now,
            input,
            output,
            read,
            written,
            usage.cost_usd,
            tools,
            id,
            now,
            id
        )
        .fetch_all(writer.script())
        .await;
        Ok(!writer.ended(ended).await?.is_empty())
    }

    /// Discord shows the end of the turn, or will never, or that of prompts that have none. One that is not over is not
    /// delivered.
    pub async fn delivered(&self, id: TurnId) -> Result<(), StoreError> {
        let (id, now) = (id.to_string(), self.now().0);
        sqlx::query!(
            "UPDATE turns SET delivered_at = ? WHERE id = ? AND state = 'ended' AND delivered_at IS NULL;
             UPDATE prompts SET ended_in = NULL WHERE ended_in = ?",
            now,
            id,
            id
        )
        .execute(&mut *self.writer().await?)
        .await?;
        Ok(())
    }

    /// The turn, if there is one.
    pub async fn turn(&self, id: TurnId) -> Result<Option<Turn>, StoreError> {
        let id = id.to_string();
        let row = sqlx::query_as!(
            Row,
            "SELECT id, prompt, conversation, session, process, attempt, from_position, state, end, error_id,
                side_effects, session_lost, restarted, held, started_at, boot, started_up_ms, ended_at, delivered_at,
                input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, tools
             FROM turns WHERE id = ?",
            id
        )
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        row.map(Row::into_turn).transpose()
    }

    /// The turns that a process served, in the order in which they began.
    pub async fn turns_of_process(&self, process: ProcessId) -> Result<Vec<Turn>, StoreError> {
        let process = process.to_string();
        let rows = sqlx::query_as!(
            Row,
            "SELECT id, prompt, conversation, session, process, attempt, from_position, state, end, error_id,
                side_effects, session_lost, restarted, held, started_at, boot, started_up_ms, ended_at, delivered_at,
                input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, tools
             FROM turns WHERE process = ? ORDER BY from_position, rowid",
            process
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.into_iter().map(Row::into_turn).collect()
    }

    /// The turns whose end is not shown: running, or ended and not delivered. Oldest first.
    pub async fn undelivered_turns(&self) -> Result<Vec<Turn>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            "SELECT id, prompt, conversation, session, process, attempt, from_position, state, end, error_id,
                side_effects, session_lost, restarted, held, started_at, boot, started_up_ms, ended_at, delivered_at,
                input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, tools
             FROM turns WHERE delivered_at IS NULL ORDER BY started_at, rowid"
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.into_iter().map(Row::into_turn).collect()
    }
}

/// The outcome and the reason in one word each, for people who read the table.
fn words_of(end: &TurnEnd) -> (&'static str, Option<String>) {
    match end {
        TurnEnd::Completed { .. } => ("completed", None),
        TurnEnd::Interrupted => ("interrupted", None),
        TurnEnd::CutOff { failure } => ("interrupted", failure_word(failure)),
        TurnEnd::TimedOut { limit } => ("timed_out", Some(limit_word(*limit).to_owned())),
        TurnEnd::LimitReached { limit } => ("limit_reached", Some(limit_word(*limit).to_owned())),
        TurnEnd::Failed(failure) => ("failed", failure_word(failure)),
    }
}

fn limit_word(limit: Limit) -> &'static str {
    match limit {
        Limit::Time => "time",
        Limit::Silence => "silence",
        Limit::Steps => "steps",
        Limit::Budget => "budget",
        Limit::Output => "output",
        Limit::Away => "away",
    }
}

/// The tag that the failure has in JSON.
fn failure_word(failure: &Failure) -> Option<String> {
    let json = serde_json::to_value(failure).ok()?;
    json.get("failure")?.as_str().map(str::to_owned)
}

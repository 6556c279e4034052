//! Asks: questions of the CLI that wait for a person.

use sqlx::SqliteConnection;

use super::audit::{Line, append};
use super::row::{json, to_json, uuid, words};
use super::{Store, StoreError};
use crate::clock::WallTime;
use crate::domain::answer::{Answer, Draft};
use crate::domain::ask::{Ask, AskKind};
use crate::domain::digest::digest;
use crate::domain::ids::{AskId, ConversationId, GuildId, MessageId, ProcessId, TurnId, UserId};
use crate::domain::prompt::Author;

/// Where an ask stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskState {
    /// It waits.
    Open,
    /// Somebody said yes, or answered.
    Allowed,
    /// Somebody said no.
    Denied,
    /// The CLI does not ask any more.
    Withdrawn,
    /// Nobody answered in time.
    Expired,
}

words!(AskState, "asks.state", {
    Open = "open",
    Allowed = "allowed",
    Denied = "denied",
    Withdrawn = "withdrawn",
    Expired = "expired",
});

/// An ask with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAsk {
    /// Its id: what a button carries.
    pub id: AskId,
    /// The turn that waits for it.
    pub turn: TurnId,
    /// The process that the answer goes to.
    pub process: ProcessId,
    /// What is asked.
    pub ask: Ask,
    /// Where it stands.
    pub state: AskState,
    /// The name of who settled it, if a person did.
    pub settled_by: Option<String>,
    /// When it was asked.
    pub created_at: WallTime,
}

/// A time for which people were waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// When the ask came.
    pub from: WallTime,
    /// When it was settled, if it is.
    pub until: Option<WallTime>,
}

/// An ask that waits, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingAsk {
    /// The ask.
    pub stored: StoredAsk,
    /// The conversation that it is asked in.
    pub conversation: ConversationId,
    /// The newest message of its turn, which is its card: where nothing is posted after that.
    pub card: Option<MessageId>,
}

/// The columns that make a [`StoredAsk`].
struct Row {
    id: String,
    turn: String,
    process: String,
    body: String,
    state: String,
    settled_by_name: Option<String>,
    created_at: i64,
}

impl Row {
    fn into_ask(self) -> Result<StoredAsk, StoreError> {
        Ok(StoredAsk {
            id: AskId(uuid(&self.id, "asks.id")?),
            turn: TurnId(uuid(&self.turn, "asks.turn")?),
            process: ProcessId(uuid(&self.process, "asks.process")?),
            ask: json(&self.body, "asks.body")?,
            state: AskState::read(&self.state)?,
            settled_by: self.settled_by_name,
            created_at: WallTime(self.created_at),
        })
    }
}

/// Settles what a process asks that is over, within a transaction: nobody can answer it any more.
pub(super) async fn withdraw_asks(
    transaction: &mut SqliteConnection,
    process: &str,
    now: WallTime,
) -> Result<(), StoreError> {
    let state = AskState::Withdrawn.as_str();
    let settled = sqlx::query!(
        r#"UPDATE asks SET state = ?, settled_at = ? WHERE process = ? AND state = 'open'
           RETURNING id AS "id!", kind AS "kind!", body AS "body!""#,
        state,
        now.0,
        process
    )
    .fetch_all(&mut *transaction)
    .await?;
    for ask in settled {
        let detail = settled_detail(state, &ask.kind, &ask.body)?;
        append(transaction, now, Line { actor: None, action: "answer", target: &ask.id, detail: &detail })
            .await?;
    }
    Ok(())
}

/// What the audit says of an ask that is settled: what it was for by its hash.
fn settled_detail(state: &str, kind: &str, body: &str) -> Result<String, StoreError> {
    let input = digest(&json::<Ask>(body, "asks.body")?.input);
    Ok(format!("{state} {kind} input={input}"))
}

impl Store {
    /// Stores an ask that came at this time. The same request of the same process is one ask, however often it is read from
    /// the spool; its state and its time stay as they are.
    pub async fn save_ask(
        &self,
        turn: TurnId,
        process: ProcessId,
        ask: &Ask,
        at: WallTime,
    ) -> Result<AskId, StoreError> {
        let id = AskId::of(turn, &ask.request).to_string();
        let (turn, process_column) = (turn.to_string(), process.to_string());
        let kind = match ask.kind {
            AskKind::Permission { .. } => "permission",
            AskKind::Question { .. } => "question",
            AskKind::Plan { .. } => "plan",
            AskKind::Elicitation { .. } => "elicitation",
        };
        let body = to_json(ask, "asks.body")?;
        let stored = sqlx::query_scalar!(
            "INSERT INTO asks (id, turn, process, request, kind, body, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (process, request) DO UPDATE SET body = body RETURNING id",
            id,
            turn,
            process_column,
            ask.request,
            kind,
            body,
            at.0
        )
        .fetch_one(&mut *self.writer().await?)
        .await?;
        Ok(AskId(uuid(&stored, "asks.id")?))
    }

    /// Settles an open ask, with the answer that the CLI gets (none: it does not ask any more) and who gave it. Of several
    /// who try, one gets true.
    pub async fn settle_ask(
        &self,
        process: ProcessId,
        request: &str,
        state: AskState,
        answer: Option<&Answer>,
        by: Option<&Author>,
    ) -> Result<bool, StoreError> {
        let (process, state, now) = (process.to_string(), state.as_str(), self.now().0);
        let answer = answer.map(|answer| to_json(answer, "asks.answer")).transpose()?;
        let actor = by.map(|by| by.id);
        let (by, by_name) = (actor.map(|id| id.0.cast_signed()), by.map(|by| by.name.as_str()));
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        let settled = sqlx::query!(
            r#"UPDATE asks SET state = ?, answer = ?, settled_at = ?, settled_by = ?, settled_by_name = ?
               WHERE process = ? AND request = ? AND state = 'open'
               RETURNING id AS "id!", kind AS "kind!", body AS "body!""#,
            state,
            answer,
            now,
            by,
            by_name,
            process,
            request
        )
        .fetch_optional(&mut *transaction)
        .await?;
        if let Some(ask) = &settled {
            let detail = settled_detail(state, &ask.kind, &ask.body)?;
            let line = Line { actor, action: "answer", target: &ask.id, detail: &detail };
            append(&mut transaction, WallTime(now), line).await?;
        }
        transaction.commit().await?;
        Ok(settled.is_some())
    }

    /// What was said to the asks of a process: request, answer, and the name of who said it.
    pub async fn given_answers(
        &self,
        process: ProcessId,
    ) -> Result<Vec<(String, Answer, Option<String>)>, StoreError> {
        let process = process.to_string();
        let rows = sqlx::query!(
            r#"SELECT request, answer AS "answer!", settled_by_name FROM asks
               WHERE process = ? AND answer IS NOT NULL"#,
            process
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.into_iter()
            .map(|row| Ok((row.request, json(&row.answer, "asks.answer")?, row.settled_by_name)))
            .collect()
    }

    /// Keeps what was chosen so far of an open ask; false if it is settled already.
    pub async fn save_draft(
        &self,
        process: ProcessId,
        request: &str,
        draft: &Draft,
    ) -> Result<bool, StoreError> {
        let (process, draft) = (process.to_string(), to_json(draft, "asks.draft")?);
        let done = sqlx::query!(
            "UPDATE asks SET draft = ? WHERE process = ? AND request = ? AND state = 'open'",
            draft,
            process,
            request
        )
        .execute(&mut *self.writer().await?)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// What was chosen so far of the asks of a process that wait, by request.
    pub async fn drafts(&self, process: ProcessId) -> Result<Vec<(String, Draft)>, StoreError> {
        let process = process.to_string();
        let rows = sqlx::query!(
            r#"SELECT request, draft AS "draft!" FROM asks
               WHERE process = ? AND draft IS NOT NULL AND state = 'open'"#,
            process
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.into_iter().map(|row| Ok((row.request, json(&row.draft, "asks.draft")?))).collect()
    }

    /// What was chosen so far of an ask; nothing, if there is no such ask.
    pub async fn draft(&self, id: AskId) -> Result<Draft, StoreError> {
        let id = id.to_string();
        let draft = sqlx::query_scalar!("SELECT draft FROM asks WHERE id = ?", id)
            .fetch_optional(&mut *self.reader().await?)
            .await?
            .flatten();
        draft.map_or_else(|| Ok(Draft::default()), |draft| json(&draft, "asks.draft"))
    }

    /// The ask, if there is one.
    pub async fn ask(&self, id: AskId) -> Result<Option<StoredAsk>, StoreError> {
        let id = id.to_string();
        let row = sqlx::query_as!(
            Row,
            "SELECT id, turn, process, body, state, settled_by_name, created_at FROM asks WHERE id = ?",
            id
        )
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        row.map(Row::into_ask).transpose()
    }

    /// When a process waited for people in a turn, by when that began.
    pub async fn waits_for_people(&self, turn: TurnId, process: ProcessId) -> Result<Vec<Wait>, StoreError> {
        let (turn, process) = (turn.to_string(), process.to_string());
        let waits = sqlx::query!(
            "SELECT created_at, settled_at FROM asks WHERE turn = ? AND process = ? ORDER BY created_at",
            turn,
            process
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        Ok(waits
            .into_iter()
            .map(|wait| Wait { from: WallTime(wait.created_at), until: wait.settled_at.map(WallTime) })
            .collect())
    }

    /// Whose prompt a turn is for; none: the CLI began it by itself.
    pub async fn asker(&self, turn: TurnId) -> Result<Option<UserId>, StoreError> {
        let turn = turn.to_string();
        let author = sqlx::query_scalar!(
            "SELECT author FROM prompts JOIN turns ON turns.prompt = prompts.id WHERE turns.id = ?",
            turn
        )
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        Ok(author.map(|id| UserId(id.cast_unsigned())))
    }

    /// Whether a turn works at something that this person said: its prompt, one joined with that, or one that it heard.
    pub async fn has_part(&self, turn: TurnId, person: UserId) -> Result<bool, StoreError> {
        let (turn, person) = (turn.to_string(), person.0.cast_signed());
        let parts = sqlx::query_scalar!(
            "SELECT count(*) FROM prompts
             WHERE author = ?1 AND (turn = ?2 OR id = (SELECT prompt FROM turns WHERE turns.id = ?2))",
            person,
            turn
        )
        .fetch_one(&mut *self.reader().await?)
        .await?;
        Ok(parts > 0)
    }

    /// The asks that wait in a guild, or everywhere, oldest first: so many at most.
    pub async fn waiting_asks(
        &self,
        guild: Option<GuildId>,
        max: u32,
    ) -> Result<Vec<WaitingAsk>, StoreError> {
        let guild = guild.map(|id| id.0.cast_signed());
        let rows = sqlx::query!(
            r#"SELECT asks.id AS "id!", asks.turn AS "turn!", asks.process AS "process!", body AS "body!",
                      asks.state AS "state!", settled_by_name, asks.created_at AS "created_at!",
                      turns.conversation AS "conversation!",
                      (SELECT max(message) FROM slots WHERE slots.turn = asks.turn AND slots.state = 'sent') AS "card: i64"
               FROM asks JOIN turns ON turns.id = asks.turn JOIN conversations ON conversations.id = turns.conversation
               WHERE asks.state = 'open' AND (?1 IS NULL OR guild = ?1) ORDER BY asks.created_at, asks.rowid LIMIT ?2"#,
            guild,
            max
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let stored = Row {
                id: row.id,
                turn: row.turn,
                process: row.process,
                body: row.body,
                state: row.state,
                settled_by_name: row.settled_by_name,
                created_at: row.created_at,
            };
            all.push(WaitingAsk {
                stored: stored.into_ask()?,
                conversation: ConversationId(row.conversation.cast_unsigned()),
                card: row.card.map(|id| MessageId(id.cast_unsigned())),
            });
        }
        Ok(all)
    }

    /// The asks of a process that wait, oldest first.
    pub async fn open_asks(&self, process: ProcessId) -> Result<Vec<StoredAsk>, StoreError> {
        let process = process.to_string();
        let rows = sqlx::query_as!(
            Row,
            "SELECT id, turn, process, body, state, settled_by_name, created_at FROM asks
             WHERE process = ? AND state = 'open' ORDER BY created_at, rowid",
            process
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.into_iter().map(Row::into_ask).collect()
    }
}

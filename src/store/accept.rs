//! Prompts that arrive: each is stored with the watermark of the channel that it came from, both or neither. Everybody
//! who writes waits for that, so it takes two messages to the connection's thread
//! ([`script`](super::connection::Lent::script)).

use super::audit::{Line, next_entry};
use super::prompts::wish_word;
use super::row::to_json;
use super::{PromptState, Store, StoreError};
use crate::domain::ids::{ChannelId, MessageId};
use crate::domain::prompt::Prompt;
use crate::fail_point::{Point, pass};

/// What became of a prompt that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It is stored, where it was to stand.
    New,
    /// Its origin was seen before; nothing was stored.
    Duplicate,
}

/// The audit before: the number that was given last, and the last row's number and hash.
type Before = (Option<i64>, Option<i64>, Option<String>);

/// Where a prompt that arrives stands from then on.
struct Stands<'a> {
    state: PromptState,
    held_in: Option<ChannelId>,
    /// Why it is not taken, in words for people, who are to be told.
    refusal: Option<&'a str>,
    /// What the audit says of it.
    action: &'static str,
    /// Its row is written, and not committed.
    written: Point,
    /// It is committed, and nobody was told.
    stored: Point,
}

impl Store {
    /// Stores a prompt in the queue of its conversation (whose row must be there), and moves the watermark of the
    /// channel that it came from: both or neither. Only after this may anybody be told that it was accepted.
    pub async fn accept(
        &self,
        prompt: &Prompt,
        watermark: Option<(ChannelId, MessageId)>,
    ) -> Result<Accepted, StoreError> {
        let queued = Stands {
            state: PromptState::Queued,
            held_in: None,
            refusal: None,
            action: "prompt",
            written: Point::Accepting,
            stored: Point::Accepted,
        };
        self.arrived(prompt, watermark, queued).await
    }

    /// Stores a prompt that is not run unless somebody says so, and moves the watermark of the channel in which it
    /// stands: both or neither.
    pub async fn hold(
        &self,
        prompt: &Prompt,
        held_in: ChannelId,
        watermark: Option<(ChannelId, MessageId)>,
    ) -> Result<Accepted, StoreError> {
        let held = Stands {
            state: PromptState::Refused,
            held_in: Some(held_in),
            refusal: None,
            action: "held",
            written: Point::Holding,
            stored: Point::Held,
        };
        self.arrived(prompt, watermark, held).await
    }

    /// Stores a prompt that is not taken, with the reason in words for people, and moves the watermark: both or neither.
    /// Nobody needs to be told anything before: the reason is kept until it is posted ([`Store::refusals`]).
    pub async fn turn_away(
        &self,
        prompt: &Prompt,
        refusal: &str,
        watermark: Option<(ChannelId, MessageId)>,
    ) -> Result<Accepted, StoreError> {
        let refused = Stands {
            state: PromptState::Refused,
            held_in: None,
            refusal: Some(refusal),
            action: "refused",
            written: Point::Refusing,
            stored: Point::Refused,
        };
        self.arrived(prompt, watermark, refused).await
    }

    /// Stores a prompt, and a line in the audit. If its origin is known, only the watermark moves.
    async fn arrived(
        &self,
        prompt: &Prompt,
        watermark: Option<(ChannelId, MessageId)>,
        stands: Stands<'_>,
    ) -> Result<Accepted, StoreError> {
        let (now, id, key) = (self.now(), prompt.id.to_string(), prompt.origin.key());
        let origin = to_json(&prompt.origin, "prompts.origin")?;
        let attachments = to_json(&prompt.attachments, "prompts.attachments")?;
        let conversation = prompt.conversation.0.cast_signed();
        let author = prompt.author.id.0.cast_signed();
        let state = stands.state.as_str();
        let held_in = stands.held_in.map(|channel| channel.0.cast_signed());
        let wish = wish_word(prompt.wish);
        let mut writer = self.writer().await?;
        // No row: it is known. Without sqlx's macro, which crashes over subqueries in what is returned.
        let written: Result<Vec<Before>, _> = sqlx::query_as(
            "BEGIN IMMEDIATE;
             INSERT INTO prompts
             (id, origin_key, origin, conversation, author, author_name, text, attachments, state, received_at,
              accepted_at, held_in, wish, refusal)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
             RETURNING (SELECT seq FROM sqlite_sequence WHERE name = 'audit'),
                (SELECT seq FROM audit ORDER BY seq DESC LIMIT 1), (SELECT hash FROM audit ORDER BY seq DESC LIMIT 1)",
        )
        .bind(&id)
        .bind(&key)
        .bind(origin)
        .bind(conversation)
        .bind(author)
        .bind(&prompt.author.name)
        .bind(&prompt.text)
        .bind(attachments)
        .bind(state)
        .bind(prompt.received_at.0)
        .bind(now.0)
        .bind(held_in)
        .bind(wish)
        .bind(stands.refusal)
        .fetch_all(writer.script())
        .await;
        let written = match written {
            Ok(rows) => rows.into_iter().next(),
            Err(error) => return Ok(writer.ended(Err(error)).await?),
        };
        pass(stands.written).await;
        let accepted = if written.is_some() { Accepted::New } else { Accepted::Duplicate };
        let detail = match stands.refusal {
            // As `/why` tells it.
            Some(why) => why.to_owned(),
            None => format!("conversation={} origin={key}", prompt.conversation),
        };
        let line =
            Line { actor: Some(prompt.author.id), action: stands.action, target: &id, detail: &detail };
        let line = written.map(|(given, seq, hash)| next_entry(given, seq.zip(hash), now, line));
        let (channel, message) = watermark.unzip();
        let channel = channel.map(|channel| channel.0.cast_signed());
        let message = message.map(|message| message.0.cast_signed());
        let committed = match line {
            Some(line) => {
                let actor = line.actor.map(|id| id.0.cast_signed());
                let queued = stands.state == PromptState::Queued;
                sqlx::query!(
                    "INSERT INTO audit (seq, at, actor, action, target, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?);
                     UPDATE conversations SET last_active_at = ? WHERE id = ? AND ?;
                     INSERT INTO watermarks (channel, message) SELECT ?, ? WHERE ? IS NOT NULL
                     ON CONFLICT (channel) DO UPDATE SET message = max(message, excluded.message);
                     COMMIT",
                    line.seq,
                    line.at.0,
                    actor,
                    line.action,
                    line.target,
                    line.detail,
                    line.hash,
                    now.0,
                    conversation,
                    queued,
                    channel,
                    message,
                    channel
                )
                .execute(writer.script())
                .await
            }
            None => {
                sqlx::query!(
                    "INSERT INTO watermarks (channel, message) SELECT ?, ? WHERE ? IS NOT NULL
                     ON CONFLICT (channel) DO UPDATE SET message = max(message, excluded.message);
                     COMMIT",
                    channel,
                    message,
                    channel
                )
                .execute(writer.script())
                .await
            }
        };
        writer.ended(committed).await?;
        pass(stands.stored).await;
        Ok(accepted)
    }
}

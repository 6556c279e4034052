//! Performs the outbox's operations over serenity's Http, and tells what an error means for the next attempt. The only
//! place that sends to channels: whatever is sent or edited here pings nobody but the one person that a body names.

use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use serde_json::json;
use serenity::all::{CreateAttachment, Http, HttpError, MessageFlags, ReactionType};

use super::Thread;
use crate::domain::action::{Button, ButtonStyle};
use crate::domain::ids::{ChannelId, MessageId};
use crate::render::message::{BUTTONS_MAX, MessageBody};

/// Discord's global limit is 50 requests a second over all routes; serenity does not hold other tasks back after a
/// global 429, so we stay below it.
const CALLS_PER_SEC_MAX: NonZeroU32 = NonZeroU32::new(40).expect("40 is not zero");
/// One call, including what serenity's limiter sleeps (it may sleep for an hour).
const CALL_MAX: Duration = Duration::from_mins(1);
/// A thread without messages for this long is archived, in minutes: a week, Discord's longest.
const THREAD_ARCHIVED_AFTER_MIN: u16 = 10_080;

/// So many buttons stand side by side (docs: components/reference, Action Row).
const BUTTONS_IN_ROW: usize = 5;

/// Discord as the outbox needs it. One implementation talks to Discord, others stand in for it in tests.
#[async_trait]
pub trait Discord: Send + Sync + 'static {
    /// Posts a message; `custom_ids` are those of its buttons, in their order. With the same nonce it is posted once, however often this is called within a few minutes.
    async fn create(
        &self,
        channel: ChannelId,
        body: &MessageBody,
        custom_ids: &[String],
        nonce: &str,
    ) -> Result<MessageId, DeliverError>;
    /// Changes a message of ours.
    async fn edit(
        &self,
        channel: ChannelId,
        message: MessageId,
        body: &MessageBody,
        custom_ids: &[String],
    ) -> Result<(), DeliverError>;
    /// Removes a message of ours.
    async fn delete(&self, channel: ChannelId, message: MessageId) -> Result<(), DeliverError>;
    /// Adds a reaction of ours.
    async fn react(&self, channel: ChannelId, message: MessageId, emoji: &str) -> Result<(), DeliverError>;
    /// Removes a reaction of ours.
    async fn unreact(&self, channel: ChannelId, message: MessageId, emoji: &str) -> Result<(), DeliverError>;
    /// Shows the typing indicator for ten seconds.
    async fn typing(&self, channel: ChannelId) -> Result<(), DeliverError>;
    /// Opens a thread on a message; fine if it is open already.
    async fn open_thread(&self, thread: &Thread) -> Result<(), DeliverError>;
    /// Brings a thread back from the archive.
    async fn unarchive(&self, thread: ChannelId) -> Result<(), DeliverError>;
}

/// What an error means for the next attempt.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// It may go through later: connection failures, timeouts, 429, 5xx. Whether it was applied is not known.
    #[error("failed to reach Discord")]
    Retry {
        /// The cause.
        error: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The thread is archived (50083).
    #[error("the thread is archived")]
    Archived,
    /// The message or channel is not there (any more).
    #[error("not there any more: {0}")]
    Gone(String),
    /// Discord will not do it, today or tomorrow.
    #[error("refused by Discord: {0}")]
    Refused(String),
}

/// Discord over serenity's Http.
pub struct SerenityDiscord {
    http: Http,
    calls: DefaultDirectRateLimiter,
}

impl SerenityDiscord {
    /// Delivers through this client; its rate limiter must be on.
    pub fn new(http: Http) -> Self {
        Self { http, calls: RateLimiter::direct(Quota::per_second(CALLS_PER_SEC_MAX)) }
    }

    async fn call<T>(&self, call: impl Future<Output = serenity::Result<T>>) -> Result<T, DeliverError> {
        self.calls.until_ready().await;
        match tokio::time::timeout(CALL_MAX, call).await {
            Ok(result) => result.map_err(classify),
            Err(elapsed) => Err(DeliverError::Retry { error: elapsed.into() }),
        }
    }
}

#[async_trait]
impl Discord for SerenityDiscord {
    async fn create(
        &self,
        channel: ChannelId,
        body: &MessageBody,
        custom_ids: &[String],
        nonce: &str,
    ) -> Result<MessageId, DeliverError> {
        let mut map = content(body, custom_ids);
        if let Some(person) = body.ping {
            map["allowed_mentions"]["users"] = json!([person.to_string()]);
        }
        map["nonce"] = json!(nonce);
        map["enforce_nonce"] = json!(true);
        if let Some(reply_to) = body.reply_to {
            // The prompt may be deleted meanwhile: then the answer stands alone.
            map["message_reference"] =
                json!({ "message_id": reply_to.to_string(), "fail_if_not_exists": false });
        }
        let sent = self.call(self.http.send_message(channel.0.into(), files(body), &map)).await?;
        Ok(MessageId(sent.id.get()))
    }

    async fn edit(
        &self,
        channel: ChannelId,
        message: MessageId,
        body: &MessageBody,
        custom_ids: &[String],
    ) -> Result<(), DeliverError> {
        let mut map = content(body, custom_ids);
        // Only files that are uploaded with this call stay; without any, what was attached goes.
        let uploads: Vec<_> = (0..body.files.len())
            .map(|index| json!({ "id": index, "filename": body.files[index].name }))
            .collect();
        map["attachments"] = json!(uploads);
        self.call(self.http.edit_message(channel.0.into(), message.0.into(), &map, files(body))).await?;
        Ok(())
    }

    async fn delete(&self, channel: ChannelId, message: MessageId) -> Result<(), DeliverError> {
        self.call(self.http.delete_message(channel.0.into(), message.0.into(), None)).await
    }

    async fn react(&self, channel: ChannelId, message: MessageId, emoji: &str) -> Result<(), DeliverError> {
        let emoji = ReactionType::Unicode(emoji.to_owned());
        self.call(self.http.create_reaction(channel.0.into(), message.0.into(), &emoji)).await
    }

    async fn unreact(&self, channel: ChannelId, message: MessageId, emoji: &str) -> Result<(), DeliverError> {
        let emoji = ReactionType::Unicode(emoji.to_owned());
        self.call(self.http.delete_reaction_me(channel.0.into(), message.0.into(), &emoji)).await
    }

    async fn typing(&self, channel: ChannelId) -> Result<(), DeliverError> {
        self.call(self.http.broadcast_typing(channel.0.into())).await
    }

    async fn open_thread(&self, thread: &Thread) -> Result<(), DeliverError> {
        let map = json!({ "name": thread.name, "auto_archive_duration": THREAD_ARCHIVED_AFTER_MIN });
        let call =
            self.http.create_thread_from_message(thread.parent.0.into(), thread.message.0.into(), &map, None);
        match self.call(call).await {
            Ok(_) => Ok(()),
            // 160004: a thread was created for this message already.
            Err(DeliverError::Refused(why)) if why.starts_with("160004") => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn unarchive(&self, thread: ChannelId) -> Result<(), DeliverError> {
        let map = json!({ "archived": false });
        self.call(self.http.edit_thread(thread.0.into(), &map, None)).await?;
        Ok(())
    }
}

/// The part that creating and editing share. `parse: []` is what keeps every mention in it from pinging.
fn content(body: &MessageBody, custom_ids: &[String]) -> serde_json::Value {
    json!({
        "content": body.content,
        "components": rows(&body.buttons, custom_ids),
        "flags": MessageFlags::SUPPRESS_EMBEDS.bits(),
        "allowed_mentions": { "parse": [], "replied_user": false },
    })
}

/// Buttons in action rows (docs: components/reference). Without any the message has none, whatever it had before.
fn rows(buttons: &[Button], custom_ids: &[String]) -> serde_json::Value {
    let buttons: Vec<_> = buttons.iter().zip(custom_ids).take(BUTTONS_MAX).map(button).collect();
    let rows = buttons.chunks(BUTTONS_IN_ROW).map(|row| json!({ "type": 1, "components": row }));
    rows.collect()
}

fn button((button, custom_id): (&Button, &String)) -> serde_json::Value {
    let style = match button.style {
        ButtonStyle::Primary => 1,
        ButtonStyle::Secondary => 2,
        ButtonStyle::Success => 3,
        ButtonStyle::Danger => 4,
    };
    let mut map = json!({ "type": 2, "style": style, "label": button.label, "custom_id": custom_id });
    if let Some(emoji) = &button.emoji {
        map["emoji"] = json!({ "name": emoji });
    }
    map
}

fn files(body: &MessageBody) -> Vec<CreateAttachment> {
    body.files.iter().map(|file| CreateAttachment::bytes(file.bytes.clone(), file.name.clone())).collect()
}

fn classify(error: serenity::Error) -> DeliverError {
    let serenity::Error::Http(HttpError::UnsuccessfulRequest(response)) = &error else {
        return DeliverError::Retry { error: error.into() };
    };
    let (status, code) = (response.status_code.as_u16(), response.error.code);
    let why = format!("{code} {} (HTTP {status})", response.error.message);
    match (status, code) {
        // A token may be refused in passing (RELIABILITY F46): the message is not lost for it. 130000: overloaded.
        (401 | 408 | 429 | 500.., _) | (_, 130_000 | 20_028) => DeliverError::Retry { error: error.into() },
        (_, 50_083) => DeliverError::Archived,
        // 10003 channel, 10008 message, 10014 emoji.
        (404, _) => DeliverError::Gone(why),
        _ => DeliverError::Refused(why),
    }
}

//! Performs the outbox's operations over serenity's Http, and tells what an error means for the next attempt. The only
//! place that sends to channels: whatever is sent or edited here pings nobody but the one person that a body names.

pub mod routes;

use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use serenity::all::{CreateAttachment, Http, HttpError, Message, MessageFlags, MessageType, ReactionType};
use serenity::http::MessagePagination;
use serenity::model::channel::Nonce;
use tokio::sync::OnceCell;

use routes::Routes;

use super::Thread;
use super::breaker::Breaker;
use super::calls::Calls;
use super::plan::Found;
use crate::clock::Clock;
use crate::domain::action::{Button, ButtonStyle, Menu};
use crate::domain::ids::{ChannelId, MessageId, UserId};
use crate::render::message::{BUTTONS_IN_ROW, MessageBody, ROWS_MAX};

/// One call, including what serenity's limiter sleeps (it may sleep for an hour).
const CALL_MAX: Duration = Duration::from_mins(1);
/// A lookup reads so many messages at a time, and no more than so many times (docs: resources/message, at most 100).
const LOOK_UP_MESSAGES: u8 = 100;
const LOOK_UP_PAGES_MAX: usize = 20;
/// A thread without messages for this long is archived, in minutes: a week, Discord's longest.
const THREAD_ARCHIVED_AFTER_MIN: u16 = 10_080;

/// Discord as the outbox needs it. One implementation talks to Discord, others stand in for it in tests.
#[async_trait]
pub trait Discord: Send + Sync + 'static {
    /// Posts a message; `custom_ids` are those of its menus and buttons, in their order. With the same nonce it is posted once, however often this is called within a few minutes.
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
    /// Shows the typing indicator for ten seconds, unless there is more urgent to do.
    async fn typing(&self, channel: ChannelId) -> Result<(), DeliverError>;
    /// Opens a thread on a message; fine if it is open already.
    async fn open_thread(&self, thread: &Thread) -> Result<(), DeliverError>;
    /// Messages of ours that follow this one in the channel, oldest first. Answers to interactions and what Discord
    /// writes by itself are left out.
    async fn own_after(&self, channel: ChannelId, after: MessageId) -> Result<Vec<Found>, DeliverError>;
    /// The emoji that we reacted with.
    async fn own_reactions(
        &self,
        channel: ChannelId,
        message: MessageId,
    ) -> Result<Vec<String>, DeliverError>;
    /// Brings a thread back from the archive.
    async fn unarchive(&self, thread: ChannelId) -> Result<(), DeliverError>;
    /// The channel of a person's direct messages with the bot.
    async fn direct(&self, person: UserId) -> Result<ChannelId, DeliverError>;
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
    /// The message is not there any more (10008).
    #[error("not there any more: {0}")]
    MessageGone(String),
    /// The channel is not there any more.
    #[error("not there any more: {0}")]
    ChannelGone(String),
    /// The message is older than an hour, and took all the edits that it may (30046).
    #[error("edited too often: {0}")]
    Worn(String),
    /// Discord does not take this body, today or tomorrow. Another one may pass.
    #[error("refused by Discord: {0}")]
    Body(String),
    /// The channel takes nothing from us, until somebody changes that.
    #[error("refused by Discord: {said}")]
    Closed {
        /// Why.
        why: Closed,
        /// Discord's words.
        said: String,
    },
}

/// Why a channel takes nothing from us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// We cannot see it, or may not write there (50001, 50013 and any other 403).
    Permission,
    /// The thread is locked (160005).
    Locked,
    /// No thread can be opened: as many are active as Discord allows (160006).
    TooManyThreads,
}

/// Discord over serenity's Http.
pub struct SerenityDiscord {
    http: Http,
    me: OnceCell<serenity::all::UserId>,
    calls: Calls,
    breaker: Breaker,
    routes: Routes,
    clock: Clock,
}

impl SerenityDiscord {
    /// Delivers through this client; its rate limiter must be on. Each request is one of `calls`, and what Discord refuses
    /// is counted by `breaker`.
    pub fn new(http: Http, breaker: Breaker, calls: Calls, clock: Clock) -> Self {
        Self { http, me: OnceCell::new(), calls, breaker, routes: Routes::default(), clock }
    }

    async fn call<T>(&self, call: impl Future<Output = serenity::Result<T>>) -> Result<T, DeliverError> {
        self.calls.ready().await;
        self.send(call).await
    }

    /// Makes a call that is counted already.
    async fn send<T>(&self, call: impl Future<Output = serenity::Result<T>>) -> Result<T, DeliverError> {
        self.breaker.ready().await;
        self.routes.forget(&self.http, self.clock).await;
        match tokio::time::timeout(CALL_MAX, call).await {
            Ok(result) => result.map_err(|error| {
                if let serenity::Error::Http(HttpError::UnsuccessfulRequest(response)) = &error {
                    self.breaker.note(response.status_code.as_u16());
                }
                classify(error)
            }),
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
        if !self.calls.spare() {
            return Ok(());
        }
        self.send(self.http.broadcast_typing(channel.0.into())).await
    }

    async fn open_thread(&self, thread: &Thread) -> Result<(), DeliverError> {
        let map = json!({ "name": thread.name, "auto_archive_duration": THREAD_ARCHIVED_AFTER_MIN });
        let call =
            self.http.create_thread_from_message(thread.parent.0.into(), thread.message.0.into(), &map, None);
        match self.call(call).await {
            Ok(_) => Ok(()),
            // A thread was created for this message already.
            Err(DeliverError::Body(said)) if said.starts_with("160004") => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn own_after(&self, channel: ChannelId, after: MessageId) -> Result<Vec<Found>, DeliverError> {
        let me =
            self.call(self.me.get_or_try_init(async || Ok(self.http.get_current_user().await?.id))).await?;
        let (mut after, mut found) = (after, Vec::new());
        for _ in 0..LOOK_UP_PAGES_MAX {
            let page = Some(MessagePagination::After(after.0.into()));
            let messages =
                self.call(self.http.get_messages(channel.0.into(), page, Some(LOOK_UP_MESSAGES))).await?;
            let Some(newest) = messages.iter().map(|message| message.id.get()).max() else { break };
            after = MessageId(newest);
            found.extend(messages.iter().filter(|message| is_own(message, *me)).map(as_found));
            if messages.len() < usize::from(LOOK_UP_MESSAGES) {
                break;
            }
        }
        found.sort_by_key(|found| found.message);
        Ok(found)
    }

    async fn own_reactions(
        &self,
        channel: ChannelId,
        message: MessageId,
    ) -> Result<Vec<String>, DeliverError> {
        let message = self.call(self.http.get_message(channel.0.into(), message.0.into())).await?;
        let own = message.reactions.into_iter().filter(|reaction| reaction.me);
        let emoji = own.filter_map(|reaction| match reaction.reaction_type {
            ReactionType::Unicode(emoji) => Some(emoji),
            _ => None,
        });
        Ok(emoji.collect())
    }

    async fn unarchive(&self, thread: ChannelId) -> Result<(), DeliverError> {
        let map = json!({ "archived": false });
        self.call(self.http.edit_thread(thread.0.into(), &map, None)).await?;
        Ok(())
    }

    async fn direct(&self, person: UserId) -> Result<ChannelId, DeliverError> {
        let map = json!({ "recipient_id": person.to_string() });
        let channel = self.call(self.http.create_private_channel(&map)).await?;
        Ok(ChannelId(channel.id.get()))
    }
}

/// The part that creating and editing share. `parse: []` is what keeps every mention in it from pinging.
fn content(body: &MessageBody, custom_ids: &[String]) -> serde_json::Value {
    json!({
        "content": body.content,
        "components": rows(body, custom_ids),
        "flags": MessageFlags::SUPPRESS_EMBEDS.bits(),
        "allowed_mentions": { "parse": [], "replied_user": false },
    })
}

/// Menus and buttons in action rows (docs: components/reference). Without any the message has none, whatever it had
/// before.
fn rows(body: &MessageBody, custom_ids: &[String]) -> serde_json::Value {
    let (for_menus, for_buttons) = custom_ids.split_at(body.menus.len().min(custom_ids.len()));
    let menus = body.menus.iter().zip(for_menus).map(|menu_and_id| vec![menu(menu_and_id)]);
    let buttons: Vec<_> = body.buttons.iter().zip(for_buttons).map(button).collect();
    let rows = menus.chain(buttons.chunks(BUTTONS_IN_ROW).map(<[_]>::to_vec)).take(ROWS_MAX);
    rows.map(|row| json!({ "type": 1, "components": row })).collect()
}

fn menu((menu, custom_id): (&Menu, &String)) -> serde_json::Value {
    let items = menu.items.iter().enumerate().map(|(number, item)| {
        let mut option = json!({ "label": item.label, "value": number.to_string(), "default": item.chosen });
        if !item.description.is_empty() {
            option["description"] = json!(item.description);
        }
        option
    });
    let (min, max) = if menu.several { (0, menu.items.len()) } else { (1, 1) };
    json!({
        "type": 3, "custom_id": custom_id, "placeholder": menu.placeholder, "min_values": min, "max_values": max,
        "options": items.collect::<Vec<_>>(),
    })
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

/// What the outbox posted, and nobody but the outbox posts so: no answer to an interaction, no note that a thread began.
fn is_own(message: &Message, me: serenity::all::UserId) -> bool {
    message.author.id == me
        && message.webhook_id.is_none()
        && message.interaction_metadata.is_none()
        && matches!(message.kind, MessageType::Regular | MessageType::InlineReply)
}

fn as_found(message: &Message) -> Found {
    let reference = message.message_reference.as_ref();
    Found {
        message: MessageId(message.id.get()),
        reply_to: reference.and_then(|reference| reference.message_id).map(|id| MessageId(id.get())),
        nonce: message.nonce.as_ref().map(|nonce| match nonce {
            Nonce::String(nonce) => nonce.clone(),
            Nonce::Number(nonce) => nonce.to_string(),
        }),
    }
}

fn files(body: &MessageBody) -> Vec<CreateAttachment> {
    body.files.iter().map(|file| CreateAttachment::bytes(file.bytes.clone(), file.name.clone())).collect()
}

fn classify(error: serenity::Error) -> DeliverError {
    let serenity::Error::Http(HttpError::UnsuccessfulRequest(response)) = &error else {
        return DeliverError::Retry { error: error.into() };
    };
    let (status, code) = (response.status_code.as_u16(), response.error.code);
    let said = format!("{code} {} (HTTP {status})", response.error.message);
    match (status, code) {
        // A token may be refused in passing (RELIABILITY F46): the message is not lost for it. 130000: overloaded.
        (401 | 408 | 429 | 500.., _) | (_, 130_000 | 20_028) => DeliverError::Retry { error: error.into() },
        (_, 50_083) => DeliverError::Archived,
        (_, 30_046) => DeliverError::Worn(said),
        (_, 160_005) => DeliverError::Closed { why: Closed::Locked, said },
        (_, 160_006) => DeliverError::Closed { why: Closed::TooManyThreads, said },
        (_, 10_008) => DeliverError::MessageGone(said),
        (404, _) => DeliverError::ChannelGone(said),
        (403, _) => DeliverError::Closed { why: Closed::Permission, said },
        _ => DeliverError::Body(said),
    }
}

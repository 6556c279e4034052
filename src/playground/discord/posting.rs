//! Messages, whoever writes them: the state changes, the gateway and the page hear of it.

use bytes::Bytes;
use serde_json::{Value, json};

use super::PageEvent;
use super::intents::Kind;
use super::look::Pinged;
use super::mentions::mentions;
use super::state::{Message, State, StoredFile};
use super::{InteractionId, permissions as may};
use crate::domain::ids::{ChannelId, MessageId, RoleId, UserId};

/// The flag of a message that only one person sees.
pub(super) const EPHEMERAL: u64 = 1 << 6;
/// The flag of a message that says "thinking…".
pub(super) const LOADING: u64 = 1 << 7;
/// Flags that a client may set: no embeds, no notification, no embeds of links.
pub(super) const SETTABLE: u64 = 1 << 2 | 1 << 12;

/// A message to be.
#[derive(Debug, Clone)]
pub(super) struct NewMessage {
    pub(super) author: UserId,
    pub(super) channel: ChannelId,
    pub(super) kind: u8,
    pub(super) content: String,
    pub(super) embeds: Value,
    pub(super) components: Value,
    pub(super) files: Vec<Upload>,
    pub(super) reply_to: Option<MessageId>,
    pub(super) nonce: Option<Value>,
    /// `allowed_mentions` as it was sent.
    pub(super) allowed: Value,
    pub(super) flags: u64,
    pub(super) webhook: bool,
    pub(super) interaction: Option<InteractionId>,
    pub(super) only_for: Option<UserId>,
}

impl NewMessage {
    pub(super) fn plain(author: UserId, channel: ChannelId, content: &str) -> Self {
        Self {
            author,
            channel,
            kind: 0,
            content: content.to_owned(),
            embeds: json!([]),
            components: json!([]),
            files: Vec::new(),
            reply_to: None,
            nonce: None,
            allowed: Value::Null,
            flags: 0,
            webhook: false,
            interaction: None,
            only_for: None,
        }
    }
}

/// A file to be.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    /// Its number in the request (`files[n]`).
    pub(super) number: u64,
    pub(super) name: String,
    pub(super) content_type: Option<String>,
    pub(super) description: Option<String>,
    pub(super) bytes: Bytes,
}

impl State {
    /// Tells the page.
    pub(super) fn tell(&self, kind: &'static str, only_for: Option<UserId>, data: Value) {
        // Nobody looks: nobody misses it.
        let _ = self.page.send(PageEvent { kind, data, only_for });
    }

    pub(super) fn store_file(&mut self, channel: ChannelId, upload: Upload) -> u64 {
        let id = self.new_id();
        let name = upload.name.replace(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | '-' | '_'), "_");
        let Upload { content_type, description, bytes, .. } = upload;
        self.files.insert(id, StoredFile { channel, name, content_type, description, bytes });
        id
    }

    /// Puts a message into its channel, and tells everybody.
    pub(super) fn post(&mut self, new: NewMessage) -> MessageId {
        let id = self.post_quietly(new);
        self.announce("MESSAGE_CREATE", id);
        id
    }

    /// Puts a message into its channel; the caller announces it.
    pub(super) fn post_quietly(&mut self, new: NewMessage) -> MessageId {
        let id = MessageId(self.new_id());
        let attachments = new.files.into_iter().map(|file| self.store_file(new.channel, file)).collect();
        let replied_to = new.reply_to.and_then(|id| self.live_message(id)).map(|replied| replied.author);
        let found = mentions(&new.content, &new.allowed, replied_to);
        let may_all = self.permissions_in(new.author, new.channel) & may::MENTION_EVERYONE != 0;
        let everyone = found.everyone && may_all;
        let created = self.wall();
        let message = Message {
            id,
            channel: new.channel,
            author: new.author,
            kind: new.kind,
            history: vec![(created, new.content.clone())],
            content: new.content,
            created,
            edited: None,
            flags: new.flags,
            embeds: with_kinds(new.embeds),
            components: with_ids(new.components),
            attachments,
            reply_to: new.reply_to,
            nonce: new.nonce,
            mentions: found.users.iter().copied().collect(),
            mention_roles: found.roles.iter().map(|role| role.0).collect(),
            mention_everyone: everyone,
            reactions: Vec::new(),
            pinned: false,
            webhook: new.webhook,
            interaction: new.interaction,
            only_for: new.only_for,
            deleted: false,
        };
        self.messages.insert(id, message);
        if new.only_for.is_none() && new.flags & LOADING == 0 {
            self.record_pings(id, &found, may_all);
        }
        if new.only_for.is_none() {
            self.count_in_channel(new.channel, new.author, id, &found.users);
        }
        if self.typing.remove(&(new.channel, new.author)).is_some() {
            self.tell_typing("TYPING_STOP", new.channel, new.author);
        }
        id
    }

    /// Who hears of a message. Roles ping only where they may; nobody pings themselves.
    fn record_pings(&mut self, id: MessageId, found: &super::mentions::Mentions, may_all: bool) {
        let author = self.messages.get(&id).map(|message| message.author);
        let known = |user: &&UserId| self.world.person(**user).is_some() && Some(**user) != author;
        let mut pinged: Vec<_> = found.users.iter().filter(known).map(|user| Pinged::User(*user)).collect();
        let loud = |role: &&RoleId| {
            self.world.roles.iter().any(|known| known.id == **role && (known.mentionable || may_all))
        };
        pinged.extend(found.roles.iter().filter(loud).map(|role| Pinged::Role(*role)));
        if found.everyone && may_all {
            pinged.push(Pinged::Everyone);
        }
        self.pings.extend(pinged.into_iter().map(|who| (id, who)));
    }

    /// A message wakes an archived thread, and brings its author and whom it mentions into it.
    fn count_in_channel<'a>(
        &mut self,
        channel: ChannelId,
        author: UserId,
        id: MessageId,
        mentioned: impl IntoIterator<Item = &'a UserId>,
    ) {
        let joining: Vec<_> = mentioned.into_iter().copied().chain([author]).collect();
        let Some(place) = self.channels.get_mut(&channel) else { return };
        place.last_message = Some(id);
        let Some(thread) = &mut place.thread else { return };
        thread.message_count += 1;
        let woken = std::mem::take(&mut thread.archived);
        if woken {
            self.announce_channel("THREAD_UPDATE", channel);
        }
        for user in joining {
            if self.world.person(user).is_some() {
                self.join_thread(channel, user);
            }
        }
    }

    /// Sends a message's event to the gateway and to the page.
    pub(super) fn announce(&mut self, name: &'static str, id: MessageId) {
        let Some(message) = self.messages.get(&id) else { return };
        let (channel, only_for) = (message.channel, message.only_for);
        let page = self.page_message(message);
        if only_for.is_none() {
            let event = self.message_event(message);
            self.dispatch(name, Kind::Message, Some(channel), &event);
        }
        self.tell(name, only_for, page);
    }

    /// A message as the page shows it: also who reacted, and whether only one person sees it.
    pub(super) fn page_message(&self, message: &Message) -> Value {
        let mut object = self.message_event(message);
        object["ephemeral"] = message.only_for.is_some().into();
        object["thinking"] = (message.flags & LOADING != 0).into();
        object["reactions"] = super::reactions::reactions(message);
        object
    }

    /// Changes a message by `change`; `None` for the content leaves it.
    pub(super) fn edit_message(
        &mut self,
        id: MessageId,
        content: Option<String>,
        change: impl FnOnce(&mut Message),
    ) {
        let wall = self.wall();
        let reply_to = self.messages.get(&id).and_then(|message| message.reply_to);
        let replied_to = reply_to.and_then(|id| self.live_message(id)).map(|replied| replied.author);
        let Some(message) = self.messages.get_mut(&id) else { return };
        let thinking = message.flags & LOADING != 0;
        if let Some(content) = content {
            if content != message.content {
                message.history.push((wall, content.clone()));
            }
            let found = mentions(&content, &Value::Null, replied_to);
            message.mentions = found.users.into_iter().collect();
            message.content = content;
        }
        // Last: an edit by the API may say whom it mentions.
        change(message);
        message.embeds = with_kinds(message.embeds.take());
        message.components = with_ids(message.components.take());
        if thinking {
            // The first answer to a deferred interaction is not an edit for anybody.
            message.flags &= !LOADING;
        } else {
            message.edited = Some(wall);
        }
        self.announce("MESSAGE_UPDATE", id);
    }

    pub(super) fn delete_message(&mut self, id: MessageId) {
        let Some(message) = self.messages.get_mut(&id) else { return };
        if std::mem::replace(&mut message.deleted, true) {
            return;
        }
        let (channel, only_for) = (message.channel, message.only_for);
        let data = json!({"id": id.to_string(), "channel_id": channel.to_string(),
            "guild_id": self.world.guild.to_string()});
        if only_for.is_none() {
            self.dispatch("MESSAGE_DELETE", Kind::Message, Some(channel), &data);
        }
        self.tell("MESSAGE_DELETE", only_for, data);
    }
}

/// Discord says what kind of embed each is.
fn with_kinds(embeds: Value) -> Value {
    let mut embeds = if embeds.is_array() { embeds } else { json!([]) };
    for embed in embeds.as_array_mut().into_iter().flatten() {
        if embed["type"].is_null() {
            embed["type"] = "rich".into();
        }
    }
    embeds
}

/// Discord numbers the components of a message.
fn with_ids(components: Value) -> Value {
    let mut components = if components.is_array() { components } else { json!([]) };
    let mut number = 0;
    for row in components.as_array_mut().into_iter().flatten() {
        number += 1;
        row["id"] = number.into();
        for item in row["components"].as_array_mut().into_iter().flatten() {
            number += 1;
            item["id"] = number.into();
        }
    }
    components
}

//! What the chat page needs beyond what tests look at.

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::reactions::TYPING_LASTS;
use super::rules::snowflake;
use super::state::State;
use super::{EmbeddedDiscord, PageEvent};
use crate::domain::ids::{ChannelId, MessageId, UserId};

impl EmbeddedDiscord {
    /// What the page of `viewer` should show from now on.
    pub fn subscribe(&self, viewer: UserId) -> PageFeed {
        PageFeed { viewer, receive: self.shared.look(|state| state.page.subscribe()) }
    }

    /// All that the page of `viewer` shows at first (see `playground/page.rs`).
    pub fn page_state(&self, viewer: UserId) -> Value {
        self.shared.look(|state| state.page_state(viewer))
    }

    /// Who this is, if they are somebody who can use the page.
    pub(in crate::playground) fn page_person(&self, id: &Value) -> Option<UserId> {
        self.shared.look(|state| state.page_person(id))
    }

    /// The first person who is no bot.
    pub(in crate::playground) fn page_first_person(&self) -> Option<UserId> {
        self.shared.look(|state| state.world.people.iter().find(|person| !person.bot).map(|person| person.id))
    }

    /// Whether there is such a channel.
    pub(in crate::playground) fn page_channel(&self, id: &Value) -> Option<ChannelId> {
        let id = ChannelId(snowflake(id)?);
        self.shared.look(|state| state.channels.contains_key(&id)).then_some(id)
    }

    /// Whether there is such a message, and who wrote it.
    pub(in crate::playground) fn page_message(&self, id: &Value) -> Option<(MessageId, UserId)> {
        let id = MessageId(snowflake(id)?);
        self.shared.look(|state| state.live_message(id).map(|message| (id, message.author)))
    }

    /// Whether somebody may delete messages of others.
    pub(in crate::playground) fn may_manage_messages(&self, user: UserId) -> bool {
        self.shared.look(|state| state.guild_permissions(user) & super::permissions::MANAGE_MESSAGES != 0)
    }

    /// A stored file with its media type, for the page.
    pub(in crate::playground) fn page_file(&self, id: u64) -> Option<(Option<String>, String, Bytes)> {
        let file = self.shared.look(|state| state.files.get(&id).cloned())?;
        Some((file.content_type, file.name, file.bytes))
    }

    /// Ends when this Discord does.
    pub(in crate::playground) fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let stop = self.shared.stop.clone();
        async move { stop.cancelled().await }
    }
}

/// Page events, as one person gets them.
#[derive(Debug)]
pub struct PageFeed {
    viewer: UserId,
    receive: broadcast::Receiver<PageEvent>,
}

impl PageFeed {
    /// The next event. `None`: Discord ended, or the reader was so slow that events are lost; begin anew.
    pub async fn next(&mut self) -> Option<PageEvent> {
        loop {
            let event = self.receive.recv().await.ok()?;
            if event.only_for.is_none_or(|person| person == self.viewer) {
                return Some(event);
            }
        }
    }
}

impl State {
    fn page_state(&self, viewer: UserId) -> Value {
        let people = self.world.people.iter().map(|person| {
            json!({"id": person.id.to_string(), "name": person.name, "bot": person.bot, "label": person.label,
                "color": format!("#{:06x}", person.color),
                "roles": person.roles.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "permissions": self.guild_permissions(person.id).to_string()})
        });
        let threads = self.channels.values().filter(|channel| channel.is_thread());
        let channels = self.text_channels().chain(threads).map(|channel| {
            let mut object = self.channel(channel);
            object["archived"] = channel.thread.as_ref().is_some_and(|thread| thread.archived).into();
            object["locked"] = channel.thread.as_ref().is_some_and(|thread| thread.locked).into();
            object
        });
        let mut messages = json!({});
        for message in self.messages.values().filter(|message| !message.deleted) {
            if message.only_for.is_some_and(|person| person != viewer) {
                continue;
            }
            let list = &mut messages[message.channel.to_string()];
            if list.is_null() {
                *list = json!([]);
            }
            if let Some(list) = list.as_array_mut() {
                list.push(self.page_message(message));
            }
        }
        let mut typing = json!({});
        let now = self.now();
        for ((channel, user), since) in &self.typing {
            if now.since(*since) < TYPING_LASTS {
                let list = &mut typing[channel.to_string()];
                match list.as_array_mut() {
                    Some(list) => list.push(user.to_string().into()),
                    None => *list = json!([user.to_string()]),
                }
            }
        }
        let commands: Vec<_> = self.guild_commands.iter().chain(&self.global_commands).collect();
        json!({
            "me": viewer.to_string(), "people": people.collect::<Vec<_>>(), "roles": self.roles(),
            "guild": {"id": self.world.guild.to_string(), "name": self.world.guild_name},
            "channels": channels.collect::<Vec<_>>(), "commands": commands, "messages": messages, "typing": typing,
            "bot": {"id": self.world.bot.to_string(), "connected": self.sessions.connected() > 0},
        })
    }

    /// Who this is, if they are somebody who can use the page.
    pub(super) fn page_person(&self, id: &Value) -> Option<UserId> {
        snowflake(id).map(UserId).filter(|id| self.world.person(*id).is_some())
    }
}

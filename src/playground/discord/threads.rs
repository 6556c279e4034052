//! Channels and threads, whoever changes them.

use std::collections::BTreeSet;

use serde_json::json;

use super::intents::Kind;
use super::posting::NewMessage;
use super::state::{Channel, State, Thread};
use crate::domain::ids::{ChannelId, MessageId, UserId};

impl State {
    /// Opens a thread. A thread from a message has the message's id.
    pub(super) fn open_thread(
        &mut self,
        owner: UserId,
        parent: ChannelId,
        name: &str,
        from: Option<MessageId>,
        private: bool,
        auto_archive_minutes: u64,
    ) -> ChannelId {
        let id = from.map_or_else(|| ChannelId(self.new_id()), |message| ChannelId(message.0));
        let thread = Thread {
            owner,
            private,
            archived: false,
            locked: false,
            auto_archive_minutes,
            archive_changed: self.wall(),
            members: BTreeSet::from([owner]),
            message_count: 0,
        };
        let channel = Channel {
            id,
            name: name.to_owned(),
            topic: None,
            position: 0,
            parent: Some(parent),
            overwrites: Vec::new(),
            thread: Some(thread),
            recipient: None,
            last_message: None,
        };
        let mut object = self.channel(&channel);
        self.channels.insert(id, channel);
        object["newly_created"] = true.into();
        self.dispatch("THREAD_CREATE", Kind::Guild, Some(id), &object);
        self.tell("THREAD_CREATE", None, object);
        if owner == self.world.bot {
            self.announce_members(id, owner);
        }
        match from {
            // The message now shows its thread.
            Some(message) => self.announce("MESSAGE_UPDATE", message),
            None if !private => {
                self.post(NewMessage { kind: 18, ..NewMessage::plain(owner, parent, name) });
            }
            None => {}
        }
        id
    }

    /// Changes a channel or thread, and says so.
    pub(super) fn change_channel(&mut self, id: ChannelId, change: impl FnOnce(&mut Channel)) {
        let wall = self.wall();
        let Some(channel) = self.channels.get_mut(&id) else { return };
        let archived = channel.thread.as_ref().map(|thread| thread.archived);
        change(channel);
        if let Some(thread) = &mut channel.thread
            && archived != Some(thread.archived)
        {
            thread.archive_changed = wall;
        }
        let name = if channel.is_thread() { "THREAD_UPDATE" } else { "CHANNEL_UPDATE" };
        self.announce_channel(name, id);
    }

    pub(super) fn announce_channel(&mut self, name: &'static str, id: ChannelId) {
        let Some(channel) = self.channels.get(&id) else { return };
        let object = self.channel(channel);
        self.dispatch(name, Kind::Guild, Some(id), &object);
        self.tell("CHANNEL_UPDATE", None, object);
    }

    /// Removes a channel or thread with everything in it.
    pub(super) fn remove_channel(&mut self, id: ChannelId) {
        let Some(channel) = self.channels.get(&id) else { return };
        let object = self.channel(channel);
        let name = if channel.is_thread() { "THREAD_DELETE" } else { "CHANNEL_DELETE" };
        self.dispatch(name, Kind::Guild, Some(id), &object);
        self.channels.remove(&id);
        for message in self.messages.values_mut().filter(|message| message.channel == id) {
            message.deleted = true;
        }
        let below: Vec<_> = self.channels.values().filter(|c| c.parent == Some(id)).map(|c| c.id).collect();
        for thread in below {
            self.remove_channel(thread);
        }
        self.tell("CHANNEL_DELETE", None, object);
    }

    pub(super) fn join_thread(&mut self, id: ChannelId, user: UserId) {
        let thread = self.channels.get_mut(&id).and_then(|channel| channel.thread.as_mut());
        if thread.is_some_and(|thread| thread.members.insert(user)) {
            self.announce_members(id, user);
        }
    }

    pub(super) fn leave_thread(&mut self, id: ChannelId, user: UserId) {
        let Some(thread) = self.channels.get_mut(&id).and_then(|channel| channel.thread.as_mut()) else {
            return;
        };
        if thread.members.remove(&user) {
            let count = thread.members.len().min(50);
            let data = json!({"id": id.to_string(), "guild_id": self.world.guild.to_string(),
                "member_count": count, "added_members": [], "removed_member_ids": [user.to_string()]});
            self.dispatch("THREAD_MEMBERS_UPDATE", Kind::Guild, Some(id), &data);
        }
    }

    fn announce_members(&mut self, id: ChannelId, added: UserId) {
        let count = self
            .channels
            .get(&id)
            .and_then(|channel| channel.thread.as_ref())
            .map_or(0, |thread| thread.members.len().min(50));
        let data = json!({"id": id.to_string(), "guild_id": self.world.guild.to_string(),
            "member_count": count, "added_members": [self.thread_member(id, added)],
            "removed_member_ids": []});
        self.dispatch("THREAD_MEMBERS_UPDATE", Kind::Guild, Some(id), &data);
    }

    /// The direct message channel with a person, made when it is first asked for.
    pub(super) fn direct_channel(&mut self, person: UserId) -> ChannelId {
        let known = self.channels.values().find(|channel| channel.recipient == Some(person));
        if let Some(channel) = known {
            return channel.id;
        }
        let id = ChannelId(self.new_id());
        let channel = Channel {
            id,
            name: String::new(),
            topic: None,
            position: 0,
            parent: None,
            overwrites: Vec::new(),
            thread: None,
            recipient: Some(person),
            last_message: None,
        };
        self.channels.insert(id, channel);
        id
    }
}

//! Reactions and typing, whoever does it.

use std::time::Duration;

use serde_json::{Value, json};

use super::errors::ApiError;
use super::intents::Kind;
use super::state::{Message, State};
use crate::domain::ids::{ChannelId, MessageId, UserId};

/// How long somebody types, unless they send something: Discord's 10 s.
pub(super) const TYPING_LASTS: Duration = Duration::from_secs(10);
/// How many different reactions a message takes.
const REACTIONS_MAX: usize = 20;

impl State {
    pub(super) fn add_reaction(&mut self, user: UserId, id: MessageId, emoji: &str) -> Result<(), ApiError> {
        if !super::rules::is_emoji(emoji) {
            return Err(ApiError::unknown_emoji());
        }
        let message = self.messages.get_mut(&id).ok_or_else(ApiError::unknown_message)?;
        let index = message.reactions.iter().position(|(known, _)| known == emoji);
        match index {
            Some(index) if message.reactions[index].1.contains(&user) => return Ok(()),
            Some(index) => message.reactions[index].1.push(user),
            None if message.reactions.len() >= REACTIONS_MAX => {
                let error = ApiError::new(403, 30010, "Maximum number of reactions reached (20)");
                return Err(error.breaks("reactions"));
            }
            None => message.reactions.push((emoji.to_owned(), vec![user])),
        }
        self.announce_reaction("MESSAGE_REACTION_ADD", user, id, emoji);
        Ok(())
    }

    pub(super) fn remove_reaction(
        &mut self,
        user: UserId,
        id: MessageId,
        emoji: &str,
    ) -> Result<(), ApiError> {
        let message = self.messages.get_mut(&id).ok_or_else(ApiError::unknown_message)?;
        let Some((_, users)) = message.reactions.iter_mut().find(|(known, _)| known == emoji) else {
            return Ok(());
        };
        let before = users.len();
        users.retain(|other| *other != user);
        if users.len() < before {
            message.reactions.retain(|(_, users)| !users.is_empty());
            self.announce_reaction("MESSAGE_REACTION_REMOVE", user, id, emoji);
        }
        Ok(())
    }

    fn announce_reaction(&mut self, name: &'static str, user: UserId, id: MessageId, emoji: &str) {
        let Some(message) = self.messages.get(&id) else { return };
        let (channel, author) = (message.channel, message.author);
        let mut data = json!({
            "user_id": user.to_string(), "channel_id": channel.to_string(), "message_id": id.to_string(),
            "guild_id": self.world.guild.to_string(), "emoji": {"id": null, "name": emoji}, "burst": false,
            "type": 0,
        });
        if name == "MESSAGE_REACTION_ADD" {
            data["member"] = self.member(user);
            data["message_author_id"] = author.to_string().into();
            data["burst_colors"] = json!([]);
        }
        self.dispatch(name, Kind::Reaction, Some(channel), &data);
        self.tell_reactions(id);
    }

    pub(super) fn tell_reactions(&self, id: MessageId) {
        let Some(message) = self.messages.get(&id) else { return };
        let data = json!({"channel_id": message.channel.to_string(), "message_id": id.to_string(),
            "reactions": reactions(message)});
        self.tell("REACTIONS", message.only_for, data);
    }

    /// Somebody types.
    pub(super) fn type_in(&mut self, user: UserId, channel: ChannelId) {
        let now = self.now();
        self.typing.insert((channel, user), now);
        let mut data = json!({"channel_id": channel.to_string(), "user_id": user.to_string(),
            "timestamp": self.wall().0 / 1000});
        if self.channels.get(&channel).is_some_and(|place| place.recipient.is_none()) {
            data["guild_id"] = self.world.guild.to_string().into();
            data["member"] = self.member(user);
        }
        self.dispatch("TYPING_START", Kind::Typing, Some(channel), &data);
        self.tell_typing("TYPING_START", channel, user);
    }

    /// Ends the typing of everybody who has not said so again in time.
    pub(super) fn expire_typing(&mut self) {
        let now = self.now();
        let over: Vec<_> = self
            .typing
            .iter()
            .filter(|(_, since)| now.since(**since) >= TYPING_LASTS)
            .map(|(who, _)| *who)
            .collect();
        for (channel, user) in over {
            self.typing.remove(&(channel, user));
            self.tell_typing("TYPING_STOP", channel, user);
        }
    }

    pub(super) fn tell_typing(&self, kind: &'static str, channel: ChannelId, user: UserId) {
        self.tell(kind, None, json!({"channel_id": channel.to_string(), "user_id": user.to_string()}));
    }
}

/// Reactions with everybody who reacted.
pub(super) fn reactions(message: &Message) -> Value {
    let reaction = |(emoji, users): &(String, Vec<UserId>)| {
        json!({"emoji": {"id": null, "name": emoji}, "count": users.len(),
            "users": users.iter().map(ToString::to_string).collect::<Vec<_>>()})
    };
    message.reactions.iter().map(reaction).collect()
}

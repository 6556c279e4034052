//! What people do. Nobody here is held to rules: a test may let people do anything, a page only offers what works.

use bytes::Bytes;
use serde_json::{Value, json};

use super::intents::Kind;
use super::posting::{NewMessage, Upload};
use super::reactions::TYPING_LASTS;
use super::state::Overwrite;
use super::{Choice, EmbeddedDiscord, InteractionId};
use crate::domain::ids::{ChannelId, MessageId, RoleId, UserId};

/// A message that somebody is about to send.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// The text.
    pub content: String,
    /// The message that it replies to.
    pub reply_to: Option<MessageId>,
    /// Files: name, bytes, media type (Discord leaves it out for some).
    pub attachments: Vec<(String, Vec<u8>, Option<String>)>,
    /// Whether whom it replies to is not notified: the switch beside the text in people's clients.
    pub silent: bool,
    /// Whether a webhook sends it, under the author's name.
    pub webhook: bool,
}

impl EmbeddedDiscord {
    /// Somebody says something.
    pub fn say(&self, author: UserId, channel: ChannelId, content: &str) -> MessageId {
        self.say_with(author, channel, Draft { content: content.to_owned(), ..Draft::default() })
    }

    /// Somebody sends a message with all that can be in it.
    pub fn say_with(&self, author: UserId, channel: ChannelId, draft: Draft) -> MessageId {
        let upload =
            |(number, (name, bytes, content_type)): (usize, (String, Vec<u8>, Option<String>))| Upload {
                number: u64::try_from(number).unwrap_or(u64::MAX),
                name,
                content_type,
                description: None,
                bytes: Bytes::from(bytes),
            };
        let files = draft.attachments.into_iter().enumerate().map(upload).collect();
        self.shared.change(|state| {
            state.post(NewMessage {
                files,
                kind: if draft.reply_to.is_some() { 19 } else { 0 },
                reply_to: draft.reply_to,
                webhook: draft.webhook,
                allowed: if draft.silent {
                    json!({ "parse": ["users", "roles", "everyone"], "replied_user": false })
                } else {
                    Value::Null
                },
                ..NewMessage::plain(author, channel, &draft.content)
            })
        })
    }

    /// Somebody changes what they said.
    pub fn edit(&self, message: MessageId, content: &str) {
        self.shared.change(|state| state.edit_message(message, Some(content.to_owned()), |_| {}));
    }

    /// Discord adds the preview of a link: an update that is no edit.
    pub fn unfurl(&self, message: MessageId, embed: &Value) {
        self.shared.change(|state| {
            let Some(changed) = state.messages.get_mut(&message) else { return };
            changed.embeds = json!([embed]);
            state.announce("MESSAGE_UPDATE", message);
        });
    }

    /// Somebody deletes a message.
    pub fn delete(&self, message: MessageId) {
        self.shared.change(|state| state.delete_message(message));
    }

    /// Somebody reacts. An emoji that there is not changes nothing.
    pub fn react(&self, user: UserId, message: MessageId, emoji: &str) {
        // A person can only pick what there is.
        let _ = self.try_react(user, message, emoji);
    }

    /// Somebody reacts; the error is Discord's sentence.
    pub fn try_react(&self, user: UserId, message: MessageId, emoji: &str) -> Result<(), String> {
        self.shared.change(|state| state.add_reaction(user, message, emoji)).map_err(|error| error.message)
    }

    /// Somebody takes a reaction back.
    pub fn unreact(&self, user: UserId, message: MessageId, emoji: &str) {
        // There is nothing to take back.
        let _ = self.shared.change(|state| state.remove_reaction(user, message, emoji));
    }

    /// Somebody begins to type.
    pub fn typing(&self, user: UserId, channel: ChannelId) {
        self.shared.change(|state| state.type_in(user, channel));
        self.shared.later(TYPING_LASTS, super::state::State::expire_typing);
    }

    /// Somebody opens a thread, on a message or without one.
    pub fn create_thread(
        &self,
        author: UserId,
        channel: ChannelId,
        name: &str,
        from: Option<MessageId>,
    ) -> ChannelId {
        self.shared.change(|state| state.open_thread(author, channel, name, from, false, 1440))
    }

    /// Archives a thread, or wakes it.
    pub fn archive_thread(&self, thread: ChannelId, archived: bool) {
        self.shared.change(|state| {
            state.change_channel(thread, |channel| {
                if let Some(thread) = &mut channel.thread {
                    thread.archived = archived;
                }
            });
        });
    }

    /// Locks a thread, or unlocks it.
    pub fn lock_thread(&self, thread: ChannelId, locked: bool) {
        self.shared.change(|state| {
            state.change_channel(thread, |channel| {
                if let Some(thread) = &mut channel.thread {
                    thread.locked = locked;
                }
            });
        });
    }

    /// Renames a channel or thread.
    pub fn rename_channel(&self, channel: ChannelId, name: &str) {
        self.shared
            .change(|state| state.change_channel(channel, |channel| name.clone_into(&mut channel.name)));
    }

    /// Deletes a channel or thread.
    pub fn delete_channel(&self, channel: ChannelId) {
        self.shared.change(|state| state.remove_channel(channel));
    }

    /// Brings a person (or the bot) into a thread.
    pub fn join_thread(&self, user: UserId, thread: ChannelId) {
        self.shared.change(|state| state.join_thread(thread, user));
    }

    /// Takes a person (or the bot) out of a thread.
    pub fn leave_thread(&self, user: UserId, thread: ChannelId) {
        self.shared.change(|state| state.leave_thread(thread, user));
    }

    /// The direct message channel of a person with the bot.
    pub fn direct_channel(&self, user: UserId) -> ChannelId {
        self.shared.change(|state| state.direct_channel(user))
    }

    /// Overwrites what a member may do in a channel: bits to allow and to deny, see [`permissions`](super::permissions).
    pub fn overwrite_permissions(&self, channel: ChannelId, member: UserId, allow: u64, deny: u64) {
        self.shared.change(|state| {
            state.change_channel(channel, |channel| {
                channel.overwrites.retain(|overwrite| overwrite.id != member.0);
                channel.overwrites.push(Overwrite { id: member.0, member: true, allow, deny });
            });
        });
    }

    /// Gives a member other roles.
    pub fn set_roles(&self, member: UserId, roles: &[RoleId]) {
        self.shared.change(|state| {
            let Some(person) = state.world.people.iter_mut().find(|person| person.id == member) else {
                return;
            };
            person.roles = roles.to_vec();
            let mut data = state.member(member);
            data["guild_id"] = state.world.guild.to_string().into();
            state.dispatch("GUILD_MEMBER_UPDATE", Kind::Member, None, &data);
        });
    }

    /// Somebody uses a slash command. `options` as Discord sends them: `[{name, type, value}]`.
    ///
    /// # Panics
    ///
    /// If the command is not registered: a person could not have picked it. [`try_slash`](Self::try_slash) says so.
    #[expect(clippy::needless_pass_by_value, reason = "callers write json!(…) in place")]
    pub fn slash(&self, user: UserId, channel: ChannelId, name: &str, options: Value) -> InteractionId {
        self.try_slash(user, channel, name, &options)
            .unwrap_or_else(|| panic!("/{name} is not registered: {}", self.commands()))
    }

    /// Somebody uses a slash command, if it is registered.
    pub fn try_slash(
        &self,
        user: UserId,
        channel: ChannelId,
        name: &str,
        options: &Value,
    ) -> Option<InteractionId> {
        let id = self.shared.change(|state| {
            let data = state.command_data(name, options)?;
            Some(state.begin_interaction(2, user, channel, None, &data))
        })?;
        self.expire_later();
        Some(id)
    }

    /// Somebody uses a command on a message (right-click, Apps).
    ///
    /// # Panics
    ///
    /// If the command is not registered, or the message is not there: a person could not have picked it.
    pub fn message_command(&self, user: UserId, message: MessageId, name: &str) -> InteractionId {
        self.try_message_command(user, message, name)
            .unwrap_or_else(|| panic!("{name} cannot be used on {message}: {}", self.commands()))
    }

    /// Somebody uses a command on a message, if it is registered.
    pub fn try_message_command(&self, user: UserId, message: MessageId, name: &str) -> Option<InteractionId> {
        let id = self.shared.change(|state| {
            let channel = state.live_message(message)?.channel;
            let data = state.message_command_data(name, message)?;
            Some(state.begin_interaction(2, user, channel, None, &data))
        })?;
        self.expire_later();
        Some(id)
    }

    /// Somebody types into an option that the bot completes. Empty if the bot does not answer within 3 s.
    pub async fn autocomplete(
        &self,
        user: UserId,
        channel: ChannelId,
        command: &str,
        option: &str,
        partial: &str,
    ) -> Vec<Choice> {
        let options = json!([{"name": option, "type": 3, "value": partial, "focused": true}]);
        self.autocomplete_with(user, channel, command, &options).await
    }

    /// The same with all options as they are typed so far; the one with `"focused": true` is to be completed.
    pub async fn autocomplete_with(
        &self,
        user: UserId,
        channel: ChannelId,
        command: &str,
        options: &Value,
    ) -> Vec<Choice> {
        let mut changes = self.shared.changes.subscribe();
        let begun = self.shared.change(|state| {
            let data = state.command_data(command, options)?;
            Some(state.begin_interaction(4, user, channel, None, &data))
        });
        let Some(id) = begun else { return Vec::new() };
        self.expire_later();
        loop {
            changes.borrow_and_update();
            let done = self.shared.look(|state| {
                let each = state.interactions.get(&id)?;
                (each.acknowledged.is_some() || each.failed).then(|| each.choices.clone())
            });
            match done {
                Some(choices) => return choices,
                None if changes.changed().await.is_err() => return Vec::new(),
                None => {}
            }
        }
    }

    /// Somebody clicks a button or picks from a menu. The message must have the component.
    ///
    /// # Panics
    ///
    /// If it does not, or the component is disabled: a person could not have clicked it.
    pub fn component(
        &self,
        user: UserId,
        message: MessageId,
        custom_id: &str,
        values: &[&str],
    ) -> InteractionId {
        self.try_component(user, message, custom_id, values)
            .unwrap_or_else(|| panic!("no component {custom_id} to use: {:?}", self.message(message)))
    }

    /// Somebody clicks a button or picks from a menu, if it is there.
    pub fn try_component(
        &self,
        user: UserId,
        message: MessageId,
        custom_id: &str,
        values: &[&str],
    ) -> Option<InteractionId> {
        let id = self.shared.change(|state| {
            let found = state.live_message(message)?;
            let item = found
                .components
                .as_array()?
                .iter()
                .filter_map(|row| row["components"].as_array())
                .flatten()
                .find(|item| item["custom_id"] == custom_id && item["disabled"] != true)?;
            let (channel, kind) = (found.channel, item["type"].clone());
            if kind == 3 && !may_choose(item, values) {
                return None;
            }
            let data = if kind == 2 {
                json!({"custom_id": custom_id, "component_type": kind, "id": item["id"]})
            } else {
                json!({"custom_id": custom_id, "component_type": kind, "id": item["id"], "values": values,
                    "resolved": {}})
            };
            Some(state.begin_interaction(3, user, channel, Some(message), &data))
        })?;
        self.expire_later();
        Some(id)
    }

    /// Somebody sends off the modal that the bot opened in answer to `opened_by`: custom ids of inputs with texts.
    ///
    /// # Panics
    ///
    /// If no modal was opened.
    pub fn modal_submit(&self, opened_by: InteractionId, inputs: &[(&str, &str)]) -> InteractionId {
        self.try_modal_submit(opened_by, inputs).expect("the bot opened a modal")
    }

    /// Somebody sends off a modal, if one was opened and Discord's client would let them.
    pub fn try_modal_submit(
        &self,
        opened_by: InteractionId,
        inputs: &[(&str, &str)],
    ) -> Option<InteractionId> {
        let id = self.shared.change(|state| {
            let opener = state.interactions.get(&opened_by)?;
            let modal = opener.modal.clone()?;
            if !super::rules::may_be_sent(&modal, inputs) {
                return None;
            }
            let (user, channel, message) = (opener.user, opener.channel, opener.message);
            let rows: Vec<_> = inputs
                .iter()
                .map(|(id, value)| json!({"type": 1, "components": [{"type": 4, "custom_id": id, "value": value}]}))
                .collect();
            let data = json!({"custom_id": modal["custom_id"], "components": rows, "resolved": {}});
            Some(state.begin_interaction(5, user, channel, message, &data))
        })?;
        self.expire_later();
        Some(id)
    }

    /// Somebody sends an interaction that nothing of the bot's offers: a stale or changed client does that. `kind` as
    /// Discord counts them: 2 command, 3 component, 5 modal; `data` as it stands.
    pub fn forge(
        &self,
        kind: u8,
        user: UserId,
        channel: ChannelId,
        message: Option<MessageId>,
        data: &Value,
    ) -> InteractionId {
        let id = self.shared.change(|state| state.begin_interaction(kind, user, channel, message, data));
        self.expire_later();
        id
    }

    /// The gateway brings an interaction once more, as when it repeats events to a session that is resumed.
    pub fn repeat(&self, id: InteractionId) {
        self.shared.change(|state| state.tell_of_interaction(id));
    }

    /// Whoever was told of the interactions so far is dead: where the first answer was not sent, no rule is broken. One
    /// that is still on its way is taken.
    pub fn excuse_interactions(&self) {
        self.shared.change(super::state::State::excuse_interactions);
    }

    fn expire_later(&self) {
        let within = self.shared.look(super::state::State::acknowledge_within);
        self.shared.later(within, super::state::State::expire_interactions);
    }
}

/// Whether a person can choose this in a menu: options that it has, each once, not too few and not too many.
fn may_choose(menu: &Value, values: &[&str]) -> bool {
    let count =
        |key: &str| menu[key].as_u64().map_or(1, |count| usize::try_from(count).unwrap_or(usize::MAX));
    let options = menu["options"].as_array().map(Vec::as_slice).unwrap_or_default();
    let known = values.iter().all(|value| options.iter().any(|option| option["value"] == *value));
    let once = values.iter().enumerate().all(|(index, value)| !values[..index].contains(value));
    known && once && (count("min_values")..=count("max_values")).contains(&values.len())
}

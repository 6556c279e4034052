//! Interactions: what a person does through the bot's own controls, and what the bot answers to it.
//! <https://discord.com/developers/docs/interactions/receiving-and-responding>

use std::time::Duration;

use serde_json::{Value, json};

use super::intents::Kind;
use super::posting::LOADING;
use super::state::State;
use super::{InteractionId, permissions as may};
use crate::clock::Moment;
use crate::domain::ids::{ChannelId, MessageId, UserId};

/// How long the bot has for the first answer.
const ACKNOWLEDGE_WITHIN: Duration = Duration::from_secs(3);
/// How long an interaction's token is good for.
pub(super) const TOKEN_LASTS: Duration = Duration::from_mins(15);

/// One choice of an autocompletion.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// What the person reads.
    pub name: String,
    /// What the bot gets.
    pub value: Value,
}

/// An interaction and what became of it.
#[derive(Debug, Clone)]
pub(super) struct Interaction {
    pub(super) id: InteractionId,
    pub(super) token: String,
    /// As the bot was told of it.
    pub(super) event: Value,
    /// 2 command, 3 component, 4 autocompletion, 5 modal.
    pub(super) kind: u8,
    pub(super) user: UserId,
    pub(super) channel: ChannelId,
    /// The command's name, or the custom id.
    pub(super) name: String,
    /// The message with the component.
    pub(super) message: Option<MessageId>,
    pub(super) created: Moment,
    pub(super) acknowledged: Option<Moment>,
    /// The type of the first answer: 4 to 9.
    pub(super) answer_kind: Option<u64>,
    pub(super) ephemeral: bool,
    pub(super) original: Option<MessageId>,
    pub(super) followups: Vec<MessageId>,
    pub(super) choices: Vec<Choice>,
    pub(super) modal: Option<Value>,
    /// Nobody acknowledged it in time.
    pub(super) failed: bool,
    /// Whoever was told of it died: that nobody acknowledges it breaks no rule.
    pub(super) is_excused: bool,
}

/// What became of an interaction.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, read one by one in tests")]
pub struct InteractionState {
    /// How long the first answer took.
    pub acknowledged_after: Option<Duration>,
    /// The type of the first answer (4 message, 5 deferred message, 6 deferred update, 7 update, 8 choices, 9 modal).
    pub answer_kind: Option<u64>,
    /// Whether the first answer was deferred.
    pub deferred: bool,
    /// Whether only its person sees the answer.
    pub ephemeral: bool,
    /// Whether the person still sees "thinking…".
    pub thinking: bool,
    /// The answer as a message, as it is now.
    pub response: Option<Value>,
    /// More messages, as they are now.
    pub followups: Vec<Value>,
    /// The modal that the bot opened.
    pub modal: Option<Value>,
    /// Nobody acknowledged it within 3 s: the person saw "The application did not respond".
    pub failed: bool,
}

impl State {
    /// Begins an interaction and sends it to the bot. The caller sees to it that it expires.
    pub(super) fn begin_interaction(
        &mut self,
        kind: u8,
        user: UserId,
        channel: ChannelId,
        message: Option<MessageId>,
        data: &Value,
    ) -> InteractionId {
        let id = InteractionId(self.new_id());
        let token = format!("interaction-{id}-{:x}", super::objects::seal(id.0, 1));
        let name =
            data["name"].as_str().or_else(|| data["custom_id"].as_str()).unwrap_or_default().to_owned();
        let place = self.channels.get(&channel);
        let direct = place.is_some_and(|place| place.recipient.is_some());
        let app_permissions = self.permissions_in(self.world.bot, channel);
        let mut event = json!({
            "id": id.to_string(), "application_id": self.world.application.to_string(), "type": kind,
            "token": token, "version": 1, "channel_id": channel.to_string(), "data": data,
            "channel": place.map_or(Value::Null, |place| {
                let mut object = self.channel(place);
                object["permissions"] = self.permissions_in(user, channel).to_string().into();
                object
            }),
            "app_permissions": app_permissions.to_string(), "locale": "en-GB", "entitlements": [],
            "authorizing_integration_owners": {"0": self.world.guild.to_string()},
            "context": u8::from(direct), "attachment_size_limit": 10 * 1024 * 1024,
        });
        if direct {
            event["user"] = self.user(user);
        } else {
            event["guild_id"] = self.world.guild.to_string().into();
            event["guild_locale"] = "en-US".into();
            event["member"] = self.member_in(user, channel);
        }
        if let Some(message) = message.and_then(|id| self.messages.get(&id)) {
            event["message"] = self.message(message);
        }
        let interaction = Interaction {
            id,
            token,
            event,
            kind,
            user,
            channel,
            name,
            message,
            created: self.now(),
            acknowledged: None,
            answer_kind: None,
            ephemeral: false,
            original: None,
            followups: Vec::new(),
            choices: Vec::new(),
            modal: None,
            failed: false,
            is_excused: false,
        };
        self.interactions.insert(id, interaction);
        self.tell_of_interaction(id);
        id
    }

    /// Tells the bot of an interaction, for the first time or once more.
    pub(super) fn tell_of_interaction(&mut self, id: InteractionId) {
        let Some(event) = self.interactions.get(&id).map(|each| each.event.clone()) else { return };
        // Interactions need no intent, and reach the bot wherever they happen.
        self.dispatch("INTERACTION_CREATE", Kind::Always, None, &event);
    }

    /// How long the bot has for the first answer.
    pub(super) fn acknowledge_within(&self) -> Duration {
        self.faults.acknowledge_within.unwrap_or(ACKNOWLEDGE_WITHIN)
    }

    pub(super) fn excuse_interactions(&mut self) {
        for each in self.interactions.values_mut() {
            each.is_excused = true;
        }
    }

    /// Ends the interactions that nobody acknowledged in time.
    pub(super) fn expire_interactions(&mut self) {
        let (now, within) = (self.now(), self.acknowledge_within());
        let late: Vec<_> = self
            .interactions
            .values_mut()
            .filter(|each| each.acknowledged.is_none() && !each.failed)
            .filter(|each| now.since(each.created) >= within)
            .map(|each| {
                each.failed = true;
                (each.id, each.name.clone(), each.user, each.channel, each.is_excused)
            })
            .collect();
        for (id, name, user, channel, is_excused) in late {
            if !is_excused {
                self.violation("interaction", format!("{name} was not acknowledged within {within:?}"));
            }
            let data =
                json!({"interaction": id.to_string(), "channel_id": channel.to_string(), "name": name});
            self.tell("INTERACTION_FAILED", Some(user), data);
        }
        self.expire_typing();
    }

    pub(super) fn interaction_state(&self, id: InteractionId) -> InteractionState {
        let Some(each) = self.interactions.get(&id) else { return InteractionState::default() };
        let show = |id: &MessageId| self.live_message(*id).map(|message| self.message(message));
        let original = each.original.and_then(|id| self.live_message(id));
        InteractionState {
            acknowledged_after: each.acknowledged.map(|at| at.since(each.created)),
            answer_kind: each.answer_kind,
            deferred: matches!(each.answer_kind, Some(5 | 6)),
            ephemeral: each.ephemeral,
            thinking: original.is_some_and(|message| message.flags & LOADING != 0),
            response: original
                .filter(|message| message.flags & LOADING == 0)
                .map(|message| self.message(message)),
            followups: each.followups.iter().filter_map(show).collect(),
            modal: each.modal.clone(),
            failed: each.failed,
        }
    }

    /// The `data` of a command on a message: the message comes along.
    pub(super) fn message_command_data(&self, name: &str, message: MessageId) -> Option<Value> {
        let command = self
            .guild_commands
            .iter()
            .chain(&self.global_commands)
            .find(|command| command["name"] == name && command["type"] == 3)?;
        let (key, shown) = (message.to_string(), self.message(self.live_message(message)?));
        let mut resolved = json!({"messages": {}});
        resolved["messages"][&key] = shown;
        Some(json!({
            "id": command["id"], "name": name, "type": 3, "guild_id": command["guild_id"], "target_id": key,
            "resolved": resolved,
        }))
    }

    /// The `data` of a slash command: the command as it is registered, and what the options stand for.
    pub(super) fn command_data(&self, name: &str, options: &Value) -> Option<Value> {
        let command = self
            .guild_commands
            .iter()
            .chain(&self.global_commands)
            .find(|command| command["name"] == name && command["type"].as_u64().unwrap_or(1) == 1)?;
        let mut resolved = json!({});
        for option in flat(options) {
            let Some(id) = super::rules::snowflake(&option["value"]) else { continue };
            let key = id.to_string();
            let kind = option["type"].as_u64();
            if matches!(kind, Some(6 | 9)) && self.world.person(UserId(id)).is_some() {
                resolved["users"][&key] = self.user(UserId(id));
                resolved["members"][&key] = self.partial_member(UserId(id));
                resolved["members"][&key]["permissions"] =
                    self.guild_permissions(UserId(id)).to_string().into();
            }
            if matches!(kind, Some(8 | 9))
                && let Some(role) = self.roles().into_iter().find(|role| role["id"] == key.as_str())
            {
                resolved["roles"][&key] = role;
            }
            if let (Some(7), Some(channel)) = (kind, self.channels.get(&ChannelId(id))) {
                resolved["channels"][&key] = self.channel(channel);
                resolved["channels"][&key]["permissions"] = may::EVERYONE_DEFAULT.to_string().into();
            }
        }
        Some(json!({
            "id": command["id"], "name": name, "type": 1, "resolved": resolved,
            "guild_id": command["guild_id"],
            "options": if options.is_array() { options.clone() } else { json!([]) },
        }))
    }
}

/// All options, also those of sub-commands.
fn flat(options: &Value) -> Vec<&Value> {
    let mut all = Vec::new();
    for option in options.as_array().into_iter().flatten() {
        all.push(option);
        all.extend(flat(&option["options"]));
    }
    all
}

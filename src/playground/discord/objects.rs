//! Discord's JSON objects, as its REST API and its gateway send them. What each must hold: Discord's own `API`
//! description, and what serenity 0.12 insists on.

use serde_json::{Value, json};

use super::interactions::Interaction;
use super::state::{Channel, Message, State};
use super::world::{Person, Role};
use crate::clock::WallTime;
use crate::domain::ids::{ChannelId, UserId};

/// Discord's way to write a time.
pub(super) fn timestamp(at: WallTime) -> String {
    chrono::DateTime::from_timestamp_millis(at.0)
        .unwrap_or_default()
        .format("%Y-%m-%dT%H:%M:%S%.6f+00:00")
        .to_string()
}

/// Types of interactions (docs: interactions/receiving-and-responding, Interaction Type).
const COMMAND: u8 = 2;
const SUBMITTED: u8 = 5;

/// When everybody joined: it plays no part anywhere.
const JOINED: &str = "2024-01-01T00:00:00.000000+00:00";

pub(super) fn user(person: &Person) -> Value {
    json!({
        "id": person.id.to_string(), "username": person.name.to_lowercase(), "global_name": person.name,
        "discriminator": if person.bot { "0001" } else { "0" }, "avatar": null, "bot": person.bot,
        "public_flags": 0, "flags": 0, "primary_guild": null,
    })
}

pub(super) fn role(role: &Role, position: usize) -> Value {
    json!({
        "id": role.id.to_string(), "name": role.name, "color": role.color,
        "colors": {"primary_color": role.color, "secondary_color": null, "tertiary_color": null},
        "hoist": false, "position": position, "permissions": role.permissions.to_string(), "managed": false,
        "mentionable": role.mentionable, "icon": null, "unicode_emoji": null, "description": null, "flags": 0,
    })
}

impl State {
    pub(super) fn user(&self, id: UserId) -> Value {
        self.world.person(id).map_or_else(
            || {
                json!({"id": id.to_string(), "username": "deleted_user", "discriminator": "0", "avatar": null,
                    "global_name": null, "public_flags": 0, "flags": 0, "primary_guild": null})
            },
            user,
        )
    }

    /// A member without the user, as messages carry it.
    pub(super) fn partial_member(&self, id: UserId) -> Value {
        let roles = self.world.person(id).map(|person| person.roles.as_slice()).unwrap_or_default();
        json!({
            "nick": null, "avatar": null, "banner": null, "joined_at": JOINED, "premium_since": null,
            "roles": roles.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "deaf": false, "mute": false, "flags": 0, "pending": false, "communication_disabled_until": null,
        })
    }

    pub(super) fn member(&self, id: UserId) -> Value {
        let mut member = self.partial_member(id);
        member["user"] = self.user(id);
        member
    }

    /// A member with the permissions in a channel, as interactions carry it.
    pub(super) fn member_in(&self, id: UserId, channel: ChannelId) -> Value {
        let mut member = self.member(id);
        member["permissions"] = self.permissions_in(id, channel).to_string().into();
        member["guild_id"] = self.world.guild.to_string().into();
        member
    }

    pub(super) fn roles(&self) -> Vec<Value> {
        self.world.roles.iter().enumerate().map(|(position, each)| role(each, position)).collect()
    }

    pub(super) fn channel(&self, channel: &Channel) -> Value {
        let last = channel.last_message.map(|id| id.to_string());
        if let Some(recipient) = channel.recipient {
            return json!({
                "id": channel.id.to_string(), "type": 1, "flags": 0, "last_message_id": last,
                "recipients": [self.user(recipient)],
            });
        }
        let mut object = json!({
            "id": channel.id.to_string(), "type": channel.kind(), "flags": 0, "name": channel.name,
            "guild_id": self.world.guild.to_string(), "position": channel.position, "topic": channel.topic,
            "parent_id": channel.parent.map(|id| id.to_string()), "last_message_id": last, "nsfw": false,
            "rate_limit_per_user": 0, "permission_overwrites": channel.overwrites.iter().map(|overwrite| json!({
                "id": overwrite.id.to_string(), "type": u8::from(overwrite.member),
                "allow": overwrite.allow.to_string(), "deny": overwrite.deny.to_string(),
            })).collect::<Vec<_>>(),
        });
        if let Some(thread) = &channel.thread {
            object["owner_id"] = thread.owner.to_string().into();
            object["message_count"] = thread.message_count.into();
            object["total_message_sent"] = thread.message_count.into();
            object["member_count"] = thread.members.len().min(50).into();
            object["thread_metadata"] = json!({
                "archived": thread.archived, "locked": thread.locked,
                "auto_archive_duration": thread.auto_archive_minutes,
                "archive_timestamp": timestamp(thread.archive_changed),
                "create_timestamp": timestamp(thread.archive_changed),
            });
            if thread.members.contains(&self.world.bot) {
                object["member"] = self.thread_member(channel.id, self.world.bot);
            }
        }
        object
    }

    #[expect(clippy::unused_self, reason = "reads like its neighbours")]
    pub(super) fn thread_member(&self, thread: ChannelId, user: UserId) -> Value {
        json!({"id": thread.to_string(), "user_id": user.to_string(), "join_timestamp": JOINED, "flags": 0})
    }

    /// The channels that are no threads, in order.
    pub(super) fn text_channels(&self) -> impl Iterator<Item = &Channel> {
        let mut channels: Vec<_> = self.channels.values().filter(|channel| channel.kind() == 0).collect();
        channels.sort_by_key(|channel| channel.position);
        channels.into_iter()
    }

    /// Threads that are not archived.
    pub(super) fn active_threads(&self) -> impl Iterator<Item = &Channel> {
        self.channels
            .values()
            .filter(|channel| channel.thread.as_ref().is_some_and(|thread| !thread.archived))
    }

    /// The guild as `GET /guilds/{id}` shows it.
    pub(super) fn guild(&self) -> Value {
        json!({
            "id": self.world.guild.to_string(), "name": self.world.guild_name, "icon": null, "icon_hash": null,
            "description": null, "home_header": null, "splash": null, "discovery_splash": null, "features": [],
            "banner": null, "owner_id": self.world.owner.to_string(), "application_id": null, "region": "",
            "afk_channel_id": null, "afk_timeout": 300, "system_channel_id": null, "system_channel_flags": 0,
            "widget_enabled": false, "widget_channel_id": null, "verification_level": 0, "roles": self.roles(),
            "default_message_notifications": 1, "mfa_level": 0, "explicit_content_filter": 0,
            "max_presences": null, "max_members": 500_000, "max_stage_video_channel_users": 50,
            "max_video_channel_users": 25, "vanity_url_code": null, "premium_tier": 0,
            "premium_subscription_count": 0, "preferred_locale": "en-US", "rules_channel_id": null,
            "safety_alerts_channel_id": null, "public_updates_channel_id": null,
            "premium_progress_bar_enabled": false, "nsfw": false, "nsfw_level": 0, "emojis": [], "stickers": [],
            "incidents_data": null,
        })
    }

    /// The guild as `GUILD_CREATE` shows it, with people, channels and threads.
    pub(super) fn guild_create(&self) -> Value {
        let mut guild = self.guild();
        let visible = |channel: &&Channel| self.bot_may(channel.id, super::permissions::VIEW_CHANNEL);
        guild["joined_at"] = JOINED.into();
        guild["large"] = false.into();
        guild["unavailable"] = false.into();
        guild["member_count"] = self.world.people.len().into();
        guild["voice_states"] = json!([]);
        guild["presences"] = json!([]);
        guild["stage_instances"] = json!([]);
        guild["guild_scheduled_events"] = json!([]);
        guild["soundboard_sounds"] = json!([]);
        guild["members"] = self.world.people.iter().map(|person| self.member(person.id)).collect();
        guild["channels"] = self.text_channels().map(|channel| self.channel(channel)).collect();
        guild["threads"] =
            self.active_threads().filter(visible).map(|channel| self.channel(channel)).collect();
        guild
    }

    /// The bot's application.
    pub(super) fn application(&self) -> Value {
        // Intents allowed to an application in fewer than 100 guilds: members 1 << 15, content 1 << 19.
        let allowed = self.world.privileged_intents;
        let flags = u64::from(allowed & super::intents::GUILD_MEMBERS != 0) << 15
            | u64::from(allowed & super::intents::GUILD_PRESENCES != 0) << 13
            | u64::from(allowed & super::intents::MESSAGE_CONTENT != 0) << 19;
        json!({
            "id": self.world.application.to_string(), "name": "switchboard", "icon": null, "description": "",
            "type": null, "bot_public": false, "bot_require_code_grant": false, "verify_key": "0".repeat(64),
            "flags": flags, "owner": self.user(self.world.owner), "team": null, "redirect_uris": [],
            "interactions_endpoint_url": null, "role_connections_verification_url": null,
            "approximate_guild_count": 1, "approximate_user_install_count": 0, "explicit_content_filter": 0,
            "bot": self.user(self.world.bot), "guild_id": null,
        })
    }

    /// A message as REST shows it.
    pub(super) fn message(&self, message: &Message) -> Value {
        let mut object = self.message_alone(message);
        if let Some(reply_to) = message.reply_to {
            object["message_reference"] = json!({
                "type": 0, "message_id": reply_to.to_string(), "channel_id": message.channel.to_string(),
                "guild_id": self.world.guild.to_string(),
            });
            object["referenced_message"] =
                self.live_message(reply_to).map_or(Value::Null, |replied| self.message_alone(replied));
        }
        object
    }

    fn message_alone(&self, message: &Message) -> Value {
        let mut object = json!({
            "id": message.id.to_string(), "channel_id": message.channel.to_string(), "type": message.kind,
            "author": self.user(message.author), "content": message.content,
            "timestamp": timestamp(message.created), "edited_timestamp": message.edited.map(timestamp),
            "tts": false, "flags": message.flags, "pinned": message.pinned,
            "mention_everyone": message.mention_everyone,
            "mentions": message.mentions.iter().map(|user| self.user(*user)).collect::<Vec<_>>(),
            "mention_roles": message.mention_roles.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "attachments": message.attachments.iter().filter_map(|id| self.attachment(*id)).collect::<Vec<_>>(),
            "embeds": message.embeds, "components": message.components,
        });
        if let Some(nonce) = &message.nonce {
            object["nonce"] = nonce.clone();
        }
        if message.webhook {
            object["webhook_id"] = self.world.application.to_string().into();
        }
        if message.author == self.world.bot {
            object["application_id"] = self.world.application.to_string().into();
        }
        if !message.reactions.is_empty() {
            object["reactions"] = message
                .reactions
                .iter()
                .map(|(emoji, users)| {
                    let me = users.contains(&self.world.bot);
                    json!({
                        "emoji": {"id": null, "name": emoji}, "count": users.len(), "me": me, "me_burst": false,
                        "count_details": {"burst": 0, "normal": users.len()}, "burst_colors": [],
                    })
                })
                .collect();
        }
        if let Some(interaction) = message.interaction.and_then(|id| self.interactions.get(&id)) {
            object["interaction_metadata"] = self.interaction_metadata(interaction);
        }
        if let Some(thread) = self.channels.get(&ChannelId(message.id.0)) {
            object["thread"] = self.channel(thread);
        }
        object
    }

    /// How somebody made the bot say something (openapi: the schemas that end in `InteractionMetadataResponse`).
    fn interaction_metadata(&self, interaction: &Interaction) -> Value {
        let mut metadata = json!({
            "id": interaction.id.to_string(), "type": interaction.kind, "user": self.user(interaction.user),
            "authorizing_integration_owners": {"0": self.world.guild.to_string()},
        });
        match (interaction.kind, interaction.message) {
            (SUBMITTED, _) => {
                let opens = |other: &&Interaction| {
                    let modal = other.modal.as_ref().filter(|_| other.user == interaction.user);
                    modal.is_some_and(|modal| modal["custom_id"] == *interaction.name)
                };
                let opener = self.interactions.values().rev().find(opens);
                metadata["triggering_interaction_metadata"] = match opener {
                    Some(opener) => self.interaction_metadata(opener),
                    // One that a person made up: a command may have opened it.
                    None => json!({
                        "id": metadata["id"], "type": COMMAND, "user": metadata["user"],
                        "authorizing_integration_owners": metadata["authorizing_integration_owners"],
                    }),
                };
            }
            (_, Some(message)) => metadata["interacted_message_id"] = message.to_string().into(),
            (_, None) => metadata["name"] = interaction.name.clone().into(),
        }
        metadata
    }

    /// A message as the gateway shows it: with the guild and the author's membership.
    pub(super) fn message_event(&self, message: &Message) -> Value {
        let mut object = self.message(message);
        if self.channels.get(&message.channel).is_some_and(|channel| channel.recipient.is_none()) {
            object["guild_id"] = self.world.guild.to_string().into();
            if !message.webhook {
                object["member"] = self.partial_member(message.author);
            }
        }
        object
    }

    /// An attachment with an address that is good for a day.
    pub(super) fn attachment(&self, id: u64) -> Option<Value> {
        let file = self.files.get(&id)?;
        let expires = self.wall().0 / 1000 + 86_400;
        let path = format!("attachments/{}/{id}/{}", file.channel, file.name);
        let query = format!("ex={expires:x}&is={:x}&hm={:x}", expires - 86_400, seal(id, expires));
        let mut object = json!({
            "id": id.to_string(), "filename": file.name, "size": file.bytes.len(),
            "url": format!("https://cdn.discordapp.com/{path}?{query}"),
            "proxy_url": format!("https://media.discordapp.net/{path}?{query}"),
        });
        if let Some(content_type) = &file.content_type {
            object["content_type"] = content_type.as_str().into();
        }
        if let Some(description) = &file.description {
            object["description"] = description.as_str().into();
        }
        Some(object)
    }
}

/// The signature of an attachment's address. It keeps nobody out; it finds clients that change addresses.
pub(super) fn seal(id: u64, expires_secs: i64) -> u64 {
    (id ^ expires_secs.unsigned_abs().rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

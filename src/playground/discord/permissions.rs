//! Discord's permission bits, and how they are computed from roles and overwrites.
//! <https://discord.com/developers/docs/topics/permissions>

use super::state::{Channel, Overwrite, State};
use crate::domain::ids::{ChannelId, UserId};

/// Create invites: here only as an example of a harmless bit.
pub const ADMINISTRATOR: u64 = 1 << 3;
/// Add reactions.
pub const ADD_REACTIONS: u64 = 1 << 6;
/// See a channel.
pub const VIEW_CHANNEL: u64 = 1 << 10;
/// Send messages in a channel.
pub const SEND_MESSAGES: u64 = 1 << 11;
/// Delete and pin messages of others.
pub const MANAGE_MESSAGES: u64 = 1 << 13;
/// Embeds in messages are kept.
pub const EMBED_LINKS: u64 = 1 << 14;
/// Send files.
pub const ATTACH_FILES: u64 = 1 << 15;
/// Read messages that were sent before.
pub const READ_MESSAGE_HISTORY: u64 = 1 << 16;
/// `@everyone`, `@here` and roles that are not mentionable ping.
pub const MENTION_EVERYONE: u64 = 1 << 17;
/// Change a channel.
pub const MANAGE_CHANNELS: u64 = 1 << 4;
/// Use slash commands.
pub const USE_APPLICATION_COMMANDS: u64 = 1 << 31;
/// Lock, rename and delete threads of others.
pub const MANAGE_THREADS: u64 = 1 << 34;
/// Open threads.
pub const CREATE_PUBLIC_THREADS: u64 = 1 << 35;
/// Send messages in threads.
pub const SEND_MESSAGES_IN_THREADS: u64 = 1 << 38;

/// What everybody may do in the playground's guild.
pub const EVERYONE_DEFAULT: u64 = ADD_REACTIONS
    | VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_MESSAGE_HISTORY
    | USE_APPLICATION_COMMANDS
    | CREATE_PUBLIC_THREADS
    | SEND_MESSAGES_IN_THREADS;

impl State {
    /// What a member may do in the guild as a whole.
    pub(super) fn guild_permissions(&self, user: UserId) -> u64 {
        let roles = self.world.person(user).map(|person| person.roles.as_slice()).unwrap_or_default();
        let everyone = self.world.guild.0;
        let bits = self
            .world
            .roles
            .iter()
            .filter(|role| role.id.0 == everyone || roles.contains(&role.id))
            .fold(0, |bits, role| bits | role.permissions);
        if bits & ADMINISTRATOR != 0 { u64::MAX >> 14 } else { bits }
    }

    /// What a member may do in a channel; a thread has its parent's permissions. In a direct message everything.
    pub(super) fn permissions_in(&self, user: UserId, channel: ChannelId) -> u64 {
        let Some(channel) = self.channels.get(&channel) else { return 0 };
        if channel.recipient.is_some() {
            return u64::MAX >> 14;
        }
        let holder = if channel.is_thread() {
            channel.parent.and_then(|parent| self.channels.get(&parent)).unwrap_or(channel)
        } else {
            channel
        };
        let base = self.guild_permissions(user);
        if base & ADMINISTRATOR != 0 {
            return base;
        }
        self.with_overwrites(base, user, holder)
    }

    fn with_overwrites(&self, base: u64, user: UserId, channel: &Channel) -> u64 {
        let roles = self.world.person(user).map(|person| person.roles.as_slice()).unwrap_or_default();
        let pick = |wanted: &dyn Fn(&Overwrite) -> bool| {
            channel
                .overwrites
                .iter()
                .filter(|overwrite| wanted(overwrite))
                .fold((0, 0), |(allow, deny), overwrite| (allow | overwrite.allow, deny | overwrite.deny))
        };
        let everyone = pick(&|o| !o.member && o.id == self.world.guild.0);
        let of_roles = pick(&|o| !o.member && roles.iter().any(|role| role.0 == o.id));
        let own = pick(&|o| o.member && o.id == user.0);
        let bits = [everyone, of_roles, own].iter().fold(base, |bits, (allow, deny)| (bits & !deny) | allow);
        // Without the sight of a channel nothing else in it counts.
        if bits & VIEW_CHANNEL == 0 { 0 } else { bits }
    }

    /// Whether the bot may do all of `bits` in the channel.
    pub(super) fn bot_may(&self, channel: ChannelId, bits: u64) -> bool {
        self.permissions_in(self.world.bot, channel) & bits == bits
    }
}

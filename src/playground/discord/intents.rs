//! Gateway intents: which events a session gets.
//! <https://discord.com/developers/docs/events/gateway#list-of-intents>

/// Guild, channel and thread events.
pub const GUILDS: u64 = 1;
/// Member events; privileged.
pub const GUILD_MEMBERS: u64 = 1 << 1;
/// Presence; privileged.
pub const GUILD_PRESENCES: u64 = 1 << 8;
/// Messages in the guild.
pub const GUILD_MESSAGES: u64 = 1 << 9;
/// Reactions in the guild.
pub const GUILD_MESSAGE_REACTIONS: u64 = 1 << 10;
/// Typing in the guild.
pub const GUILD_MESSAGE_TYPING: u64 = 1 << 11;
/// Direct messages.
pub const DIRECT_MESSAGES: u64 = 1 << 12;
/// Reactions in direct messages.
pub const DIRECT_MESSAGE_REACTIONS: u64 = 1 << 13;
/// Typing in direct messages.
pub const DIRECT_MESSAGE_TYPING: u64 = 1 << 14;
/// Content of messages that neither mention the bot nor are its own; privileged.
pub const MESSAGE_CONTENT: u64 = 1 << 15;

/// Intents that the developer portal must allow.
pub const PRIVILEGED: u64 = GUILD_MEMBERS | GUILD_PRESENCES | MESSAGE_CONTENT;
/// Every bit that means something.
pub const KNOWN: u64 = ((1 << 22) - 1) | (1 << 24) | 1 << 25;

/// What an event needs to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Sent to everybody.
    Always,
    /// A channel or thread.
    Guild,
    /// A member.
    Member,
    /// A message.
    Message,
    /// A reaction.
    Reaction,
    /// Typing.
    Typing,
}

impl Kind {
    /// The intent that the event needs, in the guild or in a direct message. Zero: none.
    pub(super) fn intent(self, direct: bool) -> u64 {
        match (self, direct) {
            (Kind::Always, _) | (Kind::Guild | Kind::Member, true) => 0,
            (Kind::Guild, false) => GUILDS,
            (Kind::Member, false) => GUILD_MEMBERS,
            (Kind::Message, false) => GUILD_MESSAGES,
            (Kind::Message, true) => DIRECT_MESSAGES,
            (Kind::Reaction, false) => GUILD_MESSAGE_REACTIONS,
            (Kind::Reaction, true) => DIRECT_MESSAGE_REACTIONS,
            (Kind::Typing, false) => GUILD_MESSAGE_TYPING,
            (Kind::Typing, true) => DIRECT_MESSAGE_TYPING,
        }
    }
}

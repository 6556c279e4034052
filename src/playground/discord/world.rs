//! Who and what there is when an embedded Discord starts.

use super::permissions as may;
use crate::domain::ids::{ChannelId, GuildId, RoleId, UserId};

/// The guild, its people and channels, and the bot's application. Everything is plain data: change what you like
/// before [`start`](super::EmbeddedDiscord::start).
#[derive(Debug, Clone)]
pub struct World {
    /// The one guild.
    pub guild: GuildId,
    /// Its name.
    pub guild_name: String,
    /// Who owns it.
    pub owner: UserId,
    /// The bot that connects with [`token`](World::token).
    pub bot: UserId,
    /// The bot's application.
    pub application: u64,
    /// The token that the bot must show.
    pub token: String,
    /// Privileged intents that the application may use, as bits (Discord's developer portal).
    pub privileged_intents: u64,
    /// Everybody, bots included.
    pub people: Vec<Person>,
    /// The roles; the one with the guild's id is `@everyone`.
    pub roles: Vec<Role>,
    /// Text channels, in their order.
    pub channels: Vec<TextChannel>,
}

/// A member of the guild.
#[derive(Debug, Clone)]
pub struct Person {
    /// Discord's id.
    pub id: UserId,
    /// The name to show; the user name is the same in lower case.
    pub name: String,
    /// Whether this is a bot.
    pub bot: bool,
    /// The person's roles, without `@everyone`.
    pub roles: Vec<RoleId>,
    /// Who this is, in a few words, for the page's menu of people.
    pub label: String,
    /// The colour of the name, `0xRRGGBB`.
    pub color: u32,
}

/// A role of the guild.
#[derive(Debug, Clone)]
pub struct Role {
    /// Discord's id.
    pub id: RoleId,
    /// Its name.
    pub name: String,
    /// Permission bits.
    pub permissions: u64,
    /// Whether everybody may mention it.
    pub mentionable: bool,
    /// Its colour, `0xRRGGBB`.
    pub color: u32,
}

/// A text channel of the guild.
#[derive(Debug, Clone)]
pub struct TextChannel {
    /// Discord's id.
    pub id: ChannelId,
    /// Its name, without `#`.
    pub name: String,
    /// Its topic.
    pub topic: Option<String>,
}

impl World {
    /// The guild of [`playground`](World::playground).
    pub const GUILD: GuildId = GuildId(1_100_000_000_000_000_001);
    /// `#general`: no project.
    pub const GENERAL: ChannelId = ChannelId(1_100_000_000_000_000_011);
    /// `#harbor-api`: a project's channel.
    pub const HARBOR: ChannelId = ChannelId(1_100_000_000_000_000_012);
    /// `#lighthouse-web`: another project's channel.
    pub const LIGHTHOUSE: ChannelId = ChannelId(1_100_000_000_000_000_013);
    /// The bot.
    pub const BOT: UserId = UserId(1_100_000_000_000_000_021);
    /// Mara: owns the guild, may manage messages. The one to let in by her id.
    pub const MARA: UserId = UserId(1_100_000_000_000_000_022);
    /// Jonas: has the role [`BUILDERS`](World::BUILDERS), nothing else.
    pub const JONAS: UserId = UserId(1_100_000_000_000_000_023);
    /// Vera: a stranger without any role.
    pub const VERA: UserId = UserId(1_100_000_000_000_000_024);
    /// Ferry: another bot.
    pub const FERRY: UserId = UserId(1_100_000_000_000_000_025);
    /// The role "builders".
    pub const BUILDERS: RoleId = RoleId(1_100_000_000_000_000_031);
    /// The role "harbour masters", who may manage messages.
    pub const MASTERS: RoleId = RoleId(1_100_000_000_000_000_032);
    /// The role that Discord made for the bot.
    pub const BOT_ROLE: RoleId = RoleId(1_100_000_000_000_000_033);

    /// The guild "Tidewater": two project channels and `#general`, an allowed person, one with a role, a stranger,
    /// and another bot.
    pub fn playground() -> Self {
        let role = |id, name: &str, permissions, color| Role {
            id,
            name: name.to_owned(),
            permissions,
            mentionable: false,
            color,
        };
        let person = |id, name: &str, bot, roles: &[RoleId], label: &str, color| Person {
            id,
            name: name.to_owned(),
            bot,
            roles: roles.to_vec(),
            label: label.to_owned(),
            color,
        };
        let channel = |id, name: &str, topic: &str| TextChannel {
            id,
            name: name.to_owned(),
            topic: Some(topic.to_owned()),
        };
        Self {
            guild: Self::GUILD,
            guild_name: "Tidewater".to_owned(),
            owner: Self::MARA,
            bot: Self::BOT,
            application: Self::BOT.0,
            token: playground_token(),
            privileged_intents: super::intents::MESSAGE_CONTENT,
            people: vec![
                person(Self::BOT, "Switchboard", true, &[Self::BOT_ROLE], "the bot", 0x58_65_f2),
                person(
                    Self::MARA,
                    "Mara",
                    false,
                    &[Self::MASTERS],
                    "allowed by her id, moderates",
                    0xe0_7a_5f,
                ),
                person(
                    Self::JONAS,
                    "Jonas",
                    false,
                    &[Self::BUILDERS],
                    "allowed by the role builders",
                    0x3d_a3_5d,
                ),
                person(Self::VERA, "Vera", false, &[], "a stranger, not allowed", 0x98_73_c8),
                person(Self::FERRY, "Ferry", true, &[], "another bot", 0x6c_75_7d),
            ],
            roles: vec![
                role(RoleId(Self::GUILD.0), "@everyone", may::EVERYONE_DEFAULT, 0),
                role(Self::BUILDERS, "builders", 0, 0x3d_a3_5d),
                role(Self::MASTERS, "harbour masters", may::MANAGE_MESSAGES, 0xe0_7a_5f),
                role(Self::BOT_ROLE, "Switchboard", 0, 0x58_65_f2),
            ],
            channels: vec![
                channel(Self::GENERAL, "general", "Anything that is no work"),
                channel(Self::HARBOR, "harbor-api", "The API that the port runs on"),
                channel(Self::LIGHTHOUSE, "lighthouse-web", "The site that ships look at"),
            ],
        }
    }

    /// With one more member.
    #[must_use]
    pub fn with_person(mut self, person: Person) -> Self {
        self.people.push(person);
        self
    }

    /// With one more role.
    #[must_use]
    pub fn with_role(mut self, role: Role) -> Self {
        self.roles.push(role);
        self
    }

    /// With one more text channel.
    #[must_use]
    pub fn with_channel(mut self, id: ChannelId, name: &str) -> Self {
        self.channels.push(TextChannel { id, name: name.to_owned(), topic: None });
        self
    }

    /// With these privileged intents allowed instead.
    #[must_use]
    pub fn with_privileged_intents(mut self, bits: u64) -> Self {
        self.privileged_intents = bits;
        self
    }

    pub(super) fn person(&self, id: UserId) -> Option<&Person> {
        self.people.iter().find(|person| person.id == id)
    }
}

/// A token in the shape of Discord's (serenity checks the shape: three parts, the first is the id in base 64).
fn playground_token() -> String {
    use base64::Engine as _;
    let id = base64::engine::general_purpose::STANDARD_NO_PAD.encode(World::BOT.0.to_string());
    format!("{id}.playgr.this-is-no-secret-it-opens-only-the-playground")
}

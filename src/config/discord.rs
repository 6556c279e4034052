//! `[discord]`: how to reach Discord.

use std::io::{IsTerminal as _, Read as _};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};

use super::problem::{ConfigError, Problem, Problems};
use super::secret::MASK;
use crate::domain::ids::GuildId;

/// Where systemd puts credentials; it guards them with an access list, so their mode bits say nothing.
const SYSTEMD_CREDENTIALS: &str = "/run/credentials";

/// The `token_file` that means standard input.
pub(super) const STANDARD_INPUT: &str = "-";
/// Discord's tokens have about 70 characters.
const TOKEN_BYTES_MAX: u64 = 4096;

/// How to reach Discord.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub struct DiscordConfig {
    /// The bot's token. No default; at most one of this and [`token_file`](Self::token_file).
    #[serde(serialize_with = "mask")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretString>,
    /// A file with the bot's token, readable by its owner alone; `-` for standard input, which systemd can open from a
    /// file that this user cannot read. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// The guild in which slash commands are registered at once. Default: globally.
    #[serde(deserialize_with = "super::snowflake::snowflake_option")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guild_id: Option<GuildId>,
    /// Connect to this address for discord.com, cdn.discordapp.com and media.discordapp.net. No default.
    #[serde(deserialize_with = "address")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_resolve: Option<SocketAddr>,
    /// One more root certificate (PEM) for those. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Whether the reaction on a prompt tells what its turn does just now (💭 📖 ✏️ 💻 🌐), rather than that it works.
    /// Default: true.
    pub activity_reactions: bool,
    /// How often the daemon may log in anew within an hour; from half of it on it waits longer each time. Discord allows
    /// 1,000 logins a day and then resets the token. Default: 20.
    pub starts_per_hour_max: usize,
    /// How long Discord may take for one answer, in seconds. After that the call is made again, or its message looked up.
    /// Default: 30.
    pub request_secs_max: u64,
    /// How many calls a second the outbox and the catch-up make together at most. Discord allows a bot 50 of all kinds, and
    /// very large ones more. Default: 40.
    pub calls_per_sec_max: u32,
}

impl Default for DiscordConfig {
    fn default() -> Self {
        Self {
            token: None,
            token_file: None,
            guild_id: None,
            api_resolve: None,
            ca_file: None,
            activity_reactions: true,
            starts_per_hour_max: 20,
            request_secs_max: 30,
            calls_per_sec_max: 40,
        }
    }
}

/// More logins than Discord allows in a day.
const STARTS_MAX: usize = 1000;

/// The outbox waits a minute for a call, with the waits for Discord's rate limits (`outbox/deliver.rs`).
const REQUEST_SECS_LIMIT: u64 = 60;

/// More than Discord allows anybody.
const CALLS_PER_SEC_LIMIT: u32 = 10_000;

impl DiscordConfig {
    /// The token, from wherever it was given. Only `run` and `doctor` need it.
    pub fn discord_token(&self) -> Result<SecretString, ConfigError> {
        match (&self.token, &self.token_file) {
            (Some(token), _) => Ok(token.clone()),
            (None, Some(file)) => {
                let read =
                    if file == Path::new(STANDARD_INPUT) { read_standard_input() } else { read_token(file) };
                read.map_err(|problem| ConfigError::Invalid(vec![problem]))
            }
            (None, None) => Err(ConfigError::Invalid(vec![Problem::new(
                "discord.token_file",
                "there is no Discord token; put it into a file (chmod 600) and name that here, or set DISCORD_TOKEN \
                 (developer portal: your application, Bot, Reset Token)",
            )])),
        }
    }

    /// The token, if it can be had, for the redaction of logs.
    pub(super) fn secret_values(&self) -> Vec<String> {
        self.discord_token().iter().map(|token| token.expose_secret().to_owned()).collect()
    }

    pub(super) fn validate(&self, problems: &mut Problems) {
        if self.token.is_some() && self.token_file.is_some() {
            problems.add("discord.token", "the token is given twice; remove token or token_file");
        }
        if self.starts_per_hour_max == 0 || self.starts_per_hour_max > STARTS_MAX {
            let message = format!("{} is out of bounds; write 1 to {STARTS_MAX}", self.starts_per_hour_max);
            problems.add("discord.starts_per_hour_max", message);
        }
        if self.request_secs_max == 0 || self.request_secs_max > REQUEST_SECS_LIMIT {
            let message = format!(
                "{} is out of bounds; write 1 to {REQUEST_SECS_LIMIT} seconds",
                self.request_secs_max
            );
            problems.add("discord.request_secs_max", message);
        }
        if self.calls_per_sec_max == 0 || self.calls_per_sec_max > CALLS_PER_SEC_LIMIT {
            let message =
                format!("{} is out of bounds; write 1 to {CALLS_PER_SEC_LIMIT}", self.calls_per_sec_max);
            problems.add("discord.calls_per_sec_max", message);
        }
        if let Some(token) = &self.token
            && let Err(message) = token_shape(token.expose_secret())
        {
            problems.add("discord.token", message);
        }
    }
}

/// It can be read once: whoever asks for the token keeps it.
fn read_standard_input() -> Result<SecretString, Problem> {
    let problem = |message: String| Problem::new("discord.token_file", message);
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        // It would wait for somebody to type a secret.
        let message =
            "the token comes by standard input, which is a terminal here; append `< FILE` to the command";
        return Err(problem(message.to_owned()));
    }
    let mut text = String::new();
    stdin
        .take(TOKEN_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|error| problem(format!("failed to read standard input: {error}")))?;
    let token = text.trim();
    token_shape(token).map_err(|message| problem(format!("standard input: {message}")))?;
    Ok(SecretString::from(token))
}

fn read_token(file: &Path) -> Result<SecretString, Problem> {
    let problem = |message: String| Problem::new("discord.token_file", message);
    let shown = file.display();
    let mode = std::fs::metadata(file)
        .map_err(|error| problem(format!("failed to read {shown}: {error}")))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 && !file.starts_with(SYSTEMD_CREDENTIALS) {
        return Err(problem(format!(
            "{shown} can be read by others (mode {:03o}); run `chmod 600 {shown}`",
            mode & 0o777
        )));
    }
    let text =
        std::fs::read_to_string(file).map_err(|error| problem(format!("failed to read {shown}: {error}")))?;
    let token = text.trim();
    token_shape(token).map_err(|message| problem(format!("{shown}: {message}")))?;
    Ok(SecretString::from(token))
}

fn token_shape(token: &str) -> Result<(), &'static str> {
    if token.is_empty() {
        Err("the token is empty; paste the one of the developer portal")
    } else if token.starts_with("Bot ") {
        Err("leave out the word `Bot` before the token")
    } else if token.contains(char::is_whitespace) || token.contains(char::is_control) {
        Err("a token is one word without spaces or line breaks; paste it again")
    } else {
        Ok(())
    }
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let fix = |_| D::Error::custom(format!("{text:?} is no address; write one such as \"127.0.0.1:9443\""));
    text.parse().map(Some).map_err(fix)
}

#[expect(clippy::ref_option, reason = "serde passes the field as it is")]
fn mask<S: Serializer>(_: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(MASK)
}

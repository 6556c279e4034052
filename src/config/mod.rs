//! What the daemon is told: one struct for each section of the file, with defaults, and checks that name the key and
//! the fix. `config.example.toml` shows every key and parses to the defaults (a test holds it).
//!
//! A new key: a field with a doc comment and its default in the section's file, a line in `keys.rs`, a check where a
//! value can be wrong, a line in `config.example.toml`.

mod access;
mod claude;
mod discord;
mod keys;
mod limits;
mod load;
mod log;
mod problem;
mod projects;
mod secret;
mod snowflake;
mod who_may;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Serialize;

pub use access::{AccessConfig, AccessRule, ApprovalsBy, Grant, PeopleEntry, ResetBy, Spot};
pub use claude::{ClaudeConfig, EnvTable, PermissionMode, may_be_inherited};
pub use discord::DiscordConfig;
pub use limits::LimitsConfig;
pub use load::{Environment, process_environment};
pub use log::LogConfig;
pub use problem::{ConfigError, Problem};
pub use projects::{ConversationScope, Project, RespondTo, WhileRunning};
pub use secret::MASK;

use crate::domain::ids::ChannelId;
use crate::policy::Rules;

/// The whole configuration, checked. Serializing it (and its `Debug`) never shows a secret.
#[derive(Debug, Clone, Serialize)]
pub struct Config {
    /// Where the database, the spools and the logs are; absolute. Default: `/var/lib/switchboard`.
    pub state_dir: PathBuf,
    /// How to reach Discord.
    pub discord: DiscordConfig,
    /// Who may use the bot.
    pub access: AccessConfig,
    /// How to run the CLI.
    pub claude: ClaudeConfig,
    /// What is allowed, asked and denied in every project, whatever the mode. Default: nothing.
    pub policy: Rules,
    /// Bounds.
    pub limits: LimitsConfig,
    /// The log.
    pub log: LogConfig,
    /// The projects; each has a channel of its own. Default: none.
    pub projects: Vec<Project>,
    /// The file that this was read from, if there was one.
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            state_dir: PathBuf::from("/var/lib/switchboard"),
            discord: DiscordConfig::default(),
            access: AccessConfig::default(),
            claude: ClaudeConfig::default(),
            policy: Rules::default(),
            limits: LimitsConfig::default(),
            log: LogConfig::default(),
            projects: Vec::new(),
            file: None,
        }
    }
}

impl Config {
    /// Reads the file (`path`, else `$SWITCHBOARD_CONFIG`, else the first of `./config.toml`,
    /// `$XDG_CONFIG_HOME/switchboard/config.toml` and `/etc/switchboard/config.toml` that exists, else none), lays the
    /// environment over it, and checks everything. All that is wrong is said at once.
    pub fn load(path: Option<&Path>, env: &Environment) -> Result<Self, ConfigError> {
        load::load(path, env)
    }

    /// The bot's token, from wherever it was given. Only `run` and `doctor` need it.
    pub fn discord_token(&self) -> Result<SecretString, ConfigError> {
        self.discord.discord_token()
    }

    /// The project whose channel this is. For a thread, ask with the channel above it.
    pub fn project_for(&self, channel: ChannelId) -> Option<&Project> {
        self.projects.iter().find(|project| project.channel_id == channel)
    }

    /// The project of this name.
    pub fn project_named(&self, name: &str) -> Option<&Project> {
        self.projects.iter().find(|project| project.name == name)
    }

    /// Who may what in a place of this project. A project that names any user or role has its own lists: `users`,
    /// `roles` and `everyone` of `[access]` then do not count there. Entries of `people` are added to either. `reset` and
    /// `blocked` are always those of `[access]`.
    pub fn access_at<'a>(&'a self, project: &'a Project, spot: Spot) -> AccessRule<'a> {
        self.access.rule(project, Some(spot))
    }

    /// The same, with everybody who is named for any place of the project.
    pub fn access_anywhere<'a>(&'a self, project: &'a Project) -> AccessRule<'a> {
        self.access.rule(project, None)
    }

    /// The model that the CLI is launched with in this project; `None`: the CLI's own default.
    pub fn model_for<'a>(&'a self, project: &'a Project) -> Option<&'a str> {
        project.model.as_deref().or(self.claude.model.as_deref())
    }

    /// The permission mode that the CLI is launched with in this project.
    pub fn permission_mode_for(&self, project: &Project) -> PermissionMode {
        project.permission_mode.unwrap_or(self.claude.permission_mode)
    }

    /// Whether people may choose `bypassPermissions` in this project: it says so, or is in that mode anyway.
    pub fn allows_bypass(&self, project: &Project) -> bool {
        project.allow_bypass.unwrap_or(self.claude.allow_bypass)
            || self.permission_mode_for(project) == PermissionMode::BypassPermissions
    }

    /// What is allowed, asked and denied in this project, whatever the mode.
    pub fn rules_for(&self, project: &Project) -> Rules {
        self.policy.and(&project.rules)
    }

    /// The CLI's slash commands that people may use in this project, without the slash; `*` stands for all.
    pub fn slash_commands_for<'a>(&'a self, project: &'a Project) -> &'a [String] {
        project.slash_commands.as_deref().unwrap_or(&self.claude.slash_commands)
    }

    /// The directory of `switchboard.log`.
    pub fn log_dir(&self) -> PathBuf {
        self.log.dir.clone().unwrap_or_else(|| self.state_dir.join("logs"))
    }

    /// The configuration in force as TOML, with `***` in the place of every secret: what `switchboard check` prints.
    pub fn to_masked_toml(&self) -> String {
        toml::to_string_pretty(self).expect("every field of the configuration has a form in TOML")
    }

    /// Tells configurations apart: the same in force, the same word.
    pub fn fingerprint(&self) -> String {
        use sha2::Digest as _;
        let digest = sha2::Sha256::digest(self.to_masked_toml());
        digest[..8].iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
    }

    /// Every value that must never be written to a log: the token, and what the CLI's environment holds under names
    /// that look secret. `env` is the daemon's own environment, from which some variables are inherited.
    pub fn secret_values(&self, env: &Environment) -> Vec<String> {
        let mut values = self.discord.secret_values();
        values.extend(env.get("DISCORD_TOKEN").cloned());
        let inherited = self.claude.inherit_env.iter().filter_map(|name| env.get_key_value(name));
        for (name, value) in self.claude.env.0.iter().chain(inherited) {
            values.extend(secret::secret_parts(name, value));
        }
        values.sort();
        values.dedup();
        values
    }
}

//! `[[projects]]`: a directory with a channel of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::access::{ApprovalsBy, PeopleEntry};
use super::claude::{PermissionMode, check_model, check_slash_commands};
use super::problem::Problems;
use crate::domain::ids::{ChannelId, RoleId, UserId};
use crate::domain::tier::Tier;
use crate::domain::tool_pattern::ToolPattern;
use crate::policy::Rules;

/// A directory with a channel of its own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Project {
    /// Its name: what people see. Unique.
    pub name: String,
    /// Its channel. Unique.
    #[serde(deserialize_with = "super::snowflake::snowflake")]
    pub channel_id: ChannelId,
    /// Where the CLI works; absolute.
    pub dir: PathBuf,
    /// Which messages are prompts. Default: mentions.
    #[serde(default)]
    pub respond_to: RespondTo,
    /// What a message in the channel begins. Default: the channel is one conversation.
    #[serde(default)]
    pub conversation: ConversationScope,
    /// What a message does that comes while a turn runs. Default: it waits its turn.
    #[serde(default)]
    pub while_running: WhileRunning,
    /// Overrides `claude.model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Overrides `claude.permission_mode`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission_mode: Option<PermissionMode>,
    /// Overrides `claude.allow_bypass`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_bypass: Option<bool>,
    /// Overrides `claude.slash_commands`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slash_commands: Option<Vec<String>>,
    /// If this or `roles` names anybody, the two together stand in the place of `[access]` for this project.
    #[serde(default, deserialize_with = "super::snowflake::snowflakes")]
    pub users: Vec<UserId>,
    /// See `users`.
    #[serde(default, deserialize_with = "super::snowflake::snowflakes")]
    pub roles: Vec<RoleId>,
    /// Overrides `access.tier`: what those people may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// Overrides `access.approvals`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<ApprovalsBy>,
    /// Overrides `access.approval_roles`.
    #[serde(default, deserialize_with = "super::snowflake::snowflakes_option")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_roles: Option<Vec<RoleId>>,
    /// Overrides `access.second_person`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_person: Option<Vec<ToolPattern>>,
    /// Tools that need no permission, in the CLI's notation. Default: none.
    #[serde(default)]
    pub allowed_tools: Vec<String>,
    /// Tools that Claude does not have. Default: none.
    #[serde(default)]
    pub disallowed_tools: Vec<String>,
    /// What is allowed, asked and denied whatever the mode, besides `[policy]`. Default: nothing.
    #[serde(default)]
    pub rules: Rules,
    /// Appended to the CLI's own system prompt. Default: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// Further people of this project with a tier of their own, beside those of `[[access.people]]`. Default: none.
    #[serde(default)]
    pub people: Vec<PeopleEntry>,
}

impl Project {
    /// A project with nothing of its own but name, channel and directory.
    pub fn new(name: impl Into<String>, channel_id: ChannelId, dir: PathBuf) -> Self {
        Self {
            name: name.into(),
            channel_id,
            dir,
            respond_to: RespondTo::default(),
            conversation: ConversationScope::default(),
            while_running: WhileRunning::default(),
            model: None,
            permission_mode: None,
            allow_bypass: None,
            slash_commands: None,
            users: Vec::new(),
            roles: Vec::new(),
            tier: None,
            approvals: None,
            approval_roles: None,
            second_person: None,
            allowed_tools: Vec::new(),
            disallowed_tools: Vec::new(),
            rules: Rules::default(),
            system_prompt: None,
            people: Vec::new(),
        }
    }
}

/// Which messages of an allowed person are prompts in the project's channel. In a thread that the bot has joined,
/// every one is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RespondTo {
    /// Those that mention the bot or answer it.
    #[default]
    Mentions,
    /// Every one.
    All,
}

/// What a message in the project's channel begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversationScope {
    /// The channel is one conversation.
    #[default]
    Channel,
    /// A thread of its own.
    Thread,
}

/// What a message does that comes while a turn runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WhileRunning {
    /// It waits its turn.
    #[default]
    Queue,
    /// The turn is told, and goes on with that in mind.
    Steer,
    /// The turn is stopped, and this is done instead.
    Interrupt,
}

/// Discord's bound for the name of a channel, and long enough for a line of `/status`.
const NAME_CHARS_MAX: usize = 100;

/// Checks each project alone and all against each other; `indexes` are their places in the file.
pub(super) fn validate(projects: &[(usize, Project)], problems: &mut Problems) {
    let mut names = BTreeMap::new();
    let mut channels = BTreeMap::new();
    for (index, project) in projects {
        let key = |field: &str| format!("projects[{index}].{field}");
        if project.name.trim().is_empty() || project.name.chars().count() > NAME_CHARS_MAX {
            problems.add(key("name"), format!("a name has 1 to {NAME_CHARS_MAX} characters"));
        } else if project.name.contains(char::is_control) {
            problems.add(key("name"), "a name has no line breaks or other control characters");
        }
        if let Some(first) = names.insert(project.name.to_lowercase(), *index) {
            let message =
                format!("{:?} is the name of projects[{first}] too; give each its own", project.name);
            problems.add(key("name"), message);
        }
        if let Some(first) = channels.insert(project.channel_id, *index) {
            let message = format!(
                "{} is the channel of projects[{first}] too; a channel belongs to one project",
                project.channel_id
            );
            problems.add(key("channel_id"), message);
        }
        if !project.dir.is_absolute() {
            let message =
                format!("{} is not absolute; write the whole path, from / on", project.dir.display());
            problems.add(key("dir"), message);
        }
        check_model(project.model.as_deref(), &key("model"), problems);
        check_slash_commands(
            project.slash_commands.as_deref().unwrap_or_default(),
            &key("slash_commands"),
            problems,
        );
        for (field, tools) in
            [("allowed_tools", &project.allowed_tools), ("disallowed_tools", &project.disallowed_tools)]
        {
            if tools.iter().any(|tool| tool.trim().is_empty() || tool.starts_with('-')) {
                problems.add(key(field), "a tool is a name such as \"Read\" or \"Bash(git:*)\"");
            }
        }
    }
}

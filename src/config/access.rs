//! `[access]`: who may use the bot, and how much. What follows from it is decided in `discord/access.rs`.
//!
//! A person may be named in several entries: the highest tier of those that count in a place is theirs. Nobody who is not
//! named may anything, and nobody on the list `blocked`, whatever else names them.

use serde::{Deserialize, Serialize};

use super::problem::Problems;
use super::projects::Project;
use super::snowflake::{snowflake_option, snowflakes};
use crate::domain::ids::{ChannelId, GuildId, RoleId, UserId};
use crate::domain::tier::Tier;
use crate::domain::tool_pattern::ToolPattern;

/// Who may use the bot, where the project says nothing of its own. Empty lists let nobody in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct AccessConfig {
    /// Discord ids of people. Default: nobody.
    #[serde(deserialize_with = "snowflakes")]
    pub users: Vec<UserId>,
    /// Discord ids of roles. Default: none.
    #[serde(deserialize_with = "snowflakes")]
    pub roles: Vec<RoleId>,
    /// Whether everybody who can see the channel may use the bot. Default: no.
    pub everyone: bool,
    /// The tier of those three, and of the `users` and `roles` of projects. Default: operator.
    pub tier: Tier,
    /// Discord ids of people who may nothing at all, whatever else names them. Default: nobody.
    #[serde(deserialize_with = "snowflakes")]
    pub blocked: Vec<UserId>,
    /// Discord id of whoever runs the bot: mentioned, once, when Claude Code is not logged in any more, and written to,
    /// once, when the bot may not write in a project's channel. Called to answer what Claude asks in a turn that nobody
    /// asked for, and, if they may, what whoever asked must not allow. Gives no right to use it. Default: nobody.
    #[serde(deserialize_with = "snowflake_option", skip_serializing_if = "Option::is_none")]
    pub owner: Option<UserId>,
    /// Who may use `/reset`. Default: those with Manage Messages.
    pub reset: ResetBy,
    /// Who may answer what Claude asks. Default: the project's people.
    pub approvals: ApprovalsBy,
    /// With `approvals = "roles"`: Discord ids of the roles that may answer. Default: none.
    #[serde(deserialize_with = "snowflakes")]
    pub approval_roles: Vec<RoleId>,
    /// Tools that another person than the asker has to allow. Default: none.
    pub second_person: Vec<ToolPattern>,
    /// Further people with a tier of their own. Default: none.
    pub people: Vec<PeopleEntry>,
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self {
            users: Vec::new(),
            roles: Vec::new(),
            everyone: false,
            tier: Tier::Operator,
            blocked: Vec::new(),
            owner: None,
            reset: ResetBy::default(),
            approvals: ApprovalsBy::default(),
            approval_roles: Vec::new(),
            second_person: Vec::new(),
            people: Vec::new(),
        }
    }
}

/// People with a tier of their own: `[[access.people]]`, or `[[projects.people]]` for one project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct PeopleEntry {
    /// What they may. No default.
    pub tier: Tier,
    /// Discord ids of people.
    #[serde(default, deserialize_with = "snowflakes")]
    pub users: Vec<UserId>,
    /// Discord ids of roles.
    #[serde(default, deserialize_with = "snowflakes")]
    pub roles: Vec<RoleId>,
    /// Everybody who can see the channel. Default: no.
    #[serde(default)]
    pub everyone: bool,
    /// Only in this server. Default: in all.
    #[serde(default, deserialize_with = "snowflake_option", skip_serializing_if = "Option::is_none")]
    pub guild: Option<GuildId>,
    /// Only in these channels and threads, and in threads below them. Default: in all.
    #[serde(default, deserialize_with = "snowflakes")]
    pub channels: Vec<ChannelId>,
}

/// Who may use `/reset`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetBy {
    /// Operators who have Discord's permission Manage Messages in the channel.
    #[default]
    ManageMessages,
    /// Whoever may prompt.
    Members,
}

/// Who may answer what Claude asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalsBy {
    /// The asker, and operators.
    #[default]
    People,
    /// The one whose turn asks, alone.
    Asker,
    /// Members with one of `approval_roles`, alone.
    Roles,
}

/// Where somebody wants something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// The server; none: a direct message.
    pub guild: Option<GuildId>,
    /// The channel or thread.
    pub channel: ChannelId,
    /// The channel above, of a thread.
    pub parent: Option<ChannelId>,
}

/// The rule that is in force in a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRule<'a> {
    /// Who is named there.
    pub grants: Vec<Grant<'a>>,
    /// Who may nothing.
    pub blocked: &'a [UserId],
    /// Who may use `/reset`.
    pub reset: ResetBy,
    /// Who may answer what Claude asks.
    pub approvals: ApprovalsBy,
    /// With [`ApprovalsBy::Roles`]: the roles.
    pub approval_roles: &'a [RoleId],
    /// What takes another person than the asker.
    pub second_person: &'a [ToolPattern],
    /// Whom this conversation is shared with, if the person at hand is one of those.
    pub guest: Option<(UserId, Tier)>,
}

/// Some people, and what they may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant<'a> {
    /// What they may.
    pub tier: Tier,
    /// These people.
    pub users: &'a [UserId],
    /// Whoever has one of these roles.
    pub roles: &'a [RoleId],
    /// Everybody who can see the channel.
    pub everyone: bool,
}

impl Grant<'_> {
    /// Whether it names nobody.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.roles.is_empty() && !self.everyone
    }
}

impl AccessRule<'_> {
    /// Whether this lets nobody in at all.
    pub fn is_empty(&self) -> bool {
        self.grants.iter().all(Grant::is_empty)
    }

    /// Whether roles have to be known of somebody, or their id says it all.
    pub fn depends_on_roles(&self, person: UserId) -> bool {
        let by_roles = |grant: &Grant<'_>| !grant.roles.is_empty();
        let certain = |grant: &Grant<'_>| grant.everyone || grant.users.contains(&person);
        let best = self.grants.iter().filter(|grant| certain(grant)).map(|grant| grant.tier).max();
        self.grants.iter().any(|grant| by_roles(grant) && best.is_none_or(|best| best < grant.tier))
    }

    /// The same for somebody whom the conversation is shared with, perhaps.
    #[must_use]
    pub fn shared_with(self, guest: Option<(UserId, Tier)>) -> Self {
        Self { guest, ..self }
    }
}

impl PeopleEntry {
    fn counts_at(&self, spot: Spot) -> bool {
        let here = |channel: &ChannelId| *channel == spot.channel || Some(*channel) == spot.parent;
        self.guild.is_none_or(|guild| Some(guild) == spot.guild)
            && (self.channels.is_empty() || self.channels.iter().any(here))
    }

    fn grant(&self) -> Grant<'_> {
        Grant { tier: self.tier, users: &self.users, roles: &self.roles, everyone: self.everyone }
    }
}

impl AccessConfig {
    /// The users and roles of a project, or else the general ones.
    fn main_grant<'a>(&'a self, project: &'a Project) -> Grant<'a> {
        let tier = project.tier.unwrap_or(self.tier);
        if project.users.is_empty() && project.roles.is_empty() {
            Grant { tier, users: &self.users, roles: &self.roles, everyone: self.everyone }
        } else {
            Grant { tier, users: &project.users, roles: &project.roles, everyone: false }
        }
    }

    pub(super) fn rule<'a>(&'a self, project: &'a Project, spot: Option<Spot>) -> AccessRule<'a> {
        let entries = self.people.iter().chain(&project.people);
        let entries = entries.filter(|entry| spot.is_none_or(|spot| entry.counts_at(spot)));
        AccessRule {
            grants: std::iter::once(self.main_grant(project))
                .chain(entries.map(PeopleEntry::grant))
                .collect(),
            blocked: &self.blocked,
            reset: self.reset,
            approvals: project.approvals.unwrap_or(self.approvals),
            approval_roles: project.approval_roles.as_deref().unwrap_or(&self.approval_roles),
            second_person: project.second_person.as_deref().unwrap_or(&self.second_person),
            guest: None,
        }
    }

    pub(super) fn validate(&self, projects: &[(usize, Project)], problems: &mut Problems) {
        let blocked = |key: &str, users: &[UserId], problems: &mut Problems| {
            for user in users.iter().filter(|user| self.blocked.contains(user)) {
                problems
                    .add(key, format!("{user} stands in access.blocked too; remove it from one of the two"));
            }
        };
        let entries = |key: &str, people: &[PeopleEntry], problems: &mut Problems| {
            for (index, entry) in people.iter().enumerate() {
                let key = format!("{key}[{index}]");
                if entry.grant().is_empty() {
                    problems.add(&key, "it names nobody; add users, roles, or everyone = true");
                }
                blocked(&format!("{key}.users"), &entry.users, problems);
            }
        };
        blocked("access.users", &self.users, problems);
        entries("access.people", &self.people, problems);
        answers("access", self.approvals, &self.approval_roles, &self.second_person, problems);
        for (index, project) in projects {
            let key = format!("projects[{index}]");
            blocked(&format!("{key}.users"), &project.users, problems);
            entries(&format!("{key}.people"), &project.people, problems);
            if project.approvals.is_some()
                || project.approval_roles.is_some()
                || project.second_person.is_some()
            {
                let rule = self.rule(project, None);
                answers(&key, rule.approvals, rule.approval_roles, rule.second_person, problems);
            }
        }
    }
}

/// Whether anybody is left who may answer.
fn answers(
    key: &str,
    by: ApprovalsBy,
    roles: &[RoleId],
    second_person: &[ToolPattern],
    problems: &mut Problems,
) {
    match by {
        ApprovalsBy::Roles if roles.is_empty() => problems.add(
            format!("{key}.approvals"),
            "\"roles\" without approval_roles lets nobody answer; name the roles in approval_roles",
        ),
        ApprovalsBy::People | ApprovalsBy::Asker if !roles.is_empty() => problems.add(
            format!("{key}.approval_roles"),
            "they count with approvals = \"roles\" alone; write that, or remove them",
        ),
        ApprovalsBy::Asker if !second_person.is_empty() => problems.add(
            format!("{key}.second_person"),
            "with approvals = \"asker\" nobody else may answer; write approvals = \"people\" or \"roles\"",
        ),
        ApprovalsBy::People | ApprovalsBy::Asker | ApprovalsBy::Roles => {}
    }
}

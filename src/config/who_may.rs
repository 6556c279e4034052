//! Who may what, as lines that a person reads: what `switchboard check` prints below the configuration.

use std::fmt::Write as _;

use super::access::{ApprovalsBy, Grant, PeopleEntry, ResetBy};
use super::{Config, Project};
use crate::domain::tier::Tier;

impl Config {
    /// Who may what in each project, as comments of TOML.
    pub fn who_may_what(&self) -> String {
        let mut text =
            String::from("\n# Who may what. The highest tier counts; who is not named may nothing.\n");
        for tier in Tier::ALL {
            let _ = writeln!(text, "#   {:<8}  {}", tier.as_str(), may(tier));
        }
        for project in &self.projects {
            let _ = writeln!(text, "# {} (channel {})", project.name, project.channel_id);
            let _ = self.project_lines(project, &mut text);
        }
        if !self.access.blocked.is_empty() {
            let _ =
                writeln!(text, "# Blocked everywhere, whatever names them: {}", list(&self.access.blocked));
        }
        text
    }

    fn project_lines(&self, project: &Project, text: &mut String) -> std::fmt::Result {
        let rule = self.access_anywhere(project);
        let mut nobody = true;
        let limits = std::iter::once(String::new())
            .chain(self.access.people.iter().chain(&project.people).map(limits));
        let mut lines: Vec<(Tier, String)> = rule
            .grants
            .iter()
            .zip(limits)
            .filter(|(grant, _)| !grant.is_empty())
            .map(|(grant, limits)| (grant.tier, format!("{}{limits}", named(grant))))
            .collect();
        lines.sort_by_key(|(tier, _)| std::cmp::Reverse(*tier));
        for (tier, line) in lines {
            nobody = false;
            writeln!(text, "#   {:<8}  {line}", tier.as_str())?;
        }
        if nobody {
            return writeln!(text, "#   nobody: add ids to [access] users or roles");
        }
        let reset = match rule.reset {
            ResetBy::ManageMessages => "operators with Manage Messages",
            ResetBy::Members => "members",
        };
        writeln!(text, "#   /reset: {reset}")?;
        let answers = match rule.approvals {
            ApprovalsBy::People => "the asker and operators".to_owned(),
            ApprovalsBy::Asker => "the asker alone".to_owned(),
            ApprovalsBy::Roles => format!("members with role {}", list(rule.approval_roles)),
        };
        write!(text, "#   Claude's questions are answered by: {answers}")?;
        if !rule.second_person.is_empty() {
            write!(text, "; another person than the asker must allow {}", list(rule.second_person))?;
        }
        writeln!(text)
    }
}

/// What a tier adds to those below it.
fn may(tier: Tier) -> &'static str {
    match tier {
        Tier::Observer => "looks: /status, /queue, /waiting",
        Tier::Member => {
            "prompts, answers what their own turns ask, stops their own turns, shares what they opened"
        }
        Tier::Operator => {
            "answers and stops for everybody, allows for a session, /reset, /model, /effort, /mode, /share, /why"
        }
        Tier::Admin => "everything",
    }
}

fn named(grant: &Grant<'_>) -> String {
    let mut parts = Vec::new();
    if !grant.users.is_empty() {
        parts.push(format!("users {}", list(grant.users)));
    }
    if !grant.roles.is_empty() {
        parts.push(format!("roles {}", list(grant.roles)));
    }
    if grant.everyone {
        parts.push("everyone who sees the channel".to_owned());
    }
    parts.join("; ")
}

fn limits(entry: &PeopleEntry) -> String {
    let mut text = String::new();
    if let Some(guild) = entry.guild {
        let _ = write!(text, ", in server {guild}");
    }
    if !entry.channels.is_empty() {
        let _ = write!(text, ", in channels {}", list(&entry.channels));
    }
    text
}

fn list<T: std::fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

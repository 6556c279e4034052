//! PURE: who may do what. One [`authorize`], asked wherever a person wants something: when a message is taken, when its
//! turn begins, at each click and command. Deny by default; whoever is blocked may nothing; the highest tier counts.

mod words;

#[cfg(test)]
mod tests;

pub use words::{NOT_AMONG_PEOPLE, denied, who_may_answer};

use crate::config::{AccessRule, ApprovalsBy, ResetBy};
use crate::domain::ids::{RoleId, UserId};
use crate::domain::tier::Tier;

/// A person, as Discord's server says: a user id cannot be forged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub id: UserId,
    /// The roles that they have in the guild, right now.
    pub roles: Vec<RoleId>,
    /// Whether they have Discord's Manage Messages permission in the channel.
    pub manages_messages: bool,
}

/// What a person wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Look at what goes on.
    Look,
    /// Ask Claude for something, or let it go on.
    Prompt,
    /// Stop a turn, or take a prompt out of the queue.
    Stop {
        /// Whether it is theirs.
        own: bool,
    },
    /// Answer what Claude asks.
    Answer(Asked),
    /// Choose the model, or how much Claude may do by itself.
    Choose,
    /// Let what was held after an absence go, whoever wrote it.
    Discard,
    /// Make a conversation begin anew.
    Reset,
    /// Let one more person into a conversation.
    Share {
        /// Whether they opened it.
        opener: bool,
    },
    /// Know what became of a message.
    Explain {
        /// Whether they wrote it.
        own: bool,
    },
    /// Let Claude do everything without asking.
    Bypass,
}

/// A question of Claude's, as far as it matters who may answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each read in its own place")]
pub struct Asked {
    /// Whose turn asks; none: the CLI began it by itself.
    pub asker: Option<UserId>,
    /// Whether that person is there only because the conversation is shared with them.
    pub by_guest: bool,
    /// Whether what is asked takes another person than those whom the turn works for.
    pub second_person: bool,
    /// Whether whoever wants to answer said something that the turn works at.
    pub has_part: bool,
    /// Whether a command that somebody wrote instead takes another person, and the one that is asked about does not.
    pub edited_into: bool,
    /// Whether the answer lets Claude go ahead.
    pub allows: bool,
    /// Whether it lets Claude go ahead unasked from then on, until the session ends.
    pub lasts: bool,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go ahead.
    Allowed,
    /// They are not among the people of the project.
    NotAmongPeople,
    /// They are kept out by name.
    Blocked,
    /// They are among them, and this takes a higher tier.
    NeedsTier(Tier),
    /// They are, but this takes the Manage Messages permission.
    NeedsManageMessages,
    /// Only the one whose turn asks may answer.
    NotAsker,
    /// Only people with certain roles may answer.
    NeedsApprovalRole,
    /// What the asker wants to be allowed takes somebody else.
    NeedsSecondPerson,
    /// Who writes a command that takes somebody else is one person, whoever it is: Claude has to ask for it.
    NeedsItsOwnCard,
    /// Guests of a conversation answer nothing.
    GuestsAnswerNothing,
}

/// What a person is, in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Kept out by name.
    Blocked,
    /// Nobody has named them.
    Stranger,
    /// Here because the conversation is shared with them.
    Guest(Tier),
    /// Among the people of the project.
    Among(Tier),
}

impl Standing {
    /// The tier, if there is one.
    pub fn tier(self) -> Option<Tier> {
        match self {
            Standing::Blocked | Standing::Stranger => None,
            Standing::Guest(tier) | Standing::Among(tier) => Some(tier),
        }
    }
}

/// What `person` is under `rule`. Somebody whom the configuration names as highly is no guest.
pub fn standing(rule: &AccessRule<'_>, person: &Person) -> Standing {
    if rule.blocked.contains(&person.id) {
        return Standing::Blocked;
    }
    let names = |roles: &[RoleId]| person.roles.iter().any(|role| roles.contains(role));
    let counts = rule
        .grants
        .iter()
        .filter(|grant| grant.everyone || grant.users.contains(&person.id) || names(grant.roles));
    let among = counts.map(|grant| grant.tier).max();
    let shared = rule.guest.filter(|(guest, _)| *guest == person.id).map(|(_, tier)| tier);
    match (among, shared) {
        (None, None) => Standing::Stranger,
        (Some(among), Some(shared)) if shared > among => Standing::Guest(shared),
        (Some(among), _) => Standing::Among(among),
        (None, Some(shared)) => Standing::Guest(shared),
    }
}

/// Whether `person` may do `action` under `rule`.
pub fn authorize(rule: &AccessRule<'_>, person: &Person, action: Action) -> Verdict {
    // Whoever wrote a message may know that nobody listens to them.
    if action == (Action::Explain { own: true }) {
        return Verdict::Allowed;
    }
    let standing = standing(rule, person);
    let tier = match standing {
        Standing::Blocked => return Verdict::Blocked,
        Standing::Stranger => return Verdict::NotAmongPeople,
        Standing::Guest(tier) | Standing::Among(tier) => tier,
    };
    let needs = needs(rule, action, person);
    if tier < needs {
        return Verdict::NeedsTier(needs);
    }
    match action {
        Action::Reset if rule.reset == ResetBy::ManageMessages && !person.manages_messages => {
            Verdict::NeedsManageMessages
        }
        Action::Answer(asked) => may_answer(rule, person, standing, asked),
        Action::Look
        | Action::Prompt
        | Action::Stop { .. }
        | Action::Choose
        | Action::Discard
        | Action::Reset
        | Action::Share { .. }
        | Action::Explain { .. }
        | Action::Bypass => Verdict::Allowed,
    }
}

/// The least tier that an action takes.
fn needs(rule: &AccessRule<'_>, action: Action, person: &Person) -> Tier {
    match action {
        Action::Look => Tier::Observer,
        Action::Prompt | Action::Stop { own: true } | Action::Share { opener: true } => Tier::Member,
        Action::Stop { own: false }
        | Action::Choose
        | Action::Discard
        | Action::Share { opener: false }
        | Action::Explain { .. } => Tier::Operator,
        Action::Reset => match rule.reset {
            ResetBy::Members => Tier::Member,
            ResetBy::ManageMessages => Tier::Operator,
        },
        // What is not asked any more is the mode's business, in small: that takes what choosing one takes.
        Action::Answer(asked) if asked.lasts => Tier::Operator,
        Action::Answer(asked) => match rule.approvals {
            // Who else answers for a guest?
            ApprovalsBy::Roles => Tier::Member,
            ApprovalsBy::People | ApprovalsBy::Asker if asked.asker == Some(person.id) => Tier::Member,
            // The asker alone, where there is one who may. Who else may is said below.
            ApprovalsBy::Asker if asked.asker.is_some() && !asked.by_guest => Tier::Member,
            ApprovalsBy::People | ApprovalsBy::Asker => Tier::Operator,
        },
        Action::Bypass => Tier::Admin,
    }
}

/// Whether somebody whose tier suffices may answer this.
fn may_answer(rule: &AccessRule<'_>, person: &Person, standing: Standing, asked: Asked) -> Verdict {
    let own = asked.asker == Some(person.id);
    if matches!(standing, Standing::Guest(_)) {
        return Verdict::GuestsAnswerNothing;
    }
    match rule.approvals {
        ApprovalsBy::Asker if asked.asker.is_some() && !asked.by_guest && !own => return Verdict::NotAsker,
        ApprovalsBy::Roles if !person.roles.iter().any(|role| rule.approval_roles.contains(role)) => {
            return Verdict::NeedsApprovalRole;
        }
        ApprovalsBy::People | ApprovalsBy::Asker | ApprovalsBy::Roles => {}
    }
    if asked.allows && asked.edited_into {
        return Verdict::NeedsItsOwnCard;
    }
    if asked.second_person && asked.allows && (own || asked.has_part) {
        return Verdict::NeedsSecondPerson;
    }
    Verdict::Allowed
}

//! PURE: who may do what. One [`authorize`], asked wherever a person wants something. Deny by default.

use crate::config::{AccessRule, ResetBy};
use crate::domain::ids::{RoleId, UserId};

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
    /// Prompt, stop, look, choose the model.
    Prompt,
    /// Answer what Claude asks.
    Answer,
    /// Make a conversation begin anew.
    Reset,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go ahead.
    Allowed,
    /// They are not among the people of the project.
    NotAmongPeople,
    /// They are, but this takes the Manage Messages permission.
    NeedsManageMessages,
}

/// Whether `person` may do `action` under `rule`.
pub fn authorize(rule: AccessRule<'_>, person: &Person, action: Action) -> Verdict {
    let among = rule.everyone
        || rule.users.contains(&person.id)
        || person.roles.iter().any(|role| rule.roles.contains(role));
    match (among, action, rule.reset) {
        (false, _, _) => Verdict::NotAmongPeople,
        (true, Action::Prompt | Action::Answer, _) | (true, Action::Reset, ResetBy::Members) => {
            Verdict::Allowed
        }
        (true, Action::Reset, ResetBy::ManageMessages) if person.manages_messages => Verdict::Allowed,
        (true, Action::Reset, ResetBy::ManageMessages) => Verdict::NeedsManageMessages,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: u64, roles: &[u64], manages_messages: bool) -> Person {
        Person { id: UserId(id), roles: roles.iter().copied().map(RoleId).collect(), manages_messages }
    }

    #[test]
    fn the_table() {
        let (users, roles) = ([UserId(1)], [RoleId(2)]);
        let empty = AccessRule { users: &[], roles: &[], everyone: false, reset: ResetBy::Members };
        let some =
            AccessRule { users: &users, roles: &roles, everyone: false, reset: ResetBy::ManageMessages };
        let members = AccessRule { reset: ResetBy::Members, ..some };
        let everyone = AccessRule { everyone: true, ..empty };
        let table = [
            (empty, person(1, &[2], true), Action::Prompt, Verdict::NotAmongPeople),
            (some, person(1, &[], false), Action::Prompt, Verdict::Allowed),
            (some, person(9, &[2], false), Action::Prompt, Verdict::Allowed),
            (some, person(9, &[2], false), Action::Answer, Verdict::Allowed),
            (some, person(9, &[1], true), Action::Answer, Verdict::NotAmongPeople),
            (some, person(9, &[1], true), Action::Prompt, Verdict::NotAmongPeople),
            (some, person(2, &[], true), Action::Prompt, Verdict::NotAmongPeople),
            (some, person(1, &[], false), Action::Reset, Verdict::NeedsManageMessages),
            (some, person(1, &[], true), Action::Reset, Verdict::Allowed),
            (some, person(9, &[], true), Action::Reset, Verdict::NotAmongPeople),
            (members, person(1, &[], false), Action::Reset, Verdict::Allowed),
            (everyone, person(9, &[], false), Action::Prompt, Verdict::Allowed),
        ];
        for (row, (rule, person, action, verdict)) in table.into_iter().enumerate() {
            assert_eq!(authorize(rule, &person, action), verdict, "row {row}");
        }
    }
}

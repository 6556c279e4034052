//! Why somebody may not, in one sentence for that person alone, with what to do next.

use super::{Asked, Verdict};
use crate::config::{AccessRule, ApprovalsBy};
use crate::domain::tier::Tier;

/// What a stranger is told, and whoever is blocked.
pub const NOT_AMONG_PEOPLE: &str =
    "You are not among the people of this project. Ask whoever runs the bot to add you or a role of yours.";
const NEEDS_MANAGE_MESSAGES: &str =
    "Starting anew takes the Manage Messages permission in this channel. Ask somebody who has it.";
const GUESTS: &str = "This conversation is shared with you, so you may write here; what Claude asks is answered by the people of the \
     project.";
const ITS_OWN_CARD: &str = "What you wrote takes two people, so nobody can allow it by an edit. Deny this and say what is to be done instead: \
     Claude then asks for that on a card of its own.";

/// The sentence for a verdict; none for one that allows. `asked` is what they wanted to answer, if it was that.
pub fn denied(verdict: Verdict, rule: &AccessRule<'_>, asked: Option<&Asked>) -> Option<String> {
    let who = || asked.map(|asked| who_may_answer(rule, asked)).unwrap_or_default();
    Some(match verdict {
        Verdict::Allowed => return None,
        Verdict::NotAmongPeople | Verdict::Blocked => NOT_AMONG_PEOPLE.to_owned(),
        Verdict::NeedsTier(tier) if asked.is_some_and(|asked| asked.lasts) => format!(
            "What lasts for the session takes {} of this project. Allow it once, or ask one of them.",
            one(tier)
        ),
        Verdict::NeedsTier(_) if asked.is_some() => format!("You may not answer this. {}", who()),
        Verdict::NeedsTier(tier) => format!(
            "This takes {} of this project. Ask one of them, or whoever runs the bot to give you more rights.",
            one(tier)
        ),
        Verdict::NeedsManageMessages => NEEDS_MANAGE_MESSAGES.to_owned(),
        Verdict::NotAsker | Verdict::NeedsApprovalRole => format!("You may not answer this. {}", who()),
        Verdict::NeedsSecondPerson => {
            format!("Somebody else has to allow this, because you asked for it; you may deny it. {}", who())
        }
        Verdict::NeedsItsOwnCard => ITS_OWN_CARD.to_owned(),
        Verdict::GuestsAnswerNothing => GUESTS.to_owned(),
    })
}

fn one(tier: Tier) -> &'static str {
    match tier {
        Tier::Observer => "somebody",
        Tier::Member => "a member",
        Tier::Operator => "an operator",
        Tier::Admin => "an admin",
    }
}

/// Who may answer a question of Claude's, in one sentence: for its card, and for those who may not.
pub fn who_may_answer(rule: &AccessRule<'_>, asked: &Asked) -> String {
    let whose = asked.asker.filter(|_| !asked.by_guest);
    let who = match (rule.approvals, whose) {
        (ApprovalsBy::People, Some(whose)) => format!("<@{whose}> or an operator of the project answers"),
        (ApprovalsBy::Asker, Some(whose)) => format!("Only <@{whose}>, whose turn it is, answers"),
        (ApprovalsBy::People | ApprovalsBy::Asker, None) => "An operator of the project answers".to_owned(),
        (ApprovalsBy::Roles, _) => {
            let roles: Vec<_> = rule.approval_roles.iter().map(|role| format!("<@&{role}>")).collect();
            format!("Only people with the role {} answer", roles.join(" or "))
        }
    };
    match asked.asker {
        Some(whose) if asked.second_person => {
            format!("{who}, and somebody other than <@{whose}> has to allow it.")
        }
        _ => format!("{who}."),
    }
}

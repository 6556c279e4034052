use super::*;
use crate::config::Grant;

fn person(id: u64, roles: &[u64], manages_messages: bool) -> Person {
    Person { id: UserId(id), roles: roles.iter().copied().map(RoleId).collect(), manages_messages }
}

fn grant<'a>(tier: Tier, users: &'a [UserId], roles: &'a [RoleId]) -> Grant<'a> {
    Grant { tier, users, roles, everyone: false }
}

fn rule(grants: Vec<Grant<'_>>) -> AccessRule<'_> {
    AccessRule {
        grants,
        blocked: &[],
        reset: ResetBy::ManageMessages,
        approvals: ApprovalsBy::People,
        approval_roles: &[],
        second_person: &[],
        guest: None,
    }
}

fn asked(asker: u64) -> Asked {
    Asked {
        asker: Some(UserId(asker)),
        by_guest: false,
        second_person: false,
        has_part: false,
        edited_into: false,
        allows: true,
        lasts: false,
    }
}

#[test]
fn as_it_was_for_who_has_a_configuration() {
    let (users, roles) = ([UserId(1)], [RoleId(2)]);
    let some = rule(vec![grant(Tier::Operator, &users, &roles)]);
    let members = AccessRule { reset: ResetBy::Members, ..some.clone() };
    let everyone = rule(vec![Grant { everyone: true, ..grant(Tier::Operator, &[], &[]) }]);
    let empty = rule(vec![grant(Tier::Operator, &[], &[])]);
    let table = [
        (&empty, person(1, &[2], true), Action::Prompt, Verdict::NotAmongPeople),
        (&some, person(1, &[], false), Action::Prompt, Verdict::Allowed),
        (&some, person(9, &[2], false), Action::Prompt, Verdict::Allowed),
        (&some, person(9, &[2], false), Action::Answer(asked(1)), Verdict::Allowed),
        (&some, person(9, &[1], true), Action::Answer(asked(1)), Verdict::NotAmongPeople),
        (&some, person(9, &[1], true), Action::Prompt, Verdict::NotAmongPeople),
        (&some, person(2, &[], true), Action::Prompt, Verdict::NotAmongPeople),
        (&some, person(1, &[], false), Action::Reset, Verdict::NeedsManageMessages),
        (&some, person(1, &[], true), Action::Reset, Verdict::Allowed),
        (&some, person(9, &[], true), Action::Reset, Verdict::NotAmongPeople),
        (&members, person(1, &[], false), Action::Reset, Verdict::Allowed),
        (&everyone, person(9, &[], false), Action::Prompt, Verdict::Allowed),
        (&some, person(1, &[], false), Action::Stop { own: false }, Verdict::Allowed),
        (&some, person(1, &[], false), Action::Bypass, Verdict::NeedsTier(Tier::Admin)),
    ];
    for (row, (rule, person, action, verdict)) in table.into_iter().enumerate() {
        assert_eq!(authorize(rule, &person, action), verdict, "row {row}");
    }
}

#[test]
fn who_may_answer_is_by_configuration() {
    let people = [UserId(1), UserId(2), UserId(3)];
    let (members, operators) = ([UserId(4)], [RoleId(7)]);
    let base = rule(vec![grant(Tier::Operator, &people, &[]), grant(Tier::Member, &members, &[])]);
    let by = |approvals| AccessRule { approvals, approval_roles: &operators, ..base.clone() };
    let verdict = |rule: &AccessRule<'_>, who: &Person, asked| authorize(rule, who, Action::Answer(asked));
    let (asker, other, member) = (person(1, &[], false), person(2, &[], false), person(4, &[], false));
    let with_role = person(4, &[7], false);

    let rule = by(ApprovalsBy::People);
    assert_eq!(verdict(&rule, &other, asked(1)), Verdict::Allowed);
    assert_eq!(verdict(&rule, &member, asked(1)), Verdict::NeedsTier(Tier::Operator));
    assert_eq!(verdict(&rule, &member, asked(4)), Verdict::Allowed);

    let rule = by(ApprovalsBy::Asker);
    assert_eq!(verdict(&rule, &asker, asked(1)), Verdict::Allowed);
    assert_eq!(verdict(&rule, &other, asked(1)), Verdict::NotAsker);
    let alone = Asked { asker: None, ..asked(1) };
    assert_eq!(verdict(&rule, &other, alone), Verdict::Allowed);
    assert_eq!(verdict(&rule, &member, alone), Verdict::NeedsTier(Tier::Operator));

    let rule = by(ApprovalsBy::Roles);
    assert_eq!(verdict(&rule, &asker, asked(1)), Verdict::NeedsApprovalRole);
    assert_eq!(verdict(&rule, &with_role, asked(1)), Verdict::Allowed);
}

#[test]
fn what_takes_a_second_person_is_not_allowed_by_the_asker() {
    let people = [UserId(1), UserId(2)];
    let rule = rule(vec![grant(Tier::Operator, &people, &[])]);
    let second = Asked { second_person: true, ..asked(1) };
    let verdict = |id, asked| authorize(&rule, &person(id, &[], false), Action::Answer(asked));
    assert_eq!(verdict(1, second), Verdict::NeedsSecondPerson);
    assert_eq!(verdict(2, second), Verdict::Allowed);
    assert_eq!(verdict(1, Asked { allows: false, ..second }), Verdict::Allowed);
    let heard = Asked { has_part: true, ..second };
    assert_eq!(verdict(2, heard), Verdict::NeedsSecondPerson);
    assert_eq!(verdict(2, Asked { allows: false, ..heard }), Verdict::Allowed);
    let edited = Asked { edited_into: true, ..second };
    for person in [1, 2] {
        assert_eq!(verdict(person, edited), Verdict::NeedsItsOwnCard);
        assert_eq!(verdict(person, Asked { allows: false, ..edited }), Verdict::Allowed);
    }
    assert_eq!(
        denied(Verdict::NeedsSecondPerson, &rule, Some(&second)).as_deref(),
        Some(
            "Somebody else has to allow this, because you asked for it; you may deny it. <@1> or an operator of the project \
             answers, and somebody other than <@1> has to allow it."
        )
    );
}

#[test]
fn a_guest_writes_and_answers_nothing() {
    let people = [UserId(1)];
    let shared = rule(vec![grant(Tier::Operator, &people, &[])]).shared_with(Some((UserId(5), Tier::Member)));
    let guest = person(5, &[], true);
    let own = Asked { by_guest: true, ..asked(5) };
    assert_eq!(authorize(&shared, &guest, Action::Prompt), Verdict::Allowed);
    assert_eq!(authorize(&shared, &guest, Action::Stop { own: true }), Verdict::Allowed);
    for approvals in [ApprovalsBy::People, ApprovalsBy::Asker] {
        let rule = AccessRule { approvals, ..shared.clone() };
        let guests = authorize(&rule, &guest, Action::Answer(own));
        assert_ne!(guests, Verdict::Allowed, "{approvals:?}");
        assert_eq!(authorize(&rule, &person(1, &[], false), Action::Answer(own)), Verdict::Allowed);
    }
    for action in
        [Action::Choose, Action::Share { opener: false }, Action::Stop { own: false }, Action::Reset]
    {
        assert_eq!(authorize(&shared, &guest, action), Verdict::NeedsTier(Tier::Operator), "{action:?}");
    }
    // Somebody else with the same share is nobody.
    assert_eq!(authorize(&shared, &person(6, &[], false), Action::Prompt), Verdict::NotAmongPeople);
}

#[test]
fn the_blocked_may_nothing_and_the_highest_tier_counts() {
    let (one, roles, blocked) = ([UserId(1)], [RoleId(2)], [UserId(9)]);
    let both = rule(vec![grant(Tier::Observer, &one, &[]), grant(Tier::Admin, &[], &roles)]);
    assert_eq!(standing(&both, &person(1, &[], false)), Standing::Among(Tier::Observer));
    assert_eq!(standing(&both, &person(1, &[2], false)), Standing::Among(Tier::Admin));
    let rule = AccessRule { blocked: &blocked, ..both }.shared_with(Some((UserId(9), Tier::Member)));
    assert_eq!(authorize(&rule, &person(9, &[2], true), Action::Look), Verdict::Blocked);
    assert!(rule.depends_on_roles(UserId(1)) && rule.depends_on_roles(UserId(3)));
}

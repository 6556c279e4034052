//! The checker itself: a history that keeps the contract, and each rule broken once.

use super::contract::{Rule, check};
use super::record::{Death, Deleted, Given, History, Said, Shown, Stored};

/// Two people asked in one channel, a stranger beside them, and one message was edited while nobody looked.
fn kept() -> History {
    let said = |id: u64, token: &str| Said {
        id,
        channel: 1,
        answered_in: 1,
        token: token.to_owned(),
        eligible: true,
        effects: 1,
        ..Said::default()
    };
    let given = |pid: i64, token: &str| Given {
        pid,
        session: "s".to_owned(),
        uuid: format!("u-{token}"),
        text: format!("[[say:{token} is done]]"),
    };
    let shown =
        |id: u64, answers: Option<u64>, text: &str| Shown { id, channel: 1, answers, text: text.to_owned() };
    let stranger = Said { eligible: false, effects: 0, ..said(30, "q3") };
    let edited = Said { effects: 0, outdated: vec!["q4old".to_owned()], ..said(40, "q4") };
    History {
        said: vec![said(10, "q1"), said(20, "q2"), stranger, edited],
        shown: vec![
            shown(11, Some(10), "much"),
            shown(12, None, "more\nq1 is done\n-# ✅ 1s"),
            shown(21, Some(20), "q2 is done\n-# ✅ 1s"),
            shown(41, Some(40), "q4 is done\n-# ✅ 1s"),
        ],
        reactions: vec![(10, "✅".to_owned()), (20, "✅".to_owned()), (40, "✅".to_owned())],
        deaths: vec![Death { at: "noon".to_owned(), acknowledged: [10].into(), stored: [10, 20].into() }],
        given: vec![given(7, "q1"), given(7, "q2"), given(8, "q4")],
        effects: [("q1".to_owned(), 1), ("q2".to_owned(), 1)].into(),
        stored: Stored { integrity: vec!["ok".to_owned()], ..Stored::default() },
        ..History::default()
    }
}

/// The rules that a change of the history breaks.
fn broken(change: impl FnOnce(&mut History)) -> Vec<Rule> {
    let mut history = kept();
    change(&mut history);
    let mut rules: Vec<_> = check(&history).into_iter().map(|violation| violation.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

#[test]
fn what_keeps_the_contract_is_let_pass() {
    assert_eq!(check(&kept()), []);
    assert_eq!(check(&History { stored: kept().stored, ..History::default() }), []);
}

#[test]
fn what_is_lost_is_seen() {
    assert_eq!(broken(|history| drop(history.shown.remove(2))), [Rule::NothingLost]);
    assert_eq!(broken(|history| history.shown[2].text = "-# ⏳ working".to_owned()), [Rule::NothingLost]);
    assert_eq!(broken(|history| history.shown[2].text = "-# ✅ 1s".to_owned()), [Rule::NothingLost]);
    // Also where it was never begun.
    let never = broken(|history| {
        history.shown.remove(2);
        history.given.remove(1);
        history.reactions.remove(1);
        history.effects.remove("q2");
    });
    assert_eq!(never, [Rule::NothingLost]);
}

#[test]
fn what_comes_twice_is_seen() {
    let again = |history: &mut History| history.shown.insert(3, Shown { id: 22, ..history.shown[2].clone() });
    assert_eq!(broken(again), [Rule::NothingTwice]);
    let half = |history: &mut History| {
        let text = "q2 is".to_owned();
        history.shown.insert(2, Shown { id: 20, channel: 1, answers: Some(20), text });
    };
    assert_eq!(broken(half), [Rule::NothingTwice]);
    // Without an end of its own, and in a message that replies to nothing.
    let tail = |history: &mut History| {
        let text = "q2 is done".to_owned();
        history.shown.insert(2, Shown { id: 22, channel: 1, answers: Some(20), text });
    };
    assert_eq!(broken(tail), [Rule::NothingTwice]);
}

#[test]
fn what_is_out_of_order_is_seen() {
    assert_eq!(broken(|history| history.given.swap(0, 1)), [Rule::InOrder]);
    let answers = |history: &mut History| {
        history.shown[2].id = 9;
        history.shown.rotate_left(2);
        history.shown.swap(1, 2);
        history.shown.sort_by_key(|shown| shown.id);
    };
    assert_eq!(broken(answers), [Rule::InOrder]);
}

#[test]
fn whoever_else_is_served_is_seen() {
    let shown = |answers, text: &str| Shown { id: 50, channel: 1, answers, text: text.to_owned() };
    assert_eq!(broken(|history| history.shown.push(shown(Some(30), "No."))), [Rule::NobodyElse]);
    assert_eq!(broken(|history| history.shown.push(shown(Some(99), "Who?"))), [Rule::NobodyElse]);
    assert_eq!(broken(|history| history.reactions.push((30, "👀".to_owned()))), [Rule::NobodyElse]);
    let given = |text: &str| Given { uuid: "u".to_owned(), text: text.to_owned(), ..kept().given[2].clone() };
    assert_eq!(broken(|history| history.given.push(given("q3"))), [Rule::NobodyElse]);
    assert_eq!(broken(|history| history.given.push(given("say q4old"))), [Rule::NobodyElse]);
    assert_eq!(broken(|history| history.said[1].deleted = Deleted::Unseen), [Rule::NobodyElse]);
    assert_eq!(broken(|history| history.said[1].deleted = Deleted::Later), []);
    let effect = |history: &mut History| {
        history.effects.insert("q3".to_owned(), 1);
    };
    assert_eq!(broken(effect), [Rule::EffectsOnce]);
}

#[test]
fn an_acknowledgement_of_what_is_not_stored_is_seen() {
    assert_eq!(broken(|history| history.deaths[0].stored = [20].into()), [Rule::AcceptedIsDurable]);
}

#[test]
fn a_prompt_is_given_again_only_where_its_cli_was_killed() {
    let again = |history: &mut History| history.given.insert(2, Given { pid: 9, ..history.given[1].clone() });
    assert_eq!(broken(again), [Rule::GivenOnce]);
    let killed = |history: &mut History| {
        again(history);
        history.killed.insert(7);
    };
    assert_eq!(broken(killed), []);
    let key = |history: &mut History| history.given[1].uuid = "u-q1".to_owned();
    assert_eq!(broken(key), [Rule::GivenOnce]);
    // What it did before it was killed is not done again.
    let effect = |history: &mut History| {
        killed(history);
        history.effects.insert("q2".to_owned(), 2);
    };
    assert_eq!(broken(effect), [Rule::EffectsOnce]);
}

#[test]
fn side_effects_happen_once() {
    assert_eq!(
        broken(|history| history.effects = [("q1".to_owned(), 2), ("q2".to_owned(), 1)].into()),
        [Rule::EffectsOnce]
    );
    assert_eq!(broken(|history| history.effects = [("q2".to_owned(), 1)].into()), [Rule::EffectsOnce]);
}

#[test]
fn a_turn_that_the_daemon_took_with_it_is_seen() {
    let failed = |history: &mut History| {
        history.shown[2].text = "❌ Claude Code disappeared\n-# 1s".to_owned();
        history.reactions[1].1 = "❌".to_owned();
    };
    assert_eq!(broken(failed), [Rule::TurnsOutlive]);
    let killed = |history: &mut History| {
        failed(history);
        history.killed.insert(7);
    };
    assert_eq!(broken(killed), []);
    assert_eq!(broken(|history| history.given[1].session = "another".to_owned()), [Rule::TurnsOutlive]);
}

#[test]
fn a_refusal_that_is_visible_is_an_end() {
    let refused = |history: &mut History| {
        history.stored.refused.insert(20);
        history.shown[2].text = "20 prompts wait here already".to_owned();
        history.given.remove(1);
        history.effects.remove("q2");
    };
    assert_eq!(broken(refused), []);
    let untold = |history: &mut History| {
        refused(history);
        history.shown.remove(2);
        history.reactions.remove(1);
    };
    assert_eq!(broken(untold), [Rule::NothingLost]);
}

#[test]
fn a_question_that_is_asked_in_two_messages_is_seen() {
    let asked = |times: u64| {
        move |history: &mut History| {
            for id in 0..times {
                let text = "🔐 **May Claude use `Bash`?**".to_owned();
                history.shown.insert(1, Shown { id: 100 + id, channel: 1, answers: None, text });
            }
        }
    };
    assert_eq!(broken(asked(1)), []);
    assert_eq!(broken(asked(2)), [Rule::NothingTwice]);
}

#[test]
fn the_rest_is_seen() {
    let word = || "something".to_owned();
    assert_eq!(broken(|history| history.shared_sessions.push(word())), [Rule::OneWriter]);
    assert_eq!(broken(|history| history.left.push(word())), [Rule::NothingLeft]);
    assert_eq!(broken(|history| history.misbehaved.push(word())), [Rule::Polite]);
    assert_eq!(broken(|history| history.stored.unsettled.push(word())), [Rule::Settled]);
    assert_eq!(broken(|history| history.stored.integrity = vec![word()]), [Rule::Settled]);
    assert_eq!(broken(|history| history.reactions[0].1 = "👀".to_owned()), [Rule::ReactionTells]);
    assert_eq!(broken(|history| history.reactions.push((10, "👀".to_owned()))), [Rule::ReactionTells]);
}

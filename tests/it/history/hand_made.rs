//! The checker itself: a history that keeps the contract, and each rule broken once.

use super::contract::{Rule, check};
use super::record::{Call, Death, Deleted, Given, History, Said, Shown, Stored, Told};

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
    let shown = |id: u64, answers: Option<u64>, text: &str| Shown {
        id,
        channel: 1,
        answers,
        text: text.to_owned(),
        ..Shown::default()
    };
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
        history.shown.insert(2, Shown { id: 20, channel: 1, answers: Some(20), text, ..Shown::default() });
    };
    assert_eq!(broken(half), [Rule::NothingTwice]);
    // Without an end of its own, and in a message that replies to nothing.
    let tail = |history: &mut History| {
        let text = "q2 is done".to_owned();
        history.shown.insert(2, Shown { id: 22, channel: 1, answers: Some(20), text, ..Shown::default() });
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
    let shown = |answers, text: &str| Shown {
        id: 50,
        channel: 1,
        answers,
        text: text.to_owned(),
        ..Shown::default()
    };
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

/// The first two questions were asked in one prompt, and answered in reply to the second.
fn together(history: &mut History) {
    "[[say:q1 is done]]\n\n[[say:q2 is done]]".clone_into(&mut history.given[0].text);
    history.given.remove(1);
    history.shown.drain(..2);
    "q1 is done\nq2 is done\n-# ✅ 1s".clone_into(&mut history.shown[0].text);
}

#[test]
fn what_was_said_together_is_answered_once_below_the_last() {
    assert_eq!(broken(together), []);
    let changed = |change: fn(&mut History)| {
        broken(|history| {
            together(history);
            change(history);
        })
    };
    assert_eq!(
        changed(|history| history.shown[0].answers = Some(10)),
        [Rule::NothingLost, Rule::NothingTwice]
    );
    assert_eq!(changed(|history| drop(history.shown.remove(0))), [Rule::NothingLost]);
    assert_eq!(
        changed(|history| history.shown[0].text = "q2 is done\n-# ✅ 1s".to_owned()),
        [Rule::NothingLost]
    );
    let apart = |history: &mut History| {
        let text = "q1 is done".to_owned();
        history.shown.insert(0, Shown { id: 19, channel: 1, answers: Some(10), text, ..Shown::default() });
    };
    assert_eq!(changed(apart), [Rule::NothingTwice]);
    assert_eq!(changed(|history| drop(history.reactions.remove(0))), [Rule::ReactionTells]);
    assert_eq!(changed(|history| history.said[0].author = 2), [Rule::NobodyElse]);
    // What was given alone before is given again.
    let alone = |history: &mut History| history.given.insert(0, kept().given[0].clone());
    assert_eq!(changed(alone), [Rule::GivenOnce]);
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
                history.shown.insert(1, Shown { id: 100 + id, channel: 1, text, ..Shown::default() });
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

/// The third of three questions, the one of the edited message, opened a thread.
fn with_a_thread(history: &mut History) {
    history.said[3].answered_in = 40;
    history.shown[3].channel = 40;
    history.shown[3].answers = None;
    history.threads.insert(40);
}

#[test]
fn an_answer_or_a_thread_in_the_wrong_place_is_seen() {
    assert_eq!(broken(with_a_thread), []);
    let beside = |history: &mut History| {
        with_a_thread(history);
        history.shown[3].channel = 1;
        history.shown[3].answers = Some(40);
    };
    assert_eq!(broken(beside), [Rule::InPlace]);
    let for_a_stranger = |history: &mut History| {
        history.threads.insert(30);
    };
    assert_eq!(broken(for_a_stranger), [Rule::InPlace]);
    let where_none_opens = |history: &mut History| {
        history.threads.insert(20);
    };
    assert_eq!(broken(where_none_opens), [Rule::InPlace]);
    // Twice: in the thread, and beside it.
    let twice = |history: &mut History| {
        with_a_thread(history);
        let beside = Shown { id: 42, channel: 1, answers: Some(40), ..history.shown[3].clone() };
        history.shown.push(beside);
    };
    assert_eq!(broken(twice), [Rule::NothingTwice, Rule::InPlace]);
}

/// The second prompt asked whether it may, and somebody said yes.
fn with_a_question(history: &mut History) {
    let card = "🔐 **May Claude use `Bash`?**\necho > q2".to_owned();
    history.shown.insert(
        3,
        Shown { id: 22, channel: 1, text: format!("{card}\nAllowed by Mara"), ..Shown::default() },
    );
    history.clicked.push((card, "Allow once".to_owned()));
    let wanted = "echo > q2".to_owned();
    history.told.push(Told { pid: 7, question: "toolu_1".to_owned(), wanted, allowed: true });
}

#[test]
fn an_answer_that_nobody_gave_or_that_comes_twice_is_seen() {
    assert_eq!(broken(with_a_question), []);
    let twice = |history: &mut History| {
        with_a_question(history);
        history.told.push(history.told[0].clone());
    };
    assert_eq!(broken(twice), [Rule::AnsweredOnce]);
    let by_nobody = |history: &mut History| {
        with_a_question(history);
        history.clicked.clear();
    };
    assert_eq!(broken(by_nobody), [Rule::AnsweredOnce]);
    let although_denied = |history: &mut History| {
        with_a_question(history);
        "Deny".clone_into(&mut history.clicked[0].1);
    };
    assert_eq!(broken(although_denied), [Rule::AnsweredOnce]);
    let of_another = |history: &mut History| {
        with_a_question(history);
        history.clicked[0].0 = history.clicked[0].0.replace("q2", "q1");
    };
    assert_eq!(broken(of_another), [Rule::AnsweredOnce]);
    // Whoever is refused does nothing.
    let denied = |history: &mut History| {
        with_a_question(history);
        history.clicked.clear();
        history.told[0].allowed = false;
    };
    assert_eq!(broken(denied), []);
    let effect = |history: &mut History| {
        with_a_question(history);
        history.effects.insert("q2".to_owned(), 2);
    };
    assert_eq!(broken(effect), [Rule::EffectsOnce]);
}

#[test]
fn a_button_that_outlives_its_question_is_seen() {
    let labelled = |label: &'static str| {
        move |history: &mut History| {
            with_a_question(history);
            history.shown[3].buttons.push(label.to_owned());
        }
    };
    assert_eq!(broken(labelled("Allow once")), [Rule::AnsweredOnce]);
    assert_eq!(broken(labelled("Go on")), [Rule::AnsweredOnce]);
    let cut_off = |history: &mut History| {
        labelled("Go on")(history);
        history.killed.insert(7);
    };
    assert_eq!(broken(cut_off), []);
    assert_eq!(broken(labelled("Run")), [Rule::AnsweredOnce]);
}

#[test]
fn a_nonce_that_is_trusted_for_too_long_or_used_twice_is_seen() {
    let posts = |late: bool, looks: bool| {
        move |history: &mut History| {
            let post = |at_ms| Call::Post { at_ms, channel: 1, nonce: Some("n".to_owned()) };
            history.calls.push(post(1_000));
            if looks {
                history.calls.push(Call::Look { channel: 1 });
            }
            history.calls.push(post(if late { 400_000 } else { 90_000 }));
        }
    };
    assert_eq!(broken(posts(false, false)), []);
    assert_eq!(broken(posts(true, true)), []);
    assert_eq!(broken(posts(true, false)), [Rule::NonceHolds]);
    // A look at another channel says nothing.
    let elsewhere = |history: &mut History| {
        posts(true, true)(history);
        history.calls[1] = Call::Look { channel: 2 };
    };
    assert_eq!(broken(elsewhere), [Rule::NonceHolds]);
    let unnamed =
        |history: &mut History| history.calls.push(Call::Post { at_ms: 1, channel: 1, nonce: None });
    assert_eq!(broken(unnamed), [Rule::NonceHolds]);
    let both = |history: &mut History| {
        history.shown[0].nonce = Some("n".to_owned());
        history.shown[1].nonce = Some("n".to_owned());
    };
    assert_eq!(broken(both), [Rule::NonceHolds]);
}

//! What is the same for every turn of the account (a usage limit, a login that is gone, an overloaded API): turns wait
//! for it to pass, say so, and go on by themselves.

use switchboard::playground::discord::Pinged;

use crate::harness::{HARBOR, JONAS, MARA, Stage, eventually, hears_tests};

const LOGGED_IN: &str = "✅ Claude Code was not logged in for a while";

/// A prompt that fails like this until the file is there.
fn fails_until(file: &std::path::Path, row: &str) -> String {
    format!("[[error-unless:{},{row}]][[say:There you are.]]", file.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_told_with_a_countdown_to_everybody_who_waits_and_can_be_stopped() {
    let rows = [
        ("not-logged-in", "not logged in on this machine"),
        ("403", "the API refuses its login"),
        ("529-forever", "the API is overloaded"),
        ("429-forever", "takes no more requests for now"),
        ("rate-limit-rejected-subscription", "usage limit of the account is reached: I go on"),
    ];
    for (row, words) in rows {
        let stage = Stage::new().await;
        let _bot = stage.bot().await;
        let thread = stage.discord.create_thread(JONAS, HARBOR, "Another", None);
        let asked = std::time::Instant::now();
        let message = stage.ask(MARA, HARBOR, &format!("[[error:{row}]]"));
        let shown = stage.answer_shows(HARBOR, message, words).await;
        assert!(shown.contains("<t:") && shown.contains(":R>") && !shown.contains('❌'), "{row}: {shown}");
        let other = stage.ask(JONAS, thread, "[[say:Mine runs.]]");
        stage.answer_shows(thread, other, words).await;
        // The API is tried again after 15 s at the earliest.
        let tries = 1 + asked.elapsed().as_secs() / 15;
        assert!(stage.cli_prompts().len() as u64 <= tries, "{row}: the other one was run into the same");
        stage.slash_text(MARA, HARBOR, "stop").await;
        assert_eq!(stage.outcome(message).await, "⏹️", "{row}");
        assert_eq!(stage.sql("select outcome from turns_readable").await, ["interrupted"]);
        stage.assert_well_behaved();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_usage_limit_holds_everybody_until_the_second_that_the_api_names() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let thread = stage.discord.create_thread(JONAS, HARBOR, "Another", None);
    let reset = stage.dir().join("reset");
    // The CLI's words name another time: they say nothing.
    let first = stage.ask(MARA, HARBOR, &format!("[[limited:{},12]][[say:There you are.]]", reset.display()));
    let shown = stage.answer_shows(HARBOR, first, "usage limit of the account is reached: I go on").await;
    let reset: u64 = std::fs::read_to_string(&reset).expect("it was reached").parse().expect("a second");
    let told = shown.split("<t:").nth(1).and_then(|rest| rest.split(':').next()).expect("a countdown");
    let told: u64 = told.parse().expect("a second");
    // Its clock and ours need not agree to the second.
    assert!((reset..reset + 10).contains(&told), "{told} is not {reset}: {shown}");
    let second = stage.ask(JONAS, thread, "[[say:And I.]]");
    assert!(stage.answer(HARBOR, first).await.contains("There you are."));
    assert!(stage.answer(thread, second).await.contains("And I."));
    assert_eq!(stage.cli_prompts().len(), 3, "it was tried again once, and not before");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_is_told_once_that_the_login_is_gone_and_all_turns_go_on_when_it_is_back() {
    let stage = Stage::new().await.with("access", &format!("owner = {JONAS}"));
    let _bot = stage.bot().await;
    let login = stage.dir().join("login");
    let thread = stage.discord.create_thread(MARA, HARBOR, "Another", None);
    let first = stage.ask(MARA, HARBOR, &fails_until(&login, "not-logged-in"));
    stage.answer_shows(HARBOR, first, "not logged in").await;
    let told = stage.said(HARBOR, &format!("<@{JONAS}> ⚠️ Claude Code is not logged in")).await;
    assert!(told.contains("goes on by itself"), "{told}");
    let second = stage.ask(MARA, thread, &fails_until(&login, "not-logged-in"));
    stage.answer_shows(thread, second, "not logged in").await;
    std::fs::write(&login, "").expect("the file");
    for (channel, message) in [(HARBOR, first), (thread, second)] {
        let answer = stage.answer(channel, message).await;
        assert!(answer.contains("There you are.") && !answer.contains("⏸️"), "{answer}");
        assert_eq!(stage.outcome(message).await, "✅");
    }
    let attempts = stage.sql("select min(attempt, 2) || '' from turns order by attempt").await;
    assert_eq!(attempts, ["1", "2"], "one waited before it was tried");
    stage.said(HARBOR, LOGGED_IN).await;
    assert_eq!(stage.pinged_for_the_login().len(), 1);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_is_told_once_in_each_outage_however_often_the_daemon_dies_in_it() {
    let stage = Stage::new().await.with("access", &format!("owner = {JONAS}"));
    let mut bot = stage.bot().await;
    let [login, again] = ["login", "again"].map(|file| stage.dir().join(file));
    let alarm = format!("<@{JONAS}> ⚠️ Claude Code is not logged in");
    let message = stage.ask(MARA, HARBOR, &fails_until(&login, "not-logged-in"));
    stage.said(HARBOR, &alarm).await;
    let told = stage.pinged_for_the_login();
    assert!(matches!(told[..], [(_, Pinged::User(JONAS))]), "{told:?}");
    for tries in 1..=3 {
        // A failed try is over for the daemon when it knows the end of its process.
        stage.rows("select id from processes where ended_at is not null", tries).await;
        bot.kill();
        if tries == 3 {
            std::fs::write(&login, "").expect("the file");
        }
        bot = stage.bot().await;
    }
    assert!(stage.answer(HARBOR, message).await.contains("There you are."));
    assert_eq!(stage.sql("select held || ' ' || attempt from turns").await, ["3 4"]);
    stage.said(HARBOR, LOGGED_IN).await;
    assert_eq!(stage.pinged_for_the_login(), told, "the same message says that it is over");
    let message = stage.ask(MARA, HARBOR, &fails_until(&again, "not-logged-in"));
    stage.said(HARBOR, &alarm).await;
    let told_again = stage.pinged_for_the_login();
    assert!(
        matches!(told_again[..], [first, (_, Pinged::User(JONAS))] if first == told[0]),
        "{told_again:?}"
    );
    stage.slash_text(MARA, HARBOR, "stop").await;
    stage.outcome(message).await;
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_waits_when_the_daemon_dies_is_tried_at_once_by_the_next_one() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let login = stage.dir().join("login");
    let message = stage.ask(MARA, HARBOR, &fails_until(&login, "not-logged-in"));
    stage.answer_shows(HARBOR, message, "not logged in").await;
    bot.kill();
    std::fs::write(&login, "").expect("the file");
    let _bot = stage.bot().await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("There you are."), "{answer}");
    assert_eq!(stage.outcome(message).await, "✅");
    assert_eq!(stage.sql("select attempt || ' ' || outcome from turns").await, ["2 completed"]);
    let answers = stage.answers(HARBOR, message);
    assert_eq!(answers.len(), 1, "the line that waited became the answer");
    eventually("the prompt was given twice", || (stage.cli_prompts().len() == 2).then_some(())).await;
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_dies_before_the_owner_was_told_leaves_it_to_the_next() {
    if !hears_tests() {
        return;
    }
    let stage = Stage::new().await.with("access", &format!("owner = {JONAS}"));
    // Known channels: what is said to a daemon that is about to die is not lost.
    let bot = stage.bot().await;
    stage.rows("select channel || '' from watermarks", 2).await;
    bot.kill();
    let mut around = stage.around_bot().clone();
    around.env.push(("FAIL_AT".to_owned(), "LoginGone:1".to_owned()));
    let mut doomed = stage.bot_unready_with(&around);
    let login = stage.dir().join("login");
    let message = stage.ask(MARA, HARBOR, &fails_until(&login, "not-logged-in"));
    eventually("the daemon to die", || doomed.is_over().then_some(())).await;
    assert_eq!(stage.pinged_for_the_login(), []);
    let _bot = stage.bot().await;
    stage.said(HARBOR, &format!("<@{JONAS}> ⚠️ Claude Code is not logged in")).await;
    stage.answer_shows(HARBOR, message, "not logged in").await;
    assert_eq!(stage.pinged_for_the_login().len(), 1);
    stage.slash_text(MARA, HARBOR, "stop").await;
    stage.outcome(message).await;
    stage.assert_well_behaved();
}

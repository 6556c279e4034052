//! The wall clock steps, as it does when a machine was asleep or asks for the time again, or is wrong as the daemon starts:
//! what is measured is measured with the clock that does not, and what is dated goes by Discord's (RELIABILITY F37). A
//! library gives the daemon a clock that the test sets.

use std::path::PathBuf;
use std::time::Duration;

use switchboard::domain::ids::{ChannelId, MessageId};
use switchboard::playground::discord::Fault;

use crate::harness::{HARBOR, LIGHTHOUSE, MARA, Stage};

const HOUR: i64 = 60 * 60;
const HOURS_2: i64 = 2 * HOUR;
/// More than Discord takes in a row in one channel.
const MANY: usize = 8;
const ASKS: &str = "[[ask:bash:touch made.txt]][[say:That was it.]]";

struct Clock {
    step: PathBuf,
}

impl Clock {
    async fn stage() -> (Stage, Self) {
        let stage = Stage::new().await.with_library("clock");
        let clock = Self { step: stage.dir().join("step") };
        clock.is_wrong_by(0);
        let step = clock.step.to_str().expect("it is text").to_owned();
        (stage.with_daemon_env("CLOCK_STEP", step), clock)
    }

    fn is_wrong_by(&self, secs: i64) {
        use std::os::unix::fs::FileExt as _;

        // In place: the daemon reads it where it lies.
        let file = std::fs::File::options().write(true).create(true).truncate(false).open(&self.step);
        file.and_then(|file| file.write_all_at(&secs.to_ne_bytes(), 0)).expect("the clock is set");
    }
}

/// The texts that answer them, in the order of the channel.
async fn answered_in_order(stage: &Stage, messages: &[MessageId]) {
    for message in messages {
        assert_eq!(stage.outcome(*message).await, "✅");
    }
    let said = stage.bot_messages(HARBOR).join("\n");
    let places: Vec<_> = (0..messages.len())
        .map(|number| {
            let text = format!("Answer {number}.");
            assert_eq!(said.matches(&text).count(), 1, "{text} {said}");
            said.find(&text)
        })
        .collect();
    assert!(places.is_sorted(), "{said}");
}

/// Whatever the card said, when it is denied was an hour after it came.
fn denied_in_an_hour(stage: &Stage, card: MessageId) {
    let history = stage.discord.history(card);
    let told = history.iter().filter_map(|content| content.split_once("denied <t:")?.1.split_once(':'));
    let told: Vec<i64> = told.map(|(until, _)| until.parse().expect("it is a time")).collect();
    let came = card.written_at().0 / 1000;
    let right = |until: &i64| (until - came - HOUR).abs() < 120;
    assert!(!told.is_empty() && told.iter().all(right), "{came} {history:?}");
}

async fn steps_by(secs: i64) {
    let (stage, clock) = Clock::stage().await;
    let bot = stage.bot().await;
    let wrong = if secs < 0 { "in the past" } else { "in the future" };
    // It steps between any two of them, when Discord's limits are told and waited for.
    let mut messages = Vec::new();
    for number in 0..MANY {
        let message = stage.ask(MARA, HARBOR, &format!("[[say:Answer {number}.]]"));
        assert_eq!(stage.outcome(message).await, "✅", "{number}, {wrong}");
        messages.push(message);
        clock.is_wrong_by(if number.is_multiple_of(2) { secs } else { 0 });
    }
    clock.is_wrong_by(secs);
    // A question is open and a turn runs as it steps back again, and as the daemon is killed.
    let gate = stage.dir().join("gate");
    let running = format!("[[say:Answer {MANY}.]] [[wait:{}]]", gate.display());
    messages.push(stage.ask(MARA, HARBOR, &running));
    stage.answer_shows(HARBOR, messages[MANY], &format!("Answer {MANY}.")).await;
    let asks = stage.ask(MARA, LIGHTHOUSE, ASKS);
    let thread = ChannelId(asks.0);
    let (card, _) = stage.card(thread).await;
    clock.is_wrong_by(0);
    bot.kill();
    messages.push(stage.ask(MARA, HARBOR, &format!("[[say:Answer {}.]]", MANY + 1)));
    clock.is_wrong_by(-secs);
    let _bot = stage.bot().await;
    stage.click(MARA, card, "Allow once").await;
    denied_in_an_hour(&stage, card);
    assert_eq!(stage.outcome(asks).await, "✅", "{wrong}");
    std::fs::write(&gate, "").expect("the gate opens");
    answered_in_order(&stage, &messages).await;
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_steps_back_harms_nothing() {
    steps_by(-HOURS_2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_steps_forward_harms_nothing() {
    steps_by(HOURS_2).await;
}

/// A prompt of an absence is run if it is younger than an hour, whatever the machine thinks.
async fn is_as_old_as_discord_says(wrong_by: i64) {
    let (stage, clock) = Clock::stage().await;
    let stage = stage.with("limits", "catch_up_secs_max = 3600");
    let bot = stage.bot().await;
    let first = stage.ask(MARA, HARBOR, "[[say:Before.]]");
    stage.answer(HARBOR, first).await;
    bot.kill();
    stage.ask(MARA, HARBOR, "[[say:Old.]]");
    stage.discord.advance(Duration::from_mins(90));
    let young = stage.ask(MARA, HARBOR, "[[say:Young.]]");
    clock.is_wrong_by(wrong_by);
    let _bot = stage.bot().await;
    assert!(stage.answer(HARBOR, young).await.contains("Young."));
    let notice = stage.said(HARBOR, "while I was away").await;
    assert!(notice.contains("1 message "), "{notice}");
    let prompts = stage.cli_prompts();
    assert!(prompts.len() == 2 && !prompts.iter().any(|prompt| prompt.contains("Old.")), "{prompts:?}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_as_old_as_discord_says_with_a_clock_that_is_behind() {
    is_as_old_as_discord_says(-HOURS_2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_as_old_as_discord_says_with_a_clock_that_is_ahead() {
    is_as_old_as_discord_says(3 * HOURS_2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_with_a_clock_that_is_ahead_denies_no_question_and_waits_for_no_login() {
    let (stage, clock) = Clock::stage().await;
    let stage = stage.with("limits", "ask_secs_max = 60");
    clock.is_wrong_by(HOURS_2);
    let bot = stage.bot().await;
    let asks = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    bot.kill();
    // Its turn is older than a question may be. And Discord tells the time later than the daemon looks at its questions. As
    // it did in the daemon before: the logins were noted by the wrong clock.
    stage
        .alter(
            "UPDATE turns SET started_at = started_at - 600000, started_up_ms = started_up_ms - 600000;
             UPDATE identifies SET at = at + 7200000",
        )
        .await;
    stage.discord.faults().rate("GET /gateway/bot", 1_000_000, 1, Fault::Delay(Duration::from_secs(3)));
    let _bot = stage.bot().await;
    assert_eq!(stage.sql("select state from asks").await, ["open"]);
    stage.click(MARA, card, "Allow once").await;
    assert_eq!(stage.outcome(asks).await, "✅");
    stage.assert_well_behaved();
}

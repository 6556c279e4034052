//! Several short messages in a row, of one person: what waits together is one prompt, and the last of them is replied to.

use std::path::PathBuf;

use switchboard::domain::ids::MessageId;

use crate::harness::{Around, BOT, HARBOR, JONAS, MARA, Stage, eventually, hears_tests};

/// A turn that says a word, then works until its gate opens.
async fn running(stage: &Stage) -> (MessageId, PathBuf) {
    let gate = stage.dir().join("gate");
    let first = stage.ask(MARA, HARBOR, &format!("[[say:First.]][[wait:{}]]", gate.display()));
    stage.answer_shows(HARBOR, first, "First.").await;
    (first, gate)
}

fn open(gate: &PathBuf) {
    std::fs::write(gate, "").expect("the gate opens");
}

fn three(stage: &Stage) -> [MessageId; 3] {
    ["one", "two", "three"].map(|word| stage.ask(MARA, HARBOR, &format!("[[say:{word}]]")))
}

const TOGETHER: &str = "[[say:one]]\n\n[[say:two]]\n\n[[say:three]]";

/// They are answered once, together, in reply to the last, and each says so.
async fn answered_together(stage: &Stage, messages: &[MessageId]) -> String {
    let last = *messages.last().expect("a few");
    let answer = stage.answer(HARBOR, last).await;
    for message in messages {
        assert_eq!(stage.outcome(*message).await, "✅");
    }
    // A note of an earlier daemon that they wait goes when the next one looks at what waits.
    for message in &messages[..messages.len() - 1] {
        eventually(&format!("{message} not to be answered by itself"), || {
            stage.answers(HARBOR, *message).is_empty().then_some(())
        })
        .await;
    }
    assert_eq!(stage.answers(HARBOR, last).len(), 1);
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn three_messages_that_wait_are_one_prompt_with_one_answer() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let (first, gate) = running(&stage).await;
    let messages = three(&stage);
    stage.answer_shows(HARBOR, first, "3 queued").await;
    let note = stage.said(HARBOR, "3 messages, answered together").await;
    assert!(note.contains("Queued, next · 3 messages, answered together"), "{note}");
    let listed = stage.slash_text(MARA, HARBOR, "queue").await;
    assert!(listed.contains("1. **Mara**") && !listed.contains("2. "), "{listed}");
    open(&gate);
    let answer = answered_together(&stage, &messages).await;
    for word in ["one", "two", "three"] {
        assert!(answer.contains(word), "{answer}");
    }
    assert_eq!(stage.cli_prompts()[1..], [TOGETHER]);
    let rows = "SELECT state || ' ' || (turn IS NOT NULL) FROM prompts ORDER BY received_at, seq";
    assert_eq!(stage.sql(rows).await, ["taken 0", "taken 0", "taken 1", "taken 1"]);
    assert_eq!(stage.sql("SELECT outcome FROM turns").await, ["completed", "completed"]);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_person_says_between_stays_where_it_was_said() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let (first, gate) = running(&stage).await;
    let one = stage.ask(MARA, HARBOR, "[[say:one]]");
    let other = stage.ask(JONAS, HARBOR, "[[say:other]]");
    let command = stage.ask(MARA, HARBOR, "/cost [[say:command]]");
    let two = stage.ask(MARA, HARBOR, "[[say:two]]");
    stage.answer_shows(HARBOR, first, "4 queued").await;
    open(&gate);
    for message in [one, other, command, two] {
        stage.answer(HARBOR, message).await;
    }
    let prompts = stage.cli_prompts();
    assert_eq!([&prompts[1], &prompts[2], &prompts[4]], ["[[say:one]]", "[[say:other]]", "[[say:two]]"]);
    assert!(prompts[3].contains("/cost"), "{prompts:?}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_them_is_changed_and_one_taken_back() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let (first, gate) = running(&stage).await;
    let [one, two, three] = three(&stage);
    stage.answer_shows(HARBOR, first, "3 queued").await;
    stage.discord.edit(two, &format!("<@{BOT}> [[say:otherwise]]"));
    stage.rows("SELECT text FROM prompts WHERE text LIKE '%otherwise%'", 1).await;
    stage.discord.delete(one);
    stage.answer_shows(HARBOR, first, "2 queued").await;
    open(&gate);
    let answer = answered_together(&stage, &[two, three]).await;
    assert!(answer.contains("otherwise") && !answer.contains("one"), "{answer}");
    assert_eq!(stage.cli_prompts()[1..], ["[[say:otherwise]]\n\n[[say:three]]"]);
    stage.assert_well_behaved();
}

/// A message that is told to the turn that runs takes those with it that wait to be one prompt with it.
#[tokio::test(flavor = "multi_thread")]
async fn the_buttons_of_their_note_are_for_all_of_them() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let (_, gate) = running(&stage).await;
    let messages = three(&stage);
    stage.said(HARBOR, "3 messages, answered together").await;
    let (note, _) = stage.with_button(HARBOR, "Withdraw").await;
    let clicked = stage.click(MARA, note, "Withdraw").await;
    assert!(stage.told_privately(clicked).await.contains("Taken back"));
    for message in messages {
        assert_eq!(stage.outcome(message).await, "⏹️");
    }
    open(&gate);
    let last = stage.ask(MARA, HARBOR, "[[say:last]]");
    stage.answer(HARBOR, last).await;
    assert_eq!(stage.cli_prompts().len(), 2, "{:?}", stage.cli_prompts());
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_while_the_bot_was_away_is_joined_as_well() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let before = stage.ask(MARA, HARBOR, "[[say:before]]");
    stage.answer(HARBOR, before).await;
    bot.kill();
    let gate = stage.dir().join("gate");
    let first = stage.ask(JONAS, HARBOR, &format!("[[say:First.]][[wait:{}]]", gate.display()));
    let messages = three(&stage);
    let _bot = stage.bot().await;
    stage.answer_shows(HARBOR, first, "3 queued").await;
    open(&gate);
    answered_together(&stage, &messages).await;
    assert_eq!(stage.cli_prompts()[2..], [TOGETHER]);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_dies_on_their_way_answers_them_once() {
    if !hears_tests() {
        return;
    }
    for (point, nth) in [
        ("Joined", 1),
        ("TurnRow", 2),
        ("LineDue", 2),
        ("LineHanded", 2),
        ("TurnEnding", 2),
        ("TurnEnded", 2),
        ("Delivering", 2),
    ] {
        let stage = Stage::new().await.with_daemon_env("FAIL_AT", format!("{point}:{nth}"));
        let mut bot = stage.bot().await;
        let (first, gate) = running(&stage).await;
        let messages = three(&stage);
        stage.answer_shows(HARBOR, first, "3 queued").await;
        open(&gate);
        eventually(&format!("the daemon to die at {point}"), || bot.is_over().then_some(())).await;
        let stage = stage.around(Around::default());
        let _bot = stage.bot().await;
        answered_together(&stage, &messages).await;
        stage.answer(HARBOR, first).await;
        assert_eq!(stage.cli_prompts()[1..], [TOGETHER], "{point}");
        stage.rows("SELECT id FROM turns WHERE delivered_at IS NULL", 0).await;
        stage.assert_well_behaved();
    }
}

/// What people see of a turn that waits for its place replies to the last message: a later one is not among them.
#[tokio::test(flavor = "multi_thread")]
async fn those_that_wait_for_a_place_are_the_same_after_a_restart() {
    let stage = Stage::new().await.with("limits", "running_turns_max = 1");
    let bot = stage.bot().await;
    let (first, gate) = running(&stage).await;
    let elsewhere = stage.discord.create_thread(MARA, HARBOR, "Other", None);
    let other_gate = stage.dir().join("other-gate");
    let script = format!("[[say:Other.]][[wait:{}]]", other_gate.display());
    let other = stage.ask(JONAS, elsewhere, &script);
    stage.answer_shows(elsewhere, other, "waiting for a place").await;
    let messages = three(&stage);
    stage.answer_shows(HARBOR, first, "3 queued").await;
    open(&gate);
    stage.answer_shows(elsewhere, other, "Other.").await;
    stage.answer_shows(HARBOR, messages[2], "waiting for a place").await;
    let later = stage.ask(MARA, HARBOR, "[[say:later]]");
    stage.answer_shows(HARBOR, messages[2], "1 queued").await;
    bot.kill();
    let _bot = stage.bot().await;
    open(&other_gate);
    answered_together(&stage, &messages).await;
    assert!(stage.answer(HARBOR, later).await.contains("later"));
    assert_eq!(stage.cli_prompts()[2..], [TOGETHER, "[[say:later]]"]);
    stage.assert_well_behaved();
}

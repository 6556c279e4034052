//! Turns of different conversations run side by side, those of one conversation one after the other.

use std::sync::Arc;

use switchboard::domain::ids::MessageId;
use switchboard::playground::discord::{Draft, Fault};

use crate::harness::{BOT, HARBOR, JONAS, MARA, Stage, by_turns};

/// A prompt with a file.
fn with_file(script: &str) -> Draft {
    Draft {
        content: format!("<@{BOT}> {script}"),
        attachments: vec![("notes.txt".to_owned(), b"some notes".to_vec(), Some("text/plain".to_owned()))],
        ..Draft::default()
    }
}

/// Says a prompt that shows a word and then waits for a file.
fn held(word: &str, file: &std::path::Path) -> String {
    format!("[[say:{word}]][[wait:{}]]", file.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_run_side_by_side_up_to_the_limit_and_the_next_waits_visibly() {
    let stage = Stage::new().await.with("limits", "running_turns_max = 2");
    let _bot = stage.bot().await;
    let (go, go_on) = (stage.dir().join("go"), stage.dir().join("go-on"));
    let threads = ["One", "Two", "Three"].map(|name| stage.discord.create_thread(MARA, HARBOR, name, None));
    let first = stage.ask(MARA, threads[0], &held("first", &go));
    let second = stage.ask(JONAS, threads[1], &held("second", &go_on));
    stage.answer_shows(threads[0], first, "first").await;
    stage.answer_shows(threads[1], second, "second").await;
    let third = stage.ask(MARA, threads[2], "[[say:third]]");
    let waiting = stage.answer_shows(threads[2], third, "waiting for a place").await;
    assert!(waiting.contains("2 of 2 turns run"), "{waiting}");
    assert_eq!(stage.cli_prompts().len(), 2, "a third turn runs beside two");
    std::fs::write(&go, "").expect("the file");
    assert!(stage.answer(threads[2], third).await.contains("third"));
    stage.answer(threads[0], first).await;
    assert!(
        stage.bot_messages(threads[1])[0].contains('⏳') || stage.bot_messages(threads[1])[0].contains("-# ")
    );
    std::fs::write(&go_on, "").expect("the file");
    stage.answer(threads[1], second).await;
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_conversation_runs_one_turn_at_a_time_in_order_and_says_what_waits() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let go = stage.dir().join("go");
    let first = stage.ask(MARA, HARBOR, &held("first", &go));
    stage.answer_shows(HARBOR, first, "first").await;
    let second = stage.ask(JONAS, HARBOR, "[[say:second]]");
    stage.answer_shows(HARBOR, first, "1 queued").await;
    let third = stage.ask(MARA, HARBOR, "[[recall]]");
    stage.answer_shows(HARBOR, first, "2 queued").await;
    assert_eq!(stage.cli_prompts().len(), 1, "two turns run in one conversation");
    std::fs::write(&go, "").expect("the file");
    let last = stage.answer(HARBOR, third).await;
    assert!(!last.contains("queued"), "{last}");
    let (at_first, at_second) = (last.find("first"), last.find("second"));
    assert!(at_first.is_some() && at_first < at_second, "the turns ran in another order: {last}");
    for (message, text) in [(first, "first"), (second, "second")] {
        let answer = stage.answer(HARBOR, message).await;
        assert!(answer.contains(text) && !answer.contains("queued"), "{answer}");
    }
    let answers: Vec<_> = [first, second, third].map(|message| stage.answers(HARBOR, message)[0]).into();
    assert!(answers.is_sorted(), "the answers stand in another order");
    assert_eq!(stage.cli_log("start").len(), 1, "one process serves all turns");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_in_one_burst_is_done_in_that_order() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let messages: Vec<MessageId> = (0..6)
        .map(|number| stage.ask(by_turns(number), HARBOR, &format!("[[say:number {number}]]")))
        .collect();
    stage.answer(HARBOR, messages[5]).await;
    let wanted: Vec<_> = (0..6).map(|number| format!("[[say:number {number}]]")).collect();
    assert_eq!(stage.cli_prompts(), wanted);
    for message in messages {
        stage.answer(HARBOR, message).await;
    }
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_file_comes_slowly_is_not_overtaken() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let hold = Arc::new(tokio::sync::Notify::new());
    stage.discord.faults().next_rest("GET /attachments/**", Fault::Hold(Arc::clone(&hold)));
    let first = stage.discord.say_with(MARA, HARBOR, with_file("[[say:first]]"));
    let second = stage.ask(MARA, HARBOR, "[[say:second]]");
    // Another conversation does not wait for that file, and by its end the second message was looked at.
    let thread = stage.discord.create_thread(MARA, HARBOR, "Other", None);
    let other = stage.ask(MARA, thread, "[[say:elsewhere]]");
    stage.answer(thread, other).await;
    assert_eq!(stage.cli_prompts(), ["[[say:elsewhere]]"], "the second message overtook the first");
    hold.notify_one();
    stage.answer(HARBOR, first).await;
    stage.answer(HARBOR, second).await;
    let prompts = stage.cli_prompts();
    assert!(prompts[1].starts_with("[[say:first]]") && prompts[2] == "[[say:second]]", "{prompts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_author_changes_while_its_file_comes_is_heeded() {
    for deleted in [false, true] {
        let stage = Stage::new().await;
        let _bot = stage.bot().await;
        let hold = Arc::new(tokio::sync::Notify::new());
        stage.discord.faults().next_rest("GET /attachments/**", Fault::Hold(Arc::clone(&hold)));
        let message = stage.discord.say_with(MARA, HARBOR, with_file("[[say:before]]"));
        // What is answered elsewhere was written later than what is looked at here.
        let thread = stage.discord.create_thread(MARA, HARBOR, "Other", None);
        for word in ["arrived", "changed"] {
            let other = stage.ask(MARA, thread, &format!("[[say:{word}]]"));
            stage.answer(thread, other).await;
            match (word, deleted) {
                ("arrived", true) => stage.discord.delete(message),
                ("arrived", false) => stage.discord.edit(message, &format!("<@{BOT}> [[say:after]]")),
                _ => hold.notify_one(),
            }
        }
        let last = stage.ask(MARA, HARBOR, "[[say:last]]");
        stage.answer(HARBOR, last).await;
        let prompts = stage.cli_prompts();
        assert!(prompts.iter().all(|prompt| !prompt.contains("before")), "{prompts:?}");
        assert_eq!(prompts.iter().filter(|prompt| prompt.contains("after")).count(), usize::from(!deleted));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_prompt_too_many_is_refused_with_a_sentence() {
    let stage = Stage::new().await.with("limits", "queued_prompts_max = 2");
    let _bot = stage.bot().await;
    let go = stage.dir().join("go");
    let first = stage.ask(MARA, HARBOR, &held("first", &go));
    stage.answer_shows(HARBOR, first, "first").await;
    let second = stage.ask(MARA, HARBOR, "[[say:second]]");
    stage.answer_shows(HARBOR, first, "1 queued").await;
    let third = stage.ask(JONAS, HARBOR, "[[say:third]]");
    stage.answer_shows(HARBOR, first, "2 queued").await;
    let refused = stage.ask(MARA, HARBOR, "[[say:fourth]]");
    stage
        .discord
        .wait_for("a reaction to the refused one", |discord| {
            (!discord.reactions(refused).is_empty()).then_some(())
        })
        .await;
    assert_eq!(stage.outcome(refused).await, "⏹️");
    std::fs::write(&go, "").expect("the file");
    let sentence = stage.answer_shows(HARBOR, refused, "wait here already").await;
    assert!(sentence.contains("2 prompts"), "{sentence}");
    stage.answer(HARBOR, second).await;
    stage.answer(HARBOR, third).await;
    let last = stage.ask(MARA, HARBOR, "[[say:fifth]]");
    stage.answer(HARBOR, last).await;
    assert!(!stage.cli_prompts().iter().any(|prompt| prompt.contains("fourth")), "a refused prompt ran");
    stage.assert_well_behaved();
}

//! A conversation is one session of Claude's: across turns, restarts and settings; and apart from every other.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{newest, stage};
use crate::harness::{HARBOR, LIGHTHOUSE, MARA, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_mention_is_answered_and_a_follow_up_knows_it() {
    let Some((api, stage)) = stage().await else { return };
    let bot = stage.bot().await;
    let answer = stage.exchange(HARBOR, "[[say:Hello from the harbour.]]").await;
    assert!(answer.contains("Hello from the harbour."), "{answer}");
    assert_eq!(newest(&api).prompts(), ["[[say:Hello from the harbour.]]"]);

    let [cli] = stage.clis("harbor")[..] else { panic!("one CLI: {:?}", stage.clis("harbor")) };
    let answer = stage.exchange(HARBOR, "[[recall]]").await;
    assert!(answer.contains("You said before: [[say:Hello from the harbour.]]"), "{answer}");
    let messages = serde_json::to_string(newest(&api).messages()).expect("JSON");
    assert!(messages.contains(r#""role":"assistant""#) && messages.contains("Hello from the harbour."));
    assert_eq!(stage.clis("harbor"), [cli], "the second turn ran in the warm process");
    stage.assert_well_behaved();
    assert_eq!(bot.stop().code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_words_show_while_the_rest_is_written() {
    let Some((api, stage)) = stage().await else { return };
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[say:The first words. ]][[hold-mid]][[say:The last words.]]");
    stage.showing(HARBOR, "The first words.").await;
    assert_eq!(stage.count(HARBOR, "The last words."), 0);
    api.release();
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("The first words.") && answer.contains("The last words."), "{answer}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_warm_processes_each_turn_has_its_own() {
    let Some((_api, stage)) = stage().await else { return };
    let stage = stage.with("claude", "warm_idle_secs = 0");
    let _bot = stage.bot().await;
    stage.exchange(HARBOR, "[[say:one]]").await;
    crate::harness::eventually("the process to be closed", || stage.clis("harbor").is_empty().then_some(()))
        .await;
    let answer = stage.exchange(HARBOR, "[[recall]]").await;
    assert!(answer.contains("[[say:one]]"), "{answer}");
    assert_eq!(stage.sql("SELECT id FROM processes").await.len(), 2);
    assert_eq!(stage.sql("SELECT id FROM sessions").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_and_a_channel_work_side_by_side() {
    let Some((api, stage)) = stage().await else { return };
    let _bot = stage.bot().await;
    let thread = stage.discord.create_thread(MARA, HARBOR, "aside", None);
    let in_channel = stage.ask(MARA, HARBOR, "[[hold]][[say:for the channel]]");
    let in_thread = stage.ask(MARA, thread, "[[hold]][[say:for the thread]]");
    api.requested(2).await;
    assert_eq!(stage.clis("harbor").len(), 2, "both run at the same time");
    api.release();
    let (first, second) = (stage.answer(HARBOR, in_channel).await, stage.answer(thread, in_thread).await);
    assert!(first.contains("for the channel") && second.contains("for the thread"), "{first}\n{second}");

    let answer = stage.exchange(HARBOR, "[[recall]]").await;
    assert!(answer.contains("for the channel") && !answer.contains("for the thread"), "{answer}");
    // In a thread that the bot has joined, nobody needs to mention it.
    let again = stage.discord.say(MARA, thread, "[[recall]]");
    let answer = stage.answer(thread, again).await;
    assert!(answer.contains("for the thread") && !answer.contains("for the channel"), "{answer}");
    assert_eq!(stage.sql("SELECT id FROM sessions").await.len(), 2);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_with_threads_opens_one_for_each_request() {
    let Some((_api, stage)) = stage().await else { return };
    let _bot = stage.bot().await;
    stage.ask(MARA, LIGHTHOUSE, "[[say:the lamp is lit]]");
    let thread = stage
        .discord
        .wait_for("a thread", |discord| {
            let threads = discord.threads(LIGHTHOUSE);
            threads.first()?["id"].as_str()?.parse().ok().map(switchboard::domain::ids::ChannelId)
        })
        .await;
    stage.showing(thread, "the lamp is lit").await;
    let again = stage.discord.say(MARA, thread, "[[recall]]");
    let answer = stage.answer(thread, again).await;
    assert!(answer.contains("[[say:the lamp is lit]]"), "{answer}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_begins_anew() {
    let Some((_api, stage)) = stage().await else { return };
    let _bot = stage.bot().await;
    stage.exchange(HARBOR, "[[say:what is to be forgotten]]").await;
    let said = stage.said_to(HARBOR, "reset", &[]).await;
    assert!(said.contains("begins a new conversation"), "{said}");
    let answer = stage.exchange(HARBOR, "[[recall]]").await;
    assert!(answer.contains("You said before:") && !answer.contains("forgotten"), "{answer}");
    let answer = stage.exchange(HARBOR, "[[recall]] again").await;
    assert!(answer.contains("[[recall]]") && !answer.contains("forgotten"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_that_was_chosen_is_the_one_that_is_asked() {
    let Some((api, stage)) = stage().await else { return };
    let stage = stage.with("claude", "model = \"sonnet\"");
    let _bot = stage.bot().await;
    stage.exchange(HARBOR, "[[say:first]]").await;
    assert!(newest(&api).model.contains("sonnet"), "{}", newest(&api).model);
    let said = stage.said_to(HARBOR, "model", &[("name", "haiku")]).await;
    assert!(said.contains("`haiku`"), "{said}");
    let answer = stage.exchange(HARBOR, "[[recall]]").await;
    assert!(newest(&api).model.contains("haiku"), "{}", newest(&api).model);
    assert!(answer.contains("[[say:first]]") && answer.contains("haiku"), "{answer}");
    stage.said_to(HARBOR, "model", &[("name", "default")]).await;
    stage.exchange(HARBOR, "[[say:last]]").await;
    assert!(newest(&api).model.contains("sonnet"), "{}", newest(&api).model);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_started_before_anybody_asks_writes_and_asks_nothing_and_knows_what_was_said() {
    let Some((api, stage)) = stage().await else { return };
    let _bot = stage.bot().await;
    stage.exchange(HARBOR, "[[say:before]]").await;
    let [cli] = stage.clis("harbor")[..] else { panic!("one CLI") };
    kill(Pid::from_raw(cli), Signal::SIGKILL).expect("it is there");
    stage.rows("SELECT id FROM processes WHERE ended_at IS NOT NULL", 1).await;
    let transcripts = || -> Vec<_> {
        let files = stage.files(&stage.dir().join("home")).into_iter();
        files.filter(|(path, _)| path.extension().is_some_and(|extension| extension == "jsonl")).collect()
    };
    let (written, asked) = (transcripts(), api.requests().len());
    assert!(!written.is_empty());
    stage.discord.typing(MARA, HARBOR);
    // Its answer to our first line is in its spool: it has read the session by then.
    let ready = || {
        let [_] = stage.clis("harbor")[..] else { return None };
        let spools = stage.files(&stage.state_dir().join("processes")).into_iter();
        let mut spools = spools.filter(|(path, _)| path.ends_with("spool"));
        spools
            .any(|(_, spool)| {
                let spool = String::from_utf8_lossy(&spool).into_owned();
                spool.contains("control_response") && !spool.contains(r#""type":"result""#)
            })
            .then_some(())
    };
    eventually("a process that is ready", ready).await;
    assert_eq!(api.requests().len(), asked, "it costs nothing");
    assert_eq!(transcripts(), written, "it writes nothing");
    let [cli] = stage.clis("harbor")[..] else { panic!("one CLI") };
    let answer = stage.exchange(HARBOR, "[[recall]]").await;
    assert!(answer.contains("[[say:before]]"), "{answer}");
    assert_eq!(stage.clis("harbor"), [cli], "it served the turn");
    assert_eq!(stage.sql("SELECT id FROM sessions").await.len(), 1);
    stage.assert_well_behaved();
}

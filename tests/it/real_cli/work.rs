//! More than one thing at a time: prompts that wait, files, limits, work in the background.

use super::{newest, stage, tool_results};
use crate::harness::{HARBOR, JONAS, MARA, alive, eventually};
use switchboard::playground::discord::Draft;

#[tokio::test(flavor = "multi_thread")]
async fn prompts_that_wait_are_answered_in_order_each_with_its_own_answer() {
    let Some((api, stage)) = stage().await else { return };
    let _bot = stage.bot().await;
    let first = stage.ask(MARA, HARBOR, "[[hold]][[say:answer one]]");
    api.requested(1).await;
    let second = stage.ask(MARA, HARBOR, "[[say:answer two]]");
    let third = stage.ask(JONAS, HARBOR, "[[recall]]");
    api.release();
    for (message, text) in [(first, "answer one"), (second, "answer two"), (third, "[[say:answer two]]")] {
        let answer = stage.answer(HARBOR, message).await;
        assert!(answer.contains(text), "{text}: {answer}");
    }
    assert_eq!(stage.bot_messages(HARBOR).len(), 3);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_takes_too_long_is_stopped_and_the_session_goes_on() {
    let Some((_api, stage)) = stage().await else { return };
    // Time for its first words also on a machine with much to do.
    let stage = stage.with("limits", "turn_secs_max = 60");
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[say:some words]][[hold-mid]]");
    assert_eq!(stage.outcome(message).await, "⏹️");
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("some words") && answer.contains("took longer than it may"), "{answer}");
    let answer = stage.exchange(HARBOR, "[[recall]]").await;
    assert!(answer.contains("[[say:some words]]"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_file_is_part_of_the_prompt_and_a_long_one_may_be_read() {
    let Some((api, stage)) = stage().await else { return };
    let _bot = stage.bot().await;
    let long = format!("{}\nthe last line of the long one\n", "x".repeat(60_000));
    let text = |text: &str| (text.as_bytes().to_vec(), Some("text/plain".to_owned()));
    let ((short, kind), (long, other)) = (text("low tide at six"), text(&long));
    let message = stage.discord.say_with(
        MARA,
        HARBOR,
        Draft {
            content: format!("<@{}> [[say:thanks]]", crate::harness::BOT),
            attachments: vec![("tides.txt".into(), short, kind), ("log.txt".into(), long, other)],
            ..Draft::default()
        },
    );
    stage.answer(HARBOR, message).await;
    let prompt = newest(&api).prompts().concat();
    assert!(prompt.contains("low tide at six") && !prompt.contains("the last line"), "{prompt}");
    let (_, path) = prompt.rsplit_once("stored at: ").expect("where the second one lies");
    let path = path.lines().next().expect("a line").trim();

    let input = serde_json::json!({ "file_path": path, "offset": 2 });
    let answer = stage.exchange(HARBOR, &format!("[[tool:Read {input}]][[say:I have read it.]]")).await;
    assert!(answer.contains("I have read it.") && !answer.contains("denied"), "{answer}");
    assert!(tool_results(&api)[0].contains("the last line of the long one"), "{:?}", tool_results(&api));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_what_runs_in_the_background_and_keeps_the_conversation() {
    let Some((_api, stage)) = stage().await else { return };
    let stage = stage.with("harbor", "allowed_tools = [\"Bash\"]");
    let _bot = stage.bot().await;
    let task = stage.dir().join("task.pid");
    let command = format!("echo $$ > {}; exec sleep 600", task.display());
    let input = serde_json::json!({ "command": command, "run_in_background": true });
    let answer = stage.exchange(HARBOR, &format!("[[tool:Bash {input}]][[say:It runs.]]")).await;
    assert!(answer.contains("It runs."), "{answer}");
    let pid =
        eventually("the task to run", || std::fs::read_to_string(&task).ok()?.trim().parse().ok()).await;
    assert!(alive(pid));
    let said = stage.slash_text(MARA, HARBOR, "stop").await;
    assert!(said.contains("in the background"), "{said}");
    eventually("the task to be dead", || (!alive(pid)).then_some(())).await;
    // With its process; the session goes on in the next one.
    let answer = stage.exchange(HARBOR, "[[recall]]").await;
    assert!(answer.contains("It runs."), "{answer}");
    let said = stage.slash_text(MARA, HARBOR, "stop").await;
    assert!(said.contains("Nothing runs"), "{said}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_in_the_background_brings_is_shown() {
    let Some((api, stage)) = stage().await else { return };
    let stage = stage.with("harbor", "allowed_tools = [\"Bash\"]");
    let _bot = stage.bot().await;
    let command = "while [ ! -e go ]; do sleep 0.05; done; echo it is built";
    let answer = stage
        .exchange(
            HARBOR,
            &format!(
                "[[tool:Bash {{\"command\":\"{command}\",\"run_in_background\":true}}]][[say:I go on meanwhile.]]"
            ),
        )
        .await;
    assert!(answer.contains("I go on meanwhile.") && answer.contains("background"), "{answer}");
    let asked = api.requests().len();
    super::write(&stage.dir().join("harbor/go"), "");
    // The CLI begins a turn by itself when the command is over.
    api.requested(asked + 1).await;
    let shown = stage.bot_messages(HARBOR).len();
    eventually("the turn of its own to be shown", || {
        let messages = stage.bot_messages(HARBOR);
        (messages.len() > 1 && messages.last().is_some_and(|last| last.contains('✅'))).then_some(())
    })
    .await;
    assert!(stage.bot_messages(HARBOR).len() >= shown);
    let answer = stage.exchange(HARBOR, "[[recall]]").await;
    assert!(answer.contains("I go on meanwhile"), "{answer}");
    stage.assert_well_behaved();
}

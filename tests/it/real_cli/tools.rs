//! Tools and their permissions, questions, plans, and how a turn with a running tool is stopped.

use super::{newest, of_processes, stage, tool_results, with_argument};
use crate::harness::{HARBOR, MARA, alive, eventually};

/// So many seconds as nobody else sleeps, to find the process by.
fn unique_sleep() -> String {
    format!("1{:010}", uuid::Uuid::new_v4().as_u128() % 10_000_000_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowed_tool_runs_in_the_project() {
    let Some((_api, stage)) = stage().await else { return };
    let stage = stage.with("harbor", "allowed_tools = [\"Bash(touch:*)\"]");
    let _bot = stage.bot().await;
    let answer =
        stage.exchange(HARBOR, "[[tool:Bash {\"command\":\"touch made.txt\"}]][[say:It is made.]]").await;
    assert!(answer.contains("It is made."), "{answer}");
    assert!(stage.dir().join("harbor/made.txt").exists());
    // Another command than the allowed one needs a permission.
    let message =
        stage.ask(MARA, HARBOR, "[[tool:Bash {\"command\":\"mv made.txt gone.txt\"}]][[say:Or not.]]");
    let (card, _) = stage.card(HARBOR).await;
    stage.click(MARA, card, "Deny").await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("Or not.") && answer.contains("denied by Mara"), "{answer}");
    assert!(stage.dir().join("harbor/made.txt").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_allows_a_command_once_and_the_next_asks_again() {
    let Some((api, stage)) = stage().await else { return };
    let _bot = stage.bot().await;
    let message = stage.ask(
        MARA,
        HARBOR,
        "[[tool:Bash {\"command\":\"touch one.txt\"}]][[tool:Bash {\"command\":\"touch two.txt\"}]][[say:So.]]",
    );
    let (card, labels) = stage.card(HARBOR).await;
    assert_eq!(
        labels,
        ["Allow once", "Allow for this session", "Deny", "Deny and say why", "Edit, then allow"]
    );
    stage.click(MARA, card, "Allow once").await;
    stage.showing(HARBOR, "touch two.txt").await;
    let (next, _) = stage.card(HARBOR).await;
    assert_ne!(next, card, "it is a message of its own");
    stage.click(MARA, next, "Deny").await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("allowed by Mara") && answer.contains("denied by Mara"), "{answer}");
    assert!(stage.dir().join("harbor/one.txt").exists() && !stage.dir().join("harbor/two.txt").exists());
    assert!(tool_results(&api)[1].contains("Mara said no"), "{:?}", tool_results(&api));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_allowed_for_the_session_is_not_asked_again() {
    let Some((_api, stage)) = stage().await else { return };
    let _bot = stage.bot().await;
    let twice = "[[tool:Bash {\"command\":\"touch one.txt\"}]][[say:So.]]";
    let message = stage.ask(MARA, HARBOR, twice);
    let (card, _) = stage.card(HARBOR).await;
    stage.click(MARA, card, "Allow for this session").await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("allowed for this session by Mara: `Bash(touch"), "{answer}");
    std::fs::remove_file(stage.dir().join("harbor/one.txt")).expect("it was made");
    stage.exchange(HARBOR, twice).await;
    assert!(stage.dir().join("harbor/one.txt").exists());
    assert_eq!(stage.sql("SELECT state FROM asks").await, ["allowed"]);
    // Nothing stays behind in the project.
    assert!(!stage.dir().join("harbor/.claude/settings.local.json").exists());
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_button_of_a_killed_daemon_lets_the_command_run() {
    let Some((_api, stage)) = stage().await else { return };
    let bot = stage.bot().await;
    let message =
        stage.ask(MARA, HARBOR, "[[tool:Bash {\"command\":\"touch made.txt\"}]][[say:It is made.]]");
    let (card, _) = stage.card(HARBOR).await;
    let ids = stage.button_ids(card);
    bot.kill();
    let _bot = stage.bot().await;
    stage.click_id(MARA, card, &ids[0]).await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("It is made."), "{answer}");
    assert!(stage.dir().join("harbor/made.txt").exists());
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_answered_and_claude_reads_the_answers() {
    let Some((api, stage)) = stage().await else { return };
    let _bot = stage.bot().await;
    let questions = r#"[[tool:AskUserQuestion {"questions":[{"question":"Which colour do you want?","header":"Colour",
        "options":[{"label":"Red","description":"A warm colour"},{"label":"Blue","description":"A cool colour"}],
        "multiSelect":false},{"question":"Which toppings?","header":"Toppings",
        "options":[{"label":"Cheese","description":"c"},{"label":"Olives","description":"o"}],
        "multiSelect":true}]}]][[say:So be it.]]"#;
    let message = stage.ask(MARA, HARBOR, questions);
    let (card, _) = stage.card(HARBOR).await;
    stage.choose(MARA, card, 1, &["0", "1"]).await;
    stage.answer_shows(HARBOR, message, "➡️ Cheese, Olives").await;
    let opened = stage.click(MARA, card, "Other…").await;
    stage.submit(opened, &["teal", ""]).await;
    stage.answer_shows(HARBOR, message, "➡️ *teal*").await;
    stage.click(MARA, card, "Send").await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("So be it."), "{answer}");
    let heard = tool_results(&api)[0].replace('\\', "");
    assert!(heard.contains(r#""Which colour do you want?"="teal""#), "{heard}");
    assert!(heard.contains(r#""Which toppings?"="Cheese, Olives""#), "{heard}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_sent_back_with_words_and_then_approved_with_its_edits() {
    let Some((api, stage)) = stage().await else { return };
    let stage = stage.with("harbor", "permission_mode = \"plan\"");
    let _bot = stage.bot().await;
    let plan = "[[tool:ExitPlanMode {\"plan\":\"# The plan\\n\\n1. Paint it red\\n2. Paint it blue\"}]]";
    let message = stage.ask(MARA, HARBOR, &format!("{plan}{plan}[[say:Now I paint.]]"));
    let (card, _) = stage.card(HARBOR).await;
    let opened = stage.click(MARA, card, "Keep planning").await;
    stage.submit(opened, &["Split step 2."]).await;
    stage.answer_shows(HARBOR, message, "not approved by Mara").await;
    let (next, _) = stage.card(HARBOR).await;
    assert_ne!(next, card);
    stage.click(MARA, next, "Approve and accept edits").await;
    let answer = stage.answer(HARBOR, message).await;
    for text in ["Claude has a plan", "Paint it red", "acceptEdits", "Now I paint."] {
        assert!(answer.contains(text), "{text}: {answer}");
    }
    assert!(tool_results(&api)[0].contains("Mara wants you to keep planning"), "{:?}", tool_results(&api));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_command_is_what_runs() {
    let Some((_api, stage)) = stage().await else { return };
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[tool:Bash {\"command\":\"touch one.txt\"}]][[say:It is made.]]");
    let (card, _) = stage.card(HARBOR).await;
    let opened = stage.click(MARA, card, "Edit, then allow").await;
    stage.submit(opened, &["touch two.txt"]).await;
    stage.answer(HARBOR, message).await;
    assert!(!stage.dir().join("harbor/one.txt").exists() && stage.dir().join("harbor/two.txt").exists());
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_leaves_no_process_behind_and_the_session_remembers() {
    let Some((_api, stage)) = stage().await else { return };
    let stage = stage.with("harbor", "allowed_tools = [\"Bash\"]");
    let _bot = stage.bot().await;
    stage.exchange(HARBOR, "[[say:before]]").await;
    for command in
        ["sleep SECS", "setsid sleep SECS & sleep SECS", "(setsid setsid sleep SECS &) ; sleep SECS"]
    {
        let secs = unique_sleep();
        let command = command.replace("SECS", &secs);
        let message = stage.ask(MARA, HARBOR, &format!("[[tool:Bash {{\"command\":\"{command}\"}}]]"));
        let wanted = command.matches("sleep").count();
        eventually("the command to run", || (with_argument(&secs).len() >= wanted).then_some(())).await;
        // The very command, its shell, and the CLI: known by what every one of them inherits.
        let (commands, running) = eventually("all of them to be known", || {
            let (commands, running) = (with_argument(&secs), of_processes(&stage));
            commands.iter().all(|pid| running.contains(pid)).then_some((commands, running))
        })
        .await;
        assert!(running.len() > commands.len() && running.iter().all(|pid| alive(*pid)), "{running:?}");
        let said = stage.said_to(HARBOR, "stop", &[]).await;
        assert!(said.contains("Stopping."), "{said}");
        assert_eq!(stage.outcome(message).await, "⏹️", "{command}");
        let answer = stage.answer(HARBOR, message).await;
        assert!(answer.contains("Stopped after"), "{answer}");
        eventually(&format!("{command} to be gone"), || {
            let dead = !running.iter().any(|pid| alive(*pid)) && of_processes(&stage).is_empty();
            (dead && with_argument(&secs).is_empty()).then_some(())
        })
        .await;
    }
    let answer = stage.exchange(HARBOR, "[[recall]]").await;
    assert!(answer.contains("[[say:before]]") && answer.contains("[[tool:Bash"), "{answer}");
    assert_eq!(stage.sql("SELECT id FROM sessions").await.len(), 1);
    assert_eq!(stage.said_to(HARBOR, "stop", &[]).await, "Nothing runs here.");
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_ends_an_answer_in_the_middle() {
    let Some((api, stage)) = stage().await else { return };
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[say:some words]][[hold-mid]][[say:never said]]");
    stage.showing(HARBOR, "some words").await;
    stage.said_to(HARBOR, "stop", &[]).await;
    assert_eq!(stage.outcome(message).await, "⏹️");
    api.release();
    let answer = stage.exchange(HARBOR, "[[recall]]").await;
    assert!(answer.contains("[[say:some words]]"), "{answer}");
    // What was said before the stop is part of the session.
    let said = newest(&api).messages().iter().any(|message| {
        message["role"] == "assistant" && message["content"].to_string().contains("some words")
    });
    assert!(said, "{:?}", newest(&api).messages());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_outlives_the_daemon_and_its_answer_is_shown_once() {
    let Some((_api, stage)) = stage().await else { return };
    let stage = stage.with("harbor", "allowed_tools = [\"Bash\"]");
    let bot = stage.bot().await;
    let wait = "touch started; while [ ! -e go ]; do sleep 0.05; done; echo the tool is done";
    let message =
        stage.ask(MARA, HARBOR, &format!("[[tool:Bash {{\"command\":\"{wait}\"}}]][[say:Afterwards.]]"));
    let started = stage.dir().join("harbor/started");
    eventually("the tool to run", || started.exists().then_some(())).await;
    bot.kill();
    super::write(&stage.dir().join("harbor/go"), "");
    let _bot = stage.bot().await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("Afterwards."), "{answer}");
    assert_eq!(stage.count(HARBOR, "Afterwards."), 1);
    stage.assert_well_behaved();
}

//! A CLI that misbehaves (RELIABILITY F1–F20, C1–C3): each turn still has one end, people see it, and the next prompt
//! is answered.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use switchboard::playground::discord::Draft;

use crate::harness::{BOT, HARBOR, MARA, Stage, alive, eventually, memory_max_bytes, parent_of};

/// The silence that ends a turn, in the table `limits`: a CLI that merely starts on a busy machine is not that silent.
const QUIET: &str = "silence_secs_max = 20";

/// A second prompt works.
async fn assert_goes_on(stage: &Stage) {
    let next = stage.ask(MARA, HARBOR, "[[say:Still here.]]");
    let answer = stage.answer(HARBOR, next).await;
    assert!(answer.contains("Still here."), "{answer}");
    assert_eq!(stage.outcome(next).await, "✅");
    stage.assert_well_behaved();
}

/// Asks, and gives the final reaction with the answer.
async fn ended(stage: &Stage, text: &str) -> (String, String) {
    let message = stage.ask(MARA, HARBOR, text);
    let answer = stage.answer(HARBOR, message).await;
    (stage.outcome(message).await, answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_says_nothing_for_longer_than_anybody_else_may_is_left_to_work() {
    let stage = Stage::new().await.with("limits", QUIET);
    let _bot = stage.bot().await;
    let (outcome, answer) = ended(&stage, "[[bash:sleep 26]][[say:It was long.]]").await;
    assert!(outcome == "✅" && answer.contains("It was long."), "{answer}");
    assert_goes_on(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_limit_stopped_ends_for_the_limit_also_under_the_next_daemon() {
    let stage = Stage::new().await.with("limits", "silence_secs_max = 10");
    let bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[say:One.]][[hang]]");
    let asked = || stage.spools().contains(r#"{"subtype":"interrupt"}"#).then_some(());
    eventually("the turn to be told to stop", asked).await;
    bot.kill();
    let _bot = stage.bot().await;
    assert_eq!(stage.outcome(message).await, "⏹️");
    assert_eq!(stage.sql("select reason from turns").await, ["silence"]);
    assert_goes_on(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_after_the_result_delays_nobody() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let (outcome, answer) = ended(&stage, "[[say:Done.]] [[hang-after-result]]").await;
    assert_eq!(outcome, "✅");
    assert!(answer.contains("Done."), "{answer}");
    let hung = stage.cli_pid(1).await;
    assert_goes_on(&stage).await;
    eventually("the process that hung to be gone", || (!alive(hung)).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exit_after_the_result_is_no_failure() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let (outcome, answer) = ended(&stage, "[[say:Done.]] [[exit-after-result:1]]").await;
    assert_eq!(outcome, "✅");
    assert!(answer.contains("Done."), "{answer}");
    assert_goes_on(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_of_output_that_never_comes_is_not_waited_for() {
    let stage = Stage::new().await.with("claude", "warm_idle_secs = 0");
    let _bot = stage.bot().await;
    let (outcome, answer) = ended(&stage, "[[hold-stdout]] [[say:Held.]]").await;
    assert_eq!(outcome, "✅");
    assert!(answer.contains("Held."), "{answer}");
    assert_goes_on(&stage).await;
    // Also where the CLI dies under the one that holds it.
    let (outcome, _) = ended(&stage, "[[hold-stdout]] [[exit:3]]").await;
    assert_eq!(outcome, "❌");
    assert_goes_on(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_50_mb_costs_neither_the_turn_nor_memory() {
    const ALLOWED_BYTES: u64 = 100 << 20;
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let (outcome, _) = ended(&stage, "[[say:Warm.]]").await;
    assert_eq!(outcome, "✅");
    let shim = parent_of(stage.cli_pid(1).await);
    let before = (memory_max_bytes(bot.pid()), memory_max_bytes(shim));
    let (outcome, answer) = ended(&stage, "[[line:50000000]] [[say:After the line.]]").await;
    assert_eq!(outcome, "✅");
    assert!(answer.contains("After the line."), "{answer}");
    let after = (memory_max_bytes(bot.pid()), memory_max_bytes(shim));
    // RELIABILITY C1: 64 MB over idle.
    assert!(after.0 - before.0 < 64 << 20, "the daemon took {} bytes more", after.0 - before.0);
    assert!(after.1 - before.1 < 64 << 20, "the shim took {} bytes more", after.1 - before.1);
    assert!(after.0 < ALLOWED_BYTES && after.1 < ALLOWED_BYTES, "{after:?}");
    assert_goes_on(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_lines_is_one_calm_answer() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let (outcome, _) = ended(&stage, "[[say:Warm.]]").await;
    assert_eq!(outcome, "✅");
    let before = memory_max_bytes(bot.pid());
    let message = stage.ask(MARA, HARBOR, "[[flood:100000]] [[say:The flood is over.]]");
    assert_eq!(stage.outcome(message).await, "✅");
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("The flood is over.") || has_file(&stage, "The flood is over."), "{answer}");
    let posts = stage.discord.requests();
    let edits = posts.iter().filter(|request| request.method == "PATCH").count();
    assert!(edits < 200, "{edits} edits for one answer");
    let more = memory_max_bytes(bot.pid()) - before;
    assert!(more < 64 << 20, "the daemon took {more} bytes more");
    assert_goes_on(&stage).await;
}

/// Whether a file that the bot posted has this text.
fn has_file(stage: &Stage, text: &str) -> bool {
    let messages = stage.discord.messages(HARBOR);
    let files = messages.iter().filter_map(|message| message["attachments"].as_array()).flatten();
    files
        .filter_map(|file| stage.discord.file(file["id"].as_str()?))
        .any(|bytes| String::from_utf8_lossy(&bytes).contains(text))
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_no_events_are_passed_over() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    for fault in ["[[garbage]]", "[[split-utf8]]", "[[stderr:4000000]]"] {
        let (outcome, answer) = ended(&stage, &format!("{fault} [[say:All the same.]] {fault}")).await;
        assert_eq!(outcome, "✅", "{fault}: {answer}");
        assert!(answer.contains("All the same."), "{fault}: {answer}");
        assert!(!answer.contains('\u{fffd}'), "{fault}: {answer}");
    }
    // Known to nobody, and said in the log with its kind; the words are nobody's business.
    let kind =
        |line: serde_json::Value| line["kind"].as_str().is_some_and(|kind| kind.contains("something_new"));
    eventually("the unknown kind in the log", || stage.log_lines().into_iter().any(kind).then_some(())).await;
    assert_goes_on(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_for_too_long_ends_the_turn_and_the_process() {
    let stage = Stage::new().await.with("limits", QUIET);
    let _bot = stage.bot().await;
    let (outcome, answer) = ended(&stage, "[[say:Wait for it.]] [[hang]]").await;
    assert_eq!(outcome, "⏹️");
    assert!(answer.contains("nothing was heard from Claude Code for too long"), "{answer}");
    let hung = stage.cli_pid(1).await;
    eventually("the silent process to be gone", || (!alive(hung)).then_some(())).await;
    assert_eq!(stage.sql("select reason from turns").await, ["silence"]);
    assert_goes_on(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cli_that_ignores_sigterm_is_killed() {
    let stage = Stage::new().await.with("limits", QUIET);
    let _bot = stage.bot().await;
    let (outcome, answer) = ended(&stage, "[[ignore-term]] [[hang]]").await;
    assert_eq!(outcome, "⏹️", "{answer}");
    let hung = stage.cli_pid(1).await;
    eventually("the process to be gone", || (!alive(hung)).then_some(())).await;
    assert_goes_on(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_never_stops_is_stopped() {
    let stage = Stage::new().await.with("limits", "turn_secs_max = 20");
    let _bot = stage.bot().await;
    let (outcome, answer) = ended(&stage, "[[say:Working.]] [[bash:sleep 300]]").await;
    assert_eq!(outcome, "⏹️");
    assert!(answer.contains("took longer than it may"), "{answer}");
    assert_eq!(stage.sql("select reason from turns").await, ["time"]);
    assert_goes_on(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_die_is_said() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    for (how, sentence) in [
        ("[[exit:0]]", "exit code 0"),
        ("[[exit:1]]", "exit code 1"),
        ("[[exit:137]]", "exit code 137"),
        ("[[exit:143]]", "exit code 143"),
        ("[[kill:9]]", "signal 9"),
        ("[[kill:6]]", "signal 6"),
    ] {
        for text in [format!("[[say:Half an]] {how}"), how.to_owned()] {
            let (outcome, answer) = ended(&stage, &text).await;
            assert_eq!(outcome, "❌", "{text}: {answer}");
            assert!(answer.contains(sentence), "{text}: {answer}");
            assert!(!text.contains("Half an") || answer.contains("Half an"), "what came is kept: {answer}");
        }
    }
    assert_goes_on(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exit_without_a_result_ends_the_turn() {
    let stage = Stage::new().await.with("limits", QUIET);
    let _bot = stage.bot().await;
    let (outcome, answer) = ended(&stage, "[[say:No end.]] [[no-result]] [[exit-after-result:0]]").await;
    assert_eq!(outcome, "❌", "{answer}");
    assert!(answer.contains("No end."), "{answer}");
    // Without even an exit it is the watchdog's.
    let (outcome, answer) = ended(&stage, "[[say:No end.]] [[no-result]]").await;
    assert_eq!(outcome, "⏹️", "{answer}");
    assert_goes_on(&stage).await;
}

/// Each is killed before it changed anything: the same prompt is answered once, by another.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_cli_and_a_killed_shim_are_replaced_before_anything_was_changed() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let gate = stage.dir().join("gate");
    let message = stage.ask(
        MARA,
        HARBOR,
        &format!("[[say:Half.]] [[wait:{}]] [[bash:echo x >> EFFECT]]", gate.display()),
    );
    for nth in 1..=2 {
        let cli = stage.cli_pid(nth).await;
        stage.answer_shows(HARBOR, message, "Half.").await;
        let killed = if nth == 1 { cli } else { parent_of(cli) };
        kill(Pid::from_raw(killed), Signal::SIGKILL).expect("it lives");
        eventually("the CLI to be gone", || (!alive(cli)).then_some(())).await;
    }
    std::fs::write(&gate, "").expect("the gate opens");
    assert_eq!(stage.outcome(message).await, "✅");
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("began again") && answer.matches("Half.").count() == 1, "{answer}");
    let effect = std::fs::read_to_string(stage.dir().join("harbor/EFFECT")).expect("it was written");
    assert_eq!(effect.lines().count(), 1);
    assert_eq!(stage.sql("select attempt || '' from turns").await, ["3"]);
    assert_eq!(stage.bot_messages(HARBOR).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_cli_and_a_killed_shim_are_said() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let gate = stage.dir().join("never");
    let hold = format!("[[bash:echo x]] [[say:Half.]] [[wait:{}]]", gate.display());

    for (nth, of_the_shim, said) in [(1, false, "signal 9"), (2, true, "disappeared")] {
        let message = stage.ask(MARA, HARBOR, &hold);
        let cli = stage.cli_pid(nth).await;
        stage.answer_shows(HARBOR, message, "Half.").await;
        let killed = if of_the_shim { parent_of(cli) } else { cli };
        kill(Pid::from_raw(killed), Signal::SIGKILL).expect("it lives");
        let answer = stage.answer(HARBOR, message).await;
        assert!(answer.contains(said) && answer.contains("not run again"), "{answer}");
        assert_eq!(stage.outcome(message).await, "❌");
        assert!(!alive(cli), "it dies with its shim");
    }
    let ends = stage.sql("select outcome || ' ' || reason from turns order by started_at").await;
    assert_eq!(ends, ["interrupted crashed", "interrupted lost"]);
    assert_goes_on(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_descendant_outlives_its_process() {
    let stage = Stage::new().await.with("claude", "warm_idle_secs = 0");
    let _bot = stage.bot().await;
    let (outcome, answer) = ended(&stage, "[[fork:100]]").await;
    assert_eq!(outcome, "✅", "{answer}");
    let children = answer.split_once("children: ").expect("the fake names them").1;
    let children: Vec<i32> = children.split_whitespace().map_while(|word| word.parse().ok()).collect();
    assert_eq!(children.len(), 100, "{answer}");
    let cli = stage.cli_pid(1).await;
    eventually("the process to be gone", || (!alive(cli)).then_some(())).await;
    eventually("all children to be gone", || children.iter().all(|child| !alive(*child)).then_some(())).await;
    assert_goes_on(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_of_any_size_arrives() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let big = "The tide comes in and the tide goes out.\n".repeat(8_000);
    let draft = Draft {
        content: format!("<@{BOT}> [[say:Read.]]"),
        attachments: vec![(
            "message.txt".to_owned(),
            big.clone().into_bytes(),
            Some("text/plain".to_owned()),
        )],
        ..Draft::default()
    };
    let message = stage.discord.say_with(MARA, HARBOR, draft);
    assert_eq!(stage.outcome(message).await, "✅");
    let prompt = stage.cli_log("prompt").remove(0)["text"].as_str().unwrap_or_default().to_owned();
    // Too long to stand in the prompt: Claude gets a file to read, with all of it.
    let files = stage.files(&stage.state_dir().join("files"));
    let file = files
        .iter()
        .find(|(_, bytes)| **bytes == *big.as_bytes())
        .map(|(path, _)| path.display().to_string());
    let whole = prompt.contains(&big) || file.is_some_and(|file| prompt.contains(&file));
    assert!(whole, "{prompt:.400}");
    assert!(prompt.len() < 128 << 10, "{} bytes in one line", prompt.len());
    assert_goes_on(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_fails_in_one_channel_leaves_the_other_alone() {
    let stage = Stage::new().await.with("limits", QUIET);
    let _bot = stage.bot().await;
    let stuck = stage.ask(MARA, HARBOR, "[[hang]]");
    let other = stage.ask(MARA, crate::harness::LIGHTHOUSE, "[[say:Light.]]");
    assert_eq!(stage.outcome(other).await, "✅");
    assert_eq!(stage.outcome(stuck).await, "⏹️");
}

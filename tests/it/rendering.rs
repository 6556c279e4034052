//! What people see of a turn: messages that grow, a status line, reactions, and the whole channel in snapshots.

use insta::assert_snapshot;
use serde_json::json;
use switchboard::domain::ids::MessageId;

use switchboard::playground::discord::Pinged;

use crate::harness::{BOT, HARBOR, MARA, Stage, VERA, eventually};

/// The longest message that Discord takes, in UTF-16 units.
const UNITS_MAX: usize = 2000;

/// Every text that the bot's messages in the harbour had at any time.
fn every_text(stage: &Stage) -> Vec<String> {
    let messages = stage.discord.messages(HARBOR);
    let own = messages.iter().filter(|message| message["author"]["id"] == BOT.to_string());
    let ids = own.map(|message| MessageId(message["id"].as_str().expect("an id").parse().expect("a number")));
    ids.flat_map(|id| stage.discord.history(id)).collect()
}

/// Asks in the harbour, waits for the end, and gives the channel as people see it.
async fn transcript_of(prompt: &str) -> String {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, prompt);
    stage.answer(HARBOR, message).await;
    stage.assert_well_behaved();
    stage.transcript(HARBOR)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simple_answer() {
    assert_snapshot!(
        transcript_of("[[say:The tests pass. I changed `src/lib.rs`, **nothing else**.]]").await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn markdown_and_a_table() {
    assert_snapshot!(
        transcript_of("[[say:## What I found\n\n1. one\n2. two\n   - deep]][[table]][[code:3]]").await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_take_one_short_line_each() {
    let prompt = "[[say:I look first.]][[tool:Read {\"file_path\":\"/srv/harbor/src/lib.rs\"}]]\
        [[tool:Grep {\"pattern\":\"fn main\",\"path\":\"src\"}]][[bash:echo one && echo two]][[bash:exit 3]]\
        [[edit:notes.txt]][[edit:notes.txt]][[tool:WebSearch {\"query\":\"tides\"}]]\
        [[tool:mcp__crane__lift {\"box\":1}]][[say:Done.]]";
    let transcript = transcript_of(prompt).await;
    for line in transcript.lines().filter(|line| line.contains("-# ")) {
        assert!(line.chars().count() <= 110, "a phone breaks this line twice: {line}");
    }
    assert_snapshot!(transcript);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_command_is_one_short_line() {
    let command = format!("true {}\n{}", "and some more words ".repeat(30), "true\n".repeat(20));
    let transcript = transcript_of(&format!("[[bash:{command}]][[say:Done.]]")).await;
    let answer: String = transcript.split("switchboard (reply):").skip(1).collect();
    let lines: Vec<_> = answer.lines().filter(|line| line.contains("-# ")).collect();
    assert_eq!(lines.len(), 2, "the tool and the footer: {answer}");
    assert!(lines[0].chars().count() <= 110, "{}", lines[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_and_a_failing_api() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    for prompt in [
        "[[say:I begin.]][[exit:7]]",
        "[[error:500-forever]]",
        "[[error:404-model]]",
        "[[error:400-prompt-too-long]]",
    ] {
        let message = stage.ask(MARA, HARBOR, prompt);
        stage.answer(HARBOR, message).await;
    }
    stage.assert_well_behaved();
    assert_snapshot!(stage.transcript(HARBOR));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_answer_is_six_messages_and_a_file_with_all_of_it() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[lines:400]]");
    stage.answer(HARBOR, message).await;
    let answers = stage.answers(HARBOR, message);
    assert_eq!(answers.len(), 6);
    let last = stage.discord.message(answers[5]).expect("it is there");
    assert_eq!(last["attachments"][0]["filename"], "answer.md");
    let url = last["attachments"][0]["url"].as_str().expect("an address");
    let file = stage.discord.file(url).expect("the file is there");
    let file = String::from_utf8_lossy(&file).into_owned();
    for line in (1..=400).filter(|line| line % 10 == 1) {
        assert!(file.contains(&format!("## Part {line}\n")), "part {line} is not in the file");
    }
    assert!(file.contains("line 399 of a list") && file.contains("line 400 of a list"));
    stage.assert_well_behaved();
    assert_snapshot!(stage.transcript(HARBOR));
}

#[tokio::test(flavor = "multi_thread")]
async fn code_stays_fenced_over_all_pieces() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[say:Here it is:]][[code:120]][[say:That was it.]]");
    let answer = stage.answer(HARBOR, message).await;
    let answers = stage.answers(HARBOR, message);
    assert!(answers.len() > 1, "one message is no test of this");
    for id in &answers {
        let text =
            stage.discord.message(*id).expect("it is there")["content"].as_str().expect("a text").to_owned();
        let fences: Vec<_> = text.lines().filter(|line| line.starts_with("```")).collect();
        assert_eq!(fences.len() % 2, 0, "a fence is open at the end of a message: {text}");
        let opening = fences.iter().step_by(2);
        assert!(opening.into_iter().all(|fence| *fence == "```rust"), "{fences:?}");
        assert!(fences.iter().skip(1).step_by(2).all(|fence| *fence == "```"), "{fences:?}");
    }
    for line in 1..=120 {
        assert!(answer.contains(&format!("let line_{line} = ")), "line {line} is missing");
    }
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn text_streams_by_edits_within_discords_pace() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    // However slow the machine is, each of four parts is seen before the next one begins.
    let gate = |part: usize| stage.dir().join(format!("gate-{part}"));
    let part = |part| format!("[[stream:40,40]][[say:Part {part}.]][[wait:{}]]", gate(part).display());
    let message = stage.ask(MARA, HARBOR, &(1..=4).map(part).collect::<String>());
    stage.answer_shows(HARBOR, message, "chunk 1 ").await;
    let early = stage.answers(HARBOR, message);
    let working = [("⚙️".to_owned(), vec![BOT])];
    stage.discord.wait_for("⚙️", |discord| (discord.reactions(message) == working).then_some(())).await;
    for part in 1..=4 {
        stage.answer_shows(HARBOR, message, &format!("Part {part}.")).await;
        std::fs::write(gate(part), "").expect("the gate opens");
    }
    stage.answer(HARBOR, message).await;
    let answers = stage.answers(HARBOR, message);
    assert_eq!(answers, early, "the text grew in the message that had the first words");
    let history = stage.discord.history(answers[0]);
    assert!(history.len() >= 4, "it grew in few steps: {history:?}");
    let chunks: Vec<_> = history.iter().map(|text| text.matches("chunk").count()).collect();
    assert!(chunks.is_sorted(), "the text shrank: {chunks:?}");
    assert_eq!(chunks.last(), Some(&160));
    for text in &history[..history.len() - 1] {
        let status = text.lines().next_back().unwrap_or_default();
        assert!(status.starts_with("-# "), "no status line while it works: {text}");
    }
    assert_eq!(stage.discord.invalid_requests(), 0, "a limit of Discord's was hit");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_stays_within_discords_limits() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let first = stage.ask(MARA, HARBOR, "[[flood:3000]]");
    let second = stage.ask(MARA, HARBOR, "[[lines:150]][[stream:60,30]]");
    stage.answer(HARBOR, first).await;
    stage.answer(HARBOR, second).await;
    assert_eq!(stage.discord.invalid_requests(), 0, "a limit of Discord's was hit");
    assert!(every_text(&stage).iter().all(|text| text.encode_utf16().count() <= UNITS_MAX));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_line_and_the_typing_indicator_tell_what_goes_on() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let go = stage.dir().join("go");
    let prompt =
        format!("[[say:I wait.]][[bash:until test -e {}; do sleep 0.02; done]][[say:Done.]]", go.display());
    let message = stage.ask(MARA, HARBOR, &prompt);
    let working = stage.answer_shows(HARBOR, message, "until test -e").await;
    assert!(working.contains("⏳"), "{working}");
    stage
        .discord
        .wait_for("the typing indicator", |discord| discord.typing_active(HARBOR).then_some(()))
        .await;
    std::fs::write(&go, "").expect("the file");
    let answer = stage.answer(HARBOR, message).await;
    assert!(!answer.contains('⏳'), "{answer}");
    let typed = |stage: &Stage| {
        stage.discord.requests().iter().filter(|request| request.path.ends_with("/typing")).count()
    };
    let (before, begun) = (typed(&stage), std::time::Instant::now());
    let other = stage.ask(MARA, HARBOR, "[[say:Again.]]");
    stage.answer(HARBOR, other).await;
    // It is renewed after eight seconds, and that of the first turn not at all.
    let renewed = usize::try_from(begun.elapsed().as_secs() / 8).expect("it fits");
    assert!(typed(&stage) <= before + 1 + renewed, "one turn, one typing request");
    eventually("the end of typing", || (!stage.discord.typing_active(HARBOR)).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_go_from_seen_to_working_to_one_that_stays() {
    let stage = Stage::new().await.with("limits", "running_turns_max = 1");
    let _bot = stage.bot().await;
    let (go, thread) = (stage.dir().join("go"), stage.discord.create_thread(MARA, HARBOR, "Other", None));
    let first = stage.ask(MARA, HARBOR, &format!("[[say:I wait.]][[wait:{}]]", go.display()));
    stage.answer_shows(HARBOR, first, "I wait.").await;
    let second = stage.ask(MARA, thread, "[[say:Mine.]]");
    let one = |emoji: &str| vec![(emoji.to_owned(), vec![BOT])];
    stage
        .discord
        .wait_for("⚙️ on the first and 👀 on the second", |discord| {
            (discord.reactions(first) == one("⚙️") && discord.reactions(second) == one("👀")).then_some(())
        })
        .await;
    std::fs::write(&go, "").expect("the file");
    assert_eq!((stage.outcome(first).await, stage.outcome(second).await), ("✅".to_owned(), "✅".to_owned()));
    let failed = stage.ask(MARA, HARBOR, "[[say:I begin.]][[exit:3]]");
    assert_eq!(stage.outcome(failed).await, "❌");
    let stopped = stage.ask(MARA, HARBOR, "[[say:On and on.]][[wait:/nowhere/at/all]]");
    stage.answer_shows(HARBOR, stopped, "On and on.").await;
    stage.slash_text(MARA, HARBOR, "stop").await;
    assert_eq!(stage.outcome(stopped).await, "⏹️");
    for (message, emoji) in [(first, "✅"), (second, "✅"), (failed, "❌"), (stopped, "⏹️")] {
        assert_eq!(stage.discord.reactions(message), one(emoji));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_claude_says_pings_anybody() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let prompt =
        format!("[[mention]][[say:<@{MARA}> <@{VERA}> @everyone]][[question:Shall I call <@{VERA}>?]]");
    let message = stage.ask(MARA, HARBOR, &prompt);
    // The card pings the one whose turn waits, whatever it asks.
    let (card, _) = stage.card(HARBOR).await;
    stage.click(MARA, card, "Red").await;
    stage.answer(HARBOR, message).await;
    assert_eq!(stage.pinged_by_cards(), [Pinged::User(MARA)]);
    stage.assert_well_behaved();
    let stopped = stage.ask(MARA, HARBOR, "[[bash:exit 1 # @everyone]][[exit:3]]");
    stage.answer(HARBOR, stopped).await;
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_is_stopped_says_so() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let started = stage.dir().join("started");
    let prompt = format!("[[say:I count to a million.]][[bash:touch {}; sleep 1000]]", started.display());
    let message = stage.ask(MARA, HARBOR, &prompt);
    eventually("the command to run", || started.exists().then_some(())).await;
    stage.answer_shows(HARBOR, message, "touch").await;
    stage.slash_text(MARA, HARBOR, "stop").await;
    stage.answer(HARBOR, message).await;
    stage.assert_well_behaved();
    assert_snapshot!(stage.transcript(HARBOR));
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_answer_in_words() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[cost:0.25]][[say:Hello.]]");
    stage.answer(HARBOR, message).await;
    let mut all = String::new();
    for (name, options) in [
        ("help", json!([])),
        ("status", json!([])),
        ("model", json!([{ "name": "name", "type": 3, "value": "opus" }])),
        ("model", json!([{ "name": "name", "type": 3, "value": "--evil" }])),
        ("model", json!([{ "name": "name", "type": 3, "value": "default" }])),
        ("stop", json!([])),
        ("reset", json!([])),
    ] {
        let state = stage.slash(MARA, HARBOR, name, options.clone()).await;
        let value = options[0]["value"].as_str().unwrap_or_default();
        all.push_str(&format!("/{name} {value}\n{}\n\n", crate::harness::private_text(&state)));
    }
    stage.assert_well_behaved();
    assert_snapshot!(stage.redacted(&all));
}

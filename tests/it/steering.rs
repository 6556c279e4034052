//! What people write while a turn runs: it waits with its place, is changed and taken back, told to the turn, or done in
//! its place; and a button stops the turn.

mod deaths;

use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use switchboard::domain::ids::MessageId;
use switchboard::playground::discord::Fault;

use crate::harness::{BOT, HARBOR, JONAS, MARA, Stage, VERA, eventually, hears_tests, private_text};

/// A turn that says a word, then works until [`open`](Gate::open).
struct Gate {
    message: MessageId,
    file: PathBuf,
}

impl Gate {
    /// It works on its text.
    async fn text(stage: &Stage) -> Self {
        Self::with(stage, |file| format!("[[say:First.]][[wait:{file}]][[say:Last.]]")).await
    }

    /// It runs a tool, and one more: a CLI that is slow to read hears what it is told with the second result.
    async fn tool(stage: &Stage) -> Self {
        let script = |file: &str| {
            let wait = format!("while [ ! -e {file} ]; do sleep 0.02; done");
            format!("[[say:First.]][[bash:{wait}]][[bash:sleep 3]][[say:Last.]]")
        };
        Self::with(stage, script).await
    }

    async fn with(stage: &Stage, script: impl Fn(&str) -> String) -> Self {
        let file = stage.dir().join("gate");
        let message = stage.ask(MARA, HARBOR, &script(&file.display().to_string()));
        stage.answer_shows(HARBOR, message, "First.").await;
        Self { message, file }
    }

    /// Opens it once the CLI is told this.
    async fn open_when_told(&self, stage: &Stage, text: &str) {
        eventually("the CLI to be told", || stage.spools().contains(text).then_some(())).await;
        self.open();
    }

    fn open(&self) {
        std::fs::write(&self.file, "").expect("the gate opens");
    }
}

/// Waits until the bot has this reaction on a message.
async fn reaction(stage: &Stage, message: MessageId, emoji: &str) {
    stage
        .discord
        .wait_for(&format!("{emoji} on {message}"), |discord| {
            let mut reactions = discord.reactions(message).into_iter();
            reactions.any(|(known, users)| known == emoji && users.contains(&BOT)).then_some(())
        })
        .await;
}

/// Who stopped something, as the audit says.
async fn stops(stage: &Stage) -> Vec<String> {
    stage.sql("SELECT actor || '' FROM audit WHERE action = 'stop' ORDER BY seq").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_stops_the_turn_and_no_other() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let gate = Gate::text(&stage).await;
    let (shown, _) = stage.with_button(HARBOR, "Stop").await;
    let clicked = stage.click(VERA, shown, "Stop").await;
    assert!(stage.told_privately(clicked).await.contains("not among the people"));
    // The button of a turn that is over stops nothing, however late it is clicked.
    let message = stage.discord.message(shown).expect("it is there");
    let id = message["components"][0]["components"][0]["custom_id"].as_str().expect("an id").to_owned();
    stage.click(JONAS, shown, "Stop").await;
    assert_eq!(stage.outcome(gate.message).await, "⏹️");
    let next = stage.ask(MARA, HARBOR, &format!("[[say:Next.]][[wait:{}]]", gate.file.display()));
    stage.answer_shows(HARBOR, next, "Next.").await;
    if let Some(late) = stage.discord.try_component(MARA, shown, &id, &[]) {
        assert!(stage.told_privately(late).await.contains("over already"));
    }
    gate.open();
    assert_eq!(stage.outcome(next).await, "✅");
    assert_eq!(stops(&stage).await, [JONAS.to_string()], "the click that stopped nothing is no stop");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_says_its_place_and_is_taken_back_with_a_button() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let gate = Gate::text(&stage).await;
    let second = stage.ask(JONAS, HARBOR, "[[say:second]]");
    let (first_note, text) = stage.with_button(HARBOR, "Withdraw").await;
    assert!(text.contains("Queued, next"), "{text}");
    let third = stage.ask(MARA, HARBOR, "[[say:third]]");
    let note = stage.said(HARBOR, "Queued, 2nd").await;
    assert!(note.contains("delete it to take it back"), "{note}");
    let listed = stage.slash_text(MARA, HARBOR, "queue").await;
    let (at_second, at_third) = (listed.find("second"), listed.find("third"));
    assert!(at_second.is_some() && at_second < at_third, "{listed}");
    assert!(listed.contains("1. **Jonas**") && listed.contains(&format!("/{HARBOR}/{second}")), "{listed}");
    let clicked = stage.click(MARA, first_note, "Withdraw").await;
    assert!(stage.told_privately(clicked).await.contains("Taken back"));
    assert_eq!(stage.outcome(second).await, "⏹️");
    stage.gone(first_note).await;
    stage.rows("SELECT id FROM prompts WHERE ended_in IS NOT NULL", 0).await;
    // Whoever comes behind moves up.
    let (note, _) = stage.with_button(HARBOR, "Withdraw").await;
    stage.said(HARBOR, "Queued, next").await;
    gate.open();
    let answer = stage.answer(HARBOR, third).await;
    assert!(answer.contains("third"), "{answer}");
    stage.gone(note).await;
    assert_eq!(stage.cli_prompts().len(), 2, "{:?}", stage.cli_prompts());
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_takes_back_what_it_stands_for() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    assert!(stage.slash_text(MARA, HARBOR, "queue").await.contains("Nothing waits"));
    let gate = Gate::text(&stage).await;
    let second = stage.ask(JONAS, HARBOR, "[[say:second]]");
    stage.answer_shows(HARBOR, gate.message, "1 queued").await;
    let number = |number: u64| json!([{ "name": "withdraw", "type": 4, "value": number }]);
    let none = private_text(&stage.slash(MARA, HARBOR, "queue", number(7)).await);
    assert!(none.contains("no number 7"), "{none}");
    let done = private_text(&stage.slash(MARA, HARBOR, "queue", number(1)).await);
    assert!(done.contains("Taken back") && done.contains("second"), "{done}");
    assert_eq!(stage.outcome(second).await, "⏹️");
    assert!(stage.slash_text(VERA, HARBOR, "queue").await.contains("not among the people"));
    gate.open();
    stage.answer(HARBOR, gate.message).await;
    assert_eq!(stage.cli_prompts().len(), 1);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_changes_what_waits_and_a_deletion_takes_it_back() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let gate = Gate::text(&stage).await;
    let edited = stage.ask(JONAS, HARBOR, "[[say:before the edit]]");
    let deleted = stage.ask(MARA, HARBOR, "[[say:deleted]]");
    let unmentioned = stage.ask(JONAS, HARBOR, "[[say:unmentioned]]");
    stage.answer_shows(HARBOR, gate.message, "3 queued").await;
    // What a message says is asked for until Discord tells.
    for _ in 0..2 {
        let fault = Fault::Status(503, serde_json::Value::Null);
        stage.discord.faults().next_rest(format!("GET /channels/{HARBOR}/messages/{edited}").as_str(), fault);
    }
    stage.discord.edit(edited, &format!("<@{BOT}> [[say:after the edit]]"));
    stage.rows("SELECT text FROM prompts WHERE text LIKE '%after the edit%'", 1).await;
    stage.discord.delete(deleted);
    stage.answer_shows(HARBOR, gate.message, "2 queued").await;
    // Without the mention it is not for the bot any more.
    stage.discord.edit(unmentioned, "[[say:unmentioned]]");
    assert_eq!(stage.outcome(unmentioned).await, "⏹️");
    // What runs is what it was, and what is over stays so.
    stage.discord.edit(gate.message, &format!("<@{BOT}> [[say:never]]"));
    gate.open();
    let answer = stage.answer(HARBOR, edited).await;
    assert!(answer.contains("after the edit"), "{answer}");
    stage.discord.edit(edited, &format!("<@{BOT}> [[say:never]]"));
    stage.discord.delete(gate.message);
    let last = stage.ask(MARA, HARBOR, "[[say:the end]]");
    stage.answer(HARBOR, last).await;
    let prompts = stage.cli_prompts();
    assert_eq!(prompts[1..], ["[[say:after the edit]]", "[[say:the end]]"]);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_while_the_bot_was_away_is_as_it_is_then() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let gate = Gate::text(&stage).await;
    let edited = stage.ask(JONAS, HARBOR, "[[say:before the edit]]");
    let deleted = stage.ask(MARA, HARBOR, "[[say:deleted]]");
    stage.answer_shows(HARBOR, gate.message, "2 queued").await;
    let (note, _) = stage.with_button(HARBOR, "Withdraw").await;
    bot.kill();
    stage.discord.edit(edited, &format!("<@{BOT}> [[say:after the edit]]"));
    stage.discord.delete(deleted);
    // By the time it comes back nothing runs any more.
    gate.open();
    let _bot = stage.bot().await;
    let answer = stage.answer(HARBOR, edited).await;
    assert!(answer.contains("after the edit"), "{answer}");
    stage.answer(HARBOR, gate.message).await;
    stage.gone(note).await;
    let last = stage.ask(MARA, HARBOR, "[[say:the end]]");
    stage.answer(HARBOR, last).await;
    assert_eq!(stage.cli_prompts()[1..], ["[[say:after the edit]]", "[[say:the end]]"]);
    assert!(stage.bot_messages(HARBOR).iter().all(|text| !text.contains("Queued")));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reaction_tells_it_to_the_turn_that_runs() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let gate = Gate::tool(&stage).await;
    let told = stage.ask(MARA, HARBOR, "[[say:heard]]");
    stage.answer_shows(HARBOR, gate.message, "1 queued").await;
    stage.discord.react(VERA, told, "⏩");
    stage.discord.react(JONAS, told, "👍");
    stage.discord.react(MARA, told, "⏩");
    reaction(&stage, told, "⏩").await;
    gate.open_when_told(&stage, "say:heard").await;
    let answer = stage.answer(HARBOR, gate.message).await;
    assert!(answer.contains("↪️ **Mara**"), "{answer}");
    // Where it was heard: below the tool, above what came of it.
    let (heard, last) = (answer.find("↪️"), answer.find("heard\n").or(answer.rfind("heard")));
    assert!(heard.is_some() && heard < last, "{answer}");
    assert_eq!(stage.outcome(told).await, "✅");
    assert_eq!(stage.cli_log("prompt").len(), 1, "it has no turn of its own");
    assert_eq!(
        stage.sql("SELECT state || ' ' || (turn IS NOT NULL) FROM prompts").await,
        ["taken 0", "taken 1"]
    );
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_turn_does_not_hear_is_answered_right_after_it() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let gate = Gate::text(&stage).await;
    let told = stage.ask(MARA, HARBOR, "[[say:afterwards]]");
    let (note, _) = stage.with_button(HARBOR, "Send now").await;
    let clicked = stage.click(MARA, note, "Send now").await;
    assert!(stage.told_privately(clicked).await.contains("Told to the turn"));
    stage.gone(note).await;
    gate.open();
    let answer = stage.answer(HARBOR, told).await;
    assert!(answer.contains("afterwards"), "{answer}");
    assert!(stage.answer(HARBOR, gate.message).await.contains("Last."));
    assert_eq!(stage.cli_prompts().len(), 2);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_steers_by_itself_and_a_command_does_where_it_does_not() {
    let stage = Stage::new().await.with("harbor", "while_running = \"steer\"");
    let _bot = stage.bot().await;
    let gate = Gate::tool(&stage).await;
    let told = stage.ask(JONAS, HARBOR, "[[say:by message]]");
    reaction(&stage, told, "⏩").await;
    let text = json!([{ "name": "text", "type": 3, "value": "[[say:by command]]" }]);
    let said = private_text(&stage.slash(MARA, HARBOR, "steer", text.clone()).await);
    assert!(said.contains("Told to the turn"), "{said}");
    gate.open_when_told(&stage, "say:by command").await;
    let answer = stage.answer(HARBOR, gate.message).await;
    for words in ["↪️ **Jonas**", "↪️ **Mara**", "by message", "by command"] {
        assert!(answer.contains(words), "{words}: {answer}");
    }
    assert_eq!(stage.outcome(told).await, "✅");
    // Where nothing runs it is a prompt like others, and what was asked can be read.
    let said = private_text(&stage.slash(MARA, HARBOR, "steer", text).await);
    assert!(said.contains("begins with it now") || said.contains("run next"), "{said}");
    stage
        .discord
        .wait_for("the answer to a command", |discord| {
            let messages = discord.messages(HARBOR);
            let texts = messages.iter().filter_map(|message| message["content"].as_str());
            let mut answers = texts.filter(|text| text.starts_with("-# ↪️ **Mara**"));
            answers.any(|text| text.contains("✅")).then_some(())
        })
        .await;
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_interrupts_is_done_first_and_what_waited_stays_behind_it() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let gate = Gate::text(&stage).await;
    let waits = stage.ask(JONAS, HARBOR, "[[say:waits]]");
    stage.answer_shows(HARBOR, gate.message, "1 queued").await;
    let text = json!([{ "name": "text", "type": 3, "value": "[[say:instead]]" }]);
    let said = private_text(&stage.slash(MARA, HARBOR, "interrupt", text).await);
    assert!(said.contains("is stopped, then this is next"), "{said}");
    assert_eq!(stage.outcome(gate.message).await, "⏹️");
    stage.answer(HARBOR, waits).await;
    assert_eq!(stage.cli_prompts()[1..], ["[[say:instead]]", "[[say:waits]]"]);
    assert_eq!(stops(&stage).await, [MARA.to_string()]);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_interrupts_by_itself() {
    let stage = Stage::new().await.with("harbor", "while_running = \"interrupt\"");
    let _bot = stage.bot().await;
    let gate = Gate::text(&stage).await;
    let instead = stage.ask(JONAS, HARBOR, "[[say:instead]]");
    assert_eq!(stage.outcome(gate.message).await, "⏹️");
    let answer = stage.answer(HARBOR, instead).await;
    assert!(answer.contains("instead"), "{answer}");
    assert_eq!(stops(&stage).await, [JONAS.to_string()]);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cli_was_told_that_died_before_it_heard_is_answered_once() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let gate = Gate::tool(&stage).await;
    let told = stage.ask(JONAS, HARBOR, "[[say:after all]]");
    stage.answer_shows(HARBOR, gate.message, "1 queued").await;
    stage.discord.react(JONAS, told, "⏩");
    reaction(&stage, told, "⏩").await;
    let cli = stage.cli_pid(1).await;
    kill(Pid::from_raw(cli), Signal::SIGKILL).expect("it is there");
    let answer = stage.answer(HARBOR, told).await;
    assert!(answer.contains("after all"), "{answer}");
    assert_eq!(stage.outcome(told).await, "✅");
    let given = stage.cli_prompts().iter().filter(|prompt| prompt.contains("after all")).count();
    assert_eq!(given, 1);
    stage.assert_well_behaved();
}

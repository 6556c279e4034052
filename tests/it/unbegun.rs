//! Turns that never began, and processes that never served: whatever the daemon dies of meanwhile, nobody waits for them
//! in vain.

use std::io::Write as _;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use switchboard::domain::ids::{ChannelId, MessageId};

use crate::harness::{
    Around, HARBOR, JONAS, LIGHTHOUSE, MARA, Stage, alive, eventually, hears_tests, parent_of, private_text,
};

/// A turn that has the only place, and one that waits for it where everybody sees that.
struct Waits {
    holds: MessageId,
    gate: std::path::PathBuf,
    prompt: MessageId,
    shown: MessageId,
}

async fn waits_for_a_place(stage: &Stage) -> Waits {
    let gate = stage.dir().join("gate");
    let holds = stage.ask(JONAS, LIGHTHOUSE, &format!("[[say:Mine.]][[wait:{}]]", gate.display()));
    stage.said(ChannelId(holds.0), "Mine.").await;
    let prompt = stage.ask(MARA, HARBOR, "[[say:never]]");
    stage.answer_shows(HARBOR, prompt, "waiting for a place").await;
    let shown = stage.answers(HARBOR, prompt)[0];
    Waits { holds, gate, prompt, shown }
}

impl Waits {
    /// What was taken back is not run, and nobody sees that it waits.
    async fn assert_taken_back(&self, stage: &Stage) {
        stage.gone(self.shown).await;
        std::fs::write(&self.gate, "").expect("the gate opens");
        assert_eq!(stage.outcome(self.holds).await, "✅");
        assert_eq!(stage.cli_prompts().len(), 1, "{:?}", stage.cli_prompts());
        assert_eq!(stage.sql("SELECT state FROM prompts ORDER BY seq").await, ["taken", "withdrawn"]);
        stage.assert_well_behaved();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_for_a_place_and_was_taken_back_in_the_absence_is_not_shown_for_ever() {
    let stage = Stage::new().await.with("limits", "running_turns_max = 1");
    let bot = stage.bot().await;
    let waits = waits_for_a_place(&stage).await;
    bot.kill();
    stage.discord.delete(waits.prompt);
    let _bot = stage.bot().await;
    waits.assert_taken_back(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_dies_as_it_takes_back_what_waits_for_a_place_leaves_nothing_of_it() {
    if !hears_tests() {
        return;
    }
    let stage = Stage::new().await.with("limits", "running_turns_max = 1");
    let stage = stage.with_daemon_env("FAIL_AT", "Withdrawn:1");
    let mut bot = stage.bot().await;
    let waits = waits_for_a_place(&stage).await;
    stage.discord.delete(waits.prompt);
    eventually("the daemon to die", || bot.is_over().then_some(())).await;
    let stage = stage.around(Around::default());
    let _bot = stage.bot().await;
    waits.assert_taken_back(&stage).await;
}

/// The process with the old settings does not go by itself. Whoever waits for the next one has nothing to do with that.
#[tokio::test(flavor = "multi_thread")]
async fn the_kill_of_the_process_before_leaves_the_next_turn_as_it_is() {
    let admin = format!("[[access.people]]\ntier = \"admin\"\nusers = [{MARA}]");
    let stage = Stage::new().await.with("claude", "allow_bypass = true").with("access", &admin);
    let stage = stage.with_env("IS_SANDBOX", "1");
    let _bot = stage.bot().await;
    let hangs = stage.ask(MARA, HARBOR, "[[say:One.]][[hang-after-result]]");
    assert_eq!(stage.outcome(hangs).await, "✅");
    let bypass = json!([{ "name": "mode", "type": 3, "value": "bypassPermissions" }]);
    let chosen = private_text(&stage.slash(MARA, HARBOR, "mode", bypass).await);
    assert!(chosen.starts_with("From the next prompt on"), "{chosen}");
    let gate = stage.dir().join("gate");
    let next = stage.ask(MARA, HARBOR, &format!("[[say:Two.]][[wait:{}]]", gate.display()));
    stage.answer_shows(HARBOR, next, "Two.").await;
    let stopped = stage.slash_text(MARA, HARBOR, "stop").await;
    assert!(stopped.contains("Stopping"), "{stopped}");
    assert_eq!(stage.outcome(next).await, "⏹️");
    stage.assert_well_behaved();
}

/// A turn that changes nothing, and ends when its gate opens.
async fn half_done(stage: &Stage) -> (MessageId, std::path::PathBuf, i32) {
    let gate = stage.dir().join("gate");
    let message = stage.ask(MARA, HARBOR, &format!("[[say:Half.]][[wait:{}]][[say:Whole.]]", gate.display()));
    let cli = stage.cli_pid(1).await;
    stage.answer_shows(HARBOR, message, "Half.").await;
    (message, gate, cli)
}

async fn assert_answered(stage: &Stage, message: MessageId, attempt: &str) {
    assert_eq!(stage.outcome(message).await, "✅");
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("Whole."), "{answer}");
    let turns = "SELECT outcome || ' ' || attempt FROM turns";
    assert_eq!(stage.sql(turns).await, [format!("completed {attempt}")]);
    // The conversation goes on.
    let next = stage.ask(MARA, HARBOR, "[[say:Next.]]");
    assert!(stage.answer(HARBOR, next).await.contains("Next."));
    stage.assert_well_behaved();
}

/// The CLI dies, then the daemon, in the moment between the row of the next process and its start.
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_dies_before_it_starts_the_next_process_starts_it_once() {
    if !hears_tests() {
        return;
    }
    let stage = Stage::new().await.with_daemon_env("FAIL_AT", "ProcessRow:2");
    let mut bot = stage.bot().await;
    let (message, gate, cli) = half_done(&stage).await;
    kill(Pid::from_raw(cli), Signal::SIGKILL).expect("it lives");
    eventually("the daemon to die", || bot.is_over().then_some(())).await;
    let stage = stage.around(Around::default());
    let _bot = stage.bot().await;
    stage.cli_pid(2).await;
    std::fs::write(&gate, "").expect("the gate opens");
    assert_answered(&stage, message, "2").await;
    assert_eq!(stage.cli_prompts().len(), 3, "{:?}", stage.cli_prompts());
}

/// As a power cut leaves it: everybody is dead, and the spool ends in the middle of a record.
#[tokio::test(flavor = "multi_thread")]
async fn half_a_record_at_the_end_of_a_spool_holds_nobody_up() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let (message, gate, cli) = half_done(&stage).await;
    bot.kill();
    let shim = parent_of(cli);
    kill(Pid::from_raw(shim), Signal::SIGKILL).expect("it lives");
    // It may have gone with its shim already.
    let _ = kill(Pid::from_raw(cli), Signal::SIGKILL);
    eventually("both to be gone", || (!alive(shim) && !alive(cli)).then_some(())).await;
    let process = stage.sql("SELECT id FROM processes").await.remove(0);
    let spool = stage.state_dir().join("processes").join(process).join("spool");
    let mut spool = std::fs::OpenOptions::new().append(true).open(spool).expect("there is a spool");
    // Longer than all that the next process will say.
    spool.write_all(&vec![b'0'; 1 << 20]).expect("it is written");
    let _bot = stage.bot().await;
    stage.cli_pid(2).await;
    std::fs::write(&gate, "").expect("the gate opens");
    assert_answered(&stage, message, "2").await;
}

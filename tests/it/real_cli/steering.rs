//! What people write while the real CLI works: told to it, or done in the place of what it does.

use serde_json::json;

use super::{newest, stage};
use crate::harness::{HARBOR, JONAS, MARA, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_while_a_tool_runs_is_heard_in_the_same_turn() {
    let Some((_api, stage)) = stage().await else { return };
    let stage = stage.with("harbor", "allowed_tools = [\"Bash\"]");
    let _bot = stage.bot().await;
    let gate = stage.dir().join("gate");
    let command = format!("until [ -e {} ]; do sleep 0.1; done; sleep 1", gate.display());
    let script = format!("[[say:First.]][[tool:Bash {{\"command\":\"{command}\"}}]][[say:So be it.]]");
    let message = stage.ask(MARA, HARBOR, &script);
    stage.answer_shows(HARBOR, message, "First.").await;
    let told = stage.ask(JONAS, HARBOR, "mind the gap");
    stage.answer_shows(HARBOR, message, "1 queued").await;
    stage.discord.react(JONAS, told, "⏩");
    eventually("the CLI to be told", || stage.spools().contains("mind the gap").then_some(())).await;
    std::fs::write(&gate, "").expect("the gate opens");
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("↪️ **Jonas**") && answer.contains("You also said: mind the gap"), "{answer}");
    assert_eq!(stage.outcome(told).await, "✅");
    assert_eq!(stage.sql("SELECT id FROM turns").await.len(), 1);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_interrupts_is_done_in_the_same_session_and_the_other_is_stopped() {
    let Some((api, stage)) = stage().await else { return };
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[say:some words]][[hold-mid]][[say:never said]]");
    stage.showing(HARBOR, "some words").await;
    let text = json!([{ "name": "text", "type": 3, "value": "[[say:this instead]]" }]);
    stage.slash(MARA, HARBOR, "interrupt", text).await;
    assert_eq!(stage.outcome(message).await, "⏹️");
    api.release();
    stage.showing(HARBOR, "this instead").await;
    let before = newest(&api).messages().iter().any(|message| message.to_string().contains("some words"));
    assert!(before, "it goes on in the session");
    assert_eq!(stage.sql("SELECT id FROM sessions").await.len(), 1);
    stage.assert_well_behaved();
}

//! The main job, with the fake CLI: a mention runs Claude Code, and the answer streams back.

use crate::harness::{HARBOR, MARA, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_mention_is_answered_and_a_follow_up_continues_the_session() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let first = stage.ask(MARA, HARBOR, "[[say:Hello from the harbour.]]");
    let answer = stage.answer(HARBOR, first).await;
    assert!(answer.contains("Hello from the harbour."), "{answer}");
    let second = stage.ask(MARA, HARBOR, "[[recall]]");
    let answer = stage.answer(HARBOR, second).await;
    assert!(answer.contains("Hello from the harbour"), "{answer}");
    stage.assert_well_behaved();
    let exit = bot.stop();
    assert_eq!(exit.code, Some(0), "{exit:?}");
}

//! What people see when the API fails, and that the next prompt works again.

use super::{newest, stage};
use crate::harness::{HARBOR, MARA, Stage, eventually};
use crate::support::messages_api::MessagesApi;

/// The answer ends with an error id, and the log has it.
pub async fn assert_logged(stage: &Stage, answer: &str) {
    let line =
        answer.lines().find(|line| line.starts_with('❌')).unwrap_or_else(|| panic!("a sentence: {answer}"));
    let id = line.rsplit_once('(').and_then(|(_, id)| id.strip_suffix(')'));
    let id = id.filter(|id| id.starts_with("E-"));
    let id = id.unwrap_or_else(|| panic!("an error id: {line}"));
    let has = || stage.log_lines().iter().any(|line| line["error_id"] == id).then_some(());
    eventually("the error id in the log", has).await;
}

/// A prompt fails with this sentence, and the next one works.
async fn fails(stage: &Stage, prompt: &str, sentence: &str) {
    let message = stage.ask(MARA, HARBOR, prompt);
    assert_eq!(stage.outcome(message).await, "❌", "{prompt}");
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains(sentence), "{prompt}: {answer}");
    assert_eq!(answer.matches('❌').count(), 1, "it is said once: {answer}");
    for internal in ["API Error", "127.0.0.1", "fake", "Invalid API key", "req_"] {
        assert!(!answer.contains(internal), "{internal}: {answer}");
    }
    assert_logged(stage, &answer).await;
    let answer = stage.exchange(HARBOR, &format!("[[say:well again]] after {sentence}")).await;
    assert!(answer.contains("well again"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_refuses_is_told_in_a_sentence() {
    let Some((_api, stage)) = stage().await else { return };
    let _bot = stage.bot().await;
    fails(&stage, "[[status:500]]", "The API failed (HTTP 500).").await;
    fails(&stage, "[[status:400]]", "The API did not accept the request.").await;
    fails(&stage, "[[status:404]]", "The API does not know the model").await;
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_trouble_is_got_over() {
    let Some((api, stage)) = stage().await else { return };
    let stage = stage.with_env("CLAUDE_CODE_MAX_RETRIES", "1");
    let _bot = stage.bot().await;
    let answer = stage.exchange(HARBOR, "[[status:500,1]][[say:at the second try]]").await;
    assert!(answer.contains("at the second try") && !answer.contains('❌'), "{answer}");
    assert_eq!(api.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_in_the_middle_is_shown_once() {
    let Some((api, stage)) = stage().await else { return };
    let _bot = stage.bot().await;
    // The pauses let the first pieces get out. The CLI asks again, without streaming, and says nothing of it.
    let answer = stage.exchange(HARBOR, "[[stream:5,50]][[drop]]").await;
    let asked: Vec<_> = api.requests().iter().map(|request| request.body["stream"] == true).collect();
    assert_eq!(asked, [true, false]);
    assert_eq!((answer.matches("chunk 1").count(), answer.matches("chunk 5").count()), (1, 1), "{answer}");
    assert!(!answer.contains('❌'), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_is_down_is_told_and_used_again_when_it_is_back() {
    let Some((api, stage)) = stage().await else { return };
    let addr = api.addr;
    drop(api);
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "hello?");
    assert_eq!(stage.outcome(message).await, "❌");
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("The API cannot be reached from this machine."), "{answer}");
    assert_logged(&stage, &answer).await;

    let api = MessagesApi::start_at(addr).await;
    let answer = stage.exchange(HARBOR, "[[say:there you are]]").await;
    assert!(answer.contains("there you are"), "{answer}");
    assert_eq!(newest(&api).prompts().last().map(String::as_str), Some("[[say:there you are]]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_logged_in() {
    let Some((api, stage)) = stage().await else { return };
    let stage = stage.without_env("ANTHROPIC_API_KEY");
    let _bot = stage.bot().await;
    waits(&stage, "hello?", "Claude Code is not logged in on this machine").await;
    assert_eq!(api.requests().len(), 0);
}

/// A prompt waits and says why, until somebody stops it.
async fn waits(stage: &Stage, prompt: &str, sentence: &str) {
    let message = stage.ask(MARA, HARBOR, prompt);
    let answer = stage.answer_shows(HARBOR, message, "⏸️").await;
    assert!(answer.contains(sentence), "{prompt}: {answer}");
    stage.slash_text(MARA, HARBOR, "stop").await;
    assert_eq!(stage.outcome(message).await, "⏹️", "{prompt}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_the_same_for_every_turn_is_waited_for() {
    for (prompt, sentence) in [
        ("[[status:401]]", "the API refuses its login"),
        ("[[status:529]]", "the API is overloaded"),
        ("[[status:429]]", "takes no more requests for now"),
    ] {
        let Some((_api, stage)) = stage().await else { return };
        let _bot = stage.bot().await;
        waits(&stage, prompt, sentence).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_refuses_is_told() {
    let Some((_api, stage)) = stage().await else { return };
    let _bot = stage.bot().await;
    fails(&stage, "[[refuse]]", "The model refused to answer this.").await;
}

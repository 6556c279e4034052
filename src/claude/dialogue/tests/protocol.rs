//! What the traces do not show: crossings, what is owed, what is written.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::replay::{PROMPT, ends};
use crate::claude::{
    Dialogue, Step, answer_line, cancel_line, end_session_line, initialize_line, interrupt_line,
    set_model_line, set_permission_mode_line, user_line,
};
use crate::domain::answer::Answer;
use crate::domain::event::{Failure, TurnEnd, TurnEvent};
use crate::domain::ids::PromptId;
use crate::runner::{Exit, NotStarted, Record};

const SECOND: PromptId = PromptId(Uuid::from_u128(2));

fn out(line: &Value) -> Record {
    Record::Out(Bytes::from(line.to_string()))
}

fn said(line: String) -> Record {
    Record::In(Bytes::from(line))
}

fn init() -> Record {
    out(&json!({"type": "system", "subtype": "init", "cwd": "/srv/p"}))
}

fn echo(prompt: PromptId) -> Record {
    let mut line: Value = serde_json::from_str(&user_line(prompt, "x")).unwrap();
    line["isReplay"] = true.into();
    out(&line)
}

fn text(id: &str, text: &str) -> Record {
    let content = json!([{"type": "text", "text": text}]);
    out(&json!({"type": "assistant", "uuid": id, "message": {"id": id, "content": content}}))
}

fn result(total: f64) -> Record {
    out(
        &json!({"type": "result", "subtype": "success", "is_error": false, "result": "r", "total_cost_usd": total}),
    )
}

fn result_of_a_task() -> Record {
    out(
        &json!({"type": "result", "subtype": "success", "result": "t", "origin": {"kind": "task-notification"}}),
    )
}

fn permission(id: &str) -> Record {
    out(&json!({"type": "control_request", "request_id": id, "request": {
        "subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "ls"}, "tool_use_id": "t1"}}))
}

fn read(dialogue: &mut Dialogue, records: impl IntoIterator<Item = Record>) -> Vec<Step> {
    records.into_iter().flat_map(|record| dialogue.read(&record)).collect()
}

fn began(steps: &[Step]) -> Vec<Option<PromptId>> {
    let began = steps.iter().filter_map(|step| match step {
        Step::TurnBegan { prompt } => Some(*prompt),
        _ => None,
    });
    began.collect()
}

#[test]
fn a_prompt_that_crosses_with_a_turn_of_the_cli_is_not_ended_by_its_result() {
    let mut dialogue = Dialogue::new();
    let records = [said(user_line(PROMPT, "x")), init(), text("a", "task"), result_of_a_task()];
    let steps = read(&mut dialogue, records);
    assert_eq!((began(&steps), ends(&steps).len()), (vec![Some(PROMPT)], 0));
    let steps = read(&mut dialogue, [init(), echo(PROMPT), text("b", "mine"), result(1.0)]);
    assert_eq!((began(&steps), ends(&steps).len()), (vec![], 1));
    assert!(!dialogue.is_busy());
}

#[test]
fn a_prompt_during_a_turn_of_the_cli_is_absorbed_or_gets_its_own() {
    for absorbed in [true, false] {
        let mut dialogue = Dialogue::new();
        let steps = read(&mut dialogue, [init(), said(user_line(PROMPT, "x"))]);
        assert_eq!(began(&steps), [None]);
        assert!(dialogue.is_busy() && dialogue.busy().is_none());
        let rest = if absorbed {
            vec![echo(PROMPT), result_of_a_task()]
        } else {
            vec![result_of_a_task(), init(), echo(PROMPT), result(1.0)]
        };
        let steps = read(&mut dialogue, rest);
        assert_eq!(steps.contains(&Step::Absorbed { prompt: PROMPT }), absorbed);
        assert_eq!(began(&steps), if absorbed { vec![] } else { vec![Some(PROMPT)] });
        assert!(!dialogue.is_busy());
    }
}

#[test]
fn a_queued_command_that_is_never_echoed_begins_its_turn_at_init() {
    let mut dialogue = Dialogue::new();
    let records = [said(user_line(PROMPT, "x")), init(), echo(PROMPT), said(user_line(SECOND, "/context"))];
    read(&mut dialogue, records);
    let steps = read(&mut dialogue, [result(0.5), init(), result(0.5)]);
    assert_eq!(began(&steps), [Some(SECOND)]);
    assert_eq!(ends(&steps).len(), 2);
}

#[test]
fn cost_is_of_this_turn_alone() {
    let mut dialogue = Dialogue::new();
    let mut costs = Vec::new();
    for total in [0.25, 0.25, 0.75, 0.5] {
        for step in read(&mut dialogue, [said(user_line(PROMPT, "x")), init(), result(total)]) {
            if let Step::Event(TurnEvent::Usage(usage)) = step {
                costs.push(usage.cost_usd);
            }
        }
    }
    assert_eq!(costs, [0.25, 0.0, 0.5, 0.0]);
}

#[test]
fn what_compaction_prints_again_is_not_said_again() {
    let mut dialogue = Dialogue::new();
    let records = [said(user_line(PROMPT, "x")), init(), text("a", "once"), text("a", "once"), result(0.0)];
    let steps = read(&mut dialogue, records);
    let texts = steps.iter().filter(|step| matches!(step, Step::Event(TurnEvent::Text(_)))).count();
    assert_eq!(texts, 1);
}

#[test]
fn what_nobody_else_can_answer_is_owed_once_also_after_a_rebuild() {
    let request = |id: &str, subtype: &str| {
        out(&json!({"type": "control_request", "request_id": id, "request": {"subtype": subtype}}))
    };
    let mut records = vec![said(user_line(PROMPT, "x")), init()];
    records.extend([request("d", "request_user_dialog"), request("n", "novelty")]);
    let mut dialogue = Dialogue::new();
    read(&mut dialogue, records.clone());
    let owed = dialogue.owed();
    assert_eq!(owed.len(), 2);
    assert!(owed[0].contains(r#""behavior":"cancelled""#) && owed[1].contains(r#""subtype":"error""#));
    assert!(dialogue.owed().is_empty());

    records.push(said(owed[0].clone()));
    let mut rebuilt = Dialogue::new();
    read(&mut rebuilt, records);
    assert_eq!(rebuilt.owed(), owed[1..]);
    assert!(rebuilt.is_busy(), "an unknown request ends nothing");
}

#[test]
fn an_ask_that_outlives_its_turn_is_withdrawn_and_denied() {
    let mut dialogue = Dialogue::new();
    read(&mut dialogue, [said(user_line(PROMPT, "x")), init(), permission("p")]);
    assert_eq!(dialogue.open_asks().len(), 1);
    let steps = read(&mut dialogue, [result(0.0)]);
    assert!(matches!(
        &steps[..],
        [
            Step::Event(TurnEvent::Usage(_)),
            Step::Event(TurnEvent::AskWithdrawn { .. }),
            Step::Event(TurnEvent::Ended(_)),
        ]
    ));
    assert!(dialogue.owed()[0].contains(r#""behavior":"deny""#));
}

#[test]
fn an_ask_between_turns_begins_one() {
    let mut dialogue = Dialogue::new();
    let steps = read(&mut dialogue, [permission("p")]);
    assert_eq!(began(&steps), [None]);
    assert_eq!(dialogue.open_asks()[0].request, "p");
}

#[test]
fn answers_echo_the_input_and_say_why() {
    let mut dialogue = Dialogue::new();
    read(&mut dialogue, [init(), permission("p")]);
    let ask = dialogue.open_asks()[0].clone();
    let allow: Value = serde_json::from_str(&answer_line(&ask, &Answer::Allow)).unwrap();
    assert_eq!(
        allow,
        json!({"type": "control_response", "response": {
        "subtype": "success", "request_id": "p",
        "response": {"behavior": "allow", "updatedInput": {"command": "ls"}}}})
    );
    let deny: Value =
        serde_json::from_str(&answer_line(&ask, &Answer::Deny { message: "no".into() })).unwrap();
    assert_eq!(deny["response"]["response"], json!({"behavior": "deny", "message": "no"}));

    let steps = read(&mut dialogue, [said(answer_line(&ask, &Answer::Allow))]);
    assert_eq!(steps, [Step::AskAnswered { request: "p".into(), allowed: true }]);
    assert!(dialogue.open_asks().is_empty());
}

#[test]
fn exits_are_told_apart() {
    let not_started = |kind| Exit::NotStarted { kind, error: String::new() };
    let cases = [
        (not_started(NotStarted::ProgramMissing), None, Failure::CliMissing),
        (not_started(NotStarted::DirectoryMissing), None, Failure::DirectoryMissing),
        (not_started(NotStarted::Other), None, Failure::StartFailed),
        (Exit::Lost, None, Failure::Lost),
        (Exit::Code { code: 0 }, None, Failure::Crashed { code: Some(0), signal: None }),
        (Exit::Code { code: 1 }, None, Failure::Crashed { code: Some(1), signal: None }),
        (Exit::Signal { signal: 9 }, None, Failure::Crashed { code: None, signal: Some(9) }),
        (
            Exit::Code { code: 1 },
            Some(
                "--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons",
            ),
            Failure::RootRefused,
        ),
        (Exit::Code { code: 1 }, Some("Error: Session ID 7 is already in use."), Failure::SessionInUse),
        (Exit::Code { code: 1 }, Some("No conversation found with session ID: 7"), Failure::SessionNotFound),
        (
            Exit::Code { code: 1 },
            Some("Ignoring 1 permissions.allow entry"),
            Failure::Crashed { code: Some(1), signal: None },
        ),
    ];
    for (exit, stderr, failure) in cases {
        let mut records = vec![said(user_line(PROMPT, "x")), said(user_line(SECOND, "y"))];
        records.extend(stderr.map(|line| Record::Err(Bytes::from(line))));
        records.push(Record::Exit(exit));
        let steps = read(&mut Dialogue::new(), records);
        assert_eq!(ends(&steps), [TurnEnd::Failed(failure)]);
        assert!(matches!(steps.last(), Some(Step::Exited { unserved, .. }) if *unserved == [SECOND]));
    }
}

#[test]
fn an_exit_after_our_interrupt_is_an_interruption() {
    let records = [
        said(user_line(PROMPT, "x")),
        init(),
        said(interrupt_line("i")),
        Record::Exit(Exit::Signal { signal: 15 }),
    ];
    assert_eq!(ends(&read(&mut Dialogue::new(), records)), [TurnEnd::Interrupted]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_said_is_one_line_of_json(text in "\\PC*|[\\x00-\\x20\u{2028}\"\\\\]*", id in any::<u128>()) {
        let prompt = PromptId(Uuid::from_u128(id));
        let mut dialogue = Dialogue::new();
        dialogue.read(&permission("p"));
        let ask = dialogue.open_asks()[0].clone();
        for line in [
            user_line(prompt, &text),
            initialize_line(&text, Some(&text)),
            interrupt_line(&text),
            set_model_line(&text, Some(&text)),
            set_permission_mode_line(&text, crate::config::PermissionMode::Plan),
            cancel_line(&text, prompt),
            end_session_line(&text),
            answer_line(&ask, &Answer::Deny { message: text.clone() }),
        ] {
            prop_assert!(!line.contains(['\n', '\r']));
            prop_assert!(serde_json::from_str::<Value>(&line).is_ok());
        }
        let said: Value = serde_json::from_str(&user_line(prompt, &text)).unwrap();
        prop_assert_eq!(said["message"]["content"].as_str(), Some(text.as_str()));
    }
}

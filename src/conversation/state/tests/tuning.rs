//! What people choose while a process is there: told at once, confirmed or not, and never lost.

use serde_json::{Value, json};
use uuid::Uuid;

use super::bench::{Bench, attached, echo, init, known, out, result, written};
use crate::claude::Tuning;
use crate::claude::dialogue::tests::replay::records;
use crate::conversation::state::{Attached, Fresh, Input};
use crate::domain::ids::ProcessId;
use crate::runner::Record;

fn opus() -> Tuning {
    Tuning { model: Some("opus".to_owned()), ..Tuning::default() }
}

fn plan() -> Tuning {
    let mode = serde_json::from_value(json!("plan")).unwrap();
    Tuning { mode, ..Tuning::default() }
}

/// The CLI answers a request of ours.
pub(super) fn answered(line: &str, done: bool) -> Record {
    let line: Value = serde_json::from_str(line).unwrap();
    let subtype = if done { "success" } else { "error" };
    let response = json!({ "subtype": subtype, "request_id": line["request_id"], "error": "no" });
    out(&json!({ "type": "control_response", "response": response }))
}

/// The place comes with this wish.
fn place(bench: &mut Bench, tuning: Tuning) -> Vec<String> {
    let fresh = Fresh { tuning, ..bench.fresh("same") };
    bench.input(Input::Place(fresh))
}

/// The first line after three records is in the spool, with its answer.
fn told(bench: &mut Bench, what: &str, done: bool) -> Vec<String> {
    let body = match what {
        "model" => json!({ "subtype": "set_model", "model": "opus" }),
        _ => json!({ "subtype": "set_permission_mode", "mode": "plan" }),
    };
    let request = format!("tune-30-1-{what}");
    let line = json!({ "type": "control_request", "request_id": request, "request": body }).to_string();
    let answer = answered(&line, done);
    bench.records([Record::In(line.into()), answer])
}

#[test]
fn a_turn_that_runs_hears_of_a_choice_at_once() {
    let mut bench = Bench::new();
    bench.runs(1);
    assert_eq!(bench.input(Input::Tune(opus())), ["tell set_model"]);
    assert_eq!(told(&mut bench, "model", true), ["live"]);
    assert!(bench.text().contains("opus") || bench.after(6).is_empty() && bench.text().contains("working"));
    bench.record(result());
    bench.submit(2);
    assert_eq!(place(&mut bench, opus()), ["begin 2 in A (warm, attempt 1)"], "nothing is said twice");
}

#[test]
fn the_same_again_is_said_by_nobody() {
    let mut bench = Bench::new();
    bench.runs(1);
    assert_eq!(bench.input(Input::Tune(Tuning::default())), ["live"]);
    assert_eq!(Bench::new().input(Input::Tune(opus())), ["later"], "no process is there");
}

#[test]
fn what_a_warm_process_has_not_heard_it_hears_before_its_next_prompt() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(result());
    bench.submit(2);
    let told = place(&mut bench, opus());
    assert_eq!(told, ["tell set_model", "begin 2 in A (warm, attempt 1)"]);
}

#[test]
fn a_process_that_does_not_answer_is_replaced_with_the_next_turn() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.input(Input::Tune(opus()));
    assert_eq!(bench.after(29), [""; 0]);
    assert_eq!(bench.after(1), ["silent"]);
    bench.record(result());
    bench.submit(2);
    assert_eq!(place(&mut bench, opus()), ["close input"]);
}

#[test]
fn silence_is_noticed_between_turns_as_well() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(result());
    bench.input(Input::Tune(opus()));
    assert_eq!(bench.due(), Some(30));
    assert_eq!(bench.after(30), ["silent"]);
}

#[test]
fn a_process_that_refuses_is_replaced_with_the_next_turn() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.input(Input::Tune(plan()));
    assert_eq!(told(&mut bench, "mode", false), ["ignored set_permission_mode", "refused"]);
    bench.record(result());
    bench.submit(2);
    assert_eq!(place(&mut bench, plan()), ["close input"]);
}

#[test]
fn back_to_the_clis_own_default_takes_another_process() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.input(Input::Tune(opus()));
    told(&mut bench, "model", true);
    assert_eq!(bench.input(Input::Tune(Tuning::default())), ["later"]);
    bench.record(result());
    bench.submit(2);
    assert_eq!(place(&mut bench, Tuning::default()), ["close input"]);
}

#[test]
fn whoever_waits_for_a_process_that_dies_hears_of_it() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(result());
    bench.input(Input::Tune(opus()));
    assert_eq!(bench.record(super::bench::exit(0)), ["later", "A ended"]);
}

/// As recorded from the real CLI: a plan is made, shown and approved.
#[test]
fn a_plan_that_was_approved_ends_the_planning() {
    for (trace, leaves) in [
        ("plan-approved-default-mode.bidi", true),
        ("plan-approved-set-acceptEdits.bidi", true),
        ("plan-rejected.bidi", false),
    ] {
        for (chosen, planned) in [(plan(), true), (Tuning::default(), false)] {
            let mut bench = Bench::new();
            bench.submit(1);
            place(&mut bench, chosen);
            let left = bench.records(records(trace)).contains(&"left plan".to_owned());
            assert_eq!(left, leaves && planned, "{trace}, chosen: {planned}");
        }
    }
}

/// The daemon died between the approval and what the CLI said to it.
#[test]
fn a_plan_that_was_approved_in_the_absence_ends_the_planning() {
    for (told, said, leaves) in [
        (plan(), Some("default"), true),
        (plan(), Some("acceptEdits"), true),
        (plan(), Some("plan"), false),
        (plan(), None, false),
        (Tuning::default(), Some("default"), false),
    ] {
        let mut bench = Bench::new();
        let process = ProcessId(Uuid::from_u128(500));
        bench.input(Input::Attached(Attached {
            tuning: told,
            ..attached(process, "same", vec![known(1)], vec![])
        }));
        let modes = ["plan"].into_iter().chain(said);
        let said_so = |mode| out(&json!({ "type": "system", "subtype": "status", "permissionMode": mode }));
        let read = bench.records([written(1), init(), echo(1)].into_iter().chain(modes.map(said_so)));
        assert!(!read.contains(&"left plan".to_owned()), "it may have changed again since");
        let caught_up = bench.input(Input::CaughtUp);
        assert_eq!(caught_up.contains(&"left plan".to_owned()), leaves, "{said:?}: {caught_up:?}");
    }
}

/// The daemon died with the line in its hands.
#[test]
fn a_plan_that_the_process_never_heard_of_is_asked_for_again() {
    let mut bench = Bench::new();
    let process = ProcessId(Uuid::from_u128(500));
    bench.input(Input::Attached(Attached {
        tuning: plan(),
        ..attached(process, "same", vec![known(1)], vec![])
    }));
    let default = out(&json!({ "type": "system", "subtype": "status", "permissionMode": "default" }));
    bench.records([written(1), init(), echo(1), default, result()]);
    assert_eq!(bench.input(Input::CaughtUp), [""; 0], "nobody approved anything");
    bench.submit(2);
    assert_eq!(place(&mut bench, plan())[0], "tell set_permission_mode");
}

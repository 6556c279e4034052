use std::time::Duration;

use uuid::Uuid;

use super::bench::{
    BOUNDS, Bench, aborted, denied, known, out, permission, result, tool, tool_result, written,
};
use crate::clock::WallTime;
use crate::conversation::state::{Bounds, Given, Input, KnownTurn};
use crate::domain::answer::{Answer, Draft, Pick};
use crate::domain::ids::{AskId, ProcessId};
use crate::runner::Record;
use serde_json::json;

const NOTHING: [&str; 0] = [];

fn given(request: &str, answer: Answer) -> Given {
    Given { request: request.to_owned(), answer, by: Some("Ada".to_owned()) }
}

/// What a click on the open ask gives.
fn allow(bench: &mut Bench, request: &str) -> Vec<String> {
    let ask = ask(request);
    bench.input(Input::Given { ask, given: given(request, Answer::Allow) })
}

fn ask(request: &str) -> AskId {
    AskId::of(known(1).id, request)
}

fn question(request: &str) -> Record {
    out(&json!({"type": "control_request", "request_id": request, "request": {
        "subtype": "can_use_tool", "tool_name": "AskUserQuestion", "tool_use_id": request,
        "input": {"questions": [{"question": "?", "options": [{"label": "a"}, {"label": "b"}], "multiSelect": true}]}}}))
}

/// Of an MCP server, for more than a form can hold.
fn unfit(request: &str) -> Record {
    out(&json!({"type": "control_request", "request_id": request, "request": {
        "subtype": "elicitation", "mcp_server_name": "jira", "message": "?", "mode": "url"}}))
}

#[test]
fn an_ask_is_stored_and_waits_and_the_first_answer_is_written() {
    let mut bench = Bench::new();
    bench.runs(1);
    assert_eq!(bench.record(tool("q1", "Bash")), ["side effects of 1"]);
    assert_eq!(bench.record(permission("q1")), ["save q1 of 1"]);
    assert!(bench.text().contains("May Claude use Bash?"));
    assert_eq!(allow(&mut bench, "q1"), ["allow q1"]);
    assert_eq!(allow(&mut bench, "q1"), NOTHING, "only the first counts");
    assert!(bench.text().contains("allowed by Ada"));
    assert_eq!(bench.record(denied("q1")), ["q1 allowed"], "what was stored, not what came by");
    assert_eq!(bench.record(tool_result("q1")), NOTHING);
    assert_eq!(bench.record(tool("t2", "Bash")), NOTHING, "side effects are noted once");
}

#[test]
fn what_nobody_can_be_asked_is_denied_at_once() {
    let mut bench = Bench::new();
    bench.runs(1);
    assert_eq!(bench.record(unfit("q1")), ["save q1 of 1", "deny q1"]);
    assert_eq!(bench.record(denied("q1")), ["q1 denied"]);
    assert!(bench.text().contains("declined: it wants a web page"), "{}", bench.text());
    bench.record(unfit("q2"));
    let told = bench.record(result());
    assert_eq!(told[..3], ["q2 withdrawn", "end 1: completed", "leave place"]);
}

#[test]
fn an_interrupt_withdraws_an_ask_and_a_late_click_finds_none() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(permission("q1"));
    assert!(bench.state.open_ask(ask("q1")).is_some());
    bench.input(Input::Stop);
    let told = bench.record(aborted());
    assert_eq!(told[..2], ["q1 withdrawn", "end 1: interrupted"]);
    assert!(bench.state.open_ask(ask("q1")).is_none());
    assert_eq!(allow(&mut bench, "q1"), NOTHING);
}

#[test]
fn nobody_answers_in_time_and_it_is_denied() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(permission("q1"));
    assert_eq!(bench.after(899), NOTHING);
    assert_eq!(bench.after(1), ["remind 1"], "who asked, when half of the time is over");
    assert_eq!(bench.after(899), NOTHING, "once");
    assert_eq!(bench.after(1), ["q1 expired", "remind no more", "deny q1"]);
    assert_eq!(bench.after(1), NOTHING);
    assert!(bench.text().contains("nobody answered in time"));
}

#[test]
fn a_turn_that_began_with_a_clock_that_was_ahead_is_shown() {
    // Its first moments are for Claude's words; how long ago it began is not known where that is to come.
    for (wall, is_shown) in [(WallTime(100_000), false), (WallTime(0), true)] {
        let mut bench = Bench::new();
        bench.after(100);
        bench.runs(1);
        assert_eq!(!bench.state.shown(wall)[0].shown.slots.is_empty(), is_shown);
    }
}

/// What is posted anew tells people; what changes does not.
#[test]
fn whose_card_is_no_message_of_its_own_is_told_at_once() {
    for remind in [BOUNDS.ask_remind, None] {
        let mut bench = Bench::with(Bounds { ask_remind: remind, ..BOUNDS });
        bench.runs(1);
        let mut slots = 0;
        for number in 1..=26 {
            let request = format!("q{number}");
            bench.record(permission(&request));
            let shown = bench.shown().remove(0).shown.slots.len();
            let has_its_own = shown > slots;
            slots = shown;
            assert_eq!(bench.after(1), if has_its_own { vec![] } else { vec!["remind 1"] }, "{number}");
            assert_eq!(bench.after(1), NOTHING, "once");
            allow(&mut bench, &request);
            bench.record(denied(&request));
        }
        assert_eq!(slots, 25, "what comes before, and so many cards");
    }
}

#[test]
fn a_card_that_could_not_be_posted_is_a_denial() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(permission("q1"));
    assert_eq!(bench.input(Input::Unseen(ask("q1"))), ["q1 expired", "deny q1"]);
    assert_eq!(bench.input(Input::Unseen(ask("q1"))), NOTHING);
}

#[test]
fn the_turns_own_limits_stand_still_while_people_are_asked() {
    let mut bench = Bench::new();
    bench.runs(1);
    for round in ["q1", "q2", "q3"] {
        bench.record(permission(round));
        // More than an hour in all, and more than the longest silence each time.
        assert_eq!(bench.after(1700), ["remind 1"]);
        assert_eq!(allow(&mut bench, round), ["remind no more".to_owned(), format!("allow {round}")]);
        bench.record(denied(round));
    }
    assert_eq!(bench.after(599), NOTHING);
    assert_eq!(bench.after(1), ["interrupt"], "the silence begins with the answer");
}

#[test]
fn after_a_restart_the_ask_still_waits() {
    let mut bench = Bench::new();
    bench.attach(vec![known(1)]);
    bench.works_on(1);
    assert_eq!(bench.record(permission("q1")), ["save q1 of 1"]);
    assert_eq!(bench.input(Input::CaughtUp), NOTHING);
    // The daemon before may have reminded of it.
    assert_eq!(allow(&mut bench, "q1"), ["remind no more", "allow q1"]);
}

#[test]
fn an_answer_that_was_stored_and_never_written_is_written_after_the_restart() {
    let mut bench = Bench::new();
    let stored = vec![given("q1", Answer::Deny { message: "no".to_owned() })];
    bench.attach_with(ProcessId(Uuid::from_u128(500)), vec![known(1)], stored);
    bench.works_on(1);
    assert_eq!(bench.record(permission("q1")), ["save q1 of 1"]);
    assert_eq!(bench.input(Input::CaughtUp), ["deny q1", "remind no more"]);
    assert_eq!(allow(&mut bench, "q1"), NOTHING);
    assert!(bench.text().contains("denied by Ada"));
}

#[test]
fn the_time_of_an_ask_counts_across_a_restart() {
    let mut bench = Bench::new();
    bench.attach(vec![known(1)]);
    bench.works_on(1);
    bench.record(permission("q1"));
    // The records are read again half an hour later: their time is that of the question. By the machine's own clock it may
    // be less.
    let later = |ran_secs| {
        let mut bench = Bench::new();
        bench.after(1800);
        let ran = Duration::from_secs(ran_secs);
        bench.attach(vec![KnownTurn { ran, waited: ran, ..known(1) }]);
        bench.replay_at_the_beginning([written(1), permission("q1")]);
        assert_eq!(bench.input(Input::CaughtUp), NOTHING);
        bench
    };
    assert_eq!(later(1800).after(1), ["q1 expired", "remind no more", "deny q1"]);
    let mut stepped = later(60);
    assert_eq!(stepped.after(1), NOTHING);
    assert_eq!(stepped.after(1800), ["q1 expired", "remind no more", "deny q1"]);
}

#[test]
fn what_was_chosen_so_far_survives_a_restart_and_stands_on_the_card() {
    let draft = Draft([(0, Pick { options: vec![1], own: Some("c".into()) })].into());
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(question("q1"));
    assert_eq!(bench.input(Input::Drafted { ask: ask("q1"), draft: draft.clone() }), NOTHING);
    assert!(bench.text().contains("➡️ b, *c*"), "{}", bench.text());
    assert_eq!(bench.state.draft("q1"), draft);
    let mut bench = Bench::new();
    let process = ProcessId(Uuid::from_u128(500));
    bench.attached(process, vec![known(1)], Vec::new(), vec![("q1".to_owned(), draft.clone())], Vec::new());
    bench.works_on(1);
    bench.record(question("q1"));
    assert!(bench.text().contains("➡️ b, *c*"), "{}", bench.text());
    assert_eq!(bench.state.draft("q1"), draft);
    assert_eq!(bench.state.draft("q2"), Draft::default());
}

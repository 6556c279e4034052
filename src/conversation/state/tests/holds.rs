//! What is the same for every turn of the account: turns wait for it to pass.

use std::time::Duration;

use serde_json::json;

use super::bench::{Bench, exit, known, out, result, text, tool};
use crate::clock::{Moment, WallTime};
use crate::conversation::account::{Hold, News};
use crate::conversation::state::{Input, KnownTurn};
use crate::domain::event::{Carried, Outage};
use crate::runner::Record;

fn failed(status: u16) -> Record {
    out(
        &json!({"type": "result", "subtype": "success", "is_error": true, "api_error_status": status, "result": "e"}),
    )
}

fn rejected() -> Record {
    out(&json!({"type": "rate_limit_event",
        "rate_limit_info": {"status": "rejected", "resetsAt": 500, "rateLimitType": "five_hour"}}))
}

fn hold(why: Outage) -> Input {
    Input::Held(Some(Hold { why, until: Moment(Duration::from_secs(500)), until_at: WallTime(500_000) }))
}

const WAITS: [&str; 3] = ["leave place", "ask place", "close input"];

#[test]
fn a_turn_that_met_an_outage_waits_and_is_tried_anew_in_a_process_of_its_own() {
    for (status, news) in [(529, News::Overloaded), (429, News::Overloaded), (401, News::NoLogin)] {
        let mut bench = Bench::new();
        bench.runs(1);
        assert_eq!(bench.record(failed(status)), WAITS, "{status}");
        assert_eq!(bench.news, [news]);
        assert_eq!(bench.record(exit(0)), ["A ended"], "the wait is not over");
        assert_eq!(bench.place("same"), ["begin 1 in B (start, attempt 2)"]);
        assert!(!bench.text().contains("began again"), "it is not the CLI that ended");
        bench.records([super::bench::written(1), super::bench::init(), super::bench::echo(1), text("well")]);
        assert_eq!(bench.record(result()), ["end 1: completed", "leave place"]);
        assert_eq!(bench.news[1..], [News::Works], "said once");
    }
}

#[test]
fn the_place_may_come_while_the_old_process_is_still_there() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(failed(529));
    assert_eq!(bench.place("same"), [""; 0]);
    assert_eq!(bench.record(exit(0)), ["A ended", "begin 1 in B (start, attempt 2)"]);
}

#[test]
fn a_limit_that_is_reached_is_told_when_the_event_comes_and_names_its_reset() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(rejected());
    let news = News::LimitReached { resets_at_secs: Some(500) };
    assert_eq!(bench.news, [news]);
    assert_eq!(bench.record(failed(429)), WAITS);
    assert_eq!(bench.news, [news; 2]);
}

#[test]
fn what_a_turn_waits_for_is_shown_with_a_countdown_as_long_as_it_waits() {
    let rows = [
        (Outage::UsageLimit, "usage limit of the account is reached: I go on <t:500:R>"),
        (Outage::NoLogin, "not logged in on this machine"),
        (Outage::Overloaded, "the API is overloaded"),
    ];
    for (why, words) in rows {
        let mut bench = Bench::new();
        bench.submit(1);
        bench.after(5);
        bench.input(hold(why));
        let shown = bench.text();
        assert!(shown.contains(words) && shown.contains("<t:500:R>"), "{shown}");
        bench.after(3600);
        assert_eq!(bench.text(), shown, "it is not edited again and again");
        bench.input(Input::Held(None));
        assert!(bench.text().contains("waiting for a place"));
        bench.input(hold(why));
        bench.place("same");
        assert!(!bench.text().contains("<t:"));
        bench.input(hold(why));
        assert!(!bench.text().contains("<t:"), "what runs is not held");
    }
}

#[test]
fn what_may_have_changed_something_was_stopped_or_ended_before_does_not_wait() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(tool("t", "Bash"));
    assert_eq!(bench.record(failed(529)), ["end 1: Overloaded", "leave place"]);
    assert_eq!(bench.news, [News::Works, News::Overloaded], "the others hear of it all the same");

    let mut bench = Bench::new();
    bench.runs(1);
    bench.input(Input::Stop);
    assert_eq!(bench.record(failed(529)), ["end 1: interrupted", "leave place", "close input"]);
}

#[test]
fn a_turn_that_waits_can_be_stopped_and_has_one_end() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.submit(2);
    bench.record(failed(401));
    assert_eq!(bench.input(Input::Stop), ["end 1: interrupted", "leave place"]);
    assert_eq!(bench.record(exit(0)), ["A ended", "ask place"]);
    assert_eq!(bench.running(), Some(2));
}

#[test]
fn the_wait_is_bounded() {
    let day = 24 * 3600;
    for (records, max) in [(vec![failed(401)], day), (vec![rejected(), failed(429)], 8 * day)] {
        for (waited, ends) in [(max - 10, false), (max, true)] {
            let mut bench = Bench::new();
            bench.submit(1);
            bench.after(waited);
            bench.place("same");
            bench.works_on(1);
            let told = bench.records(records.clone());
            assert_eq!(told.iter().any(|told| told.starts_with("end 1")), ends, "{waited}: {told:?}");
        }
    }
}

#[test]
fn after_a_restart_the_wait_is_not_lost_and_nothing_is_run_twice() {
    let mut bench = Bench::new();
    bench.attach(vec![known(1)]);
    bench.works_on(1);
    assert_eq!(bench.record(failed(401)), WAITS);
    assert_eq!(bench.input(Input::CaughtUp), [""; 0]);
    assert_eq!(bench.submit(1), [""; 0], "the prompt is known");
    assert_eq!(bench.record(exit(0)), ["A ended"]);
    assert_eq!(bench.place("same"), ["begin 1 in B (start, attempt 2)"]);
    bench.works_on(1);
    assert_eq!(bench.record(result()), ["end 1: completed", "leave place"]);
}

#[test]
fn attempts_that_waited_do_not_count_among_those_after_a_death() {
    // As three waits in one daemon, and as what a daemon before it stored.
    for restart in [false, true] {
        let mut bench = Bench::new();
        bench.runs(1);
        for _ in 0..3 {
            bench.record(failed(529));
            bench.record(exit(0));
            bench.place("same");
            bench.works_on(1);
        }
        if restart {
            bench = Bench::new();
            let carried = Carried { held: 3, ..Carried::default() };
            bench.attach(vec![KnownTurn { attempt: 4, carried, ..known(1) }]);
            bench.works_on(1);
            bench.input(Input::CaughtUp);
        }
        for attempt in [5, 6] {
            let told = bench.record(exit(137)).join(", ");
            assert!(told.ends_with(&format!("(start, attempt {attempt})")), "{told}");
            bench.works_on(1);
        }
        let told = bench.record(exit(137)).join(", ");
        assert!(told.contains("end 1: Crashed"), "three deaths are enough: {told}");
    }
}

#[test]
fn only_the_api_itself_shows_that_it_works() {
    let synthetic =
        out(&json!({"type": "assistant", "uuid": "s", "message": {"model": "<synthetic>", "id": "s",
        "role": "assistant", "content": [{"type": "text", "text": "Total cost: $0.10"}]}}));
    let usage = |tokens: u32| {
        out(&json!({"type": "result", "subtype": "success", "is_error": false, "result": "Total cost: $0.10",
            "num_turns": u32::from(tokens > 0), "usage": {"input_tokens": 0, "output_tokens": tokens}}))
    };
    let thinks = || {
        out(
            &json!({"type": "assistant", "message": {"id": "t", "content": [{"type": "thinking", "thinking": "Hm."}]}}),
        )
    };
    let works = [News::Works];
    let rows = [
        (vec![synthetic, usage(0)], &[][..], "a local command"),
        (vec![usage(7)], &works, "a turn without words"),
        (vec![thinks(), usage(0)], &works, "thoughts"),
        (vec![tool("t", "Read"), usage(0)], &works, "a tool"),
        (vec![text("hi"), usage(7)], &works, "words"),
    ];
    for (records, news, what) in rows {
        let mut bench = Bench::new();
        bench.runs(1);
        assert_eq!(bench.records(records), ["end 1: completed", "leave place"], "{what}");
        assert_eq!(bench.news, news, "{what}");
    }
}

#[test]
fn what_the_cli_begins_by_itself_meanwhile_comes_first() {
    let alone = || out(&json!({"type": "system", "subtype": "init", "cwd": "/srv/p"}));
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(super::bench::task_started());
    bench.record(failed(529));
    let told = bench.records([alone(), text("the task is done")]);
    assert_eq!(told, ["began alone in A", "leave place"]);
    assert_eq!(bench.record(result()), ["end alone: completed", "ask place"]);
    assert_eq!(bench.record(exit(0)), ["A ended"]);
    assert_eq!(bench.place("same"), ["begin 1 in B (start, attempt 2)"]);
}

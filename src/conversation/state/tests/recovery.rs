//! What an earlier daemon left.

use std::time::Duration;

use super::bench::{Bench, echo, exit, init, known, result, text, tool, written};
use crate::claude::interrupt_line;
use crate::conversation::state::{Input, KnownTurn, StopReason};
use crate::domain::event::{Carried, Limit, TurnEnd};
use crate::runner::{Exit, Record, Stopping};

const NOTHING: [&str; 0] = [];

fn ended(number: u64, delivered: bool) -> KnownTurn {
    let end = Some(TurnEnd::Completed { text: "as stored".to_owned() });
    KnownTurn { delivered, end, ..known(number) }
}

#[test]
fn a_turn_whose_end_was_shown_is_passed_over() {
    let mut bench = Bench::new();
    bench.attach(vec![ended(1, true)]);
    assert_eq!(bench.records([written(1), init(), echo(1), text("old"), result()]), NOTHING);
    assert_eq!(bench.input(Input::CaughtUp), NOTHING);
    assert!(bench.shown().is_empty());
    assert_eq!(bench.due(), Some(300), "the process is warm");
}

#[test]
fn an_end_that_was_not_shown_is_shown() {
    let mut bench = Bench::new();
    bench.attach(vec![ended(1, false)]);
    let told = bench.records([written(1), init(), echo(1), text("unheard"), result()]);
    let expected = ["take place", "end 1: completed", "leave place"];
    assert_eq!(told, expected, "an end is stored once: the store sees to it");
    assert!(bench.text().contains("unheard"));
}

/// Its prompt was heard in another turn, so no record tells of it; and its process goes on for hours.
#[test]
fn an_end_that_no_record_tells_of_is_shown_before_its_process_goes() {
    let mut bench = Bench::new();
    bench.attach(vec![ended(1, false), ended(2, true)]);
    assert_eq!(bench.input(Input::CaughtUp)[0], "end 1: completed");
    assert_eq!(bench.shown().len(), 1, "the other one was told");
    assert_eq!(bench.submit(3), ["ask place"]);
    assert_eq!(bench.place("same"), ["begin 3 in A (warm, attempt 1)"]);
}

#[test]
fn a_running_turn_goes_on() {
    let mut bench = Bench::new();
    bench.attach(vec![ended(1, true), known(2)]);
    bench.records([written(1), init(), echo(1), result(), written(2), init(), echo(2), text("half")]);
    assert_eq!(bench.running(), Some(2));
    assert_eq!(bench.input(Input::CaughtUp), NOTHING);
    bench.submit(3);
    assert_eq!(bench.state.queued(), 1);
    assert_eq!(bench.records([text("whole"), result()]), ["end 2: completed", "leave place", "ask place"]);
}

#[test]
fn a_turn_that_was_told_to_stop_is_stopped_in_the_end() {
    let mut bench = Bench::new();
    bench.attach(vec![known(1)]);
    let told = Record::In(interrupt_line("stop").into());
    bench.records([written(1), init(), echo(1), text("half"), told]);
    assert_eq!(bench.input(Input::CaughtUp), NOTHING);
    assert_eq!(bench.after(4), NOTHING);
    assert_eq!(bench.after(1), ["kill"]);
}

#[test]
fn a_turn_that_an_earlier_daemon_stopped_ends_for_its_reason() {
    for (reason, end) in [
        (StopReason::Limit(Limit::Time), "end 1: timed out"),
        (StopReason::Limit(Limit::Silence), "end 1: silent"),
        (StopReason::Limit(Limit::Output), "end 1: limit"),
        (StopReason::Asked, "end 1: interrupted"),
    ] {
        let mut bench = Bench::new();
        bench.attach(vec![known(1)]);
        let request = reason.request(known(1).id);
        let told = Record::In(interrupt_line(&request).into());
        bench.records([written(1), init(), echo(1), text("half"), told]);
        assert_eq!(bench.record(exit(137))[0], end);
    }
}

#[test]
fn a_turn_that_was_never_written_to_the_process_is_delivered() {
    let mut bench = Bench::new();
    bench.attach(vec![ended(1, true), known(2)]);
    bench.records([written(1), init(), echo(1), result()]);
    assert_eq!(bench.input(Input::CaughtUp), ["deliver 2", "take place"]);
    bench.works_on(2);
    assert_eq!(bench.record(result()), ["end 2: completed", "leave place"]);
}

#[test]
fn a_turn_of_a_process_that_never_recorded_anything_is_delivered() {
    let mut bench = Bench::new();
    bench.attach(vec![known(1)]);
    assert_eq!(bench.input(Input::CaughtUp), ["deliver 1", "take place"]);
    assert_eq!(bench.running(), Some(1));
}

#[test]
fn a_turn_whose_process_ended_before_it_got_the_prompt_goes_to_another() {
    let mut bench = Bench::new();
    bench.attach(vec![known(1)]);
    let told = bench.record(Record::Exit(Exit::Lost));
    assert_eq!(told[1..], ["A ended", "begin 1 in B (start, attempt 2)", "take place"]);
}

#[test]
fn a_turn_whose_process_ended_in_the_middle_is_run_again_or_cut_off() {
    let mut bench = Bench::new();
    bench.attach(vec![known(1)]);
    bench.records([written(1), init(), echo(1), text("half")]);
    let told = bench.record(Record::Exit(Exit::Lost));
    assert_eq!(told, ["A ended", "begin 1 in B (start, attempt 2)"]);

    // What the store knows counts, also where the spool does not tell it any more.
    let mut bench = Bench::new();
    bench.attach(vec![KnownTurn { side_effects: true, ..known(1) }]);
    let told = bench.record(Record::Exit(Exit::Lost));
    assert_eq!(told.last().unwrap(), "A ended");
    assert!(told.contains(&"end 1: cut off: Lost".to_owned()), "{told:?}");
    assert!(bench.state.is_idle());
}

#[test]
fn a_turn_that_was_being_stopped_is_not_run_again() {
    let mut bench = Bench::new();
    bench.attach(vec![known(1)]);
    bench.records([written(1), init(), echo(1), Record::Stopping(Stopping::Asked)]);
    let told = bench.record(Record::Exit(Exit::Signal { signal: 9 }));
    assert_eq!(told, ["end 1: interrupted", "leave place", "A ended"]);
}

#[test]
fn what_happened_before_the_last_attempt_is_still_told() {
    let mut bench = Bench::new();
    let carried = Carried { session_lost: true, restarted: true, held: 0 };
    bench.attach(vec![KnownTurn { attempt: 3, carried, ..known(1) }]);
    bench.records([written(1), init(), echo(1), text("hello"), result()]);
    let shown = bench.text();
    assert!(shown.contains("was lost") && shown.contains("began again"), "{shown}");
}

#[test]
fn an_end_that_nobody_saw_is_shown_also_without_its_spool() {
    let mut bench = Bench::new();
    bench.attach(vec![ended(1, true), ended(2, false)]);
    assert_eq!(bench.input(Input::CaughtUp), ["end 2: completed", "leave place"]);
    assert_eq!(bench.record(Record::Exit(Exit::Lost)), ["A ended"]);
    let shown = bench.shown();
    assert!(shown.len() == 1 && shown[0].shown.ended);
    assert!(shown[0].shown.slots[0].content.contains("as stored"));
}

#[test]
fn a_turn_that_the_cli_began_by_itself_is_found_again() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(result());
    bench.record(init());
    let id = bench.state.running().unwrap().id;
    let process = bench.state.process().unwrap();
    let mut after = Bench::new();
    let alone = KnownTurn { id, prompt: None, parts: Vec::new(), ..known(1) };
    after.attach_to(process, vec![ended(1, true), alone]);
    after.records([written(1), init(), echo(1), result()]);
    assert_eq!(after.record(init()), NOTHING, "it is stored already");
    assert_eq!(after.state.running().unwrap().id, id);
    assert_eq!(after.record(result()), ["end alone: completed", "leave place"]);
}

#[test]
fn a_process_that_ended_meanwhile_makes_room() {
    let mut bench = Bench::new();
    bench.attach(vec![ended(1, true)]);
    let told = bench.records([written(1), init(), echo(1), result(), exit(0)]);
    assert_eq!(told, ["A ended"]);
    assert_eq!(bench.input(Input::CaughtUp), NOTHING);
    assert_eq!(bench.submit(2), ["ask place"]);
}

#[test]
fn silence_counts_from_the_moment_of_the_attach() {
    let mut bench = Bench::new();
    bench.after(100_000);
    bench.attach(vec![known(1)]);
    bench.input(Input::CaughtUp);
    assert_eq!(bench.after(599), NOTHING);
    let mut bench = Bench::new();
    bench.after(100_000);
    bench.attach(vec![ended(1, true)]);
    bench.input(Input::CaughtUp);
    assert_eq!(bench.after(299), NOTHING, "it is warm");
    assert_eq!(bench.after(1), ["close input"]);
    let mut bench = Bench::new();
    bench.after(100_000);
    bench.attach(vec![]);
    bench.input(Input::CaughtUp);
    assert_eq!(bench.after(119), NOTHING, "somebody was about to ask");
    assert_eq!(bench.after(1), ["close input"]);
}

#[test]
fn run_time_counts_from_the_beginning_of_the_turn() {
    let mut bench = Bench::new();
    let (ran, waited) = (Duration::from_mins(75), Duration::from_secs(1000));
    bench.attach(vec![KnownTurn { ran, waited, ..known(1) }]);
    bench.records([written(1), init(), echo(1), tool("t1", "Bash")]);
    bench.input(Input::CaughtUp);
    assert_eq!(bench.after(99), NOTHING);
    assert_eq!(bench.after(1), ["interrupt"]);
}

#[test]
fn a_prompt_that_was_never_written_follows_the_turn_that_the_cli_began_by_itself() {
    let mut bench = Bench::new();
    bench.attach(vec![ended(1, true), known(2)]);
    bench.records([written(1), init(), echo(1), result()]);
    assert_eq!(bench.record(init()), ["began alone in A"]);
    assert_eq!(bench.input(Input::CaughtUp), ["deliver 2", "take place"]);
    assert_eq!(bench.records([written(2), result()]), ["end alone: completed"]);
    assert_eq!(bench.records([init(), echo(2), result()]), ["end 2: completed", "leave place"]);
}

#[test]
fn a_turn_that_no_record_tells_of_gets_its_end() {
    let mut bench = Bench::new();
    bench.attach(vec![KnownTurn { prompt: None, parts: Vec::new(), ..known(1) }]);
    assert_eq!(bench.input(Input::CaughtUp), NOTHING);
    let told = bench.record(Record::Exit(Exit::Lost));
    assert_eq!(told, ["end alone: Lost", "leave place", "A ended"]);
}

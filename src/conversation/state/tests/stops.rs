//! Somebody stops it, or a limit does.

use super::bench::{
    Bench, aborted, denied, exit, init, no_session, permission, result, stderr, text, tool, tool_result,
    written,
};
use crate::conversation::state::Input;
use crate::runner::{Exit, Record, Stopping};

const NOTHING: [&str; 0] = [];

fn killed() -> Record {
    Record::Exit(Exit::Signal { signal: 9 })
}

#[test]
fn stop_without_a_turn_does_nothing() {
    let mut bench = Bench::new();
    assert_eq!(bench.input(Input::Stop), NOTHING);
    bench.runs(1);
    bench.record(result());
    assert_eq!(bench.input(Input::Stop), NOTHING, "a warm process stays");
}

#[test]
fn stop_while_it_waits_for_its_place() {
    let mut bench = Bench::new();
    bench.submit(1);
    bench.submit(2);
    assert_eq!(bench.input(Input::Stop), ["withdraw 1", "leave place", "ask place"]);
    assert_eq!(bench.running(), Some(2));
}

#[test]
fn who_lost_what_let_them_in_is_not_served() {
    let mut bench = Bench::new();
    bench.submit(1);
    bench.submit(2);
    assert_eq!(bench.input(Input::Barred), ["refuse 1", "leave place", "ask place"]);
    let text = bench.text();
    assert!(text.contains("Not run: whoever wrote this") && !text.contains("E-"), "{text}");
    assert_eq!(bench.running(), Some(2), "the next one is somebody else's, perhaps");
    assert_eq!(bench.place("same"), ["begin 2 in A (start, attempt 1)"]);
}

#[test]
fn stop_while_the_old_process_goes() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(result());
    bench.submit(2);
    bench.place("other");
    assert_eq!(bench.input(Input::Stop), ["withdraw 2", "leave place"]);
    assert_eq!(bench.record(exit(0)), ["A ended"]);
    assert!(bench.state.is_idle());
}

#[test]
fn stop_while_the_process_starts() {
    let mut bench = Bench::new();
    bench.submit(1);
    bench.place("same");
    assert_eq!(
        bench.input(Input::Stop),
        ["kill"],
        "the prompt was not read yet: there is nothing to interrupt"
    );
    assert_eq!(bench.input(Input::Stop), NOTHING, "once is enough");
    assert_eq!(bench.record(killed()), ["end 1: interrupted", "leave place", "A ended"]);
    assert!(bench.state.is_idle());
}

#[test]
fn stop_while_it_runs_interrupts_and_ends_the_process_too() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.submit(2);
    assert_eq!(bench.input(Input::Stop), ["interrupt"]);
    assert_eq!(bench.record(aborted()), ["end 1: interrupted", "leave place", "close input"]);
    assert_eq!(bench.record(exit(0)), ["A ended", "ask place"]);
    assert_eq!(bench.place("same"), ["begin 2 in B (start, attempt 1)"]);
}

#[test]
fn a_cli_that_does_not_heed_the_interrupt_is_stopped() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.input(Input::Stop);
    assert_eq!(bench.after(4), NOTHING);
    assert_eq!(bench.after(1), ["kill"]);
    assert_eq!(bench.after(60), NOTHING);
    assert_eq!(bench.record(killed()), ["end 1: interrupted", "leave place", "A ended"]);
}

#[test]
fn a_turn_that_completes_although_it_was_stopped_completed() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.input(Input::Stop);
    assert_eq!(bench.record(result()), ["end 1: completed", "leave place", "close input"]);
}

#[test]
fn reset_stops_the_turn_and_ends_the_process() {
    let mut bench = Bench::new();
    bench.runs(1);
    assert_eq!(bench.input(Input::Reset), ["interrupt"]);
    assert_eq!(bench.record(aborted()), ["end 1: interrupted", "leave place", "close input"]);
    assert_eq!(bench.record(exit(0)), ["A ended"]);
    bench.runs(2);
    bench.record(result());
    assert_eq!(bench.input(Input::Reset), ["close input"], "without a turn the process goes at once");
}

#[test]
fn silence_ends_a_turn() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.after(400);
    bench.record(text("still here"));
    assert_eq!(bench.after(599), NOTHING);
    assert_eq!(bench.after(1), ["interrupt"]);
    assert_eq!(bench.after(5), ["kill"]);
    assert_eq!(bench.record(killed()), ["end 1: silent", "leave place", "A ended"]);
}

#[test]
fn a_process_that_never_says_a_word_is_stopped() {
    let mut bench = Bench::new();
    bench.submit(1);
    bench.place("same");
    assert_eq!(bench.after(600), ["kill"]);
    assert_eq!(bench.record(killed()), ["end 1: silent", "leave place", "A ended"]);
}

#[test]
fn a_tool_or_an_open_ask_may_be_silent() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(tool("t1", "Bash"));
    assert_eq!(bench.after(1200), NOTHING);
    bench.record(tool_result("t1"));
    bench.record(permission("q1"));
    assert_eq!(bench.after(1200), ["remind 1"]);
    bench.record(denied("q1"));
    assert_eq!(bench.after(600), ["interrupt"]);
}

#[test]
fn time_ends_a_turn_whatever_it_does() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(tool("t1", "Bash"));
    assert_eq!(bench.after(3599), NOTHING);
    assert_eq!(bench.after(1), ["interrupt"]);
    assert_eq!(bench.record(aborted()), ["end 1: timed out", "leave place", "close input"]);
}

#[test]
fn time_does_not_run_while_a_turn_waits_for_its_place() {
    let mut bench = Bench::new();
    bench.submit(1);
    assert_eq!(bench.after(10_000), NOTHING);
    bench.place("same");
    assert_eq!(bench.after(599), NOTHING);
}

#[test]
fn a_turn_that_the_cli_began_by_itself_is_stopped_as_any_other() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(result());
    bench.record(init());
    assert_eq!(bench.input(Input::Stop), ["interrupt"]);
    let told = bench.record(aborted());
    assert_eq!(told, ["end alone: interrupted", "leave place", "close input"]);
    assert_eq!(bench.record(written(9)), NOTHING);
}

#[test]
fn a_turn_that_is_stopped_does_not_go_to_another_process() {
    let mut bench = Bench::new();
    bench.submit(1);
    bench.place("same");
    bench.records([written(1), stderr("No conversation found with session ID: 7"), no_session()]);
    assert_eq!(bench.input(Input::Stop), ["kill"]);
    assert_eq!(bench.record(exit(1)), ["end 1: interrupted", "leave place", "A ended"]);
}

#[test]
fn a_turn_that_says_too_much_is_interrupted() {
    let mut bench = Bench::new();
    bench.runs(1);
    let much = |bench: &mut Bench| {
        for _ in 0..600 {
            bench.record(text("x"));
        }
    };
    much(&mut bench);
    assert_eq!(bench.after(1), NOTHING);
    much(&mut bench);
    assert_eq!(bench.after(1), ["interrupt"]);
    assert_eq!(bench.record(aborted()), ["end 1: limit", "leave place", "close input"]);
}

#[test]
fn a_process_that_said_much_over_many_turns_is_closed_after_a_turn() {
    let mut bench = Bench::new();
    for turn in 1.. {
        bench.runs(turn);
        for _ in 0..300 {
            bench.record(text("x"));
        }
        let told = bench.record(result());
        if told.last().unwrap() == "close input" {
            assert_eq!(turn, 4);
            break;
        }
    }
}

#[test]
fn what_the_shim_stops_is_told_as_that() {
    let cases = [
        (Stopping::SpoolFull, "end 1: limit"),
        (Stopping::Alone, "end 1: timed out"),
        (Stopping::DiskFull, "end 1: cut off: DiskFull"),
        (Stopping::Told, "end 1: cut off: ShutDown"),
    ];
    for (why, expected) in cases {
        for last in [aborted(), killed()] {
            let mut bench = Bench::new();
            bench.runs(1);
            bench.records([tool("t1", "Bash"), Record::Stopping(why)]);
            assert_eq!(bench.record(last)[0], expected);
        }
    }
    let mut bench = Bench::new();
    bench.runs(1);
    bench.records([Record::Stopping(Stopping::Told), aborted()]);
    assert_eq!(bench.record(exit(0)), ["A ended", "begin 1 in B (start, attempt 2)"]);
}

#[test]
fn reset_withdraws_what_waits_and_says_so_without_a_message() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.submit(2);
    bench.submit(3);
    bench.shown();
    assert_eq!(bench.input(Input::Reset), ["withdraw 2", "withdraw 3", "interrupt"]);
    let shown = bench.shown();
    assert!(shown[..2].iter().all(|turn| turn.shown.ended && turn.shown.slots.is_empty()));
    assert_eq!(bench.submit(2), NOTHING, "its door comes late");
    assert_eq!(bench.state.queued(), 0);
}

//! Prompts, places, processes: from the first word to the end of a turn.

use std::time::Duration;

use super::bench::{
    BOUNDS, Bench, echo, exit, init, permission, prompt, result, stderr, task_started, text, tool,
    tool_ahead, written,
};
use crate::claude::user_line;
use crate::conversation::state::{Bounds, Input};
use crate::domain::event::Failure;
use crate::runner::{Exit, Record};

const NOTHING: [&str; 0] = [];

#[test]
fn a_prompt_asks_for_a_place_begins_and_ends() {
    let mut bench = Bench::new();
    assert_eq!(bench.submit(1), ["ask place"]);
    assert_eq!(bench.place("same"), ["begin 1 in A (start, attempt 1)"]);
    assert_eq!(bench.records([written(1), init(), echo(1), text("hi")]), NOTHING);
    assert_eq!(bench.record(result()), ["end 1: completed", "leave place"]);
    assert_eq!(bench.state.running().map(|turn| turn.id), None);
    assert!(!bench.state.is_idle(), "the process stays warm");
    assert!(bench.text().contains("hi"));
    assert_eq!(bench.text(), "", "what did not change is not shown again");
}

#[test]
fn people_wait_for_the_first_words_a_question_and_the_end_and_for_nothing_else() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.shown();
    bench.record(text("first"));
    assert!(bench.state.is_urgent());
    bench.shown();
    bench.record(text(" and more"));
    assert!(!bench.state.is_urgent());
    bench.record(tool("t1", "Read"));
    assert!(!bench.state.is_urgent());
    bench.record(permission("t1"));
    assert!(bench.state.is_urgent());
    bench.shown();
    bench.record(result());
    assert!(bench.state.is_urgent());
    bench.shown();
    assert!(!bench.state.is_urgent());
}

#[test]
fn the_next_prompt_goes_to_the_warm_process() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(result());
    assert_eq!(bench.submit(2), ["ask place"]);
    assert_eq!(bench.place("same"), ["begin 2 in A (warm, attempt 1)"]);
    bench.works_on(2);
    assert_eq!(bench.record(result()), ["end 2: completed", "leave place"]);
}

#[test]
fn prompts_are_served_in_the_order_in_which_they_were_written() {
    let mut bench = Bench::new();
    bench.runs(1);
    for number in [5, 3, 4, 2] {
        assert_eq!(bench.submit(number), NOTHING);
    }
    for number in [2, 3, 4, 5] {
        assert_eq!(bench.record(result()).last().unwrap(), "ask place");
        assert_eq!(bench.running(), Some(number));
        bench.place("same");
        bench.works_on(number);
    }
    assert_eq!(bench.state.queued(), 0);
}

#[test]
fn a_prompt_is_taken_once() {
    let mut bench = Bench::new();
    bench.submit(1);
    assert_eq!(bench.submit(1), NOTHING);
    bench.submit(2);
    bench.submit(2);
    assert_eq!(bench.state.queued(), 1);
    bench.place("same");
    assert_eq!(bench.submit(1), NOTHING);
    assert_eq!(bench.state.queued(), 1);
}

#[test]
fn other_settings_replace_the_process_and_the_turn_keeps_its_place() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(result());
    bench.submit(2);
    assert_eq!(bench.place("other"), ["close input"]);
    assert_eq!(bench.submit(3), NOTHING);
    assert_eq!(bench.record(exit(0)), ["A ended", "begin 2 in B (start, attempt 1)"]);
    bench.works_on(2);
    assert_eq!(bench.record(result()), ["end 2: completed", "leave place", "ask place"]);
    assert_eq!(bench.place("other"), ["begin 3 in B (warm, attempt 1)"]);
}

#[test]
fn a_process_that_does_not_go_when_its_input_closes_is_stopped() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(result());
    bench.submit(2);
    bench.place("other");
    assert_eq!(bench.after(9), NOTHING);
    assert_eq!(bench.after(1), ["kill"]);
    assert_eq!(bench.after(60), NOTHING, "the ladder is climbed once");
    let killed = Record::Exit(Exit::Signal { signal: 9 });
    assert_eq!(bench.record(killed), ["A ended", "begin 2 in B (start, attempt 1)"]);
}

#[test]
fn a_warm_process_is_closed_after_its_time() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(result());
    assert_eq!(bench.due(), Some(300));
    assert_eq!(bench.after(299), NOTHING);
    assert_eq!(bench.after(1), ["close input"]);
    assert_eq!(bench.submit(2), NOTHING, "a process on its way out takes no prompt");
    assert_eq!(bench.record(exit(0)), ["A ended", "ask place"]);
    assert_eq!(bench.place("same"), ["begin 2 in B (start, attempt 1)"]);
}

#[test]
fn without_warmth_the_process_goes_with_its_turn() {
    let mut bench = Bench::with(Bounds { warm_idle: Duration::ZERO, ..BOUNDS });
    bench.runs(1);
    assert_eq!(bench.record(result()), ["end 1: completed", "leave place", "close input"]);
    assert_eq!(bench.record(exit(0)), ["A ended"]);
    assert!(bench.state.is_idle());
    assert_eq!(bench.due(), None);
}

#[test]
fn a_process_that_cannot_be_started_ends_the_turn() {
    let mut bench = Bench::new();
    bench.submit(1);
    bench.submit(2);
    bench.place("same");
    let told = bench.input(Input::LaunchFailed(Failure::DirectoryMissing));
    assert_eq!(told, ["A ended", "end 1: DirectoryMissing", "leave place", "ask place"]);
    assert_eq!(bench.place("same"), ["begin 2 in B (start, attempt 1)"]);
}

#[test]
fn a_turn_that_never_reached_the_cli_goes_to_another_process_three_times_at_most() {
    let mut bench = Bench::new();
    bench.submit(1);
    bench.place("same");
    assert_eq!(bench.record(exit(0)), ["A ended", "begin 1 in B (start, attempt 2)"]);
    let lost = || Record::Exit(Exit::Lost);
    assert_eq!(bench.record(lost()), ["B ended", "begin 1 in C (start, attempt 3)"]);
    assert_eq!(bench.record(lost()), ["end 1: Lost", "leave place", "C ended"]);
    assert!(bench.state.is_idle());
}

/// Each attempt has a name of its own: one that the CLI knows from the one before it would be dropped.
#[test]
fn a_turn_that_changed_nothing_before_its_cli_died_is_run_again_and_answered_once() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.records([text("a first half"), tool("t1", "Read")]);
    let killed = || Record::Exit(Exit::Signal { signal: 9 });
    assert_eq!(bench.record(killed()), ["A ended", "begin 1 in B (start, attempt 2)"]);
    let again = prompt(1).id.in_attempt(2);
    assert_ne!(again, prompt(1).id);
    bench.records([Record::In(user_line(again, "x").into()), init(), text("the whole")]);
    assert_eq!(bench.record(result()), ["end 1: completed", "leave place"]);
    let shown = bench.text();
    assert!(shown.contains("the whole") && !shown.contains("first half"), "{shown}");
    assert_eq!(shown.matches("began again").count(), 1, "{shown}");
    let mut bench = Bench::new();
    bench.runs(1);
    for process in ["B", "C"] {
        let told = bench.record(killed());
        assert!(told[1].starts_with(&format!("begin 1 in {process}")), "{told:?}");
        bench.works_on(1);
    }
    assert_eq!(bench.record(killed())[0], "end 1: Crashed { code: None, signal: Some(9) }", "not for ever");
}

#[test]
fn a_turn_that_was_cut_is_not_repeated() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(tool("t1", "Bash"));
    let killed = || Record::Exit(Exit::Signal { signal: 9 });
    let told = bench.record(killed());
    assert_eq!(told, ["end 1: cut off: Crashed { code: None, signal: Some(9) }", "leave place", "A ended"]);
    // The tool is about to be called: it may run before its line is read. And nobody knows what is missing.
    for sign in [tool_ahead("Bash"), Record::Gap, Record::TooLong { bytes: 1 << 30 }] {
        let mut bench = Bench::new();
        bench.runs(1);
        assert_eq!(bench.record(sign)[0], "side effects of 1");
        assert_eq!(bench.record(killed())[0], "end 1: cut off: Crashed { code: None, signal: Some(9) }");
    }
    let mut bench = Bench::new();
    bench.runs(1);
    assert_eq!(bench.record(tool_ahead("Grep")), NOTHING);
    assert_eq!(bench.record(killed())[1], "begin 1 in B (start, attempt 2)");
}

#[test]
fn a_session_that_the_cli_lost_is_one_turn_in_a_new_session_with_one_notice() {
    let gone = || [stderr("No conversation found with session ID: 7"), exit(1)];
    for before in [vec![], vec![written(1)]] {
        let mut bench = Bench::new();
        bench.submit(1);
        bench.place("same");
        bench.records(before);
        let told = bench.records(gone());
        assert_eq!(told, ["session lost", "A ended", "begin 1 in B (start, attempt 2)"]);
        bench.works_on(1);
        bench.record(text("hello"));
        assert_eq!(bench.record(result()), ["end 1: completed", "leave place"]);
        let shown = bench.text();
        assert_eq!(shown.matches("was lost").count(), 1, "{shown}");
    }
    let mut bench = Bench::new();
    bench.submit(1);
    bench.place("same");
    bench.records(gone());
    assert_eq!(bench.records(gone()), ["end 1: SessionNotFound", "leave place", "B ended"]);
}

#[test]
fn the_cli_begins_a_turn_by_itself() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(result());
    assert_eq!(bench.record(init()), ["began alone in A"]);
    assert_eq!(bench.submit(2), NOTHING);
    assert_eq!(bench.records([text("done"), result()]), ["end alone: completed", "leave place", "ask place"]);
}

#[test]
fn the_cli_begins_by_itself_while_a_prompt_waits() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.submit(3);
    bench.record(result());
    bench.submit(2);
    assert_eq!(bench.record(init()), ["began alone in A", "leave place", "unshow"]);
    assert_eq!(bench.place("same"), ["leave place"], "a place that comes too late is given back");
    assert_eq!(bench.record(result()), ["end alone: completed", "leave place", "ask place"]);
    assert_eq!(bench.running(), Some(2));
    assert_eq!(bench.state.queued(), 1);
}

#[test]
fn a_prompt_that_the_cli_knows_already_ends_at_once() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(result());
    bench.submit(2);
    bench.place("same");
    assert_eq!(bench.records([written(2), echo(2)]), ["end 2: completed", "leave place"]);
}

#[test]
fn nothing_is_posted_in_the_first_moment() {
    let mut bench = Bench::new();
    bench.input(Input::Submit(prompt(1)));
    bench.place("same");
    let slots = |bench: &mut Bench| bench.shown().iter().map(|turn| turn.shown.slots.len()).sum::<usize>();
    assert_eq!(slots(&mut bench), 0);
    bench.after(2);
    assert_eq!(slots(&mut bench), 1);
}

#[test]
fn a_turn_of_the_cli_does_not_end_the_one_whose_prompt_is_on_its_way() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(result());
    bench.submit(2);
    bench.place("same");
    assert_eq!(bench.record(init()), ["began alone in A"]);
    bench.record(written(2));
    assert_eq!(bench.record(result()), ["end alone: completed"], "the prompt keeps its place");
    assert_eq!(bench.records([init(), echo(2), text("mine")]), NOTHING);
    assert_eq!(bench.record(result()), ["end 2: completed", "leave place"]);
}

#[test]
fn a_turn_that_waits_for_its_place_does_not_mind_the_end_of_a_process() {
    for exit in [exit(0), exit(1), Record::Exit(Exit::Lost)] {
        let mut bench = Bench::new();
        bench.runs(1);
        bench.record(result());
        bench.submit(2);
        assert_eq!(bench.record(exit), ["A ended"]);
        assert_eq!(bench.place("same"), ["begin 2 in B (start, attempt 1)"]);
    }
}

#[test]
fn a_session_that_nothing_was_said_in_is_left_without_a_word() {
    let mut bench = Bench::new();
    bench.submit(1);
    bench.place("same");
    let in_use = [written(1), stderr("Error: Session ID 7 is already in use."), exit(1)];
    assert_eq!(bench.records(in_use), ["session lost", "A ended", "begin 1 in B (start, attempt 2)"]);
    assert!(!bench.text().contains("was lost"));
}

#[test]
fn a_process_with_a_task_in_the_background_stays_and_is_looked_at_now_and_then() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.records([task_started(), result()]);
    assert_eq!(bench.after(400), NOTHING);
    assert_eq!(bench.due(), Some(1), "the actor would spin");
}

#[test]
fn a_warm_process_that_died_before_it_took_the_prompt_is_missed_by_nobody() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(result());
    bench.submit(2);
    assert_eq!(bench.place("same"), ["begin 2 in A (warm, attempt 1)"]);
    bench.record(written(2));
    let killed = || Record::Exit(Exit::Signal { signal: 9 });
    assert_eq!(bench.record(killed()), ["A ended", "begin 2 in B (start, attempt 2)"]);
    bench.record(written(2));
    assert_eq!(bench.record(killed()), ["B ended", "begin 2 in C (start, attempt 3)"]);
    bench.record(written(2));
    let told = bench.record(killed());
    assert_eq!(told[0], "end 2: Crashed { code: None, signal: Some(9) }", "not for ever: {told:?}");
}

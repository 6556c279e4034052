//! Processes without a turn: started before anybody asks, kept, and gone when others need the room.

use std::time::Duration;

use super::bench::{BOUNDS, Bench, exit, no_session, result, task_started};
use crate::conversation::state::{Bounds, Fresh, Input};
use crate::conversation::warm::Use;
use crate::render::view::WaitsFor;

const NOTHING: [&str; 0] = [];

impl Bench {
    fn prestarted(&mut self) -> Vec<String> {
        let fresh = self.fresh("same");
        self.input(Input::Prestart(fresh))
    }

    fn announced(&mut self, fingerprint: &str) -> Vec<String> {
        let fresh: Fresh = self.fresh(fingerprint);
        self.input(Input::Announced(fresh))
    }

    fn may_prestart(&self) -> bool {
        self.state.may_prestart(self.now())
    }

    fn is_idle(&self) -> bool {
        matches!(self.state.does(), Use::Idle { .. })
    }
}

#[test]
fn a_process_that_is_started_before_anybody_asks_takes_the_next_prompt() {
    let mut bench = Bench::new();
    assert_eq!(bench.state.does(), Use::None);
    assert_eq!(bench.prestarted(), ["prestart A"]);
    assert!(bench.is_idle() && bench.shown().is_empty(), "nobody sees it, and it is no turn");
    assert_eq!(bench.prestarted(), NOTHING, "there is one");
    assert_eq!(bench.submit(1), ["ask place"]);
    assert!(!bench.state.needs_room());
    assert_eq!(bench.place("same"), ["begin 1 in A (warm, attempt 1)"]);
    assert_eq!(bench.state.does(), Use::Busy);
    bench.works_on(1);
    assert_eq!(bench.record(result()), ["end 1: completed", "leave place"]);
    assert_eq!(bench.due(), Some(300), "from now on it is a process like others");
}

#[test]
fn one_that_nobody_uses_goes_soon_and_none_is_started_in_vain_again_and_again() {
    let mut bench = Bench::new();
    bench.prestarted();
    assert_eq!(bench.due(), Some(120));
    bench.after(100);
    assert_eq!(bench.announced("same"), NOTHING);
    assert_eq!(bench.due(), Some(120), "somebody is still typing");
    assert_eq!(bench.after(119), NOTHING);
    assert_eq!(bench.after(1), ["close input"]);
    assert_eq!(bench.state.does(), Use::Leaving);
    assert_eq!(bench.record(exit(0)), ["A ended"]);
    assert!(bench.may_prestart(), "the start was long ago");
    bench.prestarted();
    assert_eq!(bench.record(exit(1)), ["B ended"]);
    assert!(!bench.may_prestart());
    bench.after(119);
    assert!(!bench.may_prestart());
    // Whoever asks shows that it was not in vain.
    bench.runs(1);
    bench.record(result());
    bench.record(exit(0));
    assert!(bench.may_prestart());
}

#[test]
fn with_less_warmth_it_goes_earlier_and_without_any_none_is_started() {
    let mut bench = Bench::with(Bounds { warm_idle: Duration::from_secs(10), ..BOUNDS });
    bench.prestarted();
    assert_eq!(bench.due(), Some(10));
    let mut bench = Bench::with(Bounds { warm_idle: Duration::ZERO, ..BOUNDS });
    assert!(!bench.may_prestart());
    assert_eq!(bench.prestarted(), NOTHING);
}

#[test]
fn whoever_types_keeps_a_warm_process_and_ends_one_that_would_not_serve_them() {
    let mut bench = Bench::new();
    bench.runs(1);
    assert_eq!(bench.announced("same"), NOTHING, "it works");
    bench.record(result());
    bench.after(290);
    assert_eq!(bench.announced("same"), NOTHING);
    assert_eq!(bench.due(), Some(120));
    assert_eq!(bench.announced("other"), ["close input"]);
    assert_eq!(bench.record(exit(0)), ["A ended"]);
    assert!(bench.may_prestart());
}

#[test]
fn one_that_does_not_find_its_session_is_seen_by_nobody() {
    let mut bench = Bench::new();
    bench.prestarted();
    assert_eq!(bench.record(no_session()), ["ignored result"]);
    assert_eq!(bench.record(exit(1)), ["A ended"]);
    assert!(bench.shown().is_empty() && bench.state.is_idle());
    // The turn that was given to one goes on in a new session, as ever.
    let mut bench = Bench::new();
    bench.prestarted();
    bench.submit(1);
    bench.place("same");
    let told = bench.records([no_session(), exit(1)]);
    assert!(told.contains(&"session lost".to_owned()), "{told:?}");
    assert!(told.last().is_some_and(|last| last.starts_with("begin 1 in B (start")), "{told:?}");
}

#[test]
fn one_that_has_nothing_to_do_makes_room_and_no_other() {
    let mut bench = Bench::new();
    assert_eq!(bench.input(Input::MakeRoom), NOTHING);
    bench.runs(1);
    assert_eq!(bench.input(Input::MakeRoom), NOTHING, "it works");
    bench.record(task_started());
    bench.record(result());
    assert_eq!(bench.state.does(), Use::Busy, "a task runs in the background");
    assert_eq!(bench.input(Input::MakeRoom), NOTHING);
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(result());
    assert_eq!(bench.input(Input::MakeRoom), ["close input"]);
    // A prompt that comes then is served by the next one.
    bench.submit(2);
    assert_eq!(bench.record(exit(0)), ["A ended", "ask place"]);
    assert!(bench.state.needs_room());
    assert_eq!(bench.place("same"), ["begin 2 in B (start, attempt 1)"]);
}

#[test]
fn what_waits_for_room_says_so_and_ends_when_there_is_none_for_too_long() {
    let mut bench = Bench::new();
    bench.submit(1);
    bench.after(2);
    bench.input(Input::Waits(WaitsFor::Memory));
    assert!(bench.text().contains("waiting for memory"));
    assert_eq!(bench.input(Input::NoRoom), ["refuse 1", "leave place"]);
    assert!(bench.text().contains("too little memory"));
    assert!(bench.state.is_idle());
    assert_eq!(bench.input(Input::NoRoom), NOTHING);
}

//! Processes that hang, or seem to, and how those go that are told to: whoever comes after has nothing to do with it.

use serde_json::json;
use uuid::Uuid;

use super::bench::{Bench, echo, init, known, out, result, text, tool, written};
use crate::claude::interrupt_line;
use crate::conversation::state::{Input, KnownTurn};
use crate::domain::event::TurnEnd;
use crate::runner::{Exit, Record, Stopping};

const NOTHING: [&str; 0] = [];

#[test]
fn a_process_that_hangs_after_its_result_is_replaced() {
    let mut bench = given_to_a_warm_one();
    is_taken_for_hanging(&mut bench);
    assert_eq!(bench.after(5), NOTHING, "once");
    bench.record(Record::Stopping(Stopping::Asked));
    assert_eq!(bench.record(killed()), ["A ended", "begin 2 in B (start, attempt 2)"]);
    bench.works_on(2);
    assert_eq!(bench.record(result()), ["end 2: completed", "leave place"]);
}

fn killed() -> Record {
    Record::Exit(Exit::Signal { signal: 15 })
}

/// A turn that was given to a process which served another one, and says nothing to it.
fn given_to_a_warm_one() -> Bench {
    let mut bench = Bench::new();
    bench.runs(1);
    let session = json!({"type": "system", "subtype": "init", "session_id": Uuid::nil(), "cwd": "/srv/p"});
    bench.records([out(&session), result()]);
    bench.submit(2);
    assert_eq!(bench.place("same"), ["begin 2 in A (warm, attempt 1)"]);
    bench.record(written(2));
    bench
}

/// Nothing is heard for ten seconds in which the daemon looked.
fn is_taken_for_hanging(bench: &mut Bench) {
    for _ in 0..9 {
        assert_eq!(bench.after(1), NOTHING);
    }
    assert_eq!(bench.after(1), ["kill"]);
}

#[test]
fn what_was_taken_for_hanging_and_did_it_is_not_run_twice() {
    let mut bench = given_to_a_warm_one();
    is_taken_for_hanging(&mut bench);
    bench.records([init(), echo(2), text("Here it is.")]);
    assert_eq!(bench.record(result()), ["end 2: completed", "leave place"]);
    assert_eq!(bench.submit(3), NOTHING, "not by one that is going");
    bench.record(Record::Stopping(Stopping::Asked));
    assert_eq!(bench.record(killed()), ["A ended", "ask place"]);

    let mut bench = given_to_a_warm_one();
    is_taken_for_hanging(&mut bench);
    bench.records([init(), echo(2), tool("t1", "Bash"), Record::Stopping(Stopping::Asked)]);
    assert!(bench.record(killed())[0].starts_with("end 2: cut off"), "it may have changed something");
}

#[test]
fn what_one_daemon_took_for_hanging_the_next_one_runs_again() {
    let session = json!({"type": "system", "subtype": "init", "session_id": Uuid::nil(), "cwd": "/srv/p"});
    let asked = || Record::Stopping(Stopping::Asked);
    let taken_up = |records: &[Record]| {
        let mut bench = Bench::new();
        bench.attach(vec![
            KnownTurn { delivered: true, end: Some(TurnEnd::Interrupted), ..known(1) },
            known(2),
        ]);
        bench.records([written(1), out(&session), echo(1), result(), written(2)]);
        bench.records(records.iter().cloned());
        bench.record(killed())
    };
    assert!(taken_up(&[asked()]).iter().any(|told| told == "begin 2 in B (start, attempt 2)"));
    // Where somebody stopped it, or it had begun, that is the end.
    let interrupt = Record::In(interrupt_line("stop").into());
    for records in [vec![interrupt, asked()], vec![init(), echo(2), asked()]] {
        assert_eq!(taken_up(&records)[0], "end 2: interrupted");
    }
}

#[test]
fn a_daemon_that_did_not_look_takes_nobody_for_hanging() {
    let mut bench = given_to_a_warm_one();
    assert_eq!(bench.after(60), NOTHING);
    // Nor one that compacts, and says nothing else for as long as that takes.
    bench.record(out(&json!({"type": "system", "subtype": "status", "status": "compacting"})));
    for _ in 0..60 {
        assert_eq!(bench.after(1), NOTHING);
    }
}

/// Whoever waits for a process to go has nothing to do with how it goes.
#[test]
fn the_kill_of_the_process_before_stops_nobody_who_waits_for_the_next() {
    let mut bench = Bench::new();
    bench.runs(1);
    bench.record(result());
    bench.submit(2);
    assert_eq!(bench.place("other"), ["close input"]);
    assert_eq!(bench.after(10), ["kill"]);
    bench.record(Record::Stopping(Stopping::Asked));
    let told = bench.record(killed());
    assert!(told[1].starts_with("begin 2 in"), "{told:?}");
    bench.works_on(2);
    assert_eq!(bench.input(Input::Stop), ["interrupt"]);
}

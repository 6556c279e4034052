//! Exactly one exit, it is last, and nobody is left alive.

use std::fs;
use std::io::Write as _;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use switchboard::process::launch::{child_path, whole_path};
use switchboard::runner::{Exit, Launch, Record};

use super::{Bench, PATIENCE, code, out, outs, processes_with, rest, signal, unique_sleep, until};
use crate::harness::{alive, eventually};

#[tokio::test]
async fn codes_and_signals_are_told_apart() {
    let bench = Bench::new();
    for expected in [0, 1, 137, 143] {
        assert_eq!(bench.run(&format!("exit {expected}")).await, [code(expected)]);
    }
    // 35 has no name, only a number.
    for expected in [6, 9, 11, 15, 35] {
        assert_eq!(bench.run(&format!("kill -{expected} $$")).await, [signal(expected)]);
    }
}

#[tokio::test]
async fn a_grandchild_that_holds_stdout_delays_nothing_and_dies() {
    let sleep = unique_sleep();
    let records = Bench::new().run(&format!("sleep {sleep} & echo done")).await;
    assert_eq!(records, [out("done"), code(0)]);
    assert_eq!(processes_with(sleep.as_bytes()), [0; 0]);
}

#[tokio::test]
async fn no_descendant_survives() {
    let sleep = unique_sleep();
    let script = format!(
        "i=0; while [ $i -lt 50 ]; do
            sleep {sleep} & setsid sleep {sleep} >/dev/null 2>&1 & i=$((i + 1))
        done
        setsid sh -c 'setsid sh -c \"sleep {sleep} & sleep {sleep}\" </dev/null >/dev/null 2>&1 &'
        while [ $(grep -lza '^{sleep}$' /proc/[0-9]*/cmdline 2>/dev/null | wc -l) -lt 102 ]; do :; done
        echo ready; read -r line"
    );
    for (stop, control_group) in [(false, false), (true, false), (false, true), (true, true)] {
        let bench = Bench::new();
        let launch = Launch { control_group, ..bench.script(&script) };
        let (_, mut feed) = bench.start(&launch).await;
        until(&mut feed, "ready").await;
        // One that becomes another program just now has no arguments for a moment.
        eventually("all of them", || (processes_with(sleep.as_bytes()).len() >= 102).then_some(())).await;
        if stop {
            feed.control.stop().await;
        } else {
            feed.control.close_input().await;
        }
        rest(&mut feed).await;
        assert_eq!(processes_with(sleep.as_bytes()), [0; 0]);
    }
}

/// A shim is a process as any other: the kernel may choose it when memory ends, and `kill` finds it.
#[tokio::test]
async fn a_child_dies_with_its_shim_and_nothing_is_said_before() {
    let sleep = unique_sleep();
    // In its group, in a session of its own, and begun by somebody who is gone.
    let script = format!(
        "sleep {sleep} & setsid sleep {sleep} & setsid sh -c 'setsid sleep {sleep} </dev/null >/dev/null 2>&1 &'
        while [ $(grep -lza '^{sleep}$' /proc/[0-9]*/cmdline 2>/dev/null | wc -l) -lt 3 ]; do :; done
        echo ready; exec sleep {sleep}"
    );
    for (control_group, attached) in [(false, true), (false, false), (true, true)] {
        let bench = Bench::new();
        let (process, mut feed) = bench.start(&Launch { control_group, ..bench.script(&script) }).await;
        until(&mut feed, "ready").await;
        let grouped = bench.process_dir(process).join("group").exists();
        assert!(control_group || !grouped);
        if control_group && !grouped {
            let line = "NOT TESTED: no control group can be made here\n";
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
        // A process of the same daemon, and one of another daemon, that do the same.
        let (other, other_bench) = (unique_sleep(), Bench::new());
        let other_script = format!("setsid sleep {other} & echo ready; read -r line");
        let mut others = Vec::new();
        for bench in [&bench, &other_bench] {
            let (_, mut feed) = bench.start(&Launch { control_group, ..bench.script(&other_script) }).await;
            until(&mut feed, "ready").await;
            others.push(feed);
        }
        while processes_with(other.as_bytes()).len() < 2 {
            tokio::task::yield_now().await;
        }

        let shim = Pid::from_raw(bench.shim_pid(process));
        let mut feed = Some(feed).filter(|_| attached);
        kill(shim, Signal::SIGKILL).unwrap();
        if feed.is_none() {
            feed = Some(bench.attach_anew(process).await);
        }
        let mut feed = feed.unwrap();
        let lost = Record::Exit(Exit::Lost);
        assert_eq!(rest(&mut feed).await, if attached { vec![lost] } else { vec![out("ready"), lost] });
        assert_eq!(processes_with(sleep.as_bytes()), [0; 0]);

        assert_eq!(processes_with(other.as_bytes()).len(), 2, "nothing of another process dies");
        for mut feed in others {
            feed.control.close_input().await;
            assert_eq!(rest(&mut feed).await, [code(1)]);
        }
        assert_eq!(processes_with(other.as_bytes()), [0; 0]);
    }
}

/// Not for a reader's doing, who would look after what a dead shim left.
#[test]
fn a_child_dies_with_its_shim_also_where_nobody_looks_on() {
    let (sleep, bench) = (unique_sleep(), Bench::new());
    let daemon = tokio::runtime::Runtime::new().unwrap();
    let shim = daemon.block_on(async {
        let script = bench.script(&format!("echo ready; exec sleep {sleep}"));
        let (process, mut feed) = bench.start(&Launch { control_group: false, ..script }).await;
        until(&mut feed, "ready").await;
        eventually("the child", || (processes_with(sleep.as_bytes()).len() == 1).then_some(())).await;
        bench.shim_pid(process)
    });
    drop(daemon);
    let child = processes_with(sleep.as_bytes())[0];
    kill(Pid::from_raw(shim), Signal::SIGKILL).unwrap();
    let deadline = Instant::now() + *PATIENCE;
    while alive(child) {
        if Instant::now() > deadline {
            kill(Pid::from_raw(child), Signal::SIGKILL).unwrap();
            panic!("the child lives on");
        }
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn what_runs_in_the_background_lives_as_long_as_its_child() {
    let sleep = unique_sleep();
    let bench = Bench::new();
    let script = format!("(setsid sleep {sleep} &) >/dev/null 2>&1; while read -r x; do echo $x; done");
    let (_, mut feed) = bench.start(&bench.script(&script)).await;
    let one = || (processes_with(sleep.as_bytes()).len() == 1).then_some(());
    eventually("what runs in the background", one).await;
    for turn in ["one", "two"] {
        feed.control.write(turn.into()).await;
        until(&mut feed, turn).await;
        eventually("what runs in the background", one).await;
    }
    feed.control.close_input().await;
    rest(&mut feed).await;
    assert_eq!(processes_with(sleep.as_bytes()), [0; 0]);
}

#[tokio::test]
async fn orphans_are_reaped_while_the_child_runs() {
    let script = "orphan=$(sh -c 'sleep 0.01 >/dev/null & echo $!'); while [ -e /proc/$orphan ]; do :; done; echo gone";
    assert_eq!(Bench::new().run(script).await, [out("gone"), code(0)]);
}

#[tokio::test]
async fn the_ladder_is_climbed_as_far_as_it_takes() {
    let polite = "trap 'echo bye; exit 3' INT";
    let stubborn = "trap '' INT; trap 'echo fine; exit 4' TERM";
    let deaf = "trap '' INT TERM";
    // Who climbs is not hurried, and who does not is not waited for.
    let cases = [
        (polite, 60_000, vec!["bye"], code(3)),
        (stubborn, 5_000, vec!["fine"], code(4)),
        (deaf, 200, vec![], signal(9)),
    ];
    for (trap, stop_grace_ms, said, exit) in cases {
        let bench = Bench::new();
        let mut script = bench.script(&format!("{trap}; echo ready; while :; do sleep 0.01; done"));
        script.stop_grace_ms = stop_grace_ms;
        let (_, mut feed) = bench.start(&script).await;
        until(&mut feed, "ready").await;
        feed.control.stop().await;
        feed.control.stop().await;
        let records = rest(&mut feed).await;
        assert_eq!(outs(&records), said);
        assert_eq!(records.last(), Some(&exit));
    }
}

#[tokio::test]
async fn a_full_spool_stops_the_child() {
    let bench = Bench::new();
    let mut launch = bench.script("exec yes");
    launch.spool_bytes_max = 1 << 20;
    let (_, mut feed) = bench.start(&launch).await;
    assert_eq!(rest(&mut feed).await.last(), Some(&signal(2)));
}

/// A child that is not impressed by the end of its spool: what it says after that is missing, and nobody is told less.
#[tokio::test]
async fn what_is_missing_is_said_before_the_exit() {
    for shim_dies in [false, true] {
        let bench = Bench::new();
        let mut launch = bench.script("trap '' INT TERM; exec yes $(head -c 100000 /dev/zero | tr '\\0' x)");
        launch.spool_bytes_max = 1 << 20;
        // It goes on for as long as it takes.
        launch.stop_grace_ms = 600_000;
        let (process, mut feed) = bench.start(&launch).await;
        let whole = whole_path(&bench.process_dir(process));
        while whole.exists() {
            tokio::task::yield_now().await;
        }
        let child = fs::read_to_string(child_path(&bench.process_dir(process))).unwrap();
        let child = child.split(' ').next().unwrap().parse().unwrap();
        let killed = if shim_dies { bench.shim_pid(process) } else { child };
        kill(Pid::from_raw(killed), Signal::SIGKILL).unwrap();
        let exit = if shim_dies { Record::Exit(Exit::Lost) } else { signal(9) };
        let records = rest(&mut feed).await;
        assert_eq!(records[records.len() - 2..], [Record::Gap, exit]);
        assert_eq!(records.iter().filter(|record| **record == Record::Gap).count(), 1);
        assert!(!whole.exists());
    }
}

#[tokio::test]
async fn a_shim_that_is_told_to_end_ends_its_child() {
    let bench = Bench::new();
    let script = bench.script("echo ready; while read -r line; do echo \"$line\"; done");
    let (process, mut feed) = bench.start(&script).await;
    until(&mut feed, "ready").await;
    let shim = Pid::from_raw(bench.shim_pid(process));
    kill(shim, Signal::SIGHUP).unwrap();
    feed.control.write("still here".into()).await;
    until(&mut feed, "still here").await;
    kill(shim, Signal::SIGTERM).unwrap();
    assert_eq!(rest(&mut feed).await, [signal(2)]);
}

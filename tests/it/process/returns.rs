//! A process outlives its daemon, and the next daemon finds everything.

use std::fs;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use switchboard::clock::Clock;
use switchboard::domain::ids::ProcessId;
use switchboard::runner::local::LocalRunner;
use switchboard::runner::{Exit, Position, Record, Runner, RunnerError};
use uuid::Uuid;

use super::{Bench, PATIENCE, code, next, out, outs, rest, rest_recorded, shim_program, signal, until};

#[tokio::test]
async fn who_attaches_again_gets_exactly_the_rest() {
    let bench = Bench::new();
    let script = bench.script("seq 1 5000; read -r line; seq 5001 6000; read -r line; seq 6001 6010");
    let (process, mut feed) = bench.start(&script).await;
    let middle = until(&mut feed, "100").await;
    drop(feed);

    let runner = LocalRunner::new(&bench.dir.path().join("state"), shim_program(), Clock::start());
    assert_eq!(runner.known().await, [process]);
    let mut second = runner.attach(process, middle).await.unwrap();
    second.control.write("go".into()).await;
    let mut found = Vec::new();
    while found.last() != Some(&out("6000")) {
        found.push(next(&mut second).await.record);
    }
    // One more beside it, and one that begins anew: each has its own view of the same spool.
    let mut whole = runner.attach(process, Position(0)).await.unwrap();
    second.control.write("on".into()).await;
    found.extend(rest(&mut second).await);
    let whole = rest(&mut whole).await;

    let expected: Vec<String> = (1..=6010).map(|number| number.to_string()).collect();
    assert_eq!(outs(&found), expected[100..]);
    assert_eq!(outs(&whole), expected);
    assert_eq!(found[..], whole[100..]);
    assert_eq!(found.iter().filter(|record| matches!(record, Record::In(_))).count(), 2);
}

#[tokio::test]
async fn a_process_that_is_over_can_be_read_until_it_is_forgotten() {
    let bench = Bench::new();
    let (process, mut feed) = bench.start(&bench.script("seq 1 100; exit 5")).await;
    let first = rest_recorded(&mut feed).await;
    bench.shim_ended(process).await;

    for skipped in [0, 1, 50, 100] {
        let from = if skipped == 0 { Position(0) } else { first[skipped - 1].end };
        let mut again = bench.runner.attach(process, from).await.unwrap();
        assert_eq!(again.caught_up, first[100].end);
        assert_eq!(rest_recorded(&mut again).await, first[skipped..]);
    }
    bench.runner.forget(process).await.unwrap();
    bench.runner.forget(process).await.unwrap();
    assert!(!bench.process_dir(process).exists());
    let gone = bench.runner.attach(process, Position(0)).await;
    assert!(matches!(gone, Err(RunnerError::Unknown(id)) if id == process));
}

#[tokio::test]
async fn who_writes_to_a_process_that_is_over_does_not_wait() {
    let bench = Bench::new();
    let (process, mut feed) = bench.start(&bench.script("seq 1 100; exit 5")).await;
    rest(&mut feed).await;
    bench.shim_ended(process).await;
    // More than lies anywhere on the way, and nobody reads meanwhile.
    let mut again = bench.runner.attach(process, Position(0)).await.unwrap();
    let writing = async {
        for _ in 0..1000 {
            again.control.write("too late".into()).await;
        }
    };
    tokio::time::timeout(*PATIENCE, writing).await.expect("nobody waits for a process that is over");
    assert_eq!(rest(&mut again).await.last(), Some(&code(5)));
}

#[tokio::test]
async fn what_runs_is_not_forgotten() {
    let bench = Bench::new();
    let (process, mut feed) = bench.start(&bench.script("read -r line; echo \"$line\"")).await;
    let refused = bench.runner.forget(process).await;
    assert!(matches!(refused, Err(RunnerError::StillRunning(id)) if id == process));
    feed.control.write("alive".into()).await;
    until(&mut feed, "alive").await;
    assert_eq!(rest(&mut feed).await, [code(0)]);
    bench.runner.forget(process).await.unwrap();
}

#[tokio::test]
async fn a_shim_that_was_killed_is_lost_after_its_last_record() {
    let bench = Bench::new();
    let (process, mut feed) = bench.start(&bench.script("echo first; read -r line")).await;
    until(&mut feed, "first").await;
    kill(Pid::from_raw(bench.shim_pid(process)), Signal::SIGKILL).unwrap();
    assert_eq!(rest(&mut feed).await, [Record::Exit(Exit::Lost)]);

    // Half a record at the end, as after a power cut, is none.
    let spool = bench.process_dir(process).join("spool");
    let bytes = fs::read(&spool).unwrap();
    fs::write(&spool, [&bytes[..], b"o 17000000"].concat()).unwrap();
    let mut again = bench.runner.attach(process, Position(0)).await.unwrap();
    assert_eq!(rest(&mut again).await, [out("first"), Record::Exit(Exit::Lost)]);
    bench.runner.forget(process).await.unwrap();
}

#[tokio::test]
async fn a_start_that_was_cut_short_is_lost_and_can_not_begin_later() {
    let bench = Bench::new();
    let process = ProcessId(Uuid::new_v4());
    let dir = bench.process_dir(process);
    fs::create_dir_all(&dir).unwrap();
    let launch = serde_json::to_vec(&bench.script("echo too late > file")).unwrap();
    fs::write(dir.join("launch.json"), launch).unwrap();
    let mut feed = bench.runner.attach(process, Position(7)).await.unwrap();
    assert_eq!(rest(&mut feed).await, [Record::Exit(Exit::Lost)]);

    let late = Command::new(shim_program()).arg("shim").arg(&dir).output().unwrap();
    assert!(!late.status.success());
    assert!(!bench.dir.path().join("file").exists());
}

#[tokio::test]
async fn one_directory_has_one_shim() {
    let bench = Bench::new();
    let (process, mut feed) = bench.start(&bench.script("read -r line")).await;
    let second = Command::new(shim_program()).arg("shim").arg(bench.process_dir(process)).output().unwrap();
    assert!(!second.status.success());
    assert_eq!(String::from_utf8(second.stdout).unwrap(), "");
    let again = bench.runner.start(process, &bench.script("echo")).await;
    assert!(matches!(again, Err(RunnerError::Directory(_))));
    feed.control.close_input().await;
    assert_eq!(rest(&mut feed).await, [code(1)]);
}

#[tokio::test]
async fn a_shim_without_a_daemon_stops_its_child() {
    let bench = Bench::new();
    let mut launch = bench.script("echo ready; exec sleep 600");
    launch.orphan_secs_max = 10;
    let (process, mut feed) = bench.start(&launch).await;
    until(&mut feed, "ready").await;
    drop(feed);
    bench.shim_ended(process).await;
    let mut feed = bench.runner.attach(process, Position(0)).await.unwrap();
    assert_eq!(rest(&mut feed).await, [out("ready"), signal(2)]);
}

#[tokio::test]
async fn a_shim_program_that_is_none_is_an_error_and_leaves_nothing() {
    let bench = Bench::new();
    let state = bench.dir.path().join("state");
    for program in ["/nowhere/switchboard", "/bin/true", "/bin/echo"] {
        let runner = LocalRunner::new(&state, program.into(), Clock::start());
        let failed = runner.start(ProcessId(Uuid::new_v4()), &bench.script("echo")).await;
        assert!(matches!(failed, Err(RunnerError::Shim(_))), "{program}");
        assert_eq!(runner.known().await, [], "{program}");
    }
}

#[tokio::test]
async fn a_state_directory_may_have_a_long_path() {
    let bench = Bench::new();
    let state = bench.dir.path().join("d".repeat(200));
    let runner = LocalRunner::new(&state, shim_program(), Clock::start());
    let mut feed =
        runner.start(ProcessId(Uuid::new_v4()), &bench.script("read -r x; echo $x")).await.unwrap();
    feed.control.write("far away".into()).await;
    assert_eq!(rest(&mut feed).await, [Record::In("far away".into()), out("far away"), code(0)]);
}

//! The real shim with real children: what DESIGN.md §6 promises of the process layer.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

mod ends;
mod lines;
mod returns;
mod versions;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use switchboard::clock::Clock;
use switchboard::domain::ids::ProcessId;
use switchboard::playground::discord::PATIENCE;
use switchboard::process::launch::lock_path;
use switchboard::runner::local::LocalRunner;
use switchboard::runner::{Exit, Feed, Launch, Position, Record, Recorded, Runner};
use tempfile::TempDir;
use uuid::Uuid;

/// A runner in a directory of its own.
struct Bench {
    dir: TempDir,
    runner: LocalRunner,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runner = LocalRunner::new(&dir.path().join("state"), shim_program(), Clock::start());
        Self { dir, runner }
    }

    /// A shell script to run, in the bench's directory.
    fn script(&self, script: &str) -> Launch {
        Launch {
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            env: BTreeMap::from([("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())]),
            dir: self.dir.path().into(),
            line_bytes_max: 1 << 20,
            orphan_secs_max: 600,
            spool_bytes_max: 1 << 30,
            stop_grace_ms: 200,
            control_group: true,
        }
    }

    async fn start(&self, launch: &Launch) -> (ProcessId, Feed) {
        let process = ProcessId(Uuid::new_v4());
        (process, self.runner.start(process, launch).await.unwrap())
    }

    /// Attaches as the next daemon does, and reads from the beginning.
    async fn attach_anew(&self, process: ProcessId) -> Feed {
        let runner = LocalRunner::new(&self.dir.path().join("state"), shim_program(), Clock::start());
        runner.attach(process, Position(0)).await.unwrap()
    }

    /// Runs a script to its end.
    async fn run(&self, script: &str) -> Vec<Record> {
        let (_, mut feed) = self.start(&self.script(script)).await;
        rest(&mut feed).await
    }

    fn process_dir(&self, process: ProcessId) -> PathBuf {
        self.dir.path().join("state/processes").join(process.to_string())
    }

    /// The process number of a shim, found by its arguments. Its child has the same ones until it says something.
    fn shim_pid(&self, process: ProcessId) -> i32 {
        let dir = self.process_dir(process);
        let found = processes_with(dir.as_os_str().as_bytes());
        assert_eq!(found.len(), 1, "one shim");
        found[0]
    }

    /// Waits until the shim has ended: its lock is free then.
    async fn shim_ended(&self, process: ProcessId) {
        let lock = lock_path(&self.process_dir(process));
        let locked = tokio::task::spawn_blocking(move || fs::File::open(lock).unwrap().lock().unwrap());
        tokio::time::timeout(*PATIENCE, locked).await.expect("the shim ends").unwrap();
    }
}

fn shim_program() -> PathBuf {
    crate::harness::program().into()
}

/// The next record, but for those with which the shim speaks of itself.
async fn next(feed: &mut Feed) -> Recorded {
    loop {
        let record = tokio::time::timeout(*PATIENCE, feed.records.recv()).await;
        let recorded = record.expect("a record comes").expect("an exit record comes before the feed closes");
        if !matches!(recorded.record, Record::Version(_) | Record::Stopping(_)) {
            return recorded;
        }
    }
}

/// Reads up to a line on stdout, and gives where it ends.
async fn until(feed: &mut Feed, line: &str) -> Position {
    loop {
        let recorded = next(feed).await;
        assert!(!matches!(recorded.record, Record::Exit(_)), "ended before {line}: {:?}", recorded.record);
        if recorded.record == out(line) {
            return recorded.end;
        }
    }
}

/// Reads up to the exit record, which must be the last.
async fn rest_recorded(feed: &mut Feed) -> Vec<Recorded> {
    let mut found = vec![next(feed).await];
    while !matches!(found.last().unwrap().record, Record::Exit(_)) {
        found.push(next(feed).await);
    }
    let after = tokio::time::timeout(*PATIENCE, feed.records.recv()).await;
    assert_eq!(after.expect("the feed closes"), None);
    assert!(found.is_sorted_by_key(|recorded| recorded.end));
    found
}

async fn rest(feed: &mut Feed) -> Vec<Record> {
    rest_recorded(feed).await.into_iter().map(|recorded| recorded.record).collect()
}

fn out(line: &str) -> Record {
    Record::Out(line.to_owned().into())
}

fn code(code: i32) -> Record {
    Record::Exit(Exit::Code { code })
}

fn signal(signal: i32) -> Record {
    Record::Exit(Exit::Signal { signal })
}

/// What was said on stdout, as text.
fn outs(records: &[Record]) -> Vec<String> {
    let text = |record: &Record| match record {
        Record::Out(line) => Some(String::from_utf8(line.to_vec()).unwrap()),
        _ => None,
    };
    records.iter().filter_map(text).collect()
}

/// The numbers of all processes, zombies excepted, that have this among their arguments.
fn processes_with(argument: &[u8]) -> Vec<i32> {
    let pids = fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        arguments.split(|byte| *byte == 0).any(|found| found == argument)
    })
    .collect()
}

/// A number of seconds to sleep that nobody else sleeps, to be found by.
fn unique_sleep() -> String {
    format!("1{:010}", Uuid::new_v4().as_u128() % 10_000_000_000)
}

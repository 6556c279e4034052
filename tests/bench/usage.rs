//! What processes take of the machine, from `/proc`.

use std::path::Path;

use crate::harness::{Stage, arguments, pids};

/// The memory of a process, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// Resident, shared pages counted whole.
    pub rss: u64,
    /// Resident, shared pages counted by share.
    pub pss: u64,
    /// Its own: what no file backs.
    pub anonymous: u64,
}

impl Memory {
    /// Of a process.
    pub fn of(pid: i32) -> Self {
        let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            let kib = line.split_ascii_whitespace().next().and_then(|number| number.parse::<u64>().ok());
            kib.unwrap_or(0) * 1024
        };
        Self { rss: field("Rss:"), pss: field("Pss:"), anonymous: field("Anonymous:") }
    }

    /// The mean of several processes.
    pub fn mean(pids: &[i32]) -> Self {
        let all: Vec<Memory> = pids.iter().map(|pid| Memory::of(*pid)).collect();
        let mean = |field: fn(&Memory) -> u64| {
            all.iter().map(field).sum::<u64>() / u64::try_from(all.len().max(1)).expect("it fits")
        };
        Self { rss: mean(|one| one.rss), pss: mean(|one| one.pss), anonymous: mean(|one| one.anonymous) }
    }

    /// For people.
    pub fn words(self) -> String {
        format!(
            "{:.1} MB resident, {:.1} MB by share, {:.1} MB its own",
            mb(self.rss),
            mb(self.pss),
            mb(self.anonymous)
        )
    }
}

/// Bytes as millions of them.
pub fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// The processor time that the living threads of a process took so far, in milliseconds.
pub fn cpu_ms(pid: i32) -> f64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let spent = |path: &Path| -> Option<u64> {
        let line = std::fs::read_to_string(path.join("schedstat")).ok()?;
        line.split_ascii_whitespace().next()?.parse().ok()
    };
    tasks.filter_map(|task| spent(&task.path())).sum::<u64>() as f64 / 1e6
}

/// The shims of a stage.
pub fn shims(stage: &Stage) -> Vec<i32> {
    let processes = stage.state_dir().join("processes");
    let is_shim = |pid: &i32| {
        let words = arguments(*pid);
        let names = |word: &Vec<u8>| word.starts_with(processes.as_os_str().as_encoded_bytes());
        words.get(1).is_some_and(|word| word == b"shim") && words.get(2).is_some_and(names)
    };
    pids().into_iter().filter(is_shim).collect()
}

//! What a shim is told: what to run, and what to do with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What to run. Written as `launch.json` (0600) for the shim, so that nothing of it is in the shim's own arguments or
/// environment. The shim removes the file once it has read it: it may hold keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// The program: an absolute path, or a name to find in the `PATH` of [`env`](Launch::env).
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment. Nothing else is passed on, but for one variable that names the process (`survivors.rs`).
    pub env: BTreeMap<String, String>,
    /// Its working directory.
    pub dir: PathBuf,
    /// A line longer than this (in bytes) is recorded as [`Record::TooLong`](super::Record::TooLong). More than
    /// [`LINE_BYTES_LIMIT`](super::spool::LINE_BYTES_LIMIT) is taken as that.
    pub line_bytes_max: usize,
    /// A shim without a daemon stops its child after this many seconds.
    pub orphan_secs_max: u64,
    /// The spool may grow to this many bytes; then the child is stopped.
    pub spool_bytes_max: u64,
    /// How long the child has after each rung of the stop ladder, in milliseconds.
    #[serde(default = "stop_grace_ms_default")]
    pub stop_grace_ms: u64,
    /// Whether the child gets a control group of its own where one can be made.
    #[serde(default = "control_group_default")]
    pub control_group: bool,
}

/// The usual [`Launch::stop_grace_ms`] (RELIABILITY §6.5).
pub const STOP_GRACE_MS: u64 = 5_000;

fn stop_grace_ms_default() -> u64 {
    STOP_GRACE_MS
}

fn control_group_default() -> bool {
    true
}

/// What a daemon asks of a shim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Write this line (without newline) to the child's stdin. A newline inside becomes a space, which leaves the
    /// meaning of JSON as it is.
    Write {
        /// The line.
        line: String,
    },
    /// Close the child's stdin after what is queued: it finishes what it does and exits.
    CloseInput,
    /// Climb the stop ladder (SIGINT, SIGTERM, SIGKILL, then every descendant).
    Stop,
}

/// The [`Launch`] in a process's directory.
pub fn launch_path(dir: &Path) -> PathBuf {
    dir.join("launch.json")
}

/// The spool in a process's directory.
pub fn spool_path(dir: &Path) -> PathBuf {
    dir.join("spool")
}

/// The file in a process's directory that its shim holds locked while it lives.
pub fn lock_path(dir: &Path) -> PathBuf {
    dir.join("lock")
}

/// The file in a process's directory that says which process the child is. The child writes it before anything else.
pub fn child_path(dir: &Path) -> PathBuf {
    dir.join("child")
}

/// The file in a process's directory that says which control group the child is in, if it is in one of its own.
pub fn group_path(dir: &Path) -> PathBuf {
    dir.join("group")
}

/// The file in a process's directory that is removed when something could not be recorded: that takes no room. Without
/// it, and without an exit record, nobody knows what the child did at last.
pub fn whole_path(dir: &Path) -> PathBuf {
    dir.join("whole")
}

/// What the shim has to say about itself, in a process's directory.
pub fn log_path(dir: &Path) -> PathBuf {
    dir.join("shim.log")
}

//! *Where* a process runs. A runner starts a command line and gives its recorded lines, numbered by their position in
//! the spool; it knows nothing of Claude.

pub mod local;

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::clock::WallTime;
use crate::domain::ids::ProcessId;

/// What to run. Written as `launch.json` (0600) for the shim, so that nothing of it is in the shim's own arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// The program: an absolute path, or a name to find in the `PATH` of [`env`](Launch::env).
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its whole environment: nothing else is passed on.
    pub env: BTreeMap<String, String>,
    /// Its working directory.
    pub dir: PathBuf,
    /// A line longer than this (in bytes) is recorded as [`Record::TooLong`].
    pub line_bytes_max: usize,
    /// A shim without a daemon stops its child after this many seconds.
    pub orphan_secs_max: u64,
    /// The spool may grow to this many bytes; then the child is stopped.
    pub spool_bytes_max: u64,
}

/// A byte offset in the spool: where a record ends and the next begins. Grows, and survives restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

/// One thing that happened at the process, as the spool has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A line on stdout, without its newline. Not necessarily UTF-8.
    Out(Bytes),
    /// A line on stderr, without its newline.
    Err(Bytes),
    /// A line that was written to stdin, completely.
    In(Bytes),
    /// A line on stdout that was longer than the launch allows; its bytes are gone.
    TooLong {
        /// Its length in bytes.
        bytes: u64,
    },
    /// The process is over. The last record, exactly one.
    Exit(Exit),
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "exit", rename_all = "snake_case")]
pub enum Exit {
    /// It exited with this code.
    Code {
        /// The code.
        code: i32,
    },
    /// A signal killed it.
    Signal {
        /// The signal's number.
        signal: i32,
    },
    /// It could not be started.
    NotStarted {
        /// Why, as one of the kinds that people can do something about.
        kind: NotStarted,
        /// The operating system's words, for the log.
        error: String,
    },
    /// The shim is gone without an exit record (power, out of memory, a killed shim).
    Lost,
}

/// Why a process could not be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotStarted {
    /// The program is not there.
    ProgramMissing,
    /// The working directory is not there.
    DirectoryMissing,
    /// Anything else.
    Other,
}

/// A record with its place in the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Where the record ends: attach from here to get what comes after it.
    pub end: Position,
    /// When the shim recorded it.
    pub at: WallTime,
    /// What.
    pub record: Record,
}

/// A running (or just ended) process: its records out, lines and stops in. Dropping it does not end the process.
#[derive(Debug)]
pub struct Feed {
    /// Records in order. The channel is bounded; a slow reader slows nobody but itself, because the spool is a file.
    /// After [`Record::Exit`] it closes.
    pub records: mpsc::Receiver<Recorded>,
    /// The way in.
    pub control: Control,
}

/// The way in to a process. Cheap to clone. Once the process is over, calls do nothing.
#[derive(Debug, Clone)]
pub struct Control {
    /// To the task that holds the connection to the shim.
    pub(crate) commands: mpsc::Sender<Command>,
}

/// What a [`Control`] asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Write this line (without newline) to the child's stdin.
    Write {
        /// The line.
        line: String,
    },
    /// Close the child's stdin: it finishes what it does and exits.
    CloseInput,
    /// Climb the stop ladder (SIGINT, SIGTERM, SIGKILL, then every descendant).
    Stop,
}

impl Control {
    /// Writes a line to the process's stdin.
    pub async fn write(&self, line: String) {
        self.send(Command::Write { line }).await;
    }

    /// Closes the process's stdin, after which it finishes and exits.
    pub async fn close_input(&self) {
        self.send(Command::CloseInput).await;
    }

    /// Ends the process and all its descendants, politely first.
    pub async fn stop(&self) {
        self.send(Command::Stop).await;
    }

    async fn send(&self, command: Command) {
        // The receiver is gone only when the process is over, and then there is nothing left to ask of it.
        let _ = self.commands.send(command).await;
    }
}

/// Where processes run.
#[async_trait]
pub trait Runner: Send + Sync + 'static {
    /// Starts a process. That the program is missing and the like come as [`Exit::NotStarted`], through the feed.
    async fn start(&self, process: ProcessId, launch: &Launch) -> Result<Feed, RunnerError>;

    /// Attaches to a process that was started earlier, by this daemon or one before it, from a position on. A process
    /// that is over gives the rest of its spool, ending with its exit record or [`Exit::Lost`].
    async fn attach(&self, process: ProcessId, from: Position) -> Result<Feed, RunnerError>;

    /// Removes what is left of a process that is over (spool, socket). Does nothing if there is nothing.
    async fn forget(&self, process: ProcessId) -> Result<(), RunnerError>;
}

/// Why a runner could not do its part.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The directory or a file of the process could not be made, read or removed.
    #[error("failed to use the process directory")]
    Directory(#[source] std::io::Error),
    /// The shim could not be started, or ended before it was ready.
    #[error("failed to start the shim")]
    Shim(#[source] std::io::Error),
    /// The process is not known here.
    #[error("failed to find process {0}")]
    Unknown(ProcessId),
}

//! *Where* a process runs. A runner starts a command line and gives its recorded lines, numbered by their position in
//! the spool; it knows nothing of Claude.

mod follow;
pub mod local;

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::domain::ids::ProcessId;
pub use crate::process::{
    Command, Exit, Launch, NotStarted, Position, Record, Recorded, STOP_GRACE_MS, Stopping,
};

/// A running (or just ended) process: its records out, lines and stops in. Dropping it does not end the process.
#[derive(Debug)]
pub struct Feed {
    /// Records in order. The channel is bounded; a slow reader slows nobody but itself, because the spool is a file.
    /// After [`Record::Exit`] it closes.
    pub records: mpsc::Receiver<Recorded>,
    /// Where the spool ended when the feed was made: what is recorded up to here happened before.
    pub caught_up: Position,
    /// The way in.
    pub control: Control,
}

/// The way in to a process. Cheap to clone. Once the process is over, calls do nothing. A line counts as written when
/// its [`Record::In`] comes: one that was under way while its shim died may be lost.
#[derive(Debug, Clone)]
pub struct Control {
    /// To the task that holds the connection to the shim.
    pub(crate) commands: mpsc::Sender<Command>,
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

    /// Removes what is left of a process that is over (spool, socket). Does nothing if there is nothing. Waits a
    /// little for a shim that is just ending.
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
    /// The process is not over, so it cannot be forgotten.
    #[error("failed to forget process {0}, which still runs")]
    StillRunning(ProcessId),
}

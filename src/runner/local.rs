//! Runs processes on this machine, each under a shim of its own, so that they outlive the daemon.
//!
//! Nothing here sends a signal to a process number that it read somewhere: what is to be stopped is asked of the shim,
//! and whether a shim lives is asked of its lock.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command as Program};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;

use super::follow::Follower;
use super::{Control, Feed, Launch, Position, Runner, RunnerError};
use crate::clock::Clock;
use crate::domain::ids::ProcessId;
use crate::fail_point::{Point, pass};
use crate::process::cgroup;
use crate::process::launch::{launch_path, lock_path, log_path, spool_path};
use crate::process::shim::READY;
use crate::process::socket::is_open;

/// Whether each process gets a control group of its own here. It is tried.
pub fn has_control_groups() -> bool {
    cgroup::is_usable()
}

/// How long a shim may take until its socket listens: one that dies is noticed at once, so this is for one that hangs, or
/// for a machine that hardly has time.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// How long a shim may take to end: it serves its clients for two seconds at most after the exit record.
const ENDED_WITHIN: Duration = Duration::from_secs(10);

/// How many records may wait for the reader of a feed. A record may be as long as a line may be.
const RECORDS_MAX: usize = 16;

/// How many commands may wait for the connection to a shim.
const COMMANDS_MAX: usize = 16;

/// Runs processes on this machine. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LocalRunner {
    /// A directory for each process, named by its id.
    processes: PathBuf,
    shim_program: PathBuf,
    clock: Clock,
    /// One for each feed, and one for each shim that was started here, to reap it.
    tasks: TaskTracker,
}

impl LocalRunner {
    /// A runner that keeps its processes' directories below `state_dir`, and runs `shim_program shim DIR`. That is
    /// this binary, except in tests.
    pub fn new(state_dir: &Path, shim_program: PathBuf, clock: Clock) -> Self {
        let state_dir = std::path::absolute(state_dir).unwrap_or_else(|_| state_dir.to_path_buf());
        let processes = state_dir.join("processes");
        Self { processes, shim_program, clock, tasks: TaskTracker::new() }
    }

    /// The processes that have a directory here, running or over.
    pub async fn known(&self) -> Vec<ProcessId> {
        let mut found = Vec::new();
        let Ok(mut entries) = tokio::fs::read_dir(&self.processes).await else { return found };
        while let Ok(Some(entry)) = entries.next_entry().await {
            let name = entry.file_name();
            found.extend(name.to_str().and_then(|name| name.parse().ok()).map(ProcessId));
        }
        found
    }

    fn dir(&self, process: ProcessId) -> PathBuf {
        self.processes.join(process.to_string())
    }

    fn follow(&self, dir: PathBuf, from: Position) -> Feed {
        let (sender, records) = mpsc::channel(RECORDS_MAX);
        let (commands, receiver) = mpsc::channel(COMMANDS_MAX);
        let caught_up = Position(fs::metadata(spool_path(&dir)).map_or(0, |spool| spool.len()));
        let follower = Follower::new(dir, from, sender, receiver, self.clock);
        self.tasks.spawn(follower.run());
        Feed { records, caught_up, control: Control { commands } }
    }
}

#[async_trait]
impl Runner for LocalRunner {
    async fn start(&self, process: ProcessId, launch: &Launch) -> Result<Feed, RunnerError> {
        let dir = self.dir(process);
        let log = prepare(&self.processes, &dir, launch).map_err(RunnerError::Directory)?;
        let mut shim = Program::new(&self.shim_program);
        shim.arg("shim").arg(&dir).current_dir("/");
        // Empty, so that no secret of the daemon stands in the shim's environment.
        shim.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut shim = match shim.spawn() {
            Ok(shim) => shim,
            Err(error) => {
                remove(&dir).map_err(RunnerError::Directory)?;
                return Err(RunnerError::Shim(error));
            }
        };
        pass(Point::ShimSpawned).await;
        let ready = timeout(READY_WITHIN, wait_ready(&mut shim)).await;
        if let Err(error) = ready.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            return Err(RunnerError::Shim(abandon(shim, &dir, error).await));
        }
        self.tasks.spawn(async move {
            // How its child ended is in the spool; this only reaps the shim.
            if let Err(error) = shim.wait().await {
                tracing::warn!(%process, %error, "failed to wait for a shim");
            }
        });
        Ok(self.follow(dir, Position(0)))
    }

    async fn attach(&self, process: ProcessId, from: Position) -> Result<Feed, RunnerError> {
        let dir = self.dir(process);
        if !dir.is_dir() {
            return Err(RunnerError::Unknown(process));
        }
        Ok(self.follow(dir, from))
    }

    async fn forget(&self, process: ProcessId) -> Result<(), RunnerError> {
        let dir = self.dir(process);
        let deadline = Instant::now() + ENDED_WITHIN;
        while dir.is_dir() {
            match take_lock(&dir) {
                Ok(Some(_lock)) => return remove(&dir).map_err(RunnerError::Directory),
                Ok(None) if Instant::now() >= deadline || is_open(&dir).await => {
                    return Err(RunnerError::StillRunning(process));
                }
                Ok(None) => sleep(Duration::from_millis(10)).await,
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                Err(error) => return Err(RunnerError::Directory(error)),
            }
        }
        Ok(())
    }
}

/// The lock of a process's directory, if no shim holds it. While it is held here, none can start there.
pub(super) fn take_lock(dir: &Path) -> io::Result<Option<File>> {
    let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(lock_path(dir))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Makes the directory with the launch in it. Gives the file for what the shim has to say.
fn prepare(processes: &Path, dir: &Path, launch: &Launch) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(processes)?;
    DirBuilder::new().mode(0o700).create(dir)?;
    let new = |path| OpenOptions::new().append(true).create_new(true).mode(0o600).open(path);
    new(launch_path(dir))?.write_all(&serde_json::to_vec(launch)?)?;
    new(log_path(dir))
}

fn remove(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

async fn wait_ready(shim: &mut Child) -> io::Result<()> {
    let mut stdout = shim.stdout.take().expect("stdout is piped");
    let mut said = [0; READY.len()];
    stdout.read_exact(&mut said).await?;
    if said == *READY.as_bytes() { Ok(()) } else { Err(io::Error::other("the shim program is none")) }
}

/// Ends a shim that did not become ready, and removes its directory, which may hold keys. Gives the error with what
/// the shim said.
async fn abandon(mut shim: Child, dir: &Path, error: io::Error) -> io::Error {
    if let Some(pid) = shim.id().and_then(|pid| pid.try_into().ok()) {
        // Not reaped yet, so the number is its own. Not SIGKILL: it may have started its child by now.
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    }
    let _ = timeout(ENDED_WITHIN, shim.wait()).await;
    let said = fs::read_to_string(log_path(dir)).unwrap_or_default();
    if let Ok(Some(_lock)) = take_lock(dir) {
        let _ = remove(dir);
    }
    match said.trim() {
        "" => error,
        said => io::Error::other(format!("{error}: {said}")),
    }
}

//! The child: how it is started, and its three pipes. Nothing here waits for a reader of the spool.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::cgroup::Group;
use super::launch::{Launch, group_path};
use super::lines::{Line, Lines};
use super::record::{Exit, NotStarted, Record};
use super::recorder::Recorder;
use super::shim::log;
use super::step::Report;
use super::stop::{self, Rung};
use super::survivors;

/// Of a line on stderr, this many bytes are recorded.
const STDERR_LINE_BYTES_MAX: usize = 8 << 10;

/// Of stderr in total, this many bytes are recorded; the rest is counted.
const STDERR_BYTES_MAX: usize = 256 << 10;

/// A started child. Dropping it before it was [`reap`](Leash::reap)ed kills its group.
#[derive(Debug)]
pub(super) struct Leash {
    child: Child,
    pid: Pid,
    group: Option<Group>,
    reaped: bool,
}

/// The child's pipes.
#[derive(Debug)]
pub(super) struct Pipes {
    pub stdin: ChildStdin,
    pub stdout: ChildStdout,
    pub stderr: ChildStderr,
}

impl Leash {
    /// Starts the child in a process group of its own, with the environment of the launch and the mark of its
    /// [`survivors`], and in a control group where one can be made. To be called on the thread that lives as long as this process: the child dies with
    /// it.
    pub(super) fn start(dir: &Path, launch: &Launch) -> Result<(Self, Pipes), Exit> {
        let not_started = |error: &io::Error| Exit::NotStarted {
            kind: why_not_started(error, launch),
            error: error.to_string(),
        };
        let group = launch.control_group.then(|| make_group(dir)).flatten();
        let started = Self::spawn(dir, launch, group.clone());
        if let (Err(_), Some(group)) = (&started, group) {
            group.remove();
        }
        started.map_err(|error| not_started(&error))
    }

    fn spawn(dir: &Path, launch: &Launch, group: Option<Group>) -> io::Result<(Self, Pipes)> {
        let (report, mut command) = Report::command(dir, launch, group.as_ref())?;
        command.current_dir(&launch.dir).env_clear().envs(&launch.env);
        command.env(survivors::VARIABLE, survivors::value(dir)?);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0);
        let mut child = command.spawn()?;
        let pid = Pid::from_raw(child.id().try_into().expect("a process number is positive"));
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let mut leash = Self { child, pid, group, reaped: false };
        if let Err(error) = report.wait() {
            leash.child.wait()?;
            leash.reaped = true;
            return Err(error);
        }
        let pipes = Pipes {
            stdin: ChildStdin::from_std(stdin.expect("stdin is piped"))?,
            stdout: ChildStdout::from_std(stdout.expect("stdout is piped"))?,
            stderr: ChildStderr::from_std(stderr.expect("stderr is piped"))?,
        };
        Ok((leash, pipes))
    }

    /// Climbs a rung of the stop ladder.
    pub(super) fn send(&self, rung: Rung) {
        stop::send(rung, self.pid);
        if let (Rung::Kill, Some(group)) = (rung, &self.group) {
            group.kill();
        }
    }

    /// Kills whoever is left of its descendants. The child must have been reaped. Returns whether nobody is.
    pub(super) async fn sweep(&self) -> bool {
        if let Some(group) = &self.group {
            group.kill();
        }
        let swept = stop::sweep().await;
        match &self.group {
            Some(group) => group.end().await && swept,
            None => swept,
        }
    }

    /// Its process number, and its group's.
    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Kills what is left of its group, and takes its status. `None` if it is not dead.
    pub(super) fn reap(&mut self) -> Option<Exit> {
        self.send(Rung::Kill);
        let status = self.child.try_wait().ok().flatten()?;
        self.reaped = true;
        Some(exit_of(status))
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        if !self.reaped {
            self.send(Rung::Kill);
        }
    }
}

/// The child's control group, noted for a daemon that finds this shim dead. None where there can be none.
fn make_group(dir: &Path) -> Option<Group> {
    let group = Group::make(dir.file_name()?.to_str()?).ok()?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(group_path(dir));
    let noted = file.and_then(|mut file| file.write_all(group.dir().as_os_str().as_encoded_bytes()));
    if let Err(error) = noted {
        log(format_args!("failed to note the control group: {error}"));
    }
    Some(group)
}

fn why_not_started(error: &io::Error, launch: &Launch) -> NotStarted {
    // The kernel has one word for both.
    if !launch.dir.is_dir() {
        return NotStarted::DirectoryMissing;
    }
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => NotStarted::ProgramMissing,
        _ => NotStarted::Other,
    }
}

fn exit_of(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code { code },
        (None, Some(signal)) => Exit::Signal { signal },
        (None, None) => unreachable!("a status that was waited for is a code or a signal"),
    }
}

/// Records the lines on stdout until it ends or `enough` is cancelled.
pub(super) async fn record_stdout(
    stdout: ChildStdout,
    line_bytes_max: usize,
    recorder: Arc<Recorder>,
    enough: CancellationToken,
) {
    let lines = Lines::new(line_bytes_max);
    pump(stdout, lines, enough, |line| {
        recorder.record(&match line {
            Line::Whole(line) => Record::Out(Bytes::from(line)),
            Line::Long { bytes, .. } => Record::TooLong { bytes },
        });
    })
    .await;
}

/// Records the lines on stderr, up to a bound; reads it to its end in any case.
pub(super) async fn record_stderr(stderr: ChildStderr, recorder: Arc<Recorder>, enough: CancellationToken) {
    let lines = Lines::keeping_heads(STDERR_LINE_BYTES_MAX);
    let (mut room, mut dropped) = (STDERR_BYTES_MAX, 0);
    pump(stderr, lines, enough, |line| {
        let (head, bytes) = match line {
            Line::Whole(line) => (line, 0),
            Line::Long { head, bytes } => (head, bytes - STDERR_LINE_BYTES_MAX as u64),
        };
        dropped += bytes;
        if let Some(rest) = room.checked_sub(head.len() + 1) {
            room = rest;
            recorder.record(&Record::Err(Bytes::from(head)));
        } else {
            room = 0;
            dropped += head.len() as u64 + 1;
        }
    })
    .await;
    if dropped > 0 {
        recorder.record(&Record::Err(Bytes::from(format!("[{dropped} bytes more on stderr]"))));
    }
}

/// Writes lines to stdin, and records each when it is written. Closes stdin after the last.
pub(super) async fn write_stdin(
    mut stdin: ChildStdin,
    mut lines: mpsc::Receiver<String>,
    recorder: Arc<Recorder>,
) {
    while let Some(line) = lines.recv().await {
        let mut line = line.replace('\n', " ").into_bytes();
        line.push(b'\n');
        if let Err(error) = stdin.write_all(&line).await {
            log(format_args!("failed to write to the child: {error}"));
            return;
        }
        // Nothing is awaited between the write and this, so it stands before what the child says to it.
        line.pop();
        recorder.record(&Record::In(Bytes::from(line)));
    }
}

/// What a pipe holds at most (`pipe(7)`).
const PIPE_BYTES: usize = 64 << 10;

/// Reads lines until the end, or until `enough` is cancelled and what lay in the pipe by then is read.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut lines: Lines,
    enough: CancellationToken,
    mut each: impl FnMut(Line),
) {
    let (mut buffer, mut left) = (vec![0; 32 * 1024], PIPE_BYTES);
    loop {
        let read = tokio::select! {
            biased;
            read = from.read(&mut buffer) => read,
            () = enough.cancelled() => break,
        };
        let mut chunk = match read {
            Ok(0) => break,
            Ok(bytes) => {
                if enough.is_cancelled() {
                    left = left.saturating_sub(bytes);
                }
                &buffer[..bytes]
            }
            Err(error) => {
                log(format_args!("failed to read from the child: {error}"));
                break;
            }
        };
        while !chunk.is_empty() {
            if let Some(line) = lines.next(&mut chunk) {
                each(line);
            }
        }
        // Whoever fills it still is not listened to for ever.
        if left == 0 {
            break;
        }
        // A flood must not keep a stop waiting: ready pipes are read many times before the runtime intervenes.
        tokio::task::yield_now().await;
    }
    if let Some(line) = lines.finish() {
        each(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_lies_in_a_pipe_is_read_though_nobody_waits_for_more() {
        let (mut write, read) = tokio::io::duplex(PIPE_BYTES);
        let line = "x".repeat(99);
        let count = PIPE_BYTES / 100;
        write.write_all(format!("{line}\n").repeat(count).as_bytes()).await.unwrap();
        write.write_all(b"half").await.unwrap();
        let enough = CancellationToken::new();
        enough.cancel();
        let mut lines = Vec::new();
        // The pipe is held still.
        pump(read, Lines::new(100), enough.clone(), |line| lines.push(line)).await;
        assert_eq!(lines.len(), count + 1);
        assert_eq!(lines.last(), Some(&Line::Whole(b"half".to_vec())));
        // Whoever fills it for ever is not listened to for ever.
        pump(tokio::io::repeat(b'\n'), Lines::new(100), enough, |line| lines.push(line)).await;
        assert_eq!(lines.len(), count + 1 + PIPE_BYTES);
    }
}

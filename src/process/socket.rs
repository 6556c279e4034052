//! The way between a daemon and a shim: a Unix socket in the process's directory.
//!
//! A daemon says from where it wants the spool (one JSON line), then sends [`Command`]s (one JSON line each). It gets
//! the bytes of the spool from there on, as they are in the file and as they come. So the file is the only buffer: a
//! daemon that reads slowly, or not at all, costs the shim nothing.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::launch::Command;
use super::lines::{Line, Lines};
use super::record::Position;
use super::recorder::Progress;
use super::shim::log;
use super::spool::LINE_BYTES_LIMIT;

/// How long a client may take to say what it wants.
const HELLO_WITHIN: Duration = Duration::from_secs(5);

/// The first line of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Hello {
    /// Send the spool from here on.
    Attach { from: Position },
}

/// Connects to the shim of a process's directory, and asks for its spool from a position on.
pub async fn connect(dir: &Path, from: Position) -> io::Result<UnixStream> {
    let dir = File::open(dir)?;
    let mut stream = UnixStream::connect(short_path(&dir)).await?;
    stream.write_all(&json_line(&Hello::Attach { from })).await?;
    Ok(stream)
}

/// Whether a shim listens in a process's directory. Until its child's exit is recorded it does.
pub async fn is_open(dir: &Path) -> bool {
    let Ok(dir) = File::open(dir) else { return false };
    UnixStream::connect(short_path(&dir)).await.is_ok()
}

/// A command as it goes over the socket.
pub fn command_line(command: &Command) -> Vec<u8> {
    json_line(command)
}

/// Listens in a process's directory. Only who may enter the directory can connect.
pub(super) fn listen(dir: &Path) -> io::Result<UnixListener> {
    UnixListener::bind(short_path(&File::open(dir)?))
}

/// The socket's path by way of the open directory: the address of a socket holds 107 bytes, and the state directory
/// may have any length.
fn short_path(dir: &File) -> PathBuf {
    format!("/proc/self/fd/{}/socket", dir.as_raw_fd()).into()
}

fn json_line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).expect("strings and numbers are plain JSON");
    line.push(b'\n');
    line
}

/// What serving a client needs.
#[derive(Debug, Clone)]
pub(super) struct Hall {
    /// The spool, to read.
    pub spool: Arc<File>,
    /// How far it is.
    pub progress: watch::Receiver<Progress>,
    /// Where commands go.
    pub commands: mpsc::Sender<Command>,
    /// How many clients are attached.
    pub attached: watch::Sender<usize>,
}

impl Hall {
    /// Serves one client until it goes, or has the whole spool with its exit record.
    pub(super) async fn serve(mut self, stream: UnixStream) {
        let (read, write) = stream.into_split();
        let mut requests =
            Requests { read, lines: Lines::new(LINE_BYTES_LIMIT), buffer: Vec::new(), used: 0 };
        let Ok(Some(hello)) = timeout(HELLO_WITHIN, requests.next()).await else { return };
        let from = match serde_json::from_slice(&hello) {
            Ok(Hello::Attach { from }) => from,
            Err(error) => return log(format_args!("a client did not say from where: {error}")),
        };
        self.attached.send_modify(|count| *count += 1);
        let _gone = Leaving(self.attached.clone());
        let obey = async {
            while let Some(line) = requests.next().await {
                match serde_json::from_slice(&line) {
                    // The main loop takes commands until the process is over; then they mean nothing.
                    Ok(command) => drop(self.commands.send(command).await),
                    Err(error) => log(format_args!("a client sent no command: {error}")),
                }
            }
        };
        tokio::select! {
            () = obey => {}
            () = copy_spool(&self.spool, &mut self.progress, from, write) => {}
        }
    }
}

/// Counts a client out, however its task ends.
struct Leaving(watch::Sender<usize>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// Sends the spool from a position on, up to its exit record, as it grows. Returns when that is done, or the client
/// is gone.
async fn copy_spool(
    spool: &File,
    progress: &mut watch::Receiver<Progress>,
    from: Position,
    mut write: OwnedWriteHalf,
) {
    let mut buffer = vec![0; 64 * 1024];
    let mut at = from.0;
    loop {
        let Progress { end, over } = *progress.borrow_and_update();
        while at < end {
            let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(buffer.len());
            let got = match spool.read_at(&mut buffer[..wanted], at) {
                Ok(0) => return log(format_args!("the spool is shorter than it was")),
                Ok(got) => got,
                Err(error) => return log(format_args!("failed to read the spool: {error}")),
            };
            if write.write_all(&buffer[..got]).await.is_err() {
                return;
            }
            at += got as u64;
        }
        if over || progress.changed().await.is_err() {
            return;
        }
    }
}

/// The lines that a client sends.
struct Requests {
    read: OwnedReadHalf,
    lines: Lines,
    buffer: Vec<u8>,
    /// How much of the buffer has become lines.
    used: usize,
}

impl Requests {
    /// The next line; `None` when the client is gone.
    async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let mut chunk = &self.buffer[self.used..];
            let line = self.lines.next(&mut chunk);
            self.used = self.buffer.len() - chunk.len();
            match line {
                Some(Line::Whole(line)) => return Some(line),
                Some(Line::Long { bytes, .. }) => log(format_args!("a client's line has {bytes} bytes")),
                None => {
                    self.buffer.resize(16 * 1024, 0);
                    self.used = 0;
                    let read = self.read.read(&mut self.buffer).await.ok();
                    self.buffer.truncate(read.unwrap_or(0));
                    read.filter(|bytes| *bytes > 0)?;
                }
            }
        }
    }
}

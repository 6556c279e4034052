//! Follows one process of this machine: over the shim's socket while the shim lives, in the spool file once it is gone.

use std::fs;
use std::io::{self, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::local::take_lock;
use super::{Command, Exit, Position, Record, Recorded};
use crate::clock::Clock;
use crate::process::launch::{launch_path, spool_path, whole_path};
use crate::process::remains;
use crate::process::socket::{command_line, connect};
use crate::process::spool::Decoder;

/// How long to wait before a shim that lives but does not listen is tried again: it is just starting, or just ending.
const RETRY_AFTER: Duration = Duration::from_millis(20);

/// The task behind a feed. Ends after the exit record, or when the feed and all its controls are gone.
#[derive(Debug)]
pub(super) struct Follower {
    dir: PathBuf,
    /// Where the last record that was passed on ends.
    position: Position,
    records: mpsc::Sender<Recorded>,
    commands: mpsc::Receiver<Command>,
    clock: Clock,
}

/// Why following ended, or must go on another way.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The exit record was passed on.
    Over,
    /// Nobody reads the records any more.
    Unread,
    /// Nobody can send commands any more.
    Uncontrolled,
    /// The connection, or the file, ended without an exit record.
    Short,
}

impl Follower {
    pub(super) fn new(
        dir: PathBuf,
        from: Position,
        records: mpsc::Sender<Recorded>,
        commands: mpsc::Receiver<Command>,
        clock: Clock,
    ) -> Self {
        Self { dir, position: from, records, commands, clock }
    }

    pub(super) async fn run(mut self) {
        loop {
            if let Ok(stream) = connect(&self.dir, self.position).await
                && self.follow_socket(stream).await != End::Short
            {
                return;
            }
            match take_lock(&self.dir) {
                Ok(Some(_lock)) => return self.follow_file().await,
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return self.lost().await,
                Err(error) => tracing::warn!(dir = %self.dir.display(), %error, "failed to ask for the shim"),
            }
            tokio::select! {
                () = sleep(RETRY_AFTER) => {}
                () = self.records.closed() => return,
            }
        }
    }

    /// Passes records and commands on, until there is a reason to stop.
    async fn follow_socket(&mut self, stream: UnixStream) -> End {
        let (read, mut write) = stream.into_split();
        let Self { position, records, commands, clock, .. } = self;
        let reading = pass_on(read, position, records, *clock);
        // Borrows the writing half: to drop it would say that this client is gone.
        let writing = async {
            while let Some(command) = commands.recv().await {
                if write.write_all(&command_line(&command)).await.is_err() {
                    return End::Short;
                }
            }
            End::Uncontrolled
        };
        tokio::pin!(reading, writing);
        tokio::select! {
            end = &mut reading => if end == End::Unread { writing.await } else { end },
            end = &mut writing => if end == End::Uncontrolled { reading.await } else { end },
        }
    }

    /// Passes the rest of the spool on. The lock must be held here, so that no late shim starts after the loss was told.
    async fn follow_file(mut self) {
        // Whoever writes to a process that is over must not wait for somebody who takes it.
        self.commands.close();
        // Left by a start that was cut short. Without it no shim can start there.
        let _ = fs::remove_file(launch_path(&self.dir));
        let end = match tokio::fs::File::open(spool_path(&self.dir)).await {
            Ok(mut spool) => match spool.seek(SeekFrom::Start(self.position.0)).await {
                Ok(_) => pass_on(spool, &mut self.position, &self.records, self.clock).await,
                Err(_) => End::Short,
            },
            Err(_) => End::Short,
        };
        if end == End::Short {
            // The shim did not come to it.
            if !remains::end(&self.dir).await {
                tracing::warn!(dir = %self.dir.display(), "something that a dead shim left does not die");
            }
            self.lost().await;
        }
    }

    async fn lost(self) {
        let whole = whole_path(&self.dir).exists() || !spool_path(&self.dir).exists();
        for record in [(!whole).then_some(Record::Gap), Some(Record::Exit(Exit::Lost))].into_iter().flatten()
        {
            // If nobody reads it, nobody has to know.
            let _ = self.records.send(Recorded { end: self.position, at: self.clock.wall(), record }).await;
        }
    }
}

/// Passes the records of a spool on, from a position on.
async fn pass_on(
    mut from: impl AsyncRead + Unpin,
    position: &mut Position,
    records: &mpsc::Sender<Recorded>,
    clock: Clock,
) -> End {
    let mut decoder = Decoder::new(*position);
    loop {
        let read = tokio::select! {
            read = from.read_buf(decoder.buffer()) => read,
            () = records.closed() => return End::Unread,
        };
        if !matches!(read, Ok(1..)) {
            return End::Short;
        }
        while let Some(record) = decoder.next() {
            match record {
                Ok(recorded) => {
                    *position = recorded.end;
                    let over = matches!(recorded.record, Record::Exit(_));
                    // The shim knows this machine's clock alone.
                    let recorded = Recorded { at: clock.at_machine(recorded.at), ..recorded };
                    if records.send(recorded).await.is_err() {
                        return End::Unread;
                    }
                    if over {
                        return End::Over;
                    }
                }
                Err(error) => {
                    *position = decoder.position();
                    tracing::warn!(%error, end = position.0, "passed over a bad record in a spool");
                }
            }
        }
    }
}

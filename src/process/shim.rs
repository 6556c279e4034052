//! The shim: the small process between the daemon and one CLI. It owns the CLI's pipes, its group and every
//! descendant, writes the spool, and serves it to whichever daemon there is. It waits for none.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::child::{Leash, Pipes, record_stderr, record_stdout, write_stdin};
use super::launch::{Command, Launch, launch_path, lock_path, spool_path, whole_path};
use super::record::{Exit, Record, Stopping, VERSION};
use super::recorder::Recorder;
use super::socket::{Hall, listen};
use super::spool::{LINE_BYTES_LIMIT, Spool};
use super::stop::{self, Ladder, Rung};
use crate::clock::Clock;

/// What the shim prints on its stdout once its socket listens.
pub const READY: &str = "ready\n";

/// How long to wait for the end of stdout after the child's exit: a grandchild may hold it for ever (RELIABILITY F14).
const DRAIN_FOR: Duration = Duration::from_millis(250);

/// How long clients may take for the rest of the spool. A slower one reads the file.
const SERVE_FOR: Duration = Duration::from_secs(2);

/// How many lines may wait for the child to read them. More are refused.
const STDIN_LINES_MAX: usize = 256;

/// How many clients are served at a time. There is one daemon, and perhaps the remains of the one before.
const CLIENTS_MAX: usize = 8;

/// Runs the shim of a process's directory. To be called before this process opens anything or starts a thread.
pub fn run(dir: &Path) -> ExitCode {
    close_inherited();
    match supervise(dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err((what, error)) => {
            log(format_args!("failed to {what}: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Says something into the shim's log, which is its stderr. There is no other place for it.
pub(super) fn log(message: std::fmt::Arguments<'_>) {
    // Nobody is left to hear of a failure, and the child is worth more than its log.
    let _ = writeln!(io::stderr(), "{message}");
}

type Failed = (&'static str, io::Error);

fn to(what: &'static str) -> impl Fn(io::Error) -> Failed {
    move |error| (what, error)
}

fn supervise(dir: &Path) -> Result<(), Failed> {
    // Fails only where it leads a session already, as when a shell started it.
    let _ = nix::unistd::setsid();
    nix::sys::prctl::set_child_subreaper(true).map_err(|error| ("adopt orphans", error.into()))?;
    nix::sys::prctl::set_no_new_privs().map_err(|error| ("give up privileges", error.into()))?;
    // No umask: the child would inherit it, and make files in the project that nobody else may read.

    let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(lock_path(dir));
    let lock = lock.map_err(to("open the lock"))?;
    lock.try_lock().map_err(|error| ("take the lock", error.into()))?;
    let launch = take_launch(dir).map_err(to("read the launch"))?;
    let spool = Spool::create(&spool_path(dir)).map_err(to("make the spool"))?;
    let reading = File::open(spool_path(dir)).map_err(to("open the spool"))?;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(to("start the runtime"))?.block_on(async {
        let recorder = Recorder::new(spool, whole_path(dir), launch.spool_bytes_max, Clock::start());
        let recorder = recorder.map_err(to("make a file"))?;
        recorder.record(&Record::Version(VERSION));
        let shim = Shim::new(dir, Arc::new(recorder), reading).map_err(to("listen"))?;
        // If nobody waits for it any more, the next daemon attaches.
        let _ = io::stdout().write_all(READY.as_bytes()).and_then(|()| io::stdout().flush());
        shim.run(dir, &launch).await;
        Ok(())
    })
    // The lock is held to here.
}

/// Reads the launch and removes it: it may hold keys, and without it no shim can start here again.
fn take_launch(dir: &Path) -> io::Result<Launch> {
    let path = launch_path(dir);
    let mut launch: Launch = serde_json::from_slice(&fs::read(&path)?)?;
    fs::remove_file(&path)?;
    launch.line_bytes_max = launch.line_bytes_max.min(LINE_BYTES_LIMIT);
    Ok(launch)
}

/// Closes everything above stderr. What this process opens itself closes on exec.
fn close_inherited() {
    let Ok(entries) = fs::read_dir("/proc/self/fd") else { return };
    let open: Vec<i32> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        // One of them was the directory, which is closed by now.
        let _ = nix::unistd::close(descriptor);
    }
}

/// A shim with its socket, before or after its child.
struct Shim {
    recorder: Arc<Recorder>,
    listener: UnixListener,
    hall: Hall,
    clients: JoinSet<()>,
    commands: mpsc::Receiver<Command>,
    signals: Signals,
}

struct Signals {
    child: Signal,
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// What wakes the main loop.
enum Event {
    /// Some child ended.
    ChildEnded,
    /// A client asks for something.
    Command(Command),
    /// The process has to end: asked by a signal, alone for too long, or its spool is full.
    Stop(Stopping),
    /// The next rung of the ladder is due.
    Rung,
    /// A client came or went.
    Attached(usize),
}

impl Shim {
    fn new(dir: &Path, recorder: Arc<Recorder>, spool: File) -> io::Result<Self> {
        let (sender, commands) = mpsc::channel(16);
        let hall = Hall {
            spool: Arc::new(spool),
            progress: recorder.progress(),
            commands: sender,
            attached: watch::Sender::new(0),
        };
        let signals = Signals {
            child: signal(SignalKind::child())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        };
        Ok(Self { recorder, listener: listen(dir)?, hall, clients: JoinSet::new(), commands, signals })
    }

    async fn run(mut self, dir: &Path, launch: &Launch) {
        let exit = match Leash::start(dir, launch) {
            Ok((leash, pipes)) => self.keep(leash, pipes, launch).await,
            Err(exit) => exit,
        };
        self.recorder.exit(exit);
        // Who has seen the exit record finds no socket any more, only the file.
        drop(self.listener);
        let served = async { while self.clients.join_next().await.is_some() {} };
        if timeout(SERVE_FOR, served).await.is_err() {
            log(format_args!("a client is slow; it finds the rest in the spool"));
        }
    }

    /// From the child's start to the death of the last descendant.
    async fn keep(&mut self, mut leash: Leash, pipes: Pipes, launch: &Launch) -> Exit {
        let enough = CancellationToken::new();
        let mut readers = JoinSet::new();
        let recorder = || Arc::clone(&self.recorder);
        readers.spawn(record_stdout(pipes.stdout, launch.line_bytes_max, recorder(), enough.clone()));
        readers.spawn(record_stderr(pipes.stderr, recorder(), enough.clone()));
        let (stdin, lines) = mpsc::channel(STDIN_LINES_MAX);
        let mut writer = JoinSet::new();
        writer.spawn(write_stdin(pipes.stdin, lines, recorder()));

        self.attend(&leash, launch, stdin).await;

        writer.shutdown().await;
        let drain = async |readers: &mut JoinSet<()>| {
            timeout(DRAIN_FOR, async { while readers.join_next().await.is_some() {} }).await.is_ok()
        };
        let drained = drain(&mut readers).await;
        // Not before: the number of a child that is dead but not reaped still names its group, and nobody else's.
        let exit = leash.reap();
        if !leash.sweep().await {
            log(format_args!("some descendants do not die"));
        }
        if !drained && !drain(&mut readers).await {
            // Somebody who is no descendant holds a pipe.
            enough.cancel();
            drain(&mut readers).await;
        }
        exit.unwrap_or(Exit::Signal { signal: nix::sys::signal::Signal::SIGKILL as i32 })
    }

    /// The main loop: until the child is dead, or will never run again.
    async fn attend(&mut self, leash: &Leash, launch: &Launch, stdin: mpsc::Sender<String>) {
        let mut stdin = Some(stdin);
        let mut ladder = Ladder::new(Duration::from_millis(launch.stop_grace_ms));
        let orphan_for = Duration::from_secs(launch.orphan_secs_max);
        let mut orphan_at = Some(Instant::now() + orphan_for);
        let mut attached = self.hall.attached.subscribe();
        while !stop::is_dead(leash.pid()) {
            match self.next_event(&ladder, orphan_at, &mut attached).await {
                Event::ChildEnded => stop::reap_orphans(leash.pid()),
                Event::Command(Command::Stop) => self.stop(Stopping::Asked, &mut ladder),
                Event::Command(Command::Write { line }) => {
                    // Never waits: a stop may come behind it.
                    if stdin.as_ref().is_none_or(|stdin| stdin.try_send(line).is_err()) {
                        log(format_args!("a line for the child is refused: its stdin is closed, or full"));
                    }
                }
                Event::Command(Command::CloseInput) => stdin = None,
                Event::Stop(why) => {
                    log(format_args!("stopping: {}", why.word()));
                    self.stop(why, &mut ladder);
                }
                Event::Rung => match ladder.climb(Instant::now()) {
                    Some(Rung::GiveUp) => return log(format_args!("the child does not die")),
                    Some(rung) => leash.send(rung),
                    None => {}
                },
                Event::Attached(0) => orphan_at = Some(Instant::now() + orphan_for),
                Event::Attached(_) => orphan_at = None,
            }
        }
    }

    /// Begins to stop the child, and says so.
    fn stop(&self, why: Stopping, ladder: &mut Ladder) {
        if !ladder.has_begun() {
            self.recorder.record(&Record::Stopping(why));
        }
        ladder.begin(Instant::now());
    }

    async fn next_event(
        &mut self,
        ladder: &Ladder,
        orphan_at: Option<Instant>,
        attached: &mut watch::Receiver<usize>,
    ) -> Event {
        loop {
            let stopping = ladder.has_begun();
            let far = Instant::now() + Duration::from_hours(24);
            tokio::select! {
                biased;
                _ = self.signals.child.recv() => return Event::ChildEnded,
                () = sleep_until(ladder.due().unwrap_or(far)), if stopping => return Event::Rung,
                _ = self.signals.terminate.recv() => return Event::Stop(Stopping::Told),
                _ = self.signals.interrupt.recv() => return Event::Stop(Stopping::Told),
                // A terminal that closes is none of a turn's business.
                _ = self.signals.hangup.recv() => {}
                () = self.recorder.full().cancelled(), if !stopping => {
                    return Event::Stop(self.recorder.why_full());
                }
                _ = attached.changed() => return Event::Attached(*attached.borrow_and_update()),
                () = sleep_until(orphan_at.unwrap_or(far)), if orphan_at.is_some() && !stopping => {
                    return Event::Stop(Stopping::Alone);
                }
                Some(command) = self.commands.recv() => return Event::Command(command),
                Some(_) = self.clients.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) if self.clients.len() < CLIENTS_MAX => {
                        self.clients.spawn(self.hall.clone().serve(stream));
                    }
                    Ok(_) => log(format_args!("too many clients")),
                    Err(error) => {
                        log(format_args!("failed to accept a client: {error}"));
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
    }
}

//! The built binary as a process.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use switchboard::fail_point::BUILT_IN;
use switchboard::playground::discord::PATIENCE;

use crate::support::not_tested;

/// A running `switchboard`. Dropping it kills it; shims and CLIs that it started are ended by their own stage.
pub struct Bot {
    child: Option<Child>,
    /// What it prints on stdout and stderr. It is read while it runs: what nobody reads it would keep, or wait for.
    printed: Option<[JoinHandle<Vec<u8>>; 2]>,
    state_dir: std::path::PathBuf,
}

/// What the binary is started with besides its arguments.
#[derive(Debug, Default, Clone)]
pub struct Around {
    /// Variables of its own environment.
    pub env: Vec<(String, String)>,
    /// The words before the program, e.g. `setpriv …`; it has to become the program (`exec`).
    pub wrapper: Vec<String>,
}

/// How a process ended.
#[derive(Debug)]
pub struct Exit {
    /// Its exit code; none: a signal.
    pub code: Option<i32>,
    /// What it printed on stdout.
    pub stdout: String,
    /// What it printed on stderr.
    pub stderr: String,
}

/// The binary that was built with these tests.
const BUILT: &str = env!("CARGO_BIN_EXE_switchboard");
/// The variables that only a build for tests hears: where to die, and what the machine is like.
const FOR_TESTS: [&str; 2] = ["FAIL_AT", "MACHINE_AT"];

/// The binary under test: the one that was built with these tests, or another that `SWITCHBOARD_BIN` names.
pub fn program() -> String {
    std::env::var("SWITCHBOARD_BIN").unwrap_or_else(|_| BUILT.to_owned())
}

/// The binary that hears [`FOR_TESTS`]: the one that was built with these tests, or another that
/// `SWITCHBOARD_FAIL_POINTS_BIN` names.
fn program_for_tests() -> String {
    std::env::var("SWITCHBOARD_FAIL_POINTS_BIN").unwrap_or_else(|_| BUILT.to_owned())
}

/// Whether the binary that was built with these tests hears what only a build for tests does. Where it does not the test
/// has to return: that is said, and on CI it is a failure.
pub fn hears_tests() -> bool {
    if !BUILT_IN {
        not_tested("this build hears no fail point; `--features fail-points` gives them to a release build");
    }
    BUILT_IN
}

impl Bot {
    /// Starts the binary with these arguments and this configuration, and nothing of the test's environment but `PATH`.
    pub fn start(config: &Path, args: &[&str], around: &Around) -> Self {
        let told = around.env.iter().any(|(name, _)| FOR_TESTS.contains(&name.as_str()));
        let program = if told { program_for_tests() } else { program() };
        let words: Vec<String> = around.wrapper.iter().cloned().chain([program]).collect();
        let mut child = Command::new(&words[0])
            .args(&words[1..])
            .args(args)
            .arg("--config")
            .arg(config)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(around.env.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let state_dir = config.parent().expect("the configuration lies in the stage").join("state");
        let printed = Some([read_all(child.stdout.take()), read_all(child.stderr.take())]);
        Self { child: Some(child), printed, state_dir }
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        let child = self.child.as_ref().expect("it was not ended");
        i32::try_from(child.id()).expect("a process id fits")
    }

    /// Whether it has ended, without waiting.
    pub fn is_over(&mut self) -> bool {
        let child = self.child.as_mut().expect("it was not ended");
        child.try_wait().expect("its status").is_some()
    }

    /// Kills it at once, as a power cut for this process.
    pub fn kill(mut self) {
        self.signal(Signal::SIGKILL);
        self.wait();
    }

    /// Asks it to stop, and waits for its end.
    pub fn stop(self) -> Exit {
        self.signal(Signal::SIGTERM);
        self.end()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Exit {
        let status = Watched(self.child.take()).wait();
        let [stdout, stderr] = self.printed.take().expect("it was not ended");
        let text = |reader: JoinHandle<Vec<u8>>| {
            String::from_utf8_lossy(&reader.join().expect("it is read")).into_owned()
        };
        Exit { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).expect("the signal is sent");
    }

    fn wait(&mut self) {
        let mut watched = Watched(self.child.take());
        watched.wait();
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            if std::thread::panicking() {
                let log = self.state_dir.join("logs/switchboard.log");
                let log = std::fs::read_to_string(log).unwrap_or_default();
                let lines: Vec<_> = log.lines().rev().take(60).collect();
                eprintln!("--- the end of the bot's log");
                lines.iter().rev().for_each(|line| eprintln!("{line}"));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Reads all that a process prints.
fn read_all(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    let mut pipe = pipe.expect("it is a pipe");
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("it can be read");
        bytes
    })
}

/// A child that is killed if it does not end in time.
struct Watched(Option<Child>);

impl Watched {
    fn wait(&mut self) -> ExitStatus {
        let child = self.0.as_mut().expect("it is there");
        let deadline = Instant::now() + *PATIENCE;
        loop {
            if let Some(status) = child.try_wait().expect("its status") {
                return status;
            }
            if Instant::now() > deadline {
                let _ = child.kill();
                panic!("the process did not end within {:?}", *PATIENCE);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

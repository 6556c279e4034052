//! Is the CLI there, which version is it, and whose credentials has it? Costs no API call. For `doctor`, the start of the
//! bot and the lists behind `/model`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

use super::dialogue::{CliInfo, Dialogue, Step};
use super::wire::outgoing::initialize_line;
use crate::runner::Record;

/// The least version that works: the first that tells what its hooks decided (`--include-hook-events`).
pub const VERSION_MIN: Version = Version { major: 2, minor: 1, patch: 89 };

/// How long one question to the CLI may take. It starts in half a second, in two under load.
const ANSWER_SECS_MAX: u64 = 20;

/// What the CLI is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Its version.
    pub version: Version,
    /// What it says of itself.
    pub info: CliInfo,
}

/// A version of the CLI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second.
    pub minor: u32,
    /// The third.
    pub patch: u32,
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl Version {
    /// Reads `2.1.197 (Claude Code)`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split_whitespace().next()?.split('.').map(|number| {
            let digits = number.split_once('-').map_or(number, |(digits, _)| digits);
            digits.parse::<u32>().ok()
        });
        let version = Version { major: numbers.next()??, minor: numbers.next()??, patch: numbers.next()?? };
        Some(version)
    }

    /// Whether this project works with it.
    pub fn is_supported(self) -> bool {
        self >= VERSION_MIN
    }
}

/// Why nothing is known of the CLI.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The program is not there.
    #[error("failed to find the program {0:?}")]
    Missing(String),
    /// It could not be started, or talked to.
    #[error("failed to run the program")]
    Io(#[source] std::io::Error),
    /// It printed something else.
    #[error("failed to read a version from {0:?}")]
    NoVersion(String),
    /// It did not answer in time.
    #[error("failed to get an answer within {0} s")]
    Silent(u64),
    /// It is older than [`VERSION_MIN`], and was asked nothing more.
    #[error("failed to use version {0}: {VERSION_MIN} or later is needed")]
    TooOld(Version),
    /// It ended without an answer.
    #[error("failed to get an answer: the program ended")]
    Ended,
}

/// Asks the CLI for its version and its lists. One that is too old is not asked for these. `env` is its whole environment.
pub async fn probe(program: &str, env: &BTreeMap<String, String>, dir: &Path) -> Result<Probe, ProbeError> {
    let version = version(program, env, dir).await?;
    if !version.is_supported() {
        return Err(ProbeError::TooOld(version));
    }
    let info = info(program, env, dir).await?;
    Ok(Probe { version, info })
}

/// Asks the CLI for its version alone.
pub async fn version(
    program: &str,
    env: &BTreeMap<String, String>,
    dir: &Path,
) -> Result<Version, ProbeError> {
    let mut child = Group::start(program, &["--version"], env, dir)?;
    in_time(async {
        let mut text = Vec::new();
        let stdout = child.0.stdout.take().ok_or(ProbeError::Ended)?;
        stdout.take(4096).read_to_end(&mut text).await.map_err(ProbeError::Io)?;
        let text = String::from_utf8_lossy(&text).trim().to_owned();
        Version::parse(&text).ok_or(ProbeError::NoVersion(text))
    })
    .await
}

async fn info(program: &str, env: &BTreeMap<String, String>, dir: &Path) -> Result<CliInfo, ProbeError> {
    const ARGS: &[&str] = &[
        "-p",
        "--input-format=stream-json",
        "--output-format=stream-json",
        "--verbose",
        "--no-session-persistence",
    ];
    let mut child = Group::start(program, ARGS, env, dir)?;
    in_time(async {
        let (Some(mut stdin), Some(stdout)) = (child.0.stdin.take(), child.0.stdout.take()) else {
            return Err(ProbeError::Ended);
        };
        let mut dialogue = Dialogue::new();
        let line = initialize_line("probe", None);
        stdin.write_all(format!("{line}\n").as_bytes()).await.map_err(ProbeError::Io)?;
        dialogue.read(&Record::In(Bytes::from(line)));
        let mut lines = BufReader::new(stdout.take(super::launch::LINE_BYTES_MAX as u64)).split(b'\n');
        while let Some(line) = lines.next_segment().await.map_err(ProbeError::Io)? {
            for step in dialogue.read(&Record::Out(Bytes::from(line))) {
                if let Step::Info(info) = step {
                    return Ok(info);
                }
            }
        }
        Err(ProbeError::Ended)
    })
    .await
}

async fn in_time<T>(answer: impl Future<Output = Result<T, ProbeError>>) -> Result<T, ProbeError> {
    let answer = tokio::time::timeout(Duration::from_secs(ANSWER_SECS_MAX), answer);
    answer.await.unwrap_or(Err(ProbeError::Silent(ANSWER_SECS_MAX)))
}

/// A child in a process group of its own. Dropping it kills the whole group.
struct Group(Child);

impl Group {
    fn start(
        program: &str,
        args: &[&str],
        env: &BTreeMap<String, String>,
        dir: &Path,
    ) -> Result<Self, ProbeError> {
        let child = Command::new(program)
            .args(args)
            .env_clear()
            .envs(env)
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        match child {
            Ok(child) => Ok(Self(child)),
            // A missing directory gives the same error.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && dir.is_dir() => {
                Err(ProbeError::Missing(program.to_owned()))
            }
            Err(error) => Err(ProbeError::Io(error)),
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // `id` is there until the child was reaped, so the group is still ours.
        if let Some(pid) = self.0.id().and_then(|pid| i32::try_from(pid).ok()) {
            let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

#[cfg(test)]
mod tests;

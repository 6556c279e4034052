//! The step between the shim and its child: this same binary, for a moment, as the child's process before it becomes the
//! child.
//!
//! What must hold for the child from its first instruction on is done here, by itself: it dies with its shim, it leaves
//! its number behind for a daemon that finds the shim dead, and it is in its control group. Nothing of that can be done
//! from outside without a moment in which it does not hold.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid, pipe2};

use super::cgroup::Group;
use super::identity::Identity;
use super::launch::{Launch, child_path};

/// The first argument of this binary when it is this step.
pub const ARGUMENT: &str = "become";

/// Where the kernel has this binary, also after an upgrade has replaced the file.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// The way back of a step that fails. Closed by the exec that succeeds.
#[derive(Debug)]
pub(super) struct Report {
    read: OwnedFd,
    write: OwnedFd,
}

impl Report {
    /// A command that becomes the launch's program. `group`: where it goes first.
    pub(super) fn command(dir: &Path, launch: &Launch, group: Option<&Group>) -> io::Result<(Self, Command)> {
        let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
        // The only descriptor that this process lets others have. It has one thread, so only the step can get it.
        fcntl(&write, FcntlArg::F_SETFD(FdFlag::empty()))?;
        let mut command = Command::new(OWN_PROGRAM);
        command.arg(ARGUMENT).arg(std::process::id().to_string()).arg(write.as_raw_fd().to_string());
        command.arg(child_path(dir)).arg(group.map_or(Path::new(""), Group::dir));
        command.arg(&launch.program).args(&launch.args);
        Ok((Self { read, write }, command))
    }

    /// Waits until the step has become the program, or says why it could not.
    pub(super) fn wait(self) -> io::Result<()> {
        drop(self.write);
        let mut said = String::new();
        fs::File::from(self.read).read_to_string(&mut said)?;
        match said.trim().parse() {
            Ok(number) => Err(io::Error::from_raw_os_error(number)),
            Err(_) => Ok(()),
        }
    }
}

/// The words after [`ARGUMENT`].
struct Words {
    shim: Pid,
    report: i32,
    child: PathBuf,
    group: PathBuf,
    program: OsString,
    args: Vec<OsString>,
}

impl Words {
    fn read(mut words: impl Iterator<Item = OsString>) -> Option<Self> {
        let mut number = || words.next()?.to_str()?.parse::<i32>().ok();
        let (shim, report) = (Pid::from_raw(number()?), number()?);
        let (child, group) = (words.next()?.into(), words.next()?.into());
        Some(Self { shim, report, child, group, program: words.next()?, args: words.collect() })
    }
}

/// Becomes the program that the words name. Returns only when that fails. To be called before this process starts a
/// thread.
pub fn run(words: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(words) = Words::read(words) else { return ExitCode::FAILURE };
    // Opened again, because what is opened here closes on exec.
    let report = OpenOptions::new().write(true).open(format!("/proc/self/fd/{}", words.report));
    let Ok(mut report) = report else { return ExitCode::FAILURE };
    let _ = nix::unistd::close(words.report);
    let failed =
        prepare(&words).err().unwrap_or_else(|| Command::new(&words.program).args(&words.args).exec());
    let number = failed.raw_os_error().unwrap_or(nix::libc::EIO);
    // Nobody is left to hear of a failure.
    let _ = write!(report, "{number}");
    ExitCode::FAILURE
}

fn prepare(words: &Words) -> io::Result<()> {
    // It holds across the exec, and fires when the thread ends that began this process: the shim's only one
    // (RELIABILITY F20).
    set_pdeathsig(Signal::SIGKILL)?;
    if getppid() != words.shim {
        // It ended before that. Whoever adopted this process knows nothing of it.
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    // A core of the CLI holds keys and conversations, and a project is no place for it.
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    if !words.group.as_os_str().is_empty() {
        // Without it the shim's hunt for descendants is left, as on hosts that have no groups.
        let _ = Group::at(words.group.clone()).enter();
    }
    let identity = Identity::of(std::process::id())?;
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&words.child)?;
    file.write_all(identity.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_no_step() {
        let words = ["1", "2", "/child", "", "claude", "-p"].map(OsString::from);
        let read = Words::read(words.clone().into_iter()).unwrap();
        assert_eq!((read.program, read.args), ("claude".into(), vec!["-p".into()]));
        for count in 0..5 {
            assert!(Words::read(words.clone().into_iter().take(count)).is_none(), "{count}");
        }
    }
}

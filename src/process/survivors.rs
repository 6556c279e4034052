//! Who is left of a child whose shim was killed, where there is no control group that would tell (`cgroup.rs`).
//!
//! A killed shim takes its child with it and nobody else: what the child began goes to init, with a parent, a group and a
//! session that say nothing. But each child has a variable that names its process's directory, and whatever it runs
//! inherits that. Who cleared its environment is not found; only a control group reaches those.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

/// The variable in the environment of a child, and of whatever it runs: its process's directory.
pub const VARIABLE: &str = "SWITCHBOARD_PROCESS";

/// How long they are hunted at most.
const END_WITHIN: Duration = Duration::from_secs(10);

/// So many looks in a row must find nobody. One may miss a process that is just becoming another program, or whose
/// number is lower than that of the parent which it was just forked from.
const LOOKS: u32 = 2;

/// The value of [`VARIABLE`] for a child of this directory: the same for every way to spell it.
pub fn value(dir: &Path) -> io::Result<OsString> {
    Ok(fs::canonicalize(dir)?.into())
}

/// Kills everybody whose environment names this directory, and waits until nobody is left. Whether that is done.
pub async fn end(dir: &Path) -> bool {
    let Ok(value) = value(dir) else { return false };
    let wanted: Arc<[u8]> = [VARIABLE.as_bytes(), b"=", value.as_bytes()].concat().into();
    let hunt = async {
        let mut in_vain = 0;
        while in_vain < LOOKS {
            let wanted = Arc::clone(&wanted);
            let found = spawn_blocking(move || kill_all(&wanted)).await.unwrap_or(true);
            in_vain = if found { 0 } else { in_vain + 1 };
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(END_WITHIN, hunt).await.is_ok()
}

/// Sends SIGKILL to every process that has this in its environment. Whether there was one.
fn kill_all(wanted: &[u8]) -> bool {
    let Ok(entries) = fs::read_dir("/proc") else { return true };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    // A daemon that a turn has started by hand has the mark of that turn's process.
    let pids = pids.filter_map(Pid::from_raw).filter(|pid| *pid != getpid());
    // Each of them, not up to the first.
    pids.filter(|pid| has(*pid, wanted) && kill(*pid, wanted)).count() > 0
}

/// Whether a process has this in its environment. Another user's cannot be read, and a zombie has none.
fn has(pid: Pid, wanted: &[u8]) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| variable == wanted)
}

/// Kills a process that was found by its number, unless the number has become another's. Whether it may still live.
fn kill(pid: Pid, wanted: &[u8]) -> bool {
    let killed = pidfd_open(pid, PidfdFlags::empty()).and_then(|held| {
        // Looked at again: from here on the signal is for the one that is looked at, or for nobody.
        if has(pid, wanted) { pidfd_send_signal(held, Signal::KILL) } else { Err(Errno::SRCH) }
    });
    killed != Err(Errno::SRCH)
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    fn sleeper(value: impl AsRef<std::ffi::OsStr>) -> Child {
        let mut command = Command::new("/bin/sleep");
        command.arg("600").env_clear().env("BEFORE", "1").env(VARIABLE, value).env("Z", "2");
        command.spawn().unwrap()
    }

    #[tokio::test]
    async fn who_names_the_directory_dies_and_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("a");
        let link = dir.path().join("link");
        fs::create_dir_all(own.join("inside")).unwrap();
        fs::create_dir(dir.path().join("ab")).unwrap();
        std::os::unix::fs::symlink(dir.path(), &link).unwrap();
        let mut ours = [sleeper(&own), sleeper(&own)];
        let mut others = [
            sleeper(dir.path()),
            sleeper(dir.path().join("ab")),
            sleeper(own.join("inside")),
            sleeper(format!("X {VARIABLE}={}", own.display())),
        ];
        assert!(end(&link.join("a")).await, "by another name of the same directory");
        for child in &mut ours {
            assert!(!child.wait().unwrap().success());
        }
        for child in &mut others {
            assert_eq!(child.try_wait().unwrap(), None, "it lives");
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert!(!end(&dir.path().join("gone")).await, "nobody knows who would be meant");
    }
}

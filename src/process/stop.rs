//! How a process ends: asked politely, then less so, and then every descendant with it.
//!
//! A command that the CLI runs has a session of its own, so the group is not enough (claude-cli §10). The shim is a
//! child subreaper: whose parent dies becomes its child. And a child's number belongs to it until it is reaped, so to
//! kill one's direct children, over and over until there are none, cannot hit a stranger.

use std::fs;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep, timeout};

/// How long after SIGKILL a child may take before it is counted as dead: it hangs in the kernel, and will never run
/// another instruction of its own.
const KILLED_FOR: Duration = Duration::from_secs(30);

/// How long descendants are hunted at most. A fork bomb can outrun any hunter that has no control group.
const SWEEP_FOR: Duration = Duration::from_secs(10);

/// Where a stop stands. Each rung is climbed once.
#[derive(Debug, Clone)]
pub struct Ladder {
    grace: Duration,
    next: Option<(Instant, Rung)>,
}

/// One step of a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rung {
    /// SIGINT to the child: the CLI ends its tool and prints a result.
    Interrupt,
    /// SIGTERM to its group.
    Terminate,
    /// SIGKILL to everything.
    Kill,
    /// It counts as dead.
    GiveUp,
}

impl Ladder {
    /// A ladder that nobody has begun to climb. `grace` is the time between rungs.
    pub fn new(grace: Duration) -> Self {
        Self { grace, next: None }
    }

    /// Begins the climb, unless it has begun.
    pub fn begin(&mut self, now: Instant) {
        self.next.get_or_insert((now, Rung::Interrupt));
    }

    /// Whether the climb has begun.
    pub fn has_begun(&self) -> bool {
        self.next.is_some()
    }

    /// When to [`climb`](Ladder::climb) next.
    pub fn due(&self) -> Option<Instant> {
        self.next.map(|(due, _)| due)
    }

    /// The rung that is due.
    pub fn climb(&mut self, now: Instant) -> Option<Rung> {
        let (due, rung) = self.next.filter(|(due, _)| *due <= now)?;
        self.next = Some(match rung {
            Rung::Interrupt => (now + self.grace, Rung::Terminate),
            Rung::Terminate => (now + self.grace, Rung::Kill),
            Rung::Kill => (now + KILLED_FOR, Rung::GiveUp),
            Rung::GiveUp => (due + KILLED_FOR, Rung::GiveUp),
        });
        Some(rung)
    }
}

/// Sends what belongs to a rung. The child must not have been reaped.
pub fn send(rung: Rung, child: Pid) {
    // An error says that it is dead already, which is what is wanted.
    let _ = match rung {
        Rung::Interrupt => kill(child, Signal::SIGINT),
        Rung::Terminate => killpg(child, Signal::SIGTERM),
        Rung::Kill => {
            for descendant in children() {
                let _ = kill(descendant, Signal::SIGKILL);
            }
            killpg(child, Signal::SIGKILL)
        }
        Rung::GiveUp => Ok(()),
    };
}

/// Whether the child is dead. It is not reaped: so its number, and its group's, stay its own.
pub fn is_dead(child: Pid) -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    // EINVAL is a death by a signal that nix has no name for.
    !matches!(waitid(Id::Pid(child), flags), Ok(WaitStatus::StillAlive) | Err(Errno::EINTR))
}

/// Reaps descendants that became ours and are dead; never the child itself.
pub fn reap_orphans(child: Pid) {
    for orphan in children().into_iter().filter(|pid| *pid != child) {
        let _ = waitpid(orphan, Some(WaitPidFlag::WNOHANG));
    }
}

/// Kills and reaps every descendant. The child must have been reaped. Returns whether none is left.
pub async fn sweep() -> bool {
    timeout(SWEEP_FOR, async {
        while !sweep_once() {
            sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .is_ok()
}

/// Kills all children and reaps the dead ones. Returns whether there are none: then there is no descendant either,
/// because the topmost of them would be a child.
fn sweep_once() -> bool {
    for child in children() {
        let _ = kill(child, Signal::SIGKILL);
    }
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => return false,
            Err(Errno::ECHILD) => return true,
            // One is reaped (EINVAL: by a signal without a name), or it is to be tried again.
            Ok(_) | Err(_) => {}
        }
    }
}

/// The direct children of this process, dead ones included. May miss some while others end: ask again.
fn children() -> Vec<Pid> {
    children_listed().unwrap_or_else(children_scanned)
}

/// From the kernel's own list, where it was built with one (`CONFIG_PROC_CHILDREN`).
fn children_listed() -> Option<Vec<Pid>> {
    let mut found = Vec::new();
    for task in fs::read_dir("/proc/self/task").ok()?.flatten() {
        let list = fs::read_to_string(task.path().join("children")).ok()?;
        found.extend(list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw));
    }
    Some(found)
}

/// From all processes that there are.
fn children_scanned() -> Vec<Pid> {
    let own = std::process::id();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // pid (name, which may hold anything) state parent …
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_ascii_whitespace().nth(1));
        parent.and_then(|parent| parent.parse().ok()) == Some(own)
    })
    .map(Pid::from_raw)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_rung_is_climbed_once_and_in_its_time() {
        let start = Instant::now();
        let grace = Duration::from_secs(5);
        let mut ladder = Ladder::new(grace);
        assert_eq!((ladder.due(), ladder.climb(start)), (None, None));
        ladder.begin(start);
        ladder.begin(start + grace);
        assert_eq!(ladder.climb(start), Some(Rung::Interrupt));
        assert_eq!(ladder.climb(start + grace / 2), None);
        ladder.begin(start + grace / 2);
        assert_eq!(ladder.due(), Some(start + grace));
        assert_eq!(ladder.climb(start + grace), Some(Rung::Terminate));
        assert_eq!(ladder.climb(start + 2 * grace), Some(Rung::Kill));
        assert_eq!(ladder.climb(start + 2 * grace + KILLED_FOR), Some(Rung::GiveUp));
    }

    #[test]
    fn both_ways_to_find_children_agree() {
        let mut child = std::process::Command::new("/bin/sleep").arg("60").spawn().unwrap();
        let pid = Pid::from_raw(child.id().try_into().unwrap());
        assert!(children_scanned().contains(&pid));
        // The list may miss some while others end.
        assert!((0..100).any(|_| children_listed().is_none_or(|listed| listed.contains(&pid))));
        assert!(!is_dead(pid));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

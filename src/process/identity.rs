//! Which process a number meant: numbers come again, a number with the time of its start does not.
//!
//! For one question only, whether a process that was begun earlier still lives. No signal is sent to what is found this
//! way.

use std::fmt;
use std::fs;
use std::io;
use std::str::FromStr;

use crate::clock::boot_id;

/// A process, told apart from all that have or had its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pid: u32,
    /// Clock ticks between the machine's start and the process's.
    started: u64,
    /// Which start of the machine.
    boot: String,
}

impl Identity {
    /// Of a process that lives.
    pub fn of(pid: u32) -> io::Result<Self> {
        let (started, _) = stat(pid)?;
        Ok(Self { pid, started, boot: boot_id()? })
    }

    /// Whether the machine was started again since.
    pub fn is_of_another_boot(&self) -> bool {
        boot_id().is_ok_and(|boot| boot != self.boot)
    }

    /// Whether it can still run an instruction. When in doubt, it can.
    pub fn is_alive(&self) -> bool {
        if self.is_of_another_boot() {
            return false;
        }
        match stat(self.pid) {
            Ok((started, state)) => started == self.started && !matches!(state, 'Z' | 'X'),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} {}", self.pid, self.started, self.boot)
    }
}

impl FromStr for Identity {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut words = text.split_ascii_whitespace();
        let mut word = || words.next().ok_or(());
        let (pid, started) = (word()?.parse().map_err(drop)?, word()?.parse().map_err(drop)?);
        Ok(Self { pid, started, boot: word()?.to_owned() })
    }
}

/// When it started, and its state's letter.
fn stat(pid: u32) -> io::Result<(u64, char)> {
    let stat = match fs::read_to_string(format!("/proc/{pid}/stat")) {
        // It ended between the opening and the reading.
        Err(error) if error.raw_os_error() == Some(nix::libc::ESRCH) => {
            return Err(io::ErrorKind::NotFound.into());
        }
        stat => stat?,
    };
    // pid (name, which may hold anything) state parent …; the start is field 22 of all.
    let read = || {
        let mut words = stat.rsplit_once(')')?.1.split_ascii_whitespace();
        let state = words.next()?.chars().next()?;
        Some((words.nth(18)?.parse().ok()?, state))
    };
    read().ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_start_and_gone_when_it_is_dead() {
        let own = Identity::of(std::process::id()).unwrap();
        assert!(own.is_alive());
        assert_eq!(own.to_string().parse(), Ok(own.clone()));
        assert!(!Identity { started: own.started + 1, ..own.clone() }.is_alive(), "another had the number");
        assert!(!Identity { boot: "other".to_owned(), ..own }.is_alive(), "the machine was restarted");
        assert!("12 nonsense".parse::<Identity>().is_err());

        let mut child = std::process::Command::new("/bin/sleep").arg("60").spawn().unwrap();
        let identity = Identity::of(child.id()).unwrap();
        assert!(identity.is_alive());
        child.kill().unwrap();
        while identity.is_alive() {
            std::thread::yield_now();
        }
        assert!(stat(child.id()).is_ok(), "it is dead before it is reaped");
        child.wait().unwrap();
        assert!(!identity.is_alive());
    }
}

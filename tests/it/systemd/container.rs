//! A container of this machine's own system, with a systemd of its own, on the network of the test.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

use switchboard::playground::discord::PATIENCE;

use crate::support::not_tested;

/// A booted system. What is changed in it is gone with it.
pub struct Container {
    machine: Child,
    init: i32,
    /// Where this machine's root is mounted once more, for the container alone.
    _root: tempfile::TempDir,
}

impl Container {
    /// Boots one. Without root or `systemd-nspawn` (Debian: `systemd-container`) the test has to return: that is said,
    /// and on CI it is a failure.
    pub fn boot() -> Option<Self> {
        let nspawn = Command::new("systemd-nspawn").arg("--version").output();
        if !geteuid().is_root() || nspawn.is_err() {
            not_tested("the unit needs root and systemd-nspawn (apt-get install systemd-container)");
            return None;
        }
        let root = tempfile::tempdir().expect("a directory");
        // The mount is in a namespace of its own, so that it ends with the container whatever happens to the test.
        let script = "mount --bind / \"$0\" && exec systemd-nspawn --quiet --directory=\"$0\" --volatile=overlay \
                      --register=no --keep-unit --machine=\"$1\" --boot systemd.unit=multi-user.target";
        let machine = Command::new("unshare")
            .args(["--mount", "sh", "-c", script])
            .arg(root.path())
            .arg(format!("switchboard-{}", std::process::id()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("unshare starts");
        let mut container = Self { machine, init: 0, _root: root };
        container.init = within("systemd to begin", || container.first_child());
        within("the system to be up", || {
            let state = container.sh("systemctl is-system-running", None);
            let state = String::from_utf8_lossy(&state.stdout).into_owned();
            ["running", "degraded"].contains(&state.trim()).then_some(())
        });
        Some(container)
    }

    /// Runs a line of shell in it as root, with this on its standard input.
    pub fn sh(&self, line: &str, input: Option<&Path>) -> Output {
        let stdin = input.map_or_else(Stdio::null, |file| std::fs::File::open(file).expect("a file").into());
        Command::new("nsenter")
            .args(["--target", &self.init.to_string(), "--all", "sh", "-c", line])
            .stdin(stdin)
            .output()
            .expect("nsenter starts")
    }

    /// The same, where it has to work; gives what it prints.
    pub fn run(&self, line: &str) -> String {
        self.run_with(line, None)
    }

    /// Puts a file of this machine into it.
    pub fn install(&self, file: &Path, mode: &str, to: &str) {
        self.run_with(&format!("install -D -m {mode} /dev/stdin {to}"), Some(file));
    }

    fn run_with(&self, line: &str, input: Option<&Path>) -> String {
        let output = self.sh(line, input);
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            let journal = self.sh("journalctl --no-pager --lines=40 --unit=switchboard", None);
            panic!("{line}: {stdout}{stderr}\n{}", String::from_utf8_lossy(&journal.stdout));
        }
        stdout.trim().to_owned()
    }

    fn first_child(&mut self) -> Option<i32> {
        assert!(self.machine.try_wait().expect("its status").is_none(), "systemd-nspawn ended");
        let id = self.machine.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
        let init = children.split_whitespace().next()?.parse().ok()?;
        let command = std::fs::read_to_string(format!("/proc/{init}/comm")).ok()?;
        (command.trim() == "systemd").then_some(init)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // nspawn takes it for "power off".
        let machine = Pid::from_raw(self.machine.id().cast_signed());
        let _ = kill(machine, Signal::SIGTERM);
        let deadline = Instant::now() + *PATIENCE;
        while Instant::now() < deadline {
            if matches!(self.machine.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.machine.kill();
        let _ = self.machine.wait();
    }
}

fn within<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + *PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

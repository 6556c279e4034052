//! The child's control group, where this process may make one: membership is inherited by every descendant, whatever
//! session or parent it takes, and one write kills all of them at once.
//!
//! It takes the unified hierarchy (cgroup v2), Linux 5.14, and a group of one's own that may be written to, as systemd
//! gives it with `Delegate=yes`. Elsewhere the hunt for descendants has to do (`stop.rs`): it misses nobody while the
//! shim lives. When the shim itself is killed, commands are found by their environment (`survivors.rs`), which is less.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{sleep, timeout};

/// How long the kernel may take from the kill to an empty group.
const EMPTY_WITHIN: Duration = Duration::from_secs(10);

/// A control group of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    dir: PathBuf,
}

impl Group {
    /// Makes a group below this process's own. The name must be nobody else's.
    pub fn make(name: &str) -> io::Result<Self> {
        let dir = own().ok_or(io::ErrorKind::Unsupported)?.join(format!("switchboard-{name}"));
        fs::create_dir(&dir)?;
        let group = Self { dir };
        if group.dir.join("cgroup.kill").exists() {
            return Ok(group);
        }
        group.remove();
        Err(io::ErrorKind::Unsupported.into())
    }

    /// A group that was made before.
    pub fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Puts this process into it.
    pub fn enter(&self) -> io::Result<()> {
        fs::write(self.dir.join("cgroup.procs"), "0")
    }

    /// Sends SIGKILL to everybody in it and below.
    pub fn kill(&self) {
        // An error says that it is gone, and so is everybody.
        let _ = fs::write(self.dir.join("cgroup.kill"), "1");
    }

    /// Kills everybody in it, waits until nobody is left, and removes it. Whether that is done.
    pub async fn end(&self) -> bool {
        self.kill();
        let empty = async {
            while self.is_populated() {
                sleep(Duration::from_millis(2)).await;
                // A child that was being forked when its parent died is in the group by now.
                self.kill();
            }
        };
        let empty = timeout(EMPTY_WITHIN, empty).await.is_ok();
        self.remove();
        empty
    }

    fn is_populated(&self) -> bool {
        fs::read_to_string(self.dir.join("cgroup.events")).is_ok_and(|events| events.contains("populated 1"))
    }

    /// Removes it with the groups that were made inside. Not if somebody is in it.
    pub fn remove(&self) {
        for inside in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            if inside.file_type().is_ok_and(|kind| kind.is_dir()) {
                Self::at(inside.path()).remove();
            }
        }
        let _ = fs::remove_dir(&self.dir);
    }
}

/// Whether a group can be made here. It is tried.
pub fn is_usable() -> bool {
    Group::make(&format!("trial-{}", std::process::id())).map(|group| group.remove()).is_ok()
}

/// This process's own group.
pub fn own() -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    place(&groups, &fs::read_to_string("/proc/self/mountinfo").ok()?)
}

/// Where the unified hierarchy has a process, from its `cgroup` and `mountinfo`.
fn place(groups: &str, mounts: &str) -> Option<PathBuf> {
    let group = Path::new(groups.lines().find_map(|line| line.strip_prefix("0::"))?);
    mounts.lines().find_map(|line| {
        // … parent, device, root, mount point, options, … " - " type source options
        let (mount, kind) = line.split_once(" - ")?;
        if kind.split(' ').next() != Some("cgroup2") {
            return None;
        }
        let mut words = mount.split(' ').skip(3);
        let (root, point) = (words.next()?, words.next()?);
        Some(Path::new(point).join(group.strip_prefix(root).ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_is_found_on_each_kind_of_host() {
        let unified = "31 23 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        let hybrid = "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n\
                      41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
        let container = "51 31 0:38 /docker/c1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
        let place = |groups: &str, mounts| place(groups, mounts).map(|dir| dir.display().to_string());
        let service = "0::/system.slice/switchboard.service\n";
        assert_eq!(place(service, unified).unwrap(), "/sys/fs/cgroup/system.slice/switchboard.service");
        assert_eq!(place("2:cpu:/\n0::/\n", hybrid).unwrap(), "/sys/fs/cgroup/unified/");
        assert_eq!(place("0::/docker/c1/bot\n", container).unwrap(), "/sys/fs/cgroup/bot");
        assert_eq!(place("0::/elsewhere\n", container), None);
        assert_eq!(place("0::/../outside\n", container), None);
        assert_eq!(place("2:cpu:/\n", unified), None, "the old hierarchies only");
        assert_eq!(place(service, ""), None);
    }
}

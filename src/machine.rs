//! What the machine has left, memory and processor. Where it has no memory left the kernel ends somebody, and that may be
//! a turn in the middle of its work; where every core is taken, each process that is started as well makes all later.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::process::cgroup;

/// Where the kernel tells of the machine.
const PROC: &str = "/proc";

/// The control group of this process. A service stays in its own; to find it takes longer than all else here.
static GROUP: LazyLock<Option<PathBuf>> = LazyLock::new(cgroup::own);
/// Likewise, as the kernel said at the first look.
static CORES: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));

/// How many bytes of memory may be taken before somebody has to go: of the machine, or of the control groups that this
/// process is in, whichever has less. None where the kernel does not say.
pub fn available_bytes() -> Option<u64> {
    let proc = proc();
    let machine = left(&fs::read_to_string(proc.join("meminfo")).ok()?)?;
    // A test that speaks for the machine speaks for its groups as well.
    let groups = GROUP.as_deref().filter(|_| proc == Path::new(PROC));
    let ancestors = groups.iter().flat_map(|group| group.ancestors());
    Some(ancestors.filter_map(left_in).fold(machine, u64::min))
}

/// How many processes wanted to run at a time in the last minute, for each core. None where the kernel does not say.
pub fn load_per_core() -> Option<f64> {
    let said = fs::read_to_string(proc().join("loadavg")).ok()?;
    let load: f64 = said.split_ascii_whitespace().next()?.parse().ok()?;
    // As many as a machine can have, no number that a float could not hold.
    Some(load / f64::from(u32::try_from(cores()).unwrap_or(u32::MAX)))
}

/// Lets all threads of this process share two arenas of memory; to be called before there are threads. By itself glibc
/// makes up to eight for each core, and what is free in one is of no use to whoever allocates in another.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "the allocator has no other door, and what it does there is its own")]
pub fn share_memory() {
    // SAFETY: it takes no pointer and sets a number, before any other thread could allocate (mallopt(3)).
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 2) };
}

/// Other allocators have one for all.
#[cfg(not(target_env = "gnu"))]
pub fn share_memory() {}

/// Gives back to the kernel what this process's allocator holds and nobody uses. By itself glibc gives back only what is
/// free at the end of an arena; after a busy hour of many threads, what lies between is twice what is used.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "the allocator has no other door, and what it does there is its own")]
pub fn give_memory_back() {
    // SAFETY: it takes no pointer, touches only what is free, and any thread may call it at any time (malloc_trim(3)).
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators give back by themselves.
#[cfg(not(target_env = "gnu"))]
pub fn give_memory_back() {}

/// How many processes can run at the same time.
pub fn cores() -> usize {
    *CORES
}

/// Like the fail points, only builds for tests can be told of another machine.
#[cfg(any(debug_assertions, feature = "fail-points"))]
fn proc() -> PathBuf {
    std::env::var_os("MACHINE_AT").map_or_else(|| PROC.into(), PathBuf::from)
}

#[cfg(not(any(debug_assertions, feature = "fail-points")))]
fn proc() -> PathBuf {
    PROC.into()
}

/// What is left, from `/proc/meminfo`: free, and what caches give back at once.
fn left(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib.saturating_mul(1024))
}

/// What a control group has left. None where it has no limit, as the one at the root.
fn left_in(group: &Path) -> Option<u64> {
    let number = |name: &str| fs::read_to_string(group.join(name)).ok()?.trim().parse::<u64>().ok();
    // Above `high` everybody in it is slowed down, so that is as good as the end.
    let limit = [number("memory.max"), number("memory.high")].into_iter().flatten().min()?;
    let stat = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let given_back = stat.lines().find_map(|line| line.strip_prefix("inactive_file "));
    let given_back = given_back.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or(0);
    let used = number("memory.current")?.saturating_sub(given_back);
    Some(limit.saturating_sub(used))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told() {
        assert!(available_bytes().is_some_and(|bytes| bytes > 0));
        assert!(load_per_core().is_some_and(|load| load >= 0.0));
        assert_eq!(left("MemTotal:  9 kB\nMemAvailable:      12 kB\nCached: 3 kB\n"), Some(12 * 1024));
        assert_eq!(left("MemTotal:  9 kB\n"), None);
    }

    #[test]
    fn a_group_has_what_its_limit_leaves_and_its_caches_give_back() {
        let group = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| fs::write(group.path().join(name), text).expect("a file");
        write("memory.max", "max\n");
        write("memory.current", "700\n");
        assert_eq!(left_in(group.path()), None, "it has no limit");
        write("memory.max", "1000\n");
        assert_eq!(left_in(group.path()), Some(300));
        write("memory.stat", "anon 500\ninactive_file 150\nactive_file 50\n");
        assert_eq!(left_in(group.path()), Some(450));
        write("memory.high", "600\n");
        assert_eq!(left_in(group.path()), Some(50));
        assert_eq!(left_in(&group.path().join("elsewhere")), None);
    }
}

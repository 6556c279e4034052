//! Which file a name stands for just now: a process that was started from another one, or in another directory, is not what
//! a launch would give today.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// What tells a file from the one that is put in its place: an update of the CLI writes another file, or moves a link.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    path: PathBuf,
    device: u64,
    inode: u64,
    /// Of a directory none of these counts: they change with what is in it.
    written: Option<(i64, i64, u64)>,
}

/// The program of this name, found as the child's start will find it. None: it is not there.
pub(super) fn of_program(command: &str, path: Option<&str>) -> Option<Stamp> {
    if command.contains('/') {
        return of_file(Path::new(command));
    }
    let dirs = path.unwrap_or_default().split(':').filter(|dir| !dir.is_empty());
    dirs.map(|dir| Path::new(dir).join(command)).find(|file| is_program(file)).and_then(|file| of_file(&file))
}

/// The file or directory at this path, links followed. None: there is none.
pub(super) fn of_file(path: &Path) -> Option<Stamp> {
    let path = path.canonicalize().ok()?;
    let meta = path.metadata().ok()?;
    let written = meta.is_file().then(|| (meta.mtime(), meta.mtime_nsec(), meta.len()));
    Some(Stamp { device: meta.dev(), inode: meta.ino(), written, path })
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn write(file: &Path, text: &str) {
        fs::write(file, text).expect("a file");
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("its mode");
    }

    #[test]
    fn an_update_of_the_cli_is_seen_however_it_is_done() {
        let dir = tempfile::tempdir().expect("a directory");
        let [old, new, link] = ["1.0", "2.0", "claude"].map(|name| dir.path().join(name));
        write(&old, "old");
        write(&new, "new");
        symlink(&old, &link).expect("a link");
        let path = format!("/nowhere:{}", dir.path().display());
        let stamp = || of_program("claude", Some(&path)).expect("it is there");
        let before = stamp();
        assert_eq!(before, stamp(), "nothing changed");
        assert_eq!(Some(before), of_program(&link.display().to_string(), None));
        // The link is moved, a file is put in its place, the file is written anew.
        let first = stamp();
        fs::remove_file(&link).expect("the link");
        symlink(&new, &link).expect("a link");
        let second = stamp();
        assert_ne!(first, second);
        write(&old, "two");
        fs::rename(&old, &new).expect("the new one");
        let third = stamp();
        assert_ne!(second, third);
        write(&new, "longer");
        assert_ne!(third, stamp());
        assert_eq!(of_program("claude", Some("/nowhere")), None);
        assert_eq!(of_program("claude", None), None);
    }

    #[test]
    fn a_directory_is_the_same_whatever_is_in_it_and_another_one_in_its_place_is_not() {
        let above = tempfile::tempdir().expect("a directory");
        let (dir, other) = (above.path().join("project"), above.path().join("other"));
        for dir in [&dir, &other] {
            fs::create_dir(dir).expect("a directory");
        }
        let before = of_file(&dir);
        fs::write(dir.join("file"), "text").expect("a file");
        assert_eq!(before, of_file(&dir));
        fs::remove_dir_all(&dir).expect("the directory");
        assert_eq!(of_file(&dir), None);
        fs::rename(&other, &dir).expect("the other one");
        assert_ne!(before, of_file(&dir));
    }
}

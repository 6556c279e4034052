//! Room on a disk. A full one takes transcripts, spools and database down together (RELIABILITY F34), so nothing new is
//! taken while little is left: what runs then has room to end.

use std::io;
use std::path::Path;

use nix::sys::statvfs::statvfs;

/// How many bytes the disk of this directory has left for us. The directory need not be there yet.
pub fn free_bytes(dir: &Path) -> io::Result<u64> {
    let there = dir.ancestors().find(|parent| parent.is_dir()).unwrap_or(Path::new("/"));
    let disk = statvfs(there)?;
    Ok(disk.blocks_available().saturating_mul(disk.fragment_size()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_told_also_for_what_is_not_there_yet() {
        let dir = tempfile::tempdir().expect("a directory");
        assert!(free_bytes(dir.path()).expect("it is there") > 0);
        assert!(free_bytes(&dir.path().join("not/yet")).expect("its parent is") > 0);
    }
}

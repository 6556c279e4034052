//! `cargo bench` builds the program and this one, and no example; the fake CLI is one.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the fake CLI beside this program, as this program was built.
pub fn fake_claude() {
    let Some((cargo, profile)) = std::env::var_os("CARGO").zip(profile()) else {
        // Started by hand: what is there is taken.
        return;
    };
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--example", "fake_claude", "--profile", &profile])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo starts");
    assert!(built.success(), "the fake CLI is not built");
}

/// The profile that this program was built with, by the directory that it lies in: `target/<profile>/deps`.
fn profile() -> Option<String> {
    let own: PathBuf = std::env::current_exe().ok()?;
    let dir = own.parent().and_then(Path::parent)?.file_name()?.to_str()?;
    Some(if dir == "debug" { "dev".to_owned() } else { dir.to_owned() })
}

//! What cargo cannot know: that new migrations change the binary, and how the linker makes it smaller.

use std::env;
use std::process::Command;

/// The first glibc that understands packed relocations. A binary with them does not start with an older one.
const PACKED_SINCE: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // `sqlx::migrate!` sees a change in a file that it knows, and no new file.
    println!("cargo::rerun-if-changed=migrations");
    if is_for_this_machine() && glibc().is_some_and(|version| version >= PACKED_SINCE) {
        // 35,000 addresses in it depend on where it is loaded. Unpacked, the list of them is 0.9 MB, which each start reads
        // and which stays in memory.
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Built for another machine, it may meet any glibc.
fn is_for_this_machine() -> bool {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|is| is == value);
    env::var("HOST").is_ok_and(|host| is("TARGET", &host))
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
}

/// The version of this machine's glibc: `getconf` says `glibc 2.36`.
fn glibc() -> Option<(u32, u32)> {
    let said = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    let (major, minor) = said.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

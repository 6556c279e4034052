//! What the tests stand on: the fake CLI, the real CLI against a fake Messages API, and a hand that drives either.

pub mod cli;
pub mod directives;
pub mod messages_api;
pub mod real_cli;

use std::io::Write as _;

/// Says what is not tested here, and why; on CI that is a failure. The test has to return.
pub fn not_tested(why: &str) {
    let line = format!("NOT TESTED: {why}\n");
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{line}");
    // Not `eprintln!`, whose words a passing test keeps to itself.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

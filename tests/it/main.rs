//! The one integration-test binary: a module per subject.

#[path = "../support/mod.rs"]
mod support;

mod fake_claude;
mod process;
mod real_cli_smoke;

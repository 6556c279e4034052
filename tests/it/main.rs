//! The one integration-test binary: a module per subject.

#[path = "../support/mod.rs"]
mod support;

mod architecture;
mod attachments;
mod commands;
mod failures;
mod fake_claude;
mod faults;
mod first;
mod harness;
mod operation;
mod process;
mod queue;
mod real_cli;
mod real_cli_smoke;
mod recovery;
mod rendering;
mod routing;

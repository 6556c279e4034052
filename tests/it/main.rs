//! The one integration-test binary: a module per subject.

#![expect(clippy::disallowed_methods, reason = "a test sees the panics of its own tasks")]
#![expect(
    clippy::format_push_string,
    clippy::format_collect,
    clippy::similar_names,
    reason = "what a test writes for people is short, and reads best this way"
)]

#[path = "../support/mod.rs"]
mod support;

mod abuses;
mod access;
mod account;
mod architecture;
mod attachments;
mod catch_up;
mod clock;
mod commands;
mod database;
mod delivery;
mod disk;
mod extremes;
mod failures;
mod fake_claude;
mod faults;
mod first;
mod gateway;
mod harness;
mod history;
mod joined;
mod logs;
mod lossy;
mod message_commands;
mod modes;
mod operation;
mod people;
mod policy;
mod power;
mod process;
mod queue;
mod real_cli;
mod real_cli_smoke;
mod recovery;
mod refusals;
mod rendering;
mod retry;
mod routing;
mod secrecy;
mod steering;
mod systemd;
mod unbegun;
mod unnoted;
mod warm;

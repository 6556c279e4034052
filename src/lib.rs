//! `switchboard` puts Claude Code into Discord: a mention in a project's channel runs the real `claude` CLI in
//! that project's directory and streams what it does back into the channel.
//!
//! The modules in reading order, from what is pure and at the bottom to what knows everything. Work flows down as
//! prompt → turn → process, and returns as line → event → view → outbox. `ARCHITECTURE.md` tells the whole story;
//! `tests/it/architecture.rs` holds the direction of the imports.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test sees the panics of its own tasks"))]

pub mod chain;
pub mod clock;
pub mod disk;
pub mod domain;
pub mod fail_point;
pub mod policy;

pub mod machine;
pub mod process;
pub mod runner;

pub mod claude;
pub mod render;
pub mod store;

pub mod outbox;

pub mod conversation;

pub mod discord;
pub mod playground;

pub mod config;
pub mod lifecycle;
pub mod telemetry;

pub mod app;

pub mod doctor;

pub mod audit;
pub mod judge;

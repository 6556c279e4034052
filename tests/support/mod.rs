//! What the tests stand on: the fake CLI, the real CLI against a fake Messages API, and a hand that drives either.

pub mod cli;
pub mod directives;
pub mod messages_api;
pub mod real_cli;

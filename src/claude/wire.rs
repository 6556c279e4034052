//! stream-json, both directions. CLI JSON lives here only.
//!
//! The CLI's lines change with its releases, so reading is lenient: extra fields are fine, a field of a strange shape
//! reads as absent, an unknown type is a value ([`Incoming::Unknown`]) and so is a line that is no JSON
//! ([`Incoming::Malformed`]). Writing is strict: one bad line on its stdin ends the CLI.

pub mod incoming;

pub mod control;
pub mod message;
pub mod system;

pub mod outgoing;

mod lenient;

//! Recorded runs of the real CLI (`tests/traces`), played through the dialogue.

mod ends;
mod laws;
mod protocol;
pub(crate) mod replay;
mod snapshots;

//! Recorded runs of the real CLI (`tests/traces`), played through the dialogue.

mod ends;
mod laws;
mod protocol;
mod replay;
mod snapshots;

//! One actor per channel or thread: at most one CLI process and one running turn each.
//!
//! Doors (Discord, later a schedule and an API) hold a [`handle::Handle`] and give it prompts that are already stored;
//! [`state`] decides, [`actor`] does, [`registry`] keeps the actors alive.

pub mod registry;

pub mod handle;

pub mod state;

pub mod actor;

pub mod account;

mod fair;

mod place;

pub mod warm;

mod admission;

mod owner;

mod recovery;

pub mod guard;

pub mod setup;

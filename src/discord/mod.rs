//! What comes in from Discord: messages become prompts, commands become answers. Nothing here sends a channel message;
//! that is the outbox's. Interactions are acknowledged here, within Discord's three seconds.

pub mod access;

pub mod rest;

pub mod rule;

pub mod members;

pub mod why;

pub mod route;

pub mod attachments;

pub mod archived;

pub mod arrivals;

pub mod facts;

pub mod intake;

pub mod catch_up;

pub mod identify;

pub mod time;

pub mod gate;

pub mod commands;

pub mod incoming;

pub mod served;

pub mod components;

pub mod notice;

pub mod waiting;

pub mod again;

pub mod scope;

pub mod quote;

pub mod about;

pub mod announce;

pub mod client;

pub mod http;

use std::sync::Arc;

use crate::clock::Clock;
use crate::config::Config;
use crate::conversation::registry::Registry;
use crate::conversation::setup::Setup;
use crate::lifecycle::Vital;
use crate::outbox::Outbox;
use crate::store::{Store, StoreError};

/// What every event and command can use.
pub struct Data {
    /// The configuration.
    pub config: Arc<Config>,
    /// The database.
    pub store: Store,
    /// The conversations.
    pub registry: Registry,
    /// What people see.
    pub outbox: Outbox,
    /// Time.
    pub clock: Clock,
    /// Projects and what the CLI said of itself.
    pub setup: Arc<Setup>,
    /// Fetches attachments, and nothing else.
    pub files: attachments::Files,
    /// The order in which messages arrived.
    pub arrivals: arrivals::Arrivals,
    /// Messages whose prompts wait are looked at one after the other.
    pub looks: waiting::Looks,
    /// The interactions that were served.
    pub served: served::Served,
    /// What makes up for absence.
    pub catch_up: catch_up::CatchUp,
    /// Why messages became no prompts.
    pub notes: why::Notes,
    /// Signs of life of the gateway.
    pub gateway: Vital,
}

/// Why an event or a command could not be served. What people see of it is one sentence, by [`notice`].
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The database failed.
    #[error("failed to use the database")]
    Store(#[from] StoreError),
    /// Discord did not answer as it should.
    #[error("failed to ask Discord")]
    Discord(#[from] Box<serenity::Error>),
    /// What comes with a prompt could not be stored.
    #[error("failed to store a file")]
    File(#[from] std::io::Error),
    /// The conversation went away twice while it was asked.
    #[error("failed to reach the conversation")]
    Conversation(#[from] crate::conversation::handle::Gone),
}

impl From<serenity::Error> for DoorError {
    fn from(error: serenity::Error) -> Self {
        Self::Discord(Box::new(error))
    }
}

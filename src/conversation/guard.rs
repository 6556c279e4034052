//! Who still may, asked when a prompt's turn is about to begin, or a turn that runs is about to be told of it: between its
//! being taken and that, hours may pass, and its author may have lost what let them in. It is not asked of a prompt that
//! begins or is told as it comes, because the door has just answered it.

use async_trait::async_trait;

use super::state::Called;
use crate::domain::ask::Ask;
use crate::domain::ids::{TurnId, UserId};
use crate::domain::prompt::Prompt;
use crate::store::Conversation;

/// Knows who may. The door has one implementation; it decides by the same rules as when a message is taken.
#[async_trait]
pub trait Guard: Send + Sync + 'static {
    /// Whether the author of the prompt may have it run, by what they are right now.
    async fn may_begin(&self, conversation: &Conversation, prompt: &Prompt) -> Result<bool, NotKnown>;

    /// Who is called to answer what a turn of this person asks; none: the CLI began it by itself.
    async fn called(
        &self,
        conversation: &Conversation,
        turn: TurnId,
        asker: Option<UserId>,
        ask: &Ask,
    ) -> Result<Called, NotKnown>;
}

/// It cannot be known just now, e.g. because Discord does not answer. Nothing is run on a guess: ask again.
#[derive(Debug, thiserror::Error)]
#[error("failed to learn who may")]
pub struct NotKnown(#[source] pub Box<dyn std::error::Error + Send + Sync>);

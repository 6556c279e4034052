//! Errors and refusals → the one sentence that a person sees, with what to do next and the error id.

use uuid::Uuid;

use super::{Data, DoorError};
use crate::chain::Chain;
use crate::domain::ids::{ChannelId, ErrorId, MessageId, TurnId};
use crate::outbox::Target;
use crate::render::message::MessageBody;
use crate::render::view::{Reaction, Shown};

/// The answer to a bare mention.
pub const EMPTY: &str =
    "I am here. Say what you want in the same message, for example: *what does this project do?*";

/// The answer to one prompt too many.
pub fn queue_full(max: usize) -> String {
    format!(
        "{max} prompts wait here already, so I did not take this one. Send it again when some are done, or `/stop` \
         what runs."
    )
}

/// Says something in a channel in answer to a message; once, however often it is asked for.
pub fn say(data: &Data, channel: ChannelId, answers: MessageId, sentence: &str) {
    let key = TurnId(Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("notice:{answers}").as_bytes()));
    let body = MessageBody { reply_to: Some(answers), ..MessageBody::text(sentence) };
    let target = Target { channel, parent: None, thread: None, prompt: Some((channel, answers)) };
    let shown = Shown { slots: vec![body], reaction: Reaction::Stopped, typing: false, ended: true };
    data.outbox.show(key, &target, shown);
}

/// Logs the chain of causes under a new error id, and gives the sentence for people: nothing internal is in it.
pub fn of_error(error: &DoorError) -> String {
    let id = ErrorId::random();
    tracing::error!(error_id = %id, error = %Chain(error), "a request failed");
    let sentence = match error {
        DoorError::Store(_) => {
            "I cannot use my database right now. Nothing was changed; try again in a minute."
        }
        DoorError::Discord(_) => "Discord did not answer me. Try again in a moment.",
        DoorError::Conversation(_) => "This conversation is starting again. Try once more.",
    };
    format!("{sentence} ({id})")
}

//! Errors and refusals → the one sentence that a person sees, with what to do next and the error id.

use uuid::Uuid;

use super::{Data, DoorError};
use crate::chain::Chain;
use crate::domain::action::{Action, Button, ButtonStyle};
use crate::domain::ids::{ChannelId, ErrorId, MessageId, PromptId, TurnId};
use crate::outbox::Target;
use crate::render::message::MessageBody;
use crate::render::view::{Reaction, Shown};
use crate::store::{Held, Refusal, Settled, SlotState, StoreError};

/// The answer to a bare mention.
pub const EMPTY: &str =
    "I am here. Say what you want in the same message, for example: *what does this project do?*";

/// The answer to a command that there is not.
pub const NOT_KNOWN: &str = "I do not know this command, or not in this form. Your Discord may show an old list: reload it, then choose the \
     command again.";

/// The answer to one prompt too many.
pub fn queue_full(max: usize) -> String {
    format!(
        "{max} prompts wait here already, so I did not take this one. Send it again when some are done, or `/stop` \
         what runs."
    )
}

/// The answer to a prompt for which the disk has no room.
pub fn disk_full(free_bytes: u64) -> String {
    format!(
        "The disk of the machine that I run on is nearly full ({} MiB are left), so I did not take this prompt. Ask \
         whoever runs me to make room, then send it again; what runs already goes on.",
        free_bytes >> 20
    )
}

/// Says something in a channel in answer to a message; once, however often it is asked for.
pub fn say(data: &Data, channel: ChannelId, answers: MessageId, sentence: &str) {
    let key = key(answers);
    let body = MessageBody { reply_to: Some(answers), ..MessageBody::text(sentence) };
    let target =
        Target { channel, parent: None, thread: None, prompt: Some((channel, answers)), also: Vec::new() };
    let shown = Shown { slots: vec![body], reaction: Reaction::Stopped, typing: false, ended: true };
    data.outbox.say(key, &target, shown);
}

/// Says again why prompts were not taken whose authors may not have been told: the daemon may have ended before.
pub async fn refusals(data: &Data) -> Result<(), StoreError> {
    for Refusal { prompt, channel, answers, sentence } in data.store.refusals().await? {
        let slots = data.store.slots(key(answers)).await?;
        if slots.is_empty() || slots.iter().any(|slot| slot.state == SlotState::Sending) {
            say(data, channel, answers, &sentence);
        } else {
            data.store.refusal_told(prompt).await?;
        }
    }
    Ok(())
}

/// What the answer to a message that is no turn is known by.
fn key(answers: MessageId) -> TurnId {
    TurnId(Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("notice:{answers}").as_bytes()))
}

/// Says something in a channel, in answer to nothing; once for each `about`, however often it is asked for.
pub fn tell(data: &Data, channel: ChannelId, about: &str, sentence: &str) {
    let key = TurnId(Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("tell:{about}").as_bytes()));
    let target = Target { channel, parent: None, thread: None, prompt: None, also: Vec::new() };
    let shown = Shown {
        slots: vec![MessageBody::text(sentence)],
        reaction: Reaction::Stopped,
        typing: false,
        ended: true,
    };
    data.outbox.say(key, &target, shown);
}

/// Says what is held in a channel after an absence; once for what there is, also after a restart.
pub fn held(data: &Data, channel: ChannelId, held: &Held) {
    let (messages, were) = counted(held.count);
    let them = if held.count == 1 { "it" } else { "them" };
    let sentence = format!(
        "**{messages} while I was away {were} not run**: too old, or too many at once. Shall I run {them} now?"
    );
    let conversation = channel.into();
    let buttons = vec![
        Button::new("Run", ButtonStyle::Primary, Action::RunHeld { conversation }),
        Button::new("Ignore", ButtonStyle::Secondary, Action::IgnoreHeld { conversation }),
    ];
    show_held(data, channel, held, MessageBody { buttons, ..MessageBody::text(sentence) });
}

/// Says in the same place what became of it.
pub fn held_settled(data: &Data, channel: ChannelId, held: &Held, settled: Settled) {
    let (messages, were) = counted(held.count);
    let became = match settled {
        Settled::Run => format!("{were} held, and run now"),
        Settled::Ignored => format!("{were} not run"),
    };
    show_held(data, channel, held, MessageBody::text(format!("{messages} while I was away {became}.")));
}

fn counted(count: usize) -> (String, &'static str) {
    if count == 1 { ("1 message".to_owned(), "was") } else { (format!("{count} messages"), "were") }
}

/// Takes back what was said of it when this prompt was the newest, if that was said: there is no such thing any more.
pub fn held_no_more(data: &Data, channel: ChannelId, newest: PromptId) {
    let (key, target) = held_message(channel, newest);
    data.outbox.unsay(key, &target);
}

/// What the message is known by, and where it stands.
fn held_message(channel: ChannelId, newest: PromptId) -> (TurnId, Target) {
    let key = format!("held:{channel}:{newest}");
    let target = Target { channel, parent: None, thread: None, prompt: None, also: Vec::new() };
    (TurnId(Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes())), target)
}

fn show_held(data: &Data, channel: ChannelId, held: &Held, body: MessageBody) {
    let (key, target) = held_message(channel, held.newest);
    let shown = Shown { slots: vec![body], reaction: Reaction::Stopped, typing: false, ended: true };
    data.outbox.say(key, &target, shown);
}

/// Logs the chain of causes under a new error id, and gives the sentence for people: nothing internal is in it.
pub fn of_error(error: &DoorError) -> String {
    let id = ErrorId::random();
    tracing::error!(error_id = %id, error = %Chain(error), "a request failed");
    let sentence = match error {
        DoorError::Store(_) => {
            "I cannot use my database right now. Nothing was changed; try again in a minute."
        }
        DoorError::File(_) => {
            "I cannot store a file right now, so nothing was asked. Try again in a minute, or ask whoever runs me."
        }
        DoorError::Discord(_) => "Discord did not answer me. Try again in a moment.",
        DoorError::Conversation(_) => "This conversation is starting again. Try once more.",
    };
    format!("{sentence} ({id})")
}

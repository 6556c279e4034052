//! What a turn waits for before it begins: its place, room for its process, and that its author may have it run still.

use std::pin::pin;
use std::time::Duration;

use futures::future::poll_immediate;
use tokio::sync::watch;

use super::{Granted, Shared};
use crate::chain::Chain;
use crate::conversation::guard::NotKnown;
use crate::domain::prompt::Prompt;
use crate::render::view::WaitsFor;
use crate::store::Conversation;

/// Who may not be known just now is asked about again after this, doubling.
const ASK_AGAIN_MIN: Duration = Duration::from_millis(500);
const ASK_AGAIN_MAX: Duration = Duration::from_secs(15);

/// A place for the turn of this prompt, and whether its author may have it run still: known, if there is a place at once
/// for one who was let in just now. Nobody is asked before there is a place, because that may be in an hour; while it
/// cannot be known the place is somebody else's.
pub(super) async fn place(
    shared: Shared,
    conversation: Conversation,
    parts: Vec<Prompt>,
    mut known: bool,
    standing: watch::Sender<WaitsFor>,
) -> Granted {
    let asker = parts.first().map(|prompt| prompt.author.id);
    let mut wait = ASK_AGAIN_MIN;
    loop {
        let mut taking = pin!(shared.admission.place(asker, &standing));
        let place = match poll_immediate(taking.as_mut()).await {
            Some(place) if known => return Granted::Place(place, true),
            Some(place) => place,
            None => {
                known = false;
                taking.await
            }
        };
        match may_begin(&shared, &conversation, &parts).await {
            Ok(may) => return Granted::Place(place, may),
            Err(error) => tracing::warn!(error = %Chain(&error), ?wait, "asking again"),
        }
        drop(place);
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(ASK_AGAIN_MAX);
    }
}

/// Room for the process of a turn that has its place, and whether its author may have it run still, if that took a while.
pub(super) async fn room(
    shared: Shared,
    conversation: Conversation,
    parts: Vec<Prompt>,
    standing: watch::Sender<WaitsFor>,
) -> Granted {
    let mut taking = pin!(shared.warm.room(&standing));
    if let Some(room) = poll_immediate(taking.as_mut()).await {
        return Granted::Room(room, true);
    }
    let room = taking.await;
    let mut wait = ASK_AGAIN_MIN;
    while room.is_ok() {
        match may_begin(&shared, &conversation, &parts).await {
            Ok(may) => return Granted::Room(room, may),
            Err(error) => tracing::warn!(error = %Chain(&error), ?wait, "asking again"),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(ASK_AGAIN_MAX);
    }
    Granted::Room(room, true)
}

/// Whether the authors of all of them may have them run still.
async fn may_begin(shared: &Shared, conversation: &Conversation, parts: &[Prompt]) -> Result<bool, NotKnown> {
    for prompt in parts {
        if !shared.guard.may_begin(conversation, prompt).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

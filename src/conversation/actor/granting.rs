//! What a turn waits for before it begins: its place, room for its process, and that its author may have it run still.
//! That is asked as well before a turn that runs is told of a prompt which waited.

use std::pin::pin;
use std::time::Duration;

use futures::future::poll_immediate;
use tokio::sync::watch;

use super::{Actor, ActorError, Granted, Input, Shared};
use crate::chain::Chain;
use crate::conversation::guard::NotKnown;
use crate::conversation::state::Turn;
use crate::domain::prompt::Prompt;
use crate::render::view::WaitsFor;
use crate::store::Conversation;

/// Who may not be known just now is asked about again after this, doubling.
const ASK_AGAIN_MIN: Duration = Duration::from_millis(500);
const ASK_AGAIN_MAX: Duration = Duration::from_secs(15);
/// What the door found of the author of a message counts for so long, while the message waits for nothing.
const DOOR_COUNTS_FOR: Duration = Duration::from_secs(10);

/// So long the actor waits to learn whether the author of what the running turn is to hear may have it told still.
const TELLING_MAX: Duration = Duration::from_secs(3);

impl Actor {
    /// The turn that waits stands in line for its place. Gives why nothing may begin for now.
    pub(super) fn ask_place(&mut self) -> Input {
        let parts = self.state.running().map(|turn| turn.parts.clone()).unwrap_or_default();
        let known = self.just_came(&parts);
        let standing = self.stands();
        let (shared, conversation) = (self.shared.clone(), self.conversation.clone());
        self.wish = Some(Box::pin(place(shared, conversation, parts, known, standing)));
        Input::Held(*self.holds.borrow_and_update())
    }

    /// A turn that runs already has a place, also where all are taken.
    pub(super) fn take_place(&mut self) {
        let asker = self.state.running().and_then(Turn::asker);
        self.place = Some(self.shared.places.take_now(asker));
    }

    pub(super) fn leave_place(&mut self) {
        self.wish = None;
        self.place = None;
        self.room = None;
    }

    /// The turn that waits gets what it waits for: first its place, then, where it needs a process that is not there, room
    /// for that. What it has it keeps meanwhile, and gives back when it is stopped.
    pub(super) async fn granted(&mut self, granted: Granted) -> Result<(), ActorError> {
        self.wish = None;
        match granted {
            Granted::Place(place, may) => {
                self.place = Some(place);
                if !may {
                    return self.apply(Input::Barred).await;
                }
                if self.state.needs_room() {
                    self.ask_room();
                    return Ok(());
                }
            }
            Granted::Room(Ok(room), true) => self.room = Some(room),
            Granted::Room(Ok(_), false) => return self.apply(Input::Barred).await,
            Granted::Room(Err(_), _) => return self.apply(Input::NoRoom).await,
        }
        let fresh = self.fresh().await?;
        self.apply(Input::Place(fresh)).await
    }

    fn ask_room(&mut self) {
        let standing = self.stands();
        let parts = self.state.running().map(|turn| turn.parts.clone()).unwrap_or_default();
        let (shared, conversation) = (self.shared.clone(), self.conversation.clone());
        self.wish = Some(Box::pin(room(shared, conversation, parts, standing)));
    }

    /// Where to tell how the turn stands from now on.
    fn stands(&mut self) -> watch::Sender<WaitsFor> {
        let standing = watch::Sender::new(WaitsFor::default());
        self.standing = standing.subscribe();
        standing
    }

    /// Whether the author of a prompt may have the running turn told of it still; none: that cannot be known soon.
    pub(super) async fn may_be_told(&mut self, prompt: &Prompt) -> Option<bool> {
        let parts = std::slice::from_ref(prompt);
        if self.just_came(parts) {
            return Some(true);
        }
        match tokio::time::timeout(TELLING_MAX, may_begin(&self.shared, &self.conversation, parts)).await {
            Ok(Ok(may)) => Some(may),
            Ok(Err(error)) => {
                tracing::warn!(error = %Chain(&error), "who may is not known, so nothing is told");
                None
            }
            Err(_) => {
                tracing::warn!("who may is not known in time, so nothing is told");
                None
            }
        }
    }

    /// Whether this is one prompt that came a moment ago, in this daemon's time, and goes into a turn as it comes: the door
    /// let its author in by what they are.
    fn just_came(&self, parts: &[Prompt]) -> bool {
        let [prompt] = parts else { return false };
        let (now, wall) = (self.shared.clock.moment(), self.shared.clock.wall());
        let age_ms = wall.0.abs_diff(prompt.received_at.0);
        self.arriving == Some(prompt.id) && Duration::from_millis(age_ms) < DOOR_COUNTS_FOR.min(now.0)
    }
}

/// A place for the turn of this prompt, and whether its author may have it run still: known, if there is a place at once
/// for one who was let in just now. Nobody is asked before there is a place, because that may be in an hour; while it
/// cannot be known the place is somebody else's.
async fn place(
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
async fn room(
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

//! The turn in hand: the calls that make its channel equal to its view, and what became of them.

mod creating;
mod failing;
mod known;

use std::borrow::Cow;
use std::collections::HashMap;

use super::deliver::DeliverError;
use super::pace::{Kind, Pace, Urgency};
use known::Known;

use super::plan::{self, Call, Operation, PostedState};
use super::worker::{Channel, Entry};
use super::{Inner, Target, Unseen};
use crate::clock::Moment;
use crate::domain::action::Action;
use crate::domain::ids::{ChannelId, MessageId, TurnId};
use crate::fail_point::{Point, pass};
use crate::render::message::MessageBody;
use crate::render::view::{Reaction, Shown};
use crate::store::{SlotKey, StoreError};

/// A turn on its way to its channel.
pub(super) struct Delivery {
    turn: TurnId,
    target: Target,
    known: Known,
    thread_open: bool,
    /// Calls that failed in a row.
    failures: u32,
    /// How often in a row the thread was brought back from the archive.
    unarchived: u32,
    not_before: Moment,
    /// Since when the channel takes nothing,
    closed_since: Option<Moment>,
    /// and whether this delivery said so.
    said_closed: bool,
    /// Since when all of the turn waits to be read.
    since: Moment,
    /// The channel will never take anything.
    given_up: bool,
    /// By slot: the [`plan::hash`] of a body that Discord does not take, and what stands for it.
    instead: HashMap<u32, (String, MessageBody)>,
}

/// What a step came to.
pub(super) enum Step {
    /// A call was made; look again.
    Called,
    /// Discord equals the view, which is not the last one.
    Equal,
    /// There is nothing to do before this moment, unless the view changes.
    NotBefore(Moment),
    /// The turn is posted or refused.
    Over,
}

impl Delivery {
    /// In a channel that takes nothing since then, if it does not.
    pub(super) fn of(entry: &Entry, closed_since: Option<Moment>) -> Self {
        Self {
            turn: entry.turn,
            target: entry.target.clone(),
            known: Known::default(),
            thread_open: false,
            failures: 0,
            unarchived: 0,
            not_before: Moment::default(),
            closed_since,
            said_closed: false,
            since: entry.since,
            given_up: false,
            instead: HashMap::new(),
        }
    }

    pub(super) fn turn(&self) -> TurnId {
        self.turn
    }

    /// Whether a create was tried of which nobody knows if it worked.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.known.all().iter().any(|posted| posted.state == PostedState::Sending)
    }

    /// Whether the last call failed, or the channel takes nothing.
    pub(super) fn is_in_trouble(&self) -> bool {
        self.failures > 0 || self.closed_since.is_some()
    }

    /// Since when the channel takes nothing; none: it does, as far as is known.
    pub(super) fn closed_since(&self) -> Option<Moment> {
        self.closed_since
    }

    /// One call, if one is due.
    pub(super) async fn step(
        &mut self,
        inner: &Inner,
        entry: &Entry,
        pace: &mut Pace,
        channel: &Channel,
    ) -> Result<Step, StoreError> {
        self.known.read(inner, self.turn).await?;
        self.target.also.clone_from(&entry.target.also);
        self.target.prompt = entry.target.prompt;
        self.since = entry.since;
        let shown = &*entry.shown;
        let wanted = self.wanted(shown);
        self.tell_unseen(inner, shown, &wanted);
        let next = plan::next(&wanted, self.known.all(), shown.ended, inner.clock.wall());
        let Some(operation) = next.filter(|_| !self.given_up) else {
            if !shown.ended {
                return Ok(Step::Equal);
            }
            self.over(inner, shown).await?;
            return Ok(Step::Over);
        };
        let kind = match operation.call {
            Call::Create => Some(Kind::Create),
            Call::Edit(_) | Call::Delete(_) => Some(Kind::Edit),
            Call::LookUp => None,
        };
        let urgency = if shown.ended { Urgency::Final } else { Urgency::Stream };
        let now = inner.clock.moment();
        let due = kind.map_or(now, |kind| pace.next(kind, urgency, now)).max(self.not_before);
        if due > now {
            return Ok(Step::NotBefore(due));
        }
        if let Some(kind) = kind {
            pace.made(kind, now);
            channel.no_room_before(pace.next(Kind::Edit, Urgency::Stream, now));
        }
        let body = wanted.get(operation.slot as usize).cloned();
        // Slots are taken in their order: after the end of a turn in the last one come what is too much, which goes, and the
        // note that it is delivered.
        let is_last =
            shown.ended && operation.slot as usize + 1 == wanted.len() && self.target.prompt.is_some();
        match self.call(inner, operation, body.as_ref(), is_last).await? {
            Ok(()) => self.worked(inner, operation),
            Err(error) => self.failed(inner, operation, body.as_ref(), error, wanted.len()).await?,
        }
        Ok(Step::Called)
    }

    /// The slots as they are wanted, with what stands for those that Discord does not take.
    fn wanted<'a>(&self, shown: &'a Shown) -> Cow<'a, [MessageBody]> {
        let mut wanted = Cow::Borrowed(&shown.slots[..]);
        for (slot, (refused, instead)) in &self.instead {
            let index = *slot as usize;
            if wanted.get(index).is_some_and(|body| plan::hash(body) == *refused) {
                wanted.to_mut()[index] = instead.clone();
            }
        }
        wanted
    }

    /// Tells of questions whose buttons will not come. Where that cannot be taken just now, the next view tells again.
    fn tell_unseen(&self, inner: &Inner, shown: &Shown, wanted: &[MessageBody]) {
        for ((slot, body), wanted) in (0u32..).zip(&shown.slots).zip(wanted) {
            let without = !wanted.actions().eq(body.actions());
            let unseen = self.given_up || without || self.known.is_refused(Some(slot));
            let mut asks: Vec<_> = body.actions().filter(|_| unseen).filter_map(Action::ask).collect();
            asks.dedup();
            for ask in asks {
                let _ = inner.unseen.try_send(Unseen { conversation: self.target.channel.into(), ask });
            }
        }
    }

    fn key(&self, operation: Operation) -> SlotKey {
        SlotKey { turn: self.turn, slot: operation.slot, generation: operation.generation }
    }

    /// Makes the call, and remembers what came of it.
    async fn call(
        &mut self,
        inner: &Inner,
        operation: Operation,
        body: Option<&MessageBody>,
        is_last: bool,
    ) -> Result<Result<(), DeliverError>, StoreError> {
        let (channel, key, now) = (self.target.channel, self.key(operation), inner.clock.wall());
        match (operation.call, body) {
            (Call::Create, Some(body)) => self.create(inner, operation, body).await,
            (Call::Edit(message), Some(body)) => {
                let custom_ids = custom_ids(inner, channel, body).await?;
                let edited = inner.discord.edit(channel, message, body, &custom_ids).await;
                match &edited {
                    Ok(()) => {
                        pass(Point::Edited).await;
                        if is_last {
                            // A row less to write. Where the note does not come, the end is posted once more: no earlier
                            // view of the turn looked like it.
                            let sent = PostedState::Sent(message);
                            self.known.set(operation, sent, plan::hash(body), now);
                        } else {
                            self.shows(inner, operation, message, plan::hash(body)).await?;
                        }
                    }
                    // It may have been done: which body the message has is not known.
                    Err(DeliverError::Retry { .. }) => {
                        self.shows(inner, operation, message, String::new()).await?;
                    }
                    Err(_) => {}
                }
                Ok(edited)
            }
            (Call::Delete(message), _) => match inner.discord.delete(channel, message).await {
                Ok(()) | Err(DeliverError::MessageGone(_)) => {
                    pass(Point::Replaced).await;
                    inner.store.slot_removed(key).await?;
                    self.known.set(operation, PostedState::Removed, String::new(), now);
                    Ok(Ok(()))
                }
                Err(error) => {
                    if matches!(error, DeliverError::Retry { .. }) {
                        // It may be gone: if it is wanted again, an edit tells.
                        self.shows(inner, operation, message, String::new()).await?;
                    }
                    Ok(Err(error))
                }
            },
            (Call::LookUp, body) => self.look_up(inner, operation, body).await,
            // The plan makes and changes only what is wanted.
            (Call::Create | Call::Edit(_), None) => Ok(Ok(())),
        }
    }

    /// The message is there, with the body of this hash.
    async fn shows(
        &mut self,
        inner: &Inner,
        operation: Operation,
        message: MessageId,
        hash: String,
    ) -> Result<(), StoreError> {
        inner.store.slot_sent(self.key(operation), message, &hash).await?;
        self.known.set(operation, PostedState::Sent(message), hash, inner.clock.wall());
        Ok(())
    }

    /// The last view is posted, or refused: now the reaction may say so, and then the row.
    async fn over(&self, inner: &Inner, shown: &Shown) -> Result<(), StoreError> {
        let is_replaced = matches!(self.wanted(shown), Cow::Owned(_));
        let refused = self.given_up || is_replaced || self.known.is_refused(None);
        if !self.given_up {
            self.tell_over(inner).await?;
        }
        let reaction = if refused { Reaction::Failed } else { shown.reaction };
        // Before the one with which the turn is noted as delivered.
        for (channel, message) in &self.target.also {
            inner.reactions.want(*channel, *message, reaction, None);
        }
        if self.target.prompt.is_some() {
            self.react(inner, reaction, Some(self.turn));
        } else {
            pass(Point::Delivering).await;
            inner.store.delivered(self.turn).await?;
            pass(Point::Delivered).await;
        }
        Ok(())
    }

    fn react(&self, inner: &Inner, reaction: Reaction, delivered: Option<TurnId>) {
        if let Some((channel, message)) = self.target.prompt {
            inner.reactions.want(channel, message, reaction, delivered);
        }
    }
}

/// What Discord will know the body's menus and buttons by: rows before the message that shows them.
async fn custom_ids(
    inner: &Inner,
    channel: ChannelId,
    body: &MessageBody,
) -> Result<Vec<String>, StoreError> {
    let actions = body.actions().cloned().collect();
    inner.store.button_ids(channel.into(), actions).await
}

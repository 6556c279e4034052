//! One worker per channel: the turns of a channel in their order, one call in flight. It ends when nothing was shown in
//! its channel for a while.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::delivery::{Delivery, Step};
use super::pace::Pace;
use super::{Inner, Target, lock};
use crate::chain::Chain;
use crate::clock::Moment;
use crate::domain::ids::{ChannelId, MessageId, TurnId};
use crate::render::view::{Reaction, Shown};

/// How long a worker with nothing to do waits for more: what it knows is read again in a moment, and costs memory.
const IDLE: Duration = Duration::from_secs(30);
/// While a turn has something new all the time, details are looked at so often.
const DETAILS_EVERY: Duration = Duration::from_secs(5);
/// When the database cannot be used, it is tried again after this.
const STORE_WAIT: Duration = Duration::from_secs(3);

/// A channel's turns that are not wholly delivered, in their order.
pub(super) struct Channel {
    id: ChannelId,
    turns: Mutex<VecDeque<Entry>>,
    changed: Notify,
    /// Whether everything that was shown so far is posted or refused.
    settled: watch::Sender<bool>,
    /// When there is room for the next edit.
    room_at: Mutex<Moment>,
}

/// A turn, and how it should look.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) turn: TurnId,
    pub(super) target: Target,
    pub(super) shown: Arc<Shown>,
    pub(super) order: Order,
    /// Since when all of it waits to be read: since it ended, or was first shown.
    pub(super) since: Moment,
    /// Whether its prompt says that it cannot be read.
    unread: bool,
}

/// When something may be posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// When the turns before it are complete; one that is not over lets another before it that is new.
    InTurn,
    /// Before every turn that is not complete: a refusal that came an hour later would help nobody.
    AtOnce,
    /// When there is nothing else to do, or now and then: a detail.
    Aside,
}

impl Channel {
    pub(super) fn new(id: ChannelId) -> Self {
        Self {
            id,
            turns: Mutex::default(),
            changed: Notify::new(),
            settled: watch::Sender::new(true),
            room_at: Mutex::default(),
        }
    }

    pub(super) fn show(&self, turn: TurnId, target: &Target, shown: Shown, order: Order, now: Moment) {
        let shown = Arc::new(shown);
        {
            let mut turns = lock(&self.turns);
            if order == Order::InTurn {
                // What was to be taken back goes on: it has a place among the turns again, and none before them.
                turns.retain(|entry| entry.turn != turn || entry.order == Order::InTurn);
            }
            if let Some(entry) = turns.iter_mut().find(|entry| entry.turn == turn) {
                if shown.ended && !entry.shown.ended {
                    entry.since = now;
                }
                entry.shown = shown;
                entry.target.also.clone_from(&target.also);
                if order == Order::AtOnce {
                    entry.order = order;
                    // Taken back is what was said. Of the prompt, only whoever names it knows what became.
                    entry.target.prompt = target.prompt;
                }
            } else {
                // A turn that is not over gave way to the one that is new.
                let gave_way = |entry: &Entry| entry.order == Order::InTurn && !entry.shown.ended;
                let before = turns.iter().position(gave_way);
                let place = before.filter(|_| order == Order::InTurn && !shown.ended).unwrap_or(turns.len());
                turns.insert(
                    place,
                    Entry { turn, target: target.clone(), shown, order, since: now, unread: false },
                );
            }
        }
        self.settled.send_replace(false);
        self.changed.notify_one();
    }

    pub(super) async fn settled(&self) {
        // The sender is in `self`, so it cannot be gone.
        let _ = self.settled.subscribe().wait_for(|settled| *settled).await;
    }

    /// From when on an edit that more text follows can be made.
    pub(super) fn room_at(&self) -> Moment {
        *lock(&self.room_at)
    }

    /// There is none before this.
    pub(super) fn no_room_before(&self, moment: Moment) {
        *lock(&self.room_at) = moment;
    }

    /// Whether there is no turn at all.
    pub(super) fn is_empty(&self) -> bool {
        lock(&self.turns).is_empty()
    }

    /// What is next. Details are, if they may come before a turn.
    fn front(&self, details: bool) -> Option<Entry> {
        let turns = lock(&self.turns);
        let first = |order: Order| turns.iter().find(|entry| entry.order == order);
        let aside = || first(Order::Aside);
        let next = first(Order::AtOnce).or_else(|| aside().filter(|_| details));
        next.or_else(|| first(Order::InTurn)).or_else(aside).cloned()
    }

    fn of(&self, turn: TurnId) -> Option<Entry> {
        lock(&self.turns).iter().find(|entry| entry.turn == turn).cloned()
    }

    /// The prompts of turns that are over and cannot be read, each once.
    fn unread(&self) -> Vec<(ChannelId, MessageId)> {
        let mut turns = lock(&self.turns);
        let ended = turns.iter_mut().filter(|entry| entry.order == Order::InTurn && entry.shown.ended);
        let new = ended.filter_map(|entry| (!std::mem::replace(&mut entry.unread, true)).then_some(entry));
        new.filter_map(|entry| entry.target.prompt).collect()
    }

    fn has_details(&self) -> bool {
        lock(&self.turns).iter().any(|entry| entry.order == Order::Aside)
    }

    /// Lets go of a turn that is delivered, unless it is to look otherwise since.
    fn pop(&self, delivered: &Entry) {
        let same =
            |entry: &Entry| entry.turn == delivered.turn && Arc::ptr_eq(&entry.shown, &delivered.shown);
        lock(&self.turns).retain(|entry| !same(entry));
    }
}

/// Serves the channel until nothing is shown in it any more.
pub(super) async fn run(inner: Arc<Inner>, channel: Arc<Channel>) {
    let (mut pace, mut delivery) = (Pace::default(), None::<Delivery>);
    let (mut details_at, mut is_quiet, mut is_equal) = (Moment::default(), false, false);
    // Whichever turn is in hand: the channel is the same.
    let mut closed_since = None;
    loop {
        // Whoever is refused again and again is not left for a detail: how long is counted here.
        let trouble = delivery.as_ref().is_some_and(Delivery::is_in_trouble);
        let details = is_quiet || !trouble && inner.clock.moment() >= details_at;
        is_quiet = false;
        // A create whose end is not known comes to one before anything else is created: so what is found in a channel without
        // a row is of one create, the one that is looked up.
        let doubted = delivery.as_ref().filter(|delivery| !is_equal && delivery.is_in_doubt());
        let entry = doubted.and_then(|delivery| channel.of(delivery.turn()));
        let Some(entry) = entry.or_else(|| channel.front(details)) else {
            delivery = None;
            channel.settled.send_replace(true);
            let waited = tokio::time::timeout(IDLE, channel.changed.notified()).await;
            if waited.is_err() && inner.retire(channel.id) {
                return;
            }
            continue;
        };
        let current = delivery.get_or_insert_with(|| Delivery::of(&entry, closed_since));
        if current.turn() != entry.turn {
            *current = Delivery::of(&entry, closed_since);
        }
        let step = current.step(&inner, &entry, &mut pace, &channel).await;
        closed_since = current.closed_since();
        is_equal = matches!(step, Ok(Step::Equal));
        match step {
            Ok(Step::Called) => {}
            Ok(Step::Equal) if channel.has_details() => is_quiet = true,
            Ok(Step::Equal) => {
                channel.settled.send_replace(true);
                channel.changed.notified().await;
            }
            Ok(Step::NotBefore(moment)) => {
                channel.no_room_before(moment);
                if closed_since.is_some() {
                    // It may take a day: nobody waits for that.
                    channel.settled.send_replace(true);
                    // What is behind cannot be read either, so it is not done.
                    for (channel, message) in channel.unread() {
                        inner.reactions.want(channel, message, Reaction::Failed, None);
                    }
                }
                tokio::select! {
                    () = tokio::time::sleep_until(inner.clock.instant(moment)) => {}
                    () = channel.changed.notified() => {}
                }
            }
            Ok(Step::Over) => {
                if entry.order == Order::Aside {
                    details_at = inner.clock.moment().after(DETAILS_EVERY);
                }
                channel.pop(&entry);
                // The same again, where it is to look otherwise since, is read anew.
                delivery = None;
            }
            Err(error) => {
                tracing::error!(channel = %channel.id, error = %Chain(&error), "outbox could not use the database, trying again");
                tokio::time::sleep(STORE_WAIT).await;
            }
        }
    }
}

//! Makes Discord equal to the view: one worker per channel compares what a turn should look like with what was posted,
//! and closes the difference at Discord's pace. The last view wins; what was on the way meanwhile is never sent.
//!
//! A message is a row before it is sent, with a nonce that is the same for every attempt, so that a retry within
//! Discord's nonce window returns the message instead of posting it again (RELIABILITY §3). Nothing here reads the
//! gateway, and nothing outside sends a channel message.

pub mod plan;

pub mod pace;

pub mod invalid;

pub mod breaker;

pub mod calls;

pub mod deliver;

mod worker;

mod delivery;

mod trouble;

mod closed;

mod reactions;

mod typing;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{Clock, Moment};
use crate::domain::ids::{AskId, ChannelId, ConversationId, MessageId, TurnId, UserId};
use crate::render::view::{Reaction, Shown};
use crate::store::Store;

use deliver::{Closed, Discord};
use worker::Order;

/// Where a turn is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The channel or thread.
    pub channel: ChannelId,
    /// The channel above, where people are told when the thread takes nothing.
    pub parent: Option<ChannelId>,
    /// The message whose thread it is, when the thread may have to be opened first.
    pub thread: Option<Thread>,
    /// The message that carries the reactions, with the channel in which it stands.
    pub prompt: Option<(ChannelId, MessageId)>,
    /// More messages that get the reaction that stays.
    pub also: Vec<(ChannelId, MessageId)>,
}

/// A thread to be opened on a message. Its id will be that of the message (docs: resources/channel).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// The channel above.
    pub parent: ChannelId,
    /// The message.
    pub message: MessageId,
    /// Its name, 1 to 100 characters.
    pub name: String,
}

/// A question that nobody can see: Discord does not take the message with its buttons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unseen {
    /// Whose it is.
    pub conversation: ConversationId,
    /// Which.
    pub ask: AskId,
}

/// What the configuration says of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Taste {
    /// Whether reactions tell what a turn does just now.
    pub activity: bool,
    /// Who is told in private of a channel in which nobody can be told.
    pub owner: Option<UserId>,
}

/// The handle: cheap to clone, never waits for Discord.
#[derive(Clone)]
pub struct Outbox {
    inner: Arc<Inner>,
}

struct Inner {
    discord: Arc<dyn Discord>,
    store: Store,
    clock: Clock,
    tasks: TaskTracker,
    stop: CancellationToken,
    unseen: mpsc::Sender<Unseen>,
    owner: Option<UserId>,
    closed: closed::ClosedChannels,
    channels: Mutex<HashMap<ChannelId, Arc<worker::Channel>>>,
    reactions: reactions::Reactions,
    typing: typing::Typing,
    /// Its workers hold it as well.
    me: Weak<Inner>,
}

impl Outbox {
    /// An outbox that delivers through `discord`. Its workers run in `tasks` and end with `stop`. Questions that nobody
    /// can see go to `unseen`, perhaps more than once.
    pub fn new(
        discord: Arc<dyn Discord>,
        store: Store,
        clock: Clock,
        tasks: TaskTracker,
        stop: CancellationToken,
        taste: Taste,
        unseen: mpsc::Sender<Unseen>,
    ) -> Self {
        let typing = typing::Typing::new(Arc::clone(&discord), tasks.clone(), stop.clone());
        let reactions = reactions::Reactions::new(reactions::Parts {
            discord: Arc::clone(&discord),
            store: store.clone(),
            clock,
            tasks: tasks.clone(),
            stop: stop.clone(),
            activity: taste.activity,
        });
        let inner = |me: &Weak<Inner>| Inner {
            discord,
            store,
            clock,
            tasks,
            stop,
            unseen,
            owner: taste.owner,
            closed: closed::ClosedChannels::default(),
            channels: Mutex::default(),
            reactions,
            typing,
            me: Weak::clone(me),
        };
        Self { inner: Arc::new_cyclic(inner) }
    }

    /// What `turn` should look like from now on. The first call for a turn decides its place among the turns of the
    /// channel: a later turn is posted when the earlier one is complete. Where the earlier one is not over it gave way to
    /// the later one, and comes after that.
    pub fn show(&self, turn: TurnId, target: &Target, shown: Shown) {
        // A reaction that says that it is over comes when all of it can be read.
        if let Some((channel, message)) = target.prompt.filter(|_| !shown.reaction.is_final()) {
            self.react(channel, message, shown.reaction);
        }
        self.inner.typing.set(target.channel, turn, shown.typing);
        self.inner.show(turn, target, shown, Order::InTurn);
    }

    /// Says something that belongs to no turn, and waits for none: a refusal, a notice. The same `key` is the same message.
    pub fn say(&self, key: TurnId, target: &Target, shown: Shown) {
        self.inner.show(key, target, shown, Order::AtOnce);
    }

    /// Says otherwise what was said under this key, when there is a moment for it: nobody waits for that.
    pub fn change(&self, key: TurnId, target: &Target, shown: Shown) {
        self.inner.show(key, target, shown, Order::Aside);
    }

    /// Takes back what was said under this key.
    pub fn unsay(&self, key: TurnId, target: &Target) {
        let shown = Shown { slots: Vec::new(), reaction: Reaction::Stopped, typing: false, ended: true };
        self.inner.show(key, target, shown, Order::AtOnce);
    }

    /// The reaction to a message that is accepted just now.
    pub fn acknowledge(&self, channel: ChannelId, message: MessageId) {
        self.inner.reactions.acknowledge(channel, message);
    }

    /// The reaction that a message should carry from the bot: one at a time, the last one wins.
    pub fn react(&self, channel: ChannelId, message: MessageId, reaction: Reaction) {
        self.inner.reactions.want(channel, message, reaction, None);
    }

    /// From when on an edit of a text that streams can be posted in this channel; what is shown before waits until then.
    pub fn room_at(&self, channel: ChannelId) -> Moment {
        lock(&self.inner.channels).get(&channel).map(|worker| worker.room_at()).unwrap_or_default()
    }

    /// The channels that take nothing from us just now, and why.
    pub fn closed_channels(&self) -> Vec<(ChannelId, Closed)> {
        self.inner.closed.all()
    }

    /// Waits until everything that was shown so far is posted or refused.
    pub async fn settled(&self) {
        let channels: Vec<_> = lock(&self.inner.channels).values().cloned().collect();
        for channel in channels {
            channel.settled().await;
        }
        self.inner.reactions.settled().await;
    }
}

impl Inner {
    fn show(&self, turn: TurnId, target: &Target, shown: Shown, order: Order) {
        let mut channels = lock(&self.channels);
        let worker = channels.entry(target.channel).or_insert_with(|| self.start(target.channel));
        // Under the lock: a worker that ends has nothing to show.
        worker.show(turn, target, shown, order, self.clock.moment());
    }

    fn start(&self, channel: ChannelId) -> Arc<worker::Channel> {
        let worker = Arc::new(worker::Channel::new(channel));
        if let Some(me) = self.me.upgrade() {
            let task = worker::run(me, Arc::clone(&worker));
            let stop = self.stop.clone();
            self.tasks.spawn(async move {
                stop.run_until_cancelled(task).await;
            });
        }
        worker
    }

    /// Lets go of a worker that has nothing to do; false if it got something meanwhile.
    fn retire(&self, channel: ChannelId) -> bool {
        let mut channels = lock(&self.channels);
        let is_idle = channels.get(&channel).is_none_or(|worker| worker.is_empty());
        if is_idle {
            channels.remove(&channel);
        }
        is_idle
    }
}

#[cfg(test)]
mod tests;

/// A poisoned lock guards nothing that a panic could have left half-done: every holder replaces whole values.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

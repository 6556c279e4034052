//! Makes Discord equal to the view: one worker per channel compares what a turn should look like with what was posted,
//! and closes the difference at Discord's pace. The last view wins; what was on the way meanwhile is never sent.
//!
//! A message is a row before it is sent, with a nonce that is the same for every attempt, so that a retry within
//! Discord's nonce window returns the message instead of posting it again (RELIABILITY §3). Nothing here reads the
//! gateway, and nothing outside sends a channel message.

pub mod plan;

pub mod pace;

pub mod deliver;

mod worker;

mod reactions;

mod typing;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::domain::ids::{ChannelId, MessageId, TurnId};
use crate::render::view::{Reaction, Shown};
use crate::store::Store;

use deliver::Discord;

/// Where a turn is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The channel or thread.
    pub channel: ChannelId,
    /// The message whose thread it is, when the thread may have to be opened first.
    pub thread: Option<Thread>,
    /// The message that carries the reactions, with the channel in which it stands.
    pub prompt: Option<(ChannelId, MessageId)>,
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
    channels: Mutex<HashMap<ChannelId, Arc<worker::Channel>>>,
    reactions: Mutex<HashMap<ChannelId, mpsc::UnboundedSender<reactions::Wanted>>>,
    typing: typing::Typing,
}

impl Outbox {
    /// An outbox that delivers through `discord`. Its workers run in `tasks` and end with `stop`.
    pub fn new(
        discord: Arc<dyn Discord>,
        store: Store,
        clock: Clock,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let typing = typing::Typing::new(Arc::clone(&discord), tasks.clone(), stop.clone());
        Self {
            inner: Arc::new(Inner {
                discord,
                store,
                clock,
                tasks,
                stop,
                channels: Mutex::default(),
                reactions: Mutex::default(),
                typing,
            }),
        }
    }

    /// What `turn` should look like from now on. The first call for a turn decides its place among the turns of the
    /// channel: a later turn is posted when the earlier one is complete.
    pub fn show(&self, turn: TurnId, target: &Target, shown: Shown) {
        if let Some((channel, message)) = target.prompt {
            self.react(channel, message, shown.reaction);
        }
        self.inner.typing.set(target.channel, turn, shown.typing);
        self.channel(target.channel).show(turn, target.thread.clone(), shown);
    }

    /// The reaction that a message should carry from the bot: one at a time, the last one wins.
    pub fn react(&self, channel: ChannelId, message: MessageId, reaction: Reaction) {
        let mut channels = lock(&self.inner.reactions);
        let wanted = reactions::Wanted { message, reaction };
        if channels.get(&channel).is_some_and(|worker| worker.send(wanted).is_ok()) {
            return;
        }
        let (sender, receiver) = mpsc::unbounded_channel();
        // The receiver lives in the task that starts below.
        let _ = sender.send(wanted);
        channels.insert(channel, sender);
        let discord = Arc::clone(&self.inner.discord);
        let stop = self.inner.stop.clone();
        self.inner.tasks.spawn(async move {
            stop.run_until_cancelled(reactions::run(discord, channel, receiver)).await;
        });
    }

    /// Waits until everything that was shown so far is posted or refused.
    pub async fn settled(&self) {
        let channels: Vec<_> = lock(&self.inner.channels).values().cloned().collect();
        for channel in channels {
            channel.settled().await;
        }
    }

    fn channel(&self, channel: ChannelId) -> Arc<worker::Channel> {
        let mut channels = lock(&self.inner.channels);
        let worker = channels.entry(channel).or_insert_with(|| {
            let worker = Arc::new(worker::Channel::new(channel));
            let task = worker::run(
                Arc::clone(&worker),
                Arc::clone(&self.inner.discord),
                self.inner.store.clone(),
                self.inner.clock,
            );
            let stop = self.inner.stop.clone();
            self.inner.tasks.spawn(async move {
                stop.run_until_cancelled(task).await;
            });
            worker
        });
        Arc::clone(worker)
    }
}

/// A poisoned lock guards nothing that a panic could have left half-done: every holder replaces whole values.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

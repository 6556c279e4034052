//! Absence is made up: after each new gateway session every watched channel is read over REST from its watermark, oldest
//! first, and what is found goes the way of live messages: the same filters, the same access check, the same store.
//! Discord replays nothing by itself once a session is lost, and nothing at all to a daemon that was not there.
//!
//! [`threads`] says where somebody may have written, [`plan`] which channel is next, [`caps`] what is run and what is held for somebody to decide, [`progress`] what
//! live messages have to wait for. Here is what asks Discord. Interactions of the time are lost: Discord told their
//! people itself.

pub mod caps;

pub mod plan;

pub mod progress;

pub mod held;

mod reading;

mod threads;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use serenity::all::Context;
use tokio_util::sync::CancellationToken;

use self::caps::Caps;
use self::plan::{After, Next, Plan};
use self::progress::Progress;
pub use self::reading::{Membership, Reading};
use self::threads::{Search, ToRead};
use super::Data;
use crate::chain::Chain;
use crate::domain::ids::{ChannelId, GuildId, MessageId};
use crate::outbox::breaker::Breaker;
use crate::outbox::calls::Calls;
use crate::store::{Store, StoreError};

/// How many channels are read at the same time: one that is slow (files, retries) does not hold up the others.
const READERS: usize = 4;

/// How long after a search that was not complete it goes on.
const SEARCH_AGAIN: Duration = Duration::from_secs(10);

/// What makes up for absence, and what is known of it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CatchUp {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    progress: Progress,
    calls: Calls,
    breaker: Breaker,
    stop: CancellationToken,
    /// One at a time: that of the session before ends first.
    running: tokio::sync::Mutex<()>,
    /// Held from the look at what is held until it is said: what is said last is true.
    telling: tokio::sync::Mutex<()>,
}

impl CatchUp {
    /// Ends with `stop`. Each request is one of `calls`, and what Discord refuses is counted by `breaker`.
    pub fn new(breaker: Breaker, calls: Calls, stop: CancellationToken) -> Self {
        let (running, telling) = Default::default();
        let progress = Progress::default();
        Self { inner: Arc::new(Inner { progress, calls, breaker, stop, running, telling }) }
    }

    /// What is known of all channels.
    pub fn progress(&self) -> &Progress {
        &self.inner.progress
    }

    /// Waits until nobody else looks at what is held, to change it or to say it.
    pub async fn alone(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.inner.telling.lock().await
    }

    /// Waits until it is time for one more request.
    pub async fn ready(&self) {
        self.inner.calls.ready().await;
    }

    /// What Discord refused.
    pub fn breaker(&self) -> &Breaker {
        &self.inner.breaker
    }

    /// Lets a live message wait for those before it ([`Progress::hold`]).
    pub async fn hold(&self, channel: ChannelId, message: MessageId) {
        let blocked = || !self.inner.breaker.standing().wait.is_zero();
        self.inner.progress.hold(channel, message, blocked).await;
    }

    /// Tells the store how far channels were decided on. Called now and then, and at the end.
    pub async fn store(&self, store: &Store) -> Result<(), StoreError> {
        let decided = self.inner.progress.take_decided();
        if let Err(error) = store.advance_watermarks(&decided).await {
            for (channel, message) in decided {
                self.inner.progress.decided(channel, message);
            }
            return Err(error);
        }
        self.inner.breaker.store().await
    }

    /// Reads everything that was said before this session since the last one in these guilds. Ends when all is read, or
    /// when the next session begins.
    pub async fn run(&self, ctx: &Context, data: &Data, session: u64, guilds: &[GuildId]) {
        let _alone = self.inner.running.lock().await;
        if self.inner.progress.session() != session {
            return;
        }
        let reading = Reading::new(ctx, data, &self.inner, session);
        let begun = tokio::select! {
            begun = begin(&reading, guilds) => begun,
            () = self.ended(session) => return,
        };
        let (mut search, mut channels) = begun;
        self.inner.progress.planned(session, &ids(&channels), search.unlisted());
        loop {
            let count = channels.len();
            if !self.read(&reading, Plan::new(channels), session).await {
                return;
            }
            tracing::info!(channels = count, messages = reading.count(), "caught up");
            if search.is_complete() {
                return;
            }
            channels = tokio::select! {
                found = again(&mut search) => found,
                () = self.ended(session) => return,
            };
            self.inner.progress.planned_more(session, &ids(&channels), search.unlisted());
        }
    }

    /// Reads all of a plan; false: the session or the daemon ended before.
    async fn read(&self, reading: &Reading<'_>, mut plan: Plan, session: u64) -> bool {
        let progress = &self.inner.progress;
        // Nothing is awaited outside of the select: whoever is not polled may have been given the one connection to the
        // database, and everybody would wait for it.
        let (mut readers, mut tellers) = (FuturesUnordered::new(), FuturesUnordered::new());
        let mut over = false;
        loop {
            let now = reading.data.clock.moment();
            let mut wake = None;
            while !over && readers.len() < READERS {
                match plan.next(now, |channel| progress.is_waited_for(channel)) {
                    Next::Read(lane) => readers.push(async move { (lane, reading.page(lane).await) }),
                    Next::Wait(moment) => {
                        wake = Some(moment);
                        break;
                    }
                    Next::Pending | Next::Done => break,
                }
            }
            if readers.is_empty() && tellers.is_empty() && (over || wake.is_none()) {
                return !over;
            }
            let wake = async {
                match wake {
                    Some(moment) => tokio::time::sleep_until(reading.data.clock.instant(moment)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                // What is being taken is taken to its end: a prompt that is stored must reach its conversation.
                () = self.ended(session), if !over => over = true,
                Some((lane, outcome)) = readers.next() => {
                    let channel = lane.channel;
                    match plan.done(lane, outcome, reading.data.clock.moment()) {
                        After::Again => {}
                        After::GivenUp => {
                            progress.delayed(session, channel);
                            tracing::error!(%channel, "the channel could not be read; the next connection tries again");
                        }
                        After::Finished => {
                            progress.finished(session, channel);
                            tellers.push(held::tell(reading.data, channel));
                        }
                    }
                }
                Some(()) = tellers.next() => {}
                () = wake, if !over => {}
            }
        }
    }

    async fn ended(&self, session: u64) {
        tokio::select! {
            () = self.inner.progress.ended(session) => {}
            () = self.inner.stop.cancelled() => {}
        }
    }
}

/// What there is to read, found as soon as the store tells where we were. No watermark moves before.
async fn begin<'a>(reading: &'a Reading<'a>, guilds: &[GuildId]) -> (Search<'a>, Vec<ToRead>) {
    loop {
        match Search::begin(reading, guilds).await {
            Ok(found) => return found,
            Err(error) => {
                tracing::error!(error = %Chain(&error), "what was said meanwhile cannot be read yet");
            }
        }
        tokio::time::sleep(SEARCH_AGAIN).await;
    }
}

/// What was missing, after a while.
async fn again(search: &mut Search<'_>) -> Vec<ToRead> {
    tokio::time::sleep(SEARCH_AGAIN).await;
    search.more().await.unwrap_or_else(|error| {
        tracing::error!(error = %Chain(&error), "threads that were found cannot be read yet");
        Vec::new()
    })
}

fn ids(channels: &[ToRead]) -> Vec<ChannelId> {
    channels.iter().map(|(channel, _)| *channel).collect()
}

/// The caps of one absence, shared by its readers.
type SharedCaps = Mutex<Caps>;

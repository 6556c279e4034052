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

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use serenity::all::Context;
use tokio_util::sync::CancellationToken;

use self::caps::Caps;
use self::plan::{After, Next, Plan};
use self::progress::Progress;
pub use self::reading::{Membership, Reading};
use super::{Data, notice};
use crate::chain::Chain;
use crate::domain::ids::{ChannelId, GuildId};
use crate::outbox::breaker::Breaker;
use crate::outbox::calls::Calls;
use crate::store::{NewConversation, Store, StoreError};

/// How many channels are read at the same time: one that is slow (files, retries) does not hold up the others.
const READERS: usize = 4;

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
}

impl CatchUp {
    /// Ends with `stop`. Each request is one of `calls`, and what Discord refuses is counted by `breaker`.
    pub fn new(breaker: Breaker, calls: Calls, stop: CancellationToken) -> Self {
        let running = tokio::sync::Mutex::default();
        Self { inner: Arc::new(Inner { progress: Progress::default(), calls, breaker, stop, running }) }
    }

    /// What is known of all channels.
    pub fn progress(&self) -> &Progress {
        &self.inner.progress
    }

    /// Waits until it is time for one more request.
    pub async fn ready(&self) {
        self.inner.calls.ready().await;
    }

    /// What Discord refused.
    pub fn breaker(&self) -> &Breaker {
        &self.inner.breaker
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

    /// Reads everything that was said since the last session in these guilds. Ends when all is read, or when the next
    /// session begins.
    pub async fn run(&self, ctx: &Context, data: &Data, guilds: &[GuildId]) {
        let session = self.inner.progress.session();
        let _alone = self.inner.running.lock().await;
        let reading = Reading::new(ctx, data, &self.inner, session);
        let channels = tokio::select! {
            channels = threads::channels(&reading, guilds) => channels,
            () = self.ended(session) => return,
        };
        let channels = match channels {
            Ok(channels) => channels,
            Err(error) => {
                // Live messages go on; no watermark moves, so the next session reads what this one could not.
                tracing::error!(error = %Chain(&error), "what was said meanwhile cannot be read");
                return;
            }
        };
        let all: Vec<_> = channels.iter().map(|(channel, _)| *channel).collect();
        self.inner.progress.planned(session, &all);
        let read = self.read(&reading, Plan::new(channels), session).await;
        if read {
            tracing::info!(channels = all.len(), messages = reading.count(), "caught up");
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
                match plan.next(now) {
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
                            tellers.push(self.tell(reading.data, channel));
                        }
                    }
                }
                Some(()) = tellers.next() => {}
                () = wake, if !over => {}
            }
        }
    }

    /// Says what is held in a channel, once for what there is, and what became of what was.
    async fn tell(&self, data: &Data, channel: ChannelId) {
        let held = async {
            held::tell_settled(data, channel).await?;
            let held = data.store.held(channel).await?;
            if let (Some(_), Some(project)) = (&held, data.config.project_for(channel)) {
                // A click on the notice is looked up by the conversation; where each request has a thread there is none.
                let title = project.name.clone();
                let new = NewConversation {
                    id: channel.into(),
                    guild: None,
                    project: title.clone(),
                    parent: None,
                    title,
                };
                data.store.open_conversation(&new).await?;
            }
            Ok::<_, StoreError>(held)
        };
        match held.await {
            Ok(Some(held)) => notice::held(data, channel, &held),
            Ok(None) => {}
            Err(error) => {
                tracing::error!(%channel, error = %Chain(&error), "what is held could not be looked up");
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

/// The caps of one absence, shared by its readers.
type SharedCaps = Mutex<Caps>;

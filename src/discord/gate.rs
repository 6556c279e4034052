//! Lets the gateway client connect: serenity logs in (IDENTIFY) whenever it wants, and here is where it has to ask.
//!
//! Serenity reads the gateway's address under a lock before each connection. Whoever holds that lock decides when there
//! is one. A connection of a shard that runs is a RESUME, which costs nothing; one while no shard is there ends in an
//! IDENTIFY. So the gate is closed by default, is opened for a moment again and again while a shard runs, and lets a new
//! one in only when the budget allows it and the store knows of it: also in loops of op 9, which serenity never reports.

use std::sync::Arc;
use std::time::Duration;

use serenity::all::{Http, ShardId, ShardManager, ShardRunnerInfo};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::catch_up::CatchUp;
use super::identify::{self, Budget, Why};
use super::rest::Rest;
use super::time;
use crate::chain::Chain;
use crate::clock::Clock;
use crate::lifecycle::{self, Vital};
use crate::store::{IdentifyKind, Store};

/// A shard that wants to resume waits at most this long.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How often it is looked whether somebody came through the open gate.
const LOOK_WHILE_OPEN_EVERY: Duration = Duration::from_millis(10);
/// While a login waits, the reason is looked at again after this at the latest.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// How often a wait shows that it is alive.
const BEAT_EVERY: Duration = Duration::from_secs(5);
/// How often Discord is asked for its budget before our own count has to do.
const ASK_TRIES: u32 = 5;
const ASK_MAX: Duration = Duration::from_secs(10);

/// What the gate works with.
pub struct Gate {
    /// The address, as serenity reads it.
    pub address: Arc<Mutex<String>>,
    /// The shards that run.
    pub shards: Arc<ShardManager>,
    /// To ask for the budget.
    pub http: Arc<Http>,
    /// Where logins are remembered.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// Is told before each new session.
    pub catch_up: CatchUp,
    /// A wait is a sign of life.
    pub vital: Vital,
    /// Logins of starts that are allowed within an hour.
    pub starts_per_hour_max: usize,
}

/// The closed gate. Unless it is [opened](Closed::open), dropping it leaves it closed: there is no address any more.
#[derive(Debug)]
pub struct Closed {
    address: Option<OwnedMutexGuard<String>>,
}

impl Closed {
    /// Lets whoever waits read the address.
    fn open(mut self) {
        drop(self.address.take());
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        if let Some(address) = &mut self.address {
            address.clear();
        }
    }
}

impl Gate {
    /// Closes the gate; must be done before the client starts.
    pub async fn close(&self) -> Closed {
        Closed { address: Some(Arc::clone(&self.address).lock_owned().await) }
    }

    /// Works the gate for as long as the client runs.
    pub async fn work(&self, mut closed: Closed) {
        let mut kind = IdentifyKind::Start;
        loop {
            self.permit(kind).await;
            kind = IdentifyKind::Again;
            // What is said from here on comes with the new session, or is read.
            self.catch_up.progress().begin();
            // A shard that starts writes itself down here, and waits while we hold it: so none comes and goes unseen, after
            // which the gate would stand open for the next one. Serenity starts none within five seconds after another.
            let mut runners = self.runners().await;
            closed.open();
            loop {
                tokio::time::sleep(LOOK_WHILE_OPEN_EVERY).await;
                drop(runners);
                match self.shards.runners.try_lock() {
                    Ok(free) if free.is_empty() => runners = free,
                    // Who waits for a lock gets it before anybody who tries.
                    Ok(_) | Err(_) => break,
                }
            }
            closed = self.close().await;
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                // While this is held, no shard goes or comes: who connects now resumes.
                let runners = self.runners().await;
                if runners.is_empty() {
                    break;
                }
                // Whoever waits is first in the queue of the lock, so it is through when we have it again.
                closed.open();
                closed = self.close().await;
            }
        }
    }

    async fn runners(
        &self,
    ) -> tokio::sync::MutexGuard<'_, std::collections::HashMap<ShardId, ShardRunnerInfo>> {
        self.shards.runners.lock().await
    }

    /// Waits until the budget allows a login, and remembers that there is one.
    async fn permit(&self, kind: IdentifyKind) {
        let mut told: Option<Why> = None;
        loop {
            let budget = self.budget().await;
            let known = match self.store.identifies().await {
                Ok(known) => known,
                Err(error) => {
                    tracing::error!(error = %Chain(&error), "logins cannot be counted, trying again");
                    tokio::time::sleep(WAIT_MAX).await;
                    continue;
                }
            };
            let now = self.clock.wall();
            let Some((wait, why)) = identify::wait(&known, kind, self.starts_per_hour_max, budget, now)
            else {
                match self.store.identified(kind).await {
                    Ok(()) => return,
                    Err(error) => {
                        tracing::error!(error = %Chain(&error), "a login cannot be noted, trying again");
                        tokio::time::sleep(WAIT_MAX).await;
                        continue;
                    }
                }
            };
            if told != Some(why) && why != Why::JustNow {
                tell(why, wait, known.len(), budget);
                told = Some(why);
            }
            self.wait(wait.min(WAIT_MAX.max(wait / 4))).await;
        }
    }

    /// Waits, and is alive.
    async fn wait(&self, wait: Duration) {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.live() => {}
        }
    }

    /// Is alive for as long as it is waited for: the watchdog must not start us again, which would cost one more login.
    async fn live(&self) {
        loop {
            self.vital.beat();
            tokio::time::sleep(BEAT_EVERY).await;
        }
    }

    async fn budget(&self) -> Option<Budget> {
        let mut wait = Duration::from_secs(1);
        for _ in 0..ASK_TRIES {
            tokio::select! {
                () = self.catch_up.breaker().ready() => {}
                () = self.live() => {}
            }
            let rest = Rest::new(&self.http, self.catch_up.breaker());
            match tokio::time::timeout(ASK_MAX, rest.bot_gateway()).await {
                Ok(Ok((gateway, told))) => {
                    // Before anything is read or answered that has an age.
                    if let Some(told) = told {
                        time::heed(&self.store, self.clock, told).await;
                    }
                    let limit = gateway.session_start_limit;
                    return Some(Budget {
                        remaining: limit.remaining,
                        reset_after: Duration::from_millis(limit.reset_after),
                        at_once: usize::try_from(limit.max_concurrency).unwrap_or(1),
                    });
                }
                Ok(Err(error)) => {
                    tracing::warn!(error = %Chain(&error), ?wait, "Discord does not say how many logins are left");
                }
                Err(_) => tracing::warn!(?wait, "Discord does not say in time how many logins are left"),
            }
            self.wait(wait).await;
            wait *= 2;
        }
        None
    }
}

fn tell(why: Why, wait: Duration, today: usize, budget: Option<Budget>) {
    let remaining = budget.map(|budget| budget.remaining);
    let sentence = match why {
        Why::JustNow => return,
        Why::Starts => "started too often within an hour: waiting before the next login at Discord",
        Why::Sessions => "Discord ended too many sessions within a day: waiting before the next login",
        Why::Budget => "Discord's logins of the day are nearly used up: waiting for new ones",
    };
    tracing::error!(?wait, today, ?remaining, "{sentence}");
    lifecycle::status(sentence);
}

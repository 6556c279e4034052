//! Reactions on prompts: one at a time, and what changed meanwhile is skipped. One worker per channel, because Discord
//! counts them so (one call in 250 ms); it ends when nothing was wanted for a while.
//!
//! What a turn does just now is a courtesy: it waits until it is worth a look, and takes only what no text needs. So a
//! short turn is seen and then done, with two reactions fewer to ask Discord for.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::deliver::{DeliverError, Discord};
use super::lock;
use crate::chain::Chain;
use crate::clock::{Clock, Moment};
use crate::domain::ids::{ChannelId, MessageId, TurnId};
use crate::fail_point::{Point, pass};
use crate::render::view::Reaction;
use crate::store::Store;

/// So many messages of a channel wait for their reaction; then those are let go that say least.
const WANTED_MAX: usize = 512;
/// So many messages of a channel are remembered with their reaction; of others Discord is asked.
const POSTED_MAX: usize = 256;
/// How long a worker with nothing to do waits for more: what it knows is read again in a moment, and costs memory.
const IDLE: Duration = Duration::from_secs(30);
/// And so long while a reaction stands there that another one will follow: without it Discord would have to be asked.
const IDLE_WHILE_WORKING: Duration = Duration::from_mins(10);
/// Attempts for a reaction that another one follows, and for one that stays.
const ATTEMPTS_MAX: u32 = 5;
const FINAL_ATTEMPTS_MAX: u32 = 20;
const RETRY_WAIT_MAX: Duration = Duration::from_secs(10);
/// That a turn works is shown when it did so for this long, and what it does when that lasted as long,
const WORK_LASTS: Duration = Duration::from_millis(800);
/// and when the reaction before it stood for this long.
const ACTIVITY_GAP: Duration = Duration::from_millis(2500);
/// In all channels together, changes of activity in a second: two calls each, of the 40 that all share.
const ACTIVITIES_PER_SEC_MAX: NonZeroU32 = NonZeroU32::new(4).expect("4 is not zero");
/// A change of activity that found no room is looked at again after this.
const ACTIVITY_AGAIN: Duration = Duration::from_millis(500);

/// What reactions need.
pub(super) struct Parts {
    pub(super) discord: Arc<dyn Discord>,
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
    /// Whether reactions tell what a turn does just now.
    pub(super) activity: bool,
}

pub(super) struct Reactions {
    shared: Arc<Shared>,
}

struct Shared {
    parts: Parts,
    activities: DefaultDirectRateLimiter,
    channels: Mutex<HashMap<ChannelId, Arc<Queue>>>,
}

struct Queue {
    wanted: Mutex<Vec<Wanted>>,
    changed: Notify,
    settled: watch::Sender<bool>,
}

/// A message and the reaction that it should have.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    message: MessageId,
    reaction: Reaction,
    /// The turns that are delivered with it.
    delivered: Vec<TurnId>,
    /// Whether no daemon ever gave the message another one.
    first: bool,
    due: Moment,
}

impl Reactions {
    pub(super) fn new(parts: Parts) -> Self {
        let activities = RateLimiter::direct(Quota::per_second(ACTIVITIES_PER_SEC_MAX));
        Self { shared: Arc::new(Shared { parts, activities, channels: Mutex::default() }) }
    }

    /// The first reaction to a message.
    pub(super) fn acknowledge(&self, channel: ChannelId, message: MessageId) {
        self.enqueue(channel, message, Reaction::Seen, None, true);
    }

    /// The reaction that a message should have; when it has, or cannot, the turn is `delivered`.
    pub(super) fn want(
        &self,
        channel: ChannelId,
        message: MessageId,
        reaction: Reaction,
        delivered: Option<TurnId>,
    ) {
        self.enqueue(channel, message, reaction, delivered, false);
    }

    fn enqueue(
        &self,
        channel: ChannelId,
        message: MessageId,
        reaction: Reaction,
        delivered: Option<TurnId>,
        first: bool,
    ) {
        let shared = &self.shared;
        let reaction = if shared.parts.activity { reaction } else { reaction.without_activity() };
        let now = shared.parts.clock.moment();
        let mut channels = lock(&shared.channels);
        let queue = channels.entry(channel).or_insert_with(|| {
            let queue = Arc::new(Queue {
                wanted: Mutex::default(),
                changed: Notify::new(),
                settled: watch::Sender::new(true),
            });
            let task = run(Arc::clone(shared), channel, Arc::clone(&queue));
            let stop = shared.parts.stop.clone();
            shared.parts.tasks.spawn(async move {
                stop.run_until_cancelled(task).await;
            });
            queue
        });
        let delivered = delivered.into_iter().collect();
        let wanted = Wanted { message, reaction, delivered, first, due: due(reaction, now) };
        merge(&mut lock(&queue.wanted), wanted);
        queue.settled.send_replace(false);
        queue.changed.notify_one();
    }

    /// How many channels are served.
    #[cfg(test)]
    pub(super) fn channels(&self) -> usize {
        lock(&self.shared.channels).len()
    }

    /// Waits until every message has the reaction that was wanted so far.
    pub(super) async fn settled(&self) {
        let queues: Vec<_> = lock(&self.shared.channels).values().cloned().collect();
        for queue in queues {
            // The sender is in the queue, so it cannot be gone.
            let _ = queue.settled.subscribe().wait_for(|settled| *settled).await;
        }
    }
}

/// When a reaction that is wanted now may be shown.
fn due(reaction: Reaction, now: Moment) -> Moment {
    let works = reaction == Reaction::Working || reaction.is_activity();
    if works { now.after(WORK_LASTS) } else { now }
}

/// The last one wins, for each message. One that changes again and again is looked at all the same.
fn merge(pending: &mut Vec<Wanted>, mut new: Wanted) {
    if let Some(index) = pending.iter().position(|earlier| earlier.message == new.message) {
        let earlier = pending.remove(index);
        new.due = new.due.min(earlier.due);
        new.first = earlier.first;
        new.delivered.splice(0..0, earlier.delivered);
    }
    if pending.len() >= WANTED_MAX
        && let Some(index) = pending.iter().position(|earlier| earlier.delivered.is_empty())
    {
        pending.remove(index);
    }
    pending.push(new);
}

impl Queue {
    /// The first that is due, or else when the next one will be.
    fn take(&self, now: Moment) -> Result<Wanted, Option<Moment>> {
        let mut wanted = lock(&self.wanted);
        match wanted.iter().position(|wanted| wanted.due <= now) {
            Some(index) => Ok(wanted.remove(index)),
            None => Err(wanted.iter().map(|wanted| wanted.due).min()),
        }
    }

    /// Back for later, unless something newer came.
    fn put_back(&self, later: Wanted) {
        let mut wanted = lock(&self.wanted);
        if !wanted.iter().any(|newer| newer.message == later.message) {
            wanted.push(later);
        }
    }
}

/// A message's reaction, and since when it has it.
type Posted = HashMap<MessageId, (Reaction, Moment)>;

/// Serves one channel until nothing is wanted in it any more.
async fn run(shared: Arc<Shared>, channel: ChannelId, queue: Arc<Queue>) {
    let clock = shared.parts.clock;
    let mut posted = Posted::new();
    loop {
        match queue.take(clock.moment()) {
            Ok(wanted) => serve(&shared, channel, &queue, &mut posted, wanted).await,
            Err(Some(due)) => {
                tokio::select! {
                    () = tokio::time::sleep_until(clock.instant(due)) => {}
                    () = queue.changed.notified() => {}
                }
            }
            Err(None) => {
                queue.settled.send_replace(true);
                let is_over = posted.values().all(|(reaction, _)| reaction.is_final());
                let idle = if is_over { IDLE } else { IDLE_WHILE_WORKING };
                let waited = tokio::time::timeout(idle, queue.changed.notified()).await;
                let mut channels = lock(&shared.channels);
                if waited.is_err() && lock(&queue.wanted).is_empty() {
                    channels.remove(&channel);
                    return;
                }
            }
        }
    }
}

async fn serve(shared: &Shared, channel: ChannelId, queue: &Queue, posted: &mut Posted, wanted: Wanted) {
    let (now, discord) = (shared.parts.clock.moment(), &*shared.parts.discord);
    let Wanted { message, reaction, .. } = wanted;
    let before = posted.get(&message).copied();
    if before.is_none_or(|(before, _)| before != reaction) {
        let since = before.map(|(_, since)| since);
        if reaction.is_activity() {
            let again = since.map(|since| since.after(ACTIVITY_GAP)).filter(|again| *again > now);
            let no_room = || shared.activities.check().is_err().then(|| now.after(ACTIVITY_AGAIN));
            if let Some(due) = again.or_else(no_room) {
                queue.put_back(Wanted { due, ..wanted });
                return;
            }
        }
        let attempts = if reaction.is_final() { FINAL_ATTEMPTS_MAX } else { ATTEMPTS_MAX };
        let mut answered = retried(attempts, || discord.react(channel, message, reaction.emoji())).await;
        let before = before.map(|(before, _)| before);
        let others = match before {
            Some(before) => vec![before],
            None if wanted.first => Vec::new(),
            None => left(discord, channel, message, reaction).await,
        };
        for other in others {
            answered &= retried(attempts, || discord.unreact(channel, message, other.emoji())).await;
        }
        if posted.len() >= POSTED_MAX {
            posted.retain(|_, (reaction, _)| !reaction.is_final());
        }
        if posted.len() >= POSTED_MAX {
            posted.clear();
        }
        if answered {
            posted.insert(message, (reaction, shared.parts.clock.moment()));
        } else {
            // What it has now is not known: before it gets another one, Discord is asked.
            posted.remove(&message);
        }
    }
    for turn in wanted.delivered {
        pass(Point::Delivering).await;
        if let Err(error) = shared.parts.store.delivered(turn).await {
            // The next daemon shows it again, and finds nothing to do.
            tracing::error!(%turn, error = %Chain(&error), "could not note that a turn is delivered");
        }
        pass(Point::Delivered).await;
    }
}

/// Others of ours: the daemon before this one may have left some.
async fn left(
    discord: &dyn Discord,
    channel: ChannelId,
    message: MessageId,
    reaction: Reaction,
) -> Vec<Reaction> {
    let there = discord.own_reactions(channel, message).await.unwrap_or_else(|error| {
        tracing::debug!(%channel, error = %Chain(&error), "reactions could not be read");
        vec![Reaction::Seen.emoji().to_owned(), Reaction::Working.emoji().to_owned()]
    });
    let is_other = |other: &Reaction| *other != reaction && there.iter().any(|emoji| emoji == other.emoji());
    Reaction::ALL.into_iter().filter(is_other).collect()
}

/// A reaction is a courtesy: it is tried a few times, and given up with a line in the log. Whether Discord answered: what it
/// refuses, it will refuse again.
async fn retried<F: Future<Output = Result<(), DeliverError>>>(
    attempts: u32,
    mut call: impl FnMut() -> F,
) -> bool {
    for attempt in 1..=attempts {
        match call().await {
            Ok(()) => return true,
            Err(DeliverError::Retry { error }) => {
                tracing::debug!(attempt, error = %Chain(&*error), "reaction failed, trying again");
                tokio::time::sleep((Duration::from_millis(500) * attempt).min(RETRY_WAIT_MAX)).await;
            }
            Err(error) => {
                tracing::debug!(error = %Chain(&error), "reaction refused");
                return true;
            }
        }
    }
    tracing::warn!(attempts, "a reaction is given up");
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(message: u64, reaction: Reaction, turn: Option<u128>, due_ms: u64) -> Wanted {
        let delivered = turn.map(|turn| TurnId(uuid::Uuid::from_u128(turn))).into_iter().collect();
        let due = Moment(Duration::from_millis(due_ms));
        Wanted { message: MessageId(message), reaction, delivered, first: false, due }
    }

    #[test]
    fn a_short_turn_is_seen_and_then_done() {
        let (asked, ended) = (Moment(Duration::from_secs(1)), Moment(Duration::from_millis(1700)));
        let mut pending = Vec::new();
        for (reaction, now) in [
            (Reaction::Seen, asked),
            (Reaction::Working, asked),
            (Reaction::Running, asked),
            (Reaction::Done, ended),
        ] {
            let is_due = |wanted: &Wanted| wanted.due <= now;
            merge(&mut pending, Wanted { due: due(reaction, now), ..wanted(1, reaction, None, 0) });
            let shown = matches!(reaction, Reaction::Seen | Reaction::Done);
            assert_eq!(pending.iter().any(is_due), shown, "{reaction:?}");
            pending.retain(|wanted| !is_due(wanted));
        }
    }

    #[test]
    fn the_last_one_wins_and_no_delivery_is_forgotten() {
        let mut pending = Vec::new();
        merge(&mut pending, wanted(1, Reaction::Reading, None, 800));
        merge(&mut pending, wanted(1, Reaction::Failed, Some(7), 100));
        merge(&mut pending, wanted(1, Reaction::Done, None, 200));
        assert_eq!(pending, [wanted(1, Reaction::Done, Some(7), 100)]);
    }

    #[test]
    fn an_activity_that_changes_again_and_again_is_not_put_off_for_ever() {
        let mut pending = Vec::new();
        for ms in [0, 300, 600, 900] {
            merge(&mut pending, wanted(1, Reaction::Reading, None, ms + 800));
        }
        assert_eq!(pending[0].due, Moment(Duration::from_millis(800)));
    }

    #[test]
    fn what_waits_is_bounded_and_what_is_delivered_stays() {
        let mut pending = Vec::new();
        merge(&mut pending, wanted(0, Reaction::Done, Some(1), 0));
        for message in 1..10_000 {
            merge(&mut pending, wanted(message, Reaction::Seen, None, 0));
        }
        assert_eq!(pending.len(), WANTED_MAX);
        assert_eq!(pending[0].message, MessageId(0));
    }
}

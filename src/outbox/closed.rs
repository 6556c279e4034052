//! Channels that take nothing from us, while that is so: for `/status`, and for whoever runs the bot. In a project's own
//! channel there is no place above it where people could be told.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::deliver::Closed;
use super::worker::Order;
use super::{Inner, Target, lock};
use crate::chain::Chain;
use crate::domain::ids::{ChannelId, ErrorId, TurnId};
use crate::render::message::MessageBody;
use crate::render::view::{Reaction, Shown};

/// So often the owner's channel is asked for, and the wait before the second time; it doubles.
const TRIES: u32 = 6;
const WAIT: Duration = Duration::from_secs(2);

/// The channels that take nothing.
#[derive(Debug, Default)]
pub(super) struct ClosedChannels {
    channels: Mutex<HashMap<ChannelId, Kept>>,
    /// Where the owner was told something: whether that channel takes it is nobody's business.
    direct: Mutex<Option<ChannelId>>,
    /// The turns of whose trouble the owner was told, and not that it is over.
    told: Mutex<HashSet<TurnId>>,
    /// Held from the look at what is so until it is said: what is said last is true.
    telling: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone)]
struct Kept {
    why: Closed,
    /// The turn that found it first.
    turn: TurnId,
    /// The error under which the log tells of it.
    error: ErrorId,
}

impl ClosedChannels {
    /// The channel took nothing of this turn. Whether that is new.
    fn closed(&self, channel: ChannelId, why: Closed, turn: TurnId, error: &ErrorId) -> bool {
        if *lock(&self.direct) == Some(channel) {
            return false;
        }
        match lock(&self.channels).entry(channel) {
            Entry::Occupied(mut known) => {
                known.get_mut().why = why;
                false
            }
            Entry::Vacant(new) => {
                new.insert(Kept { why, turn, error: error.clone() });
                true
            }
        }
    }

    /// The channel takes something, or nothing waits for it any more. The turn that found it closed, if it was.
    fn opened(&self, channel: ChannelId) -> Option<TurnId> {
        lock(&self.channels).remove(&channel).map(|kept| kept.turn)
    }

    /// Which take nothing, and why.
    pub(super) fn all(&self) -> Vec<(ChannelId, Closed)> {
        let mut all: Vec<_> =
            lock(&self.channels).iter().map(|(channel, kept)| (*channel, kept.why)).collect();
        all.sort_unstable_by_key(|(channel, _)| *channel);
        all
    }
}

impl Inner {
    /// Notes that the target's channel takes nothing, and tells the owner, once, where nobody else can be told.
    pub(super) fn channel_closed(&self, target: &Target, why: Closed, turn: TurnId, error: &ErrorId) {
        let channel = target.channel;
        if self.closed.closed(channel, why, turn, error) && target.parent.is_none() {
            self.tell_owner(turn, channel);
        }
    }

    /// Notes that a channel takes something again.
    pub(super) fn channel_open(&self, channel: ChannelId) {
        if let Some(turn) = self.closed.opened(channel) {
            tracing::info!(%channel, "the channel takes something again");
            self.tell_owner(turn, channel);
        }
    }

    /// Notes that nothing waits for a channel any more.
    pub(super) fn channel_gone(&self, channel: ChannelId) {
        self.closed.opened(channel);
    }

    /// Says to the owner in private how it stands with a channel that took nothing of this turn, in one message for each
    /// turn: as it is when it can be said.
    pub(super) fn tell_owner(&self, turn: TurnId, about: ChannelId) {
        let (Some(owner), Some(inner)) = (self.owner, self.me.upgrade()) else { return };
        let told = async move {
            if inner.to_tell(turn, about).await.is_none() {
                return;
            }
            let Some(channel) = direct(&inner, owner).await else { return };
            *lock(&inner.closed.direct) = Some(channel);
            let _alone = inner.closed.telling.lock().await;
            let Some((is_closed, sentence)) = inner.to_tell(turn, about).await else { return };
            let target = Target { channel, parent: None, thread: None, prompt: None, also: Vec::new() };
            let slots = vec![MessageBody::text(sentence)];
            let shown = Shown { slots, reaction: Reaction::Failed, typing: false, ended: true };
            inner.show(notice_id(turn), &target, shown, Order::AtOnce);
            let mut told = lock(&inner.closed.told);
            if is_closed {
                told.insert(turn)
            } else {
                told.remove(&turn)
            };
        };
        let stop = self.stop.clone();
        self.tasks.spawn(async move { stop.run_until_cancelled(told).await });
    }

    /// Whether a channel takes nothing, and what the owner is to be told of that; none, if it does and they were told of no
    /// trouble.
    async fn to_tell(&self, turn: TurnId, about: ChannelId) -> Option<(bool, String)> {
        // Closed again by another turn is trouble of that one, which has a message of its own.
        let error = lock(&self.closed.channels)
            .get(&about)
            .filter(|kept| kept.turn == turn)
            .map(|kept| kept.error.clone());
        if let Some(error) = error {
            return Some((true, waits(about, &error)));
        }
        let was_told = lock(&self.closed.told).contains(&turn);
        let said = || async { self.store.slots(notice_id(turn)).await.is_ok_and(|slots| !slots.is_empty()) };
        (was_told || said().await).then(|| (false, over(about)))
    }
}

/// The turn under which the owner is told of the trouble of another turn.
pub(super) fn notice_id(turn: TurnId) -> TurnId {
    TurnId(uuid::Uuid::new_v5(&turn.0, b"owner"))
}

/// Told to the owner of a channel that takes what it refused before.
fn over(channel: ChannelId) -> String {
    format!("-# ✅ I can write in <#{channel}> again.")
}

/// The channel in which somebody can be told something in private.
async fn direct(inner: &Arc<Inner>, person: crate::domain::ids::UserId) -> Option<ChannelId> {
    let mut wait = WAIT;
    for _ in 0..TRIES {
        match inner.discord.direct(person).await {
            Ok(channel) => return Some(channel),
            Err(error) => tracing::warn!(%person, error = %Chain(&error), "the owner cannot be told"),
        }
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
    None
}

fn waits(channel: ChannelId, error: &ErrorId) -> String {
    format!(
        "⚠️ I may not write in <#{channel}>, so nobody there sees my answers. Give me \"View Channel\", \"Send Messages\" \
         and \"Read Message History\" in it: what waits follows by itself, for a day. `switchboard doctor` says what else \
         is missing. ({error})"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_closed_once_until_it_takes_something() {
        let (channels, here) = (ClosedChannels::default(), ChannelId(1));
        let error = ErrorId::random();
        let turn = |number| TurnId(uuid::Uuid::from_u128(number));
        assert!(channels.closed(here, Closed::Permission, turn(1), &error));
        assert!(!channels.closed(here, Closed::Permission, turn(2), &error), "it is known");
        assert_eq!(channels.all(), [(here, Closed::Permission)]);
        assert_eq!(channels.opened(here), Some(turn(1)));
        assert_eq!(channels.opened(here), None);
        assert!(channels.all().is_empty());
        assert!(channels.closed(here, Closed::Permission, turn(3), &error));
        *lock(&channels.direct) = Some(ChannelId(9));
        assert!(
            !channels.closed(ChannelId(9), Closed::Permission, turn(4), &error),
            "nobody is told of the owner's own"
        );
    }
}

//! How far each channel is known to be decided on, in memory: what live messages wait for, and whether they may move the
//! watermark. A watermark says "everything up to here": it must never jump over messages that were not read yet.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::domain::ids::{ChannelId, MessageId};

/// A live message waits for its channel to be caught up in for at most this long: a read that fails is tried again
/// meanwhile, and people see their answers in the order of their messages.
const HOLD_MAX: Duration = Duration::from_mins(1);
/// So often it is looked whether Discord may be asked meanwhile.
const HOLD_LOOK_EVERY: Duration = Duration::from_secs(5);

/// What is known of all channels.
#[derive(Debug)]
pub struct Progress {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    session: u64,
    /// Which channels are behind; none: all are, because nobody looked yet.
    behind: Option<HashSet<ChannelId>>,
    /// Those of them that could not be read in time: nobody waits for them.
    late: HashSet<ChannelId>,
    /// Channels whose watermark is kept.
    known: HashSet<ChannelId>,
    /// Channels below which Discord did not list the threads yet. Where they are read from is told by the watermark above,
    /// so it stays; and nobody knows what else is behind.
    unlisted: HashSet<ChannelId>,
    /// Channels that were read to their end in this session.
    read: HashSet<ChannelId>,
    /// Messages up to which all was decided on, and that the store was not told yet.
    decided: HashMap<ChannelId, MessageId>,
    /// The first live message of this session in a channel that is behind.
    first_live: HashMap<ChannelId, MessageId>,
}

impl Default for Progress {
    fn default() -> Self {
        Self { state: Mutex::default(), changed: watch::Sender::new(0) }
    }
}

impl Progress {
    /// A new gateway session is about to begin: what was said since the last one is not known, in any channel. Must be
    /// called before its first event. Gives the number of the session.
    pub fn begin(&self) -> u64 {
        let session = self.change(|state| {
            state.session += 1;
            state.behind = None;
            state.late.clear();
            state.first_live.clear();
            state.unlisted.clear();
            state.read.clear();
            state.session
        });
        self.changed.send_replace(session);
        session
    }

    /// The session that began last.
    pub fn session(&self) -> u64 {
        self.look(|state| state.session)
    }

    /// Waits until another session begins.
    pub async fn ended(&self, session: u64) {
        // The sender is in `self`, so it cannot be gone.
        let _ = self.changed.subscribe().wait_for(|_| self.session() != session).await;
    }

    /// These channels are read now; no other is behind, unless it is a thread below one that is `unlisted`.
    pub fn planned(&self, session: u64, channels: &[ChannelId], unlisted: HashSet<ChannelId>) {
        self.of(session, |state| {
            state.unlisted = unlisted;
            state.known.extend(channels);
            state.behind = Some(channels.iter().copied().collect());
            state.late.clear();
        });
    }

    /// These are read as well, found late: what was taken of them live stays taken.
    pub fn planned_more(&self, session: u64, channels: &[ChannelId], unlisted: HashSet<ChannelId>) {
        self.of(session, |state| {
            state.unlisted = unlisted;
            state.known.extend(channels);
            state.behind.get_or_insert_default().extend(channels);
        });
    }

    /// The channel was read to its end.
    pub fn finished(&self, session: u64, channel: ChannelId) {
        self.of(session, |state| {
            if let Some(behind) = &mut state.behind {
                behind.remove(&channel);
            }
            state.late.remove(&channel);
            state.first_live.remove(&channel);
            state.read.insert(channel);
        });
    }

    /// The channel could not be read in time: its live messages go on, and its watermark stays.
    pub fn delayed(&self, session: u64, channel: ChannelId) {
        self.of(session, |state| {
            state.late.insert(channel);
        });
    }

    /// Lets a live message wait until its channel is caught up in, or could not be in time. While Discord may not be
    /// asked at all (`blocked`), nobody could be answered either, and time does not count.
    pub async fn hold(&self, channel: ChannelId, message: MessageId, blocked: impl Fn() -> bool) {
        let (session, held) = self.change(|state| {
            let held = state.holds(channel);
            if held {
                let first = state.first_live.entry(channel).or_insert(message);
                *first = message.min(*first);
            }
            (state.session, held)
        });
        if !held {
            return;
        }
        let (mut changes, mut waited) = (self.changed.subscribe(), Duration::ZERO);
        while waited < HOLD_MAX {
            let free = changes.wait_for(|_| !self.look(|state| state.holds(channel)));
            if tokio::time::timeout(HOLD_LOOK_EVERY, free).await.is_ok() {
                return;
            }
            if !blocked() {
                waited += HOLD_LOOK_EVERY;
            }
        }
        tracing::warn!(%channel, %message, "the channel is not caught up in yet; going on without it");
        // Only of the session in which it came: in a later one it is older than what was missed.
        self.delayed(session, channel);
    }

    /// Whether a live message came while the channel was behind.
    pub fn is_waited_for(&self, channel: ChannelId) -> bool {
        self.first_live(channel).is_some()
    }

    /// The first live message that came while the channel was behind.
    pub fn first_live(&self, channel: ChannelId) -> Option<MessageId> {
        self.look(|state| state.first_live.get(&channel).copied())
    }

    /// Whether everything before a live message of this channel was decided on: then its watermark may move.
    pub fn is_contiguous(&self, channel: ChannelId) -> bool {
        self.look(|state| state.is_contiguous(channel))
    }

    /// Whether the watermark of this channel may move with what is read of it in this session. One that is over says
    /// nothing of what the next one is to read, nor of the threads that it did not list.
    pub fn moves(&self, session: u64, channel: ChannelId) -> bool {
        self.look(|state| state.session == session && !state.unlisted.contains(&channel))
    }

    /// The channel has a conversation from now on: its watermark is kept.
    pub fn know(&self, channel: ChannelId) {
        self.change(|state| state.known.insert(channel));
    }

    /// A live message was decided on, as the last of its channel. The store is told later: a message that is not for the
    /// bot is decided the same way when it is read again, so that no commit is spent on it.
    pub fn decided(&self, channel: ChannelId, message: MessageId) {
        self.change(|state| {
            if state.is_contiguous(channel) && state.known.contains(&channel) {
                let last = state.decided.entry(channel).or_insert(message);
                *last = message.max(*last);
            }
        });
    }

    /// What the store was not told yet.
    pub fn take_decided(&self) -> Vec<(ChannelId, MessageId)> {
        self.change(|state| state.decided.drain().collect())
    }

    fn of(&self, session: u64, f: impl FnOnce(&mut State)) {
        self.change(|state| {
            if state.session == session {
                f(state);
            }
        });
        self.changed.send_modify(|_| {});
    }

    fn change<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn look<T>(&self, f: impl FnOnce(&State) -> T) -> T {
        f(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn holds(&self, channel: ChannelId) -> bool {
        let behind = self.behind.as_ref().is_none_or(|behind| behind.contains(&channel));
        behind && !self.late.contains(&channel)
    }

    fn is_contiguous(&self, channel: ChannelId) -> bool {
        let listed =
            self.unlisted.is_empty() || self.read.contains(&channel) && !self.unlisted.contains(&channel);
        listed && self.behind.as_ref().is_some_and(|behind| !behind.contains(&channel))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    const HERE: ChannelId = ChannelId(1);
    const THERE: ChannelId = ChannelId(2);

    fn decided(progress: &Progress) -> Vec<(ChannelId, MessageId)> {
        progress.decided(HERE, MessageId(9));
        progress.take_decided()
    }

    #[tokio::test]
    async fn a_live_message_waits_for_those_before_it_and_moves_nothing_past_them() {
        let progress = Progress::default();
        assert!(!progress.is_contiguous(HERE), "nobody looked yet");
        let session = progress.begin();
        progress.planned(session, &[HERE], HashSet::new());
        assert!(progress.hold(HERE, MessageId(9), || false).now_or_never().is_none());
        assert!(
            progress.hold(THERE, MessageId(9), || false).now_or_never().is_some(),
            "another channel does not wait"
        );
        assert_eq!(progress.first_live(HERE), Some(MessageId(9)));
        assert_eq!(decided(&progress), [], "the gap is not read");
        progress.finished(session, HERE);
        progress.hold(HERE, MessageId(9), || false).await;
        assert_eq!(decided(&progress), [(HERE, MessageId(9))]);
    }

    #[tokio::test]
    async fn a_new_session_is_a_new_gap() {
        let progress = Progress::default();
        let first = progress.begin();
        progress.planned(first, &[HERE], HashSet::new());
        progress.finished(first, HERE);
        assert!(progress.moves(first, HERE));
        let second = progress.begin();
        assert!(!progress.moves(first, HERE), "nobody knows yet which threads the next one lists");
        progress.ended(first).await;
        assert!(!progress.is_contiguous(HERE));
        progress.planned(first, &[], HashSet::new());
        progress.finished(first, HERE);
        assert!(!progress.is_contiguous(HERE), "what belongs to the session before says nothing");
        assert_eq!(decided(&progress), []);
        progress.planned(second, &[], HashSet::new());
        assert!(progress.is_contiguous(HERE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_channel_that_cannot_be_read_holds_nobody_up_and_keeps_its_watermark() {
        let progress = Progress::default();
        let session = progress.begin();
        progress.planned(session, &[HERE, THERE], HashSet::new());
        progress.delayed(session, HERE);
        progress.hold(HERE, MessageId(9), || false).await;
        assert!(!progress.is_contiguous(HERE));
        // And one of which nothing is heard.
        progress.hold(THERE, MessageId(9), || false).await;
        assert!(
            progress.hold(THERE, MessageId(10), || false).now_or_never().is_some(),
            "the next does not wait again"
        );
        assert!(!progress.is_contiguous(THERE));
    }

    #[tokio::test(start_paused = true)]
    async fn while_discord_may_not_be_asked_nobody_goes_ahead() {
        let progress = Progress::default();
        let session = progress.begin();
        progress.planned(session, &[HERE], HashSet::new());
        let blocked = std::cell::Cell::new(true);
        let mut held = Box::pin(progress.hold(HERE, MessageId(9), || blocked.get()));
        assert!(tokio::time::timeout(HOLD_MAX * 5, &mut held).await.is_err());
        blocked.set(false);
        assert!(tokio::time::timeout(HOLD_MAX / 2, &mut held).await.is_err());
        // Nor does what lies between.
        blocked.set(true);
        assert!(tokio::time::timeout(HOLD_MAX, &mut held).await.is_err());
        blocked.set(false);
        held.await;
    }

    #[tokio::test(start_paused = true)]
    async fn who_waited_in_vain_says_nothing_of_a_later_session() {
        let progress = Progress::default();
        let first = progress.begin();
        progress.planned(first, &[HERE], HashSet::new());
        let mut held = Box::pin(progress.hold(HERE, MessageId(9), || false));
        assert!((&mut held).now_or_never().is_none());
        let second = progress.begin();
        progress.planned(second, &[HERE], HashSet::new());
        held.await;
        assert!(progress.hold(HERE, MessageId(11), || false).now_or_never().is_none(), "10 was not read yet");
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_can_look_each_channel_waits_once() {
        let progress = Progress::default();
        let session = progress.begin();
        progress.hold(HERE, MessageId(9), || false).await;
        assert!(progress.hold(HERE, MessageId(10), || false).now_or_never().is_some());
        assert!(!progress.is_contiguous(HERE));
        progress.planned(session, &[HERE], HashSet::new());
        progress.finished(session, HERE);
        assert!(progress.is_contiguous(HERE));
    }

    #[test]
    fn where_threads_are_not_listed_only_what_was_read_is_known() {
        let (progress, another) = (Progress::default(), ChannelId(3));
        let session = progress.begin();
        progress.planned(session, &[HERE, THERE], HashSet::from([HERE]));
        for channel in [HERE, THERE] {
            progress.finished(session, channel);
        }
        let known = [HERE, THERE, another].map(|channel| progress.is_contiguous(channel));
        assert_eq!(known, [false, true, false], "one above, one that was read, one that may be missed");
        assert!(progress.hold(another, MessageId(9), || false).now_or_never().is_some(), "nobody waits");
        progress.planned_more(session, &[], HashSet::new());
        assert!([HERE, THERE, another].iter().all(|channel| progress.is_contiguous(*channel)));
    }

    #[test]
    fn strange_channels_are_not_kept() {
        let progress = Progress::default();
        let session = progress.begin();
        progress.planned(session, &[], HashSet::new());
        assert_eq!(decided(&progress), []);
        progress.know(HERE);
        assert_eq!(decided(&progress), [(HERE, MessageId(9))]);
    }
}

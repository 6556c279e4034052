//! PURE: which channel is read next after an absence. Channels take turns, page by page; every second turn is for one in
//! which somebody waits. One that fails waits for longer each time and holds up no other.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Moment;
use crate::domain::ids::{ChannelId, MessageId};

/// Messages of one page, Discord's most.
pub const PAGE: u8 = 100;
/// A channel that fails is read again after this, doubling up to [`RETRY_WAIT_MAX`], at most [`TRIES_MAX`] times.
const RETRY_WAIT_MIN: Duration = Duration::from_secs(1);
const RETRY_WAIT_MAX: Duration = Duration::from_mins(5);
const TRIES_MAX: u32 = 20;

/// A channel to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane {
    /// The channel or thread.
    pub channel: ChannelId,
    /// The last message that was decided on. None: the channel is seen for the first time, and nothing is replayed.
    pub after: Option<MessageId>,
    /// How often in a row it could not be read.
    failures: u32,
    /// When it may be tried.
    not_before: Moment,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Read a page of this one, and give it back with [`Plan::done`].
    Read(Lane),
    /// Nothing before this moment.
    Wait(Moment),
    /// Nothing until one that is being read comes back.
    Pending,
    /// All are read.
    Done,
}

/// How a read went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A page that ends with this message; there may be more.
    More(MessageId),
    /// All is read.
    End,
    /// Try again later.
    Failed,
    /// Discord does not let us, or it is gone.
    Refused,
}

/// What becomes of a channel that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Its turn comes again, at once or later.
    Again,
    /// It is read to its end, or there is nothing to read.
    Finished,
    /// It was tried often enough, until the next session.
    GivenUp,
}

/// The channels that are not read to their end.
#[derive(Debug, Default)]
pub struct Plan {
    lanes: VecDeque<Lane>,
    reading: usize,
    /// The next turn is for a channel in which somebody waits, if there is one.
    for_who_waits: bool,
}

impl Plan {
    /// Reads these channels, each from the message after the given one.
    pub fn new(channels: impl IntoIterator<Item = (ChannelId, Option<MessageId>)>) -> Self {
        let lane = |(channel, after)| Lane { channel, after, failures: 0, not_before: Moment::default() };
        Self { lanes: channels.into_iter().map(lane).collect(), reading: 0, for_who_waits: true }
    }

    /// What to do now. Each channel that is given out must come back. `somebody_waits` says whether a live message waits in
    /// a channel for those before it: it waits for a minute at most, and among hundreds of threads a turn may come later.
    pub fn next(&mut self, now: Moment, somebody_waits: impl Fn(ChannelId) -> bool) -> Next {
        let is_due = |lane: &Lane| lane.not_before <= now;
        let waited_for = |lane: &Lane| self.for_who_waits && is_due(lane) && somebody_waits(lane.channel);
        let index = self.lanes.iter().position(waited_for).or_else(|| self.lanes.iter().position(is_due));
        if let Some(lane) = index.and_then(|index| self.lanes.remove(index)) {
            self.for_who_waits = !self.for_who_waits;
            self.reading += 1;
            return Next::Read(lane);
        }
        match self.lanes.iter().map(|lane| lane.not_before).min() {
            Some(moment) => Next::Wait(moment),
            None if self.reading > 0 => Next::Pending,
            None => Next::Done,
        }
    }

    /// A channel comes back.
    pub fn done(&mut self, mut lane: Lane, outcome: Outcome, now: Moment) -> After {
        self.reading = self.reading.saturating_sub(1);
        match outcome {
            Outcome::More(last) => {
                // Discord gives what is newer; a page that did not get ahead would be read for ever.
                if lane.after.is_some_and(|after| last <= after) {
                    return After::Finished;
                }
                (lane.after, lane.failures) = (Some(last), 0);
                self.lanes.push_back(lane);
                After::Again
            }
            Outcome::End | Outcome::Refused => After::Finished,
            Outcome::Failed => {
                lane.failures += 1;
                if lane.failures >= TRIES_MAX {
                    return After::GivenUp;
                }
                let wait = RETRY_WAIT_MIN * 2_u32.saturating_pow((lane.failures - 1).min(16));
                lane.not_before = now.after(wait.min(RETRY_WAIT_MAX));
                self.lanes.push_back(lane);
                After::Again
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ChannelId = ChannelId(1);
    const B: ChannelId = ChannelId(2);

    fn at(secs: u64) -> Moment {
        Moment(Duration::from_secs(secs))
    }

    fn read(plan: &mut Plan, now: Moment) -> Lane {
        match plan.next(now, nobody) {
            Next::Read(lane) => lane,
            other => panic!("nothing to read: {other:?}"),
        }
    }

    fn nobody(_: ChannelId) -> bool {
        false
    }

    #[test]
    fn where_somebody_waits_is_read_first_and_all_others_all_the_same() {
        let channels = (1..=6).map(|id| (ChannelId(id), None));
        let mut plan = Plan::new(channels);
        let mut order = Vec::new();
        while let Next::Read(lane) = plan.next(at(0), |channel| channel.0 >= 5) {
            order.push(lane.channel.0);
            // The first one has more, and its turn comes again before the others are through.
            let outcome = if order == [5] { Outcome::More(MessageId(9)) } else { Outcome::End };
            plan.done(lane, outcome, at(0));
        }
        assert_eq!(order, [5, 1, 6, 2, 5, 3, 4]);
    }

    #[test]
    fn channels_take_turns() {
        let mut plan = Plan::new([(A, Some(MessageId(1))), (B, Some(MessageId(1)))]);
        let mut order = Vec::new();
        for page in 2..4 {
            for _ in 0..2 {
                let lane = read(&mut plan, at(0));
                order.push((lane.channel, lane.after));
                plan.done(lane, Outcome::More(MessageId(page)), at(0));
            }
        }
        let (one, two) = (Some(MessageId(1)), Some(MessageId(2)));
        assert_eq!(order, [(A, one), (B, one), (A, two), (B, two)]);
    }

    #[test]
    fn one_that_fails_waits_longer_each_time_and_holds_up_no_other() {
        let mut plan = Plan::new([(A, None), (B, None)]);
        let failing = read(&mut plan, at(0));
        assert_eq!(plan.done(failing, Outcome::Failed, at(0)), After::Again);
        let other = read(&mut plan, at(0));
        assert_eq!(other.channel, B);
        assert_eq!(plan.next(at(0), nobody), Next::Wait(at(1)));
        assert_eq!(plan.done(other, Outcome::End, at(0)), After::Finished);
        let failing = read(&mut plan, at(1));
        plan.done(failing, Outcome::Failed, at(1));
        assert_eq!(plan.next(at(1), nobody), Next::Wait(at(3)));
        let failing = read(&mut plan, at(3));
        assert_eq!(plan.next(at(3), nobody), Next::Pending);
        plan.done(failing, Outcome::Refused, at(3));
        assert_eq!(plan.next(at(3), nobody), Next::Done);
    }

    #[test]
    fn no_failure_is_for_ever() {
        let mut plan = Plan::new([(A, None)]);
        let mut now = at(0);
        for tries in 1.. {
            assert!(tries <= TRIES_MAX, "it never gives up");
            let lane = read(&mut plan, now);
            if plan.done(lane, Outcome::Failed, now) == After::GivenUp {
                break;
            }
            let Next::Wait(moment) = plan.next(now, nobody) else { panic!("no wait") };
            assert!(moment.since(now) <= RETRY_WAIT_MAX);
            now = moment;
        }
        assert_eq!(plan.next(now, nobody), Next::Done);
    }

    #[test]
    fn a_page_that_gets_nowhere_ends_the_channel() {
        let mut plan = Plan::new([(A, Some(MessageId(7)))]);
        let lane = read(&mut plan, at(0));
        assert_eq!(plan.done(lane, Outcome::More(MessageId(7)), at(0)), After::Finished);
    }
}

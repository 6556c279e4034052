//! PURE: when may the next call for a channel go?
//!
//! Discord allows five creates and five edits in five seconds for a channel (the headers of the embedded Discord, which
//! are those of the real one). We stay a tenth below, so that serenity's limiter never has to sleep with an outdated
//! text in its hands: waiting is done here, where the last view wins.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Moment;

/// The window over which Discord counts.
const WINDOW: Duration = Duration::from_secs(5);
/// How many calls of one kind Discord allows in it.
const CALLS_MAX: usize = 5;
/// The least time between two calls while text streams: 4.5 of the five allowed calls.
const STREAM_GAP: Duration = Duration::from_millis(1150);
/// The first edit after a new message comes sooner: the first words are what people wait for.
const FIRST_EDIT_GAP: Duration = Duration::from_millis(500);

/// The kinds that Discord counts separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A new message.
    Create,
    /// A change of a message.
    Edit,
}

/// How soon the call is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// More text will follow.
    Stream,
    /// It is final: as soon as Discord allows.
    Final,
}

/// What one channel spent.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    creates: VecDeque<Moment>,
    edits: VecDeque<Moment>,
}

impl Pace {
    /// The earliest moment for the next call of this kind; `now` when it may go at once.
    pub fn next(&self, kind: Kind, urgency: Urgency, now: Moment) -> Moment {
        let spent = self.spent(kind);
        let allowed = match spent.len().checked_sub(CALLS_MAX) {
            Some(index) => spent[index].after(WINDOW),
            None => now,
        };
        let gap = match (kind, urgency) {
            (Kind::Create, _) | (Kind::Edit, Urgency::Final) => now,
            (Kind::Edit, Urgency::Stream) => match (self.edits.back(), self.creates.back()) {
                // A message that goes on from another one has no first words.
                (Some(edit), Some(create)) => edit.after(STREAM_GAP).max(create.after(FIRST_EDIT_GAP)),
                (Some(edit), None) => edit.after(STREAM_GAP),
                (None, Some(create)) => create.after(FIRST_EDIT_GAP),
                (None, None) => now,
            },
        };
        now.max(allowed).max(gap)
    }

    /// A call was made.
    pub fn made(&mut self, kind: Kind, now: Moment) {
        let spent = match kind {
            Kind::Create => &mut self.creates,
            Kind::Edit => &mut self.edits,
        };
        spent.push_back(now);
        while spent.len() > CALLS_MAX {
            spent.pop_front();
        }
    }

    fn spent(&self, kind: Kind) -> &VecDeque<Moment> {
        match kind {
            Kind::Create => &self.creates,
            Kind::Edit => &self.edits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment(Duration::from_millis(ms))
    }

    #[test]
    fn the_first_words_go_at_once_and_the_first_edit_soon() {
        let mut pace = Pace::default();
        assert_eq!(pace.next(Kind::Create, Urgency::Stream, at(0)), at(0));
        pace.made(Kind::Create, at(0));
        assert_eq!(pace.next(Kind::Edit, Urgency::Stream, at(10)), at(500));
        pace.made(Kind::Edit, at(500));
        assert_eq!(pace.next(Kind::Edit, Urgency::Stream, at(510)), at(1650));
    }

    #[test]
    fn a_final_text_does_not_wait_for_the_gap_but_for_discord() {
        let mut pace = Pace::default();
        for ms in [0, 1, 2, 3] {
            pace.made(Kind::Edit, at(ms));
        }
        assert_eq!(pace.next(Kind::Edit, Urgency::Final, at(4)), at(4));
        pace.made(Kind::Edit, at(4));
        assert_eq!(pace.next(Kind::Edit, Urgency::Final, at(5)), at(5000));
    }

    proptest::proptest! {
        /// Whatever is wanted, for minutes: no window has more calls of one kind than Discord allows.
        #[test]
        fn no_window_has_more_calls_than_are_allowed(
            wishes in proptest::collection::vec((0u64..3000, proptest::bool::ANY, proptest::bool::ANY), 200),
        ) {
            let (mut pace, mut now, mut calls) = (Pace::default(), at(0), Vec::new());
            for (wait_ms, create, last) in wishes {
                let kind = if create { Kind::Create } else { Kind::Edit };
                let urgency = if last { Urgency::Final } else { Urgency::Stream };
                // Half of the wishes come at once: a burst.
                let wanted = now.after(Duration::from_millis(wait_ms.saturating_sub(1500)));
                now = pace.next(kind, urgency, wanted);
                pace.made(kind, now);
                calls.push((kind, now));
            }
            for kind in [Kind::Create, Kind::Edit] {
                let own: Vec<_> = calls.iter().filter(|(each, _)| *each == kind).map(|(_, at)| *at).collect();
                for window in own.windows(CALLS_MAX + 1) {
                    proptest::prop_assert!(window[CALLS_MAX].since(window[0]) >= WINDOW);
                }
            }
        }
    }

    #[test]
    fn a_minute_of_streaming_stays_below_the_allowance() {
        let mut pace = Pace::default();
        pace.made(Kind::Create, at(0));
        let (mut now, mut calls) = (at(0), Vec::new());
        while now < at(60_000) {
            now = pace.next(Kind::Edit, Urgency::Stream, now);
            pace.made(Kind::Edit, now);
            calls.push(now);
        }
        for window in calls.windows(CALLS_MAX + 1) {
            assert!(window[CALLS_MAX].since(window[0]) >= WINDOW);
        }
        assert!(calls.len() <= 54, "{} edits in 60 s are more than 90 % of 60", calls.len());
    }
}

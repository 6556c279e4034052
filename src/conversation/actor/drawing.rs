//! PURE: when is the view of a turn drawn?
//!
//! A draw makes the whole document anew, which costs a hundred times what a line of the CLI does, and Discord takes an edit a
//! second. So a text that streams is drawn for the moment at which it can be posted, and not for each piece of it:
//!
//! - What people wait for is drawn at once: the first words, the end, a question, and whatever did not come from the CLI.
//! - Anything else waits until just before the channel has room for one more call
//!   ([`Outbox::room_at`](crate::outbox::Outbox::room_at)), so that the edit which goes then has the newest words; but never longer than [`PAUSE_MAX`], because reactions are drawn
//!   with it, and because a channel may be closed for a day.
//! - A long document is drawn more rarely: so many times as long as its draw took ([`COSTS_SHARE`]), the actor does nothing
//!   but read.

use std::time::Duration;

use crate::clock::Moment;

/// The least time between two draws of what can wait.
const EVERY: Duration = Duration::from_millis(50);
/// So long before there is room it is drawn: what lies there already goes out as soon as there is.
const LEAD: Duration = Duration::from_millis(25);
/// The actor does something else than draw for so many times as long.
const COSTS_SHARE: u32 = 4;
/// What is new is never older than this when it is drawn. Longer than the gap between two edits.
const PAUSE_MAX: Duration = Duration::from_millis(1500);

/// When the last draw was, and whether anything was recorded since.
#[derive(Debug, Default)]
pub(super) struct Drawing {
    /// No draw of what can wait before this, and none later than that.
    window: Option<(Moment, Moment)>,
    /// When the next draw is due, if anything was recorded since the last.
    due: Option<Moment>,
}

impl Drawing {
    /// Whether what was recorded may wait, where the channel has room for a call at `room`.
    pub(super) fn later(&mut self, now: Moment, room: Moment, urgent: bool) -> bool {
        let before = Moment(room.0.saturating_sub(LEAD));
        let due = self.window.filter(|_| !urgent).map(|(first, last)| before.clamp(first, last));
        self.due = due.filter(|due| now < *due);
        self.due.is_some()
    }

    /// When something is to be drawn, if anything waits.
    pub(super) fn due(&self) -> Option<Moment> {
        self.due
    }

    /// It was drawn, from `started` to `now`.
    pub(super) fn drawn(&mut self, started: Moment, now: Moment) {
        let pause = (now.since(started) * COSTS_SHARE).clamp(EVERY, PAUSE_MAX);
        self.window = Some((now.after(pause), now.after(PAUSE_MAX)));
        self.due = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment(Duration::from_millis(ms))
    }

    #[test]
    fn the_first_draw_and_an_urgent_one_come_at_once() {
        let mut drawing = Drawing::default();
        assert!(!drawing.later(at(0), at(0), false));
        drawing.drawn(at(0), at(1));
        assert!(drawing.later(at(2), at(0), false));
        assert!(!drawing.later(at(3), at(9000), true));
    }

    #[test]
    fn what_can_wait_is_drawn_when_it_can_be_posted() {
        let mut drawing = Drawing::default();
        drawing.drawn(at(0), at(0));
        assert!(drawing.later(at(10), at(1150), false));
        assert_eq!(drawing.due(), Some(at(1125)));
        // The call was made meanwhile.
        assert!(drawing.later(at(1150), at(1300), false));
        assert_eq!(drawing.due(), Some(at(1275)));
        assert!(!drawing.later(at(1275), at(1300), false));
    }

    #[test]
    fn a_channel_without_room_delays_nothing_for_long_and_one_with_room_is_not_flooded() {
        let mut drawing = Drawing::default();
        drawing.drawn(at(0), at(0));
        assert!(drawing.later(at(1), at(0), false));
        assert_eq!(drawing.due(), Some(at(50)));
        assert!(drawing.later(at(60), at(86_400_000), false));
        assert_eq!(drawing.due(), Some(at(1500)));
    }

    #[test]
    fn a_draw_that_takes_long_is_made_rarely() {
        let mut drawing = Drawing::default();
        drawing.drawn(at(0), at(100));
        assert!(drawing.later(at(101), at(0), false));
        assert_eq!(drawing.due(), Some(at(500)));
    }
}

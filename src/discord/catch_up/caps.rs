//! PURE: which prompts of an absence are run, and which are held for somebody to decide. What is old may no longer be
//! wanted, and what is much may cost more than anybody expects.

use std::collections::HashSet;
use std::time::Duration;

use crate::clock::WallTime;
use crate::domain::ids::ChannelId;

/// The bounds of one absence.
#[derive(Debug, Clone)]
pub struct Caps {
    age_max: Duration,
    left: usize,
    full: HashSet<ChannelId>,
}

impl Caps {
    /// Runs prompts that are younger than `age_max`, at most `count_max` of them.
    pub fn new(age_max: Duration, count_max: usize) -> Self {
        Self { age_max, left: count_max, full: HashSet::new() }
    }

    /// Whether a prompt of this channel is held. `queue_full`: its conversation has no room for one more.
    ///
    /// Once one was too many in a channel, those after it are as well: they may build upon each other.
    pub fn holds(&mut self, channel: ChannelId, said: WallTime, queue_full: bool, now: WallTime) -> bool {
        if now.since(said) > self.age_max {
            return true;
        }
        if self.left == 0 || queue_full || self.full.contains(&channel) {
            self.full.insert(channel);
            return true;
        }
        self.left -= 1;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ChannelId = ChannelId(1);
    const B: ChannelId = ChannelId(2);
    const NOW: WallTime = WallTime(100_000);

    #[test]
    fn what_is_old_is_held_and_costs_nothing() {
        let mut caps = Caps::new(Duration::from_secs(10), 1);
        assert!(caps.holds(A, WallTime(89_999), false, NOW));
        assert!(!caps.holds(A, WallTime(90_000), false, NOW));
        assert!(caps.holds(A, WallTime(99_000), false, NOW), "one was allowed");
    }

    #[test]
    fn after_one_too_many_the_channel_is_held_and_no_other() {
        let mut caps = Caps::new(Duration::from_secs(10), 10);
        assert!(!caps.holds(A, NOW, false, NOW));
        assert!(caps.holds(A, NOW, true, NOW), "its queue is full");
        assert!(caps.holds(A, NOW, false, NOW), "it must not overtake the one before");
        assert!(!caps.holds(B, NOW, false, NOW));
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nothing_old() {
        assert!(!Caps::new(Duration::ZERO, 1).holds(A, WallTime(200_000), false, NOW));
    }
}

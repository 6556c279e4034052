//! Which interactions were served. The gateway may bring one twice, because it repeats events when a session is resumed;
//! answered again, whoever clicked would hear that somebody was faster, who is themselves.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

/// So many are remembered. An interaction can be answered for 15 minutes, and a session be resumed for less.
const REMEMBERED_MAX: usize = 4096;

/// The interactions that were served, the newest few thousand.
#[derive(Debug, Default)]
pub struct Served {
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    ids: HashSet<u64>,
    order: VecDeque<u64>,
}

impl Served {
    /// Whether an interaction of this id comes for the first time.
    pub fn first_time(&self, id: u64) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.ids.insert(id) {
            tracing::info!(interaction = id, "an interaction came twice and is served once");
            return false;
        }
        seen.order.push_back(id);
        if seen.order.len() > REMEMBERED_MAX
            && let Some(oldest) = seen.order.pop_front()
        {
            seen.ids.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_comes_once_and_what_is_remembered_is_bounded() {
        let served = Served::default();
        assert!(served.first_time(7));
        assert!(!served.first_time(7));
        for id in 100..100 + REMEMBERED_MAX as u64 {
            assert!(served.first_time(id));
        }
        let seen = served.seen.lock().expect("nobody panicked");
        assert_eq!((seen.ids.len(), seen.order.len()), (REMEMBERED_MAX, REMEMBERED_MAX));
    }
}

//! PURE: which processes there are, over all conversations, what they do, and which of them goes when there are too many.

use std::collections::HashMap;
use std::time::Duration;

use crate::clock::Moment;
use crate::domain::ids::ConversationId;

/// What a process takes, as a rule (the CLI's README, §14), in bytes: for one that has not taken it yet.
const PROCESS_BYTES: u64 = 160 << 20;
/// A process that says nothing for so long is not starting any more, or never will be.
const STARTING_MAX: Duration = Duration::from_secs(10);
/// So many processes want to run for each core at least where the machine is said to be loaded.
const LOADED_FROM: f64 = 4.0;

/// What a conversation's process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Use {
    /// There is none.
    #[default]
    None,
    /// It works, or will in a moment.
    Busy,
    /// It is on its way out.
    Leaving,
    /// It has nothing to do, and waits for what comes next.
    Idle {
        /// When it was used last.
        since: Moment,
    },
}

/// What bounds the processes of all conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WarmBounds {
    /// So many may have nothing to do.
    pub idle_max: usize,
    /// So much memory stays free, in bytes; zero: it is not looked at.
    pub free_bytes_min: u64,
}

/// What the machine has, as it was looked at just now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Machine {
    /// Memory that may be taken; none: it is not known.
    pub available_bytes: Option<u64>,
    /// How many processes want to run for each core; none: it is not known.
    pub load_per_core: Option<f64>,
    /// How many can run at once.
    pub cores: usize,
}

/// Why none can be started just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Short {
    /// There is too little memory.
    Memory,
    /// As many are starting as the machine can start at once.
    Cores,
}

/// The processes.
#[derive(Debug)]
pub struct Table {
    bounds: WarmBounds,
    processes: HashMap<ConversationId, Entry>,
    /// Starts that are under way, by number.
    starts: HashMap<u64, Moment>,
    started: u64,
}

#[derive(Debug)]
struct Entry {
    does: Use,
    /// Whether it was asked to go since it has nothing to do.
    asked: bool,
}

impl Table {
    /// None.
    pub fn new(bounds: WarmBounds) -> Self {
        Self { bounds, processes: HashMap::new(), starts: HashMap::new(), started: 0 }
    }

    /// The process of a conversation does this from now on.
    pub fn note(&mut self, conversation: ConversationId, does: Use) {
        if does == Use::None {
            self.processes.remove(&conversation);
        } else {
            self.processes.insert(conversation, Entry { does, asked: false });
        }
    }

    /// The one that was not used for longest, if more have nothing to do than may. It is asked to go.
    pub fn one_too_many(&mut self) -> Option<ConversationId> {
        if self.idle() > self.bounds.idle_max { self.longest_unused() } else { None }
    }

    /// The one with nothing to do that was not used for longest. It is asked to go.
    pub fn longest_unused(&mut self) -> Option<ConversationId> {
        let idle = self.processes.iter().filter_map(|(conversation, entry)| match entry.does {
            Use::Idle { since } if !entry.asked => Some((since, *conversation)),
            Use::None | Use::Busy | Use::Leaving | Use::Idle { .. } => None,
        });
        let (_, conversation) = idle.min()?;
        if let Some(entry) = self.processes.get_mut(&conversation) {
            entry.asked = true;
        }
        Some(conversation)
    }

    /// Whether one that goes is still there.
    pub fn is_one_going(&self) -> bool {
        self.processes.values().any(|entry| entry.asked || entry.does == Use::Leaving)
    }

    /// Whether one more may have nothing to do.
    pub fn may_idle(&self) -> bool {
        self.idle() < self.bounds.idle_max
    }

    /// Begins a start, if the machine has what it takes.
    pub fn begin_start(&mut self, machine: Machine, now: Moment) -> Result<u64, Short> {
        self.starts.retain(|_, since| now.since(*since) < STARTING_MAX);
        let starting = self.starts.len();
        let loaded = machine.load_per_core.is_some_and(|load| load >= LOADED_FROM);
        if starting >= if loaded { 1 } else { machine.cores.max(2) } {
            return Err(Short::Cores);
        }
        // Those that are starting have taken little yet, and will take all of it.
        let takes = PROCESS_BYTES.saturating_mul(starting as u64 + 1);
        let least = self.bounds.free_bytes_min;
        if least > 0 && machine.available_bytes.is_some_and(|left| left < least.saturating_add(takes)) {
            return Err(Short::Memory);
        }
        self.started += 1;
        self.starts.insert(self.started, now);
        Ok(self.started)
    }

    /// A start is over: the process says something, or is none.
    pub fn end_start(&mut self, number: u64) {
        self.starts.remove(&number);
    }

    /// Whether the machine has less memory than is to stay free.
    pub fn is_short(&self, machine: Machine) -> bool {
        machine.available_bytes.is_some_and(|left| left < self.bounds.free_bytes_min)
    }

    fn idle(&self) -> usize {
        let idle = |entry: &&Entry| matches!(entry.does, Use::Idle { .. }) && !entry.asked;
        self.processes.values().filter(idle).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const ROOMY: Machine =
        Machine { available_bytes: Some(10_000 * MIB), load_per_core: Some(0.5), cores: 4 };

    fn at(secs: u64) -> Moment {
        Moment(Duration::from_secs(secs))
    }

    fn table() -> Table {
        Table::new(WarmBounds { idle_max: 2, free_bytes_min: 256 * MIB })
    }

    fn idle(since: u64) -> Use {
        Use::Idle { since: at(since) }
    }

    #[test]
    fn of_too_many_with_nothing_to_do_the_longest_unused_goes_and_none_that_works() {
        let mut table = table();
        let [one, two, three, four] = [1, 2, 3, 4].map(ConversationId);
        table.note(one, idle(30));
        table.note(two, idle(10));
        table.note(three, Use::Busy);
        assert_eq!(table.one_too_many(), None);
        assert!(!table.may_idle());
        table.note(four, idle(20));
        assert_eq!(table.one_too_many(), Some(two));
        assert_eq!(table.one_too_many(), None, "it is asked once");
        assert!(table.is_one_going());
        table.note(two, Use::Leaving);
        assert!(table.is_one_going(), "it is on its way out, and not gone");
        table.note(two, Use::None);
        assert!(!table.is_one_going());
        assert_eq!(table.longest_unused(), Some(four));
        assert_eq!(table.longest_unused(), Some(one));
        assert_eq!(table.longest_unused(), None, "what works is left alone");
        table.note(one, Use::Busy);
        assert_eq!((table.is_one_going(), table.longest_unused()), (true, None), "the other one");
        table.note(one, idle(40));
        assert_eq!(table.longest_unused(), Some(one), "it was used in between, and is not any more");
    }

    #[test]
    fn a_process_is_started_into_memory_that_is_left_with_those_that_start() {
        let mut table = table();
        let left = |mib: u64| Machine { available_bytes: Some(mib * MIB), ..ROOMY };
        assert_eq!(table.begin_start(left(415), at(0)), Err(Short::Memory));
        let first = table.begin_start(left(416), at(0)).expect("there is room");
        assert_eq!(table.begin_start(left(416), at(1)), Err(Short::Memory), "the first will take it");
        table.end_start(first);
        table.begin_start(left(416), at(1)).expect("there is room");
        table.begin_start(left(416), at(12)).expect("a start is not for ever");
        assert!(table.is_short(left(255)) && !table.is_short(left(256)));
        let unknown = Machine { available_bytes: None, load_per_core: None, ..ROOMY };
        table.begin_start(unknown, at(12)).expect("nobody waits for what nobody knows");
        let mut table = Table::new(WarmBounds { idle_max: 2, free_bytes_min: 0 });
        table.begin_start(left(0), at(0)).expect("it is not looked at");
    }

    #[test]
    fn as_many_start_at_once_as_there_are_cores_and_one_on_a_loaded_machine() {
        let mut table = table();
        let starts: Vec<_> = (0..4).map(|_| table.begin_start(ROOMY, at(0)).expect("a core")).collect();
        assert_eq!(table.begin_start(ROOMY, at(0)), Err(Short::Cores));
        table.end_start(starts[0]);
        table.begin_start(ROOMY, at(0)).expect("a core");
        let loaded = Machine { load_per_core: Some(7.0), ..ROOMY };
        assert_eq!(table.begin_start(loaded, at(9)), Err(Short::Cores));
        table.begin_start(loaded, at(10)).expect("the others have started");
        assert_eq!(table.begin_start(loaded, at(10)), Err(Short::Cores));
    }
}

//! PURE: who waits for something that there is not enough of, and who is next. Fair between people, not between
//! conversations: whoever asks in twenty at once waits for themselves, and holds up nobody else for longer than one turn.
//!
//! Each time that somebody asks counts as one more round for them; the lowest round is served first, and whoever asks for
//! the first time in a while begins with the present one. So everybody comes to their turn, however many others come, and
//! nobody saves rounds up by not asking. In one round those come first who have nothing yet; after that, who asked first.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// A place in the order: what is lower is served first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    round: u64,
    /// Whether whoever asks had something already, or waited for it.
    has_some: bool,
    /// As they asked.
    number: u64,
}

/// Those who wait, each with what is to be told to them.
#[derive(Debug)]
pub struct Fair<Who, What> {
    waiting: BTreeMap<Ticket, (Who, What)>,
    people: HashMap<Who, Person>,
    /// The latest round of which somebody was served.
    round: u64,
    asked: u64,
}

#[derive(Debug, Default)]
struct Person {
    /// The last round that they asked for.
    round: u64,
    /// How much they have.
    has: usize,
    waits: usize,
}

impl<Who: Clone + Eq + Hash, What> Fair<Who, What> {
    /// Nobody waits.
    pub fn new() -> Self {
        Self { waiting: BTreeMap::new(), people: HashMap::new(), round: 0, asked: 0 }
    }

    /// Somebody waits from now on.
    pub fn ask(&mut self, who: Who, what: What) -> Ticket {
        let person = self.people.entry(who.clone()).or_default();
        person.round = person.round.max(self.round) + 1;
        let has_some = person.has + person.waits > 0;
        person.waits += 1;
        self.asked += 1;
        let ticket = Ticket { round: person.round, has_some, number: self.asked };
        self.waiting.insert(ticket, (who, what));
        ticket
    }

    /// Who is next, has it from now on.
    pub fn next(&mut self) -> Option<(Who, What)> {
        let (ticket, (who, what)) = self.waiting.pop_first()?;
        self.round = self.round.max(ticket.round);
        if let Some(person) = self.people.get_mut(&who) {
            person.waits -= 1;
            person.has += 1;
        }
        Some((who, what))
    }

    /// Somebody has it without having waited for it, and without having been next.
    pub fn takes(&mut self, who: Who) {
        self.people.entry(who).or_default().has += 1;
    }

    /// Somebody gives it back.
    pub fn gives(&mut self, who: &Who) {
        if let Some(person) = self.people.get_mut(who) {
            person.has = person.has.saturating_sub(1);
        }
        self.forget(who);
    }

    /// Somebody waits no more. False: they were served before.
    pub fn leaves(&mut self, ticket: Ticket) -> bool {
        let Some((who, _)) = self.waiting.remove(&ticket) else { return false };
        if let Some(person) = self.people.get_mut(&who) {
            person.waits -= 1;
        }
        self.forget(&who);
        true
    }

    /// Those who wait, in the order in which they will be served.
    pub fn in_order(&self) -> impl Iterator<Item = &What> {
        self.waiting.values().map(|(_, what)| what)
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whoever has nothing, waits for nothing and asked long ago is as good as new.
    fn forget(&mut self, who: &Who) {
        let round = self.round;
        if self
            .people
            .get(who)
            .is_some_and(|person| person.has == 0 && person.waits == 0 && person.round <= round)
        {
            self.people.remove(who);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn served(fair: &mut Fair<char, u32>, count: usize) -> Vec<(char, u32)> {
        (0..count).filter_map(|_| fair.next()).collect()
    }

    #[test]
    fn who_asks_twenty_times_does_not_hold_up_who_asks_once() {
        let mut fair = Fair::new();
        for number in 0..20 {
            fair.ask('a', number);
        }
        assert_eq!(served(&mut fair, 4), [('a', 0), ('a', 1), ('a', 2), ('a', 3)]);
        fair.ask('b', 100);
        fair.ask('c', 200);
        assert_eq!(served(&mut fair, 3), [('b', 100), ('c', 200), ('a', 4)]);
        fair.ask('b', 101);
        assert_eq!(served(&mut fair, 3), [('a', 5), ('b', 101), ('a', 6)], "by turns from now on");
    }

    #[test]
    fn one_person_is_served_in_the_order_of_asking() {
        let mut fair = Fair::new();
        let tickets: Vec<_> = (0..5).map(|number| fair.ask('a', number)).collect();
        assert!(fair.leaves(tickets[1]) && !fair.leaves(tickets[1]));
        assert_eq!(served(&mut fair, 9), [('a', 0), ('a', 2), ('a', 3), ('a', 4)]);
        assert!(!fair.leaves(tickets[0]), "it was served");
    }

    #[test]
    fn nobody_saves_up_by_not_asking_and_nobody_is_remembered_for_ever() {
        let mut fair = Fair::new();
        for number in 0..100 {
            fair.ask('a', number);
            fair.next();
            fair.gives(&'a');
        }
        assert!(fair.people.is_empty());
        for number in 0..3 {
            fair.ask('b', number);
            fair.ask('a', number);
        }
        assert_eq!(served(&mut fair, 4), [('b', 0), ('a', 0), ('b', 1), ('a', 1)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// However many others come meanwhile, whoever waits is served after each person who waits was once for each time
        /// that they themselves wait.
        #[test]
        fn nobody_waits_for_ever(before in 0..30_u32, newcomers in prop::collection::vec(0..20_u32, 0..60)) {
            let mut fair = Fair::new();
            for other in 0..before {
                fair.ask(other % 7, 0);
            }
            fair.ask(1000, 1);
            let mut waited = 0;
            for newcomer in newcomers {
                fair.ask(newcomer, 0);
                match fair.next() {
                    Some((1000, _)) => return Ok(()),
                    _ => waited += 1,
                }
                prop_assert!(waited <= 21, "overtaken again and again");
            }
        }
    }
}

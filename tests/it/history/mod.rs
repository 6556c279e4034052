//! Nothing lost, nothing twice, and a turn outlives the daemon: shown on whole histories.
//!
//! A test lets people talk (`talk.rs`) while it makes trouble (`kills.rs`, `deaths.rs`, `stops.rs`, `crashes.rs`, `soak.rs`), gathers
//! what was seen from outside (`gather.rs`) into a [`History`](record::History), and asks [`contract::check`] what of it
//! breaks the contract. The checker knows the contract alone: no module of the daemon, and nothing of how it works.
//! `hand_made.rs` holds the checker itself: each rule broken once, by hand. `tests/mutants` holds it as well: daemons
//! that are broken on purpose, each of which has to be caught.
//!
//! Every test here has a short form, for `cargo test`, and a long one: the same test with variables, which README,
//! "Long runs", tells. All dice are seeded: the seed is printed with the figures, and `HISTORY_SEED` sets it.

mod absence;
mod contract;
mod crashes;
mod deaths;
mod gather;
mod hand_made;
mod kills;
mod record;
mod soak;
mod stops;
mod talk;

/// A number that a long run sets.
pub fn number(variable: &str, default: u64) -> u64 {
    let text = std::env::var(variable).unwrap_or_default();
    if text.is_empty() {
        return default;
    }
    text.parse().unwrap_or_else(|_| panic!("{variable} is to be a number, not {text:?}"))
}

/// Says what a run came to. Not `eprintln!`, whose words a passing test keeps to itself.
pub fn tell(what: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "history: {what}");
}

/// Dice that fall the same way for the same seed (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn seeded(default: u64) -> Self {
        Self(number("HISTORY_SEED", default))
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }
}

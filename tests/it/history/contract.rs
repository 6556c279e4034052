//! The contract, as rules over a history. Pure: facts in, violations with their evidence out.

mod between;
mod each;

use std::fmt;

use super::record::History;
pub use between::GO_ON;

/// One sentence of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Each eligible message has a terminal answer that is visible.
    NothingLost,
    /// It has one.
    NothingTwice,
    /// What a channel asked is done, and answered, in the order in which it was said.
    InOrder,
    /// An answer stands where its question belongs: in its channel, or in the one thread that it opened.
    InPlace,
    /// What a CLI asks is answered once, by a person; a question that is over has nothing to click.
    AnsweredOnce,
    /// A message has a name, the same at each try; when Discord may have forgotten it, the bot looks before it posts.
    NonceHolds,
    /// Nobody else causes anything: strangers, bots, texts that were taken back.
    NobodyElse,
    /// What was acknowledged is stored.
    AcceptedIsDurable,
    /// The CLI gets a prompt once, unless it was killed before.
    GivenOnce,
    /// A side effect happens once, and not in vain.
    EffectsOnce,
    /// One session has one live CLI at most.
    OneWriter,
    /// A turn is not ended by what happens to the daemon.
    TurnsOutlive,
    /// Nothing is left behind.
    NothingLeft,
    /// The database is sound, and nothing in it waits for ever.
    Settled,
    /// The reaction to a message says how it ended.
    ReactionTells,
    /// Nobody is pinged, and Discord's rules are kept.
    Polite,
}

/// A sentence of the contract that was broken, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// What was seen.
    pub seen: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.seen)
    }
}

/// What of this history breaks the contract; nothing, if it is kept.
pub fn check(history: &History) -> Vec<Violation> {
    let mut found = Found::default();
    let together = each::together(history, &mut found);
    let answers = each::answers(history, &together, &mut found);
    for said in &history.said {
        let parts = together.get(&said.id).map_or(&[][..], Vec::as_slice);
        each::one(history, said, parts, answers.get(&said.id).map_or(&[], Vec::as_slice), &mut found);
    }
    between::order(history, &answers, &mut found);
    between::places(history, &mut found);
    between::questions(history, &mut found);
    between::nonces(history, &mut found);
    for death in &history.deaths {
        for message in death.acknowledged.difference(&death.stored) {
            let what = format!("{message} was acknowledged and not stored at {}", death.at);
            found.add(Rule::AcceptedIsDurable, what);
        }
    }
    found.all(Rule::OneWriter, &history.shared_sessions);
    found.all(Rule::NothingLeft, &history.left);
    found.all(Rule::Polite, &history.misbehaved);
    if history.stored.integrity != ["ok"] {
        found.add(Rule::Settled, format!("integrity_check: {:?}", history.stored.integrity));
    }
    found.all(Rule::Settled, &history.stored.unsettled);
    found.violations
}

#[derive(Default)]
struct Found {
    violations: Vec<Violation>,
}

impl Found {
    fn add(&mut self, rule: Rule, seen: String) {
        self.violations.push(Violation { rule, seen });
    }

    fn all(&mut self, rule: Rule, seen: &[String]) {
        for seen in seen {
            self.add(rule, seen.clone());
        }
    }
}

/// Whether a text has this word, whole.
fn has(text: &str, token: &str) -> bool {
    // First what the standard library does fast: histories are long, and this is asked of each pair.
    text.contains(token) && text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == token)
}

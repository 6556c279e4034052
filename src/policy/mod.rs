//! PURE: what the operator's rules and the catalogue of catastrophic patterns say of one use of a tool.
//!
//! Order: a deny rule, then the catalogue, then an ask rule, then an allow rule; what none of them names is left to the
//! permission mode. A rule is written in the CLI's own notation. Commands are read by a parser ([`shell`]), and split:
//! to deny or to ask one part of a command is enough, to allow each part must be allowed.
//!
//! This is no sandbox. Whoever wants to hide a command from a reader of text can: a script that is written first and run
//! afterwards is two harmless steps. It keeps mistakes and plain injections in front of a person.
//!
//! A new catastrophic pattern: an entry in a file below `catalogue/`, with commands that it matches and some that it
//! does not, and [`catalogue::VERSION`] raised.

mod rule;

mod paths;

pub mod shell;

pub mod catalogue;

mod decide;

#[cfg(test)]
mod tests;

pub use decide::{By, Context, Decision, Rules, Verdict, decide};
pub use rule::{NotARule, Rule};

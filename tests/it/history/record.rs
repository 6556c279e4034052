//! A history: what was said, shown, done and stored, as plain facts. Whoever makes one by hand needs nothing else.

use std::collections::{BTreeMap, BTreeSet};

/// All that is known of one run, after its end.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// What people (and other bots) said, in the order in which they did.
    pub said: Vec<Said>,
    /// The bot's messages that stand at the end, in their order.
    pub shown: Vec<Shown>,
    /// The bot's reactions that stand at the end: message, emoji.
    pub reactions: Vec<(u64, String)>,
    /// What was acknowledged and what was stored, each time the daemon died.
    pub deaths: Vec<Death>,
    /// Messages of which a thread was opened.
    pub threads: BTreeSet<u64>,
    /// The bot's tries to post, and its looks at what stands in a channel, in their order.
    pub calls: Vec<Call>,
    /// The CLI's own diary: the prompts that it began, in order.
    pub given: Vec<Given>,
    /// The CLI's own diary: what it was told when it asked, in order.
    pub told: Vec<Told>,
    /// Which answers people chose: the text of the card, and what stood on the button.
    pub clicked: Vec<(String, String)>,
    /// CLIs that the test killed.
    pub killed: BTreeSet<i64>,
    /// How often the side effect of a token happened.
    pub effects: BTreeMap<String, u32>,
    /// Sessions that two live CLIs had at the same time, as the CLI tells it.
    pub shared_sessions: Vec<String>,
    /// The database.
    pub stored: Stored,
    /// Processes that are left: shims, CLIs, whatever those started.
    pub left: Vec<String>,
    /// Whom the bot pinged, and rules of Discord's that it broke.
    pub misbehaved: Vec<String>,
}

/// A message that somebody wrote.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// Discord's id: later ones are larger.
    pub id: u64,
    /// Where.
    pub channel: u64,
    /// By whom.
    pub author: u64,
    /// Where its answer belongs: the channel, or the thread that it opened.
    pub answered_in: u64,
    /// A word of this message alone. Its answer ends in [`Said::last_words`], and nothing else has them.
    pub token: String,
    /// Whether its author may use the bot, and it is meant for the bot.
    pub eligible: bool,
    /// Whether somebody says that it is not to be done, after it was held: so it is not eligible, and stored all the same.
    pub let_go: bool,
    /// Whether it was deleted.
    pub deleted: Deleted,
    /// Tokens of texts that it had before, and that nobody is to act on: it was edited while the bot could not see it.
    pub outdated: Vec<String>,
    /// How many side effects it asks for: none or one.
    pub effects: u32,
}

impl Said {
    /// The last words of its answer.
    pub fn last_words(&self) -> String {
        format!("{} is done", self.token)
    }
}

/// Whether a message was deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Deleted {
    /// It stands.
    #[default]
    No,
    /// While the bot could not see it: it is as if it had never been said.
    Unseen,
    /// Later: whether it is answered depends on who was faster.
    Later,
}

/// A message of the bot's.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// Discord's id.
    pub id: u64,
    /// Where.
    pub channel: u64,
    /// The message that it replies to.
    pub answers: Option<u64>,
    /// Its text.
    pub text: String,
    /// What stands on the buttons below it.
    pub buttons: Vec<String>,
    /// What the bot calls it, so that Discord does not post it twice.
    pub nonce: Option<String>,
}

/// A request of the bot's that Discord carried out, whether the bot heard of it or not.
#[derive(Debug, Clone)]
pub enum Call {
    /// A message is to be posted.
    Post {
        /// When, in milliseconds by Discord's clock.
        at_ms: u64,
        /// Where.
        channel: u64,
        /// What it is called, if Discord is to know it by that.
        nonce: Option<String>,
    },
    /// What stands in a channel was read.
    Look {
        /// Which.
        channel: u64,
    },
}

/// What was known when the daemon died.
#[derive(Debug, Clone, Default)]
pub struct Death {
    /// Which death it was, for people.
    pub at: String,
    /// Messages that the bot had reacted to, or replied to.
    pub acknowledged: BTreeSet<u64>,
    /// Messages that the database had.
    pub stored: BTreeSet<u64>,
}

/// A prompt that a CLI began.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The CLI.
    pub pid: i64,
    /// Its session.
    pub session: String,
    /// The key of the prompt.
    pub uuid: String,
    /// Its text.
    pub text: String,
}

/// What a CLI was told when it asked whether it may do something.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// The CLI.
    pub pid: i64,
    /// What it calls its question.
    pub question: String,
    /// What it wanted to do, in which there is the token of its prompt.
    pub wanted: String,
    /// Whether it may.
    pub allowed: bool,
}

/// The database at the end.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// What `PRAGMA integrity_check` says: `ok`.
    pub integrity: Vec<String>,
    /// Messages that were refused.
    pub refused: BTreeSet<u64>,
    /// By message: how its turn stands (`completed`, `failed`, …, `running`).
    pub outcomes: BTreeMap<u64, String>,
    /// What is not settled, in words: prompts that wait, turns without an end, ends that were not shown, …
    pub unsettled: Vec<String>,
}

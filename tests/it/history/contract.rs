//! The contract, as rules over a history. Pure: facts in, violations with their evidence out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::record::{Call, Deleted, History, Said, Shown};

/// How the last line of a turn that is over begins, after its `-# `: with a mark, or with how long it took.
const MARKS: [&str; 5] = ["✅", "❌", "⏹️", "⚠️", "<"];
/// How a message begins that asks a person.
const QUESTION: &str = "🔐";
/// What stands on a button that works after the end, below a turn whose CLI was killed.
pub const GO_ON: &str = "Go on";
/// What a person chose who allowed something.
const ALLOWS: &str = "Allow";
/// Discord knows a nonce for "the past few minutes" (docs: resources/message): whoever is later than this looks first.
const NONCE_KNOWN_MS: u64 = 3 * 60 * 1000;
/// Reactions that stay.
const FINAL: [&str; 3] = ["✅", "❌", "⏹️"];

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
    let together = together(history, &mut found);
    let answers = answers(history, &together, &mut found);
    for said in &history.said {
        let parts = together.get(&said.id).map_or(&[][..], Vec::as_slice);
        one(history, said, parts, answers.get(&said.id).map_or(&[], Vec::as_slice), &mut found);
    }
    order(history, &answers, &mut found);
    places(history, &mut found);
    questions(history, &mut found);
    nonces(history, &mut found);
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

/// By message: all that the CLI was given in one prompt with it, in order. They are of one person, in one place.
fn together(history: &History, found: &mut Found) -> BTreeMap<u64, Vec<u64>> {
    let mut together = BTreeMap::new();
    for given in &history.given {
        let parts: Vec<_> = history.said.iter().filter(|said| has(&given.text, &said.token)).collect();
        let mut ids: Vec<_> = parts.iter().map(|said| said.id).collect();
        ids.sort_unstable();
        let strange =
            |said: &&&Said| (said.author, said.answered_in) != (parts[0].author, parts[0].answered_in);
        if let Some(strange) = parts.iter().find(strange) {
            let what = format!("{} was given with what another one said: {ids:?}", strange.id);
            found.add(Rule::NobodyElse, what);
        }
        for said in parts {
            if together.insert(said.id, ids.clone()).is_some_and(|before| before != ids) {
                let what = format!("{} was given again with others: {ids:?}", said.id);
                found.add(Rule::GivenOnce, what);
            }
        }
    }
    together
}

/// The bot's messages by the message that they answer. One that answers nobody's message continues the one above it. What
/// was said together has one answer, in reply to the last of it.
fn answers<'a>(
    history: &'a History,
    together: &BTreeMap<u64, Vec<u64>>,
    found: &mut Found,
) -> BTreeMap<u64, Vec<&'a Shown>> {
    let said: BTreeMap<u64, &Said> = history.said.iter().map(|said| (said.id, said)).collect();
    let thread: BTreeMap<u64, u64> = history
        .said
        .iter()
        .filter(|said| said.answered_in != said.channel)
        .map(|s| (s.answered_in, s.id))
        .collect();
    let mut open: BTreeMap<u64, u64> = thread;
    let mut answers: BTreeMap<u64, Vec<&Shown>> = BTreeMap::new();
    for shown in &history.shown {
        if let Some(message) = shown.answers {
            open.insert(shown.channel, message);
        } else if let Some(said) = history.said.iter().find(|said| {
            // Whose message is gone has an answer that replies to nothing.
            said.deleted != Deleted::No
                && said.answered_in == shown.channel
                && shown.text.contains(&said.token)
        }) {
            open.insert(shown.channel, said.id);
        }
        if let Some(message) = open.get(&shown.channel).filter(|message| said.contains_key(message)) {
            answers.entry(*message).or_default().push(shown);
        } else {
            let what = format!("message {} answers nobody: {:?}", shown.id, shown.text);
            found.add(Rule::NobodyElse, what);
        }
    }
    for (message, parts) in together {
        let Some(last) = parts.last().filter(|last| *last != message) else { continue };
        if let Some(apart) = answers.remove(message) {
            let what = format!("{message} is answered with {last}, and by itself: {apart:?}");
            found.add(Rule::NothingTwice, what);
        }
        answers.extend(answers.get(last).cloned().map(|answer| (*message, answer)));
    }
    answers
}

/// What holds for each message, which was given to the CLI with all of these.
fn one(history: &History, said: &Said, parts: &[u64], answer: &[&Shown], found: &mut Found) {
    let given: Vec<_> = history.given.iter().filter(|given| has(&given.text, &said.token)).collect();
    let effects = history.effects.get(&said.token).copied().unwrap_or(0);
    let reactions: Vec<&str> =
        history.reactions.iter().filter(|(id, _)| *id == said.id).map(|(_, emoji)| emoji.as_str()).collect();
    let name = format!("{} ({})", said.id, said.token);
    for outdated in &said.outdated {
        if history.given.iter().any(|given| has(&given.text, outdated)) {
            found.add(
                Rule::NobodyElse,
                format!("{name}: the CLI was given the text {outdated} from before its edit"),
            );
        }
    }
    if effects > said.effects {
        found.add(Rule::EffectsOnce, format!("{name}: its side effect happened {effects} times"));
    }
    if !said.eligible || said.deleted == Deleted::Unseen {
        if !answer.is_empty() || !given.is_empty() || !reactions.is_empty() {
            let what = format!("answers {answer:?}, given to {given:?}, reactions {reactions:?}");
            found.add(Rule::NobodyElse, format!("{name} was not to be answered: {what}"));
        }
        return;
    }
    let killed = given.iter().filter(|given| history.killed.contains(&given.pid)).count();
    if given.len() > 1 + killed {
        found
            .add(Rule::GivenOnce, format!("{name}: begun {} times, {killed} killed: {given:?}", given.len()));
    }
    let of_another =
        |key: &str| history.given.iter().any(|other| other.uuid == key && !has(&other.text, &said.token));
    if given.iter().any(|given| of_another(&given.uuid)) {
        found.add(Rule::GivenOnce, format!("{name}: another prompt has its key: {given:?}"));
    }
    let ends: Vec<_> = answer.iter().filter(|shown| is_end(&shown.text)).collect();
    let words = answer.iter().map(|shown| shown.text.matches(&said.last_words()).count()).sum::<usize>();
    // The first of its messages replies, those after it go on.
    let last = parts.last().copied().unwrap_or(said.id);
    let replies = answer.iter().filter(|shown| shown.answers == Some(last)).count();
    // Nobody asks more than one question in a message here.
    let questions = answer.iter().filter(|shown| shown.text.starts_with(QUESTION)).count();
    if ends.len() > 1 || words > 1 || replies > 1 || questions > parts.len().max(1) {
        let what = format!(
            "{replies} replies, {} ends, {questions} questions, its last words {words} times: {answer:?}",
            ends.len()
        );
        found.add(Rule::NothingTwice, format!("{name}: {what}"));
    }
    if said.deleted == Deleted::Later {
        return;
    }
    if history.stored.refused.contains(&said.id) {
        if answer.is_empty() {
            found.add(Rule::NothingLost, format!("{name} was refused, and nobody was told"));
        }
        return;
    }
    if ends.is_empty() {
        found.add(
            Rule::NothingLost,
            format!("{name} has no end that is visible: {answer:?}; {}", stands(history, said)),
        );
        return;
    }
    if reactions.len() != 1 || !FINAL.contains(&reactions[0]) {
        found.add(Rule::ReactionTells, format!("{name} is over and has the reactions {reactions:?}"));
    }
    if killed > 0 {
        // Its CLI died; that it says so is all that is promised.
        return;
    }
    let completed = ends.iter().any(|end| footer(&end.text).is_some_and(|line| line.starts_with("✅")));
    if !completed {
        found.add(
            Rule::TurnsOutlive,
            format!("{name} ended otherwise than by itself: {answer:?}; {}", stands(history, said)),
        );
    } else if words == 0 {
        found.add(Rule::NothingLost, format!("{name}: its last words are missing: {answer:?}"));
    } else if effects < said.effects {
        found.add(Rule::EffectsOnce, format!("{name}: is done, and its side effect never happened"));
    }
}

fn stands(history: &History, said: &Said) -> String {
    let outcome = history.stored.outcomes.get(&said.id);
    outcome.map_or_else(
        || "the database has no turn for it".to_owned(),
        |word| format!("in the database: {word}"),
    )
}

/// In each channel, prompts are begun and answers stand as people wrote.
fn order(history: &History, answers: &BTreeMap<u64, Vec<&Shown>>, found: &mut Found) {
    let mut by_channel: BTreeMap<u64, Vec<&Said>> = BTreeMap::new();
    for said in history.said.iter().filter(|said| said.eligible) {
        by_channel.entry(said.answered_in).or_default().push(said);
    }
    for (channel, mut said) in by_channel {
        said.sort_by_key(|said| said.id);
        let begun = |said: &Said| history.given.iter().position(|given| has(&given.text, &said.token));
        let begun: Vec<_> = said.iter().filter_map(|said| Some((begun(said)?, &said.token))).collect();
        let shown = |said: &Said| answers.get(&said.id)?.first().map(|shown| shown.id);
        let shown: Vec<_> = said.iter().filter_map(|said| Some((shown(said)?, &said.token))).collect();
        // What was said together is at the same place.
        if !begun.is_sorted_by_key(|(place, _)| *place) {
            found.add(Rule::InOrder, format!("channel {channel} was done as {begun:?}"));
        }
        if !shown.is_sorted_by_key(|(place, _)| *place) {
            found.add(Rule::InOrder, format!("channel {channel} was answered as {shown:?}"));
        }
        // A conversation goes on in its session, whatever happens to the daemon.
        let sessions: BTreeSet<_> = history
            .given
            .iter()
            .filter(|given| said.iter().any(|said| has(&given.text, &said.token)))
            .map(|given| &given.session)
            .collect();
        if sessions.len() > 1 && history.killed.is_empty() {
            found
                .add(Rule::TurnsOutlive, format!("channel {channel} went through the sessions {sessions:?}"));
        }
    }
}

/// Answers, and threads, are where they belong.
fn places(history: &History, found: &mut Found) {
    let said: BTreeMap<u64, &Said> = history.said.iter().map(|said| (said.id, said)).collect();
    for shown in &history.shown {
        let Some(asked) = shown.answers.and_then(|message| said.get(&message)) else { continue };
        if asked.answered_in != shown.channel {
            let what = format!("{} is answered in {}, not in {}", asked.id, shown.channel, asked.answered_in);
            found.add(Rule::InPlace, what);
        }
    }
    for thread in &history.threads {
        let belongs =
            |said: &&Said| said.answered_in == *thread && said.eligible && said.deleted != Deleted::Unseen;
        if !said.get(thread).is_some_and(belongs) {
            found.add(Rule::InPlace, format!("a thread was opened of {thread}, where none belongs"));
        }
    }
}

/// What a CLI asked was answered once, as somebody chose; and nothing is left to be clicked.
fn questions(history: &History, found: &mut Found) {
    let mut answered = BTreeSet::new();
    for told in &history.told {
        if !answered.insert((told.pid, &told.question)) {
            found.add(Rule::AnsweredOnce, format!("the CLI was told twice: {told:?}"));
        }
        let allows = |(card, label): &&(String, String)| {
            label.starts_with(ALLOWS)
                && history.said.iter().any(|said| has(card, &said.token) && has(&told.wanted, &said.token))
        };
        if told.allowed && !history.clicked.iter().any(|clicked| allows(&clicked)) {
            found.add(Rule::AnsweredOnce, format!("nobody allowed it: {told:?}"));
        }
    }
    for shown in &history.shown {
        let works = |label: &&String| *label != GO_ON || history.killed.is_empty();
        let stale: Vec<_> = shown.buttons.iter().filter(works).collect();
        if !stale.is_empty() {
            let what = format!("all is over, and message {} has {stale:?}: {:?}", shown.id, shown.text);
            found.add(Rule::AnsweredOnce, what);
        }
    }
}

/// No name is two messages', and none is trusted for longer than Discord knows it.
fn nonces(history: &History, found: &mut Found) {
    let mut names = BTreeMap::new();
    for shown in &history.shown {
        if let Some(nonce) = &shown.nonce
            && let Some(other) = names.insert((shown.channel, nonce), shown.id)
        {
            found.add(Rule::NonceHolds, format!("messages {other} and {} are both {nonce}", shown.id));
        }
    }
    // By channel and name: the first try since the bot looked.
    let mut tries: BTreeMap<(u64, &str), u64> = BTreeMap::new();
    for call in &history.calls {
        match call {
            Call::Look { channel } => tries.retain(|(tried_in, _), _| tried_in != channel),
            Call::Post { channel, nonce: None, .. } => {
                found.add(Rule::NonceHolds, format!("a message without a name was posted in {channel}"));
            }
            Call::Post { at_ms, channel, nonce: Some(nonce) } => {
                let first = *tries.entry((*channel, nonce)).or_insert(*at_ms);
                if at_ms.saturating_sub(first) > NONCE_KNOWN_MS {
                    let late = at_ms - first;
                    found.add(Rule::NonceHolds, format!("{nonce} was posted again, unseen, after {late} ms"));
                }
            }
        }
    }
}

fn footer(text: &str) -> Option<&str> {
    let last = text.lines().next_back()?.strip_prefix("-# ")?;
    let told =
        MARKS.iter().any(|mark| last.starts_with(mark)) || last.starts_with(|c: char| c.is_ascii_digit());
    told.then_some(last)
}

fn is_end(text: &str) -> bool {
    footer(text).is_some()
}

/// Whether a text has this word, whole.
fn has(text: &str, token: &str) -> bool {
    // First what the standard library does fast: histories are long, and this is asked of each pair.
    text.contains(token) && text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == token)
}

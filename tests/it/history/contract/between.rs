//! What holds between messages: their order, their places, what was asked and clicked, their names.

use std::collections::{BTreeMap, BTreeSet};

use super::super::record::{Call, Deleted, History, Said, Shown};
use super::{Found, Rule, has};

/// What stands on a button that works after the end, below a turn whose CLI was killed.
pub const GO_ON: &str = "Go on";
/// What a person chose who allowed something.
const ALLOWS: &str = "Allow";
/// Discord knows a nonce for "the past few minutes" (docs: resources/message): whoever is later than this looks first.
const NONCE_KNOWN_MS: u64 = 3 * 60 * 1000;
/// In each channel, prompts are begun and answers stand as people wrote.
pub(super) fn order(history: &History, answers: &BTreeMap<u64, Vec<&Shown>>, found: &mut Found) {
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
pub(super) fn places(history: &History, found: &mut Found) {
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
pub(super) fn questions(history: &History, found: &mut Found) {
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
pub(super) fn nonces(history: &History, found: &mut Found) {
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

//! What holds for each message, and which answer is whose.

use std::collections::BTreeMap;

use super::super::record::{Deleted, History, Said, Shown};
use super::{Found, Rule, has};

/// How the last line of a turn that is over begins, after its `-# `: with a mark, or with how long it took.
const MARKS: [&str; 5] = ["✅", "❌", "⏹️", "⚠️", "<"];
/// How a message begins that asks a person.
const QUESTION: &str = "🔐";
/// Reactions that stay.
const FINAL: [&str; 3] = ["✅", "❌", "⏹️"];

/// By message: all that the CLI was given in one prompt with it, in order. They are of one person, in one place.
pub(super) fn together(history: &History, found: &mut Found) -> BTreeMap<u64, Vec<u64>> {
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
pub(super) fn answers<'a>(
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
pub(super) fn one(history: &History, said: &Said, parts: &[u64], answer: &[&Shown], found: &mut Found) {
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

fn footer(text: &str) -> Option<&str> {
    let last = text.lines().next_back()?.strip_prefix("-# ")?;
    let told =
        MARKS.iter().any(|mark| last.starts_with(mark)) || last.starts_with(|c: char| c.is_ascii_digit());
    told.then_some(last)
}

fn is_end(text: &str) -> bool {
    footer(text).is_some()
}

//! Questions with their options, and what is chosen of them.

use std::fmt::Write as _;

use super::{Asked, cut, escape, one_line};
use crate::domain::answer::Draft;
use crate::domain::ask::{Offer, Question};
use crate::render::escape::code_block;
use crate::render::expose::{expose, expose_prose};
use crate::render::message::units;

/// So much of the questions is shown, in UTF-16 units: two messages.
const UNITS_MAX: usize = 3_000;
/// So much of what an option means, in characters, where all of it is too much.
const SHORT_CHARS: usize = 80;
/// Question, option and description are one line each, of so many characters.
const LINE_CHARS_MAX: usize = 600;

/// How much of the options is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// All.
    Whole,
    /// Without what they would look like.
    NoPreviews,
    /// Their labels, and the beginning of what they mean.
    Short,
}

/// The questions of an ask, with what is chosen so far.
pub(super) fn block(asked: &Asked, questions: &[Question]) -> String {
    let draft = (asked.is_open_to_people() && !asked.ask.is_one_tap()).then_some(&asked.draft);
    let (text, detail) = fitting(questions, draft);
    let mut head = format!("❓ **Claude asks:**{}", asked.mention());
    if detail != Detail::Whole && asked.is_open_to_people() {
        head.push_str("\n-# all of it is in questions.md, below, and with *Show all*");
    }
    format!("{head}\n{text}")
}

/// All of the questions.
pub(super) fn whole(questions: &[Question]) -> String {
    all(questions, None, Detail::Whole)
}

/// Whether not all of it is shown.
pub(super) fn is_cut(questions: &[Question]) -> bool {
    fitting(questions, None).1 != Detail::Whole
}

/// What was answered, below what was asked.
pub(super) fn answers(questions: &[Question], answers: &[String]) -> String {
    let mut answers = answers.iter().map(|answer| escape(&one_line(answer, 200)));
    if let [_] = questions {
        return answers.next().map(|answer| format!(": **{answer}**")).unwrap_or_default();
    }
    let mut told = String::new();
    for (asked, answer) in questions.iter().zip(answers) {
        let _ = write!(told, "\n-# {}: **{answer}**", heading(asked));
    }
    told
}

fn fitting(questions: &[Question], draft: Option<&Draft>) -> (String, Detail) {
    for detail in [Detail::Whole, Detail::NoPreviews] {
        // What is chosen is written between the lines later on: how much is told does not depend on it.
        if units(&all(questions, None, detail)) <= UNITS_MAX {
            return (all(questions, draft, detail), detail);
        }
    }
    (cut(&all(questions, draft, Detail::Short), UNITS_MAX).0, Detail::Short)
}

fn all(questions: &[Question], draft: Option<&Draft>, detail: Detail) -> String {
    let numbered = questions.iter().enumerate();
    let told = numbered.map(|(index, asked)| question(asked, draft.map(|draft| (draft, index)), detail));
    told.collect::<Vec<_>>().join("\n\n")
}

fn question(asked: &Question, draft: Option<(&Draft, usize)>, detail: Detail) -> String {
    let how = if asked.multiple { " (several may be chosen)" } else { "" };
    let mut lines = vec![format!("**{}:** {}{how}", heading(asked), line(&asked.question, LINE_CHARS_MAX))];
    let numbered = asked.options.iter().enumerate();
    lines.extend(numbered.map(|(index, offer)| option(index + 1, offer, detail)));
    if let Some((draft, index)) = draft {
        let chosen = draft.pick(index).map(|pick| {
            let labels = pick.options.iter().filter_map(|option| asked.options.get(*option));
            let labels = labels.map(|offer| line(&offer.label, LINE_CHARS_MAX));
            let own = pick.own.as_ref().map(|own| format!("*{}*", line(own, 200)));
            labels.chain(own).collect::<Vec<_>>().join(", ")
        });
        lines.push(match chosen {
            Some(chosen) => format!("➡️ {chosen}"),
            None => "➡️ …".to_owned(),
        });
    }
    lines.join("\n")
}

fn option(number: usize, offer: &Offer, detail: Detail) -> String {
    let chars_max = if detail == Detail::Short { SHORT_CHARS } else { LINE_CHARS_MAX };
    let mut text = format!("{number}. **{}**", line(&offer.label, chars_max));
    if !offer.description.trim().is_empty() {
        let _ = write!(text, ": {}", line(&offer.description, chars_max));
    }
    if let Some(preview) = offer.preview.as_ref().filter(|_| detail == Detail::Whole) {
        let _ = write!(text, "\n{}", code_block("", &expose(preview)));
    }
    text
}

fn heading(asked: &Question) -> String {
    let head = if asked.header.trim().is_empty() { "Question" } else { &asked.header };
    line(head, 60)
}

fn line(text: &str, chars_max: usize) -> String {
    escape(&one_line(&expose_prose(text), chars_max))
}

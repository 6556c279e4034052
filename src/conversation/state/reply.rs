//! What somebody says to an ask → what the CLI gets, or what is kept until it is complete.

use serde_json::{Map, Number, Value};

use crate::domain::answer::{Answer, Draft, Pick, Said};
use crate::domain::ask::{Ask, AskKind, Field, FieldKind, Question};

/// What becomes of what somebody said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is the answer.
    Answer(Answer),
    /// It is kept until it is sent.
    Draft(Draft),
    /// It cannot be taken, for this reason: a sentence for whoever said it.
    Unfit(String),
}

/// What becomes of `said`, with what was chosen before, by the person of this name.
pub fn reply(ask: &Ask, draft: &Draft, said: Said, by: &str) -> Reply {
    match (said, &ask.kind) {
        (Said::Deny, _) => Reply::Answer(Answer::Deny { message: refusal(ask, by) }),
        (Said::DenyBecause(words), _) if words.trim().is_empty() => {
            Reply::Answer(Answer::Deny { message: refusal(ask, by) })
        }
        (Said::DenyBecause(words), _) => {
            Reply::Answer(Answer::DenyBecause { by: by.to_owned(), words: words.trim().to_owned() })
        }
        (Said::AllowOnce, AskKind::Permission { .. } | AskKind::Plan { .. }) => Reply::Answer(Answer::Allow),
        (Said::AllowOnce, AskKind::Elicitation { fields, .. }) if fields.is_empty() => {
            Reply::Answer(Answer::Filled { content: "{}".to_owned() })
        }
        (Said::AllowForSession, AskKind::Permission { .. } | AskKind::Plan { .. }) => {
            Reply::Answer(if ask.grant().is_some() { Answer::AllowForSession } else { Answer::Allow })
        }
        (Said::Edited(command), AskKind::Permission { .. }) => edited(ask, &command),
        (Said::Option(option), AskKind::Question { questions }) => one_option(questions, option),
        (Said::Options { question, options }, AskKind::Question { questions }) => {
            chosen(questions, draft, question, options)
        }
        (Said::Own(words), AskKind::Question { questions }) => own(ask, questions, draft, &words),
        (Said::Send, AskKind::Question { questions }) => send(questions, draft),
        (Said::Filled(texts), AskKind::Elicitation { fields, .. }) => filled(fields, &texts),
        (
            Said::AllowOnce
            | Said::AllowForSession
            | Said::Edited(_)
            | Said::Option(_)
            | Said::Options { .. }
            | Said::Own(_)
            | Said::Send
            | Said::Filled(_),
            _,
        ) => Reply::Unfit("That is no answer to this question.".to_owned()),
    }
}

/// What Claude is told of a plain no.
fn refusal(ask: &Ask, by: &str) -> String {
    match ask.kind {
        AskKind::Permission { .. } | AskKind::Elicitation { .. } => {
            format!("{by} said no to this in the chat.")
        }
        AskKind::Question { .. } => {
            format!("{by} does not want to answer this. Go on as you think best, or ask differently.")
        }
        AskKind::Plan { .. } => format!("{by} wants you to keep planning. Ask what is missing."),
    }
}

fn edited(ask: &Ask, command: &str) -> Reply {
    match ask.command() {
        None => Reply::Unfit("Only a command can be edited.".to_owned()),
        Some(_) if command.trim().is_empty() => {
            Reply::Unfit("An empty command runs nothing, so I changed nothing. *Deny* says no.".to_owned())
        }
        // Discord trims what people write.
        Some(asked) if asked.trim() == command.trim() => Reply::Answer(Answer::Allow),
        Some(_) => Reply::Answer(Answer::AllowEdited { command: command.to_owned() }),
    }
}

fn one_option(questions: &[Question], option: usize) -> Reply {
    match (questions, questions.first().and_then(|only| only.options.get(option))) {
        ([_], Some(offer)) => Reply::Answer(Answer::Chosen { answers: vec![offer.label.clone()] }),
        _ => Reply::Unfit("There is no such option.".to_owned()),
    }
}

fn chosen(questions: &[Question], draft: &Draft, question: usize, mut options: Vec<usize>) -> Reply {
    let Some(asked) = questions.get(question) else {
        return Reply::Unfit("There is no such question.".to_owned());
    };
    options.retain(|option| *option < asked.options.len());
    options.sort_unstable();
    options.dedup();
    if !asked.multiple {
        options.truncate(1);
    }
    let mut draft = draft.clone();
    let pick = draft.0.entry(question).or_default();
    // One choice alone: own words gave way.
    if !asked.multiple && !options.is_empty() {
        pick.own = None;
    }
    pick.options = options;
    Reply::Draft(draft)
}

fn own(ask: &Ask, questions: &[Question], draft: &Draft, words: &[String]) -> Reply {
    let words = words.iter().map(|words| words.trim());
    if ask.is_one_tap() {
        return match words.into_iter().next().filter(|words| !words.is_empty()) {
            Some(words) => Reply::Answer(Answer::Chosen { answers: vec![words.to_owned()] }),
            None => Reply::Unfit("You wrote nothing, so nothing is answered yet.".to_owned()),
        };
    }
    let mut draft = draft.clone();
    for (index, (asked, words)) in questions.iter().zip(words).enumerate() {
        let pick: &mut Pick = draft.0.entry(index).or_default();
        pick.own = (!words.is_empty()).then(|| words.to_owned());
        if !asked.multiple && pick.own.is_some() {
            pick.options.clear();
        }
    }
    Reply::Draft(draft)
}

fn send(questions: &[Question], draft: &Draft) -> Reply {
    let mut answers = Vec::new();
    let mut missing = Vec::new();
    for (index, asked) in questions.iter().enumerate() {
        match draft.pick(index) {
            Some(pick) => answers.push(words_of(asked, pick)),
            None if asked.header.trim().is_empty() => missing.push(asked.question.as_str()),
            None => missing.push(asked.header.as_str()),
        }
    }
    if missing.is_empty() {
        return Reply::Answer(Answer::Chosen { answers });
    }
    let named = missing.join(", ");
    Reply::Unfit(format!(
        "Not sent yet: there is no answer to {named}. Choose one, or write one with *Other…*."
    ))
}

/// What was chosen, as the CLI wants it: labels joined by a comma, own words last.
fn words_of(asked: &Question, pick: &Pick) -> String {
    let labels = pick.options.iter().filter_map(|option| asked.options.get(*option));
    let labels = labels.map(|offer| offer.label.as_str());
    labels.chain(pick.own.as_deref()).collect::<Vec<_>>().join(", ")
}

fn filled(fields: &[Field], texts: &[String]) -> Reply {
    let mut content = Map::new();
    for (index, field) in fields.iter().enumerate() {
        let text = texts.get(index).map(|text| text.trim()).unwrap_or_default();
        if text.is_empty() {
            if field.required {
                return unfit(field, "must not be empty");
            }
            continue;
        }
        match value(&field.kind, text) {
            Ok(value) => {
                content.insert(field.name.clone(), value);
            }
            Err(why) => return unfit(field, &why),
        }
    }
    Reply::Answer(Answer::Filled { content: Value::Object(content).to_string() })
}

fn unfit(field: &Field, why: &str) -> Reply {
    Reply::Unfit(format!("Not sent: **{}** {why}. Press *Answer* again.", field.title))
}

/// What a person wrote, as the schema wants it, or what is wrong with it.
fn value(kind: &FieldKind, text: &str) -> Result<Value, String> {
    match kind {
        FieldKind::Text { min, max } => {
            let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
            match (min, max) {
                (Some(min), _) if length < *min => Err(format!("needs at least {min} characters")),
                (_, Some(max)) if length > *max => Err(format!("takes at most {max} characters")),
                _ => Ok(text.into()),
            }
        }
        FieldKind::Number { whole, min, max } => {
            let number = number(*whole, text).ok_or_else(|| {
                let kind = if *whole { "a whole number, such as 12" } else { "a number, such as 1.5" };
                format!("must be {kind}")
            })?;
            let is = number.as_f64().unwrap_or_default();
            let bound = |bound: &Option<String>| bound.as_ref().and_then(|bound| bound.parse::<f64>().ok());
            match (bound(min), bound(max)) {
                (Some(min), _) if is < min => Err(format!("must be at least {min}")),
                (_, Some(max)) if is > max => Err(format!("must be at most {max}")),
                _ => Ok(Value::Number(number)),
            }
        }
        FieldKind::YesNo => match text.to_lowercase().as_str() {
            "yes" | "y" | "true" | "1" => Ok(true.into()),
            "no" | "n" | "false" | "0" => Ok(false.into()),
            _ => Err("must be yes or no".to_owned()),
        },
        FieldKind::OneOf { values } => {
            let is = |known: &str| known.to_lowercase() == text.to_lowercase();
            let found = values.iter().find(|(value, word)| value == text || is(word) || is(value));
            found.map(|(value, _)| value.as_str().into()).ok_or_else(|| {
                let words: Vec<_> = values.iter().map(|(_, word)| word.as_str()).collect();
                format!("must be one of: {}", words.join(", "))
            })
        }
    }
}

fn number(whole: bool, text: &str) -> Option<Number> {
    if let Ok(number) = text.parse::<i64>() {
        return Some(number.into());
    }
    if whole { None } else { text.parse::<f64>().ok().and_then(Number::from_f64) }
}

#[cfg(test)]
mod tests;

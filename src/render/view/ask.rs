//! What Claude asks a person, whole: who answers has to see what they answer.

use super::{Ask, Asked, Outcome, Posed, code_span, escape, one_line};
use crate::domain::action::Button;
use crate::domain::ask::{Answer, AskKind, Grant, Question};
use crate::domain::ids::{TurnId, UserId};
use crate::render::card;
use crate::render::chunk::chunk;
use crate::render::escape::code_block;
use crate::render::markdown::discord_markdown;
use crate::render::message::File;
use crate::render::tool_line;

/// So much of what would be done is shown, in UTF-16 units, while somebody has to decide.
const OPEN_UNITS_MAX: usize = 1_100;

/// So much of it stays.
const SETTLED_UNITS_MAX: usize = 400;

/// So much of a plan is shown, in UTF-16 units: two messages.
const PLAN_UNITS_MAX: usize = 3_200;

impl Asked {
    /// Whether people can answer it now.
    pub(super) fn is_open_to_people(&self) -> bool {
        self.posed.is_some() && self.outcome == Outcome::Open
    }

    /// Who is told that it waits.
    pub(super) fn person(&self) -> Option<UserId> {
        self.posed.filter(|_| self.is_open_to_people()).and_then(|posed| posed.person)
    }
}

/// The ask and what became of it, Discord markdown.
pub(super) fn block(asked: &Asked) -> String {
    let Asked { ask, outcome, .. } = asked;
    let mut text = match &ask.kind {
        AskKind::Permission { .. } => permission(asked),
        AskKind::Question { questions } => questions.iter().map(question).collect::<Vec<_>>().join("\n\n"),
        AskKind::Plan { plan } => {
            format!("📋 **Claude has a plan:**\n\n{}", cut(&discord_markdown(plan), PLAN_UNITS_MAX).0)
        }
        AskKind::Elicitation { server, message } => {
            format!("🔌 **{} asks:** {}", escape(&one_line(server, 40)), escape(&one_line(message, 1_000)))
        }
    };
    if let Some(line) = outcome_line(ask, outcome) {
        text = format!("{text}\n-# {line}");
    }
    text
}

/// What would be done, as a file, where the card shows only its beginning.
pub(super) fn file(asked: &Asked) -> Option<File> {
    let shown = card::of(&asked.ask)?;
    let (_, is_cut) = cut(&code_block(shown.language, &shown.text), OPEN_UNITS_MAX);
    is_cut.then(|| File { name: shown.file_name.to_owned(), bytes: shown.text.into_bytes() })
}

/// The answers to choose from.
pub(super) fn buttons(turn: TurnId, asked: &Asked) -> Vec<Button> {
    card::buttons(turn, &asked.ask)
}

fn permission(asked: &Asked) -> String {
    let Asked { ask, posed, .. } = asked;
    let AskKind::Permission { tool, reason, blocked_path, dir, grant, .. } = &ask.kind else {
        return String::new();
    };
    let is_open = asked.is_open_to_people();
    let mut head = format!("🔐 **May Claude use {}?**", escape(&tool_line::name(tool)));
    if let Some(person) = asked.person() {
        head = format!("{head} <@{person}>");
    }
    let mut lines = vec![head];
    if is_open || posed.is_none() {
        lines.extend(card::said(tool).map(|said| format!("Claude says: *{}*", escape(&one_line(said, 160)))));
        lines.extend(reason.as_ref().map(|reason| escape(&one_line(reason, 200))));
        lines.extend(
            blocked_path
                .as_ref()
                .map(|path| format!("This is out of bounds: {}", code_span(&one_line(path, 200)))),
        );
    }
    if let Some(shown) = card::of(ask) {
        let units_max = if is_open || posed.is_none() { OPEN_UNITS_MAX } else { SETTLED_UNITS_MAX };
        let (code, is_cut) = cut(&code_block(shown.language, &shown.text), units_max);
        lines.push(code);
        if is_cut && is_open {
            lines.push(format!("-# the whole of it is in {}, below", shown.file_name));
        }
        lines.extend(shown.warning.filter(|_| is_open).map(|warning| format!("⚠️ {warning}")));
    }
    if is_open {
        if !dir.is_empty() {
            lines.push(format!("-# in {}", code_span(&one_line(dir, 120))));
        }
        lines.extend(
            grant.as_ref().map(|grant| format!("-# *Allow for this session* covers {}", covers(grant))),
        );
        lines.extend(posed.map(|Posed { until, .. }| {
            format!("-# without an answer it is denied <t:{}:R>", until.0.div_euclid(1_000))
        }));
    }
    lines.join("\n")
}

fn outcome_line(ask: &Ask, outcome: &Outcome) -> Option<String> {
    let (answer, by) = match outcome {
        Outcome::Open => return None,
        Outcome::Withdrawn => return Some("withdrawn, without an answer".to_owned()),
        Outcome::Answered { answer, by } => (answer, by),
    };
    let by = by.as_ref().map(|name| format!(" by {}", escape(&one_line(name, 40))));
    Some(match (answer, by) {
        (Answer::Allow, by) => format!("✅ allowed{}", by.unwrap_or_default()),
        (Answer::AllowForSession, by) => {
            let covered = ask.grant().map(|grant| format!(": {}", covers(grant))).unwrap_or_default();
            format!("✅ allowed for this session{}{covered}", by.unwrap_or_default())
        }
        (Answer::Deny { .. }, Some(by)) => format!("🚫 denied{by}"),
        (Answer::Deny { message }, None) => format!("🚫 denied: {}", escape(&one_line(message, 200))),
    })
}

/// What a grant allows, in words.
fn covers(grant: &Grant) -> String {
    match grant {
        Grant::AcceptEdits => "every edit of a file here".to_owned(),
        Grant::Rules { rules } => {
            let named = rules.iter().take(5).map(|rule| match &rule.content {
                Some(content) => code_span(&one_line(&format!("{}({content})", rule.tool), 120)),
                None => format!("every use of {}", code_span(&one_line(&rule.tool, 60))),
            });
            let named = named.collect::<Vec<_>>().join(", ");
            let more = rules.len().saturating_sub(5);
            if more > 0 { format!("{named} and {more} more") } else { named }
        }
    }
}

fn question(question: &Question) -> String {
    let how = if question.multiple { " (several may be chosen)" } else { "" };
    let mut lines = vec![format!(
        "❓ **{}:** {}{how}",
        escape(&one_line(&question.header, 60)),
        escape(&one_line(&question.question, 600))
    )];
    let options = question.options.iter().enumerate();
    lines.extend(options.map(|(index, option)| format!("{}. {}", index + 1, escape(&one_line(option, 200)))));
    lines.join("\n")
}

/// The beginning of a document, with a note of how much is left out, and whether anything is.
fn cut(document: &str, units_max: usize) -> (String, bool) {
    let pieces = chunk(document, units_max);
    match pieces.as_slice() {
        [] => (String::new(), false),
        [whole] => (whole.clone(), false),
        [first, rest @ ..] => {
            let left: usize = rest.iter().map(|piece| piece.chars().count()).sum();
            (format!("{first}\n-# … about {left} characters more"), true)
        }
    }
}

//! What an ask can be answered with: the buttons and menus below its card.

use crate::domain::action::{Action, Button, ButtonStyle, Choice, FormKind, Menu, MenuItem};
use crate::domain::answer::Draft;
use crate::domain::ask::{Ask, AskKind, Field, Question};
use crate::domain::ids::{AskId, TurnId};

use super::card;
use super::escape::shorten;
use super::message::{MENU_ITEMS_MAX, units};

/// What stands on a button, in characters at most (Discord takes 80).
const LABEL_CHARS_MAX: usize = 60;
/// Label and description of a menu's item, in UTF-16 units at most (docs: components/reference, Select Option).
const ITEM_UNITS_MAX: usize = 100;
/// A form's field takes so many UTF-16 units (docs: components/reference, Text Input).
pub const FIELD_UNITS_MAX: usize = 4_000;

/// The buttons. `cut` says that the card shows only a part of what would be done.
pub fn buttons(turn: TurnId, asked: &Ask, cut: bool) -> Vec<Button> {
    let ask = AskId::of(turn, &asked.request);
    let says = |label: &str, style, choice| Button::new(label, style, Action::Answer { ask, choice });
    let opens = |label: &str, style, form| Button::new(label, style, Action::OpenForm { ask, form });
    let mut buttons = match &asked.kind {
        AskKind::Permission { .. } => {
            let mut buttons = vec![says("Allow once", ButtonStyle::Success, Choice::AllowOnce)];
            if card::offered(asked).is_some() {
                buttons.push(says("Allow for this session", ButtonStyle::Secondary, Choice::AllowForSession));
            }
            buttons.push(says("Deny", ButtonStyle::Danger, Choice::Deny));
            buttons.push(opens("Deny and say why", ButtonStyle::Secondary, FormKind::Why));
            if asked.command().is_some_and(|command| units(command) <= FIELD_UNITS_MAX) {
                buttons.push(opens("Edit, then allow", ButtonStyle::Secondary, FormKind::Edit));
            }
            buttons
        }
        AskKind::Question { questions } => {
            let mut buttons = match questions.as_slice() {
                [only] if asked.is_one_tap() => offers(ask, only),
                _ => vec![says("Send", ButtonStyle::Success, Choice::Send)],
            };
            buttons.push(opens("Other…", ButtonStyle::Secondary, FormKind::Own));
            buttons.push(says("Don't answer", ButtonStyle::Secondary, Choice::Deny));
            buttons
        }
        AskKind::Plan { .. } => vec![
            says("Approve", ButtonStyle::Success, Choice::AllowOnce),
            says("Approve and accept edits", ButtonStyle::Primary, Choice::AllowForSession),
            opens("Keep planning", ButtonStyle::Secondary, FormKind::Why),
        ],
        AskKind::Elicitation { fields, .. } => vec![
            match fields.as_slice() {
                [] => says("Accept", ButtonStyle::Success, Choice::AllowOnce),
                _ => opens("Answer", ButtonStyle::Success, FormKind::Fill),
            },
            says("Decline", ButtonStyle::Danger, Choice::Deny),
        ],
    };
    if cut {
        buttons.push(Button::new("Show all", ButtonStyle::Secondary, Action::ShowAll { ask }));
    }
    buttons
}

/// A menu per question, where one tap is not enough.
pub fn menus(turn: TurnId, asked: &Ask, draft: &Draft) -> Vec<Menu> {
    if asked.is_one_tap() {
        return Vec::new();
    }
    let ask = AskId::of(turn, &asked.request);
    let numbered = (0u8..).zip(asked.questions());
    let menus = numbered.filter(|(_, question)| !question.options.is_empty()).map(|(number, question)| {
        let pick = draft.pick(number.into());
        let items = question.options.iter().take(MENU_ITEMS_MAX).enumerate().map(|(index, offer)| MenuItem {
            label: word(&offer.label),
            description: fitting(&offer.description),
            chosen: pick.is_some_and(|pick| pick.options.contains(&index)),
        });
        Menu {
            placeholder: placeholder(question),
            items: items.collect(),
            several: question.multiple,
            action: Action::Choose { ask, question: number },
        }
    });
    menus.collect()
}

fn placeholder(question: &Question) -> String {
    let head = if question.header.trim().is_empty() { &question.question } else { &question.header };
    let how = if question.multiple { ": one or more" } else { "" };
    format!("{}{how}", fitting(head))
}

fn offers(ask: AskId, question: &Question) -> Vec<Button> {
    let numbered = (0u8..).zip(&question.options);
    let offers = numbered.map(|(option, offer)| {
        let action = Action::Answer { ask, choice: Choice::Option { option } };
        Button::new(shorten(&word(&offer.label), LABEL_CHARS_MAX), ButtonStyle::Primary, action)
    });
    offers.collect()
}

/// A label that Discord takes: there must be something to see.
fn word(label: &str) -> String {
    let label = fitting(label);
    if label.is_empty() { "…".to_owned() } else { label }
}

fn fitting(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if units(&line) <= ITEM_UNITS_MAX { line } else { shorten(&line, ITEM_UNITS_MAX / 2) }
}

/// How a field of a form is called, in few words.
pub fn field_title(field: &Field) -> &str {
    if field.title.trim().is_empty() { &field.name } else { &field.title }
}

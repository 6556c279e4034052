//! The forms (Discord's modals) in which people write an answer.

use crate::domain::action::FormKind;
use crate::domain::answer::Draft;
use crate::domain::ask::{Ask, AskKind, Field, FieldKind};

use super::controls::{FIELD_UNITS_MAX, field_title};
use super::escape::shorten;
use super::message::units;

/// Title of a form and label of a field, in UTF-16 units at most (docs: components/reference).
const TITLE_UNITS_MAX: usize = 45;
/// What stands in an empty field, in UTF-16 units at most.
const PLACEHOLDER_UNITS_MAX: usize = 100;
/// A form has so many fields at most.
const FIELDS_MAX: usize = 5;

/// A form to be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// What stands above it, at most 45 UTF-16 units.
    pub title: String,
    /// Its fields, 1 to 5.
    pub inputs: Vec<Input>,
}

/// A field to write into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// What it is called, 1 to 45 UTF-16 units.
    pub label: String,
    /// Whether it has several lines.
    pub long: bool,
    /// What stands in it already, at most 4,000 UTF-16 units.
    pub value: String,
    /// What stands in it while it is empty, at most 100 UTF-16 units.
    pub placeholder: String,
    /// Whether something has to be written.
    pub required: bool,
    /// How many characters it takes, at most 4,000.
    pub units_max: usize,
}

/// The form of this kind for an ask, with what was chosen so far; none where there is nothing to write.
pub fn of(ask: &Ask, form: FormKind, draft: &Draft) -> Option<Form> {
    let (title, inputs) = match (form, &ask.kind) {
        (FormKind::Why, AskKind::Plan { .. }) => {
            ("Keep planning", vec![long("What should be different?", "Claude reads it. May be empty.")])
        }
        (FormKind::Why, _) => ("Deny and say why", vec![long("Why not?", "Claude reads it. May be empty.")]),
        (FormKind::Edit, _) => {
            let command = ask.command().filter(|command| units(command) <= FIELD_UNITS_MAX)?;
            let whole =
                Input { value: command.to_owned(), required: true, ..long("The command that runs", "") };
            ("Edit, then allow", vec![whole])
        }
        (FormKind::Own, AskKind::Question { questions }) => {
            let several = questions.len() > 1;
            let inputs = questions.iter().enumerate().map(|(index, question)| {
                let head = if question.header.trim().is_empty() { "Your answer" } else { &question.header };
                let known = draft.pick(index).and_then(|pick| pick.own.clone());
                Input {
                    value: known.unwrap_or_default(),
                    required: !several && ask.is_one_tap(),
                    ..long(head, &question.question)
                }
            });
            ("Your own answer", inputs.take(FIELDS_MAX).collect())
        }
        (FormKind::Fill, AskKind::Elicitation { server, fields, .. }) => {
            let title = format!("{} asks", server.trim());
            return form_of(&title, fields.iter().take(FIELDS_MAX).map(input).collect());
        }
        (
            FormKind::Own | FormKind::Fill,
            AskKind::Permission { .. }
            | AskKind::Question { .. }
            | AskKind::Plan { .. }
            | AskKind::Elicitation { .. },
        ) => return None,
    };
    form_of(title, inputs)
}

fn form_of(title: &str, inputs: Vec<Input>) -> Option<Form> {
    (!inputs.is_empty()).then(|| Form { title: within(title, TITLE_UNITS_MAX), inputs })
}

/// The form for a question about a message.
pub fn about() -> Form {
    let hint = "May be empty: then Claude has a look at it.";
    Form { title: "Ask Claude about this".to_owned(), inputs: vec![long("What do you want to know?", hint)] }
}

fn long(label: &str, placeholder: &str) -> Input {
    Input {
        label: within(label, TITLE_UNITS_MAX),
        long: true,
        value: String::new(),
        placeholder: within(placeholder, PLACEHOLDER_UNITS_MAX),
        required: false,
        units_max: FIELD_UNITS_MAX,
    }
}

fn input(field: &Field) -> Input {
    let (hint, long) = match &field.kind {
        FieldKind::Text { max, .. } => (String::new(), max.is_none_or(|max| max > 100)),
        FieldKind::Number { whole, min, max } => {
            let kind = if *whole { "A whole number" } else { "A number" };
            let bounds = match (min, max) {
                (Some(min), Some(max)) => format!(", {min} to {max}"),
                (Some(min), None) => format!(", at least {min}"),
                (None, Some(max)) => format!(", at most {max}"),
                (None, None) => String::new(),
            };
            (format!("{kind}{bounds}"), false)
        }
        FieldKind::YesNo => ("yes or no".to_owned(), false),
        FieldKind::OneOf { values } => {
            let words: Vec<_> = values.iter().map(|(_, word)| word.as_str()).collect();
            (format!("One of: {}", words.join(", ")), false)
        }
    };
    let hint = if hint.is_empty() { field.description.clone() } else { hint };
    Input {
        label: within(field_title(field), TITLE_UNITS_MAX),
        long,
        value: field.default.clone().filter(|value| units(value) <= FIELD_UNITS_MAX).unwrap_or_default(),
        placeholder: within(&hint, PLACEHOLDER_UNITS_MAX),
        required: field.required,
        units_max: FIELD_UNITS_MAX,
    }
}

/// A text in one line of at most so many UTF-16 units; never empty where the text is not.
fn within(text: &str, units_max: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if units(&line) <= units_max { line } else { shorten(&line, units_max / 2) }
}

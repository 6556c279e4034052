//! What `/model`, `/mode` and `/effort` have in common: a choice is stored first, then what runs is told.

use serenity::all::{AutocompleteChoice, CreateAutocompleteResponse};

use super::{Context, Scope};
use crate::conversation::handle::Tuned;
use crate::discord::DoorError;

/// Choices that Discord takes in an autocompletion (docs: interactions/receiving-and-responding).
const CHOICES_MAX: usize = 25;
/// The longest label of one, in characters.
const LABEL_CHARS_MAX: usize = 100;

/// What is said where nobody talked to Claude yet.
pub const NO_CONVERSATION: &str = "There is no conversation here yet. Write to me first, then choose.";

/// Tells what runs of a choice that is stored, and gives when it counts, as the beginning of a sentence.
pub async fn tell(ctx: &Context<'_>, scope: &Scope<'_>) -> Result<&'static str, DoorError> {
    let registry = &ctx.data().registry;
    let tuned = registry.ask(scope.channel.into(), |it| async move { it.tune().await });
    Ok(match tuned.await? {
        Tuned::Live => "From Claude's next step on, also in what runs now",
        Tuned::Later => "From the next prompt on",
        Tuned::Refused => {
            "Claude Code did not take it while it runs, so the next prompt gets a new process (the session stays). From \
             then on"
        }
        Tuned::Silent => {
            "Claude Code does not answer, so the next prompt gets a new process (the session stays). From then on"
        }
    })
}

/// The choices that hold what was typed so far, as pairs of value and label.
pub fn matching(
    all: impl IntoIterator<Item = (String, String)>,
    partial: &str,
) -> CreateAutocompleteResponse {
    let partial = partial.trim().to_lowercase();
    let choices = all
        .into_iter()
        .filter(|(value, label)| {
            value.to_lowercase().contains(&partial) || label.to_lowercase().contains(&partial)
        })
        .take(CHOICES_MAX)
        .map(|(value, label)| {
            AutocompleteChoice::new(label.chars().take(LABEL_CHARS_MAX).collect::<String>(), value)
        });
    CreateAutocompleteResponse::new().set_choices(choices.collect())
}

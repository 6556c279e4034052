//! `/model <name>`: the model of this conversation, from the CLI's own list. What people type never becomes an argument
//! of the CLI: only a name from the list does.

use serenity::all::{AutocompleteChoice, CreateAutocompleteResponse};

use super::{Context, here, scope};
use crate::discord::DoorError;
use crate::discord::access::Action;

/// Choices that Discord takes in an autocompletion (docs: interactions/receiving-and-responding).
const CHOICES_MAX: usize = 25;
/// The longest label of one, in characters.
const LABEL_CHARS_MAX: usize = 100;
/// The choice that means: as configured.
const DEFAULT: &str = "default";

/// Choose the model for this conversation. It takes effect with the next prompt.
#[poise::command(slash_command, guild_only)]
pub async fn model(
    ctx: Context<'_>,
    #[description = "A model from the list; \"default\" for the configured one"]
    #[autocomplete = "choices"]
    name: String,
) -> Result<(), DoorError> {
    super::defer(&ctx).await?;
    let scope = match scope(&ctx, here(&ctx), Action::Prompt).await? {
        Ok(scope) => scope,
        Err(sentence) => return super::reply(&ctx, sentence).await,
    };
    let data = ctx.data();
    let models = data.setup.models();
    let chosen = models.iter().find(|model| model.value.eq_ignore_ascii_case(name.trim()));
    let model = match chosen {
        _ if name.trim().eq_ignore_ascii_case(DEFAULT) => None,
        Some(model) => Some(model.value.as_str()),
        None => {
            let known: Vec<_> = models.iter().map(|model| format!("`{}`", model.value)).collect();
            let sentence = format!("I do not know that model. Choose one of: {}.", known.join(", "));
            return super::reply(&ctx, &sentence).await;
        }
    };
    if scope.conversation.is_none() {
        let sentence = "There is no conversation here yet. Write to me first, then choose the model.";
        return super::reply(&ctx, sentence).await;
    }
    data.store.set_model(scope.channel.into(), model).await?;
    let sentence = match (model, data.config.model_for(scope.project)) {
        (Some(model), _) => format!("From the next prompt on: `{model}`."),
        (None, Some(configured)) => format!("From the next prompt on: `{configured}`, as configured."),
        (None, None) => "From the next prompt on: the CLI's own default.".to_owned(),
    };
    super::reply(&ctx, &sentence).await
}

#[expect(clippy::unused_async, reason = "poise calls autocompletions as async functions")]
async fn choices(ctx: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let partial = partial.trim().to_lowercase();
    let listed = ctx.data().setup.models();
    let default = (DEFAULT.to_owned(), "default (as configured)".to_owned());
    let models = listed.iter().filter(|model| model.value != DEFAULT).map(|model| {
        let label = format!("{}: {}", model.value, model.display_name);
        (model.value.clone(), label)
    });
    let choices = std::iter::once(default)
        .chain(models)
        .filter(|(value, label)| {
            value.to_lowercase().contains(&partial) || label.to_lowercase().contains(&partial)
        })
        .take(CHOICES_MAX)
        .map(|(value, label)| {
            AutocompleteChoice::new(label.chars().take(LABEL_CHARS_MAX).collect::<String>(), value)
        });
    CreateAutocompleteResponse::new().set_choices(choices.collect())
}

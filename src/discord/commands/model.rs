//! `/model <name>`: the model of this conversation, from the CLI's own list. What people type never becomes an argument
//! of the CLI: only a name from the list does.

use serenity::all::CreateAutocompleteResponse;

use super::choosing::{NO_CONVERSATION, matching, tell};
use super::{Context, here, scope};
use crate::discord::DoorError;
use crate::discord::access::Action;

/// The choice that means: as configured.
const DEFAULT: &str = "default";

/// Choose the model for this conversation, also while Claude works.
#[poise::command(slash_command, guild_only)]
pub async fn model(
    ctx: Context<'_>,
    #[description = "A model from the list; \"default\" for the configured one"]
    #[autocomplete = "choices"]
    name: String,
) -> Result<(), DoorError> {
    super::defer(&ctx).await?;
    let scope = match scope(&ctx, here(&ctx), Action::Choose).await? {
        Ok(scope) => scope,
        Err(sentence) => return super::reply(&ctx, &sentence).await,
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
        return super::reply(&ctx, NO_CONVERSATION).await;
    }
    let by = super::person(&ctx).id;
    data.store.set_model(scope.channel.into(), model, Some(by)).await?;
    let when = tell(&ctx, &scope).await?;
    let sentence = match (model, data.config.model_for(scope.project)) {
        (Some(model), _) => format!("{when}: `{model}`."),
        (None, Some(configured)) => format!("{when}: `{configured}`, as configured."),
        (None, None) => format!("{when}: the CLI's own default."),
    };
    super::reply(&ctx, &sentence).await
}

#[expect(clippy::unused_async, reason = "poise calls autocompletions as async functions")]
async fn choices(ctx: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let listed = ctx.data().setup.models();
    let default = (DEFAULT.to_owned(), "default (as configured)".to_owned());
    let models = listed.iter().filter(|model| model.value != DEFAULT).map(|model| {
        let label = format!("{}: {}", model.value, model.display_name);
        (model.value.clone(), label)
    });
    matching(std::iter::once(default).chain(models), partial)
}

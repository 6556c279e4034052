//! `/effort [level]`: how hard Claude thinks, in this conversation.

use serenity::all::CreateAutocompleteResponse;

use super::choosing::{NO_CONVERSATION, matching, tell};
use super::{Context, here, scope};
use crate::discord::DoorError;
use crate::discord::access::Action;
use crate::domain::effort::Effort;

/// The choice that means: the model's own.
const DEFAULT: &str = "default";

/// Show or choose how hard Claude thinks in this conversation. More effort costs more.
#[poise::command(slash_command, guild_only)]
pub async fn effort(
    ctx: Context<'_>,
    #[description = "low to max; \"default\" for the model's own; nothing to see the present one"]
    #[autocomplete = "choices"]
    level: Option<String>,
) -> Result<(), DoorError> {
    super::defer(&ctx).await?;
    let wanted = if level.is_some() { Action::Choose } else { Action::Look };
    let scope = match scope(&ctx, here(&ctx), wanted).await? {
        Ok(scope) => scope,
        Err(sentence) => return super::reply(&ctx, &sentence).await,
    };
    let Some(conversation) = &scope.conversation else { return super::reply(&ctx, NO_CONVERSATION).await };
    let data = ctx.data();
    let known = data.setup.efforts(conversation);
    let listed = || known.iter().map(|effort| format!("`{effort}`")).collect::<Vec<_>>().join(", ");
    let Some(level) = level else {
        let sentence = match &conversation.effort {
            Some(effort) => {
                format!("`{effort}`, chosen here with `/effort`. This model knows: {}.", listed())
            }
            None => format!("The model's own default. This model knows: {}.", listed()),
        };
        return super::reply(&ctx, &sentence).await;
    };
    let level = level.trim().to_lowercase();
    let effort = Effort::of(&level).filter(|effort| known.contains(effort));
    if effort.is_none() && level != DEFAULT {
        let sentence = if known.is_empty() {
            "This conversation's model has no effort to choose. `/model` chooses another model.".to_owned()
        } else {
            format!("This model does not know that effort. Choose one of: {}, or `{DEFAULT}`.", listed())
        };
        return super::reply(&ctx, &sentence).await;
    }
    let by = super::person(&ctx).id;
    data.store.set_effort(conversation.id, effort.map(Effort::as_str), Some(by)).await?;
    let when = tell(&ctx, &scope).await?;
    let what = effort.map_or("the model's own effort".to_owned(), |effort| format!("effort `{effort}`"));
    super::reply(&ctx, &format!("{when}: {what}.")).await
}

#[expect(clippy::unused_async, reason = "poise calls autocompletions as async functions")]
async fn choices(_ctx: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let efforts = Effort::ALL.map(|effort| (effort.to_string(), effort.to_string()));
    let default = (DEFAULT.to_owned(), "default (the model's own)".to_owned());
    matching(efforts.into_iter().chain([default]), partial)
}

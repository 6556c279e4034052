//! `/mode [mode]`: what Claude may do without asking, in this conversation.

use serenity::all::CreateAutocompleteResponse;

use super::choosing::{NO_CONVERSATION, matching, tell};
use super::{Context, Scope, here, person, scope};
use crate::config::PermissionMode;
use crate::discord::DoorError;
use crate::discord::access::{Action, authorize, denied};
use crate::store::Conversation;

/// The choice that means: as the project is configured.
const PROJECT: &str = "project";

/// What can be chosen, and what it means. `dontAsk` is for machines: where people are asked, it refuses too much.
const CHOICES: [(PermissionMode, &str); 5] = [
    (PermissionMode::Default, "asks before everything that is not read-only or allowed"),
    (PermissionMode::AcceptEdits, "edits files without asking"),
    (PermissionMode::Plan, "reads and makes a plan, changes nothing"),
    (PermissionMode::Auto, "decides itself what needs asking"),
    (PermissionMode::BypassPermissions, "does everything without asking"),
];

/// Show or choose what Claude may do without asking in this conversation.
#[poise::command(slash_command, guild_only)]
pub async fn mode(
    ctx: Context<'_>,
    #[description = "A mode from the list; \"project\" for the configured one; nothing to see the present one"]
    #[autocomplete = "choices"]
    mode: Option<String>,
) -> Result<(), DoorError> {
    super::defer(&ctx).await?;
    let wanted = if mode.is_some() { Action::Choose } else { Action::Look };
    let scope = match scope(&ctx, here(&ctx), wanted).await? {
        Ok(scope) => scope,
        Err(sentence) => return super::reply(&ctx, &sentence).await,
    };
    let Some(conversation) = &scope.conversation else { return super::reply(&ctx, NO_CONVERSATION).await };
    let Some(mode) = mode else { return super::reply(&ctx, &present(&ctx, &scope, conversation)).await };
    let data = ctx.data();
    let chosen = CHOICES.iter().find(|(known, _)| known.as_str().eq_ignore_ascii_case(mode.trim()));
    let chosen = match chosen {
        _ if mode.trim().eq_ignore_ascii_case(PROJECT) => None,
        Some((PermissionMode::BypassPermissions, _)) if !data.config.allows_bypass(scope.project) => {
            let sentence = "This project does not allow `bypassPermissions`. Whoever runs the bot can: `allow_bypass = \
                            true` in its configuration.";
            return super::reply(&ctx, sentence).await;
        }
        Some((mode, _)) => Some(*mode),
        None => {
            let known: Vec<_> = CHOICES.iter().map(|(mode, _)| format!("`{mode}`")).collect();
            let sentence =
                format!("I do not know that mode. Choose one of: {}, or `{PROJECT}`.", known.join(", "));
            return super::reply(&ctx, &sentence).await;
        }
    };
    if chosen == Some(PermissionMode::BypassPermissions) {
        let verdict = authorize(&scope.rule, &person(&ctx), Action::Bypass);
        if let Some(sentence) = denied(verdict, &scope.rule, None) {
            return super::reply(&ctx, &sentence).await;
        }
    }
    let id = conversation.id;
    let (by, word) = (person(&ctx).id, chosen.map_or(PROJECT, PermissionMode::as_str));
    data.store.set_mode(id, chosen.map(PermissionMode::as_str), Some(by)).await?;
    tracing::info!(conversation = %id, %by, mode = word, "a permission mode was chosen");
    let when = tell(&ctx, &scope).await?;
    let (mode, why) = match chosen {
        Some(mode) => (mode, ""),
        None => (data.config.permission_mode_for(scope.project), ", as configured"),
    };
    super::reply(&ctx, &format!("{when}: `{mode}`{why}{}.", meaning(mode))).await
}

/// The mode that holds here, where it comes from, and what the CLI says that it is in.
fn present(ctx: &Context<'_>, scope: &Scope<'_>, conversation: &Conversation) -> String {
    let data = ctx.data();
    let configured = data.config.permission_mode_for(scope.project);
    let chosen = conversation.mode.as_deref().and_then(PermissionMode::of);
    let allowed = |mode: &PermissionMode| {
        *mode != PermissionMode::BypassPermissions || data.config.allows_bypass(scope.project)
    };
    let (mode, source) = match chosen.filter(allowed) {
        Some(mode) => (mode, format!("chosen here with `/mode`; the project has `{configured}`")),
        None if scope.project.permission_mode.is_some() => {
            (configured, "configured for this project".to_owned())
        }
        None => (configured, "configured for all projects".to_owned()),
    };
    let live = data.registry.status(conversation.id).and_then(|status| status.mode);
    let live = live.filter(|live| live != mode.as_str()).map_or_else(String::new, |live| {
        let live = crate::render::escape::code_span(&live);
        format!(
            "\nThe Claude Code that runs now says that it is in {live}: a plan was approved or begun, or a permission for \
             this session changed it."
        )
    });
    format!("`{mode}`{}. It is {source}.{live}", meaning(mode))
}

/// What Claude does in this mode.
fn meaning(mode: PermissionMode) -> String {
    let found = CHOICES.iter().find(|(known, _)| *known == mode);
    found.map_or_else(String::new, |(_, meaning)| format!(" (Claude {meaning})"))
}

#[expect(clippy::unused_async, reason = "poise calls autocompletions as async functions")]
async fn choices(_ctx: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let modes = CHOICES.iter().map(|(mode, meaning)| (mode.to_string(), format!("{mode}: Claude {meaning}")));
    matching(modes.chain([(PROJECT.to_owned(), "project: as configured".to_owned())]), partial)
}

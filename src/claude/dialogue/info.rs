//! What the CLI says of itself: the answer to `initialize`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::claude::wire::control::{Account, Initialized};

/// What the CLI says of itself when asked (`initialize`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CliInfo {
    /// Models to choose from.
    pub models: Vec<Model>,
    /// Slash commands.
    pub commands: Vec<Command>,
    /// Whether it has credentials of any kind. Whether they are good shows at the first turn.
    pub logged_in: bool,
    /// Where its credentials come from (`ANTHROPIC_API_KEY`, `CLAUDE_CODE_OAUTH_TOKEN`, …), for `doctor`.
    pub credentials: Option<String>,
    /// The account's plan, if it has one.
    pub plan: Option<String>,
}

/// A model to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// What the CLI takes (`sonnet`).
    pub value: String,
    /// What it is called (`Sonnet`).
    pub display_name: String,
    /// What it is good for, in a sentence.
    pub description: String,
    /// The efforts that it knows, in the CLI's words; none: what was stored does not tell.
    #[serde(default)]
    pub efforts: Option<Vec<String>>,
}

/// A slash command of the CLI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Its name, without the slash.
    pub name: String,
    /// What it does.
    pub description: String,
    /// What it wants to be told (`[issue]`), or nothing.
    pub argument_hint: String,
    /// Other names for it.
    pub aliases: Vec<String>,
}

/// The facts of the answer to `initialize`.
pub(super) fn info(response: &Value) -> CliInfo {
    let read: Initialized = serde_json::from_value(response.clone()).unwrap_or_default();
    let account = read.account.unwrap_or_default();
    let credentials = credentials(&account);
    CliInfo {
        models: read
            .models
            .into_iter()
            .map(|model| Model {
                value: model.value,
                display_name: model.display_name,
                description: model.description,
                efforts: Some(model.efforts),
            })
            .collect(),
        commands: read
            .commands
            .into_iter()
            .map(|command| Command {
                name: command.name,
                description: command.description,
                argument_hint: command.argument_hint,
                aliases: command.aliases,
            })
            .collect(),
        logged_in: credentials.is_some(),
        credentials,
        plan: account.subscription,
    }
}

/// Where the credentials come from. The CLI without any says `tokenSource: none`, no key source, and the provider
/// `firstParty`; with another provider (Bedrock, Vertex) it names neither and has its own means.
fn credentials(account: &Account) -> Option<String> {
    let other_provider = account.api_provider.as_deref().filter(|provider| *provider != "firstParty");
    [
        account.token_source.as_deref(),
        account.api_key_source.as_deref(),
        other_provider,
        account.email.as_deref(),
    ]
    .into_iter()
    .flatten()
    .find(|source| !source.is_empty() && *source != "none")
    .map(str::to_owned)
}

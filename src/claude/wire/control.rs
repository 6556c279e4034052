//! The control protocol: requests and responses, both ways.

use serde::Deserialize;
use serde_json::Value;

use super::lenient::{self, lenient_struct};

/// `control_request`. Without its id it could not be answered, so the id is a must.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Request {
    /// Its id; the answer carries it.
    pub request_id: String,
    /// What is wanted.
    #[serde(default, deserialize_with = "lenient::field")]
    pub request: RequestBody,
}

lenient_struct!(
    /// What a control request wants, flat: which fields are set depends on the subtype.
    RequestBody {
        /// `can_use_tool`, `elicitation`, `hook_callback`, `mcp_message`, `request_user_dialog` …; ours: `interrupt` …
        subtype: String = "subtype",
        /// Of `can_use_tool`.
        tool_name: String = "tool_name",
        /// Of `can_use_tool`.
        input: Value = "input",
        /// Of `can_use_tool`.
        tool_use_id: Option<String> = "tool_use_id",
        /// Of `can_use_tool`.
        decision_reason: Option<String> = "decision_reason",
        /// Of `can_use_tool`.
        blocked_path: Option<String> = "blocked_path",
        /// Of `can_use_tool`.
        permission_suggestions: Value = "permission_suggestions",
        /// Of `elicitation`.
        server: Option<String> = "mcp_server_name",
        /// Of `elicitation`.
        message: Value = "message",
        /// Of `elicitation`: `form`, which is the default, or `url`.
        mode: Option<String> = "mode",
        /// Of `elicitation`.
        requested_schema: Value = "requested_schema",
        /// Of our own `cancel_async_message`.
        message_uuid: Option<String> = "message_uuid",
        /// Of our own `set_model`.
        model: Option<String> = "model",
        /// Of our own `apply_flag_settings`.
        settings: Value = "settings",
    }
);

/// `control_response`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Response {
    /// The answer.
    pub response: ResponseBody,
}

/// The answer to a control request.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ResponseBody {
    /// Whose.
    pub request_id: String,
    /// `success` or `error`.
    #[serde(default, deserialize_with = "lenient::field")]
    pub subtype: String,
    /// What went wrong.
    #[serde(default, deserialize_with = "lenient::field")]
    pub error: Option<String>,
    /// What was asked for.
    #[serde(default)]
    pub response: Value,
}

/// `control_cancel_request`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Cancel {
    /// Which request.
    pub request_id: String,
}

lenient_struct!(
    /// The successful answer to `initialize`.
    Initialized {
        /// The models to choose from.
        models: Vec<InitializedModel> = "models",
        /// The slash commands.
        commands: Vec<InitializedCommand> = "commands",
        /// Who pays.
        account: Option<Account> = "account",
    }
);

lenient_struct!(
    /// A model to choose.
    InitializedModel {
        /// What `--model` takes.
        value: String = "value",
        /// Its full id.
        resolved: Option<String> = "resolvedModel",
        /// What it is called.
        display_name: String = "displayName",
        /// What it is good for.
        description: String = "description",
        /// The efforts that it knows; absent where it has none.
        efforts: Vec<String> = "supportedEffortLevels",
    }
);

lenient_struct!(
    /// A slash command.
    InitializedCommand {
        /// Its name, without the slash.
        name: String = "name",
        /// What it does.
        description: String = "description",
        /// What it wants to be told.
        argument_hint: String = "argumentHint",
        /// Its other names.
        aliases: Vec<String> = "aliases",
    }
);

lenient_struct!(
    /// Whose credentials the CLI has. Each source is absent or `none` where there is nothing.
    Account {
        /// Where a token comes from.
        token_source: Option<String> = "tokenSource",
        /// Where an API key comes from.
        api_key_source: Option<String> = "apiKeySource",
        /// `firstParty`, `bedrock`, `vertex` …
        api_provider: Option<String> = "apiProvider",
        /// The account's address.
        email: Option<String> = "email",
        /// The plan.
        subscription: Option<String> = "subscriptionType",
    }
);

//! Discord's errors: status, code and words.
//! <https://discord.com/developers/docs/topics/opcodes-and-status-codes#json>

use std::time::Duration;

use serde_json::{Value, json};

/// What Discord says instead of doing what it was asked.
#[derive(Debug, Clone)]
pub(super) struct ApiError {
    pub(super) status: u16,
    pub(super) code: u32,
    pub(super) message: String,
    pub(super) fields: Option<Value>,
    /// The rule that a client broke, where it could have known better.
    pub(super) rule: Option<&'static str>,
    /// When to come back, for a 429.
    pub(super) retry_after: Option<Duration>,
}

/// One field of a request that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldError {
    /// Where, with dots: `embeds.0.title`.
    pub(super) path: String,
    /// Discord's word for the rule.
    pub(super) code: &'static str,
    /// What is wrong.
    pub(super) message: String,
}

impl FieldError {
    pub(super) fn new(path: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { path: path.into(), code, message: message.into() }
    }
}

impl ApiError {
    pub(super) fn new(status: u16, code: u32, message: &str) -> Self {
        Self { status, code, message: message.to_owned(), fields: None, rule: None, retry_after: None }
    }

    /// This error breaks a rule that the client can know.
    #[must_use]
    pub(super) fn breaks(mut self, rule: &'static str) -> Self {
        self.rule = Some(rule);
        self
    }

    pub(super) fn form(errors: &[FieldError]) -> Self {
        let mut fields = json!({});
        for error in errors {
            let mut at = &mut fields;
            for part in error.path.split('.') {
                at = &mut at[part];
            }
            let list = &mut at["_errors"];
            if list.is_null() {
                *list = json!([]);
            }
            if let Some(list) = list.as_array_mut() {
                list.push(json!({"code": error.code, "message": error.message}));
            }
        }
        Self {
            status: 400,
            code: 50035,
            message: "Invalid Form Body".to_owned(),
            fields: Some(fields),
            rule: Some("form"),
            retry_after: None,
        }
    }

    pub(super) fn field(path: &str, code: &'static str, message: &str) -> Self {
        Self::form(&[FieldError::new(path, code, message)])
    }

    /// A limit that belongs to no bucket.
    pub(super) fn rate_limited(retry_after: Duration) -> Self {
        let error = Self::new(429, 20016, "This action cannot be performed due to slowmode rate limit.");
        Self { retry_after: Some(retry_after), ..error }
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(401, 0, "401: Unauthorized").breaks("token")
    }

    pub(super) fn no_route() -> Self {
        Self::new(404, 0, "404: Not Found").breaks("unknown route")
    }

    pub(super) fn unknown_channel() -> Self {
        Self::new(404, 10003, "Unknown Channel")
    }

    pub(super) fn unknown_guild() -> Self {
        Self::new(404, 10004, "Unknown Guild")
    }

    pub(super) fn unknown_member() -> Self {
        Self::new(404, 10007, "Unknown Member")
    }

    pub(super) fn unknown_message() -> Self {
        Self::new(404, 10008, "Unknown Message")
    }

    pub(super) fn unknown_user() -> Self {
        Self::new(404, 10013, "Unknown User")
    }

    pub(super) fn unknown_emoji() -> Self {
        Self::new(400, 10014, "Unknown Emoji").breaks("emoji")
    }

    pub(super) fn unknown_webhook() -> Self {
        Self::new(404, 10015, "Unknown Webhook")
    }

    pub(super) fn unknown_interaction() -> Self {
        Self::new(404, 10062, "Unknown interaction").breaks("interaction")
    }

    pub(super) fn unknown_command() -> Self {
        Self::new(404, 10063, "Unknown application command")
    }

    pub(super) fn already_acknowledged() -> Self {
        Self::new(400, 40060, "Interaction has already been acknowledged.").breaks("interaction")
    }

    pub(super) fn missing_access() -> Self {
        Self::new(403, 50001, "Missing Access")
    }

    pub(super) fn missing_permissions() -> Self {
        Self::new(403, 50013, "Missing Permissions")
    }

    pub(super) fn not_the_author() -> Self {
        Self::new(403, 50005, "Cannot edit a message authored by another user").breaks("author")
    }

    pub(super) fn empty_message() -> Self {
        Self::new(400, 50006, "Cannot send an empty message").breaks("empty message")
    }

    pub(super) fn archived() -> Self {
        Self::new(400, 50083, "Thread is archived")
    }

    pub(super) fn edited_too_late() -> Self {
        Self::new(
            400,
            30046,
            "Maximum number of edits to messages older than 1 hour reached. Try again later.",
        )
    }

    pub(super) fn locked() -> Self {
        Self::new(400, 160_005, "Thread is locked")
    }

    pub(super) fn thread_exists() -> Self {
        Self::new(400, 160_004, "A thread has already been created for this message")
    }

    /// The body that Discord sends.
    pub(super) fn body(&self) -> Value {
        let mut body = json!({"message": self.message, "code": self.code});
        if let Some(fields) = &self.fields {
            body["errors"] = fields.clone();
        }
        body
    }
}

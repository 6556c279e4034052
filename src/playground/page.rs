//! The chat page: what people see of the embedded Discord, over HTTP on loopback.

use super::discord::EmbeddedDiscord;

/// What answers in the playground.
#[derive(Debug, Clone)]
pub struct AssistantLabel {
    /// `real` or `demo`.
    pub kind: &'static str,
    /// What people are told of it.
    pub label: String,
}

impl AssistantLabel {
    /// The real CLI.
    pub fn real(label: String) -> Self {
        Self { kind: "real", label }
    }

    /// The demo assistant.
    pub fn demo(label: String) -> Self {
        Self { kind: "demo", label }
    }
}

/// The page and its API.
pub fn router(_discord: EmbeddedDiscord, _assistant: AssistantLabel) -> axum::Router {
    axum::Router::new()
}

//! What a click asks for. A button of a view carries its meaning; the id that Discord knows it by is the store's.

use serde::{Deserialize, Serialize};

use super::ids::{AskId, ConversationId, TurnId};

/// What a click asks for. Stored with its button, so a variant that was posted once must stay readable.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Answer a question of the CLI.
    Answer {
        /// Which.
        ask: AskId,
        /// How.
        choice: Choice,
    },
    /// Go on with a turn that was cut off.
    GoOn {
        /// The turn.
        turn: TurnId,
    },
    /// Run the prompts that were held back after an absence.
    RunHeld {
        /// Whose.
        conversation: ConversationId,
    },
    /// Leave the prompts that were held back after an absence.
    IgnoreHeld {
        /// Whose.
        conversation: ConversationId,
    },
}

/// An answer to choose.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "choice", rename_all = "snake_case")]
pub enum Choice {
    /// Go ahead this once.
    AllowOnce,
    /// Go ahead, and with everything that the rule on the card covers, until the CLI's session ends.
    AllowForSession,
    /// No.
    Deny,
}

/// A button below a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What stands on it, at most 80 characters.
    pub label: String,
    /// How it looks.
    pub style: ButtonStyle,
    /// A Unicode emoji before the label.
    pub emoji: Option<String>,
    /// What a click asks for. The same action stands on a message once at most.
    pub action: Action,
}

/// How a button looks (docs: components/reference, Button Styles).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ButtonStyle {
    /// Blue: what most people want.
    Primary,
    /// Grey.
    Secondary,
    /// Green: yes.
    Success,
    /// Red: no, or not to be undone.
    Danger,
}

impl Button {
    /// A button without an emoji.
    pub fn new(label: impl Into<String>, style: ButtonStyle, action: Action) -> Self {
        Self { label: label.into(), style, emoji: None, action }
    }

    /// The button that goes on with a turn that was cut off.
    pub fn go_on(turn: TurnId) -> Self {
        Self {
            emoji: Some("▶️".to_owned()),
            ..Self::new("Go on", ButtonStyle::Primary, Action::GoOn { turn })
        }
    }
}

//! What a click asks for. A button, a menu and a form carry their meaning; the id that Discord knows each by is the
//! store's.

use serde::{Deserialize, Serialize};

use super::ids::{AskId, ChannelId, ConversationId, MessageId, PromptId, TurnId};

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
    /// Choose from the menu of a question; the choice is kept until it is sent.
    Choose {
        /// Which ask.
        ask: AskId,
        /// Which of its questions, from 0.
        question: u8,
    },
    /// Open a form for an answer that takes words.
    OpenForm {
        /// Which ask.
        ask: AskId,
        /// Which form.
        form: FormKind,
    },
    /// Take what was written into a form.
    SubmitForm {
        /// Which ask.
        ask: AskId,
        /// Which form.
        form: FormKind,
    },
    /// Show all of what an ask is for, to this person alone.
    ShowAll {
        /// Which ask.
        ask: AskId,
    },
    /// Go on with a turn that was cut off.
    GoOn {
        /// The turn.
        turn: TurnId,
    },
    /// Stop a turn.
    Stop {
        /// Which.
        turn: TurnId,
    },
    /// Take back what waits: this prompt, and those that wait to be one turn with it.
    Withdraw {
        /// The first of them.
        prompt: PromptId,
    },
    /// Tell what waits to the turn that runs.
    SendNow {
        /// The first of them.
        prompt: PromptId,
    },
    /// Take the question about a message that was written into its form.
    AskAbout {
        /// Where the message stands.
        channel: ChannelId,
        /// The message.
        message: MessageId,
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

/// A form for an answer that takes words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case")]
pub enum FormKind {
    /// No, and why.
    Why,
    /// The command, to be changed before it runs.
    Edit,
    /// Own words in the place of the options.
    Own,
    /// What an MCP server wants to be told.
    Fill,
}

/// An answer to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "choice", rename_all = "snake_case")]
pub enum Choice {
    /// Go ahead this once.
    AllowOnce,
    /// Go ahead, and with everything that the rule on the card covers, until the CLI's session ends.
    AllowForSession,
    /// No.
    Deny,
    /// This option of the one question.
    Option {
        /// Which, from 0.
        option: u8,
    },
    /// What was chosen so far.
    Send,
}

impl Action {
    /// The ask that it is about, if it is about one.
    pub fn ask(&self) -> Option<AskId> {
        match self {
            Action::Answer { ask, .. }
            | Action::Choose { ask, .. }
            | Action::OpenForm { ask, .. }
            | Action::SubmitForm { ask, .. }
            | Action::ShowAll { ask } => Some(*ask),
            Action::GoOn { .. }
            | Action::Stop { .. }
            | Action::Withdraw { .. }
            | Action::SendNow { .. }
            | Action::AskAbout { .. }
            | Action::RunHeld { .. }
            | Action::IgnoreHeld { .. } => None,
        }
    }
}

/// A menu below a message, in a row of its own. What is chosen comes as the numbers of the options, from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Menu {
    /// What stands in it while nothing is chosen, at most 150 characters.
    pub placeholder: String,
    /// What there is to choose from, 1 to 25.
    pub items: Vec<MenuItem>,
    /// Whether several may be chosen, or none; otherwise it is one.
    pub several: bool,
    /// What a choice is for.
    pub action: Action,
}

/// One thing to choose in a menu.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MenuItem {
    /// What it is called, 1 to 100 characters.
    pub label: String,
    /// What it means, at most 100 characters; may be empty.
    pub description: String,
    /// Whether it is chosen now.
    pub chosen: bool,
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

    /// The button that stops a turn.
    pub fn stop(turn: TurnId) -> Self {
        Self {
            emoji: Some("⏹️".to_owned()),
            ..Self::new("Stop", ButtonStyle::Secondary, Action::Stop { turn })
        }
    }

    /// The button that goes on with a turn that was cut off.
    pub fn go_on(turn: TurnId) -> Self {
        Self {
            emoji: Some("▶️".to_owned()),
            ..Self::new("Go on", ButtonStyle::Primary, Action::GoOn { turn })
        }
    }
}

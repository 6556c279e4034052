//! What people (and later schedules and the API) ask for.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ids::{ChannelId, ConversationId, MessageId, PromptId, TurnId, UserId};
use crate::clock::WallTime;

/// Where a prompt came from. Each origin has a [`key`](Origin::key) that is UNIQUE in the store: the one dedupe
/// mechanism, also across restarts and redelivered gateway events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Origin {
    /// A message in the conversation's channel, or (when a thread was opened for it) in the channel above.
    Message {
        /// The channel in which the message stands: where reactions go.
        channel: ChannelId,
        /// The message.
        message: MessageId,
    },
    /// Somebody wants a turn that was cut off to go on.
    GoOn {
        /// That turn.
        turn: TurnId,
        /// The channel of the message with the button.
        channel: ChannelId,
        /// The message with the button.
        message: MessageId,
        /// The click, by Discord's id of it: it grows with time as those of messages do.
        click: u64,
    },
    /// A slash command. There is no message that could carry reactions.
    Command {
        /// Where it was used.
        channel: ChannelId,
        /// Discord's id of it: it grows with time as those of messages do.
        interaction: u64,
    },
}

/// What is to become of a prompt that waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wish {
    /// It is run when it is its turn.
    #[default]
    Wait,
    /// It is told to the turn that runs.
    Steer,
    /// It is run in the place of the turn that runs, before the others.
    Interrupt,
    /// A process has it already, and is to give it back.
    Withdraw,
}

impl Origin {
    /// The unique key of this origin, for the store.
    pub fn key(&self) -> String {
        match self {
            Origin::Message { message, .. } => format!("message:{message}"),
            Origin::GoOn { turn, .. } => format!("go_on:{turn}"),
            Origin::Command { interaction, .. } => format!("command:{interaction}"),
        }
    }

    /// The message that asked, with the channel in which it stands: it carries the reactions, and is replied to.
    pub fn message(&self) -> Option<(ChannelId, MessageId)> {
        match self {
            Origin::Message { channel, message } | Origin::GoOn { channel, message, .. } => {
                Some((*channel, *message))
            }
            Origin::Command { .. } => None,
        }
    }

    /// What prompts of one conversation are ordered by: Discord's ids grow with time.
    pub fn order(&self) -> u64 {
        match self {
            Origin::Message { message, .. } => message.0,
            Origin::GoOn { click, .. } => *click,
            Origin::Command { interaction, .. } => *interaction,
        }
    }

    /// When it was said, by Discord's clock: ours may step.
    pub fn said_at(&self) -> WallTime {
        MessageId(self.order()).written_at()
    }
}

/// A file that came with a prompt, already stored on this host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The name that its sender gave it, without any directory.
    pub name: String,
    /// Its media type as Discord says it, e.g. `image/png`; absent for long pastes (FEATURES appendix B).
    pub content_type: Option<String>,
    /// Its length in bytes.
    pub bytes: u64,
    /// Where it was stored, absolute.
    pub path: std::path::PathBuf,
}

/// Who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// Discord's id: the only thing that is ever compared.
    pub id: UserId,
    /// The name to show.
    pub name: String,
}

/// A request with its origin. Accepted means that it is a row, committed with a sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Ours; also the CLI's dedup key.
    pub id: PromptId,
    /// Where it came from.
    pub origin: Origin,
    /// The conversation that it is for.
    pub conversation: ConversationId,
    /// Who asked.
    pub author: Author,
    /// The text, without the mention of the bot.
    pub text: String,
    /// Files that came with it.
    pub attachments: Vec<Attachment>,
    /// When Discord says that it was said.
    pub received_at: WallTime,
    /// What is to become of it while it waits.
    pub wish: Wish,
}

impl Prompt {
    /// Prompts that are one turn, as one: with the id, the origin and the author of the first, and everything that was
    /// said and sent with any.
    pub fn joined(parts: &[Prompt]) -> Option<Prompt> {
        let (first, more) = parts.split_first()?;
        if more.is_empty() {
            return Some(first.clone());
        }
        let texts = parts.iter().map(|part| part.text.as_str()).filter(|text| !text.trim().is_empty());
        Some(Prompt {
            text: texts.collect::<Vec<_>>().join("\n\n"),
            attachments: parts.iter().flat_map(|part| part.attachments.iter().cloned()).collect(),
            ..first.clone()
        })
    }

    /// Whether it is a command of the CLI's, or looks like one: then it stands alone.
    pub fn is_command(&self) -> bool {
        self.text.trim_start().starts_with('/')
    }

    /// The id of the prompt that has this origin: always the same one.
    pub fn id_of(origin: &Origin) -> PromptId {
        PromptId(Uuid::new_v5(&Uuid::NAMESPACE_OID, origin.key().as_bytes()))
    }
}

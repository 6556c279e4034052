//! Newtype ids, so that a channel is never mistaken for a person.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::WallTime;

macro_rules! snowflake {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

snowflake!(
    /// A Discord channel or thread.
    ChannelId
);
snowflake!(
    /// A Discord message.
    MessageId
);
snowflake!(
    /// A Discord user.
    UserId
);
snowflake!(
    /// A role of a Discord guild.
    RoleId
);
snowflake!(
    /// A Discord guild ("server").
    GuildId
);
snowflake!(
    /// A conversation is one channel or thread, so it has that channel's id.
    ConversationId
);

uuid_id!(
    /// The CLI's resumable history. We choose it (`--session-id`); afterwards it is resumed by it.
    SessionId
);
uuid_id!(
    /// A prompt. It is also the `uuid` of the message that the CLI reads first, where it is the CLI's own dedup key.
    PromptId
);
uuid_id!(
    /// A turn: from a prompt to its one end.
    TurnId
);
uuid_id!(
    /// A running CLI with its shim; also the name of its directory below `state_dir/processes`.
    ProcessId
);
uuid_id!(
    /// A question that waits for a person.
    AskId
);

impl TurnId {
    /// The id of the turn that has its name from this prompt: the same whoever asks, and when.
    #[must_use]
    pub fn of(first: PromptId) -> Self {
        Self(Uuid::new_v5(&first.0, b"turn"))
    }
}

impl AskId {
    /// The id of the request that the CLI made in this turn: the same whoever reads the records, and when.
    pub fn of(turn: TurnId, request: &str) -> Self {
        Self(Uuid::new_v5(&turn.0, format!("ask:{request}").as_bytes()))
    }
}

/// When Discord's ids begin, in Unix milliseconds (docs: reference, Snowflakes).
const DISCORD_EPOCH_MS: i64 = 1_420_070_400_000;

impl MessageId {
    /// When the message was written, by Discord's clock.
    pub fn written_at(self) -> WallTime {
        WallTime(DISCORD_EPOCH_MS.saturating_add_unsigned(self.0 >> 22))
    }

    /// An id that is not larger than that of any message from this time on.
    pub fn first_at(time: WallTime) -> Self {
        Self(u64::try_from(time.0.saturating_sub(DISCORD_EPOCH_MS)).unwrap_or(0) << 22)
    }
}

impl PromptId {
    /// The `uuid` under which the CLI gets the prompt in this attempt (from 1). A later one needs another: a CLI that
    /// died with the prompt has it in its transcript, and drops what it knows (its README §3).
    #[must_use]
    pub fn in_attempt(self, attempt: u32) -> Self {
        if attempt <= 1 { self } else { Self(Uuid::new_v5(&self.0, &attempt.to_be_bytes())) }
    }
}

impl PromptId {
    /// The `uuid` under which this process is told of the prompt while a turn runs. Another process needs another one.
    #[must_use]
    pub fn steered_into(self, process: ProcessId) -> Self {
        Self(Uuid::new_v5(&self.0, process.0.as_bytes()))
    }
}

impl From<ChannelId> for ConversationId {
    fn from(channel: ChannelId) -> Self {
        Self(channel.0)
    }
}

impl From<ConversationId> for ChannelId {
    fn from(conversation: ConversationId) -> Self {
        Self(conversation.0)
    }
}

/// What a failure is called, in the message that people see and in the log: six characters without look-alikes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ErrorId(pub String);

impl ErrorId {
    /// The id that belongs to these random bits: the same bits give the same id.
    pub fn from_bits(bits: u128) -> Self {
        const ALPHABET: &[u8; 31] = b"23456789ABCDEFGHJKLMNPQRSTUVWXY";
        let mut rest = bits;
        let id = (0..6).map(|_| {
            let letter = ALPHABET[usize::try_from(rest % 31).unwrap_or(0)];
            rest /= 31;
            char::from(letter)
        });
        Self(format!("E-{}", id.collect::<String>()))
    }

    /// A new random id.
    pub fn random() -> Self {
        Self::from_bits(Uuid::new_v4().as_u128())
    }
}

impl fmt::Display for ErrorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

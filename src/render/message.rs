//! A Discord message as we want it, in our own types, comparable with `==`.

use serde::{Deserialize, Serialize};

use crate::domain::action::Button;
use crate::domain::ids::{MessageId, UserId};

/// The longest `content` that Discord takes from a bot, in UTF-16 code units (docs: resources/message).
pub const CONTENT_UNITS_MAX: usize = 2000;

/// The most buttons that Discord takes: five rows of five (docs: components/reference).
pub const BUTTONS_MAX: usize = 25;

/// The body of a message: what the outbox makes true. No mention in it pings anybody but [`ping`](Self::ping);
/// `deliver.rs` sees to it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MessageBody {
    /// Markdown, at most [`CONTENT_UNITS_MAX`] UTF-16 units.
    pub content: String,
    /// The message that this one answers; set when it is created, never changed.
    pub reply_to: Option<MessageId>,
    /// Files; sent when the message is created or when they change.
    pub files: Vec<File>,
    /// At most [`BUTTONS_MAX`], five in a row.
    pub buttons: Vec<Button>,
    /// The one person whom the message notifies, when it is created; a mention of theirs stands in the content.
    pub ping: Option<UserId>,
}

/// A file to upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl MessageBody {
    /// A body of text alone.
    pub fn text(content: impl Into<String>) -> Self {
        Self { content: content.into(), ..Self::default() }
    }
}

/// The length of a text as Discord counts it.
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

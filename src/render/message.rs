//! A Discord message as we want it, in our own types, comparable with `==`.

use serde::{Deserialize, Serialize};

use crate::domain::action::{Action, Button, Menu};
use crate::domain::ids::{MessageId, UserId};

/// The longest `content` that Discord takes from a bot, in UTF-16 code units (docs: resources/message).
pub const CONTENT_UNITS_MAX: usize = 2000;

/// The most rows of buttons and menus that Discord takes (docs: components/reference).
pub const ROWS_MAX: usize = 5;

/// So many buttons stand side by side; a menu has a row of its own.
pub const BUTTONS_IN_ROW: usize = 5;

/// The most things to choose from in a menu.
pub const MENU_ITEMS_MAX: usize = 25;

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
    /// Above the buttons; with them at most [`ROWS_MAX`] rows.
    #[serde(default)]
    pub menus: Vec<Menu>,
    /// [`BUTTONS_IN_ROW`] in a row.
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

    /// What its menus and buttons are for, in the order in which they stand.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        let menus = self.menus.iter().map(|menu| &menu.action);
        menus.chain(self.buttons.iter().map(|button| &button.action))
    }

    /// Leaves out the menus and buttons for which there is no room.
    pub fn fit_rows(&mut self) {
        self.menus.truncate(ROWS_MAX);
        self.buttons.truncate((ROWS_MAX - self.menus.len()) * BUTTONS_IN_ROW);
    }

    /// Adds a last button, for which there is room whatever else there is.
    pub fn end_with(&mut self, button: Button) {
        self.menus.truncate(ROWS_MAX - 1);
        self.buttons.truncate((ROWS_MAX - self.menus.len()) * BUTTONS_IN_ROW - 1);
        self.buttons.push(button);
    }
}

/// The length of a text as Discord counts it.
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

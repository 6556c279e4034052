//! Buttons: what a click on a message of ours means. The row comes before the message, and the same action in the same
//! conversation is the same button: for every attempt, after every restart.

use sqlx::SqliteConnection;
use uuid::Uuid;

use super::row::{json, to_json};
use super::{Store, StoreError};
use crate::clock::WallTime;
use crate::domain::action::Action;
use crate::domain::ids::ConversationId;

/// What a click means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredButton {
    /// The conversation that it belongs to.
    pub conversation: ConversationId,
    /// What it asks for.
    pub action: Action,
}

/// A button that may have a row.
pub(super) enum Button {
    /// It has one, under this id.
    Known(String),
    /// It has none; its action, as JSON.
    New(String),
}

/// Gives a button its row; the id that it has by now, if somebody was faster.
pub(super) async fn new_button(
    writer: &mut SqliteConnection,
    conversation: ConversationId,
    action: &str,
    now: WallTime,
) -> Result<String, StoreError> {
    let (column, new) = (conversation.0.cast_signed(), Uuid::new_v4().simple().to_string());
    Ok(sqlx::query_scalar!(
        "INSERT INTO buttons (id, conversation, action, created_at) VALUES (?, ?, ?, ?)
                 ON CONFLICT (conversation, action) DO UPDATE SET action = action RETURNING id",
        new,
        column,
        action,
        now.0
    )
    .fetch_one(writer)
    .await?)
}

impl Store {
    /// The ids by which Discord knows the buttons for these actions: opaque, unguessable, at most 100 characters.
    pub async fn button_ids(
        &self,
        conversation: ConversationId,
        actions: Vec<Action>,
    ) -> Result<Vec<String>, StoreError> {
        let mut ids = Vec::new();
        for button in self.known_buttons(conversation, actions).await? {
            ids.push(match button {
                Button::Known(id) => id,
                Button::New(action) => {
                    let mut writer = self.writer.acquire().await?;
                    new_button(&mut writer, conversation, &action, self.now()).await?
                }
            });
        }
        Ok(ids)
    }

    /// Which of these buttons have a row.
    pub(super) async fn known_buttons(
        &self,
        conversation: ConversationId,
        actions: Vec<Action>,
    ) -> Result<Vec<Button>, StoreError> {
        let conversation = conversation.0.cast_signed();
        let mut buttons = Vec::new();
        for action in actions {
            let action = to_json(&action, "buttons.action")?;
            let known = sqlx::query_scalar!(
                "SELECT id FROM buttons WHERE conversation = ? AND action = ?",
                conversation,
                action
            )
            .fetch_optional(&self.reader)
            .await?;
            buttons.push(known.map_or(Button::New(action), Button::Known));
        }
        Ok(buttons)
    }

    /// What a click on the button with this id means; none if it is no button of ours.
    pub async fn button(&self, id: &str) -> Result<Option<StoredButton>, StoreError> {
        let row = sqlx::query!("SELECT conversation, action FROM buttons WHERE id = ?", id)
            .fetch_optional(&self.reader)
            .await?;
        row.map(|row| {
            Ok(StoredButton {
                conversation: ConversationId(row.conversation.cast_unsigned()),
                action: json(&row.action, "buttons.action")?,
            })
        })
        .transpose()
    }
}

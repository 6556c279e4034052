//! Buttons: what a click on a message of ours means. The row comes before the message, and the same action in the same
//! conversation is the same button: for every attempt, after every restart.

use uuid::Uuid;

use super::row::{json, to_json};
use super::{Store, StoreError};
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

impl Store {
    /// The ids by which Discord knows the buttons for these actions: opaque, unguessable, at most 100 characters.
    pub async fn button_ids(
        &self,
        conversation: ConversationId,
        actions: Vec<Action>,
    ) -> Result<Vec<String>, StoreError> {
        let (column, now) = (conversation.0.cast_signed(), self.now().0);
        let mut ids = Vec::new();
        for action in actions {
            let action = to_json(&action, "buttons.action")?;
            let known = sqlx::query_scalar!(
                "SELECT id FROM buttons WHERE conversation = ? AND action = ?",
                column,
                action
            )
            .fetch_optional(&self.reader)
            .await?;
            if let Some(known) = known {
                ids.push(known);
                continue;
            }
            let new = Uuid::new_v4().simple().to_string();
            let id = sqlx::query_scalar!(
                "INSERT INTO buttons (id, conversation, action, created_at) VALUES (?, ?, ?, ?)
                 ON CONFLICT (conversation, action) DO UPDATE SET action = action RETURNING id",
                new,
                column,
                action,
                now
            )
            .fetch_one(&self.writer)
            .await?;
            ids.push(id);
        }
        Ok(ids)
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

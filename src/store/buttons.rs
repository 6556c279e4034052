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

/// For each of these actions the id that it gets, should it be new: pairs of id and action.
pub(super) fn new_buttons(actions: &[String]) -> Vec<(String, &str)> {
    let id = || Uuid::new_v4().simple().to_string();
    actions.iter().map(|action| (id(), action.as_str())).collect()
}

impl Store {
    /// The ids by which Discord knows the buttons for these actions: opaque, unguessable, at most 100 characters.
    pub async fn button_ids(
        &self,
        conversation: ConversationId,
        actions: Vec<Action>,
    ) -> Result<Vec<String>, StoreError> {
        let column = conversation.0.cast_signed();
        let mut ids = Vec::with_capacity(actions.len());
        for action in actions {
            let action = to_json(&action, "buttons.action")?;
            let known = sqlx::query_scalar!(
                "SELECT id FROM buttons WHERE conversation = ? AND action = ?",
                column,
                action
            )
            .fetch_optional(&mut *self.reader().await?)
            .await?;
            if let Some(known) = known {
                ids.push(known);
                continue;
            }
            let mut writer = self.writer().await?;
            ids.push(new_button(&mut writer, conversation, &action, self.now()).await?);
        }
        Ok(ids)
    }

    /// What a click on the button with this id means; none if it is no button of ours.
    pub async fn button(&self, id: &str) -> Result<Option<StoredButton>, StoreError> {
        let row = sqlx::query!("SELECT conversation, action FROM buttons WHERE id = ?", id)
            .fetch_optional(&mut *self.reader().await?)
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

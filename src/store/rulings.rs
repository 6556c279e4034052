//! What was decided on the use of a tool without a question: rows of the audit, and nothing else.

use super::audit::{Line, append};
use super::{Store, StoreError};
use crate::domain::ids::ConversationId;
use crate::domain::ruling::{RuledBy, Ruling};

impl Store {
    /// Notes a decision in the audit: once, because after a restart the same is read again.
    pub async fn note_ruling(&self, conversation: ConversationId, ruling: &Ruling) -> Result<(), StoreError> {
        let detail = detail(conversation, ruling);
        // No row of the audit ever goes or changes, and a conversation has one actor: what is not there now is added.
        let known = sqlx::query_scalar!(
            r#"SELECT seq AS "seq!" FROM audit WHERE target = ? AND detail = ? AND action = 'policy' LIMIT 1"#,
            ruling.of,
            detail
        )
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        if known.is_some() {
            return Ok(());
        }
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        let line = Line { actor: None, action: "policy", target: &ruling.of, detail: &detail };
        append(&mut transaction, self.now(), line).await?;
        Ok(transaction.commit().await?)
    }
}

fn detail(conversation: ConversationId, ruling: &Ruling) -> String {
    let Ruling { tool, allowed, by, .. } = ruling;
    let word = if *allowed { "allowed" } else { "denied" };
    let (by, input) = match by {
        RuledBy::Rule { rule, input } => (format!("by the rule {rule}"), format!(" input={input}")),
        RuledBy::Failure => ("because a hook failed".to_owned(), String::new()),
        RuledBy::OtherHook => ("by another hook than ours".to_owned(), String::new()),
        RuledBy::Cli { why } => (format!("by the CLI ({why})"), String::new()),
    };
    format!("{word} {by}: {tool}{input} conversation={conversation}")
}

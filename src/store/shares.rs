//! Conversations that were shared with one more person, for a time.

use super::audit::{Line, append};
use super::{Store, StoreError};
use crate::clock::WallTime;
use crate::domain::ids::{ConversationId, UserId};
use crate::domain::tier::Tier;

/// A share that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// With whom.
    pub person: UserId,
    /// What they may.
    pub tier: Tier,
    /// Who shared it.
    pub by: UserId,
    /// Until when.
    pub expires_at: WallTime,
}

impl Store {
    /// Shares a conversation, in the place of a share with the same person that counts still.
    pub async fn share(&self, conversation: ConversationId, share: &Share) -> Result<(), StoreError> {
        let (now, column) = (self.now(), conversation.0.cast_signed());
        let (person, by) = (share.person.0.cast_signed(), share.by.0.cast_signed());
        let (tier, expires_at) = (share.tier.as_str(), share.expires_at.0);
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        sqlx::query!(
            "UPDATE shares SET revoked_at = ?1
             WHERE conversation = ?2 AND person = ?3 AND revoked_at IS NULL",
            now.0,
            column,
            person
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "INSERT INTO shares (conversation, person, tier, shared_by, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
            column,
            person,
            tier,
            by,
            now.0,
            expires_at
        )
        .execute(&mut *transaction)
        .await?;
        let detail = format!("person={} tier={tier} until={expires_at}", share.person);
        let target = conversation.to_string();
        let line = Line { actor: Some(share.by), action: "share", target: &target, detail: &detail };
        append(&mut transaction, now, line).await?;
        Ok(transaction.commit().await?)
    }

    /// Ends a share before its time, or one that ended by itself. False: there is none.
    pub async fn unshare(
        &self,
        conversation: ConversationId,
        person: UserId,
        by: UserId,
    ) -> Result<bool, StoreError> {
        let (now, column, who) = (self.now(), conversation.0.cast_signed(), person.0.cast_signed());
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        let done = sqlx::query!(
            "UPDATE shares SET revoked_at = ?1
             WHERE conversation = ?2 AND person = ?3 AND revoked_at IS NULL",
            now.0,
            column,
            who
        )
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() > 0 {
            let (target, detail) = (conversation.to_string(), format!("person={person}"));
            let line = Line { actor: Some(by), action: "unshare", target: &target, detail: &detail };
            append(&mut transaction, now, line).await?;
        }
        transaction.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// What somebody may in a conversation because it is shared with them, right now.
    pub async fn shared_with(
        &self,
        conversation: ConversationId,
        person: UserId,
    ) -> Result<Option<Tier>, StoreError> {
        let shares = self.shares(conversation).await?;
        Ok(shares.into_iter().filter(|share| share.person == person).map(|share| share.tier).max())
    }

    /// Whether the conversation was ever shared with this person.
    pub async fn was_shared_with(
        &self,
        conversation: ConversationId,
        person: UserId,
    ) -> Result<bool, StoreError> {
        let (conversation, person) = (conversation.0.cast_signed(), person.0.cast_signed());
        let count = sqlx::query_scalar!(
            "SELECT count(*) FROM shares WHERE conversation = ? AND person = ?",
            conversation,
            person
        )
        .fetch_one(&mut *self.reader().await?)
        .await?;
        Ok(count > 0)
    }

    /// With whom a conversation is shared right now, the oldest share first.
    pub async fn shares(&self, conversation: ConversationId) -> Result<Vec<Share>, StoreError> {
        let conversation = conversation.0.cast_signed();
        let rows = sqlx::query!(
            "SELECT person, tier, shared_by, expires_at FROM shares
             WHERE conversation = ? AND revoked_at IS NULL ORDER BY seq",
            conversation
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        let now = self.now();
        rows.into_iter()
            .filter(|row| WallTime(row.expires_at) > now)
            .map(|row| {
                let tier = Tier::ALL.into_iter().find(|tier| tier.as_str() == row.tier);
                Ok(Share {
                    person: UserId(row.person.cast_unsigned()),
                    tier: tier.ok_or_else(|| super::row::unknown(row.tier, "shares.tier"))?,
                    by: UserId(row.shared_by.cast_unsigned()),
                    expires_at: WallTime(row.expires_at),
                })
            })
            .collect()
    }

    /// The conversations that are shared with somebody right now.
    pub async fn conversations_shared_with(&self, person: UserId) -> Result<Vec<ConversationId>, StoreError> {
        let (now, person) = (self.now().0, person.0.cast_signed());
        let ids = sqlx::query_scalar!(
            "SELECT DISTINCT conversation FROM shares WHERE person = ? AND revoked_at IS NULL AND expires_at > ?",
            person,
            now
        )
        .fetch_all(&mut *self.reader().await?)
        .await?;
        Ok(ids.into_iter().map(|id| ConversationId(id.cast_unsigned())).collect())
    }

    /// Whose prompt a conversation began with.
    pub async fn opener(&self, conversation: ConversationId) -> Result<Option<UserId>, StoreError> {
        let conversation = conversation.0.cast_signed();
        let author = sqlx::query_scalar!(
            "SELECT author FROM prompts WHERE conversation = ? ORDER BY seq LIMIT 1",
            conversation
        )
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        Ok(author.map(|id| UserId(id.cast_unsigned())))
    }
}

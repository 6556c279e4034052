//! An outbox in a room of its own, with a Discord that does as it is told.

use std::collections::{HashMap, VecDeque};

use async_trait::async_trait;
use tokio::sync::{Notify, oneshot};

use super::super::plan::Found;
use super::*;
use crate::render::message::File;

/// Everything that is posted, and what the next creates come to.
#[derive(Default)]
pub(super) struct Fake {
    pub(super) posted: Mutex<Vec<MessageBody>>,
    pub(super) reactions: Mutex<Vec<String>>,
    pub(super) refusals: Mutex<VecDeque<DeliverError>>,
    /// The next create waits for ever, with this in its hand.
    pub(super) hangs: Mutex<Option<oneshot::Sender<()>>>,
    /// So many of the next messages are posted, and nobody hears of it at the first try.
    pub(super) lost: Mutex<u32>,
    /// By nonce, which of what was posted.
    pub(super) nonces: Mutex<HashMap<String, MessageId>>,
    pub(super) deleted: Mutex<Vec<MessageId>>,
    /// Whether nothing may be written.
    pub(super) closed: Mutex<bool>,
    /// Until then the question for the owner's channel is not answered.
    pub(super) owner_away: Mutex<Option<Arc<Notify>>>,
    /// So many of the next calls about reactions are not answered.
    pub(super) deaf: Mutex<u32>,
    /// So often the thread has to be brought back from the archive before it stays.
    pub(super) archived: Mutex<u32>,
}

#[async_trait]
impl Discord for Fake {
    async fn create(
        &self,
        _: ChannelId,
        body: &MessageBody,
        _: &[String],
        nonce: &str,
    ) -> Result<MessageId, DeliverError> {
        let hangs = lock(&self.hangs).take();
        if let Some(_held) = hangs {
            std::future::pending::<()>().await;
        }
        if let Some(refusal) = lock(&self.refusals).pop_front() {
            return Err(refusal);
        }
        if *lock(&self.closed) {
            return Err(DeliverError::Closed { why: Closed::Permission, said: "forbidden".to_owned() });
        }
        if *lock(&self.archived) > 0 {
            return Err(DeliverError::Archived);
        }
        let earlier = lock(&self.nonces).get(nonce).copied();
        let message = earlier.unwrap_or_else(|| {
            let mut posted = lock(&self.posted);
            posted.push(body.clone());
            MessageId(posted.len() as u64)
        });
        lock(&self.nonces).insert(nonce.to_owned(), message);
        let mut lost = lock(&self.lost);
        if *lost > 0 && earlier.is_none() {
            *lost -= 1;
            return Err(no_connection());
        }
        Ok(message)
    }

    async fn edit(
        &self,
        _: ChannelId,
        message: MessageId,
        body: &MessageBody,
        _: &[String],
    ) -> Result<(), DeliverError> {
        let index = usize::try_from(message.0 - 1).expect("a small number");
        lock(&self.posted)[index] = body.clone();
        Ok(())
    }

    async fn delete(&self, _: ChannelId, message: MessageId) -> Result<(), DeliverError> {
        lock(&self.deleted).push(message);
        Ok(())
    }

    async fn react(&self, _: ChannelId, _: MessageId, emoji: &str) -> Result<(), DeliverError> {
        self.hear_of_reactions()?;
        lock(&self.reactions).push(emoji.to_owned());
        Ok(())
    }

    async fn unreact(&self, _: ChannelId, _: MessageId, emoji: &str) -> Result<(), DeliverError> {
        self.hear_of_reactions()?;
        lock(&self.reactions).retain(|known| known != emoji);
        Ok(())
    }

    async fn typing(&self, _: ChannelId) -> Result<(), DeliverError> {
        Ok(())
    }

    async fn open_thread(&self, _: &Thread) -> Result<(), DeliverError> {
        Ok(())
    }

    async fn own_after(&self, _: ChannelId, _: MessageId) -> Result<Vec<Found>, DeliverError> {
        let posted = (1..=lock(&self.posted).len() as u64).map(MessageId);
        let deleted = lock(&self.deleted).clone();
        let there = posted.filter(|message| !deleted.contains(message));
        Ok(there.map(|message| Found { message, reply_to: None, nonce: None }).collect())
    }

    async fn own_reactions(&self, _: ChannelId, _: MessageId) -> Result<Vec<String>, DeliverError> {
        Ok(lock(&self.reactions).clone())
    }

    async fn unarchive(&self, _: ChannelId) -> Result<(), DeliverError> {
        let mut archived = lock(&self.archived);
        *archived = archived.saturating_sub(1);
        Ok(())
    }

    async fn direct(&self, _: UserId) -> Result<ChannelId, DeliverError> {
        let away = lock(&self.owner_away).take();
        if let Some(away) = away {
            away.notified().await;
        }
        Ok(ChannelId(1))
    }
}

impl Fake {
    pub(super) fn hear_of_reactions(&self) -> Result<(), DeliverError> {
        let mut deaf = lock(&self.deaf);
        if *deaf > 0 {
            *deaf -= 1;
            return Err(no_connection());
        }
        Ok(())
    }
}

pub(super) struct Bench {
    pub(super) discord: Arc<Fake>,
    pub(super) store: Store,
    pub(super) outbox: Outbox,
    pub(super) _dir: tempfile::TempDir,
}

impl Bench {
    pub(super) async fn new(refusals: Vec<DeliverError>) -> Self {
        Self::of(refusals, None).await
    }

    pub(super) async fn of(refusals: Vec<DeliverError>, owner: Option<UserId>) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let clock = Clock::start();
        let store = Store::open(&dir.path().join("switchboard.db"), clock).await.expect("a new database");
        let discord = Arc::new(Fake { refusals: Mutex::new(refusals.into()), ..Fake::default() });
        let outbox = Outbox::new(
            Arc::clone(&discord) as Arc<dyn Discord>,
            store.clone(),
            clock,
            TaskTracker::new(),
            CancellationToken::new(),
            Taste { activity: true, owner },
            mpsc::channel(1).0,
        );
        Self { discord, store, outbox, _dir: dir }
    }

    /// Shows a last view, and gives what stands in the channel when it is settled.
    pub(super) async fn ends_with(&self, body: MessageBody) -> Vec<MessageBody> {
        self.show(body);
        self.outbox.settled().await;
        lock(&self.discord.posted).clone()
    }

    pub(super) fn show(&self, body: MessageBody) {
        let target = Target {
            channel: HERE,
            parent: None,
            thread: None,
            prompt: Some((HERE, MessageId(5))),
            also: Vec::new(),
        };
        let shown = Shown { slots: vec![body], reaction: Reaction::Done, typing: false, ended: true };
        self.outbox.show(TURN, &target, shown);
    }

    pub(super) fn reactions(&self) -> Vec<String> {
        lock(&self.discord.reactions).clone()
    }
}

pub(super) fn no_connection() -> DeliverError {
    DeliverError::Retry { error: "no connection".into() }
}

pub(super) fn not_taken() -> DeliverError {
    DeliverError::Body("50035 Invalid Form Body (HTTP 400)".to_owned())
}

pub(super) fn with_file() -> MessageBody {
    MessageBody {
        files: vec![File { name: "answer.md".into(), bytes: vec![0] }],
        ..MessageBody::text("The end.")
    }
}

//! Whoever runs the bot is told once that the login is gone, however many turns, tries and daemons meet it: a row is
//! there before the message, and stays open until the API answers again.

use std::sync::Arc;

use tokio::sync::Mutex;
use uuid::Uuid;

use crate::domain::ids::{TurnId, UserId};
use crate::fail_point::{Point, pass};
use crate::outbox::{Outbox, Target};
use crate::render::message::MessageBody;
use crate::render::view::{Reaction, Shown};
use crate::store::{Conversation, LoginOutage, Store, StoreError};

/// What they are told.
const NO_LOGIN: &str = "⚠️ Claude Code is not logged in on this machine any more, or the API refuses its login. Nothing runs until that \
     is mended: log it in (README, Troubleshooting). What was asked waits, and goes on by itself after that.";
/// What stands there when it is mended.
const LOGGED_IN: &str =
    "-# ✅ Claude Code was not logged in for a while. It is now, and what waited goes on.";

/// Whoever runs the bot. Cheap to clone.
#[derive(Clone)]
pub(super) struct Owner {
    who: Option<UserId>,
    store: Store,
    outbox: Outbox,
    /// Whether there may be an outage that is not over. Held from the row to the message, so that what is said last is what
    /// is so.
    may_be_gone: Arc<Mutex<bool>>,
}

impl Owner {
    pub(super) fn new(who: Option<UserId>, store: Store, outbox: Outbox) -> Self {
        Self { who, store, outbox, may_be_gone: Arc::new(Mutex::new(true)) }
    }

    /// A turn of this conversation met it. Of all that do in one outage, the first one tells: in the project's channel,
    /// which concerns more people than a thread does, and is there.
    pub(super) async fn login_is_gone(&self, conversation: &Conversation) -> Result<(), StoreError> {
        let Some(who) = self.who else { return Ok(()) };
        let channel = conversation.parent.unwrap_or(conversation.id.into());
        let outage = LoginOutage { notice: TurnId(Uuid::now_v7()), channel, is_over: false };
        let mut may_be_gone = self.may_be_gone.lock().await;
        *may_be_gone = true;
        if self.store.begin_login_outage(outage.notice, channel).await? {
            pass(Point::LoginGone).await;
            tracing::warn!(%channel, "the login is gone, whoever runs this is told");
            self.show(&outage, who);
        }
        Ok(())
    }

    /// The API answered somebody.
    pub(super) async fn api_answers(&self) -> Result<(), StoreError> {
        let mut may_be_gone = self.may_be_gone.lock().await;
        if !*may_be_gone {
            return Ok(());
        }
        if let (Some(outage), Some(who)) = (self.store.end_login_outage().await?, self.who) {
            self.show(&outage, who);
        }
        *may_be_gone = false;
        Ok(())
    }

    /// What an earlier daemon had to tell, and may have died before. What is posted already stays as it is.
    pub(super) async fn recover(&self) -> Result<(), StoreError> {
        let (Some(outage), Some(who)) = (self.store.last_login_outage().await?, self.who) else {
            return Ok(());
        };
        // What nobody was told of is not told when it is over.
        if !outage.is_over || !self.store.slots(outage.notice).await?.is_empty() {
            self.show(&outage, who);
        }
        Ok(())
    }

    fn show(&self, outage: &LoginOutage, who: UserId) {
        let body = if outage.is_over {
            MessageBody::text(LOGGED_IN)
        } else {
            // Who is named in a message is told when it is created, and only then.
            MessageBody { ping: Some(who), ..MessageBody::text(format!("<@{who}> {NO_LOGIN}")) }
        };
        let target =
            Target { channel: outage.channel, parent: None, thread: None, prompt: None, also: Vec::new() };
        let shown = Shown { slots: vec![body], reaction: Reaction::Stopped, typing: false, ended: true };
        self.outbox.say(outage.notice, &target, shown);
    }
}

//! The only door into a conversation.

use tokio::sync::{mpsc, oneshot, watch};

pub use super::state::Tuned;
use crate::domain::answer::Said;
use crate::domain::ids::{AskId, ChannelId, ConversationId, MessageId, TurnId};
use crate::domain::prompt::{Author, Prompt};

/// How many requests wait for an actor; the actor takes them between two records, so this is never long.
const MAILBOX: usize = 64;

/// A cheap, cloneable handle with plain verbs.
#[derive(Debug, Clone)]
pub struct Handle {
    id: ConversationId,
    mailbox: mpsc::Sender<Request>,
    status: watch::Receiver<Status>,
}

/// What a conversation is asked.
#[derive(Debug)]
pub(super) enum Request {
    Submit(Prompt),
    Stop { reply: oneshot::Sender<Stopped> },
    Reset { reply: oneshot::Sender<usize> },
    Answer { ask: AskId, said: Said, by: Author, reply: oneshot::Sender<Answered> },
    Unseen { ask: AskId },
    Tune { reply: oneshot::Sender<Tuned> },
    GoOn { click: Click, reply: oneshot::Sender<GoneOn> },
}

/// What a conversation does right now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// The running turn.
    pub turn: Option<TurnId>,
    /// How many prompts wait.
    pub queued: usize,
    /// Whether a process is there, working or warm.
    pub process: bool,
    /// The permission mode that it says it is in, in the CLI's word.
    pub mode: Option<String>,
}

/// What `stop` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// A turn is being stopped; this many prompts still wait.
    Turn {
        /// Prompts that wait.
        queued: usize,
    },
    /// Nothing ran.
    Nothing,
}

/// What became of an answer to an ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// It counts.
    Taken,
    /// It is kept until the whole answer is sent.
    Noted,
    /// It cannot be taken; the ask waits.
    Unfit {
        /// Why, and what to do.
        sentence: String,
    },
    /// Another one was first.
    Before {
        /// The name of who gave it; none: nobody did in time.
        by: Option<String>,
        /// Whether it allowed.
        allowed: bool,
    },
    /// Nobody asks any more: the turn was stopped, or its CLI is gone.
    Void,
}

/// A click that wants a turn to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    /// The turn.
    pub turn: TurnId,
    /// The channel of the message with the button.
    pub channel: ChannelId,
    /// The message with the button.
    pub message: MessageId,
    /// Discord's id of the click.
    pub id: u64,
    /// Who clicked.
    pub by: Author,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GoneOn {
    /// The conversation goes on with it, now or when it is its turn.
    Taken,
    /// Somebody wanted that before.
    Before {
        /// Who.
        by: String,
    },
    /// The turn is not one that was cut off.
    Void,
    /// Too many prompts wait.
    Full,
}

/// The conversation's actor is gone; ask the registry for it again.
#[derive(Debug, thiserror::Error)]
#[error("the conversation is not there any more")]
pub struct Gone;

impl Handle {
    pub(super) fn new(
        id: ConversationId,
        status: watch::Receiver<Status>,
    ) -> (Self, mpsc::Receiver<Request>) {
        let (mailbox, requests) = mpsc::channel(MAILBOX);
        (Self { id, mailbox, status }, requests)
    }

    /// Whose handle this is.
    pub fn id(&self) -> ConversationId {
        self.id
    }

    /// Gives the conversation a prompt. The prompt is stored already: if the actor is gone, nothing is lost.
    pub async fn submit(&self, prompt: Prompt) -> Result<(), Gone> {
        self.mailbox.send(Request::Submit(prompt)).await.map_err(|_| Gone)
    }

    /// Stops the running turn; the session stays.
    pub async fn stop(&self) -> Result<Stopped, Gone> {
        let (reply, answer) = oneshot::channel();
        self.mailbox.send(Request::Stop { reply }).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// Begins anew: withdraws what waits, stops what runs, ends the process, forgets the session. Gives how many prompts
    /// waited.
    pub async fn reset(&self) -> Result<usize, Gone> {
        let (reply, answer) = oneshot::channel();
        self.mailbox.send(Request::Reset { reply }).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// Says something to an ask. The first answer counts; it is stored before the CLI gets it.
    pub async fn answer(&self, ask: AskId, said: Said, by: Author) -> Result<Answered, Gone> {
        let (reply, answer) = oneshot::channel();
        self.mailbox.send(Request::Answer { ask, said, by, reply }).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// Somebody chose another model, mode or effort, and it is stored: what runs is told. Ends within seconds, also when
    /// the CLI does not answer.
    pub async fn tune(&self) -> Result<Tuned, Gone> {
        let (reply, answer) = oneshot::channel();
        self.mailbox.send(Request::Tune { reply }).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// The card of an ask could not be posted: it is denied.
    pub async fn unseen(&self, ask: AskId) -> Result<(), Gone> {
        self.mailbox.send(Request::Unseen { ask }).await.map_err(|_| Gone)
    }

    /// Goes on with a turn that was cut off: once, however often it is asked for.
    pub async fn go_on(&self, click: Click) -> Result<GoneOn, Gone> {
        let (reply, answer) = oneshot::channel();
        self.mailbox.send(Request::GoOn { click, reply }).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// What it does right now.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    pub(super) fn is_gone(&self) -> bool {
        self.mailbox.is_closed()
    }
}

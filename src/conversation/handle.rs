//! The only door into a conversation.

use tokio::sync::{mpsc, oneshot, watch};

pub use super::state::Tuned;
use crate::clock::WallTime;
use crate::domain::answer::Said;
use crate::domain::ids::{AskId, ChannelId, ConversationId, MessageId, PromptId, TurnId, UserId};
use crate::domain::prompt::{Attachment, Author, Prompt, Wish};

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
    Stop { which: Which, by: UserId, reply: oneshot::Sender<Stopped> },
    Withdraw { prompt: PromptId, taking: Taking, reply: oneshot::Sender<TakenBack> },
    Edit { prompt: PromptId, text: String, attachments: Vec<Attachment>, reply: oneshot::Sender<bool> },
    Send { prompt: PromptId, wish: Wish, stops: Option<TurnId>, reply: oneshot::Sender<Sent> },
    Queue { reply: oneshot::Sender<Vec<InQueue>> },
    Reset { reply: oneshot::Sender<usize> },
    Answer { ask: AskId, said: Said, by: Author, reply: oneshot::Sender<Answered> },
    Unseen { ask: AskId },
    Tune { reply: oneshot::Sender<Tuned> },
    GoOn { click: Click, reply: oneshot::Sender<GoneOn> },
    Announced,
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
    /// The asks that wait for people, each with the time at which it is denied by itself.
    pub asks: Vec<(AskId, WallTime)>,
}

/// What is to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// This turn, if it still runs.
    Turn(TurnId),
    /// Whatever runs, if it is the turn of who asks.
    Theirs,
    /// Whatever runs.
    Any,
}

/// What `stop` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// A turn is being stopped; this many prompts still wait.
    Turn {
        /// Prompts that wait.
        queued: usize,
    },
    /// Somebody else's turn runs, and goes on.
    NotTheirs,
    /// No turn ran, and what ran in the background is being stopped, with its process.
    Background,
    /// Nothing ran.
    Nothing,
    /// The turn that was to be stopped is over.
    Over,
}

/// How a prompt that waits is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taking {
    /// With those that wait to be one turn with it.
    Together,
    /// Alone: its message is not for us any more.
    Alone,
    /// Alone, and nothing is said of it: its message is gone.
    Gone,
}

/// What became of a prompt that somebody takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenBack {
    /// It is not run.
    Done {
        /// How many prompts that were: those that waited to be one turn go together.
        prompts: usize,
    },
    /// The running turn was told of it and may have heard it; if not, it will not be run.
    Asked,
    /// It does not wait any more.
    TooLate,
}

/// What became of a prompt that is to be told to the running turn, or to interrupt it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// The running turn is told, and hears it soon or goes into it afterwards.
    Told,
    /// It is told as soon as that can be, or is next.
    Next,
    /// Another turn runs than the one that it was to stop: it waits.
    Waits,
    /// It does not wait any more.
    TooLate,
}

/// What waits in a conversation, as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InQueue {
    /// The first of the prompts that wait to be one turn.
    pub prompt: PromptId,
    /// How many prompts they are.
    pub prompts: usize,
    /// Who asked.
    pub by: String,
    /// What, as it was said.
    pub text: String,
    /// The message, if it was one.
    pub message: Option<(ChannelId, MessageId)>,
    /// Whether the running turn was told of it already.
    pub told: bool,
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

    /// Stops what runs, for this person; the session stays. The audit says so, if they may.
    pub async fn stop(&self, which: Which, by: UserId) -> Result<Stopped, Gone> {
        let (reply, answer) = oneshot::channel();
        self.mailbox.send(Request::Stop { which, by, reply }).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// Takes a prompt back that waits.
    pub async fn withdraw(&self, prompt: PromptId, taking: Taking) -> Result<TakenBack, Gone> {
        let (reply, answer) = oneshot::channel();
        self.mailbox.send(Request::Withdraw { prompt, taking, reply }).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// Says otherwise what a prompt that waits asks for. False: it does not wait any more.
    pub async fn edit(
        &self,
        prompt: PromptId,
        text: String,
        attachments: Vec<Attachment>,
    ) -> Result<bool, Gone> {
        let (reply, answer) = oneshot::channel();
        self.mailbox.send(Request::Edit { prompt, text, attachments, reply }).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// Tells what waits to the running turn, or lets it interrupt that: the turn that it `stops`, and no other.
    pub async fn send(&self, prompt: PromptId, wish: Wish, stops: Option<TurnId>) -> Result<Sent, Gone> {
        let (reply, answer) = oneshot::channel();
        self.mailbox.send(Request::Send { prompt, wish, stops, reply }).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// What waits, in order.
    pub async fn queue(&self) -> Result<Vec<InQueue>, Gone> {
        let (reply, answer) = oneshot::channel();
        self.mailbox.send(Request::Queue { reply }).await.map_err(|_| Gone)?;
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

    /// Somebody who may is about to ask for something here: what it takes may be made ready. Nobody waits for that, so where
    /// many requests wait it is not even heard.
    pub fn announce(&self) {
        if self.mailbox.try_send(Request::Announced).is_err() {
            tracing::debug!(conversation = %self.id, "an announcement was not heard");
        }
    }

    /// What it does right now.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    pub(super) fn is_gone(&self) -> bool {
        self.mailbox.is_closed()
    }
}

//! What every test of the store begins with.

mod absence;
mod asks;
mod audit;
mod connection;
mod conversations;
mod crash;
mod file;
mod history;
mod outages;
mod people;
mod prompts;
mod reading;
mod slots;
mod start;
mod turns;

use uuid::Uuid;

use super::*;
use crate::domain::action::{Action, Choice};
use crate::domain::answer::Answer;
use crate::domain::ask::{Ask, AskKind};
use crate::domain::event::{Carried, Failure, TurnEnd, Usage};
use crate::domain::ids::{
    AskId, ChannelId, ConversationId, ErrorId, GuildId, MessageId, ProcessId, PromptId, SessionId, TurnId,
    UserId,
};
use crate::domain::prompt::{Attachment, Author, Origin, Prompt, Wish};
use crate::runner::{Exit, Position};

const HERE: ConversationId = ConversationId(100);
const GUILD: GuildId = GuildId(1);
/// As large as an id can be that a signed integer does not hold: it must survive.
const HUGE: u64 = u64::MAX - 7;

struct Db {
    store: Store,
    dir: tempfile::TempDir,
}

impl std::ops::Deref for Db {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl Db {
    /// A fresh, migrated database with one conversation.
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("switchboard.db"), Clock::start()).await.unwrap();
        store.open_conversation(&new_conversation(HERE)).await.unwrap();
        Self { store, dir }
    }

    async fn reopened(self) -> Self {
        self.store.close().await;
        let store = Store::open(&self.dir.path().join("switchboard.db"), Clock::start()).await.unwrap();
        Self { store, dir: self.dir }
    }

    /// Accepts a prompt, starts a process and begins a turn.
    async fn running(&self, message: u64) -> (TurnId, ProcessId) {
        let prompt = prompt(message);
        assert_eq!(self.accept(&prompt, None).await.unwrap(), Accepted::New);
        let process = ProcessId(Uuid::new_v4());
        self.start_process(&new_process(process)).await.unwrap();
        let turn = new_turn(Some(prompt.id), process);
        self.begin_turn(&turn).await.unwrap();
        (turn.id, process)
    }
}

fn new_conversation(id: ConversationId) -> NewConversation {
    NewConversation {
        id,
        guild: Some(GUILD),
        project: "p".to_owned(),
        parent: Some(ChannelId(HUGE)),
        title: "t".to_owned(),
        since: MessageId(1),
    }
}

fn prompt(message: u64) -> Prompt {
    let origin = Origin::Message { channel: HERE.into(), message: MessageId(message) };
    Prompt {
        id: PromptId(Uuid::new_v5(&Uuid::NAMESPACE_OID, origin.key().as_bytes())),
        origin,
        conversation: HERE,
        author: Author { id: UserId(HUGE), name: "Ada".to_owned() },
        text: format!("do {message}\nnow; -- 'quoted'"),
        attachments: vec![Attachment {
            name: "a.png".to_owned(),
            content_type: None,
            bytes: 3,
            path: "/tmp/a.png".into(),
        }],
        received_at: WallTime(i64::try_from(message).unwrap()),
        wish: Wish::default(),
    }
}

fn session() -> SessionId {
    SessionId(Uuid::nil())
}

fn new_process(id: ProcessId) -> NewProcess {
    NewProcess {
        id,
        conversation: HERE,
        session: session(),
        fingerprint: "f".to_owned(),
        tuning: "{}".to_owned(),
    }
}

fn new_turn(prompt: Option<PromptId>, process: ProcessId) -> NewTurn {
    NewTurn {
        id: TurnId(Uuid::new_v4()),
        prompt,
        more: Vec::new(),
        conversation: HERE,
        session: Some(session()),
        process,
        attempt: 1,
        carried: Carried::default(),
        from_position: Position(0),
    }
}

fn usage() -> Usage {
    Usage {
        input_tokens: 10,
        output_tokens: 5,
        cache_read_tokens: 1000,
        cache_write_tokens: 2,
        cost_usd: 0.25,
    }
}

fn completed() -> TurnEnd {
    TurnEnd::Completed { text: "done".to_owned() }
}

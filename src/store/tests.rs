mod absence;
mod crash;
mod file;
mod reading;

use uuid::Uuid;

use super::*;
use crate::domain::action::{Action, Choice};
use crate::domain::ask::{Answer, Ask, AskKind};
use crate::domain::event::{Carried, Failure, TurnEnd, Usage};
use crate::domain::ids::{
    AskId, ChannelId, ConversationId, ErrorId, GuildId, MessageId, ProcessId, PromptId, SessionId, TurnId,
    UserId,
};
use crate::domain::prompt::{Attachment, Author, Origin, Prompt};
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
    }
}

fn session() -> SessionId {
    SessionId(Uuid::nil())
}

fn new_process(id: ProcessId) -> NewProcess {
    NewProcess { id, conversation: HERE, session: session(), fingerprint: "f".to_owned() }
}

fn new_turn(prompt: Option<PromptId>, process: ProcessId) -> NewTurn {
    NewTurn {
        id: TurnId(Uuid::new_v4()),
        prompt,
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

#[tokio::test]
async fn a_prompt_comes_back_as_it_was_also_after_a_restart() {
    let db = Db::new().await;
    let wanted = prompt(7);
    db.accept(&wanted, Some((HERE.into(), MessageId(7)))).await.unwrap();
    let db = db.reopened().await;
    assert_eq!(db.prompt(wanted.id).await.unwrap(), Some(wanted.clone()));
    assert_eq!(db.queued(HERE).await.unwrap(), [wanted]);
    assert_eq!(db.watermark(HERE.into()).await.unwrap(), Some(MessageId(7)));
    assert_eq!(db.conversations_with_work().await.unwrap(), [HERE]);
    assert_eq!(db.prompt(PromptId(Uuid::nil())).await.unwrap(), None);
}

#[tokio::test]
async fn one_origin_is_accepted_once_and_the_watermark_never_moves_back() {
    let db = Db::new().await;
    let mark = |message| Some((HERE.into(), MessageId(message)));
    assert_eq!(db.accept(&prompt(7), mark(7)).await.unwrap(), Accepted::New);
    assert_eq!(db.accept(&prompt(5), mark(5)).await.unwrap(), Accepted::New);
    let again = Prompt { id: PromptId(Uuid::new_v4()), text: "edited".to_owned(), ..prompt(7) };
    assert_eq!(db.accept(&again, mark(7)).await.unwrap(), Accepted::Duplicate);
    assert_eq!(db.watermarks().await.unwrap(), [(HERE.into(), MessageId(7))]);
    db.advance_watermark(HERE.into(), MessageId(9)).await.unwrap();
    db.advance_watermark(HERE.into(), MessageId(8)).await.unwrap();
    assert_eq!(db.watermark(HERE.into()).await.unwrap(), Some(MessageId(9)));
    // In the order in which they were said, not stored.
    let said: Vec<_> =
        db.queued(HERE).await.unwrap().into_iter().map(|prompt| prompt.received_at.0).collect();
    assert_eq!(said, [5, 7]);
}

#[tokio::test]
async fn a_prompt_that_cannot_be_stored_moves_no_watermark() {
    let db = Db::new().await;
    let stranger = Prompt { conversation: ConversationId(404), ..prompt(7) };
    db.accept(&stranger, Some((ChannelId(404), MessageId(7)))).await.unwrap_err();
    assert_eq!(db.watermark(ChannelId(404)).await.unwrap(), None);
    // The one writer is free again.
    assert_eq!(db.accept(&prompt(8), None).await.unwrap(), Accepted::New);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_at_once_are_all_stored_and_of_two_equal_ones_one() {
    let db = Db::new().await;
    let tasks: Vec<_> = (0..50u64)
        .map(|number| {
            let store = db.store.clone();
            tokio::spawn(async move {
                let accepted = store.accept(&prompt(number / 2), None).await.unwrap();
                store.queued(HERE).await.unwrap();
                store.set_setting(&number.to_string(), "x").await.unwrap();
                accepted
            })
        })
        .collect();
    let mut new = 0;
    for task in tasks {
        new += usize::from(task.await.unwrap() == Accepted::New);
    }
    assert_eq!(new, 25);
    assert_eq!(db.queued_count(HERE).await.unwrap(), 25);
    assert_eq!(db.setting("49").await.unwrap().as_deref(), Some("x"));
}

#[tokio::test]
async fn what_left_the_queue_does_not_come_back() {
    let db = Db::new().await;
    let [taken, withdrawn, refused] = [prompt(1), prompt(2), prompt(3)];
    for prompt in [&taken, &withdrawn, &refused] {
        db.accept(prompt, None).await.unwrap();
    }
    db.begin_turn(&new_turn(Some(taken.id), ProcessId(Uuid::new_v4()))).await.unwrap();
    assert!(!db.withdraw(taken.id).await.unwrap());
    assert!(db.withdraw(withdrawn.id).await.unwrap());
    assert!(!db.withdraw(withdrawn.id).await.unwrap());
    assert!(db.refuse(refused.id).await.unwrap());
    assert!(db.queued(HERE).await.unwrap().is_empty());
    assert_eq!(db.prompt_state(taken.id).await.unwrap(), Some(PromptState::Taken));
    assert_eq!(db.prompt_state(withdrawn.id).await.unwrap(), Some(PromptState::Withdrawn));
    assert_eq!(db.prompt_state(refused.id).await.unwrap(), Some(PromptState::Refused));
    assert_eq!(db.accept(&refused, None).await.unwrap(), Accepted::Duplicate);
}

#[tokio::test]
async fn a_conversation_keeps_its_model_and_its_session() {
    let db = Db::new().await;
    let get = async || db.conversation(HERE).await.unwrap().unwrap();
    db.open_conversation(&NewConversation { title: "other".to_owned(), ..new_conversation(HERE) })
        .await
        .unwrap();
    let begun = get().await;
    assert_eq!((begun.title.as_str(), begun.parent, begun.session), ("t", Some(ChannelId(HUGE)), None));
    db.set_model(HERE, Some("opus")).await.unwrap();
    assert_eq!(get().await.model.as_deref(), Some("opus"));
    db.set_model(HERE, None).await.unwrap();
    assert_eq!(get().await.model, None);

    assert_eq!(db.session(session()).await.unwrap(), None);
    assert_eq!(db.reset(HERE).await.unwrap(), None);
    db.start_session(session(), HERE, Path::new("/srv")).await.unwrap();
    assert!(!db.session(session()).await.unwrap().unwrap().started);
    db.mark_session_started(session()).await.unwrap();
    db.start_session(session(), HERE, Path::new("/srv")).await.unwrap();
    assert!(db.session(session()).await.unwrap().unwrap().started);
    assert_eq!(get().await.session, Some(session()));
    assert_eq!(db.reset(HERE).await.unwrap(), Some(session()));
    assert_eq!(get().await.session, None);

    let next = SessionId(Uuid::new_v4());
    db.start_session(next, HERE, Path::new("/srv")).await.unwrap();
    db.mark_session_stale(next).await.unwrap();
    assert_eq!(get().await.session, None);
    assert!(!db.session(next).await.unwrap().unwrap().started);
    assert_eq!(db.conversation(ConversationId(404)).await.unwrap(), None);
}

#[tokio::test]
async fn the_first_end_of_a_turn_counts() {
    let db = Db::new().await;
    let (turn, process) = db.running(1).await;
    let begun = db.turn(turn).await.unwrap().unwrap();
    assert_eq!((begun.state, begun.end, begun.side_effects), (TurnState::Running, None, false));
    db.note_side_effects(turn).await.unwrap();

    let error = ErrorId("E-234567".to_owned());
    let crashed = TurnEnd::Failed(Failure::Crashed { code: Some(1), signal: None });
    assert!(db.end_turn(turn, &crashed, &usage(), 3, Some(&error)).await.unwrap());
    assert!(!db.end_turn(turn, &completed(), &Usage::default(), 0, None).await.unwrap());
    db.begin_turn(&NewTurn { id: turn, attempt: 2, ..new_turn(None, process) }).await.unwrap();

    let ended = db.turn(turn).await.unwrap().unwrap();
    assert_eq!(ended.state, TurnState::Ended);
    assert_eq!(ended.end, Some(crashed));
    assert_eq!((ended.usage, ended.tools, ended.error_id), (usage(), 3, Some(error)));
    assert_eq!((ended.side_effects, ended.attempt), (true, 1));
    assert_eq!(db.turn(TurnId(Uuid::nil())).await.unwrap(), None);
}

#[tokio::test]
async fn another_attempt_moves_the_turn_to_its_process() {
    let db = Db::new().await;
    let (turn, first) = db.running(1).await;
    let begun = db.turn(turn).await.unwrap().unwrap();
    db.end_process(first, &Exit::Lost).await.unwrap();
    let second = ProcessId(Uuid::new_v4());
    let again =
        NewTurn { id: turn, attempt: 2, from_position: Position(9), ..new_turn(begun.prompt, second) };
    db.begin_turn(&again).await.unwrap();
    assert!(db.turns_of_process(first).await.unwrap().is_empty());
    let turns = db.turns_of_process(second).await.unwrap();
    assert_eq!((turns[0].id, turns[0].attempt, turns[0].from_position), (turn, 2, Position(9)));
    assert_eq!(turns[0].started_at, begun.started_at);
    assert_eq!(db.processes_to_forget().await.unwrap(), [first]);
}

#[tokio::test]
async fn a_process_is_attached_until_all_is_told_and_then_forgotten_once() {
    let db = Db::new().await;
    let (turn, process) = db.running(1).await;
    let to_attach = async || -> Vec<ProcessId> {
        db.processes_to_attach(HERE).await.unwrap().into_iter().map(|process| process.id).collect()
    };
    assert_eq!(to_attach().await, [process]);
    assert_eq!(db.live_processes().await.unwrap()[0].fingerprint, "f");
    db.end_turn(turn, &completed(), &usage(), 0, None).await.unwrap();
    db.end_process(process, &Exit::Code { code: 0 }).await.unwrap();
    db.end_process(process, &Exit::Lost).await.unwrap();
    assert!(db.live_processes().await.unwrap().is_empty());
    assert_eq!(to_attach().await, [process]);
    assert_eq!(db.undelivered_turns().await.unwrap().len(), 1);
    assert_eq!(db.conversations_with_work().await.unwrap(), [HERE]);
    assert!(db.processes_to_forget().await.unwrap().is_empty());

    db.delivered(turn).await.unwrap();
    assert!(to_attach().await.is_empty());
    assert!(db.conversations_with_work().await.unwrap().is_empty());
    assert_eq!(db.processes_to_forget().await.unwrap(), [process]);
    db.process_forgotten(process).await.unwrap();
    assert!(db.processes_to_forget().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_turn_whose_process_never_had_a_row_is_found_again() {
    let db = Db::new().await;
    let wanted = prompt(1);
    db.accept(&wanted, None).await.unwrap();
    let process = ProcessId(Uuid::new_v4());
    db.begin_turn(&new_turn(Some(wanted.id), process)).await.unwrap();
    let db = db.reopened().await;
    assert_eq!(db.processes_to_attach(HERE).await.unwrap()[0].id, process);
    assert_eq!(db.turns_of_process(process).await.unwrap()[0].prompt, Some(wanted.id));
}

#[tokio::test]
async fn of_several_answers_to_an_ask_one_counts() {
    let db = Db::new().await;
    let (turn, process) = db.running(1).await;
    let ask = Ask {
        request: "r1".to_owned(),
        tool_use: None,
        kind: AskKind::Plan { plan: "# plan".to_owned() },
        input: "{}".to_owned(),
    };
    let id = db.save_ask(turn, process, &ask).await.unwrap();
    assert_eq!(db.save_ask(turn, process, &ask).await.unwrap(), id);
    let open = db.open_asks(process).await.unwrap();
    assert_eq!((open.len(), open[0].id, &open[0].ask), (1, id, &ask));

    let ada = Author { id: UserId(HUGE), name: "Ada".to_owned() };
    let settle = |request, state, answer, by| db.settle_ask(process, request, state, answer, by);
    assert!(settle("r1", AskState::Allowed, Some(&Answer::AllowForSession), Some(&ada)).await.unwrap());
    assert!(!settle("r1", AskState::Denied, None, None).await.unwrap());
    assert!(!settle("unknown", AskState::Denied, None, None).await.unwrap());
    // Also for the daemon that has to say it again.
    let given = ("r1".to_owned(), Answer::AllowForSession, Some("Ada".to_owned()));
    assert_eq!(db.given_answers(process).await.unwrap(), [given]);
    // Read from the spool once more, it stays settled.
    assert_eq!(db.save_ask(turn, process, &ask).await.unwrap(), id);
    assert_eq!(db.ask(id).await.unwrap().unwrap().state, AskState::Allowed);
    assert!(db.open_asks(process).await.unwrap().is_empty());
}

fn slot(turn: TurnId, slot: u32, generation: u32) -> SlotKey {
    SlotKey { turn, slot, generation }
}

#[tokio::test]
async fn a_slot_is_known_before_its_message() {
    let db = Db::new().await;
    let (turn, _) = db.running(1).await;
    let channel = ChannelId(HUGE);
    db.slot_sending(slot(turn, 0, 0), channel, "n0", "h0").await.unwrap();
    db.slot_sending(slot(turn, 0, 0), channel, "n0", "h0").await.unwrap();
    let slots = db.slots(turn).await.unwrap();
    assert_eq!((slots[0].state, slots[0].message, slots[0].channel), (SlotState::Sending, None, channel));
    assert_eq!(slots[0].body_hash, "h0");
    db.slot_sent(slot(turn, 0, 0), MessageId(HUGE), "h2").await.unwrap();
    db.slot_sending(slot(turn, 1, 0), channel, "n1", "h").await.unwrap();
    db.slot_refused(slot(turn, 1, 0), channel, "n1").await.unwrap();
    db.slot_refused(slot(turn, 2, 0), channel, "n2").await.unwrap();
    let slots = db.reopened().await.slots(turn).await.unwrap();
    assert_eq!((slots[0].state, slots[0].message), (SlotState::Sent, Some(MessageId(HUGE))));
    assert_eq!((slots[1].key, slots[1].state), (slot(turn, 1, 0), SlotState::Refused));
    assert_eq!((slots[2].key, slots[2].state), (slot(turn, 2, 0), SlotState::Refused));
}

#[tokio::test]
async fn of_several_bodies_nobody_knows_which_one_arrived() {
    let db = Db::new().await;
    let (turn, _) = db.running(1).await;
    let key = slot(turn, 0, 0);
    for hash in ["h0", "h1", "h1"] {
        db.slot_sending(key, HERE.into(), "n", hash).await.unwrap();
    }
    assert_eq!(db.slots(turn).await.unwrap()[0].body_hash, "");
    db.slot_absent(key).await.unwrap();
    assert!(db.slots(turn).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_slot_has_its_messages_one_after_the_other() {
    let db = Db::new().await;
    let (turn, _) = db.running(1).await;
    for generation in 0..2 {
        let key = slot(turn, 0, generation);
        db.slot_sending(key, HERE.into(), &format!("n{generation}"), "h").await.unwrap();
        db.slot_sent(key, MessageId(5 + u64::from(generation)), "h").await.unwrap();
    }
    db.slot_removed(slot(turn, 0, 0)).await.unwrap();
    // A message that is there is never forgotten.
    db.slot_absent(slot(turn, 0, 1)).await.unwrap();
    let states: Vec<_> =
        db.slots(turn).await.unwrap().iter().map(|slot| (slot.message, slot.state)).collect();
    assert_eq!(states, [(Some(MessageId(5)), SlotState::Removed), (Some(MessageId(6)), SlotState::Sent)]);
    assert!(db.knows_message(MessageId(5)).await.unwrap() && db.knows_message(MessageId(6)).await.unwrap());
}

#[tokio::test]
async fn the_messages_of_the_bot_are_known() {
    let db = Db::new().await;
    let (turn, _) = db.running(1).await;
    db.slot_sending(slot(turn, 0, 0), HERE.into(), "n", "h").await.unwrap();
    assert!(!db.knows_message(MessageId(5)).await.unwrap());
    db.slot_sent(slot(turn, 0, 0), MessageId(5), "h").await.unwrap();
    assert!(db.knows_message(MessageId(5)).await.unwrap());
}

#[tokio::test]
async fn the_same_action_is_the_same_button_also_after_a_restart() {
    let db = Db::new().await;
    let allow = Action::Answer { ask: AskId::of(TurnId(Uuid::nil()), "r1"), choice: Choice::AllowOnce };
    let deny = Action::Answer { ask: AskId::of(TurnId(Uuid::nil()), "r1"), choice: Choice::Deny };
    let ids = db.button_ids(HERE, vec![allow.clone(), deny.clone()]).await.unwrap();
    assert_ne!(ids[0], ids[1]);
    // It says nothing, and Discord takes it.
    assert!(ids.iter().all(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())));
    let db = db.reopened().await;
    assert_eq!(db.button_ids(HERE, vec![allow.clone(), deny]).await.unwrap(), ids);
    // The same action elsewhere is another button.
    assert_ne!(db.button_ids(ConversationId(1), vec![allow.clone()]).await.unwrap()[0], ids[0]);
    let found = db.button(&ids[0]).await.unwrap().unwrap();
    assert_eq!(found, StoredButton { conversation: HERE, action: allow });
    assert_eq!(db.button("forged").await.unwrap(), None);
}

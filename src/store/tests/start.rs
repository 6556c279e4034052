//! What a start and a turn cost is what is open, however much is done: counted in steps of SQLite's machine, which need no
//! clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// Newer than all that is done.
const MESSAGE: u64 = 9_000_000;

/// A step is counted in units of so many.
const UNIT: i32 = 10;

impl Db {
    /// This many conversations with so many turns each, all told and done long ago. [`HERE`] is the first of them.
    async fn with_done(conversations: u64, turns: u64) -> Self {
        let db = Self::new().await;
        let here = HERE.0;
        let fill = format!(
            "WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < {conversations})
             INSERT INTO conversations (id, project, title, created_at, last_active_at)
             SELECT {here} + n, 'p', 't', n, n FROM number WHERE n > 0;
             CREATE TEMP TABLE nth AS
             WITH RECURSIVE nth (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM nth WHERE k < {turns}) SELECT k FROM nth;
             DELETE FROM watermarks;
             INSERT INTO watermarks (channel, message) SELECT id, id FROM conversations;
             INSERT INTO sessions (id, conversation, dir, state, created_at)
             SELECT printf('10000000-0000-0000-0000-%012d', id), id, '/d', 'started', 1 FROM conversations;
             INSERT INTO processes (id, conversation, session, fingerprint, started_at, ended_at, exit, forgotten_at)
             SELECT printf('20000000-0000-0000-%04d-%012d', k, id), id, 's', 'f', 1, 2, '{{}}', 3 FROM conversations, nth;
             INSERT INTO prompts (id, origin_key, origin, conversation, author, author_name, text, attachments, state,
                received_at, accepted_at, notice)
             SELECT printf('30000000-0000-0000-%04d-%012d', k, id), 'o' || k || id, '{{}}', id, 7, 'Ada', 'x', '[]', 'taken', 1, 1,
                CASE k WHEN 1 THEN printf('40000000-0000-0000-%04d-%012d', k, id) END FROM conversations, nth;
             INSERT INTO turns (id, prompt, conversation, process, attempt, from_position, state, outcome, started_at, ended_at,
                delivered_at)
             SELECT printf('50000000-0000-0000-%04d-%012d', k, id), printf('30000000-0000-0000-%04d-%012d', k, id), id,
                printf('20000000-0000-0000-%04d-%012d', k, id), 1, 0, 'ended', 'completed', 1, 2, 3 FROM conversations, nth;
             INSERT INTO asks (id, turn, process, request, kind, body, state, created_at, settled_at)
             SELECT 'a' || rowid, id, process, 'r', 'plan', '{{}}', 'allowed', 1, 2 FROM turns;
             INSERT INTO slots (turn, slot, channel, message, nonce, body_hash, state, first_try_at)
             SELECT notice, 0, conversation, 1000000 + seq, 'n' || seq, 'h', 'removed', 1 FROM prompts WHERE notice IS NOT NULL
             UNION ALL SELECT id, 0, conversation, 2000000 + rowid, 't' || rowid, 'h', 'sent', 1 FROM turns;
             INSERT INTO audit (seq, at, action, target, detail, hash)
             SELECT id, 1, 'start', '', '', 'h' FROM conversations ORDER BY id;
             DROP TABLE nth;"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(fill)).execute(&mut *db.writer().await.unwrap()).await.unwrap();
        db
    }

    /// Counts what each connection does from now on.
    async fn counted(&self) -> Arc<AtomicU64> {
        let steps = Arc::new(AtomicU64::new(0));
        for connection in self.readers.iter().chain([&self.writer]) {
            let mut connection = connection.lend().await.unwrap();
            let steps = Arc::clone(&steps);
            connection.lock_handle().await.unwrap().set_progress_handler(UNIT, move || {
                steps.fetch_add(1, Ordering::Relaxed);
                true
            });
        }
        steps
    }
}

/// What a start and the first gateway session read, and an actor that begins.
async fn steps_of_a_start(db: &Db) -> u64 {
    let steps = db.counted().await;
    db.chain_old_audit().await.unwrap();
    db.audit_head().await.unwrap();
    db.last_login_outage().await.unwrap();
    assert_eq!(db.conversations_with_work().await.unwrap(), [HERE]);
    db.processes_to_forget().await.unwrap();
    assert_eq!(db.all_waiting().await.unwrap().len(), 1);
    assert_eq!(db.processes_to_attach(HERE).await.unwrap().len(), 1);
    db.unsteer_ended(HERE).await.unwrap();
    assert_eq!(db.to_take_up(HERE).await.unwrap().len(), 1);
    db.noticed(HERE).await.unwrap();
    steps.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_start_reads_what_is_open_and_not_what_ever_was() {
    let mut steps = Vec::new();
    for conversations in [10, 5000] {
        let db = Db::with_done(conversations, 2).await;
        db.running(1).await;
        db.accept(&prompt(2), None).await.unwrap();
        // As at the start before.
        assert_eq!(db.forget_notices().await.unwrap(), conversations);
        steps.push(steps_of_a_start(&db).await);
    }
    assert!(steps[1] <= steps[0] + 5, "steps of a start, in units of {UNIT}: {steps:?}");
}

/// What a turn with one question reads and writes, from its prompt to its end.
async fn steps_of_a_turn(db: &Db) -> u64 {
    let steps = db.counted().await;
    let prompt = prompt(MESSAGE);
    let arrival = db.arrival(prompt.id, HERE, HERE.into()).await.unwrap();
    assert!(!db.is_repeated(&arrival, MessageId(MESSAGE)).await.unwrap());
    assert_eq!(db.opener(HERE).await.unwrap(), Some(UserId(7)));
    assert_eq!(db.shared_with(HERE, UserId(HUGE)).await.unwrap(), None);
    db.accept(&prompt, Some((HERE.into(), MessageId(MESSAGE)))).await.unwrap();
    assert_eq!(db.queued_count(HERE).await.unwrap(), 1);
    let process = ProcessId(Uuid::from_u128(1));
    db.start_process(&new_process(process)).await.unwrap();
    let new = NewTurn { id: TurnId::of(prompt.id), ..new_turn(Some(prompt.id), process) };
    db.begin_turn(&new).await.unwrap();
    let turn = new.id;
    assert_eq!(db.slots(turn).await.unwrap(), []);
    let key = SlotKey { turn, slot: 0, generation: 0 };
    let ask = Ask {
        request: "r1".to_owned(),
        tool_use: None,
        kind: AskKind::Plan { plan: "# plan".to_owned() },
        input: "{}".to_owned(),
    };
    let id = db.save_ask(turn, process, &ask, db.now()).await.unwrap();
    let allow = Action::Answer { ask: id, choice: Choice::AllowOnce };
    let buttons = db.slot_sending(key, HERE.into(), "new", "h", vec![allow]).await.unwrap();
    assert_eq!(db.slot_follows(key).await.unwrap(), Some(MessageId(MESSAGE)));
    assert!(!db.knows_message(MessageId(MESSAGE + 1)).await.unwrap());
    db.slot_sent(key, MessageId(MESSAGE + 1), "h").await.unwrap();
    assert!(db.button(&buttons[0]).await.unwrap().is_some());
    assert_eq!(db.asker(turn).await.unwrap(), Some(UserId(HUGE)));
    assert!(db.has_part(turn, UserId(HUGE)).await.unwrap());
    let given = Some(&Answer::AllowForSession);
    assert!(db.settle_ask(process, "r1", AskState::Allowed, given, None).await.unwrap());
    db.note_side_effects(turn).await.unwrap();
    assert!(db.end_turn(turn, &completed(), &usage(), 1, None).await.unwrap());
    db.delivered(turn).await.unwrap();
    db.end_process(process, &Exit::Lost).await.unwrap();
    db.process_forgotten(process).await.unwrap();
    steps.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_turn_reads_nothing_of_those_before_it() {
    let mut steps = Vec::new();
    for (conversations, turns) in [(1, 2), (1, 5000), (5000, 2)] {
        let db = Db::with_done(conversations, turns).await;
        steps.push(steps_of_a_turn(&db).await);
    }
    assert!(steps.iter().all(|&much| much <= steps[0] + 5), "steps of a turn, in units of {UNIT}: {steps:?}");
}

#[tokio::test]
async fn a_notice_that_is_shown_or_of_what_waits_is_not_forgotten() {
    let db = Db::new().await;
    let key = |number: u128| TurnId(Uuid::from_u128(number));
    for number in 1..=2_u64 {
        db.accept(&prompt(number), None).await.unwrap();
        db.note_notice(prompt(number).id, key(number.into())).await.unwrap();
    }
    assert_eq!(db.forget_notices().await.unwrap(), 0, "they wait");
    shows(&db, key(1)).await;
    for number in 1..=2 {
        db.withdraw(prompt(number).id, TurnId::of(prompt(number).id)).await.unwrap();
    }
    assert_eq!(db.forget_notices().await.unwrap(), 1, "of the second nothing is shown");
    let told = Noticed { prompt: prompt(1).id, key: key(1), state: PromptState::Withdrawn };
    assert_eq!(db.noticed(HERE).await.unwrap(), [told]);
    assert_eq!(db.conversations_with_work().await.unwrap(), [HERE]);
}

/// It has no row, and its message may show still that it waits.
#[tokio::test]
async fn a_turn_that_never_begins_is_known_to_the_next_start_until_people_see_its_end() {
    let db = Db::new().await;
    let turn = |number: u64| TurnId::of(prompt(number).id);
    for number in 1..=4 {
        db.accept(&prompt(number), None).await.unwrap();
    }
    assert!(db.withdraw(prompt(1).id, turn(1)).await.unwrap());
    assert!(db.refuse(prompt(2).id, turn(2), "why").await.unwrap());
    // Two that waited to be one turn.
    for number in [3, 4] {
        assert!(db.refuse(prompt(number).id, turn(3), "why").await.unwrap());
    }
    assert!(!db.withdraw(prompt(4).id, turn(4)).await.unwrap(), "it is over");
    let ended = |number, shown_in, why: Option<&str>| Ended {
        prompt: prompt(number).id,
        shown_in: turn(shown_in),
        refused_because: why.map(str::to_owned),
    };
    let all =
        [ended(1, 1, None), ended(2, 2, Some("why")), ended(3, 3, Some("why")), ended(4, 3, Some("why"))];
    assert_eq!(db.ended_unseen(HERE).await.unwrap(), all);
    assert_eq!(db.conversations_with_work().await.unwrap(), [HERE]);
    for number in 1..=3 {
        db.delivered(turn(number)).await.unwrap();
    }
    assert_eq!(db.ended_unseen(HERE).await.unwrap(), []);
    assert_eq!(db.conversations_with_work().await.unwrap(), []);
}

/// A message is posted under this key.
async fn shows(db: &Db, key: TurnId) {
    let slot = "INSERT INTO slots (turn, slot, channel, nonce, body_hash, state, first_try_at) VALUES (?, 0, 100, ?, 'h', 'sent', 1)";
    let key = key.to_string();
    sqlx::query(slot).bind(&key).bind(&key).execute(&mut *db.writer().await.unwrap()).await.unwrap();
}

//! What is forgotten, and what is not.

use std::time::Duration;

use super::*;
use crate::domain::action::FormKind;

const DAY_MS: i64 = 24 * 3600 * 1000;
const AGE: Duration = Duration::from_hours(90 * 24);

impl Db {
    /// Makes everything older by so many days.
    async fn age(&self, days: i64) {
        let ms = days * DAY_MS;
        for (table, columns) in [
            ("prompts", "accepted_at,received_at"),
            ("turns", "started_at,ended_at,delivered_at"),
            ("processes", "started_at,ended_at,forgotten_at"),
            ("asks", "created_at,settled_at"),
            ("slots", "first_try_at"),
            ("buttons", "created_at"),
            ("login_outages", "begun_at,ended_at"),
            ("settled_held", "settled_at"),
        ] {
            for column in columns.split(',') {
                let statement = format!("UPDATE {table} SET {column} = {column} - {ms}");
                sqlx::query(sqlx::AssertSqlSafe(statement))
                    .execute(&mut *self.writer().await.unwrap())
                    .await
                    .unwrap();
            }
        }
    }

    async fn count(&self, table: &str) -> i64 {
        let query = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        sqlx::query_scalar(query).fetch_one(&mut *self.reader().await.unwrap()).await.unwrap()
    }

    async fn counts(&self) -> [i64; 6] {
        let mut counts = [0; 6];
        for (count, table) in
            counts.iter_mut().zip(["prompts", "turns", "processes", "asks", "slots", "buttons"])
        {
            *count = self.count(table).await;
        }
        counts
    }

    /// A turn with an ask, a message and a button, over and delivered; its process is forgotten.
    async fn done(&self, message: u64) -> (TurnId, ProcessId) {
        let (turn, process) = self.running(message).await;
        let ask = self.save_ask(turn, process, &ask("r"), self.now()).await.unwrap();
        self.settle_ask(process, "r", AskState::Allowed, Some(&Answer::Allow), None).await.unwrap();
        let action = Action::Answer { ask, choice: Choice::Deny };
        self.button_ids(HERE, vec![action]).await.unwrap();
        self.shown(turn, message).await;
        self.end_turn(turn, &TurnEnd::Interrupted, &usage(), 0, None).await.unwrap();
        self.delivered(turn).await.unwrap();
        self.end_process(process, &Exit::Lost).await.unwrap();
        self.process_forgotten(process).await.unwrap();
        (turn, process)
    }

    async fn shown(&self, turn: TurnId, message: u64) {
        let key = SlotKey { turn, slot: 0, generation: 0 };
        let nonce = format!("n{message}{}", turn.0);
        self.slot_sending(key, HERE.into(), &nonce, "h", Vec::new()).await.unwrap();
        self.slot_sent(key, MessageId(message), "h").await.unwrap();
    }

    /// All messages up to now were decided on.
    async fn all_decided(&self) {
        let now = MessageId::first_at(Clock::start().wall());
        self.advance_watermark(HERE.into(), now).await.unwrap();
    }

    async fn forget_all(&self) -> u64 {
        let mut rows = 0;
        for _ in 0..100 {
            let forgotten = self.forget_history(AGE, 2).await.unwrap();
            if forgotten.rows == 0 {
                return rows;
            }
            rows += forgotten.rows;
        }
        panic!("it never ends");
    }
}

fn ask(request: &str) -> Ask {
    Ask {
        request: request.to_owned(),
        tool_use: None,
        kind: AskKind::Plan { plan: String::new() },
        input: "{}".to_owned(),
    }
}

#[tokio::test]
async fn what_is_done_and_old_is_forgotten_in_batches_and_its_sums_stay() {
    let db = Db::new().await;
    for message in 1..=5 {
        db.done(message).await;
    }
    db.age(100).await;
    let (young, _) = db.done(6).await;
    db.all_decided().await;
    let before = db.status(None).await.unwrap();
    let first = db.forget_history(AGE, 2).await.unwrap();
    assert_eq!((first.prompts.len(), db.count("turns").await), (2, 4), "a batch is small");
    db.forget_all().await;
    assert_eq!(db.counts().await, [2, 1, 1, 1, 1, 1], "what is young stays, and who opened it");
    assert!(db.turn(young).await.unwrap().is_some());
    assert_eq!(db.status(None).await.unwrap(), before, "the sums are as they were");
    assert_eq!(db.forget_all().await, 0);
}

#[tokio::test]
async fn who_opened_a_conversation_is_not_forgotten_and_what_they_said_is() {
    let db = Db::new().await;
    let there = ConversationId(200);
    db.open_conversation(&new_conversation(there)).await.unwrap();
    let by = |id: u64| Author { id: UserId(id), name: "Somebody".to_owned() };
    let command = |interaction: u64| {
        let origin = Origin::Command { channel: there.into(), interaction };
        Prompt {
            id: Prompt::id_of(&origin),
            origin,
            conversation: there,
            author: by(interaction),
            ..prompt(1)
        }
    };
    for interaction in 1..=3 {
        db.accept(&command(interaction), None).await.unwrap();
        db.withdraw(command(interaction).id, TurnId::of(command(interaction).id)).await.unwrap();
    }
    db.all_decided().await;
    db.age(100).await;
    let forgotten = db.forget_history(AGE, 10).await.unwrap();
    assert_eq!(forgotten.prompts.len(), 3, "the files of all");
    assert_eq!(db.forget_all().await, 0);
    db.accept(&command(4), None).await.unwrap();
    assert_eq!(db.opener(there).await.unwrap(), Some(UserId(1)));
    let first = db.prompt(command(1).id).await.unwrap().unwrap();
    assert_eq!((first.text.as_str(), first.attachments.len()), ("", 0));
    assert_eq!(db.count("prompts").await, 2);
}

#[tokio::test]
async fn nothing_that_is_open_is_forgotten() {
    let db = Db::new().await;
    // Waits; runs; is not delivered; has a process that lives; is held, with its notice.
    db.accept(&prompt(1), None).await.unwrap();
    db.shown(TurnId(Uuid::new_v4()), 2).await;
    let (_, running) = db.running(3).await;
    let (undelivered, process) = db.running(4).await;
    db.end_turn(undelivered, &TurnEnd::Interrupted, &usage(), 0, None).await.unwrap();
    db.end_process(process, &Exit::Lost).await.unwrap();
    let (delivered, _) = db.running(5).await;
    db.end_turn(delivered, &TurnEnd::Interrupted, &usage(), 0, None).await.unwrap();
    db.delivered(delivered).await.unwrap();
    let (asking, process) = db.done(6).await;
    let open = db.save_ask(asking, process, &ask("open"), db.now()).await.unwrap();
    db.button_ids(HERE, vec![Action::Answer { ask: open, choice: Choice::AllowOnce }]).await.unwrap();
    let there = ChannelId(200);
    db.hold(&prompt(7), there, None).await.unwrap();
    let held = ConversationId(there.0);
    db.button_ids(
        held,
        vec![Action::RunHeld { conversation: held }, Action::IgnoreHeld { conversation: held }],
    )
    .await
    .unwrap();
    let notice = SlotKey { turn: TurnId(Uuid::new_v4()), slot: 0, generation: 0 };
    db.slot_sending(notice, there, "notice", "h", Vec::new()).await.unwrap();
    let outage = TurnId(Uuid::new_v4());
    db.begin_login_outage(outage, ChannelId(300)).await.unwrap();
    db.slot_sending(SlotKey { turn: outage, ..notice }, ChannelId(300), "outage", "h", Vec::new())
        .await
        .unwrap();
    db.all_decided().await;
    db.advance_watermark(there, MessageId(1000)).await.unwrap();
    db.age(1000).await;
    let before = db.counts().await;
    // The one ask of the turn that still asks is settled, and stays with its turn.
    db.forget_all().await;
    assert_eq!(db.counts().await, before);
    assert_eq!(db.open_asks(process).await.unwrap().len(), 1);
    assert!(!db.slots(notice.turn).await.unwrap().is_empty());
    assert!(db.live_processes().await.unwrap().iter().any(|process| process.id == running));
    assert!(!db.slots(outage).await.unwrap().is_empty());
    // When somebody decided, the prompt goes; the notice still has to say so, also after the next start.
    db.ignore_held(there).await.unwrap();
    assert!(db.forget_all().await > 0);
    assert!(!db.slots(notice.turn).await.unwrap().is_empty());
    db.age(1000).await;
    db.all_decided().await;
    assert!(db.forget_all().await > 0);
    assert_eq!(db.settled_held(there).await.unwrap(), []);
    assert!(db.slots(notice.turn).await.unwrap().is_empty());
    assert_eq!(db.prompt(prompt(7).id).await.unwrap(), None);
}

#[tokio::test]
async fn a_prompt_whose_row_is_forgotten_does_not_run_again() {
    let db = Db::new().await;
    let channel = ChannelId::from(HERE);
    // The first one stays anyway.
    db.done(1).await;
    let old = MessageId::first_at(WallTime(Clock::start().wall().0 - 200 * DAY_MS));
    for step in 0..3 {
        db.done(old.0 + step).await;
    }
    sqlx::query("UPDATE prompts SET received_at = accepted_at")
        .execute(&mut *db.writer().await.unwrap())
        .await
        .unwrap();
    db.age(200).await;
    // Nobody knows how far Discord was read: nothing goes, because all may be read again.
    assert_eq!(db.forget_all().await, 0);
    // Another channel was read, and this one up to the second message.
    db.advance_watermark(ChannelId(7), MessageId::first_at(Clock::start().wall())).await.unwrap();
    db.advance_watermark(channel, MessageId(old.0 + 1)).await.unwrap();
    db.forget_all().await;
    let again = async |step: u64| db.accept(&prompt(old.0 + step), None).await.unwrap();
    assert_eq!(again(2).await, Accepted::Duplicate, "it is read again, so its row must be there");
    assert_eq!(db.watermark(channel).await.unwrap(), Some(MessageId(old.0 + 1)), "watermarks stay");
    let is_repeated = async |message: MessageId| {
        let asked = prompt(message.0);
        let arrival = db.arrival(asked.id, asked.conversation, channel).await.unwrap();
        db.is_repeated(&arrival, message).await.unwrap()
    };
    for step in 0..3 {
        // Those that are gone are not read again; if they come live, they are known by their age.
        assert_eq!(is_repeated(MessageId(old.0 + step)).await, step < 2, "{step}");
        assert_eq!(db.prompt(prompt(old.0 + step).id).await.unwrap().is_none(), step < 2, "{step}");
    }
    let young = MessageId::first_at(WallTime(Clock::start().wall().0 - DAY_MS / 2));
    db.advance_watermark(channel, MessageId(young.0 + 1)).await.unwrap();
    assert!(!is_repeated(young).await, "messages may come out of their order");
}

#[tokio::test]
async fn a_turn_that_was_cut_off_waits_for_the_click_on_go_on_which_is_remembered_as_long_as_the_turn() {
    let db = Db::new().await;
    let (turn, _) = db.done(1).await;
    let end = TurnEnd::CutOff { failure: Failure::Lost };
    let end = serde_json::to_string(&end).unwrap();
    sqlx::query("UPDATE turns SET end = ?")
        .bind(end)
        .execute(&mut *db.writer().await.unwrap())
        .await
        .unwrap();
    db.button_ids(HERE, vec![Action::GoOn { turn }]).await.unwrap();
    db.all_decided().await;
    db.age(100).await;
    let before = db.counts().await;
    assert_eq!(db.forget_all().await, 0, "the button below it works");
    assert_eq!(db.counts().await, before);
    let origin = Origin::GoOn { turn, channel: HERE.into(), message: MessageId(2), click: 3 };
    let id = PromptId(Uuid::new_v5(&Uuid::NAMESPACE_OID, origin.key().as_bytes()));
    db.accept(&Prompt { id, origin, ..prompt(1) }, None).await.unwrap();
    db.withdraw(id, TurnId::of(id)).await.unwrap();
    db.age(100).await;
    // The turn stays for a reason of its own.
    sqlx::query("UPDATE turns SET delivered_at = NULL")
        .execute(&mut *db.writer().await.unwrap())
        .await
        .unwrap();
    db.forget_all().await;
    assert!(db.prompt(id).await.unwrap().is_some());
    assert_eq!(db.count("buttons").await, 2);
    sqlx::query("UPDATE turns SET delivered_at = 1").execute(&mut *db.writer().await.unwrap()).await.unwrap();
    db.forget_all().await;
    assert_eq!(db.counts().await, [1, 0, 0, 0, 0, 0]);
}

#[tokio::test]
async fn a_turn_of_which_a_process_may_still_tell_stays() {
    let db = Db::new().await;
    // An earlier attempt of it was in a process whose spool is still there.
    let earlier = ProcessId(Uuid::new_v4());
    db.start_process(&new_process(earlier)).await.unwrap();
    let (turn, _) = db.done(1).await;
    db.end_process(earlier, &Exit::Lost).await.unwrap();
    db.all_decided().await;
    db.age(100).await;
    db.forget_all().await;
    assert!(db.turn(turn).await.unwrap().is_some());
    db.process_forgotten(earlier).await.unwrap();
    db.age(100).await;
    db.forget_all().await;
    assert_eq!(db.counts().await, [1, 0, 0, 0, 0, 0]);
}

#[tokio::test]
async fn what_was_accepted_while_the_clock_was_behind_is_as_young_as_discord_says() {
    let db = Db::new().await;
    let (turn, _) = db.done(1).await;
    db.all_decided().await;
    db.age(1000).await;
    let said = Clock::start().wall().0;
    sqlx::query("UPDATE prompts SET received_at = ?")
        .bind(said)
        .execute(&mut *db.writer().await.unwrap())
        .await
        .unwrap();
    sqlx::query("UPDATE slots SET message = ?")
        .bind(MessageId::first_at(WallTime(said)).0.cast_signed())
        .execute(&mut *db.writer().await.unwrap())
        .await
        .unwrap();
    assert_eq!(db.forget_all().await, 0);
    assert!(db.turn(turn).await.unwrap().is_some());
    db.age(100).await;
    assert!(db.forget_all().await > 0);
    assert_eq!(db.turn(turn).await.unwrap(), None);
}

#[tokio::test]
async fn buttons_menus_and_forms_of_an_ask_go_with_it() {
    let db = Db::new().await;
    let (turn, process) = db.done(1).await;
    let ask = db.save_ask(turn, process, &ask("more"), db.now()).await.unwrap();
    let form = FormKind::Why;
    let actions = vec![
        Action::Choose { ask, question: 0 },
        Action::OpenForm { ask, form },
        Action::SubmitForm { ask, form },
        Action::ShowAll { ask },
    ];
    db.button_ids(HERE, actions).await.unwrap();
    db.all_decided().await;
    db.age(100).await;
    db.forget_all().await;
    assert_eq!(db.count("buttons").await, 5, "it is open");
    db.settle_ask(process, "more", AskState::Withdrawn, None, None).await.unwrap();
    db.forget_all().await;
    assert_eq!(db.count("buttons").await, 0);
}

#[tokio::test]
async fn a_clock_that_is_set_ahead_forgets_nothing() {
    let db = Db::new().await;
    db.done(1).await;
    // By our clock it is 100 days later; by Discord's, which wrote the last message, it is not.
    db.age(100).await;
    let then = Clock::start().wall().0 - 100 * DAY_MS;
    db.advance_watermark(HERE.into(), MessageId::first_at(WallTime(then))).await.unwrap();
    assert_eq!(db.forget_all().await, 0);
    db.all_decided().await;
    assert!(db.forget_all().await > 0);
    assert_eq!(db.count("watermarks").await, 1);
    assert_eq!(db.count("conversations").await, 1);
}

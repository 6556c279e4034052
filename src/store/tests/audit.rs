//! The audit: only ever added to, and a change is found.

use std::path::PathBuf;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use super::*;
use crate::domain::ruling::{RuledBy, Ruling};
use crate::store::audit_file::{AuditFile, Broken};

fn file(db: &Db) -> PathBuf {
    db.dir.path().join("switchboard.db")
}

async fn verify(db: &Db, noted: &[AuditHead]) -> Result<AuditHead, Broken> {
    AuditFile::open(&file(db)).await.unwrap().verify(noted).await.unwrap()
}

/// Somebody who may write the file does this to it, with the triggers out of the way.
async fn tamper(db: &Db, sql: &str) -> Result<(), sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(file(db));
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&pool).await;
    pool.close().await;
    done.map(|_| ())
}

const WITHOUT_TRIGGERS: &str = "DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_deleted;
    DROP TRIGGER audit_is_not_replaced; ";

async fn with_rows(count: usize) -> Db {
    let db = Db::new().await;
    for number in 0..count {
        db.audit(Some(UserId(HUGE)), "stop", &format!("{number}"), "").await.unwrap();
    }
    db
}

#[tokio::test]
async fn rows_are_only_added() {
    let db = with_rows(3).await;
    for sql in [
        "UPDATE audit SET detail = 'x' WHERE seq = 2",
        "UPDATE audit SET hash = NULL",
        "DELETE FROM audit WHERE seq = 3",
        "DELETE FROM audit",
        "REPLACE INTO audit (seq, at, action, target, detail, hash) VALUES (2, 1, 'a', 'b', 'c', 'd')",
        "INSERT INTO audit (at, action, target, detail) VALUES (1, 'a', 'b', 'c')",
    ] {
        assert!(tamper(&db, sql).await.is_err(), "{sql}");
    }
    assert_eq!(verify(&db, &[]).await.unwrap().seq, 3);
}

#[tokio::test]
async fn a_flipped_byte_anywhere_is_found() {
    for change in [
        "at = at + 1",
        "actor = actor - 1",
        "actor = NULL",
        "action = 'stoq'",
        "target = '9'",
        "detail = ' '",
        "hash = replace(hash, substr(hash, 1, 1), 'x')",
    ] {
        let db = with_rows(6).await;
        tamper(&db, &format!("{WITHOUT_TRIGGERS} UPDATE audit SET {change} WHERE seq = 4")).await.unwrap();
        assert_eq!(verify(&db, &[]).await, Err(Broken::Changed(4)), "{change}");
    }
    // Somebody who computes the hash of the changed row leaves the next one wrong.
    let db = with_rows(6).await;
    let mut entry = db.audit_entries(3).await.unwrap().remove(2);
    let before = db.audit_entries(4).await.unwrap().remove(3).hash;
    entry.detail = "x".to_owned();
    let hash = entry.hash_after(&before);
    let sql = format!(
        "{WITHOUT_TRIGGERS} UPDATE audit SET detail = 'x', hash = '{hash}' WHERE seq = {}",
        entry.seq
    );
    tamper(&db, &sql).await.unwrap();
    assert_eq!(verify(&db, &[]).await, Err(Broken::Changed(entry.seq + 1)));
}

#[tokio::test]
async fn missing_rows_are_found() {
    let db = with_rows(6).await;
    tamper(&db, &format!("{WITHOUT_TRIGGERS} DELETE FROM audit WHERE seq = 3")).await.unwrap();
    assert_eq!(verify(&db, &[]).await, Err(Broken::Missing { expected: 3, found: 4 }));
    let db = with_rows(6).await;
    tamper(&db, &format!("{WITHOUT_TRIGGERS} DELETE FROM audit WHERE seq > 4")).await.unwrap();
    assert_eq!(verify(&db, &[]).await, Err(Broken::Cut { last: 4, given: 6 }));
    // What is added after that does not hide it.
    db.audit(None, "start", "", "").await.unwrap();
    assert_eq!(verify(&db, &[]).await, Err(Broken::Missing { expected: 5, found: 7 }));
}

#[tokio::test]
async fn a_noted_head_finds_what_the_file_alone_does_not_tell() {
    let db = with_rows(6).await;
    let noted = db.audit_head().await.unwrap();
    db.audit(None, "start", "", "").await.unwrap();
    assert_eq!(verify(&db, std::slice::from_ref(&noted)).await.unwrap().seq, 7);
    let cut = format!(
        "{WITHOUT_TRIGGERS} DELETE FROM audit WHERE seq > 4; UPDATE sqlite_sequence SET seq = 4 WHERE name = 'audit'"
    );
    tamper(&db, &cut).await.unwrap();
    assert_eq!(verify(&db, &[]).await.unwrap().seq, 4, "this is what it cannot know by itself");
    assert_eq!(verify(&db, std::slice::from_ref(&noted)).await, Err(Broken::OtherHead(6)));
    for _ in 0..3 {
        db.audit(None, "start", "", "").await.unwrap();
    }
    assert_eq!(verify(&db, &[noted]).await, Err(Broken::OtherHead(6)));
}

#[tokio::test]
async fn many_at_once_make_one_chain() {
    let db = Db::new().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..50 {
        let store = db.store.clone();
        tasks.spawn(async move {
            store.audit(Some(UserId(number)), "stop", "", "").await.unwrap();
            store.accept(&prompt(number), None).await.unwrap();
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(verify(&db, &[]).await.unwrap().seq, 100);
}

#[tokio::test]
async fn rows_of_before_the_chain_get_their_place_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("switchboard.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let mut old = sqlx::migrate!();
    old.migrations.to_mut().truncate(5);
    old.run(&pool).await.unwrap();
    sqlx::query(
        "INSERT INTO audit (at, actor, action, target, detail) VALUES (1, 7, 'answer', 'x', 'allowed'), (2, NULL, 'y', '', '')",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;
    let store = Store::open(&path, Clock::start()).await.unwrap();
    store.audit(None, "start", "", "").await.unwrap();
    let head = AuditFile::open(&path).await.unwrap().verify(&[]).await.unwrap().unwrap();
    assert_eq!(head.seq, 3);
    assert_eq!(store.audit_entries(3).await.unwrap()[2].actor, Some(UserId(7)));
}

#[tokio::test]
async fn what_decides_is_told_with_it() {
    let db = Db::new().await;
    let (turn, process) = db.running(1).await;
    db.accept(&prompt(2), None).await.unwrap();
    assert!(db.refuse(prompt(2).id, TurnId::of(prompt(2).id), "no room").await.unwrap());
    db.accept(&prompt(2), None).await.unwrap();
    db.accept(&prompt(3), None).await.unwrap();
    assert!(db.withdraw(prompt(3).id, TurnId::of(prompt(3).id)).await.unwrap());
    db.hold(&prompt(4), ChannelId(100), None).await.unwrap();
    let ask = Ask {
        request: "r".to_owned(),
        tool_use: None,
        kind: AskKind::Plan { plan: "p".to_owned() },
        input: "{}".to_owned(),
    };
    db.save_ask(turn, process, &ask, db.now()).await.unwrap();
    let author = Author { id: UserId(3), name: "Ada".to_owned() };
    for _ in 0..2 {
        db.settle_ask(process, "r", AskState::Allowed, Some(&Answer::Allow), Some(&author)).await.unwrap();
    }
    let mut entries = db.audit_entries(100).await.unwrap();
    entries.reverse();
    let told: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(told, ["prompt", "prompt", "refused", "prompt", "withdrawn", "held", "answer"], "each once");
    assert_eq!(entries[2].detail, "no room");
    assert!(entries[6].detail.starts_with("allowed plan input=") && entries[6].actor == Some(UserId(3)));
    assert!(entries.iter().all(|entry| !entry.detail.contains("quoted")), "no text of prompts");
}

#[tokio::test]
async fn a_ruling_is_noted_once_however_often_it_is_read() {
    let db = Db::new().await;
    let ruling = |of: &str, allowed| Ruling {
        of: of.to_owned(),
        tool: "Bash".to_owned(),
        allowed,
        by: RuledBy::Rule { rule: "Bash(ls:*)".to_owned(), input: "ba7816bf8f01cfea".to_owned() },
    };
    for _ in 0..3 {
        db.note_ruling(ConversationId(7), &ruling("toolu_1", true)).await.unwrap();
        db.note_ruling(ConversationId(7), &ruling("toolu_2", true)).await.unwrap();
        // Somebody who says something else of the same does not stand in its way.
        db.note_ruling(ConversationId(7), &ruling("toolu_1", false)).await.unwrap();
    }
    let entries = db.audit_entries(10).await.unwrap();
    let noted: Vec<_> =
        entries.iter().rev().map(|entry| (entry.target.as_str(), entry.detail.as_str())).collect();
    let rest = "by the rule Bash(ls:*): Bash input=ba7816bf8f01cfea conversation=7";
    let (allowed, denied) = (format!("allowed {rest}"), format!("denied {rest}"));
    assert_eq!(
        noted,
        [("toolu_1", allowed.as_str()), ("toolu_2", allowed.as_str()), ("toolu_1", denied.as_str())]
    );
    assert_eq!(verify(&db, &[]).await.unwrap().seq, 3);
}

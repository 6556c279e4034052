//! What the machine does to the file: power cuts, a full disk, somebody else's lock, an upgrade.

use std::path::PathBuf;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use super::*;

fn file(db: &Db) -> PathBuf {
    db.dir.path().join("switchboard.db")
}

/// The messages whose prompts wait, in order.
async fn waiting(store: &Store) -> Vec<u64> {
    store.queued(HERE).await.unwrap().iter().map(|prompt| prompt.origin.order()).collect()
}

/// RELIABILITY A3: of a log that ends anywhere, what was committed before that is there, in order and whole.
#[tokio::test]
async fn a_power_cut_takes_only_what_was_not_yet_written() {
    const PROMPTS: u64 = 40;
    let db = Db::new().await;
    let mut lengths = Vec::new();
    let log = db.dir.path().join("switchboard.db-wal");
    for message in 1..=PROMPTS {
        db.accept(&prompt(message), Some((ChannelId(HERE.0), MessageId(message)))).await.unwrap();
        lengths.push(std::fs::metadata(&log).unwrap().len());
    }
    let (base, log) = (std::fs::read(file(&db)).unwrap(), std::fs::read(&log).unwrap());
    for cut in (0..60).map(|step| log.len() * step / 60 + step * 7 % 4096).chain([log.len()]) {
        let cut = cut.min(log.len());
        let dir = tempfile::tempdir().unwrap();
        let copy = dir.path().join("switchboard.db");
        std::fs::write(&copy, &base).unwrap();
        std::fs::write(dir.path().join("switchboard.db-wal"), &log[..cut]).unwrap();
        let store = Store::open(&copy, Clock::start()).await.unwrap();
        if store.conversation(HERE).await.unwrap().is_none() {
            // The cut is before the first prompt.
            assert!(
                cut < usize::try_from(lengths[0]).unwrap(),
                "the conversation is lost with a cut at {cut}"
            );
            continue;
        }
        let there = waiting(&store).await;
        assert_eq!(there, (1..=there.len() as u64).collect::<Vec<_>>(), "cut at {cut}");
        let promised = lengths.iter().filter(|length| **length <= cut as u64).count();
        assert!(there.len() >= promised, "{promised} were committed before {cut}, {} are there", there.len());
        let watermark =
            store.watermarks().await.unwrap().into_iter().find(|(channel, _)| channel.0 == HERE.0);
        assert_eq!(watermark.map_or(0, |(_, message)| message.0), there.len() as u64, "both or neither");
    }
}

/// A second connection to the same file, as a backup or a person with `sqlite3` has.
async fn stranger(db: &Db) -> sqlx::SqlitePool {
    let options = SqliteConnectOptions::new().filename(file(db)).busy_timeout(Duration::ZERO);
    SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap()
}

#[tokio::test]
async fn a_lock_of_somebody_else_is_waited_for() {
    let db = Db::new().await;
    let other = stranger(&db).await;
    let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let (prompt, store) = (prompt(1), db.store.clone());
    let accepted = store.accept(&prompt, None);
    let released = async {
        // The other task has to meet the lock first; if it does not, the test shows less, and is right still.
        tokio::task::yield_now().await;
        lock.rollback().await.unwrap();
    };
    let (accepted, ()) = tokio::join!(accepted, released);
    assert_eq!(accepted.unwrap(), Accepted::New);
}

#[tokio::test]
async fn a_full_disk_is_said_loses_nothing_and_passes() {
    let db = Db::new().await;
    db.accept(&prompt(1), None).await.unwrap();
    // SQLite's own bound on the file gives the very error of a full disk.
    let pages: i64 =
        sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut *db.writer().await.unwrap()).await.unwrap();
    bound_pages(&db, pages).await;
    let mut refused = None;
    for message in 2..500 {
        if let Err(error) = db.accept(&prompt(message), None).await {
            refused = Some((message, error));
            break;
        }
    }
    let (message, error) = refused.expect("the file cannot grow for ever");
    assert!(error.is_passing(), "{error:?}");
    assert_eq!(
        waiting(&db).await,
        (1..message).collect::<Vec<_>>(),
        "what was accepted is there, and no half"
    );
    bound_pages(&db, pages * 1000).await;
    assert_eq!(db.accept(&prompt(message), None).await.unwrap(), Accepted::New);
}

async fn bound_pages(db: &Db, pages: i64) {
    let pragma = format!("PRAGMA max_page_count = {pages}");
    sqlx::query(sqlx::AssertSqlSafe(pragma)).execute(&mut *db.writer().await.unwrap()).await.unwrap();
}

/// RELIABILITY D3: whatever the schema was, its rows are there after the upgrade; and no migration leaves its transaction.
#[tokio::test]
async fn an_upgrade_from_the_first_schema_keeps_every_row() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("switchboard.db");
    let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let mut first = sqlx::migrate!();
    first.migrations.to_mut().truncate(1);
    first.run(&pool).await.unwrap();
    sqlx::query(
        "INSERT INTO conversations (id, project, title, created_at, last_active_at) VALUES (100, 'harbor', 'x', 1, 1);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
         INSERT INTO prompts (id, origin_key, origin, conversation, author, author_name, text, attachments,
                              received_at, accepted_at)
         SELECT lower(hex(zeroblob(4))) || '-0000-4000-8000-' || printf('%012d', i), 'message:' || i,
                '{\"kind\":\"message\",\"channel\":100,\"message\":' || i || '}', 100, 1, 'Mara', 'x', '[]', i, i FROM n",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;
    let store = Store::open(&file, Clock::start()).await.unwrap();
    assert_eq!(waiting(&store).await, (1..=5000).collect::<Vec<_>>());
    assert!(sqlx::migrate!().iter().all(|migration| !migration.no_tx), "all or nothing");
}

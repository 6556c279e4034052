//! The file: its mode, its safety, and what is refused.

use std::os::unix::fs::PermissionsExt;

use super::*;

#[tokio::test]
async fn only_the_owner_reads_the_files() {
    let db = Db::new().await;
    db.accept(&prompt(1), None).await.unwrap();
    for name in ["switchboard.db", "switchboard.db-wal", "switchboard.db-shm"] {
        let mode = std::fs::metadata(db.dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn what_is_promised_is_synced() {
    let db = Db::new().await;
    let pragma = async |name: &str| -> String {
        let text = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(text))
            .fetch_one(&mut *db.writer().await.unwrap())
            .await
            .unwrap()
    };
    assert_eq!(pragma("journal_mode").await, "wal");
    assert_eq!(pragma("synchronous").await, "2");
    assert_eq!(pragma("foreign_keys").await, "1");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("switchboard.db");
    let text = "this is no database\n".repeat(100);
    std::fs::write(&file, &text).unwrap();
    let error = Store::open(&file, Clock::start()).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[tokio::test]
async fn a_damaged_database_is_refused_and_stays() {
    let db = Db::new().await;
    for message in 0..200 {
        db.accept(&prompt(message), None).await.unwrap();
    }
    db.store.close().await;
    let file = db.dir.path().join("switchboard.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let end = bytes.len();
    bytes[8192..end - 4096].fill(0xA5);
    std::fs::write(&file, &bytes).unwrap();
    let error = Store::open(&file, Clock::start()).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}

#[tokio::test]
async fn a_large_one_is_opened_at_once_and_read_whole_beside_its_use() {
    let db = Db::new().await;
    assert!(db.is_checked(), "a small one is read before");
    for message in 0..200 {
        db.accept(&prompt(message), None).await.unwrap();
    }
    db.store.close().await;
    let file = db.dir.path().join("switchboard.db");
    let opened = Store::open_checked(&file, Clock::start(), 0).await.unwrap();
    assert!(!opened.is_checked());
    opened.accept(&prompt(1000), None).await.unwrap();
    opened.check().await.unwrap();
    opened.close().await;
    let mut bytes = std::fs::read(&file).unwrap();
    let end = bytes.len();
    bytes[end - 8192..end - 4096].fill(0xA5);
    std::fs::write(&file, &bytes).unwrap();
    let opened = Store::open_checked(&file, Clock::start(), 0).await.unwrap();
    let error = opened.check().await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let db = Db::new().await;
    sqlx::query(
        "UPDATE _sqlx_migrations SET version = 99991231000000
                 WHERE version = (SELECT max(version) FROM _sqlx_migrations)",
    )
    .execute(&mut *db.writer().await.unwrap())
    .await
    .unwrap();
    db.store.close().await;
    let error = Store::open(&db.dir.path().join("switchboard.db"), Clock::start()).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99_991_231_000_000, .. }), "{error:?}");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_to_is_said() {
    let dir = tempfile::tempdir().unwrap();
    for file in [dir.path().to_owned(), dir.path().join("missing/switchboard.db")] {
        let error = Store::open(&file, Clock::start()).await.unwrap_err();
        assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
    }
}

/// Until 3.51.2 a commit beside a checkpoint could damage the file (<https://sqlite.org/wal.html#walresetbug>), and sqlx is
/// content with one of those.
#[tokio::test]
async fn a_checkpoint_beside_a_commit_is_safe() {
    let db = Db::new().await;
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(&mut *db.writer().await.unwrap())
        .await
        .unwrap();
    let numbers: Vec<u32> = version.split('.').map(|number| number.parse().unwrap()).collect();
    assert!(numbers.as_slice() >= &[3, 51, 3], "{version}");
}

#[tokio::test]
async fn a_checkpoint_is_made_beside_the_calls() {
    let db = Db::new().await;
    let length = || std::fs::metadata(db.dir.path().join("switchboard.db")).unwrap().len();
    let before = length();
    let accept = async |messages: std::ops::Range<u64>| {
        for message in messages {
            db.accept(&prompt(message), None).await.unwrap();
        }
    };
    // More than SQLite itself would wait for.
    accept(0..240).await;
    assert_eq!(length(), before, "a call made it");
    let (made, ()) = tokio::join!(db.store.checkpoint(), accept(240..260));
    made.unwrap();
    assert!(length() > before);
}

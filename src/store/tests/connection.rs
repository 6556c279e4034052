use super::*;

/// A script that stores a channel in the first of its statements, and fails in its second where `fails`.
async fn note(db: &Db, channel: i64, fails: bool) -> Result<(), sqlx::Error> {
    let (kept, again) = (channel, if fails { channel } else { channel + 1 });
    let mut writer = db.writer().await.unwrap();
    let done = sqlx::query(
        "BEGIN IMMEDIATE; INSERT INTO watermarks VALUES (?, 1); INSERT INTO watermarks VALUES (?, 2); COMMIT",
    )
    .bind(kept)
    .bind(again)
    .execute(writer.script())
    .await;
    writer.ended(done).await.map(drop)
}

async fn channels(db: &Db) -> Vec<u64> {
    db.watermarks().await.unwrap().into_iter().map(|(channel, _)| channel.0).collect()
}

#[tokio::test]
async fn of_a_script_that_fails_nothing_is_left() {
    let db = Db::new().await;
    note(&db, 10, true).await.unwrap_err();
    assert!(channels(&db).await.is_empty());
    note(&db, 10, false).await.unwrap();
    assert_eq!(channels(&db).await, [10, 11]);
}

#[tokio::test]
async fn of_a_script_whose_end_nobody_sees_nothing_is_left() {
    let db = Db::new().await;
    {
        // As far as somebody got who stopped waiting for it.
        let mut writer = db.writer().await.unwrap();
        let begun = "BEGIN IMMEDIATE; INSERT INTO watermarks VALUES (10, 1)";
        sqlx::raw_sql(begun).execute(writer.script()).await.unwrap();
    }
    // Others write on, and keep what they write.
    db.advance_watermark(ChannelId(20), MessageId(1)).await.unwrap();
    note(&db, 30, false).await.unwrap();
    assert_eq!(channels(&db.reopened().await).await, [20, 30, 31]);
}

#[tokio::test]
async fn a_transaction_that_was_dropped_is_in_nobodys_way() {
    let db = Db::new().await;
    {
        let mut writer = db.writer().await.unwrap();
        let mut transaction = writer.begin().await.unwrap();
        sqlx::query("INSERT INTO watermarks VALUES (10, 1)").execute(&mut *transaction).await.unwrap();
    }
    db.advance_watermark(ChannelId(20), MessageId(1)).await.unwrap();
    note(&db, 30, false).await.unwrap();
    assert_eq!(channels(&db).await, [20, 30, 31]);
}

//! What people read: status, audit, and the tables themselves.

use super::*;
use crate::domain::event::Limit;

#[tokio::test]
async fn status_sums_up_and_knows_its_guild() {
    let db = Db::new().await;
    let state = async || db.status(Some(GUILD)).await.unwrap()[0].state;
    assert_eq!(state().await, ConversationState::Idle);
    let (turn, process) = db.running(1).await;
    db.accept(&prompt(2), None).await.unwrap();
    assert_eq!(state().await, ConversationState::Running);
    db.end_turn(turn, &completed(), &usage(), 2, None).await.unwrap();
    assert_eq!(state().await, ConversationState::Queued);
    let alone = new_turn(None, process);
    db.begin_turn(&alone).await.unwrap();
    let over = TurnEnd::TimedOut { limit: Limit::Silence };
    db.end_turn(alone.id, &over, &usage(), 0, None).await.unwrap();

    let status = &db.status(None).await.unwrap()[0];
    assert_eq!((status.conversation, status.turns, status.tokens), (HERE, 2, 30));
    assert!((status.cost_usd - 0.5).abs() < 1e-9);
    assert!(db.status(Some(GuildId(2))).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_audit_is_newest_first() {
    let db = Db::new().await;
    db.audit(Some(UserId(1)), "reset", "100", "").await.unwrap();
    db.audit(None, "start", "", "0.1.0").await.unwrap();
    let entries = db.audit_entries(1).await.unwrap();
    assert_eq!((entries.len(), entries[0].action.as_str(), entries[0].actor), (1, "start", None));
}

#[tokio::test]
async fn the_queries_of_the_documentation_answer() {
    let db = Db::new().await;
    let (turn, _) = db.running(1).await;
    db.end_turn(turn, &TurnEnd::Failed(Failure::Overloaded), &usage(), 2, None).await.unwrap();
    let docs = include_str!("../mod.rs");
    let block = docs.split("```sql\n").nth(1).unwrap().split("//! ```").next().unwrap();
    let sql: Vec<_> = block.lines().map(|line| line.trim_start_matches("//!")).collect();
    for query in sql.join("\n").split_inclusive(';').filter(|query| query.contains("SELECT")) {
        // The same through our own SQLite, so that the test needs no other program.
        let rows = sqlx::query(sqlx::AssertSqlSafe(query.to_owned()))
            .fetch_all(&mut *db.reader().await.unwrap())
            .await
            .unwrap();
        assert_eq!(rows.len(), 1, "{query}");
    }
    let readable: (String, String, String, f64) =
        sqlx::query_as("SELECT author, outcome, reason, cost_usd FROM turns_readable")
            .fetch_one(&mut *db.reader().await.unwrap())
            .await
            .unwrap();
    assert_eq!(readable, ("Ada".to_owned(), "failed".to_owned(), "overloaded".to_owned(), 0.25));
}

//! The bot's database, looked at beside it.

use switchboard::playground::discord::PATIENCE;

use super::Stage;

impl Stage {
    /// One answer from the database, by SQL that gives one text column.
    pub async fn sql(&self, query: &str) -> Vec<String> {
        let mut connection = self.database(true).await;
        sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(query.to_owned()))
            .fetch_all(&mut connection)
            .await
            .expect("the query works")
    }

    /// Changes the database while no bot runs: to what it would be after a long time.
    pub async fn alter(&self, statement: &str) {
        let mut connection = self.database(false).await;
        sqlx::query(sqlx::AssertSqlSafe(statement.to_owned()))
            .execute(&mut connection)
            .await
            .expect("the statement works");
    }

    /// Nobody else can write to the database until this is dropped.
    pub async fn locked(&self) -> sqlx::SqliteConnection {
        let mut writer = self.database(false).await;
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut writer).await.expect("it is locked");
        writer
    }

    async fn database(&self, read_only: bool) -> sqlx::SqliteConnection {
        let file = self.state_dir().join("switchboard.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(file)
            .read_only(read_only)
            .busy_timeout(*PATIENCE);
        sqlx::ConnectOptions::connect(&options).await.expect("the database opens beside the bot")
    }
}

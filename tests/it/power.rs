//! The power fails: what anybody saw of an acceptance, a turn or an answer must be on the disk by then, with a sync
//! (ARCHITECTURE, promises of the store). A library in the daemon keeps of each file what was synced last; the daemon itself
//! would not notice, because the system gives it what it wrote.

use std::path::{Path, PathBuf};

use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use switchboard::domain::ids::MessageId;

use crate::harness::{HARBOR, MARA, Stage};

/// A stage whose daemon leaves in the second directory what a power cut would leave.
async fn stage() -> (Stage, PathBuf) {
    let stage = Stage::new().await;
    let left = stage.dir().join("left");
    std::fs::create_dir(&left).expect("a directory");
    let path = |path: &Path| path.to_str().expect("it is text").to_owned();
    let stage = stage.with_library("durable").with_daemon_env("DURABLE_TO", path(&left));
    let state = path(&stage.state_dir());
    (stage.with_daemon_env("DURABLE_FROM", state), left)
}

/// What the database would answer after a power cut now.
async fn after_a_power_cut(left: &Path, query: &str) -> Vec<String> {
    let copy = tempfile::tempdir().expect("a directory");
    for name in ["switchboard.db", "switchboard.db-wal"] {
        // Before the first checkpoint there may be nothing but the log.
        if left.join(name).exists() {
            std::fs::copy(left.join(name), copy.path().join(name)).expect("it is copied");
        }
    }
    let options = SqliteConnectOptions::new().filename(copy.path().join("switchboard.db"));
    let mut connection = options.connect().await.expect("it opens");
    sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned()))
        .fetch_all(&mut connection)
        .await
        .expect("it is whole")
}

/// Waits for the reaction that says that the bot has it.
async fn seen(stage: &Stage, message: MessageId) {
    stage
        .discord
        .wait_for("the bot to have it", |discord| {
            discord.reactions(message).iter().any(|(emoji, _)| emoji == "👀").then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shown_before_the_power_failed_is_there_after_it() {
    let (stage, left) = stage().await;
    let _bot = stage.bot().await;
    let gate = stage.dir().join("gate");
    let running = stage.ask(MARA, HARBOR, &format!("[[say:One.]] [[wait:{}]] [[say:Two.]]", gate.display()));
    // The CLI has the prompt, so the turn is stored; its words stand in a message, so that has its row.
    stage.cli_pid(1).await;
    assert_eq!(after_a_power_cut(&left, "SELECT CAST(count(*) AS TEXT) FROM turns").await, ["1"]);
    stage.answer_shows(HARBOR, running, "One.").await;
    assert_eq!(after_a_power_cut(&left, "SELECT CAST(count(*) AS TEXT) FROM slots").await, ["1"]);
    for number in 1..=5_usize {
        let message = stage.ask(MARA, HARBOR, "[[say:Three.]]");
        seen(&stage, message).await;
        let waits = format!("SELECT state FROM prompts WHERE origin_key = 'message:{message}'");
        assert_eq!(after_a_power_cut(&left, &waits).await, ["queued"], "{number}");
        let read = format!("SELECT CAST(message AS TEXT) FROM watermarks WHERE channel = {HARBOR}");
        assert_eq!(after_a_power_cut(&left, &read).await, [message.to_string()], "{number}");
    }
    std::fs::write(&gate, "").expect("the gate opens");
    assert!(stage.answer(HARBOR, running).await.contains("Two."));
    stage.assert_well_behaved();
}

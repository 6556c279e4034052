//! A database that cannot be used: somebody else's lock, damage, a file that may not be written to, a migration that fails
//! (RELIABILITY F35 to F37). It is said clearly, and the file stays as it is.

use std::path::PathBuf;

use nix::unistd::geteuid;
use sqlx::Connection as _;
use switchboard::domain::ids::ChannelId;
use switchboard::playground::discord::World;

use crate::harness::{Around, HARBOR, MARA, Stage, eventually};
use crate::support::not_tested;

/// A stage whose bot answered once and ended in order.
async fn stage() -> (Stage, PathBuf) {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[say:hello]]");
    stage.answer(HARBOR, message).await;
    assert_eq!(bot.stop().code, Some(0));
    let file = stage.state_dir().join("switchboard.db");
    (stage, file)
}

/// The bot does not start, says this on its standard error, and changes no byte of the file.
fn assert_refused(stage: &Stage, file: &PathBuf, sentence: &str) {
    let before = std::fs::read(file).expect("the database");
    let ended = stage.bot_unready().end();
    assert!(ended.code.is_some_and(|code| code != 0), "{ended:?}");
    assert!(ended.stderr.contains(sentence), "{ended:?}");
    assert!(std::fs::read(file).expect("the database") == before, "it was written to");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_locked_at_the_start_is_waited_for() {
    let (stage, _) = stage().await;
    let lock = stage.locked().await;
    let missed = stage.ask(MARA, HARBOR, "[[say:Missed.]]");
    let mut bot = stage.bot_unready();
    let log = stage.state_dir().join("logs/switchboard.log");
    eventually("the daemon to find it locked", || {
        std::fs::read_to_string(&log).unwrap_or_default().contains("cannot be written to yet").then_some(())
    })
    .await;
    assert!(!bot.is_over());
    lock.close().await.expect("it is open again");
    assert!(stage.answer(HARBOR, missed).await.contains("Missed."));
    assert_eq!(bot.stop().code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_is_refused_and_left_as_it_is() {
    let (stage, file) = stage().await;
    let mut bytes = std::fs::read(&file).expect("the database");
    let pages = bytes.len() / 4096;
    bytes[4096..pages / 2 * 4096].fill(0x5a);
    std::fs::write(&file, bytes).expect("it is damaged");
    assert_refused(&stage, &file, "it is damaged or no database");
    std::fs::write(&file, "Dear diary,\n".repeat(1000)).expect("it is no database");
    assert_refused(&stage, &file, "it is damaged or no database");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_may_not_be_written_to_is_refused() {
    if !geteuid().is_root() {
        not_tested("a read-only file needs root, to mount one");
        return;
    }
    let (stage, file) = stage().await;
    let mount =
        format!("mount --bind {0} {0} && mount -o remount,bind,ro {0} && exec \"$0\" \"$@\"", file.display());
    let wrapper = ["unshare", "--mount", "sh", "-c", &mount].map(str::to_owned).to_vec();
    let stage = stage.around(Around { wrapper, ..Around::default() });
    assert_refused(&stage, &file, "failed to open the database");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_fails_leaves_nothing_of_itself() {
    let (stage, file) = stage().await;
    let all = || async {
        let tables = stage.sql("SELECT sql FROM sqlite_master ORDER BY name").await;
        (tables, stage.sql("SELECT CAST(version AS TEXT) FROM _sqlx_migrations ORDER BY version").await)
    };
    // One is to run again, and its second statement cannot work: the first must not stay.
    for statement in [
        "DELETE FROM _sqlx_migrations WHERE version = 20261123064000",
        "DROP INDEX prompts_refusal",
        "ALTER TABLE prompts DROP COLUMN refusal",
        "CREATE INDEX prompts_refusal ON prompts (accepted_at)",
    ] {
        stage.alter(statement).await;
    }
    let before = all().await;
    let ended = stage.bot_unready().end();
    assert!(ended.code.is_some_and(|code| code != 0), "{ended:?}");
    assert!(ended.stderr.contains("failed to bring the database up to date"), "{ended:?}");
    assert!(file.exists() && all().await == before);
    assert_eq!(stage.sql("SELECT state FROM prompts").await, ["taken"]);
}

/// Far from the length at which a turn would have to copy it.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_goes_into_the_file_while_turns_go_on() {
    let channels: Vec<_> = (0..12).map(|number| ChannelId(1_100_000_000_000_001_000 + number)).collect();
    let world =
        channels.iter().fold(World::playground(), |world, id| world.with_channel(*id, &format!("pier-{id}")));
    let stage = Stage::in_world(world).await;
    let dir = stage.dir().display().to_string();
    let project =
        |id| format!("[[projects]]\nname = \"pier-{id}\"\nchannel_id = {id}\ndir = \"{dir}/harbor\"\n");
    let stage = stage.with("lighthouse", &channels.iter().map(project).collect::<String>());
    let _bot = stage.bot().await;
    let length = || std::fs::metadata(stage.state_dir().join("switchboard.db")).map_or(0, |file| file.len());
    let before = length();
    for _ in 0..4 {
        let asked =
            channels.clone().into_iter().map(|channel| (channel, stage.ask(MARA, channel, "[[say:hi]]")));
        for (channel, message) in asked.collect::<Vec<_>>() {
            assert!(stage.answer(channel, message).await.contains("hi"));
        }
    }
    eventually("the file to grow", || (length() > before).then_some(())).await;
    stage.assert_well_behaved();
}

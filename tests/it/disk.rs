//! A disk without room: a small file system of its own for the state directory, filled up while the bot runs (RELIABILITY
//! F34, D1).

use std::io::Write as _;
use std::path::PathBuf;

use nix::unistd::geteuid;

use crate::harness::{Around, Bot, HARBOR, MARA, Stage, eventually};
use crate::support::not_tested;

/// The file system has this many bytes, and no prompt is taken below half of it.
const DISK_BYTES: u64 = 64 << 20;

/// A stage whose bot has its state on a disk of its own, or none without root: that is said, and on CI it is a failure.
async fn stage() -> Option<Stage> {
    if !geteuid().is_root() {
        not_tested("a full disk needs root, to mount one");
        return None;
    }
    let stage = Stage::new().await.with("limits", &format!("disk_free_bytes_min = {}", DISK_BYTES / 2));
    // Beside the disk that is filled, so that it tells also when that has no room for a line.
    let logs = stage.dir().join("logs");
    let stage = stage.with("log", &format!("dir = \"{}\"", logs.display()));
    let state = stage.state_dir();
    std::fs::create_dir(&state).expect("the state directory");
    let mount = format!(
        "mount -t tmpfs -o size={DISK_BYTES},mode=700 tmpfs {} && exec \"$0\" \"$@\"",
        state.display()
    );
    let wrapper = ["unshare", "--mount", "sh", "-c", &mount].map(str::to_owned).to_vec();
    Some(stage.around(Around { wrapper, ..Around::default() }))
}

/// The bot's disk, seen from outside its mount namespace.
fn inside(stage: &Stage, bot: &Bot, name: &str) -> PathBuf {
    let state = stage.state_dir();
    let state = state.strip_prefix("/").expect("it is absolute");
    PathBuf::from(format!("/proc/{}/root", bot.pid())).join(state).join(name)
}

/// Fills the disk until this many bytes are left; 0: until nothing more can be written.
fn fill(file: &PathBuf, left: u64) {
    let mut file = std::fs::File::create(file).expect("a file on the disk");
    let mut free = DISK_BYTES - 4 * (1 << 20);
    let block = vec![0_u8; 64 << 10];
    while left == 0 || free > left {
        if file.write_all(&block).is_err() {
            break;
        }
        free -= (block.len() as u64).min(free);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_what_is_new_and_passes() {
    let Some(stage) = stage().await else { return };
    let bot = stage.bot().await;
    let gate = stage.dir().join("gate");
    let running = stage.ask(MARA, HARBOR, &format!("[[say:One.]] [[wait:{}]] [[say:Two.]]", gate.display()));
    stage.cli_pid(1).await;
    let waiting = stage.ask(MARA, HARBOR, "[[say:Three.]]");
    eventually("the second prompt to be taken", || {
        stage.discord.reactions(waiting).iter().any(|(emoji, _)| emoji == "👀").then_some(())
    })
    .await;

    // Little is left: nothing new is taken, and that is said.
    let ballast = inside(&stage, &bot, "ballast");
    fill(&ballast, DISK_BYTES / 4);
    let refused = stage.ask(MARA, HARBOR, "[[say:Refused.]]");
    assert_eq!(stage.outcome(refused).await, "⏹️");
    let told = |text: &str| stage.bot_messages(HARBOR).iter().any(|message| message.contains(text));
    eventually("the refusal", || told("nearly full").then_some(())).await;

    // What was accepted is done with what is left.
    std::fs::write(&gate, "").expect("the gate opens");
    assert!(stage.answer(HARBOR, running).await.contains("Two."));
    assert!(stage.answer(HARBOR, waiting).await.contains("Three."));

    // Nothing at all is left: what is said now is refused as soon as the bot can say so, and nothing breaks for good.
    fill(&ballast, 0);
    let unheard = stage.ask(MARA, HARBOR, "[[say:Unheard.]]");
    eventually("the database to have no room", || {
        let log = std::fs::read_to_string(stage.dir().join("logs/switchboard.log")).unwrap_or_default();
        log.contains("database or disk is full").then_some(())
    })
    .await;
    std::fs::remove_file(&ballast).expect("there is room again");
    assert_eq!(stage.outcome(unheard).await, "⏹️");
    let after = stage.ask(MARA, HARBOR, "[[say:Room again.]]");
    assert!(stage.answer(HARBOR, after).await.contains("Room again."));
    assert!(!told("Refused.") && !told("Unheard."));
    stage.assert_well_behaved();
    assert_eq!(bot.stop().code, Some(0));
}

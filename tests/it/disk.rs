//! A disk without room: a small file system of its own for the state directory, filled up while the bot runs (RELIABILITY
//! F34, D1).

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Instant;

use nix::unistd::geteuid;

use crate::harness::{Around, HARBOR, MARA, Stage, alive, eventually};
use crate::history::tell;
use crate::support::not_tested;

/// The file system has this many bytes, and no prompt is taken below half of it.
const DISK_BYTES: u64 = 64 << 20;

/// A small disk. Somebody who sleeps keeps its mount, so that it outlives each bot.
struct Disk {
    keeper: Child,
    state_dir: PathBuf,
}

impl Disk {
    /// A file on it, seen from outside its mount namespace.
    fn inside(&self, name: &str) -> PathBuf {
        let state = self.state_dir.strip_prefix("/").expect("it is absolute");
        PathBuf::from(format!("/proc/{}/root", self.keeper.id())).join(state).join(name)
    }

    /// Fills it until this many bytes are left; 0: until nothing more can be written.
    fn fill(&self, left: u64) {
        let mut file = File::create(self.inside("ballast")).expect("a file on the disk");
        let mut free = DISK_BYTES - 4 * (1 << 20);
        let mut block = vec![0_u8; 64 << 10];
        while left == 0 || free > left {
            if file.write_all(&block).is_err() {
                if left > 0 || block.len() == 1 {
                    break;
                }
                block.truncate(block.len() / 4);
            }
            free -= (block.len() as u64).min(free);
        }
    }

    fn make_room(&self) {
        std::fs::remove_file(self.inside("ballast")).expect("there is room again");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

/// A stage whose bot has its state on a disk of its own, or none without root: that is said, and on CI it is a failure.
async fn stage() -> Option<(Stage, Disk)> {
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
        "mount -t tmpfs -o size={DISK_BYTES},mode=700 tmpfs {0} && touch {0}/mounted && exec sleep infinity",
        state.display()
    );
    let keeper = Command::new("unshare").args(["--mount", "sh", "-c", &mount]).spawn().expect("unshare runs");
    let disk = Disk { keeper, state_dir: state };
    let mounted = disk.inside("mounted");
    eventually("the disk to be mounted", || mounted.exists().then_some(())).await;
    let namespace = format!("--mount=/proc/{}/ns/mnt", disk.keeper.id());
    let wrapper = ["nsenter", &namespace, "--"].map(str::to_owned).to_vec();
    Some((stage.around(Around { wrapper, ..Around::default() }), disk))
}

fn logged(stage: &Stage, text: &str) -> Option<()> {
    let log = std::fs::read_to_string(stage.dir().join("logs/switchboard.log")).unwrap_or_default();
    log.contains(text).then_some(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_what_is_new_and_passes() {
    let Some((stage, disk)) = stage().await else { return };
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
    disk.fill(DISK_BYTES / 4);
    let refused = stage.ask(MARA, HARBOR, "[[say:Refused.]]");
    assert_eq!(stage.outcome(refused).await, "⏹️");
    let told = |text: &str| stage.bot_messages(HARBOR).iter().any(|message| message.contains(text));
    eventually("the refusal", || told("nearly full").then_some(())).await;

    // What was accepted is done with what is left.
    std::fs::write(&gate, "").expect("the gate opens");
    assert!(stage.answer(HARBOR, running).await.contains("Two."));
    assert!(stage.answer(HARBOR, waiting).await.contains("Three."));

    // Nothing at all is left: what is said now is refused as soon as the bot can say so, and nothing breaks for good.
    disk.fill(0);
    let unheard = stage.ask(MARA, HARBOR, "[[say:Unheard.]]");
    // What else is written just now may find no room before it is looked at.
    eventually("it to be refused for want of room", || logged(&stage, "a request failed")).await;
    disk.make_room();
    let room_since = Instant::now();
    assert_eq!(stage.outcome(unheard).await, "⏹️");
    let after = stage.ask(MARA, HARBOR, "[[say:Room again.]]");
    assert!(stage.answer(HARBOR, after).await.contains("Room again."));
    tell(&format!("answered {:.1?} after a full disk had room again", room_since.elapsed()));
    assert!(!told("Refused.") && !told("Unheard."));
    stage.assert_well_behaved();
    assert_eq!(bot.stop().code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_finds_the_disk_full_at_its_start_waits_for_room() {
    let Some((stage, disk)) = stage().await else { return };
    let bot = stage.bot().await;
    let gate = stage.dir().join("gate");
    let running = stage.ask(MARA, HARBOR, &format!("[[say:One.]] [[wait:{}]] [[say:Two.]]", gate.display()));
    stage.answer_shows(HARBOR, running, "One.").await;
    assert_eq!(bot.stop().code, Some(0));
    disk.fill(0);
    let missed = stage.ask(MARA, HARBOR, "[[say:Missed.]]");
    let mut bot = stage.bot_unready();
    eventually("the daemon to find no room", || logged(&stage, "trying again")).await;
    assert!(!bot.is_over());
    disk.make_room();
    let room_since = Instant::now();
    std::fs::write(&gate, "").expect("the gate opens");
    assert!(stage.answer(HARBOR, running).await.contains("Two."));
    assert!(stage.answer(HARBOR, missed).await.contains("Missed."));
    tell(&format!("a start on a full disk went on {:.1?} after it had room", room_since.elapsed()));
    stage.assert_well_behaved();
    assert_eq!(bot.stop().code, Some(0));
}

/// What the CLI says has no room in the spool, its end none in the database.
#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_meets_a_full_disk_ends_visibly_and_the_next_one_is_answered() {
    let Some((stage, disk)) = stage().await else { return };
    let bot = stage.bot().await;
    let gate = stage.dir().join("gate");
    let script = format!("[[say:One.]] [[wait:{}]] [[lines:4000]] [[say:Two.]]", gate.display());
    let running = stage.ask(MARA, HARBOR, &script);
    stage.answer_shows(HARBOR, running, "One.").await;
    let waiting = stage.ask(MARA, HARBOR, "[[say:Three.]]");
    let taken = || stage.discord.reactions(waiting).iter().any(|(emoji, _)| emoji == "👀").then_some(());
    eventually("the second prompt to be taken", taken).await;
    let cli = stage.cli_pid(1).await;
    disk.fill(0);
    std::fs::write(&gate, "").expect("the gate opens");
    eventually("the daemon to find no room", || logged(&stage, "full")).await;
    eventually("the CLI to be stopped for it", || (!alive(cli)).then_some(())).await;
    disk.make_room();
    assert_eq!(stage.outcome(running).await, "❌");
    stage.said(HARBOR, "The disk of this machine is full, so the turn had to be stopped").await;
    assert!(stage.answer(HARBOR, waiting).await.contains("Three."));
    stage.assert_well_behaved();
    assert_eq!(bot.stop().code, Some(0));
}

//! The worst CLIs (RELIABILITY C1–C3): whatever they do, the turn ends in a state that its user sees, the daemon stays
//! small, and nobody is left alive. `faults.rs` has those that misbehave in one point.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use futures::future::join_all;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use switchboard::domain::ids::MessageId;
use switchboard::playground::discord::Draft;

use crate::harness::{
    BOT, Bot, HARBOR, MARA, Stage, alive, arguments, eventually, memory_max_bytes, parent_of, pids,
};

/// What the daemon may take more than at rest (RELIABILITY C1).
const MORE_BYTES_MAX: u64 = 64 << 20;

/// Waits for the end of the turn of this message, and gives its reaction with the answer.
async fn end_of(stage: &Stage, message: MessageId) -> (String, String) {
    let answer = stage.answer(HARBOR, message).await;
    (stage.outcome(message).await, answer)
}

/// Everybody who was started with the stage's paths in the environment, but for the daemon.
fn family(stage: &Stage) -> Vec<i32> {
    let mark = stage.dir().display().to_string();
    let marked = |pid: &i32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(&mark)
    };
    pids().into_iter().filter(|pid| alive(*pid) && marked(pid)).collect()
}

/// The daemon with what it took at rest.
struct Measured {
    bot: Bot,
    before: u64,
}

impl Measured {
    /// A daemon that has done nothing yet.
    async fn start(stage: &Stage) -> Self {
        let bot = stage.bot().await;
        let before = memory_max_bytes(bot.pid());
        Self { bot, before }
    }

    /// Fails if it took too much since, or if anybody of its processes is left.
    async fn assert_clean(&self, stage: &Stage) {
        let more = memory_max_bytes(self.bot.pid()) - self.before;
        assert!(more < MORE_BYTES_MAX, "the daemon took {} MiB more", more >> 20);
        eventually("nobody to be left", || family(stage).is_empty().then_some(())).await;
        stage.assert_well_behaved();
    }
}

/// A program that has a version and else never says a word, nor reads one. In a turn it has a child besides.
fn mute(stage: &Stage) -> PathBuf {
    let path = stage.dir().join("mute");
    let text = "#!/bin/sh\ncase \"$*\" in\n--version) echo '2.1.197 (Claude Code)'; exit;;\n\
        *--no-session-persistence*) exit 1;;\n*--session-id*) (setsid sleep 600 &);;\nesac\nexec sleep 600\n";
    std::fs::write(&path, text).expect("a file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cli_that_never_says_and_never_reads_anything_is_ended() {
    let stage = Stage::new().await.with("limits", "silence_secs_max = 10");
    let program = mute(&stage);
    let stage = stage.with_command(program);
    let bot = Measured::start(&stage).await;
    // The pipe is full before the prompt is written: a quote is two bytes in its line. The other goes into a file.
    let file = |name: &str, bytes: Vec<u8>| (name.to_owned(), bytes, Some("text/plain".to_owned()));
    let draft = Draft {
        content: format!("<@{BOT}> Read all of this."),
        attachments: vec![file("quotes.txt", vec![b'"'; 45_000]), file("big.txt", b"tide\n".repeat(200_000))],
        ..Draft::default()
    };
    let message = stage.discord.say_with(MARA, HARBOR, draft);
    let (outcome, answer) = end_of(&stage, message).await;
    assert_eq!(outcome, "⏹️", "{answer}");
    assert!(answer.contains("nothing was heard from Claude Code for too long"), "{answer}");
    assert_eq!(stage.sql("select reason from turns").await, ["silence"]);
    bot.assert_clean(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cli_that_goes_on_for_ever_and_hears_nothing_is_ended() {
    let cases = [
        ("turn_secs_max = 2", "time", "took longer than it may"),
        ("output_bytes_max = 1048576", "output", "said more than it may"),
    ];
    join_all(cases.map(|(limit, reason, sentence)| async move {
        let stage = Stage::new().await.with("limits", limit).with("claude", "warm_idle_secs = 0");
        let bot = Measured::start(&stage).await;
        let message = stage.ask(MARA, HARBOR, "[[say:I begin.]] [[babble]]");
        let (outcome, answer) = end_of(&stage, message).await;
        assert_eq!(outcome, "⏹️", "{answer}");
        assert!(answer.contains(sentence), "{answer}");
        assert_eq!(stage.sql("select reason from turns").await, [reason]);
        bot.assert_clean(&stage).await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_in_the_middle_of_a_line_keeps_what_came() {
    let stage = Stage::new().await.with("claude", "warm_idle_secs = 0");
    let bot = Measured::start(&stage).await;
    for (how, sentence) in [
        ("exit,137", "exit code 137"),
        ("exit,143", "exit code 143"),
        ("exit,139", "exit code 139"),
        ("kill,9", "signal 9"),
        ("kill,6", "signal 6"),
        ("kill,11", "signal 11"),
    ] {
        // Something was changed, so that no other process tries again.
        let text = format!("[[bash:echo once >> EFFECT]] [[say:Half an answer.]] [[cut:{how}]]");
        let (outcome, answer) = end_of(&stage, stage.ask(MARA, HARBOR, &text)).await;
        assert_eq!(outcome, "❌", "{how}: {answer}");
        for text in ["Half an answer.", "and then", sentence, "not run again"] {
            assert!(answer.contains(text), "{how}, {text}: {answer}");
        }
    }
    let effects = std::fs::read_to_string(stage.dir().join("harbor/EFFECT")).expect("it was written");
    assert_eq!(effects.lines().count(), 6);
    bot.assert_clean(&stage).await;
}

/// How a turn with a hundred children ends.
#[derive(Debug, Clone, Copy)]
enum End {
    ByItself,
    Stopped,
    ShimKilled,
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_children_none_is_left_however_the_turn_ends() {
    let stage = Stage::new().await.with("claude", "warm_idle_secs = 0");
    let bot = Measured::start(&stage).await;
    for (nth, end) in [End::ByItself, End::Stopped, End::ShimKilled].into_iter().enumerate() {
        let gate = stage.dir().join(format!("gate-{nth}"));
        let text = format!("[[bash:echo x]] [[fork:100]] [[wait:{}]] [[say:The end.]]", gate.display());
        let message = stage.ask(MARA, HARBOR, &text);
        let shown = stage.answer_shows(HARBOR, message, "children: ").await;
        let cli = stage.cli_pid(nth + 1).await;
        eventually("all children to run", || {
            let sleeps = |pid: &i32| arguments(*pid).first().is_some_and(|program| program == b"sleep");
            (family(&stage).into_iter().filter(sleeps).count() == 100).then_some(())
        })
        .await;
        match end {
            End::ByItself => std::fs::write(&gate, "").expect("the gate opens"),
            End::Stopped => drop(stage.slash_text(MARA, HARBOR, "stop").await),
            End::ShimKilled => {
                kill(Pid::from_raw(parent_of(cli)), Signal::SIGKILL).expect("it lives");
            }
        }
        let (outcome, answer) = end_of(&stage, message).await;
        let (wanted, sentence) = match end {
            End::ByItself => ("✅", "The end."),
            End::Stopped => ("⏹️", "Stopped"),
            End::ShimKilled => ("❌", "disappeared"),
        };
        assert!(outcome == wanted && answer.contains(sentence), "{end:?}, {shown}: {outcome} {answer}");
        bot.assert_clean(&stage).await;
    }
}

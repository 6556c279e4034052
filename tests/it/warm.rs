//! Processes of all conversations: kept warm within bounds, started before anybody asks, and never seen but in how soon an
//! answer begins. And who waits for one, in which order.

use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use switchboard::domain::ids::{ChannelId, ConversationId};

use crate::harness::{HARBOR, JONAS, LIGHTHOUSE, MARA, Stage, VERA, eventually, hears_tests, session_of};

/// Where the bot reads what its machine has.
struct Machine(PathBuf);

impl Machine {
    fn of(stage: &Stage) -> Self {
        let dir = stage.dir().join("machine");
        std::fs::create_dir_all(&dir).expect("a directory");
        std::fs::write(dir.join("loadavg"), "0.10 0.10 0.10 1/100 1").expect("a file");
        Self(dir)
    }

    /// So many MiB are left from now on.
    fn left(&self, mib: u64) {
        let text = format!("MemTotal: 99999999 kB\nMemAvailable: {} kB\n", mib * 1024);
        std::fs::write(self.0.join("new"), text).expect("a file");
        std::fs::rename(self.0.join("new"), self.0.join("meminfo")).expect("the file");
    }
}

impl Stage {
    /// The conversations whose processes are not over, in their order.
    async fn with_process(&self, count: usize) -> Vec<String> {
        self.rows(
            "SELECT CAST(conversation AS TEXT) FROM processes WHERE ended_at IS NULL ORDER BY conversation",
            count,
        )
        .await
    }

    async fn told(&self, channel: ChannelId, prompt: &str) -> String {
        let message = self.ask(MARA, channel, prompt);
        self.answer(channel, message).await
    }

    fn starts(&self) -> usize {
        self.cli_log("start").len()
    }

    async fn started(&self, count: usize) {
        eventually("another process", || (self.starts() >= count).then_some(())).await;
    }

    /// The one process that there is dies with nothing to do.
    async fn process_dies(&self, ended: usize) {
        let start = self.cli_log("start").pop().expect("one was started");
        let pid = i32::try_from(start["pid"].as_i64().expect("a number")).expect("it fits");
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it is there");
        self.rows("SELECT id FROM processes WHERE ended_at IS NOT NULL", ended).await;
    }

    /// A conversation that nobody waits in, heard and answered: what was said before it was heard as well.
    async fn goes_on_elsewhere(&self) {
        let message = self.ask(JONAS, LIGHTHOUSE, "[[say:elsewhere]]");
        assert_eq!(self.outcome(message).await, "✅");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_too_many_the_one_goes_that_was_not_used_for_longest() {
    let stage = Stage::new().await.with("limits", "warm_processes_max = 2");
    let _bot = stage.bot().await;
    let [one, two, three] =
        ["One", "Two", "Three"].map(|name| stage.discord.create_thread(MARA, HARBOR, name, None));
    stage.told(one, "[[say:one]]").await;
    stage.told(two, "[[say:two]]").await;
    stage.told(one, "[[say:one again]]").await;
    assert_eq!(stage.starts(), 2);
    stage.told(three, "[[say:three]]").await;
    let kept = [one, three].map(|id| ConversationId::from(id).0.to_string());
    assert_eq!(stage.with_process(2).await, kept);
    let answer = stage.told(two, "[[recall]]").await;
    assert!(answer.contains("[[say:two]]"), "it goes on as if nothing had been: {answer}");
    assert_eq!(stage.starts(), 4);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_memory_is_short_what_has_nothing_to_do_goes_and_then_the_turn_waits_and_says_so() {
    if !hears_tests() {
        return;
    }
    let stage = Stage::new().await.with("limits", "memory_free_bytes_min = 268435456");
    let machine = Machine::of(&stage);
    let at = machine.0.display().to_string();
    let stage = stage.with_daemon_env("MACHINE_AT", at);
    machine.left(10_000);
    let _bot = stage.bot().await;
    let go = stage.dir().join("go");
    let [idle, busy, next] =
        ["Idle", "Busy", "Next"].map(|name| stage.discord.create_thread(MARA, HARBOR, name, None));
    stage.told(idle, "[[say:before]]").await;
    let works = stage.ask(JONAS, busy, &format!("[[say:I work.]][[wait:{}]]", go.display()));
    stage.answer_shows(busy, works, "I work.").await;
    // Enough to go on with, and not for one more.
    machine.left(300);
    let waits = stage.ask(MARA, next, "[[say:At last.]]");
    stage.answer_shows(next, waits, "waiting for memory").await;
    let left = ConversationId::from(busy).0.to_string();
    assert_eq!(stage.with_process(1).await, [left], "what had nothing to do went, what works did not");
    // Whoever waits can be stopped.
    let stopped = stage.ask(MARA, idle, "[[say:never]]");
    stage.answer_shows(idle, stopped, "waiting for memory").await;
    stage.slash_text(MARA, idle, "stop").await;
    assert_eq!(stage.outcome(stopped).await, "⏹️");
    machine.left(10_000);
    assert!(stage.answer(next, waits).await.contains("At last."));
    std::fs::write(go, "").expect("the file");
    stage.answer(busy, works).await;
    let answer = stage.told(idle, "[[recall]]").await;
    assert!(answer.contains("[[say:before]]") && !answer.contains("never"), "{answer}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_without_memory_gets_back_what_waits_for_work() {
    if !hears_tests() {
        return;
    }
    let stage = Stage::new().await.with("limits", "memory_free_bytes_min = 268435456");
    let machine = Machine::of(&stage);
    let at = machine.0.display().to_string();
    let stage = stage.with_daemon_env("MACHINE_AT", at);
    machine.left(10_000);
    let _bot = stage.bot().await;
    stage.told(HARBOR, "[[say:before]]").await;
    machine.left(200);
    stage.with_process(0).await;
    machine.left(10_000);
    assert!(stage.told(HARBOR, "[[recall]]").await.contains("[[say:before]]"));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_with_many_conversations_does_not_hold_up_another_with_one() {
    let stage = Stage::new().await.with("limits", "running_turns_max = 1");
    let _bot = stage.bot().await;
    let go = stage.dir().join("go");
    let threads: Vec<_> =
        (0..5).map(|number| stage.discord.create_thread(MARA, HARBOR, &format!("T{number}"), None)).collect();
    let first = stage.ask(MARA, threads[0], &format!("[[say:first]][[wait:{}]]", go.display()));
    stage.answer_shows(threads[0], first, "first").await;
    let mut waiting = Vec::new();
    for (number, thread) in threads.iter().enumerate().skip(1) {
        let message = stage.ask(MARA, *thread, &format!("[[say:of Mara {number}]]"));
        let stands = if number == 1 {
            "1 of 1 turns run ·".to_owned()
        } else {
            format!("run, {} before", number - 1)
        };
        stage.answer_shows(*thread, message, &stands).await;
        waiting.push((*thread, message));
    }
    let of_jonas = stage.discord.create_thread(JONAS, HARBOR, "Jonas", None);
    let asked = stage.ask(JONAS, of_jonas, "[[say:of Jonas]]");
    stage.answer_shows(of_jonas, asked, "1 of 1 turns run ·").await;
    // The others see that somebody came before them.
    stage.answer_shows(waiting[0].0, waiting[0].1, "run, 1 before").await;
    std::fs::write(go, "").expect("the file");
    for (thread, message) in waiting {
        stage.answer(thread, message).await;
    }
    let order = stage.cli_prompts();
    let wanted = [
        "[[say:of Jonas]]",
        "[[say:of Mara 1]]",
        "[[say:of Mara 2]]",
        "[[say:of Mara 3]]",
        "[[say:of Mara 4]]",
    ];
    assert_eq!(order[1..], wanted);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_of_the_cli_ends_a_warm_process() {
    let stage = Stage::new().await;
    let (link, updated) = (stage.dir().join("claude"), stage.dir().join("claude-2"));
    std::os::unix::fs::symlink(stage.cli(), &link).expect("a link");
    std::fs::copy(stage.cli(), &updated).expect("another file");
    let stage = stage.with_command(&link);
    let _bot = stage.bot().await;
    stage.told(HARBOR, "[[say:before]]").await;
    stage.told(HARBOR, "[[say:warm]]").await;
    assert_eq!(stage.starts(), 1);
    std::fs::remove_file(&link).expect("the link");
    std::os::unix::fs::symlink(&updated, &link).expect("a link");
    let answer = stage.told(HARBOR, "[[recall]]").await;
    assert!(answer.contains("[[say:before]]") && answer.contains("[[say:warm]]"), "{answer}");
    let starts = stage.cli_log("start");
    assert_eq!(starts.len(), 2, "{starts:?}");
    assert_eq!(session_of(&starts[0]), session_of(&starts[1]), "the session goes on");
    stage.with_process(1).await;
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_begins_to_type_finds_the_process_ready() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    stage.told(HARBOR, "[[say:before]]").await;
    stage.process_dies(1).await;
    let messages = stage.discord.messages(HARBOR);
    // Nobody who may not ask here starts anything.
    stage.discord.typing(VERA, HARBOR);
    assert_eq!(stage.starts(), 1);
    stage.discord.typing(MARA, HARBOR);
    stage.started(2).await;
    stage.discord.typing(JONAS, HARBOR);
    assert_eq!(stage.discord.messages(HARBOR), messages, "nobody sees it");
    assert_eq!(stage.sql("SELECT id FROM turns").await.len(), 1, "it is no turn");
    assert_eq!(stage.cli_prompts().len(), 1);
    let answer = stage.told(HARBOR, "[[recall]]").await;
    assert!(answer.contains("[[say:before]]"), "{answer}");
    let starts = stage.cli_log("start");
    assert_eq!(starts.len(), 2, "it was ready: {starts:?}");
    assert!(starts[1]["argv"].to_string().contains("--resume="), "{starts:?}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_fills_in_a_command_does_as_well() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    stage.told(HARBOR, "[[say:before]]").await;
    stage.process_dies(1).await;
    stage.discord.autocomplete(MARA, HARBOR, "model", "name", "hai").await;
    stage.started(2).await;
    assert!(stage.told(HARBOR, "[[recall]]").await.contains("[[say:before]]"));
    assert_eq!(stage.starts(), 2);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_and_a_conversation_that_never_was_start_nothing() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    stage.discord.typing(MARA, HARBOR);
    stage.goes_on_elsewhere().await;
    assert_eq!(stage.starts(), 1, "nobody talked there yet");
    stage.told(HARBOR, "[[say:before]]").await;
    stage.process_dies(1).await;
    stage.discord.typing(VERA, HARBOR);
    stage.discord.typing(MARA, LIGHTHOUSE);
    stage.goes_on_elsewhere().await;
    assert_eq!(stage.starts(), 3, "a stranger typed, and what is said in the other channel opens a thread");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_place_and_no_plenty_none_is_started_before_somebody_asks() {
    let stage = Stage::new().await.with("limits", "running_turns_max = 1\nwarm_processes_max = 1");
    let _bot = stage.bot().await;
    stage.told(HARBOR, "[[say:before]]").await;
    stage.process_dies(1).await;
    // Another conversation has the one place.
    let go = stage.dir().join("go");
    let thread = stage.discord.create_thread(JONAS, HARBOR, "Other", None);
    let other = stage.ask(JONAS, thread, &format!("[[say:I work.]][[wait:{}]]", go.display()));
    stage.answer_shows(thread, other, "I work.").await;
    stage.discord.typing(MARA, HARBOR);
    // A command goes the same way, later.
    stage.slash_text(MARA, HARBOR, "status").await;
    assert_eq!(stage.starts(), 2, "no place was free");
    std::fs::write(go, "").expect("the file");
    stage.answer(thread, other).await;
    // And now it has the one process that may have nothing to do: it does not go for a guess.
    stage.discord.typing(MARA, HARBOR);
    stage.slash_text(MARA, HARBOR, "status").await;
    assert_eq!(stage.starts(), 2);
    assert_eq!(stage.with_process(1).await, [ConversationId::from(thread).0.to_string()]);
    assert!(stage.told(HARBOR, "[[recall]]").await.contains("[[say:before]]"), "for who asks it does");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_nobody_uses_goes_and_is_not_started_in_vain_again() {
    let stage = Stage::new().await.with("claude", "warm_idle_secs = 1");
    let _bot = stage.bot().await;
    stage.told(HARBOR, "[[say:before]]").await;
    stage.rows("SELECT id FROM processes WHERE ended_at IS NOT NULL", 1).await;
    stage.discord.typing(MARA, HARBOR);
    stage.started(2).await;
    stage.rows("SELECT id FROM processes WHERE ended_at IS NOT NULL", 2).await;
    stage.discord.typing(MARA, HARBOR);
    stage.slash_text(MARA, HARBOR, "status").await;
    assert_eq!((stage.starts(), stage.cli_prompts().len()), (2, 1));
    assert!(stage.told(HARBOR, "[[recall]]").await.contains("[[say:before]]"));
    assert_eq!(stage.starts(), 3);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_want_it_is_not_even_told_who_types() {
    let stage = Stage::new().await.with("claude", "prestart = false");
    let _bot = stage.bot().await;
    stage.told(HARBOR, "[[say:before]]").await;
    stage.process_dies(1).await;
    stage.discord.typing(MARA, HARBOR);
    stage.discord.autocomplete(MARA, HARBOR, "model", "name", "hai").await;
    stage.goes_on_elsewhere().await;
    assert_eq!(stage.starts(), 2, "nobody wants one that was not asked for");
    stage.assert_well_behaved();
}

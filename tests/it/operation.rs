//! What whoever runs the bot relies on: subcommands, exit codes, the service manager, the database.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use switchboard::playground::discord::{Draft, Fault, World, permissions};
use tokio::sync::Notify;

use crate::harness::{
    BOT, Exit, HARBOR, JONAS, LIGHTHOUSE, MARA, Stage, alive, eventually, parent_of, program,
};

const API_KEY: &str = "sk-ant-canary-7f3a91c04be2";

#[tokio::test(flavor = "multi_thread")]
async fn check_prints_what_is_in_force_without_secrets() {
    let stage =
        Stage::new().await.with_env("ANTHROPIC_API_KEY", API_KEY).with("limits", "turn_secs_max = 77");
    let exit = stage.run(&["check"]);
    assert_eq!(exit.code, Some(0), "{exit:?}");
    for shown in ["turn_secs_max = 77", "queued_prompts_max = 20", "harbor", "ANTHROPIC_API_KEY"] {
        assert!(exit.stdout.contains(shown), "{shown} is not in: {}", exit.stdout);
    }
    for secret in [API_KEY, stage.discord.token()] {
        assert!(!exit.stdout.contains(secret) && !exit.stderr.contains(secret), "{exit:?}");
    }
    assert!(!stage.state_dir().exists(), "check changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_configuration_is_said_with_the_key_and_the_fix() {
    for (table, line, wanted) in [
        ("limits", "turn_sec_max = 5", &["limits.turn_sec_max", "did you mean limits.turn_secs_max?"][..]),
        ("claude", "permission_mode = \"yolo\"", &["claude.permission_mode", "acceptEdits"][..]),
        ("limits", "running_turns_max = \"many\"", &["limits.running_turns_max"][..]),
        ("harbor", "respond_to = \"everything\"", &["projects[0].respond_to", "mentions"][..]),
    ] {
        let stage = Stage::new().await.with(table, line);
        for command in ["check", "run", "doctor"] {
            let exit = stage.run(&[command]);
            assert_eq!(exit.code, Some(78), "{command} with {line}: {exit:?}");
            for word in wanted {
                assert!(exit.stderr.contains(word), "{word} is not in: {}", exit.stderr);
            }
            assert!(exit.stderr.contains("config.toml:"), "the line is named: {}", exit.stderr);
            assert!(!exit.stderr.contains(stage.discord.token()), "{}", exit.stderr);
        }
    }
}

fn assert_found(exit: &Exit, code: i32, wanted: &[&str]) {
    assert_eq!(exit.code, Some(code), "{exit:?}");
    for word in wanted {
        assert!(exit.stdout.contains(word), "{word:?} is not in:\n{}", exit.stdout);
    }
    assert_eq!(code == 0, !exit.stdout.contains("FAIL"), "{}", exit.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_everything_in_order() {
    let stage = Stage::new().await.with_env("ANTHROPIC_API_KEY", API_KEY);
    let exit = stage.run(&["doctor"]);
    let wanted = [
        "Everything that the bot needs is there",
        "ok    token",
        "message content intent: granted",
        "ok    clock: agrees with Discord's",
        "ok    channel of harbor",
        "ok    channel of lighthouse",
        "version 2.1.",
        "ANTHROPIC_API_KEY",
    ];
    assert_found(&exit, 0, &wanted);
    assert!(!exit.stdout.contains(API_KEY) && !exit.stdout.contains(stage.discord.token()));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_waited_for_to_type_the_token() {
    let stage = Stage::new().await;
    let config = stage.write_config();
    let text = std::fs::read_to_string(&config).expect("the configuration");
    let own = format!("token = \"{}\"", stage.discord.token());
    std::fs::write(&config, text.replace(&own, "token_file = \"-\"")).expect("the configuration");
    // `script` (bsdutils, which every Debian has) gives it a terminal to read from.
    let doctor = format!("{} doctor --config {}", program(), config.display());
    let mut script = Command::new("script");
    script.args(["-qec", &doctor, "/dev/null"]).stdin(Stdio::null());
    // Nothing of the test's environment, as with every daemon.
    script.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let script = script.output();
    let said = script.expect("`script` runs");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("FAIL  token") && said.contains("append `< FILE`"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_says_what_is_wrong_at_the_cli() {
    let stage = Stage::new().await;
    assert_found(&stage.run(&["doctor"]), 1, &["FAIL  claude login", "not logged in", "1 of "]);

    let stage = Stage::new().await.with_command("/nowhere/claude");
    assert_found(&stage.run(&["doctor"]), 1, &["FAIL  claude (/nowhere/claude)", "npm install"]);

    let stage = Stage::new().await;
    let old = stage.dir().join("old");
    std::fs::write(&old, "#!/bin/sh\necho '1.0.3 (Claude Code)'\n").expect("it can be written");
    std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o700)).expect("it is ours");
    let stage = stage.with_command(old);
    assert_found(&stage.run(&["doctor"]), 1, &["version 1.0.3 is too old", "2.1.89"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_says_what_is_wrong_at_discord() {
    let stage = Stage::new()
        .await
        .with_env("ANTHROPIC_API_KEY", API_KEY)
        .with_daemon_env("DISCORD_TOKEN", "a.wrong.token");
    assert_found(&stage.run(&["doctor"]), 1, &["FAIL  token", "Reset Token", "1 of "]);

    let world = World { privileged_intents: 0, ..World::playground() };
    let stage = Stage::in_world(world).await.with_env("ANTHROPIC_API_KEY", API_KEY);
    assert_found(
        &stage.run(&["doctor"]),
        1,
        &["FAIL  message content intent", "Privileged Gateway Intents", "1 of "],
    );

    let stage = Stage::new().await.with_env("ANTHROPIC_API_KEY", API_KEY);
    let denied = permissions::SEND_MESSAGES | permissions::ADD_REACTIONS;
    stage.discord.overwrite_permissions(HARBOR, BOT, 0, denied);
    stage.discord.overwrite_permissions(LIGHTHOUSE, BOT, 0, permissions::CREATE_PUBLIC_THREADS);
    let wanted =
        ["FAIL  channel of harbor", "Send Messages", "Add Reactions", "Create Public Threads", "2 of "];
    assert_found(&stage.run(&["doctor"]), 1, &wanted);

    let stage = Stage::new().await.with_env("ANTHROPIC_API_KEY", API_KEY);
    stage.discord.advance(Duration::from_hours(1));
    assert_found(&stage.run(&["doctor"]), 1, &["FAIL  clock: is 3", " s behind Discord's", "1 of "]);

    let stage = Stage::new().await.with_env("ANTHROPIC_API_KEY", API_KEY);
    stage.discord.overwrite_permissions(HARBOR, BOT, 0, permissions::VIEW_CHANNEL);
    assert_found(&stage.run(&["doctor"]), 1, &["FAIL  channel of harbor", "View Channel", "1 of "]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_discord_refuses_for_good_ends_with_69() {
    let stage = Stage::new().await.with_daemon_env("DISCORD_TOKEN", "a.wrong.token");
    let exit = stage.run(&["run"]);
    assert_eq!(exit.code, Some(69), "{exit:?}");
    assert!(exit.stderr.contains("Reset Token"), "{exit:?}");
    assert!(!exit.stderr.contains("a.wrong.token"), "{exit:?}");

    let world = World { privileged_intents: 0, ..World::playground() };
    let stage = Stage::in_world(world).await;
    let exit = stage.run(&["run"]);
    assert_eq!(exit.code, Some(69), "{exit:?}");
    assert!(exit.stderr.contains("Message Content intent"), "{exit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_reset_while_the_bot_runs_ends_it_with_69() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    stage.discord.faults().close(4004);
    let exit = bot.end();
    assert_eq!(exit.code, Some(69), "{exit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_instance_goes_away_and_harms_nothing() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let exit = stage.run(&["run"]);
    assert_eq!(exit.code, Some(3), "{exit:?}");
    assert!(exit.stderr.contains("another instance"), "{exit:?}");
    let message = stage.ask(MARA, HARBOR, "[[say:Still one.]]");
    assert!(stage.answer(HARBOR, message).await.contains("Still one."));
    assert_eq!(stage.cli_log("prompt").len(), 1);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_of_a_turn_stops_no_turn() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let gate = stage.dir().join("gate");
    let message = stage.ask(MARA, HARBOR, &format!("[[say:One.]] [[wait:{}]] [[say:Two.]]", gate.display()));
    let cli = stage.cli_pid(1).await;
    let exit = bot.stop();
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert!(alive(cli) && alive(parent_of(cli)), "the shim goes on");
    std::fs::write(&gate, "").expect("the gate opens");
    let _bot = stage.bot().await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("One.") && answer.contains("Two."), "{answer}");
    assert_eq!(stage.cli_log("prompt").len(), 1);
}

/// Each step of the stop is bounded (`app::STOP_MAX`), so that nobody has to kill the daemon.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_although_discord_and_the_database_hang() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let gate = stage.dir().join("gate");
    let script = format!("[[say:Begun.]] [[wait:{}]] [[say:All of it.]]", gate.display());
    let message = stage.ask(MARA, HARBOR, &script);
    stage.answer_shows(HARBOR, message, "Begun.").await;
    let never = Fault::Hold(Arc::new(Notify::new()));
    stage.discord.faults().rate("* /channels/**", 1_000_000, 1, never);
    // There is something to be posted and to be stored.
    let next = stage.ask(JONAS, HARBOR, "[[say:Next.]]");
    stage.rows("select id from prompts", 2).await;
    let writer = stage.locked().await;
    std::fs::write(&gate, "").expect("the gate opens");
    eventually("the end of the turn", || stage.has_result().then_some(())).await;
    assert_eq!(bot.stop().code, Some(0));
    let said = |text: &str| stage.log_lines().iter().any(|line| line["message"].to_string().contains(text));
    assert!(said("not everything could be posted"), "it had something to post");

    drop(writer);
    stage.discord.faults().clear_rest();
    let _bot = stage.bot().await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("All of it."), "{answer}");
    assert!(stage.answer(HARBOR, next).await.contains("Next."));
    eventually("nothing but two answers", || (stage.bot_messages(HARBOR).len() == 2).then_some(())).await;
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_sql_tells_who_asked_what_when_and_for_how_much() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    for (who, text) in [
        (MARA, "[[cost:0.25]] [[say:One.]]"),
        (JONAS, "[[cost:0.5]] [[say:Two.]]"),
        (MARA, "[[say:Three.]] [[exit:9]]"),
    ] {
        let message = stage.ask(who, HARBOR, text);
        stage.outcome(message).await;
    }
    let rows = stage
        .sql("select author || '|' || project || '|' || outcome || '|' || cost_usd || '|' || (error_id is not null) from turns_readable order by started, turn")
        .await;
    let mut rows: Vec<_> = rows.iter().map(String::as_str).collect();
    rows.sort_unstable();
    assert_eq!(
        rows,
        ["Jonas|harbor|completed|0.5|0", "Mara|harbor|completed|0.25|0", "Mara|harbor|failed|0.0|1"]
    );
    assert_eq!(stage.sql("select cost_usd || '' from conversations_readable").await, ["0.75"]);
    assert_eq!(
        stage.sql("select turns || '|' || messages || '|' || queued from conversations_readable").await,
        ["3|3|0"]
    );
    assert!(
        stage
            .sql("select started from turns_readable")
            .await
            .iter()
            .all(|at| at.starts_with("20") && at.ends_with('Z'))
    );
}

/// What a service manager hears. A real one always reads, so this one does too.
struct Manager {
    heard: Arc<Mutex<String>>,
    path: PathBuf,
}

impl Manager {
    fn listening(stage: &Stage) -> Self {
        let path = stage.dir().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        let heard = Arc::<Mutex<String>>::default();
        let ears = Arc::clone(&heard);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length) = socket.recv(&mut bytes) {
                let text = format!("{}\n", String::from_utf8_lossy(&bytes[..length]));
                ears.lock().expect("nobody panics with it").push_str(&text);
            }
        });
        Self { heard, path }
    }

    fn has_heard(&self, wanted: &str) -> bool {
        self.heard.lock().expect("nobody panics with it").contains(wanted)
    }

    async fn hears(&self, wanted: &str) {
        eventually(wanted, || self.has_heard(wanted).then_some(())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_manager_is_told() {
    let stage = Stage::new().await;
    let manager = Manager::listening(&stage);
    let stage = stage
        .with_daemon_env("NOTIFY_SOCKET", manager.path.display().to_string())
        .with_daemon_env("WATCHDOG_USEC", "300000");
    let bot = stage.bot().await;
    manager.hears("READY=1").await;
    manager.hears("WATCHDOG=1").await;
    assert!(!manager.has_heard("STOPPING=1"));
    let message = stage.ask(MARA, HARBOR, "[[env]]");
    let answer = stage.answer(HARBOR, message).await;
    assert!(!answer.contains("NOTIFY_SOCKET"), "Claude cannot speak for the bot: {answer}");
    assert_eq!(bot.stop().code, Some(0));
    manager.hears("STOPPING=1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_is_not_connected_is_not_ready() {
    let stage = Stage::new().await;
    let manager = Manager::listening(&stage);
    let stage = stage.with_daemon_env("NOTIFY_SOCKET", manager.path.display().to_string());
    stage.discord.faults().set_down(true);
    let bot = stage.bot_unready();
    // It asks, and asks again.
    stage
        .discord
        .wait_for("the bot to ask twice", |discord| (discord.requests().len() >= 2).then_some(()))
        .await;
    assert!(!manager.has_heard("READY=1"), "nothing is ready yet");
    stage.discord.faults().set_down(false);
    manager.hears("READY=1").await;
    assert_eq!(bot.stop().code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_old_is_forgotten_and_does_not_run_again() {
    let stage = Stage::new().await.with("limits", "history_days = 30").with("claude", "warm_idle_secs = 1");
    let bot = stage.bot().await;
    let draft = Draft {
        content: format!("<@{BOT}> [[say:Long ago.]]"),
        attachments: vec![("a.txt".to_owned(), b"a".to_vec(), None)],
        ..Draft::default()
    };
    let old = stage.discord.say_with(MARA, HARBOR, draft);
    stage.answer(HARBOR, old).await;
    stage.rows("select id from processes where forgotten_at is null", 0).await;
    let files = || std::fs::read_dir(stage.state_dir().join("files")).expect("files were taken").count();
    assert_eq!(files(), 1);
    assert_eq!(bot.stop().code, Some(0));
    for (table, column) in [
        ("prompts", "accepted_at"),
        ("prompts", "received_at"),
        ("turns", "delivered_at"),
        ("processes", "forgotten_at"),
        ("slots", "first_try_at"),
    ] {
        stage.alter(&format!("update {table} set {column} = {column} - 40 * 86400000")).await;
    }
    let _bot = stage.bot().await;
    for table in ["turns", "processes", "slots"] {
        stage.rows(&format!("select 'x' from {table}"), 0).await;
    }
    // Who opened the conversation is known still, and nothing of what they said.
    stage.rows("select 'x' from prompts where text <> '' or attachments <> '[]'", 0).await;
    eventually("its file to be gone", || (files() == 0).then_some(())).await;
    let new = stage.ask(MARA, HARBOR, "[[say:And now.]]");
    stage.answer(HARBOR, new).await;
    assert_eq!(stage.cli_prompts().len(), 2, "{:?}", stage.cli_prompts());
    let told = stage.slash_text(MARA, HARBOR, "status").await;
    assert!(told.contains("2 turns"), "the sums stay: {told}");
    stage.assert_well_behaved();
}

//! What must be kept: the daemon's secrets, and its state directory.

use std::os::unix::fs::PermissionsExt as _;

use crate::harness::{HARBOR, MARA, Stage, parent_of};

/// A secret that the CLI is given, and nobody else may have.
const API_KEY: &str = "sk-ant-canary-7f3a91c04be2";

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_nowhere_but_where_they_are_needed() {
    let stage = Stage::new()
        .await
        .with_env("ANTHROPIC_API_KEY", API_KEY)
        .with_daemon_env("UNRELATED_SECRET", "canary-of-the-host");
    let bot = stage.bot().await;
    let gate = stage.dir().join("gate");
    let message = stage.ask(
        MARA,
        HARBOR,
        &format!("[[bash:env | cut -d= -f1]] [[wait:{}]] [[say:Done.]]", gate.display()),
    );
    let cli = stage.cli_pid(1).await;
    let failing = stage.ask(MARA, HARBOR, "[[stderr:2000]] [[exit:1]]");
    let shim = parent_of(cli);
    let proc = |pid: i32, file: &str| std::fs::read(format!("/proc/{pid}/{file}")).expect("it lives");
    let holds =
        |bytes: &[u8], secret: &str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
    let token = stage.discord.token().to_owned();
    let secrets = [API_KEY, token.as_str(), "canary-of-the-host"];
    for secret in secrets {
        for (pid, file) in [(shim, "cmdline"), (shim, "environ"), (cli, "cmdline"), (bot.pid(), "cmdline")] {
            assert!(!holds(&proc(pid, file), secret), "{secret} is in {file} of {pid}");
        }
        assert_eq!(
            holds(&proc(cli, "environ"), secret),
            secret == API_KEY,
            "{secret} in the CLI's environment"
        );
    }
    let assert_not_stored = |when: &str| {
        for (path, bytes) in stage.files(&stage.state_dir()) {
            for secret in secrets {
                assert!(!holds(&bytes, secret), "{when}: {secret} is in {}", path.display());
            }
        }
    };
    assert_not_stored("while a turn runs");
    std::fs::write(&gate, "").expect("the gate opens");
    stage.answer(HARBOR, message).await;
    stage.outcome(failing).await;
    let exit = bot.stop();
    assert_not_stored("after the end");
    for secret in secrets {
        assert!(!exit.stderr.contains(secret) && !exit.stdout.contains(secret), "{exit:?}");
        let said = stage.discord.messages(HARBOR);
        assert!(!said.iter().any(|message| message.to_string().contains(secret)), "{secret} is in Discord");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_directory_is_ours_alone() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[say:Done.]]");
    stage.answer(HARBOR, message).await;
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o7777;
    assert_eq!(mode(&stage.state_dir()), 0o700);
    assert_eq!(mode(&stage.state_dir().join("processes")), 0o700);
    for path in stage.files(&stage.state_dir()).into_keys() {
        assert_eq!(mode(&path) & 0o077, 0, "{} may be read by others", path.display());
    }
    // What Claude makes in the project is for the project's people.
    let message = stage.ask(MARA, HARBOR, "[[edit:notes.txt]]");
    stage.answer(HARBOR, message).await;
    assert_eq!(mode(&stage.dir().join("harbor/notes.txt")), 0o644);
}

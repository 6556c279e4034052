//! The unit of `deploy/` as the README installs it, under a systemd of its own.

mod container;

use std::path::Path;

use serde_json::Value;
use switchboard::playground::discord::EmbeddedDiscord;

use self::container::Container;
use crate::harness::{HARBOR, MARA, Stage, eventually, program};

const UNIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/switchboard.service");

/// The README's steps, with the projects of the stage below `/srv`.
fn install(stage: &Stage, container: &Container) {
    let dir = stage.dir().display().to_string();
    let config = std::fs::read_to_string(stage.write_config()).expect("the configuration");
    let config = config
        .replace(&format!("{dir}/state"), "/var/lib/switchboard")
        .replace(&format!("token = \"{}\"", stage.discord.token()), "token_file = \"-\"")
        .replace(&stage.cli().display().to_string(), "/usr/local/bin/claude")
        .replace(&dir, "/srv");
    let prepared = stage.dir().join("prepared.toml");
    std::fs::write(&prepared, config).expect("the configuration");
    let token = stage.dir().join("token");
    std::fs::write(&token, stage.discord.token()).expect("the token");

    container.install(Path::new(&program()), "755", "/usr/local/bin/switchboard");
    container.install(stage.cli(), "755", "/usr/local/bin/claude");
    container.run("useradd --system --create-home --shell /usr/sbin/nologin switchboard");
    container.install(&prepared, "644", "/etc/switchboard/config.toml");
    container.install(&token, "600", "/etc/switchboard/discord_token");
    container.install(&stage.dir().join("ca.pem"), "644", "/srv/ca.pem");
    container.run("install -d -o switchboard /srv /srv/harbor /srv/lighthouse /srv/home");
    container.install(Path::new(UNIT), "644", "/etc/systemd/system/switchboard.service");
    container.run("systemctl daemon-reload");
}

fn property(container: &Container, name: &str) -> String {
    container.run(&format!("systemctl show --property={name} --value switchboard"))
}

/// Runs a line as the unit's user in the unit's file system, as Claude's tools do.
fn as_a_tool(container: &Container, line: &str) -> bool {
    let daemon = property(container, "MainPID");
    let line = format!(
        "nsenter --target {daemon} --mount -- setpriv --reuid=switchboard --regid=switchboard --clear-groups \
         sh -c '{line}'"
    );
    container.sh(&line, None).status.success()
}

async fn connected(discord: &EmbeddedDiscord) {
    discord.wait_for("the bot to be connected", |discord| (discord.connected() > 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_unit_starts_restarts_and_keeps_its_secrets() {
    let stage = Stage::new().await;
    let Some(container) = Container::boot() else { return };
    install(&stage, &container);

    // It returns when the bot says that it is ready.
    container.run("systemctl enable --now switchboard");
    assert_eq!(property(&container, "ActiveState"), "active");
    connected(&stage.discord).await;
    let message = stage.ask(MARA, HARBOR, "[[say:Good morning.]]");
    assert!(stage.answer(HARBOR, message).await.contains("Good morning."));

    // Claude works in its projects and in /tmp, changes nothing of the system, and cannot read the token.
    for written in ["/srv/harbor/new", "/tmp/new", "/var/tmp/new", "/home/switchboard/new"] {
        assert!(as_a_tool(&container, &format!("touch {written}")), "{written}");
    }
    for refused in ["touch /etc/new", "touch /usr/local/bin/new", "cat /etc/switchboard/discord_token"] {
        assert!(!as_a_tool(&container, refused), "{refused}");
    }
    let daemon = property(&container, "MainPID");
    for secret in ["environ", "fd/0", "mem"] {
        assert!(!as_a_tool(&container, &format!("head -c 1 /proc/{daemon}/{secret}")), "{secret}");
    }

    // An upgrade in the middle of a turn.
    let message = stage.ask(MARA, HARBOR, "[[say:One.]] [[wait:/srv/gate]] [[say:Two.]]");
    shows(&stage, "One.").await;
    container.run("systemctl restart switchboard");
    container.run("touch /srv/gate");
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("One.") && answer.contains("Two."), "{answer}");

    // A crash.
    let before = property(&container, "MainPID");
    container.run(&format!("kill -9 {before}"));
    eventually("another bot to be ready", || {
        let another = property(&container, "MainPID") != before;
        (another && property(&container, "ActiveState") == "active").then_some(())
    })
    .await;
    let message = stage.ask(MARA, HARBOR, "[[say:Still here.]]");
    assert!(stage.answer(HARBOR, message).await.contains("Still here."));
    assert_eq!(stage.bot_messages(HARBOR).len(), 3, "each was answered once");
    stage.assert_well_behaved();

    // What cannot get better is not tried again.
    container.run("echo not.the.token > /etc/switchboard/discord_token");
    let restarted = container.sh("systemctl restart switchboard", None);
    assert!(!restarted.status.success());
    assert_eq!(property(&container, "ExecMainStatus"), "69");
    assert_eq!(property(&container, "ActiveState"), "failed");
}

async fn shows(stage: &Stage, text: &str) {
    stage
        .discord
        .wait_for(text, |discord| {
            let messages = discord.messages(HARBOR);
            let with_it =
                |message: &Value| message["content"].as_str().is_some_and(|words| words.contains(text));
            messages.iter().any(with_it).then_some(())
        })
        .await;
}

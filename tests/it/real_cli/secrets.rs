//! What must not get out: files by mention, the daemon's secrets, prompts in the list of processes.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{newest, stage, write};
use crate::harness::{Around, HARBOR, MARA, arguments, pids};

fn word() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mention_reads_no_file_outside_the_project() {
    let Some((api, stage)) = stage().await else { return };
    let (secret, inside) = (word(), word());
    write(&stage.dir().join("secret.txt"), &format!("the secret is {secret}\n"));
    write(&stage.dir().join("home/secret.txt"), &format!("the secret is {secret}\n"));
    write(&stage.dir().join("harbor/notes.txt"), &format!("the note is {inside}\n"));
    std::os::unix::fs::symlink(stage.dir().join("secret.txt"), stage.dir().join("harbor/link.txt"))
        .expect("a link");
    let _bot = stage.bot().await;
    let dir = stage.dir().display();
    for text in [
        format!("what is in @{dir}/secret.txt"),
        format!("@{dir}/secret.txt"),
        format!("@\"{dir}/secret.txt\" please"),
        "look: @../secret.txt and\n@~/secret.txt".to_owned(),
        "@link.txt".to_owned(),
        format!("@notes.txt@{dir}/secret.txt"),
        format!("(see\u{3000}@{dir}/secret.txt)"),
        format!("@{dir}/ @../"),
    ] {
        stage.exchange(HARBOR, &text).await;
        let body = newest(&api).body.to_string();
        assert!(!body.contains(&secret), "{text}");
        assert!(!body.contains("Called the Read tool") && !body.contains("Called the LS tool"), "{text}");
    }
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    stage.exchange(HARBOR, "@/etc/hostname").await;
    let request = newest(&api);
    assert!(!request.body.to_string().contains("Called the Read tool"), "/etc/hostname was read: {host}");

    // A file of the project is attached: the mention itself works.
    stage.exchange(HARBOR, "see @notes.txt").await;
    let body = newest(&api).body.to_string();
    assert!(body.contains(&inside) && body.contains("Called the Read tool"), "@notes.txt was not read");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemons_secrets_are_not_in_reach_of_the_tools() {
    let Some((_api, stage)) = stage().await else { return };
    let secret = word();
    let token = stage.discord.token().to_owned();
    let env = vec![
        ("DISCORD_TOKEN".to_owned(), token.clone()),
        ("SWITCHBOARD_LOG__LEVEL".to_owned(), "debug".to_owned()),
        ("SOME_PASSWORD".to_owned(), secret.clone()),
    ];
    // Root may read everything, so the bot is somebody else where that can be.
    let root = nix::unistd::geteuid().is_root();
    let programs = [stage.cli().to_owned(), crate::harness::program().into()];
    let unprivileged = root && programs.iter().all(|program| everybody_reaches(program));
    let wrapper = if unprivileged {
        let words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        words.map(str::to_owned).to_vec()
    } else {
        Vec::new()
    };
    let stage = stage.around(Around { env, wrapper }).with("harbor", "allowed_tools = [\"Bash\"]");
    if unprivileged {
        for dir in ["", "harbor", "lighthouse", "home"] {
            std::os::unix::fs::chown(stage.dir().join(dir), Some(65534), Some(65534)).expect("root may");
        }
    }
    let bot = stage.bot().await;
    let (env, proc) = (stage.dir().join("harbor/env.txt"), stage.dir().join("harbor/environ.txt"));
    let pid = bot.pid();
    let command = format!(
        "env > env.txt; for f in environ maps mem; do cat /proc/{pid}/$f; done > environ.txt 2>&1; \
         ls /proc/{pid}/fd >> environ.txt 2>&1"
    );
    let answer =
        stage.exchange(HARBOR, &format!("[[tool:Bash {{\"command\":\"{command}\"}}]][[say:seen]]")).await;
    assert!(answer.contains("seen"), "{answer}");

    let env = std::fs::read_to_string(env).expect("the command ran");
    let names: Vec<_> = env.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    assert!(names.contains(&"HOME") && names.contains(&"ANTHROPIC_API_KEY"), "{names:?}");
    for name in names {
        // The mark by which what a process left behind is found: an id, no secret.
        let ours = name.starts_with("SWITCHBOARD") && name != "SWITCHBOARD_PROCESS";
        assert!(!name.starts_with("DISCORD") && !ours, "{name}");
    }
    assert!(!env.contains(&token) && !env.contains(&secret));
    let proc = std::fs::read_to_string(proc).expect("the command ran");
    if unprivileged || !root {
        assert_eq!(proc.matches("Permission denied").count(), 4, "{proc}");
        assert!(!proc.contains(&token) && !proc.contains(&secret), "{proc}");
    }
    // What the kernel gives to root is what belongs to no ordinary user.
    let owner = std::fs::metadata(format!("/proc/{pid}/environ")).expect("the bot runs").uid();
    assert_eq!(owner, 0, "the daemon is dumpable");
}

/// Whether a user without any rights can run a program: each directory above it lets them through.
fn everybody_reaches(program: &Path) -> bool {
    let Ok(program) = program.canonicalize() else { return false };
    let passes = |dir: &Path| std::fs::metadata(dir).is_ok_and(|dir| dir.mode() & 0o001 != 0);
    program.ancestors().all(passes)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_processes_shows_neither_prompts_nor_secrets() {
    let Some((api, stage)) = stage().await else { return };
    let (prompt, system, password) = (word(), word(), word());
    let stage =
        stage.with("harbor", &format!("system_prompt = \"{system}\"")).with_env("SOME_PASSWORD", &password);
    let token = stage.discord.token().to_owned();
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, &format!("[[hold]][[say:ok]] {prompt}"));
    api.requested(1).await;
    assert_eq!(stage.clis("harbor").len(), 1);
    for pid in pids() {
        let line = arguments(pid).concat();
        let line = String::from_utf8_lossy(&line);
        for hidden in [&prompt, &system, &password, &token] {
            assert!(!line.contains(hidden.as_str()), "{pid}: {line}");
        }
        assert!(!line.contains("fake-key"), "{pid}: {line}");
    }
    api.release();
    stage.answer(HARBOR, message).await;
    let log = stage.log_text();
    for hidden in [&system, &password, &token, &prompt] {
        assert!(!log.contains(hidden.as_str()), "{hidden} is in the log");
    }
}

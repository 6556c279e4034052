//! The hook as the CLI runs it, through a shell, and what people ask of the policy at the terminal.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use switchboard::claude::hook;
use switchboard::policy::Rules;

use crate::harness::{self, Around, HARBOR, JONAS, MARA, Stage};

/// Runs the hook of these settings as the CLI does.
fn run(program: &Path, rules: &Rules, input: &str) -> Output {
    let settings: Value =
        serde_json::from_str(&hook::settings(program, rules, &BTreeMap::new())).expect("settings are JSON");
    let command =
        settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"].as_str().expect("a hook has a command");
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut shell = shell.spawn().expect("there is a shell");
    // It may have ended without reading.
    let _ = shell.stdin.take().expect("it is piped").write_all(input.as_bytes());
    shell.wait_with_output().expect("it ends")
}

fn using(command: &str) -> String {
    json!({ "tool_name": "Bash", "cwd": "/srv/p", "tool_input": { "command": command } }).to_string()
}

fn verdict(output: &Output) -> String {
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    said["hookSpecificOutput"]["permissionDecision"].as_str().unwrap_or("none").to_owned()
}

#[test]
fn the_hook_says_what_the_policy_decides() {
    let program = harness::program();
    let program = Path::new(&program);
    let rule = |text: &str| vec![text.parse().expect("a rule")];
    let rules =
        Rules { allow: rule("Bash(ls:*)"), ask: rule("Bash(git push:*)"), deny: rule("Bash(it's:*)") };
    for (command, said) in
        [("ls", "allow"), ("git push", "ask"), ("it\\'s x", "deny"), ("rm -rf /", "ask"), ("make", "none")]
    {
        let output = run(program, &rules, &using(command));
        assert!(output.status.success(), "{command}: {output:?}");
        assert_eq!(verdict(&output), said, "{command}");
    }
}

#[test]
fn a_hook_that_cannot_decide_denies() {
    let rules = Rules::default();
    let gone = run(Path::new("/nowhere/switchboard"), &rules, &using("ls"));
    let cut = run(Path::new(&harness::program()), &rules, "{\"tool_name\":");
    let crashed = run(Path::new("/bin/false"), &rules, &using("ls"));
    for output in [gone, cut, crashed] {
        // To the CLI 2 is a refusal; any other failure would let the tool run (its documentation of hooks).
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_file_behind_a_link_is_where_it_leads() {
    let dir = tempfile::tempdir().expect("a directory");
    std::os::unix::fs::symlink("/etc/hostname", dir.path().join("notes.txt")).expect("a link");
    let rules = Rules { allow: vec!["Edit".parse().expect("a rule")], ..Rules::default() };
    let input = json!({ "tool_name": "Edit", "cwd": dir.path(), "tool_input": { "file_path": "notes.txt" } });
    let output = run(Path::new(&harness::program()), &rules, &input.to_string());
    assert_eq!(verdict(&output), "ask", "{output:?}");
}

#[test]
fn a_decision_is_explained_at_the_terminal() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("config.toml");
    let text = "[policy]\ndeny = [\"Bash(curl:*)\"]\n[[projects]]\nname = \"harbor\"\nchannel_id = 5\ndir = \"/srv/harbor\"\nrules = { allow = [\"Bash(npm test)\"] }\n";
    std::fs::write(&config, text).expect("a file");
    let check = |tool: &str, input: &str, project: &str| {
        let mut program = Command::new(harness::program());
        program.arg("--config").arg(&config).args(["policy", "check", tool, input, "--project", project]);
        program.env_clear().output().expect("it runs")
    };
    for (command, said) in [
        ("npm test", ["allowed", "Bash(npm test)"]),
        ("npm test && curl x", ["denied", "Bash(curl:*)"]),
        ("rm -rf /", ["asked", "delete-everything"]),
        ("make", ["mode default", "No rule"]),
    ] {
        let output = check("Bash", &json!({ "command": command }).to_string(), "harbor");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.iter().all(|said| text.contains(said)),
            "{command}: {output:?}"
        );
    }
    let mut program = Command::new(harness::program());
    let listed = program.arg("--config").arg(&config).args(["policy", "check", "--project", "harbor"]);
    let listed = listed.env_clear().output().expect("it runs");
    let text = String::from_utf8_lossy(&listed.stdout);
    for said in ["deny  Bash(curl:*)", "allow Bash(npm test)", "delete-everything: "] {
        assert!(text.contains(said), "{text}");
    }
    assert!(!check("Bash", "{}", "nowhere").status.success());
    assert!(!check("Bash", "ls", "harbor").status.success());
}

#[test]
fn a_rule_that_is_none_is_refused_at_the_start_with_its_line() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("config.toml");
    std::fs::write(&config, "[policy]\nallow = [\"Read\"]\n\nask = [\"Read\", \"Bash(git push\"]\n")
        .expect("a file");
    let mut program = Command::new(harness::program());
    let output = program.arg("--config").arg(&config).arg("run").env_clear().output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    for part in ["config.toml:4", "policy.ask", "Bash(git push", "closing parenthesis"] {
        assert!(said.contains(part), "{part} is missing: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catastrophe_says_so_on_its_card_and_is_never_for_the_session() {
    let stage = Stage::new().await.with("harbor", "rules = { allow = [\"Bash\"] }");
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[ask:bash:git push --force origin main]][[say:So.]]");
    let (card, labels) = stage.card(HARBOR).await;
    let shown = stage.bot_messages(HARBOR).join("\n");
    assert!(shown.contains("force-push: it replaces") && shown.contains("whatever the mode"), "{shown}");
    assert!(!labels.iter().any(|label| label.contains("session")), "{labels:?}");
    stage.click(MARA, card, "Deny").await;
    stage.answer(HARBOR, message).await;
    let audit = stage.sql("SELECT detail FROM audit WHERE action = 'policy'").await;
    assert_eq!(audit, ["asked because of the pattern force-push"]);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_writes_in_place_of_a_command_is_judged_anew() {
    let stage = Stage::new().await.with("harbor", "rules = { deny = [\"Bash(mv:*)\"] }");
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[ask:bash:touch made.txt]][[say:So.]]");
    let (card, _) = stage.card(HARBOR).await;
    for (written, told) in [
        ("touch made.txt; bash -c 'mv made.txt other.txt'", "denies what you wrote, `Bash(mv:*)`"),
        ("touch made.txt && git push --force", "force-push"),
    ] {
        let opened = stage.click(JONAS, card, "Edit, then allow").await;
        let sent = stage.submit(opened, &[written]).await;
        let said = stage.told_privately(sent).await;
        assert!(said.contains("Not run") && said.contains(told), "{said}");
        assert_eq!(stage.sql("SELECT state FROM asks").await, ["open"]);
    }
    assert!(!stage.dir().join("harbor/made.txt").exists());
    let opened = stage.click(JONAS, card, "Edit, then allow").await;
    stage.submit(opened, &["touch other.txt"]).await;
    stage.answer(HARBOR, message).await;
    assert!(stage.dir().join("harbor/other.txt").exists());
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_catastrophe_is_on_the_card_and_an_edit_brings_no_other() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let command = "git push --force; git filter-branch --tree-filter true";
    let message = stage.ask(MARA, HARBOR, &format!("[[ask:bash:{command}]][[say:So.]]"));
    let (card, _) = stage.card(HARBOR).await;
    let shown = stage.bot_messages(HARBOR).join("\n");
    assert!(shown.contains("force-push, rewrite-history: it replaces"), "{shown}");
    for (written, said) in [
        ("git push --force; rm -rf /", "⚠️ delete-everything, what you wrote"),
        ("rm -rf /; kill -9 -1; git push --force", "⚠️ delete-everything, halt-machine, what you wrote"),
    ] {
        let opened = stage.click(JONAS, card, "Edit, then allow").await;
        let sent = stage.submit(opened, &[written]).await;
        let told = stage.told_privately(sent).await;
        assert!(told.contains("Not run") && told.contains(said), "{told}");
    }
    let opened = stage.click(JONAS, card, "Edit, then allow").await;
    stage.submit(opened, &["touch made.txt || git filter-branch -f || git push -f"]).await;
    stage.answer(HARBOR, message).await;
    assert!(stage.dir().join("harbor/made.txt").exists());
    let audit = stage.sql("SELECT detail FROM audit WHERE action = 'policy'").await;
    assert_eq!(audit, ["asked because of the patterns force-push, rewrite-history"]);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn past_asks_are_judged_by_rules_that_are_tried() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    for (command, word) in [("touch made.txt", "Allow once"), ("mkdir made", "Deny"), ("git push -f", "Deny")]
    {
        let message = stage.ask(MARA, HARBOR, &format!("[[ask:bash:{command}]][[say:So.]]"));
        let (card, _) = stage.card(HARBOR).await;
        stage.click(JONAS, card, word).await;
        stage.answer(HARBOR, message).await;
    }
    let rules = stage.dir().join("rules.toml");
    std::fs::write(&rules, "allow = [\"Bash(mkdir:*)\", \"Bash(git:*)\"]\ndeny = [\"Bash(touch:*)\"]\n")
        .expect("a file");
    let rules = rules.to_str().expect("its name is text");
    // Beside the bot that runs.
    let tried = stage.run(&["policy", "test", "--project", "harbor", "--rules", rules]);
    assert_eq!(tried.code, Some(0), "{}", tried.stderr);
    let lines: Vec<_> = tried.stdout.lines().collect();
    for (line, (mark, said, why)) in lines.iter().zip([
        ("! ", "was allowed by Jonas, would be denied (Bash(touch:*))", "Bash: touch made.txt"),
        ("! ", "was denied by Jonas, would be allowed (Bash(mkdir:*))", "Bash: mkdir made"),
        ("  ", "was denied by Jonas, would be asked (force-push)", "Bash: git push -f"),
    ]) {
        assert!(line.starts_with(mark) && line.contains(said) && line.contains(why), "{line}");
    }
    let told =
        "3 asks: 1 would run without a question, 1 would ask in every mode, 1 would be denied, 0 are left";
    assert!(lines[3].starts_with(told) && lines[4].starts_with("2 of them (!)"), "{}", tried.stdout);
    drop(bot);
    // With the rules of the configuration, and when nobody holds the database.
    let own = stage.run(&["policy", "test"]);
    assert!(own.stdout.contains("0 would run without a question, 1 would ask"), "{}", own.stdout);
    for (text, said) in
        [("[policy]\nallow = []\n", "means nothing here"), ("deny = [\"Bash(\"]\n", "parenthesis")]
    {
        std::fs::write(rules, text).expect("a file");
        let refused = stage.run(&["policy", "test", "--rules", rules]);
        assert!(refused.code != Some(0) && refused.stderr.contains(said), "{}", refused.stderr);
    }
}

/// What the audit has of decisions that nobody was asked about, without what differs from run to run.
async fn decided(stage: &Stage) -> Vec<String> {
    let rows = "SELECT substr(detail, 1, instr(detail, ' conversation=') - 1) FROM audit
                WHERE action = 'policy' AND detail NOT LIKE 'asked%' ORDER BY seq";
    let digest = |text: &str| text.split(" input=").next().unwrap_or_default().to_owned();
    stage.sql(rows).await.iter().map(|text| digest(text)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_decides_without_a_question_is_in_the_audit_once() {
    let rules = "rules = { allow = [\"Bash(touch:*)\"], deny = [\"Bash(mv:*)\"] }";
    let stage = Stage::new().await.with("harbor", rules);
    let bot = stage.bot().await;
    // What is allowed asks nobody, and what is denied does not run; `true` is left to the mode.
    let message = stage.ask(
        MARA,
        HARBOR,
        "[[ask:bash:touch a.txt]][[bash:sh -c 'mv a.txt b.txt']][[bash:true]][[say:So.]]",
    );
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("denies it: Bash(mv:*)"), "{answer}");
    assert!(stage.dir().join("harbor/a.txt").exists() && !stage.dir().join("harbor/b.txt").exists());
    let first = ["allowed by the rule Bash(touch:*): Bash", "denied by the rule Bash(mv:*): Bash"];
    assert_eq!(decided(&stage).await, first);
    assert!(stage.sql("SELECT id FROM asks").await.is_empty());

    // What is decided while no daemon runs is there when one does, and what was noted is not noted again.
    let go = stage.dir().join("go");
    let script = format!("[[say:I wait.]][[wait:{}]][[bash:mv a.txt b.txt]][[say:Done.]]", go.display());
    let message = stage.ask(MARA, HARBOR, &script);
    stage.answer_shows(HARBOR, message, "I wait.").await;
    bot.kill();
    std::fs::write(&go, "").expect("the gate opens");
    let bot = stage.bot().await;
    stage.answer(HARBOR, message).await;
    let all = [first[0], first[1], first[1]];
    assert_eq!(decided(&stage).await, all);
    bot.kill();
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[say:Aye.]]");
    stage.answer(HARBOR, message).await;
    assert_eq!(decided(&stage).await, all);
    let verified = stage.run(&["audit", "verify"]);
    assert_eq!(verified.code, Some(0), "{}", verified.stdout);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_mode_refuses_is_in_the_audit_too() {
    let stage = Stage::new().await.with("harbor", "permission_mode = \"dontAsk\"");
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[ask:bash:touch a.txt]][[say:So.]]");
    stage.answer(HARBOR, message).await;
    assert!(!stage.dir().join("harbor/a.txt").exists());
    assert_eq!(decided(&stage).await, ["denied by the CLI (mode): Bash"]);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_hold_where_the_mode_allows_everything_and_a_project_cannot_switch_them_off() {
    let stage = Stage::new()
        .await
        .with("harbor", "permission_mode = \"bypassPermissions\"\nrules = { deny = [\"Bash(touch:*)\"] }")
        .with_env("IS_SANDBOX", "1");
    let settings = stage.dir().join("harbor/.claude/settings.json");
    std::fs::create_dir_all(settings.parent().expect("it has one")).expect("a directory");
    std::fs::write(&settings, r#"{ "disableAllHooks": true }"#).expect("a file");
    let _bot = stage.bot().await;
    let message = stage.ask(
        MARA,
        HARBOR,
        "[[bash:sh -c 'touch a.txt']][[bash:echo b > b.txt]][[bash:echo c > c.txt; git push --force]][[say:So.]]",
    );
    let (card, _) = stage.card(HARBOR).await;
    stage.click(MARA, card, "Deny").await;
    stage.answer(HARBOR, message).await;
    let made = |name: &str| stage.dir().join("harbor").join(name).exists();
    assert_eq!(["a.txt", "b.txt", "c.txt"].map(made), [false, true, false]);
    stage.assert_well_behaved();
}

/// The bot's file is gone, because somebody put another version elsewhere; what runs goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_is_gone_denies() {
    let stage = Stage::new().await;
    let (program, run) = (stage.dir().join("switchboard"), stage.dir().join("run.sh"));
    // By a process of its own: what another test spawns while this one writes the file would keep it open, and what is
    // open to be written is not run.
    let copied = std::process::Command::new("cp").arg(harness::program()).arg(&program).status();
    assert!(copied.expect("cp is there").success());
    let script = format!("#!/bin/sh\nshift\nexec {} \"$@\"\n", program.display());
    std::fs::write(&run, script).expect("a file");
    std::fs::set_permissions(&run, std::fs::Permissions::from_mode(0o700)).expect("it is ours");
    let stage = stage.around(Around { wrapper: vec![run.display().to_string()], ..Around::default() });
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[bash:touch first.txt]][[say:So.]]");
    stage.answer(HARBOR, message).await;
    assert!(stage.dir().join("harbor/first.txt").exists());
    std::fs::remove_file(&program).expect("it is there");
    let message = stage.ask(MARA, HARBOR, "[[bash:touch second.txt]][[say:So.]]");
    let answer = stage.answer(HARBOR, message).await;
    assert!(!stage.dir().join("harbor/second.txt").exists(), "the command ran: {answer}");
    assert_eq!(decided(&stage).await, ["denied because a hook failed: Bash"]);
    stage.assert_well_behaved();
}

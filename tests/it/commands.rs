//! Slash commands: who may use them, what they do, and that they answer in time, to one person alone.

use serde_json::{Value, json};
use switchboard::domain::ids::ChannelId;
use switchboard::playground::discord::World;

use crate::harness::{
    HARBOR, JONAS, LIGHTHOUSE, MARA, Stage, VERA, alive, eventually, private_text, session_of,
};

/// The option of `/model`.
fn model(name: &str) -> Value {
    json!([{ "name": "name", "type": 3, "value": name }])
}

/// The option of `/reset`.
fn channel(id: ChannelId) -> Value {
    json!([{ "name": "channel", "type": 7, "value": id.to_string() }])
}

/// Asks, waits for the end, and gives the answer.
async fn told(stage: &Stage, prompt: &str) -> String {
    let message = stage.ask(MARA, HARBOR, prompt);
    stage.answer(HARBOR, message).await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_commands_are_registered_in_the_guild_at_the_start() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let commands = stage.discord.commands();
    let names: Vec<_> =
        commands.as_array().expect("a list").iter().map(|command| command["name"].clone()).collect();
    for name in [
        "effort",
        "help",
        "mode",
        "model",
        "reset",
        "status",
        "stop",
        "waiting",
        "Ask Claude about this",
        "Retry",
        "Withdraw",
    ] {
        assert!(names.contains(&name.into()), "/{name} is missing: {names:?}");
    }
    let paths: Vec<_> =
        stage.discord.requests().into_iter().filter(|request| request.method == "PUT").collect();
    assert!(paths[0].path.contains("/guilds/") && paths[0].path.ends_with("/commands"), "{}", paths[0].path);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_get_a_private_sentence_and_nothing_happens() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let held = stage.ask(MARA, HARBOR, "[[say:I wait.]][[wait:/nowhere/at/all]]");
    stage.answer_shows(HARBOR, held, "I wait.").await;
    let plain = |name| (name, json!([]));
    for (name, options) in
        [plain("stop"), plain("reset"), plain("status"), plain("help"), ("model", model("opus"))]
    {
        let text = private_text(&stage.slash(VERA, HARBOR, name, options).await);
        assert!(text.contains("not among the people"), "/{name}: {text}");
    }
    let status = stage.slash_text(MARA, HARBOR, "status").await;
    assert!(status.contains("working"), "the stranger stopped it: {status}");
    stage.slash_text(MARA, HARBOR, "stop").await;
    assert_eq!(stage.outcome(held).await, "⏹️");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_forgets_the_conversation() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    told(&stage, "[[say:The code word is heron.]]").await;
    assert!(told(&stage, "[[recall]]").await.contains("heron"));
    let text = stage.slash_text(MARA, HARBOR, "reset").await;
    assert!(text.contains("begins a new conversation"), "{text}");
    let answer = told(&stage, "[[recall]]").await;
    assert!(!answer.contains("heron"), "{answer}");
    let sessions: Vec<_> = stage.cli_log("start").iter().filter_map(session_of).collect();
    assert_eq!(sessions.len(), 2);
    assert_ne!(sessions[0], sessions[1]);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_takes_manage_messages_unless_members_may() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    told(&stage, "[[say:The code word is heron.]]").await;
    let text = stage.slash_text(JONAS, HARBOR, "reset").await;
    assert!(text.contains("Manage Messages"), "{text}");
    assert!(told(&stage, "[[recall]]").await.contains("heron"));
    stage.discord.set_roles(JONAS, &[World::BUILDERS, World::MASTERS]);
    assert!(stage.slash_text(JONAS, HARBOR, "reset").await.starts_with("Done"));

    let stage = Stage::new().await.with("access", "reset = \"members\"");
    let _bot = stage.bot().await;
    told(&stage, "[[say:The code word is heron.]]").await;
    assert!(stage.slash_text(JONAS, HARBOR, "reset").await.starts_with("Done"));
    assert!(!told(&stage, "[[recall]]").await.contains("heron"));
    assert!(stage.slash_text(VERA, HARBOR, "reset").await.contains("not among the people"));
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_works_for_another_channel_and_says_where_there_is_nothing() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    told(&stage, "[[say:The code word is heron.]]").await;
    let here = stage.slash_text(MARA, World::GENERAL, "reset").await;
    assert!(here.contains("No project belongs"), "{here}");
    let nothing = private_text(&stage.slash(MARA, World::GENERAL, "reset", channel(LIGHTHOUSE)).await);
    assert!(nothing.contains("no conversation"), "{nothing}");
    let done = private_text(&stage.slash(MARA, World::GENERAL, "reset", channel(HARBOR)).await);
    assert!(done.starts_with("Done"), "{done}");
    assert!(!told(&stage, "[[recall]]").await.contains("heron"));
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_while_a_turn_runs_stops_it_and_withdraws_what_waits() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let running = stage.ask(MARA, HARBOR, "[[say:The code word is heron.]][[wait:/nowhere/at/all]]");
    stage.answer_shows(HARBOR, running, "heron").await;
    let waiting = stage.ask(MARA, HARBOR, "[[recall]]");
    stage.answer_shows(HARBOR, running, "1 queued").await;
    let said = stage.slash_text(MARA, HARBOR, "reset").await;
    assert!(said.starts_with("Done") && said.contains("One message that waited was withdrawn"), "{said}");
    assert_eq!(stage.outcome(running).await, "⏹️");
    assert_eq!(stage.outcome(waiting).await, "⏹️");
    let next = stage.ask(MARA, HARBOR, "[[recall]]");
    let answer = stage.answer(HARBOR, next).await;
    assert!(answer.contains("You said before:") && !answer.contains("heron"), "{answer}");
    assert_eq!(stage.sql("select state from prompts order by seq").await, ["taken", "withdrawn", "taken"]);
    assert_eq!(stage.bot_messages(HARBOR).len(), 2, "what was withdrawn has no message of its own");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn status_shows_each_conversation_with_its_numbers() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    assert!(stage.slash_text(MARA, HARBOR, "status").await.contains("No conversation yet"));
    told(&stage, "[[cost:0.25]][[say:one]]").await;
    told(&stage, "[[cost:0.50]][[say:two]]").await;
    let thread = stage.discord.create_thread(MARA, HARBOR, "Cranes", None);
    let held = stage.ask(JONAS, thread, "[[say:I wait.]][[wait:/nowhere/at/all]]");
    stage.answer_shows(thread, held, "I wait.").await;
    let text = stage.slash_text(JONAS, HARBOR, "status").await;
    let rows: Vec<_> = text.lines().collect();
    assert_eq!(rows.len(), 4, "{text}");
    let harbor = text.find(&format!("<#{HARBOR}>")).expect("the channel's row");
    let row = text[harbor..].lines().take(2).collect::<Vec<_>>().join(" ");
    for part in ["harbor", "2 turns", "$0.75", "tokens", "warm", "last", "begun"] {
        assert!(row.contains(part), "“{part}” is missing: {row}");
    }
    let below = text.find(&format!("<#{thread}>")).expect("the thread's row");
    assert!(text[below..].lines().next().unwrap_or_default().contains("working"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_offered_chosen_and_kept_over_a_restart() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    assert!(
        told(&stage, "[[args]]").await.contains("--permission-prompt-tool"),
        "the CLI is not asked for its flags"
    );
    let all = stage.discord.autocomplete(MARA, HARBOR, "model", "name", "").await;
    let values: Vec<_> = all.iter().map(|choice| choice.value.clone()).collect();
    assert_eq!(values, ["default", "opus", "sonnet", "haiku"]);
    let some = stage.discord.autocomplete(MARA, HARBOR, "model", "name", "HAI").await;
    assert_eq!(some.len(), 1);
    assert_eq!(some[0].value, "haiku");
    for unknown in ["gpt", "--evil", "opus --evil", ""] {
        let text = private_text(&stage.slash(MARA, HARBOR, "model", model(unknown)).await);
        assert!(text.contains("do not know that model"), "{unknown}: {text}");
    }
    assert!(!told(&stage, "[[args]]").await.contains("--model"));
    let text = private_text(&stage.slash(JONAS, HARBOR, "model", model("haiku")).await);
    assert!(text.contains("`haiku`"), "{text}");
    let answer = told(&stage, "[[args]]").await;
    assert!(answer.contains("haiku") && !answer.contains("--model"), "the warm process was told: {answer}");
    assert!(told(&stage, "[[recall]]").await.contains("[[args]]"), "another model, another session");
    assert_eq!(bot.stop().code, Some(0));
    let _bot = stage.bot().await;
    assert!(stage.slash_text(MARA, HARBOR, "status").await.contains("haiku"));
    let answer = told(&stage, "[[args]]").await;
    assert!(answer.contains("haiku"), "{answer}");
    private_text(&stage.slash(MARA, HARBOR, "model", model("default")).await);
    let answer = told(&stage, "[[args]]").await;
    assert!(!answer.contains("--model") && !answer.contains("haiku"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_ends_the_turn_and_keeps_the_session() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    assert!(stage.slash_text(MARA, HARBOR, "stop").await.contains("Nothing runs here"));
    let running = stage.ask(MARA, HARBOR, "The code word is heron [[say:I wait.]][[wait:/nowhere/at/all]]");
    stage.answer_shows(HARBOR, running, "I wait.").await;
    // Everybody who may prompt may stop.
    let text = stage.slash_text(JONAS, HARBOR, "stop").await;
    assert!(text.contains("Stopping"), "{text}");
    assert_eq!(stage.outcome(running).await, "⏹️");
    assert!(stage.answer(HARBOR, running).await.contains("the session stays"));
    let answer = told(&stage, "[[recall]]").await;
    assert!(answer.contains("heron"), "{answer}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_leaves_no_process_of_the_turn_behind() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let pid_file = stage.dir().join("pids");
    let children = "sleep 1001 & setsid sleep 1002 & (setsid nohup sleep 1003 >/dev/null 2>&1 &)";
    let prompt =
        format!("[[bash:{children}; echo $$ > {0}.new; mv {0}.new {0}; sleep 1000]]", pid_file.display());
    let running = stage.ask(MARA, HARBOR, &prompt);
    let shell = eventually("the command to run", || std::fs::read_to_string(&pid_file).ok()).await;
    let cli = stage.cli_pid(1).await;
    let mark = stage.dir().join("cli.log").display().to_string();
    let family = || -> Vec<i32> {
        let has_mark = |pid: &i32| {
            std::fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(&mark))
        };
        crate::harness::pids().into_iter().filter(|pid| alive(*pid) && has_mark(pid)).collect()
    };
    let shell = shell.trim().parse().expect("a pid");
    eventually("the CLI, the shell and its children", || {
        let all = family();
        (all.contains(&cli) && all.contains(&shell) && all.len() >= 5).then_some(())
    })
    .await;
    stage.slash_text(MARA, HARBOR, "stop").await;
    assert_eq!(stage.outcome(running).await, "⏹️");
    eventually("the end of every process of the turn", || family().is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_goes_on_after_a_stop() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let running = stage.ask(MARA, HARBOR, "[[say:I wait.]][[wait:/nowhere/at/all]]");
    stage.answer_shows(HARBOR, running, "I wait.").await;
    let waiting = stage.ask(MARA, HARBOR, "[[say:My turn.]]");
    stage.answer_shows(HARBOR, running, "1 queued").await;
    let text = stage.slash_text(MARA, HARBOR, "stop").await;
    assert!(text.contains("One prompt still waits"), "{text}");
    assert_eq!(stage.outcome(running).await, "⏹️");
    assert!(stage.answer(HARBOR, waiting).await.contains("My turn."));
    assert_eq!(stage.outcome(waiting).await, "✅");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_answer_in_time_while_a_turn_floods() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let busy = stage.ask(MARA, HARBOR, "[[flood:2000]]");
    for name in ["status", "help", "stop", "reset"] {
        stage.slash_text(MARA, HARBOR, name).await;
    }
    stage.outcome(busy).await;
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn help_names_as_many_projects_as_fit_and_counts_the_rest() {
    const PROJECTS: u64 = 60;
    let piers = || (0..PROJECTS).map(|number| (ChannelId(1_100_000_000_000_001_000 + number), number));
    let world = piers()
        .fold(World::playground(), |world, (id, number)| world.with_channel(id, &format!("pier-{number}")));
    let stage = Stage::in_world(world).await;
    let dir = stage.dir().display().to_string();
    let project = |(id, number)| {
        format!("[[projects]]\nname = \"pier-{number}\"\nchannel_id = {id}\ndir = \"{dir}/harbor\"\n")
    };
    let stage = stage.with("lighthouse", &piers().map(project).collect::<String>());
    let _bot = stage.bot().await;
    let asked = stage.discord.slash(MARA, HARBOR, "help", json!([]));
    let listed = stage.told_privately(asked).await;
    assert!(listed.starts_with("**Your projects**\n"), "{listed}");
    let named = listed.lines().filter(|line| line.starts_with("- <#")).count();
    assert!(named > 10, "{listed}");
    // Two of them are there without piers.
    let rest = usize::try_from(PROJECTS).expect("it fits") + 2 - named;
    assert!(listed.ends_with(&format!("… and {rest} more")), "{listed}");
    assert!(private_text(&stage.replied(asked).await).starts_with("I run Claude Code"));
    stage.assert_well_behaved();
}

//! `/mode`, `/effort` and `/model` in the middle of a session: what is chosen reaches what runs, is seen, and stays.

use serde_json::{Value, json};

use crate::harness::{Around, HARBOR, JONAS, MARA, Stage, VERA, eventually, hears_tests, private_text};

const PLAN: &str = "[[plan:# Plan\n1. Paint the buoy]]";

fn word(name: &str, value: &str) -> Value {
    json!([{ "name": name, "type": 3, "value": value }])
}

async fn told(stage: &Stage, prompt: &str) -> String {
    let message = stage.ask(MARA, HARBOR, prompt);
    stage.answer(HARBOR, message).await
}

async fn mode(stage: &Stage, mode: &str) -> String {
    private_text(&stage.slash(MARA, HARBOR, "mode", word("mode", mode)).await)
}

async fn processes(stage: &Stage) -> Vec<String> {
    stage.sql("SELECT CAST(count(*) AS TEXT) FROM processes").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mode_is_chosen_seen_and_kept_until_the_reset() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    assert!(mode(&stage, "plan").await.contains("no conversation here yet"));
    assert!(!told(&stage, "[[say:hello]]").await.contains("mode"), "the project's own mode is not told");
    let text = stage.slash_text(MARA, HARBOR, "mode").await;
    assert!(text.contains("`default`") && text.contains("configured for all projects"), "{text}");
    for (unknown, why) in
        [("yolo", "do not know that mode"), ("dontAsk", "do not know"), ("bypassPermissions", "allow_bypass")]
    {
        assert!(mode(&stage, unknown).await.contains(why), "{unknown}");
    }
    let text = private_text(&stage.slash(VERA, HARBOR, "mode", word("mode", "auto")).await);
    assert!(text.contains("not among the people"), "{text}");
    let text = mode(&stage, "plan").await;
    assert!(text.starts_with("From Claude's next step on") && text.contains("`plan`"), "{text}");
    let answer = told(&stage, "[[args]]").await;
    assert!(answer.contains("--permission-mode=default") && answer.contains("· plan mode"), "{answer}");
    assert_eq!(processes(&stage).await, ["1"], "the warm process was told");
    let text = stage.slash_text(JONAS, HARBOR, "mode").await;
    assert!(text.contains("`plan`") && text.contains("chosen here"), "{text}");
    assert_eq!(
        stage.sql("SELECT action || ' ' || detail FROM audit WHERE action = 'mode'").await,
        ["mode plan"],
        "what was refused changed nothing"
    );

    assert_eq!(bot.stop().code, Some(0));
    let _bot = stage.bot().await;
    let answer = told(&stage, "[[say:again]]").await;
    assert!(answer.contains("· plan mode"), "{answer}");
    assert_eq!(processes(&stage).await, ["1"]);
    private_text(&stage.slash(MARA, HARBOR, "mode", word("mode", "project")).await);
    assert!(!told(&stage, "[[say:as usual]]").await.contains("plan mode"));
    mode(&stage, "acceptEdits").await;
    stage.slash(MARA, HARBOR, "reset", json!([])).await;
    let answer = told(&stage, "[[args]]").await;
    assert!(answer.contains("--permission-mode=default") && !answer.contains("acceptEdits"), "{answer}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_plans_plans_its_next_prompt_again() {
    let stage = Stage::new().await.with("harbor", "permission_mode = \"plan\"");
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, PLAN);
    let (card, _) = stage.card(HARBOR).await;
    stage.click(MARA, card, "Approve and accept edits").await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("acceptEdits mode"), "{answer}");
    let answer = told(&stage, "[[say:The next one.]]").await;
    assert!(!answer.contains("mode"), "the project's own mode is not told: {answer}");
    assert_eq!(processes(&stage).await, ["1"]);
    assert!(stage.spools().contains(r#""mode":"plan","subtype":"set_permission_mode""#));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_was_approved_as_the_daemon_died_is_over() {
    if !hears_tests() {
        return;
    }
    // Each of them the build that hears where to die: another program would be another fingerprint of its processes.
    let stage = Stage::new().await.with_daemon_env("FAIL_AT", "PlanLeft:1");
    let mut bot = stage.bot().await;
    told(&stage, "[[say:hello]]").await;
    mode(&stage, "plan").await;
    let done = stage.dir().join("done");
    let message = stage.ask(MARA, HARBOR, &format!("{PLAN}[[marker:{}]][[say:It is done.]]", done.display()));
    let (card, _) = stage.card(HARBOR).await;
    stage.click(MARA, card, "Approve").await;
    eventually("the daemon to die", || bot.is_over().then_some(())).await;
    eventually("the CLI to go on", || done.exists().then_some(())).await;
    let env = vec![("FAIL_AT".to_owned(), "PlanLeft:2".to_owned())];
    let stage = stage.around(Around { env, ..Around::default() });
    let _bot = stage.bot().await;
    assert!(stage.answer(HARBOR, message).await.contains("It is done."));
    let text = stage.slash_text(MARA, HARBOR, "mode").await;
    assert!(text.contains("`default`") && text.contains("configured for all projects"), "{text}");
    assert!(!told(&stage, "[[say:again]]").await.contains("mode"));
    assert_eq!(processes(&stage).await, ["1"]);
    let modes = stage.sql("SELECT detail FROM audit WHERE action = 'mode' ORDER BY seq").await;
    assert_eq!(modes, ["plan", "project"]);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_runs_takes_a_choice() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let go = stage.dir().join("go");
    let asked = stage.ask(MARA, HARBOR, &format!("[[say:I wait.]][[wait:{}]][[say:On.]]", go.display()));
    stage.answer_shows(HARBOR, asked, "I wait.").await;
    let text = mode(&stage, "acceptEdits").await;
    assert!(text.contains("also in what runs now"), "{text}");
    let text = private_text(&stage.slash(MARA, HARBOR, "model", word("name", "haiku")).await);
    assert!(text.contains("also in what runs now") && text.contains("`haiku`"), "{text}");
    stage.answer_shows(HARBOR, asked, "acceptEdits").await;
    std::fs::write(go, "").expect("the file");
    let answer = stage.answer(HARBOR, asked).await;
    assert!(answer.contains("haiku") && answer.contains("acceptEdits mode"), "{answer}");
    assert_eq!(processes(&stage).await, ["1"]);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_takes_a_process_that_was_launched_for_it() {
    // The CLI refuses the mode to root, but in a sandbox that says it is one.
    let admin = format!("[[access.people]]\ntier = \"admin\"\nusers = [{MARA}]");
    let stage = Stage::new().await.with("claude", "allow_bypass = true").with("access", &admin);
    let stage = stage.with_env("IS_SANDBOX", "1");
    let _bot = stage.bot().await;
    told(&stage, "[[say:hello]]").await;
    let by_operator = stage.slash(JONAS, HARBOR, "mode", word("mode", "bypassPermissions")).await;
    assert!(private_text(&by_operator).contains("This takes an admin"));
    let text = mode(&stage, "bypassPermissions").await;
    assert!(text.starts_with("From the next prompt on"), "{text}");
    let answer = told(&stage, "[[args]]").await;
    assert!(answer.contains("--permission-mode=bypassPermissions"), "{answer}");
    assert!(answer.contains("bypassPermissions mode"), "everybody sees it: {answer}");
    // The way back does not wait for anything.
    assert!(mode(&stage, "default").await.starts_with("From Claude's next step on"));
    let answer = told(&stage, "[[args]]").await;
    assert!(!answer.contains("bypassPermissions"), "and no process stays that could go back: {answer}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effort_reaches_what_runs_and_every_launch() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    told(&stage, "[[say:hello]]").await;
    let set =
        async |level: &str| private_text(&stage.slash(MARA, HARBOR, "effort", word("level", level)).await);
    assert!(
        set("max").await.contains("Choose one of: `low`, `medium`, `high`"),
        "as the CLI says of its model"
    );
    assert!(set("high").await.starts_with("From Claude's next step on"));
    assert!(stage.spools().contains(r#"{"effortLevel":"high"}"#));
    let answer = told(&stage, "[[args]]").await;
    assert!(answer.contains("effort high") && !answer.contains("--effort"), "{answer}");
    assert!(stage.slash_text(MARA, HARBOR, "effort").await.contains("chosen here"));
    assert_eq!(bot.stop().code, Some(0));
    let stage = stage.with("claude", "warm_idle_secs = 0");
    let _bot = stage.bot().await;
    told(&stage, "[[say:the last one of the old process]]").await;
    let answer = told(&stage, "[[args]]").await;
    assert!(answer.contains("--effort=high"), "{answer}");
    let text = private_text(&stage.slash(MARA, HARBOR, "effort", word("level", "default")).await);
    assert!(text.contains("model's own"), "{text}");
    assert!(!told(&stage, "[[args]]").await.contains("effort"));
    stage.assert_well_behaved();
}

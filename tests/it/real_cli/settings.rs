//! What the configuration and the project say reaches Claude.

use super::{newest, stage, write};
use crate::harness::{HARBOR, LIGHTHOUSE, MARA};

fn tools(request: &crate::support::messages_api::Recorded) -> Vec<String> {
    let tools = request.body["tools"].as_array().expect("tools");
    tools.iter().map(|tool| tool["name"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn system_prompt_tools_instructions_and_skills_reach_the_api() {
    let Some((api, stage)) = stage().await else { return };
    let stage = stage
        .with("harbor", "system_prompt = \"Answer like an old sailor.\"")
        .with("harbor", "disallowed_tools = [\"WebFetch\"]\nmodel = \"haiku\"");
    let project = stage.dir().join("harbor");
    write(&project.join("CLAUDE.md"), "The harbour master is called Ole.\n");
    write(
        &project.join(".claude/skills/tides/SKILL.md"),
        "---\nname: tides\ndescription: Looks up when the tide comes in.\n---\nLook at tides.txt.\n",
    );
    let _bot = stage.bot().await;
    stage.exchange(HARBOR, "[[say:aye]]").await;
    let request = newest(&api);
    let system = request.body["system"].to_string();
    assert!(system.contains("Answer like an old sailor."), "{system}");
    assert!(system.contains("Claude Code"), "appended to the CLI's own, not in its place");
    let messages = request.body["messages"].to_string();
    assert!(messages.contains("The harbour master is called Ole."), "{messages}");
    assert!(messages.contains("Looks up when the tide comes in."), "{messages}");
    assert!(!tools(&request).contains(&"WebFetch".to_owned()), "{:?}", tools(&request));
    assert!(tools(&request).contains(&"Bash".to_owned()));
    assert!(request.model.contains("haiku"), "{}", request.model);

    // The other project knows nothing of that.
    stage.ask(MARA, LIGHTHOUSE, "[[say:hello]]");
    api.requested(2).await;
    let request = newest(&api);
    let whole = request.body.to_string();
    assert!(!whole.contains("old sailor") && !whole.contains("called Ole"), "{whole}");
    assert!(tools(&request).contains(&"WebFetch".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn in_accept_edits_mode_a_file_is_written_in_the_project_and_not_outside() {
    let Some((_api, stage)) = stage().await else { return };
    let stage = stage.with("harbor", "permission_mode = \"acceptEdits\"");
    let _bot = stage.bot().await;
    let inside = stage.dir().join("harbor/notes.txt");
    let outside = stage.dir().join("lighthouse/notes.txt");
    for (file, said) in [(&inside, "Inside."), (&outside, "Outside.")] {
        let input = serde_json::json!({ "file_path": file, "content": "low tide at six\n" });
        let message = stage.ask(MARA, HARBOR, &format!("[[tool:Write {input}]][[say:{said}]]"));
        if said == "Outside." {
            let (card, _) = stage.card(HARBOR).await;
            stage.click(MARA, card, "Deny").await;
        }
        let answer = stage.answer(HARBOR, message).await;
        assert!(answer.contains(said), "{answer}");
        assert_eq!(answer.contains("denied"), said == "Outside.", "{answer}");
    }
    assert_eq!(std::fs::read_to_string(inside).expect("it was written"), "low tide at six\n");
    assert!(!outside.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn slash_commands_are_text_unless_they_are_allowed() {
    let Some((api, stage)) = stage().await else { return };
    let stage = stage.with("claude", "slash_commands = [\"context\"]");
    let _bot = stage.bot().await;
    // After this turn the CLI has told which commands it has.
    stage.exchange(HARBOR, "[[say:first]]").await;
    for text in ["/unknown", "/compact", "/clear"] {
        let answer = stage.exchange(HARBOR, text).await;
        assert!(answer.contains(&format!("You said: {text}")), "{answer}");
        assert_eq!(newest(&api).prompts().last().map(|prompt| prompt.trim()), Some(text));
    }
    let asked = api.requests().len();
    let answer = stage.exchange(HARBOR, "/context").await;
    assert!(answer.contains("Context Usage"), "{answer}");
    assert_eq!(api.requests().len(), asked, "/context asks no model");
    let answer = stage.exchange(HARBOR, "[[recall]]").await;
    assert!(answer.contains("[[say:first]]"), "nothing was cleared: {answer}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_chosen_in_a_session_reaches_the_next_call_without_another_process() {
    let Some((api, stage)) = stage().await else { return };
    let stage = stage.with("harbor", "model = \"opus\"");
    let _bot = stage.bot().await;
    stage.exchange(HARBOR, "[[say:first]]").await;
    assert!(newest(&api).model.contains("opus"), "{}", newest(&api).model);
    let before = stage.clis("harbor");
    for (command, option, value) in
        [("mode", "mode", "plan"), ("model", "name", "sonnet"), ("effort", "level", "low")]
    {
        let said = stage.said_to(HARBOR, command, &[(option, value)]).await;
        assert!(said.starts_with("From Claude's next step on"), "/{command}: {said}");
    }
    let answer = stage.exchange(HARBOR, "[[say:second]]").await;
    assert!(answer.contains("plan mode") && answer.contains("effort low"), "{answer}");
    let request = newest(&api);
    assert!(request.model.contains("sonnet"), "{}", request.model);
    assert_eq!(request.body["output_config"]["effort"], "low");
    assert!(request.body.to_string().contains("Plan mode is active"), "{}", request.body);
    assert_eq!(stage.clis("harbor"), before, "the same process");

    let said = stage.said_to(HARBOR, "mode", &[("mode", "project")]).await;
    assert!(said.starts_with("From Claude's next step on"), "{said}");
    // Back to the model's own effort there is only a new process.
    let said = stage.said_to(HARBOR, "effort", &[("level", "default")]).await;
    assert!(said.starts_with("From the next prompt on"), "{said}");
    let answer = stage.exchange(HARBOR, "[[recall]]").await;
    assert!(answer.contains("[[say:second]]"), "the same session: {answer}");
    assert!(!answer.contains("plan mode") && !answer.contains("effort"), "{answer}");
    assert_ne!(stage.clis("harbor"), before);
    stage.assert_well_behaved();
}

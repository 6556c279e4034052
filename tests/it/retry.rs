//! The last prompt once more.

use switchboard::playground::discord::Draft;

use crate::harness::{BOT, HARBOR, JONAS, LIGHTHOUSE, MARA, Stage, VERA, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn the_last_prompt_runs_once_more_with_its_files_as_that_of_who_asks() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    assert!(stage.slash_text(MARA, HARBOR, "retry").await.contains("Nothing was run here yet"));
    let draft = Draft {
        content: format!("<@{BOT}> [[say:Aye.]]"),
        attachments: vec![(
            "notes.txt".to_owned(),
            b"The crane lifts 40 t.".to_vec(),
            Some("text/plain".to_owned()),
        )],
        ..Draft::default()
    };
    let message = stage.discord.say_with(MARA, HARBOR, draft);
    stage.answer(HARBOR, message).await;
    assert!(stage.slash_text(VERA, HARBOR, "retry").await.contains("not among the people"));
    // What came with the first is that one's alone.
    let path = stage.sql("SELECT attachments ->> '$[0].path' FROM prompts").await;
    let told = stage.slash_text(JONAS, HARBOR, "retry").await;
    assert!(told.starts_with(&format!("Once more in <#{HARBOR}>: ")) && told.contains("say:Aye"), "{told}");
    stage.said(HARBOR, "**Jonas**").await;
    let prompts =
        eventually("the second prompt", || Some(stage.cli_prompts()).filter(|all| all.len() == 2)).await;
    assert!(prompts[1].contains("The crane lifts 40 t."), "{}", prompts[1]);
    assert_eq!(prompts[0].lines().next(), prompts[1].lines().next());
    assert_eq!(
        stage.sql("SELECT author_name || ' ' || (origin ->> '$.kind') FROM prompts ORDER BY seq").await,
        ["Mara message", "Jonas command"]
    );
    let paths = stage.sql("SELECT attachments ->> '$[0].path' FROM prompts ORDER BY seq").await;
    assert_eq!(paths[..1], path[..]);
    assert_ne!(paths[0], paths[1]);
    assert_eq!(
        stage.sql("SELECT actor || ' ' || (target = (SELECT id FROM prompts ORDER BY seq LIMIT 1)) FROM audit WHERE action = 'retry'").await,
        [format!("{JONAS} 1")]
    );
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_runs_once_more_beside_what_runs_and_what_its_author_took_back_is_theirs() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let gate = stage.dir().join("gate");
    let first = stage.ask(MARA, HARBOR, &format!("[[say:First.]][[wait:{}]]", gate.display()));
    stage.answer_shows(HARBOR, first, "First.").await;
    assert!(stage.slash_text(MARA, HARBOR, "retry").await.starts_with("Claude works here"));
    let second = stage.ask(JONAS, HARBOR, "[[say:Second.]]");
    stage.answer_shows(HARBOR, first, "1 queued").await;
    stage.discord.delete(second);
    stage
        .discord
        .wait_for("nothing to wait", |discord| {
            let messages = discord.messages(HARBOR);
            let waits = |message: &serde_json::Value| {
                message["content"].as_str().is_some_and(|text| text.contains("1 queued"))
            };
            (!messages.iter().any(waits)).then_some(())
        })
        .await;
    std::fs::write(&gate, "").expect("the gate opens");
    stage.answer(HARBOR, first).await;
    let told = stage.slash_text(MARA, HARBOR, "retry").await;
    assert!(told.contains("only its author"), "{told}");
    assert!(stage.slash_text(JONAS, HARBOR, "retry").await.starts_with("Once more"));
    eventually("the second prompt", || (stage.cli_prompts().len() == 2).then_some(())).await;
    // Where each request has a thread, the channel above has no last one.
    let told = stage.slash_text(MARA, LIGHTHOUSE, "retry").await;
    assert!(told.contains("use this in the thread"), "{told}");
    stage.assert_well_behaved();
}

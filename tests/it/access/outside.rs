//! One case of each kind, from outside: message, command, button, a role that goes, another server, a direct message, the
//! blocked.

use serde_json::json;
use switchboard::playground::discord::{Pinged, World};

use crate::harness::{HARBOR, JONAS, LIGHTHOUSE, MARA, Stage, VERA, eventually};

const ASKS: &str = "[[ask:bash:touch made.txt]][[say:That was it.]]";

fn made(stage: &Stage) -> bool {
    stage.dir().join("harbor/made.txt").exists()
}

/// Mara and the builders are members; Vera has this tier.
async fn stage_with(vera: &str) -> Stage {
    let people = format!("tier = \"member\"\n[[access.people]]\ntier = \"{vera}\"\nusers = [{VERA}]");
    Stage::new().await.with("access", &people)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_looks_and_starts_nothing() {
    let stage = stage_with("observer").await;
    let _bot = stage.bot().await;
    let ignored = stage.ask(VERA, HARBOR, "[[say:no]]");
    let message = stage.ask(MARA, HARBOR, "[[say:Aye.]]");
    stage.answer(HARBOR, message).await;
    assert_eq!(stage.cli_prompts(), ["[[say:Aye.]]"]);
    assert!(stage.discord.reactions(ignored).is_empty());
    assert!(stage.slash_text(VERA, HARBOR, "status").await.contains("harbor"));
    let told = stage.slash_text(VERA, HARBOR, "stop").await;
    assert!(told.contains("This takes a member of this project"), "{told}");
    let asked = stage.discord.slash(VERA, HARBOR, "help", json!([]));
    assert!(stage.told_privately(asked).await.contains("you may look"));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_stops_and_answers_what_is_theirs_and_an_operator_everything() {
    let stage = stage_with("operator").await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, &format!("{ASKS}[[wait:/nowhere/at/all]]"));
    let (card, _) = stage.card(HARBOR).await;
    let clicked = stage.click(JONAS, card, "Allow once").await;
    let told = stage.told_privately(clicked).await;
    assert_eq!(told, format!("You may not answer this. <@{MARA}> or an operator of the project answers."));
    assert!(!made(&stage));
    let told = stage.slash_text(JONAS, HARBOR, "stop").await;
    assert!(told.contains("somebody else's"), "{told}");
    let stops = "SELECT actor || '' FROM audit WHERE action = 'stop'";
    assert!(stage.sql(stops).await.is_empty(), "nothing was stopped");
    let told = stage.slash_text(JONAS, HARBOR, "reset").await;
    assert!(told.contains("an operator"), "{told}");
    stage.click(VERA, card, "Allow once").await;
    stage.answer_shows(HARBOR, message, "allowed by Vera").await;
    let told = stage.slash_text(VERA, HARBOR, "stop").await;
    assert!(told.contains("Stopping"), "{told}");
    assert_eq!(stage.outcome(message).await, "⏹️");
    assert_eq!(stage.sql(stops).await, [VERA.to_string()]);
    // What is their own they stop themselves.
    let own = stage.ask(JONAS, HARBOR, "[[say:I wait.]][[wait:/nowhere/at/all]]");
    stage.answer_shows(HARBOR, own, "I wait.").await;
    assert!(stage.slash_text(JONAS, HARBOR, "stop").await.contains("Stopping"));
    assert_eq!(stage.outcome(own).await, "⏹️");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lasts_takes_an_operator() {
    let stage = stage_with("operator").await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    let clicked = stage.click(MARA, card, "Allow for this session").await;
    let told = stage.told_privately(clicked).await;
    assert!(told.contains("What lasts for the session takes an operator"), "{told}");
    assert_eq!(stage.sql("SELECT state FROM asks").await, ["open"]);
    stage.click(VERA, card, "Allow for this session").await;
    assert!(stage.answer(HARBOR, message).await.contains("for this session by Vera"));
    let message = stage.ask(MARA, HARBOR, "[[plan:# Plan\n1. Paint]]");
    let (card, _) = stage.card(HARBOR).await;
    let clicked = stage.click(MARA, card, "Approve and accept edits").await;
    assert!(stage.told_privately(clicked).await.contains("takes an operator"));
    stage.click(MARA, card, "Approve").await;
    assert!(stage.answer(HARBOR, message).await.contains("approved by Mara"));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_says_who_answers_and_calls_one_who_may() {
    let stage = Stage::new()
        .await
        .with("access", &format!("owner = {MARA}"))
        .with("harbor", "second_person = [\"Bash(touch:*)\"]")
        .with("lighthouse", &format!("approvals = \"roles\"\napproval_roles = [{}]", World::MASTERS));
    let _bot = stage.bot().await;
    // Who asked must not allow it; whoever runs the bot may.
    let message = stage.ask(JONAS, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    let shown = stage.discord.message(card).expect("the card is there")["content"].to_string();
    assert!(shown.contains(&format!("somebody other than <@{JONAS}> has to allow it")), "{shown}");
    assert_eq!(stage.pinged_by_cards(), [Pinged::User(MARA)]);
    stage.click(MARA, card, "Deny").await;
    stage.answer(HARBOR, message).await;
    // What is no such command, whoever asked answers, and the card needs no word of it.
    let message = stage.ask(JONAS, HARBOR, "[[ask:bash:true]]");
    let (card, _) = stage.card(HARBOR).await;
    let shown = stage.discord.message(card).expect("the card is there")["content"].to_string();
    assert!(!shown.contains("operator"), "{shown}");
    stage.click(JONAS, card, "Deny").await;
    stage.answer(HARBOR, message).await;
    assert_eq!(stage.pinged_by_cards(), [Pinged::User(MARA), Pinged::User(JONAS)]);
    // A role is named, and not called.
    let opened = stage.ask(JONAS, LIGHTHOUSE, ASKS);
    let thread = switchboard::domain::ids::ChannelId(opened.0);
    let (card, _) = stage.card(thread).await;
    let shown = stage.discord.message(card).expect("the card is there")["content"].to_string();
    assert!(shown.contains(&format!("Only people with the role <@&{}> answer.", World::MASTERS)), "{shown}");
    assert_eq!(stage.pinged_by_cards().last(), Some(&Pinged::User(JONAS)));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_may_be_the_askers_or_those_of_a_role() {
    let stage = Stage::new()
        .await
        .with("access", "approvals = \"asker\"")
        .with("lighthouse", &format!("approvals = \"roles\"\napproval_roles = [{}]", World::MASTERS));
    let _bot = stage.bot().await;
    let message = stage.ask(JONAS, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    let clicked = stage.click(MARA, card, "Allow once").await;
    let told = stage.told_privately(clicked).await;
    assert!(told.contains(&format!("Only <@{JONAS}>, whose turn it is, answers.")), "{told}");
    assert!(!made(&stage));
    stage.click(JONAS, card, "Allow once").await;
    assert!(stage.answer(HARBOR, message).await.contains("allowed by Jonas"));

    let opened = stage.ask(JONAS, LIGHTHOUSE, ASKS);
    let thread = switchboard::domain::ids::ChannelId(opened.0);
    let (card, _) = stage.card(thread).await;
    let clicked = stage.click(JONAS, card, "Allow once").await;
    let told = stage.told_privately(clicked).await;
    assert!(told.contains(&format!("Only people with the role <@&{}> answer.", World::MASTERS)), "{told}");
    stage.click(MARA, card, "Deny").await;
    stage.said(thread, "denied by Mara").await;
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_demands_a_second_person_and_their_role_is_looked_at_when_they_click() {
    let stage = Stage::new().await.with("harbor", "second_person = [\"Bash(touch:*)\"]");
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    for label in ["Allow once", "Allow for this session"] {
        let clicked = stage.click(MARA, card, label).await;
        let told = stage.told_privately(clicked).await;
        assert!(told.contains("Somebody else has to allow this"), "{told}");
    }
    stage.discord.set_roles(JONAS, &[]);
    let clicked = stage.click(JONAS, card, "Allow once").await;
    assert!(stage.told_privately(clicked).await.contains("not among the people"));
    assert!(!made(&stage));
    stage.discord.set_roles(JONAS, &[World::BUILDERS]);
    stage.click(JONAS, card, "Allow once").await;
    assert!(stage.answer(HARBOR, message).await.contains("allowed by Jonas"));
    assert!(made(&stage));
    // A no counts from the asker, too.
    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    stage.click(MARA, card, "Deny").await;
    assert!(stage.answer(HARBOR, message).await.contains("denied by Mara"));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_told_the_turn_something_is_no_second_person() {
    let people = format!("owner = {JONAS}\n[[access.people]]\ntier = \"operator\"\nusers = [{VERA}]");
    let second = "second_person = [\"Bash(touch:*)\"]\nwhile_running = \"steer\"";
    let stage = Stage::new().await.with("access", &people).with("harbor", second);
    let _bot = stage.bot().await;
    let go = stage.dir().join("go");
    let wait = format!("while [ ! -e {} ]; do sleep 0.02; done", go.display());
    let message =
        stage.ask(MARA, HARBOR, &format!("[[say:First.]][[bash:{wait}]][[bash:sleep 3]][[say:Last.]]"));
    stage.answer_shows(HARBOR, message, "First.").await;
    let _ = stage.ask(JONAS, HARBOR, ASKS);
    eventually("the CLI to be told", || stage.spools().contains("[[ask").then_some(())).await;
    std::fs::write(&go, "").expect("the gate opens");
    let (card, _) = stage.card(HARBOR).await;
    assert_eq!(stage.sql("SELECT count(*) || '' FROM turns").await, ["1"], "the turn heard it");
    // Both are those whom the turn works for.
    for person in [MARA, JONAS] {
        let clicked = stage.click(person, card, "Allow once").await;
        assert!(stage.told_privately(clicked).await.contains("Somebody else has to allow this"));
    }
    assert!(!made(&stage));
    stage.click(VERA, card, "Allow once").await;
    assert!(stage.answer(HARBOR, message).await.contains("allowed by Vera"));
    assert!(made(&stage));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_their_role_while_they_wait_is_not_served() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let go = stage.dir().join("go");
    let first = stage.ask(MARA, HARBOR, &format!("[[say:I wait.]][[wait:{}]]", go.display()));
    stage.answer_shows(HARBOR, first, "I wait.").await;
    let revoked = stage.ask(JONAS, HARBOR, "[[say:no]]");
    stage.answer_shows(HARBOR, first, "1 queued").await;
    stage.discord.set_roles(JONAS, &[]);
    std::fs::write(&go, "").expect("the gate opens");
    assert_eq!(stage.outcome(revoked).await, "❌");
    let told = stage.answer_shows(HARBOR, revoked, "Not run").await;
    assert!(told.contains("not among the people of this project any more"), "{told}");
    assert_eq!(stage.cli_prompts().len(), 1, "it was given to the CLI");
    assert_eq!(stage.sql("SELECT state FROM prompts ORDER BY seq").await, ["taken", "refused"]);
    let audit = stage.sql("SELECT action FROM audit WHERE action = 'refused'").await;
    assert_eq!(audit.len(), 1);
    // With the role again, they are served again.
    stage.discord.set_roles(JONAS, &[World::BUILDERS]);
    let message = stage.ask(JONAS, LIGHTHOUSE, "[[say:Aye.]]");
    let thread = switchboard::domain::ids::ChannelId(message.0);
    stage.said(thread, "Aye.").await;
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_let_in_just_now_is_not_asked_about() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let path = format!("/guilds/{}/members/{JONAS}", World::GUILD);
    let asked = || stage.discord.requests().iter().filter(|request| request.path == path).count();
    // Mara needs no role; hers is a process that is warm.
    let first = stage.ask(MARA, HARBOR, "[[say:Aye.]]");
    stage.answer(HARBOR, first).await;
    let message = stage.ask(JONAS, HARBOR, "[[say:Aye.]]");
    stage.answer(HARBOR, message).await;
    let opened = stage.ask(JONAS, LIGHTHOUSE, "[[say:Aye, too.]]");
    stage.said(switchboard::domain::ids::ChannelId(opened.0), "Aye, too.").await;
    assert_eq!(asked(), 0);
    // Who waits for another turn is asked about.
    let go = stage.dir().join("go");
    let first = stage.ask(MARA, HARBOR, &format!("[[say:I wait.]][[wait:{}]]", go.display()));
    stage.answer_shows(HARBOR, first, "I wait.").await;
    let waited = stage.ask(JONAS, HARBOR, "[[say:Aye.]]");
    stage.answer_shows(HARBOR, first, "1 queued").await;
    std::fs::write(&go, "").expect("the gate opens");
    stage.answer(HARBOR, waited).await;
    assert_eq!(asked(), 1);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_a_direct_message_and_the_blocked() {
    let people = format!(
        "blocked = [{JONAS}]\n[[access.people]]\ntier = \"admin\"\nusers = [{VERA}]\nguild = 77\n\
         [[access.people]]\ntier = \"admin\"\nusers = [{VERA}]\nchannels = [{}]",
        World::GENERAL
    );
    let stage = Stage::new().await.with("access", &people);
    let _bot = stage.bot().await;
    let direct = stage.discord.direct_channel(MARA);
    let nothing = [
        stage.ask(VERA, HARBOR, "[[say:no]]"),
        stage.ask(JONAS, HARBOR, "[[say:no]]"),
        stage.ask(MARA, direct, "[[say:no]]"),
        stage.say(MARA, direct, "[[say:no]]"),
    ];
    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    for person in [VERA, JONAS] {
        let clicked = stage.click(person, card, "Allow once").await;
        assert!(stage.told_privately(clicked).await.contains("not among the people"));
        assert!(stage.slash_text(person, HARBOR, "stop").await.contains("not among the people"));
    }
    assert!(!made(&stage));
    stage.click(MARA, card, "Deny").await;
    stage.answer(HARBOR, message).await;
    assert_eq!(stage.cli_prompts(), [ASKS]);
    assert!(nothing.iter().all(|message| stage.discord.reactions(*message).is_empty()));
    assert!(stage.bot_messages(direct).is_empty());
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_does_not_go_around_the_second_person() {
    // What is asked (touch made.txt) is not what takes somebody else.
    let stage = Stage::new().await.with("harbor", "second_person = [\"Bash(touch other.txt)\"]");
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    let opened = stage.click(MARA, card, "Edit, then allow").await;
    let sent = stage.submit(opened, &["cd . && touch other.txt"]).await;
    assert!(stage.told_privately(sent).await.contains("nobody can allow it by an edit"));
    // Whoever writes it is one person, also when it is not the one who asked.
    let opened = stage.click(JONAS, card, "Edit, then allow").await;
    let sent = stage.submit(opened, &["touch other.txt"]).await;
    assert!(stage.told_privately(sent).await.contains("nobody can allow it by an edit"));
    assert_eq!(stage.sql("SELECT state FROM asks").await, ["open"]);
    let opened = stage.click(JONAS, card, "Edit, then allow").await;
    stage.submit(opened, &["touch third.txt"]).await;
    stage.answer(HARBOR, message).await;
    let there = |file: &str| stage.dir().join("harbor").join(file).exists();
    assert!(!made(&stage) && !there("other.txt") && there("third.txt"));

    // What the rule on this card covers is no such command.
    let message = stage.ask(MARA, HARBOR, ASKS);
    let (card, _) = stage.card(HARBOR).await;
    stage.click(MARA, card, "Allow for this session").await;
    assert!(stage.answer(HARBOR, message).await.contains("by Mara"));
    assert!(made(&stage));

    // The rule on this one is wider than what is asked.
    let message = stage.ask(MARA, HARBOR, "[[ask:bash:git status --short]]");
    let (card, _) = stage.card(HARBOR).await;
    let clicked = stage.click(MARA, card, "Allow for this session").await;
    assert!(stage.told_privately(clicked).await.contains("Somebody else has to allow this"));
    stage.click(MARA, card, "Allow once").await;
    assert!(stage.answer(HARBOR, message).await.contains("by Mara"));
    stage.assert_well_behaved();
}

//! What MCP servers ask.

use insta::assert_snapshot;

use crate::harness::{HARBOR, MARA, Stage};

const TICKET: &str = r#"[[elicit:{"type":"object","required":["key"],"properties":{
    "key":{"type":"string","title":"Ticket","minLength":3},"points":{"type":"integer","minimum":1,"maximum":13},
    "urgent":{"type":"boolean"}}}]]"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_filled_in_and_checked() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, TICKET);
    let (card, labels) = stage.card(HARBOR).await;
    assert_eq!(labels, ["Answer", "Decline"]);
    stage.at_work(message).await;
    assert_snapshot!("a_server_asks", stage.transcript(HARBOR));
    let opened = stage.click(MARA, card, "Answer").await;
    let form = stage.form(opened);
    assert_eq!(
        (&form["title"], &form["components"][0]["components"][0]["label"]),
        (&"jira asks".into(), &"Ticket".into())
    );
    let wrong = stage.submit(opened, &["HARB-1", "21", ""]).await;
    let told = stage.told_privately(wrong).await;
    assert!(told.contains("**points** must be at most 13"), "{told}");
    assert_eq!(stage.sql("SELECT state FROM asks").await, ["open"]);
    stage.submit(opened, &["HARB-1", "5", "yes"]).await;
    let answer = stage.answer(HARBOR, message).await;
    let heard = r#""content":{"key":"HARB-1","points":5,"urgent":true}"#;
    assert!(answer.contains("answered by Mara") && answer.contains(heard), "{answer}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_may_be_declined_and_what_no_form_can_hold_is() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, TICKET);
    let (card, _) = stage.card(HARBOR).await;
    stage.click(MARA, card, "Decline").await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("declined by Mara") && answer.contains(r#"{"action":"decline"}"#), "{answer}");
    let tags = r#"[[elicit:{"properties":{"tags":{"type":"array"}}}]]"#;
    let message = stage.ask(MARA, HARBOR, tags);
    let answer = stage.answer(HARBOR, message).await;
    assert!(
        answer.contains("declined: its field tags takes more than") && answer.contains("decline"),
        "{answer}"
    );
    stage.assert_well_behaved();
}

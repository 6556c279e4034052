//! Questions of Claude's: one tap, or menus and a draft that is sent.

use insta::assert_snapshot;

use crate::harness::{HARBOR, JONAS, MARA, Stage, VERA};

const TWO: &str = r#"[[questions:[
    {"question":"Which colour?","header":"Colour","multiSelect":false,
     "options":[{"label":"Red","description":"Warm"},{"label":"Blue","description":"Cool"}]},
    {"question":"Which toppings?","header":"Toppings","multiSelect":true,
     "options":[{"label":"Cheese","description":"c"},{"label":"Ham","description":"h"},{"label":"Olives","description":"o"}]}
]]]"#;

#[tokio::test(flavor = "multi_thread")]
async fn one_tap_answers_one_question() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[question:Which colour shall the buoy have?|Red|Green]]");
    let (card, labels) = stage.card(HARBOR).await;
    assert_eq!(labels, ["Red", "Green", "Other…", "Don't answer"]);
    let stranger = stage.click(VERA, card, "Red").await;
    assert!(stage.told_privately(stranger).await.contains("not among the people"));
    stage.at_work(message).await;
    assert_snapshot!("a_question", stage.transcript(HARBOR));
    // What is written in the channel is no answer.
    stage.say(JONAS, HARBOR, "Red");
    stage.click(JONAS, card, "Green").await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(
        answer.contains("answered by Jonas: **Green**") && answer.contains("The answer is: Green"),
        "{answer}"
    );
    assert_eq!(stage.sql("SELECT state || ' ' || kind FROM asks").await, ["allowed question"]);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn own_words_are_an_answer() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[question:Which colour shall the buoy have?|Red|Green]]");
    let (card, _) = stage.card(HARBOR).await;
    let opened = stage.click(MARA, card, "Other…").await;
    stage.submit(opened, &["something like teal"]).await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("The answer is: something like teal"), "{answer}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn several_questions_are_answered_together_and_the_draft_survives_a_kill() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, TWO);
    let (card, labels) = stage.card(HARBOR).await;
    assert_eq!(labels, ["Send", "Other…", "Don't answer"]);
    stage.choose(MARA, card, 1, &["0", "2"]).await;
    stage.answer_shows(HARBOR, message, "➡️ Cheese, Olives").await;
    let early = stage.click(MARA, card, "Send").await;
    let told = stage.told_privately(early).await;
    assert!(told.contains("there is no answer to Colour"), "{told}");
    assert_eq!(stage.sql("SELECT state FROM asks").await, ["open"]);
    bot.kill();
    let _bot = stage.bot().await;
    stage.choose(JONAS, card, 0, &["1"]).await;
    stage.answer_shows(HARBOR, message, "➡️ Blue").await;
    stage.at_work(message).await;
    assert_snapshot!("several_questions", stage.transcript(HARBOR));
    stage.click(JONAS, card, "Send").await;
    let answer = stage.answer(HARBOR, message).await;
    let heard = r#"The answers are: {"Which colour?":"Blue","Which toppings?":"Cheese, Olives"}"#;
    assert!(answer.contains(heard), "{answer}");
    assert_snapshot!("several_questions_answered", stage.transcript(HARBOR));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn own_words_stand_beside_what_is_chosen() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, TWO);
    let (card, _) = stage.card(HARBOR).await;
    stage.choose(MARA, card, 1, &["1"]).await;
    let opened = stage.click(MARA, card, "Other…").await;
    stage.submit(opened, &["teal", "extra ham"]).await;
    stage.answer_shows(HARBOR, message, "➡️ Ham, *extra ham*").await;
    // A form that is opened again has what was written.
    let again = stage.click(MARA, card, "Other…").await;
    assert_eq!(stage.form(again)["components"][0]["components"][0]["value"], "teal");
    stage.click(MARA, card, "Send").await;
    let answer = stage.answer(HARBOR, message).await;
    let heard = r#"{"Which colour?":"teal","Which toppings?":"Ham, extra ham"}"#;
    assert!(answer.contains(heard), "{answer}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_has_to_answer() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, TWO);
    let (card, _) = stage.card(HARBOR).await;
    stage.click(MARA, card, "Don't answer").await;
    let answer = stage.answer(HARBOR, message).await;
    assert!(answer.contains("It was refused: Mara does not want to answer this"), "{answer}");
    stage.assert_well_behaved();
}

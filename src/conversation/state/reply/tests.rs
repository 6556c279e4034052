//! Tables: who says what to which ask, and what becomes of it.

use super::*;
use crate::domain::ask::{Grant, Offer};
use crate::domain::tool::Tool;

fn ask(kind: AskKind) -> Ask {
    Ask { request: "r".into(), tool_use: None, kind, input: "{}".into() }
}

fn command(command: &str, grant: Option<Grant>) -> Ask {
    ask(AskKind::Permission {
        tool: Tool::Bash { command: command.into(), description: None },
        reason: None,
        blocked_path: None,
        dir: String::new(),
        changes: Vec::new(),
        grant,
    })
}

fn question(header: &str, labels: &[&str], multiple: bool) -> Question {
    let offer = |label: &&str| Offer { label: (*label).into(), description: String::new(), preview: None };
    Question {
        question: format!("{header}?"),
        header: header.into(),
        options: labels.iter().map(offer).collect(),
        multiple,
    }
}

fn said(ask: &Ask, said: Said) -> Reply {
    reply(ask, &Draft::default(), said, "Mara")
}

fn deny(message: &str) -> Reply {
    Reply::Answer(Answer::Deny { message: message.into() })
}

fn sent(answers: &[&str]) -> Reply {
    Reply::Answer(Answer::Chosen { answers: answers.iter().map(|answer| (*answer).to_owned()).collect() })
}

fn is_unfit(reply: &Reply) -> bool {
    matches!(reply, Reply::Unfit(_))
}

#[test]
fn a_permission() {
    let (bare, granted) = (command("ls", None), command("ls", Some(Grant::AcceptEdits)));
    let because = Answer::DenyBecause { by: "Mara".into(), words: "not now".into() };
    let table = [
        (&bare, Said::AllowOnce, Reply::Answer(Answer::Allow)),
        // Nothing is allowed for longer than the card says.
        (&bare, Said::AllowForSession, Reply::Answer(Answer::Allow)),
        (&granted, Said::AllowForSession, Reply::Answer(Answer::AllowForSession)),
        (&bare, Said::Deny, deny("Mara said no to this in the chat.")),
        (&bare, Said::DenyBecause(" ".into()), deny("Mara said no to this in the chat.")),
        (&bare, Said::DenyBecause(" not now\n".into()), Reply::Answer(because)),
        (&bare, Said::Edited(" ls ".into()), Reply::Answer(Answer::Allow)),
        (&bare, Said::Edited("ls -l".into()), Reply::Answer(Answer::AllowEdited { command: "ls -l".into() })),
    ];
    for (row, (ask, what, expected)) in table.into_iter().enumerate() {
        assert_eq!(said(ask, what), expected, "row {row}");
    }
    assert!(is_unfit(&said(&bare, Said::Edited("  ".into()))));
    assert!(is_unfit(&said(&bare, Said::Send)) && is_unfit(&said(&bare, Said::Option(0))));
    assert!(is_unfit(&said(&ask(AskKind::Plan { plan: "p".into() }), Said::Edited("x".into()))));
}

#[test]
fn one_question_is_answered_at_once() {
    let asked = ask(AskKind::Question { questions: vec![question("Colour", &["Red", "Blue"], false)] });
    assert_eq!(said(&asked, Said::Option(1)), sent(&["Blue"]));
    assert_eq!(said(&asked, Said::Own(vec![" teal ".into()])), sent(&["teal"]));
    assert!(is_unfit(&said(&asked, Said::Option(2))) && is_unfit(&said(&asked, Said::Own(vec![" ".into()]))));
    assert!(is_unfit(&said(&asked, Said::AllowOnce)), "an answer is not a yes");
}

#[test]
fn several_questions_are_answered_together() {
    let questions = vec![
        question("Colour", &["Red", "Blue"], false),
        question("Toppings", &["Cheese", "Ham", "Olives"], true),
    ];
    let asked = ask(AskKind::Question { questions });
    let mut draft = Draft::default();
    let mut step = |what: Said| match reply(&asked, &draft, what, "Mara") {
        Reply::Draft(next) => draft = next,
        other => panic!("{other:?}"),
    };
    step(Said::Options { question: 1, options: vec![2, 0, 2, 9] });
    step(Said::Own(vec!["teal".into(), "extra ham".into()]));
    // The words gave way to an option, and came back.
    step(Said::Options { question: 0, options: vec![1, 0] });
    let Reply::Unfit(told) = said(&asked, Said::Send) else { panic!("nothing was chosen") };
    assert!(told.contains("Colour, Toppings"), "{told}");
    assert_eq!(reply(&asked, &draft, Said::Send, "Mara"), sent(&["Red", "Cheese, Olives, extra ham"]));
    let mut draft = draft.clone();
    draft.0.insert(0, Pick { options: Vec::new(), own: None });
    assert!(
        matches!(reply(&asked, &draft, Said::Send, "Mara"), Reply::Unfit(told) if told.contains("Colour"))
    );
    let words = Said::Own(vec!["teal".into(), String::new()]);
    let Reply::Draft(draft) = reply(&asked, &draft, words, "Mara") else { panic!("it is a draft") };
    assert_eq!(reply(&asked, &draft, Said::Send, "Mara"), sent(&["teal", "Cheese, Olives"]));
}

#[test]
fn a_form_is_checked_field_by_field() {
    let field = |name: &str, kind: FieldKind, required| Field {
        name: name.into(),
        title: name.into(),
        description: String::new(),
        kind,
        required,
        default: None,
    };
    let bounds = (Some("1".to_owned()), Some("10".to_owned()));
    let fields = vec![
        field("name", FieldKind::Text { min: Some(2), max: Some(5) }, true),
        field("count", FieldKind::Number { whole: true, min: bounds.0, max: bounds.1 }, false),
        field("share", FieldKind::Number { whole: false, min: None, max: None }, false),
        field("sure", FieldKind::YesNo, false),
        field("size", FieldKind::OneOf { values: vec![("s".into(), "Small".into())] }, false),
    ];
    let asked = ask(AskKind::Elicitation { server: "s".into(), message: "m".into(), fields, unfit: None });
    let fill = |texts: [&str; 5]| said(&asked, Said::Filled(texts.map(str::to_owned).to_vec()));
    let table = [
        (
            ["Mara", "3", "0.5", "YES", "small"],
            r#"{"count":3,"name":"Mara","share":0.5,"size":"s","sure":true}"#,
        ),
        (["Mara", "", "", "", "s"], r#"{"name":"Mara","size":"s"}"#),
        (["Mara", "", "2", "n", ""], r#"{"name":"Mara","share":2,"sure":false}"#),
    ];
    for (texts, expected) in table {
        assert_eq!(fill(texts), Reply::Answer(Answer::Filled { content: expected.into() }));
    }
    for (texts, word) in [
        (["", "", "", "", ""], "name** must not be empty"),
        (["M", "", "", "", ""], "at least 2"),
        (["Maramara", "", "", "", ""], "at most 5"),
        (["Mara", "1.5", "", "", ""], "whole number"),
        (["Mara", "11", "", "", ""], "at most 10"),
        (["Mara", "0", "", "", ""], "at least 1"),
        (["Mara", "", "NaN", "", ""], "must be a number"),
        (["Mara", "", "", "maybe", ""], "yes or no"),
        (["Mara", "", "", "", "huge"], "one of: Small"),
    ] {
        assert!(matches!(fill(texts), Reply::Unfit(told) if told.contains(word)), "{word}");
    }
}

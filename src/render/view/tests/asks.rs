//! Questions, plans and what MCP servers ask.

use super::work::{ask, view_of_all};
use super::*;
use crate::domain::answer::{Draft, Pick};
use crate::domain::ask::{Field, FieldKind, Offer};

fn offer(label: &str, description: &str) -> Offer {
    Offer { label: label.into(), description: description.into(), preview: None }
}

fn question(header: &str, text: &str, options: Vec<Offer>, multiple: bool) -> Question {
    Question { question: text.into(), header: header.into(), options, multiple }
}

fn told(kind: AskKind) -> Told {
    Told::started().says("I need to know something.").then(ask(kind, "{}")).posed()
}

fn chosen(answers: &[&str]) -> Answer {
    Answer::Chosen { answers: answers.iter().map(|answer| (*answer).to_owned()).collect() }
}

#[test]
fn questions() {
    let one = || {
        let mut options = vec![offer("SQLite", "One file"), offer("Postgres *15*", "")];
        options[0].preview = Some("store.db".into());
        AskKind::Question { questions: vec![question("Database", "Which @everyone?", options, false)] }
    };
    let several = || {
        let toppings = vec![offer("Cheese", "Mild"), offer("Olives", "")];
        let questions = vec![
            question("Colour", "Which colour?", vec![offer("Red", "Warm"), offer("Blue", "Cool")], false),
            question("Toppings", "Which toppings?", toppings, true),
        ];
        AskKind::Question { questions }
    };
    let mut drafted = told(several());
    let own = Pick { options: Vec::new(), own: Some("teal".into()) };
    let draft = [(0, own), (1, Pick { options: vec![1], own: None })];
    drafted.view.drafted("r", &Draft(draft.into()));
    insta::assert_snapshot!(
        "questions",
        moments(&[
            ("one question", told(one()).read()),
            ("answered", told(one()).answered(&chosen(&["SQLite"]), Some("Mara")).read()),
            ("several questions", told(several()).read()),
            ("some of it is chosen", drafted.read()),
            ("all answered", told(several()).answered(&chosen(&["teal", "Olives"]), Some("Mara")).read()),
            (
                "nobody wants to",
                told(one()).answered(&Answer::Deny { message: "m".into() }, Some("Mara")).read()
            ),
        ])
    );
}

#[test]
fn plans_and_servers() {
    let plan = || AskKind::Plan { plan: "# Plan\n\n1. [ ] do\n\n| a | b |\n|--|--|\n| 1 | 2 |".into() };
    let because = Answer::DenyBecause { by: "Mara".into(), words: "split step 1".into() };
    let field = Field {
        name: "key".into(),
        title: "Key".into(),
        description: String::new(),
        kind: FieldKind::YesNo,
        required: true,
        default: None,
    };
    let mcp = |fields, unfit: Option<&str>| AskKind::Elicitation {
        server: "jira".into(),
        message: "Which @everyone?".into(),
        fields,
        unfit: unfit.map(str::to_owned),
    };
    let filled = Answer::Filled { content: "{}".into() };
    let unfit = mcp(Vec::new(), Some("it has 9 fields"));
    let why = Answer::Deny { message: "it has 9 fields".into() };
    insta::assert_snapshot!(
        "plans_and_servers",
        moments(&[
            ("a plan", told(plan()).read()),
            ("approved", told(plan()).answered(&Answer::Allow, Some("Mara")).read()),
            ("approved with edits", told(plan()).answered(&Answer::AllowForSession, Some("Mara")).read()),
            ("kept planning", told(plan()).answered(&because, Some("Mara")).read()),
            ("an MCP server", told(mcp(vec![field], None)).read()),
            ("only yes or no", told(mcp(Vec::new(), None)).answered(&filled, Some("Mara")).read()),
            ("no form can hold it", Told::started().then(ask(unfit, "{}")).answered(&why, None).read()),
        ])
    );
}

#[test]
fn a_long_plan_has_its_document_above_and_it_stays() {
    let plan = (0..200).map(|step| format!("{step}. do step number {step}")).collect::<Vec<_>>().join("\n");
    let mut told = told(AskKind::Plan { plan: plan.clone() });
    let slots = told.show().slots;
    assert_eq!(slots.len(), 3, "what was said, and two messages of plan");
    assert_eq!(
        (slots[1].files[0].name.as_str(), slots[1].files[0].bytes.as_slice()),
        ("plan.md", plan.as_bytes())
    );
    let labels: Vec<_> = slots[2].buttons.iter().map(|button| button.label.as_str()).collect();
    assert_eq!(labels[labels.len() - 2..], ["Show all", "Stop"]);
    told = told.answered(&Answer::Allow, Some("Mara")).says("And now I begin.");
    let after = told.show().slots;
    assert_eq!(after[1].files, slots[1].files);
    assert_eq!(after[1].content.replace(" <@42>", ""), slots[1].content.replace(" <@42>", ""));
    assert!(after.iter().flat_map(|slot| &slot.buttons).all(|button| button.label == "Stop"));
}

#[test]
fn the_longest_questions_can_be_sent_and_all_of_it_is_at_hand() {
    let words = "very long words ".repeat(60);
    let options =
        || (0..4).map(|n| Offer { preview: Some(words.clone()), ..offer(&format!("{n}{words}"), &words) });
    let questions = (0..4).map(|n| question(&format!("Head {n}"), &words, options().collect(), n % 2 == 0));
    let told = told(AskKind::Question { questions: questions.collect() });
    let slots = told.show().slots;
    let card = slots.last().unwrap();
    assert!(slots.iter().all(|slot| units(&slot.content) <= CONTENT_UNITS_MAX));
    assert_eq!(card.menus.len(), 4);
    assert!(card.menus.iter().flat_map(|menu| &menu.items).all(|item| units(&item.label) <= 100));
    assert_eq!(card.files[0].name, "questions.md");
    let labels: Vec<_> = card.buttons.iter().map(|button| button.label.as_str()).collect();
    assert_eq!(labels, ["Send", "Other…", "Don't answer", "Show all", "Stop"]);
}

#[test]
fn nothing_is_allowed_for_longer_than_the_card_can_say() {
    let rules = |content: String| {
        Some(Grant::Rules { rules: vec![Rule { tool: "Bash".into(), content: Some(content) }] })
    };
    let labels = |grant| {
        let tool = bash("x");
        let kind = AskKind::Permission {
            tool,
            reason: None,
            blocked_path: None,
            dir: String::new(),
            changes: Vec::new(),
            grant,
        };
        let slots = told(kind).show().slots;
        let card = slots.last().unwrap().clone();
        (card.buttons.iter().any(|button| button.label == "Allow for this session"), card.content)
    };
    let (offered, text) = labels(rules("a\nb\u{202e}".to_owned()));
    assert!(offered && text.contains("covers `Bash(a⏎b⟨U+202E⟩)`"), "{text}");
    assert!(!labels(rules("x".repeat(400))).0, "more than the card shows");
}

#[test]
fn all_of_what_a_server_says_is_at_hand() {
    let asks = |message: &str| {
        told(AskKind::Elicitation {
            server: "jira".into(),
            message: message.into(),
            fields: Vec::new(),
            unfit: None,
        })
    };
    let field = Field {
        name: "key".into(),
        title: "A title of some words that no label of a form can hold".into(),
        description: "the numbers before the dash ".repeat(9) + "and not the key of your _house_",
        kind: FieldKind::Number { whole: true, min: None, max: None },
        required: true,
        default: None,
    };
    let form = told(AskKind::Elicitation {
        server: "jira".into(),
        message: "Which?".into(),
        fields: vec![field],
        unfit: None,
    });
    let card = form.show().slots.last().unwrap().clone();
    assert!(
        card.content.contains("- **A title of some words that no label of a form can hold**: the numbers")
    );
    assert!(card.content.contains("message.txt") && card.files[0].name == "message.txt", "{}", card.content);
    assert!(view_of_all(&form).contains("and not the key of your _house_"), "{}", view_of_all(&form));
    let long = asks(&format!("{}And delete\u{202e} it all.", "Some _words_ that nobody reads.\n".repeat(80)));
    let slots = long.show().slots;
    let card = slots.last().unwrap();
    let labels: Vec<_> = card.buttons.iter().map(|button| button.label.as_str()).collect();
    assert_eq!(labels, ["Accept", "Decline", "Show all", "Stop"]);
    assert!(card.content.contains("-# … about ") && card.content.contains("message.txt"), "{}", card.content);
    assert_eq!((slots.len(), card.files[0].name.as_str()), (2, "message.txt"));
    assert!(
        view_of_all(&long).ends_with(
            "
And delete⟨U+202E⟩ it all.
```"
        ),
        "{}",
        view_of_all(&long)
    );
    let short = asks("Which project?").show().slots;
    let labels: Vec<_> = short[1].buttons.iter().map(|button| button.label.as_str()).collect();
    assert_eq!(labels, ["Accept", "Decline", "Stop"]);
}

#[test]
fn nothing_in_a_plan_is_hidden() {
    let plan = "Read it.\r\n\r\n||Then delete it.|| Re\u{202e}verse\u{200b} `a || b` |||";
    let mut told = told(AskKind::Plan { plan: plan.into() });
    let shown = "Read it.\n\n|\u{200b}|Then delete it.|\u{200b}| Re⟨U+202E⟩verse⟨U+200B⟩ `a |\u{200b}| b` |\u{200b}|\u{200b}|";
    assert!(told.read().contains(shown), "{}", told.read());
    assert!(view_of_all(&told).contains(shown), "{}", view_of_all(&told));
    told = told.answered(&Answer::Allow, Some("Mara"));
    assert!(told.read().contains(shown), "{}", told.read());
    let long = self::told(AskKind::Plan { plan: plan.repeat(100) });
    let file = long.show().slots[1].files[0].bytes.clone();
    let file = String::from_utf8(file).unwrap();
    assert!(
        file.contains("||Then") && file.contains("Re⟨U+202E⟩verse") && !file.contains('\u{202e}'),
        "{file}"
    );
}

#[test]
fn an_open_ask_stops_typing() {
    let mut told = Told::started().then(ask(AskKind::Plan { plan: "x".into() }, "{}"));
    assert!(!told.show().typing);
    told.view.answered("r", &Answer::Allow, None);
    assert!(told.show().typing);
}

//! How text gets into messages: streaming, long answers, and what holds for any events.

use super::*;

fn delta(text: &str) -> TurnEvent {
    TurnEvent::TextDelta(text.to_owned())
}

fn answer(paragraphs: usize) -> String {
    (0..paragraphs)
        .map(|i| {
            format!("Paragraph {i} {}", "says something that takes a line or two, ".repeat(6))
                .trim()
                .to_owned()
        })
        .collect::<Vec<_>>()
        .join("\n\n")
}

#[test]
fn the_whole_text_replaces_what_streamed() {
    let told =
        Told::started().then(delta("Hel")).then(delta("lo wor")).says("Hello world.").then(delta("Next"));
    let shown = told.read();
    assert!(shown.contains("Hello world.\n\nNext\n-# ✍️ writing"), "{shown}");
    assert!(!shown.contains("lo wor\n"));
}

#[test]
fn text_stays_before_the_tools_that_came_while_it_streamed() {
    let told = Told::started().then(delta("One")).uses("1", bash("ls")).says("One two");
    assert!(told.read().contains("One two\n-# ⏳ Bash: `ls`"), "{}", told.read());
}

#[test]
fn dropped_text_is_gone() {
    let told = Told::started().says("Kept.").then(delta("Half a")).then(TurnEvent::TextDropped);
    assert!(told.read().contains("Kept.\n-# "), "{}", told.read());
    assert!(told.says("Whole.").read().contains("Kept.\n\nWhole."));
}

#[test]
fn what_was_said_is_not_said_again_at_the_end() {
    let told = Told::started().says("The answer.").ends(TurnEnd::Completed { text: "The answer.".into() });
    assert_eq!(told.read().matches("The answer.").count(), 1);
}

#[test]
fn a_long_answer_is_a_row_of_messages() {
    let shown = Told::started().says(&answer(20)).ends(completed()).show();
    assert_eq!(shown.slots.len(), 4);
    assert!(shown.slots[0].reply_to.is_some() && shown.slots[1..].iter().all(|slot| slot.reply_to.is_none()));
    assert!(shown.slots[3].content.ends_with("-# ✅ 2s · sonnet 4.5"), "{}", shown.slots[3].content);
}

#[test]
fn a_very_long_answer_shows_its_end_and_comes_as_a_file() {
    let text = answer(80);
    let streaming = Told::started().then(delta(&text)).show();
    assert_eq!(streaming.slots.len(), slots::SLOTS_MAX);
    assert!(streaming.slots[5].files.is_empty());
    assert!(streaming.slots[5].content.contains("Paragraph 79"));
    let ended = Told::started().says(&text).ends(completed()).show();
    assert_eq!(ended.slots[..5], streaming.slots[..5]);
    assert_eq!(ended.slots[5].files[0].bytes, format!("{text}\n").into_bytes());
    insta::assert_snapshot!(
        "very_long",
        format!(
            "━━ while it streams ━━\n{}\n━━ at the end ━━\n{}",
            streaming.slots[5].content, ended.slots[5].content
        )
    );
}

#[test]
fn the_status_line_does_not_move_the_text() {
    let text = answer(20);
    let told = Told::started().says(&text);
    let before = told.show();
    let mut later = told.after(500);
    later.view.queued_behind(12);
    let after = later.show();
    assert_eq!(before.slots[..3], after.slots[..3]);
    assert_ne!(before.slots[3], after.slots[3]);
}

fn event() -> impl Strategy<Value = TurnEvent> {
    let text = "(\\PC|[\\n`*_|<>@]|```\\n|word ){0,120}";
    let id = (0..6_u8).prop_map(|id| id.to_string());
    prop_oneof![
        4 => text.prop_map(TurnEvent::TextDelta),
        3 => text.prop_map(TurnEvent::Text),
        1 => (20..900_usize).prop_map(|n| TurnEvent::TextDelta("lorem ipsum ".repeat(n))),
        1 => Just(TurnEvent::TextDropped),
        1 => Just(TurnEvent::Thinking),
        3 => (id.clone(), text).prop_map(|(id, text)| TurnEvent::ToolStarted(ToolUse { id, tool: bash(&text), parent: None })),
        2 => (id, any::<bool>()).prop_map(|(id, failed)| TurnEvent::ToolEnded { id, failed }),
        1 => text.prop_map(|text| TurnEvent::Asked(Ask {
            request: "r".into(), tool_use: None,
            kind: AskKind::Permission { tool: bash(&text), reason: Some(text.clone()), blocked_path: Some(text.clone()), dir: text.clone(), changes: Vec::new(), grant: None },
            input: text,
        })),
        1 => text.prop_map(|plan| TurnEvent::Asked(Ask { request: "p".into(), tool_use: None, kind: AskKind::Plan { plan }, input: String::new() })),
        1 => (text, text).prop_map(|(tool, message)| TurnEvent::PermissionDenied { tool, message }),
        1 => text.prop_map(|reason| TurnEvent::Retrying { attempt: 1, attempts_max: 2, delay: Duration::ZERO, reason }),
        1 => (text, text).prop_map(|(from, to)| TurnEvent::ModelFallback { from, to }),
        1 => text.prop_map(TurnEvent::ModeChanged),
        1 => (text, any::<bool>()).prop_map(|(description, running)| TurnEvent::Background { task: "t".into(), description, running }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_can_be_sent(events in prop::collection::vec(event(), 0..25), text in "\\PC{0,50}", done in any::<bool>()) {
        let mut told = Told::started();
        for event in events {
            told = told.then(event).after(3);
        }
        if done {
            told = told.ends(TurnEnd::Completed { text });
        }
        let shown = told.show();
        prop_assert!((1..=slots::SLOTS_MAX).contains(&shown.slots.len()));
        for body in &shown.slots {
            prop_assert!(units(&body.content) <= CONTENT_UNITS_MAX, "{}", units(&body.content));
            prop_assert!(!body.content.trim().is_empty());
        }
        let last = &shown.slots[shown.slots.len() - 1].content;
        prop_assert!(last.lines().next_back().is_some_and(|line| line.starts_with("-# ")), "{last}");
    }
}

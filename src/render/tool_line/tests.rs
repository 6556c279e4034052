use super::*;
use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

fn every_tool(text: &str) -> Vec<Tool> {
    let text = || text.to_owned();
    vec![
        Tool::Bash { command: text(), description: Some(text()) },
        Tool::Monitor { command: text(), description: Some(text()) },
        Tool::Read { path: text() },
        Tool::Edit { path: text() },
        Tool::Write { path: text(), lines: 12 },
        Tool::Search { pattern: text(), path: None },
        Tool::Search { pattern: text(), path: Some(text()) },
        Tool::Fetch { url: text() },
        Tool::WebSearch { query: text() },
        Tool::Agent { description: text(), kind: None },
        Tool::Agent { description: text(), kind: Some(text()) },
        Tool::Todo { subject: None },
        Tool::Todo { subject: Some(text()) },
        Tool::Skill { name: text() },
        Tool::Question { question: text() },
        Tool::Plan,
        Tool::Mcp { server: text(), tool: text() },
        Tool::Other { name: text() },
    ]
}

fn looks(text: &str) -> String {
    every_tool(text).iter().map(tool_line).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_tool_has_a_look() {
    insta::assert_snapshot!("usual", looks("src/render/view.rs"));
}

#[test]
fn long_and_hostile_subjects_stay_one_short_harmless_line() {
    insta::assert_snapshot!(
        "hostile",
        looks(
            "@everyone <@1> `x`\n```\n# **rm** ||-rf|| /\u{202e} https://example.org/a/very/long/path/that/goes/on/and/on"
        )
    );
}

#[test]
fn a_sub_agents_tools_are_indented() {
    let tool = Tool::Read { path: "a.rs".into() };
    let own = ToolUse { id: "toolu_1".into(), tool, parent: None };
    let agents = ToolUse { parent: Some("toolu_0".into()), ..own.clone() };
    assert_eq!(tool_use_line(&own), "📖 Read `a.rs`");
    assert_eq!(tool_use_line(&agents), "↳ 📖 Read `a.rs`");
}

#[test]
fn every_further_line_of_a_command_is_marked() {
    let tool = Tool::Bash { command: "cd /tmp\n\n  rm -rf x\n".into(), description: None };
    assert_eq!(tool_line(&tool), "💻 Bash: `cd /tmp ⏎ rm -rf x`");
}

/// The characters that a reader sees: escapes, code marks and the invisible space after `@` are not among them.
fn visible_chars(line: &str) -> usize {
    let mut seen = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => seen.extend(chars.next()),
            '`' | '\u{200b}' => {}
            c => seen.push(c),
        }
    }
    seen.graphemes(true).count()
}

proptest! {
    #[test]
    fn one_line_of_bounded_length_and_no_live_mention(text in "(\\PC|[@<>`\\n\\r\u{202e}\u{200b}\u{301}]|@everyone|<@1>){0,200}") {
        for tool in every_tool(&text) {
            let line = tool_line(&tool);
            prop_assert!(visible_chars(&line) <= LINE_CHARS_MAX, "{line}");
            prop_assert!(!line.contains(['\n', '\r', '\u{202e}']), "more than a line");
            // Outside of code spans no mention is alive.
            let outside: String = line.split('`').step_by(2).collect();
            prop_assert!(!outside.contains("@everyone") && !outside.replace("\\<", "").contains("<@"), "{line}");
            prop_assert!(line.matches('`').count().is_multiple_of(2) || outside.contains('\\'), "{line}");
        }
    }
}

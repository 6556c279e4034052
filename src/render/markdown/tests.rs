use proptest::prelude::*;

use super::*;

#[test]
fn what_discord_shows_stays_as_it_is() {
    for text in [
        "# One\n\nTwo **three** *four* ~~five~~ `six` [seven](https://example.org)\n\n- a\n  - b\n1. c\n\n> d\n",
        "```rust\nlet x = 1;\n```\n",
        "a[^1] <b>html</b> <@1> ||spoiler||\n\n[^1]: note",
        "",
    ] {
        assert_eq!(discord_markdown(text), text);
    }
}

#[test]
fn narrow_tables_are_aligned() {
    let text = "Look:\n\n| Name | Size |\n|:--|--:|\n| `a.rs` | 12 |\n| 漢字 | **1200** |\n\nThere.";
    insta::assert_snapshot!("narrow_table", discord_markdown(text));
}

#[test]
fn wide_tables_are_lists() {
    let text = "| File | What it does | Why |\n|--|--|--|\n| `src/main.rs` | parses the arguments and starts everything | see [docs](https://example.org) |\n| b.rs | | because |";
    insta::assert_snapshot!("wide_table", discord_markdown(text));
}

#[test]
fn long_tables_repeat_their_header() {
    let rows = (0..200).map(|i| format!("| row {i} | {} |\n", i * i)).collect::<Vec<_>>().concat();
    let shown = discord_markdown(&format!("| Row | Square |\n|--|--|\n{rows}"));
    let headers = shown.matches("Row     │ Square").count();
    assert!(headers >= 2, "{shown}");
    assert!(crate::render::chunk::chunk(&shown, 1900).iter().all(|piece| piece.starts_with("```\nRow")));
}

#[test]
fn the_rest_is_told_in_what_there_is() {
    let text = "#### Deep\n\nTitle\n=====\n\n---\n\n- [ ] open\n- [x] done\n\n![a picture](https://example.org/a.png) \
                ![](b.png) [main](src/main.rs) [`src/a.rs`](src/a.rs)\n\n>>> all of it\n\n    indented code\n\nend\n";
    insta::assert_snapshot!("rest", discord_markdown(text));
}

#[test]
fn there_is_one_kind_of_fence() {
    let text = "~~~~python title=x\nprint('```')\n~~~~\n\n1. in a list:\n   ````md\n   ```\n   x\n   ```\n   ````\n\n```rust,ignore\nopen";
    insta::assert_snapshot!("fences", discord_markdown(text));
}

#[test]
fn line_ends_are_one() {
    assert_eq!(discord_markdown("a\r\n\r\n---\r\nb"), "a\n\n⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯\nb");
}

#[test]
fn a_row_with_more_cells_than_its_header_loses_none() {
    let shown = discord_markdown("| a | b |\n|--|--|\n| c | `x || y` |\n| ![](y) || word |\n");
    assert_eq!(shown, "```\na │ b\n──┼────────\nc │ x | y\n  │  | word\n```\n");
}

proptest! {
    #[test]
    fn nothing_panics_and_words_survive(parts in prop::collection::vec(prop_oneof![
        Just("| a | b |\n|--|--|\n| c | d |\n"), Just("```x\n"), Just("~~~\n"), Just("> "), Just("- "), Just("    "),
        Just("- [ ] "), Just("![x](y) "), Just("[z](w) "), Just("#### "), Just("---\n"), Just("===\n"), Just("\n"),
        Just("word "), Just("漢字\n"), Just("`"), Just("**"), Just("|"), Just(">>> "), Just("👨‍👩‍👧\n"), Just("\t"),
    ], 0..40)) {
        let text = parts.concat();
        let shown = discord_markdown(&text);
        prop_assert_eq!(text.matches("word").count(), shown.matches("word").count(), "{}", shown);
    }
}

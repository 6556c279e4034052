//! Examples first, then what holds for any document. `PROPTEST_CASES=100000 cargo nextest run chunk` is the long run
//! that CI does; a plain run takes 2,000 documents.

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::*;

/// The pieces, told apart by a line, for people to read.
fn read(text: &str, units_max: usize) -> String {
    chunk(text, units_max).join("\n━━━━━━━━\n")
}

fn words(n: usize) -> String {
    (0..n).map(|i| format!("word{i}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_fits_is_one_piece_as_it_is() {
    assert_eq!(chunk("", 2000), Vec::<String>::new());
    assert_eq!(chunk(" \n\r\n\t", 2000), Vec::<String>::new());
    assert_eq!(chunk("\n\n# Hi\n\nyou  \n", 2000), ["# Hi\n\nyou"]);
}

#[test]
fn units_are_utf16() {
    let pieces = chunk(&"😀".repeat(1000), 2000);
    assert_eq!(pieces.len(), 1);
    assert_eq!(chunk(&"😀".repeat(1001), 2000).len(), 2);
}

#[test]
fn paragraphs_are_the_best_place() {
    let text = format!("{}\n\n{}\n{}", words(30), words(10), words(20));
    assert_eq!(chunk(&text, 300), [words(30), format!("{}\n{}", words(10), words(20))]);
}

#[test]
fn a_heading_stays_with_what_it_heads() {
    let text = format!("{}\n\n## Next\n\n{}", words(35), words(30));
    assert_eq!(chunk(&text, 300), [words(35), format!("## Next\n\n{}", words(30))]);
}

#[test]
fn a_fence_is_closed_and_opened_again() {
    let code = (0..30).map(|i| format!("    let x{i} = {i};\n")).collect::<Vec<_>>().concat();
    insta::assert_snapshot!("fence", read(&format!("Look:\n\n```rust\n{code}```\nDone."), 300));
}

#[test]
fn a_fence_in_a_list_or_a_quote_keeps_its_place() {
    let code = (0..20).map(|i| format!("   let x{i} = {i};\n")).collect::<Vec<_>>().concat();
    let quoted = (0..20).map(|i| format!("> echo {i} of all\n")).collect::<Vec<_>>().concat();
    insta::assert_snapshot!(
        "fence_in_list",
        read(&format!("1. Do this:\n   ~~~~sh\n{code}   ~~~~\n2. Then\n\n> ```sh\n{quoted}> ```\nend"), 300)
    );
}

#[test]
fn an_open_fence_is_closed_for_now() {
    assert_eq!(chunk("Look:\n```rust\nfn main() {", 2000), ["Look:\n```rust\nfn main() {\n```"]);
}

#[test]
fn list_items_stay_whole() {
    let items =
        (0..12).map(|i| format!("- item {i}: {}\n  and more\n", words(3))).collect::<Vec<_>>().concat();
    for piece in chunk(&items, 300) {
        assert!(piece.starts_with("- item") && piece.ends_with("and more"), "{piece}");
    }
}

#[test]
fn links_code_and_mentions_are_not_cut() {
    for whole in [
        "[a link with some words](https://example.org/a_(b)?c=d)",
        "`a code span with some words`",
        "https://example.org/a/rather/long/path?with=query&and=more#fragment",
        "<:some_emoji:1234567890123456789>",
        "<t:1700000000:R>",
        "**bold words of some length**",
    ] {
        for before in 40..75 {
            let text = format!("{} {} {whole} {}", "x".repeat(200), "y".repeat(before), words(60));
            let pieces = chunk(&text, 300);
            assert!(pieces.iter().any(|piece| piece.contains(whole)), "{pieces:#?}");
        }
    }
}

#[test]
fn a_word_longer_than_a_message_is_cut_between_graphemes() {
    let family = "👨‍👩‍👧‍👦";
    let pieces = chunk(&family.repeat(300), 300);
    assert!(pieces.iter().all(|piece| piece.replace(family, "").is_empty()));
    assert_eq!(pieces.concat(), family.repeat(300));
}

#[test]
fn one_grapheme_longer_than_a_message_is_cut_after_all() {
    let zalgo = format!("e{}", "\u{301}".repeat(1000));
    assert_eq!(chunk(&zalgo, 300).concat(), zalgo);
}

#[test]
fn a_long_document_is_no_matter() {
    let text = format!("{}\n\n```\n{}\n```\n", words(6_000), "code line\n".repeat(6_000));
    assert!(chunk(&text, 2000).len() > 50);
}

/// Words of a document, some of them marks; cheap, because most of a document is made of them.
fn some_words(n: usize, seed: u32) -> String {
    const WORDS: [&str; 24] = [
        "a",
        "word",
        "longer",
        "it",
        "is.",
        "Done!",
        "is,",
        "so",
        "the",
        "**bold**",
        "`x`",
        "_y_",
        "*",
        "-",
        "1.",
        "#",
        "considerably",
        "(see",
        "this)",
        "x=1;",
        "{",
        "}",
        "\\\"",
        "|",
    ];
    let mut state = seed;
    let words = (0..n).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        WORDS[(state >> 16) as usize % WORDS.len()]
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Parts of documents that have made trouble somewhere.
fn part() -> impl Strategy<Value = String> {
    let ending = prop_oneof![4 => Just("\n"), 3 => Just("\n\n"), 1 => Just("\r\n"), 1 => Just("\r\n\r\n"), 1 => Just(" "), 1 => Just("")];
    let plain = (1..45_usize, any::<u32>()).prop_map(|(n, seed)| some_words(n, seed));
    let fence = (
        prop_oneof![Just("```"), Just("~~~"), Just("````"), Just("~~~~~")],
        prop_oneof![Just(""), Just("rust"), Just("c++ title=x")],
        prop::collection::vec(
            prop_oneof![
                Just(String::new()),
                (0..14_usize, any::<u32>()).prop_map(|(n, seed)| some_words(n, seed)).boxed(),
                Just("```".to_owned()),
                Just("~~~".to_owned())
            ],
            0..30,
        ),
        prop_oneof![Just(""), Just("  "), Just("      "), Just("> "), Just("- "), Just("1. ")],
        prop::bool::weighted(0.85),
    )
        .prop_map(|(marks, info, lines, prefix, closed)| {
            let inner = prefix.replace(['-', '1', '.'], " ");
            let body = lines.iter().map(|line| format!("{inner}{line}\n")).collect::<Vec<_>>().concat();
            let close = if closed { format!("{inner}{marks}") } else { String::new() };
            format!("{prefix}{marks}{info}\n{body}{close}")
        });
    let table = (1..5_usize, 1..12_usize).prop_map(|(columns, rows)| {
        let row = format!("|{}", " cell |".repeat(columns));
        format!("{row}\n|{}\n{}", "---|".repeat(columns), format!("{row}\n").repeat(rows))
    });
    let list = prop::collection::vec((0..4_usize, (1..14_usize, any::<u32>())), 1..12).prop_map(|items| {
        items
            .iter()
            .map(|(depth, (n, seed))| format!("{}- {}\n", "  ".repeat(*depth), some_words(*n, *seed)))
            .collect::<Vec<_>>()
            .concat()
    });
    let inline = prop_oneof![
        Just("[a link](https://example.org/x_(y))"),
        Just("`code with ` `` ` `` spans`"),
        Just("**bold words *and more* of it**"),
        Just("<@123456789> <:emoji:12345> <t:1700000000:R>"),
        Just("https://example.org/a?b=c#d"),
        Just("```one line```"),
        Just("``` ```"),
        Just("||spoiler words||"),
        Just("[never closed"),
        Just("**never closed"),
        Just("----"),
        Just("# "),
        Just("\u{200b}"),
        Just("@everyone"),
    ]
    .prop_map(str::to_owned);
    let unicode = prop_oneof![
        Just("👨‍👩‍👧‍👦".to_owned()),
        Just("🇩🇪🇫🇷🇯🇵".to_owned()),
        Just("e\u{301}\u{302}\u{303} \u{301}".to_owned()),
        Just("مرحبا بالعالم. שלום עולם".to_owned()),
        Just("\u{600} \u{600}x".to_owned()),
        Just("漢字かな交じり文。次の文！".to_owned()),
        Just("한국어 \u{1100}\u{1161}\u{11a8}".to_owned()),
        "\\PC{1,30}",
        "[\\PC\\s]{1,30}",
    ];
    let huge = (
        prop_oneof![
            Just("x"),
            Just("👩🏽‍🚀"),
            Just("`"),
            Just("~"),
            Just("漢"),
            Just("a`"),
            Just("**"),
            Just(" "),
            Just("\n"),
            Just("```a ")
        ],
        100..900_usize,
    )
        .prop_map(|(of, n)| of.repeat(n));
    let body = prop_oneof![
        6 => plain.clone(),
        3 => fence,
        1 => table,
        2 => list,
        4 => inline,
        3 => unicode,
        1 => huge,
        1 => plain.clone().prop_map(|text| format!("## {text}")),
        1 => plain.prop_map(|text| format!("> {text}")),
    ];
    (body, ending).prop_map(|(body, ending)| format!("{body}{ending}"))
}

fn document() -> impl Strategy<Value = String> {
    prop::collection::vec(part(), 0..16).prop_map(|parts| parts.concat())
}

fn cases() -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2_000);
    Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn every_piece_can_be_sent_and_nothing_is_lost(text in document(), units_max in 300..2001_usize) {
        let layout = Layout::of(&text);
        let clusters: std::collections::HashSet<usize> =
            text.grapheme_indices(true).map(|(at, _)| at).chain([text.len()]).collect();
        let mut done = 0;
        for piece in pieces(&text, units_max) {
            prop_assert!(units(&piece.text) <= units_max);
            prop_assert!(!piece.text.trim().is_empty());

            // The piece is what it says: a slice, and a fence above and below it that was there before.
            let slice = &piece.text[piece.head..piece.text.len() - piece.tail];
            prop_assert_eq!(slice, &text[piece.start..piece.end]);
            let head = piece.text[..piece.head].trim_end_matches(NOT_A_FENCE);
            let mut fences = text[..piece.start].lines().filter_map(lines::Fence::opened_by);
            prop_assert!(head.is_empty() || fences.any(|fence| fence.reopening() == head), "{:?}", head);
            let tail = piece.text[piece.text.len() - piece.tail..].trim_start_matches(['\n', ' ', '\t', '>']);
            prop_assert!(tail.chars().all(|c| c == '`') || tail.chars().all(|c| c == '~'), "{:?}", tail);

            // Between two slices there is only white space, or the line that closes a fence closed already.
            prop_assert!(piece.start >= done && piece.end > piece.start);
            let between = &text[done..piece.start];
            let is_closing = between.lines().filter(|line| !line.trim().is_empty()).count() == 1
                && layout.lines.iter().any(|line| line.kind == lines::Kind::Close && line.start >= done && line.end <= piece.start);
            prop_assert!(between.trim().is_empty() || is_closing, "lost: {:?}", between);
            done = piece.end;

            prop_assert!(clusters.contains(&piece.start) && clusters.contains(&piece.end), "a grapheme is cut");
            prop_assert!(Scan::unclosed(&piece.text).is_none(), "a fence is open: {}", piece.text);
        }
        let rest = &text[done..];
        prop_assert!(rest.lines().filter(|line| !line.trim().is_empty()).all(|line| line.trim_matches(['>', ' ', '\t', '\r']).trim_matches(['`', '~']).is_empty()), "lost: {:?}", rest);
    }

    #[test]
    fn what_is_appended_changes_the_last_two_pieces_at_most(
        text in document(), more in document(), units_max in 300..2001_usize
    ) {
        let before = chunk(&text, units_max);
        let after = chunk(&format!("{text}{more}"), units_max);
        let stable = before.len().saturating_sub(2);
        prop_assert_eq!(&before[..stable], &after[..stable.min(after.len())]);
    }
}

#[test]
fn the_first_pieces_are_those_of_the_whole_and_the_end_opens_its_fence_again() {
    const LINES: [&str; 3] = ["one", "two", "three"];
    let lines: String = (0..400).flat_map(|line| ["let line_", LINES[line % 3], " = 7;\n"]).collect();
    let document = format!("Here it is:\n```rust\n{lines}```\nThat was it.");
    let whole = chunk(&document, 500);
    let (first, rest) = chunk_first(&document, 500, 3);
    assert_eq!(first, whole[..3]);
    assert!(document[rest.expect("there is more")..].starts_with("let line_"), "{rest:?}");
    assert_eq!(chunk_first(&document, 500, whole.len()), (whole, None));
    let end = end_of(&document, 20, 200);
    assert!(end.starts_with("```rust\nlet line_") && end.ends_with("```\nThat was it."), "{end}");
    assert!(end.len() <= 220, "{end}");
    assert_eq!(end_of("short", 2, 100), "ort");
    assert_eq!(
        end_of(&"\u{1f980}".repeat(100), 0, 10).chars().count(),
        3,
        "nothing is cut within a character"
    );
}

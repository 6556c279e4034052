//! Texts of a wanted shape.

use std::fmt::Write as _;

/// This many lines of markdown: headings, prose, lists.
pub fn lines(count: usize) -> String {
    let mut text = String::new();
    for line in 1..=count {
        let _ = match line % 10 {
            1 => writeln!(text, "## Part {line}"),
            2 | 6 => writeln!(text),
            3..=5 => {
                writeln!(text, "Line {line} says something of *some* length, so that the limit is reached.")
            }
            _ => writeln!(text, "- line {line} of a list"),
        };
    }
    text
}

/// A code block of this many lines.
pub fn code(count: usize) -> String {
    let mut text = String::from("```rust\n");
    for line in 1..=count {
        let _ = writeln!(text, "let line_{line} = \"some code on line {line}\";");
    }
    text.push_str("```");
    text
}

/// A table.
pub const TABLE: &str = "\
| File | Lines | State |
|---|---:|---|
| `main.rs` | 48 | unchanged |
| `lib.rs` | 1200 | *fixed* |";

/// Everything that would ping somebody.
pub const MENTION: &str = "Hello @everyone and @here, <@1> and <@!1>, <@&1>, in <#1>.";

/// Characters of one to four bytes.
pub const MULTIBYTE: &str = "split: ä € 漢字 🦀 done";

//! A list in one message.

use crate::render::message::{CONTENT_UNITS_MAX, units};

/// Room for the line that counts the rest.
const REST: usize = 40;

/// What is above, and below it as many lines as the message holds; the rest is counted.
pub fn page(above: &str, lines: &[String]) -> String {
    let mut text = above.to_owned();
    for (index, line) in lines.iter().enumerate() {
        if units(&text) + units(line) + REST > CONTENT_UNITS_MAX {
            return format!("{text}\n… and {} more", lines.len() - index);
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_fits_one_message() {
        let lines = vec!["x".repeat(150); 50];
        let text = page("trouble", &lines);
        assert!(units(&text) <= CONTENT_UNITS_MAX);
        assert!(text.starts_with("trouble\nxxx"), "{text}");
        let shown = text.matches("xxx\n").count();
        assert!(text.ends_with(&format!("… and {} more", lines.len() - shown)), "{text}");
        assert_eq!(page("", &lines[..1]), lines[0]);
        assert_eq!(page("Nothing.", &[]), "Nothing.");
    }
}

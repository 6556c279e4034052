//! `[[name:argument]]` in a prompt tells a fake what to do. Both fakes read prompts with this.

/// A directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// Lower-case letters, digits and dashes.
    pub name: String,
    /// What follows the colon; empty without one. It may hold `[[…]]` itself.
    pub argument: String,
}

/// The directives in a text, in order.
pub fn directives(text: &str) -> Vec<Directive> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("[[") {
        rest = &rest[start + 2..];
        let name_len = rest
            .find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'))
            .unwrap_or(rest.len());
        let after = &rest[name_len..];
        if name_len == 0 || !(after.starts_with("]]") || after.starts_with(':')) {
            continue;
        }
        let Some(end) = closing(after) else { continue };
        found.push(Directive {
            name: rest[..name_len].to_owned(),
            argument: after[..end].strip_prefix(':').unwrap_or_default().to_owned(),
        });
        rest = &after[end + 2..];
    }
    found
}

/// Where the `]]` is that closes the directive.
fn closing(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0, 0);
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"[[" => {
                depth += 1;
                at += 2;
            }
            // `…]]]`: the last two of them close.
            b"]]" if bytes.get(at + 2) == Some(&b']') && bytes.get(at + 3) != Some(&b']') => at += 1,
            b"]]" if depth == 0 => return Some(at),
            b"]]" => {
                depth -= 1;
                at += 2;
            }
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        directives(text).into_iter().map(|directive| (directive.name, directive.argument)).collect()
    }

    #[test]
    fn directives_are_found_among_words_and_hold_brackets() {
        assert_eq!(read("plain [text] [[ not this ]] [[Nor:this]] [[unclosed:x"), []);
        for (text, name, argument) in [
            ("please [[table]] now", "table", ""),
            ("[[bash:[[ -f x ]] && echo y]]", "bash", "[[ -f x ]] && echo y"),
            ("[[tool:X {\"a\":[1]}]]", "tool", "X {\"a\":[1]}"),
            ("[[tool:X [1]]]", "tool", "X [1]"),
            ("[[say:one: two\nthree]]", "say", "one: two\nthree"),
        ] {
            assert_eq!(read(text), [(name.to_owned(), argument.to_owned())], "{text}");
        }
        assert_eq!(read("[[say:a]][[say:b]] [[hang]]").len(), 3);
    }
}

//! Nodes of the syntax tree → words.

use std::collections::BTreeMap;

use tree_sitter::Node;

use super::Word;

/// Stands for `$IFS` until the word is split there.
const SPLIT: char = '\u{1}';

/// What nodes say.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) source: &'a str,
    pub(super) variables: &'a BTreeMap<String, Word>,
}

impl Reader<'_> {
    /// The node's source.
    pub(super) fn text(&self, node: Node) -> &str {
        self.source.get(node.byte_range()).unwrap_or_default()
    }

    /// The words of a `command`: its name and arguments, without assignments and redirections.
    pub(super) fn words(&self, node: Node) -> Vec<Word> {
        let mut walk = node.walk();
        let mut words = Vec::new();
        for child in node.named_children(&mut walk) {
            if child.kind() != "variable_assignment" && !child.kind().ends_with("_redirect") {
                words.extend(split(&self.word(child)));
            }
        }
        words
    }

    /// The words of `export`, `unset` and the like, as they are written.
    pub(super) fn plain_words(&self, node: Node) -> Vec<Word> {
        let words = self.text(node).split_whitespace();
        words.map(|word| Word { text: word.to_owned(), literal: true }).collect()
    }

    /// `NAME=value`.
    pub(super) fn assignment(&self, node: Node) -> Option<(String, Word)> {
        let name = self.text(node.child_by_field_name("name")?).to_owned();
        let value = node.child_by_field_name("value").map(|value| self.word(value));
        Some((name, value.unwrap_or(Word { text: String::new(), literal: true })))
    }

    /// One word.
    pub(super) fn word(&self, node: Node) -> Word {
        let mut word = Word { text: String::new(), literal: true };
        self.render(node, &mut word);
        word
    }

    fn render(&self, node: Node, word: &mut Word) {
        let text = self.text(node);
        match node.kind() {
            "word" | "extglob_pattern" | "regex" => word.text.push_str(&unescaped(text, |_| true)),
            "raw_string" => word.text.push_str(text.trim_matches('\'')),
            "ansi_c_string" => {
                let inner = text.strip_prefix("$'").and_then(|text| text.strip_suffix('\'')).unwrap_or(text);
                word.text.push_str(&ansi_c(inner));
            }
            "string_content" => word.text.push_str(&unescaped(text, |c| "\"\\$`".contains(c))),
            "string" | "translated_string" | "concatenation" | "command_name" => {
                let mut at = node.start_byte();
                let mut walk = node.walk();
                for child in node.children(&mut walk) {
                    word.text.push_str(self.source.get(at..child.start_byte()).unwrap_or_default());
                    if child.is_named() {
                        self.render(child, word);
                    } else if !matches!(self.text(child), "\"" | "$\"") {
                        word.text.push_str(self.text(child));
                    }
                    at = child.end_byte();
                }
                word.text.push_str(self.source.get(at..node.end_byte()).unwrap_or_default());
            }
            "simple_expansion" | "expansion" => self.expand(text, word),
            "command_substitution" | "process_substitution" | "arithmetic_expansion" => {
                word.literal = false;
                word.text.push_str("$(…)");
            }
            _ => word.text.push_str(text),
        }
    }

    fn expand(&self, text: &str, word: &mut Word) {
        let name = text.trim_start_matches('$').trim_start_matches('{').trim_end_matches('}');
        match (name, self.variables.get(name)) {
            ("IFS", _) => word.text.push(SPLIT),
            ("HOME", _) => word.text.push('~'),
            (_, Some(known)) if known.literal => word.text.push_str(&known.text),
            // `${X:-rm}`: what it says if nobody set it.
            (name, _) if name.contains(":-") => {
                word.literal = false;
                word.text.push_str(name.split_once(":-").map_or("", |(_, default)| default));
            }
            (name, _) => {
                word.literal = false;
                word.text.push('$');
                word.text.push_str(name);
            }
        }
    }
}

fn split(word: &Word) -> Vec<Word> {
    let pieces = word.text.split(SPLIT);
    pieces.map(|text| Word { text: text.to_owned(), literal: word.literal }).collect()
}

/// Without the backslashes before the characters that they protect.
fn unescaped(text: &str, protected: impl Fn(char) -> bool) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek().copied() {
            Some('\n') if c == '\\' => {
                chars.next();
            }
            Some(next) if c == '\\' && protected(next) => {
                chars.next();
                plain.push(next);
            }
            _ => plain.push(c),
        }
    }
    plain
}

/// `$'…'`, as far as it can hide letters.
fn ansi_c(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (digits, radix, skip) = match rest.chars().next() {
            Some('x') => (2, 16, 1),
            Some('u') => (4, 16, 1),
            Some('0'..='7') => (3, 8, 0),
            Some(other) => {
                plain.push(match other {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                });
                rest = &rest[other.len_utf8()..];
                continue;
            }
            None => break,
        };
        let number: String = rest.chars().skip(skip).take_while(|c| c.is_digit(radix)).take(digits).collect();
        plain.extend(u32::from_str_radix(&number, radix).ok().and_then(char::from_u32));
        rest = rest.get(skip + number.len()..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

//! A command line → the simple commands in it, as far as they can be known before it runs.
//!
//! tree-sitter reads it: in linear time, without recursion, and it says where it did not understand.

mod unwrap;

mod words;

use std::collections::BTreeMap;

use tree_sitter::{Node, Parser, Tree};

use words::Reader;

pub(in crate::policy) use unwrap::SHELLS;

/// A longer command is not read.
const BYTES_MAX: usize = 64 << 10;
/// A command with more simple commands than this is not read to its end.
const PARTS_MAX: usize = 1_000;
/// Commands in commands (`bash -c "bash -c …"`) deeper than this are not read.
const DEPTH_MAX: usize = 6;

/// A command line, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The simple commands, also those in substitutions, in functions, in `bash -c` and behind `sudo`.
    pub parts: Vec<Part>,
    /// Files that a redirection writes.
    pub writes: Vec<Word>,
    /// Variables that it sets, and their values.
    pub sets: Vec<(String, Word)>,
    /// Whether all of it was understood.
    pub sound: bool,
    /// Whether a function calls itself.
    pub calls_itself: bool,
}

/// A simple command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The program and its arguments.
    pub words: Vec<Word>,
    /// Whether it reads what another one prints.
    pub piped: bool,
    /// Whether it only starts the part after it, and changes nothing about it (`timeout 5`).
    pub transparent: bool,
    /// What it gets to read from a here-document or here-string.
    pub fed: Option<String>,
}

/// A word as the program gets it, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The text; what is not known stands as `$NAME` or `$(…)`.
    pub text: String,
    /// Whether all of it is known.
    pub literal: bool,
}

impl Part {
    /// The program's name without its directory.
    pub fn program(&self) -> &str {
        let name = self.words.first().map_or("", |word| word.text.as_str());
        name.rsplit('/').next().unwrap_or(name)
    }

    /// Whether it is this program.
    pub fn is(&self, names: &[&str]) -> bool {
        names.contains(&self.program())
    }

    /// The arguments.
    pub fn args(&self) -> impl Iterator<Item = &str> {
        self.words.iter().skip(1).map(|word| word.text.as_str())
    }

    /// The arguments that are no flags.
    pub fn positional(&self) -> impl Iterator<Item = &str> {
        self.args().filter(|arg| !arg.starts_with('-') || *arg == "-")
    }

    /// Whether one of these flags is given: `-r` also among others in one word (`-xrf`), `--recursive` also by a value.
    pub fn has_flag(&self, flags: &[&str]) -> bool {
        self.args().any(|arg| {
            flags.iter().any(|flag| match flag.strip_prefix("--") {
                Some(_) => arg == *flag || arg.strip_prefix(flag).is_some_and(|rest| rest.starts_with('=')),
                None if flag.len() == 2 => {
                    arg.starts_with('-') && !arg.starts_with("--") && arg[1..].contains(&flag[1..])
                }
                None => arg == *flag,
            })
        })
    }

    /// Whether one of these words stands among the arguments.
    pub fn has_any(&self, words: &[&str]) -> bool {
        self.args().any(|arg| words.contains(&arg))
    }

    /// Whether these words stand among the arguments in this order, perhaps with flags between.
    pub fn has_words(&self, words: &[&str]) -> bool {
        let mut args = self.args();
        words.iter().all(|word| args.any(|arg| arg == *word))
    }

    /// Whether what runs is known: a name, and no text that becomes one.
    pub fn is_known(&self) -> bool {
        let name = self.program();
        // `"$DIR/bin/python"` is known well enough.
        !name.is_empty() && !name.contains(['$', '*', '?', '[', '{'])
            || matches!(self.words.first(), Some(word) if word.text == "[")
    }

    /// The words with one space between.
    pub fn text(&self) -> String {
        self.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// Takes a command line apart.
pub fn read(command: &str) -> Script {
    let mut script =
        Script { parts: Vec::new(), writes: Vec::new(), sets: Vec::new(), sound: true, calls_itself: false };
    let mut variables = BTreeMap::new();
    read_into(command, 0, false, &mut variables, &mut script);
    script
}

fn read_into(
    command: &str,
    depth: usize,
    piped: bool,
    variables: &mut BTreeMap<String, Word>,
    script: &mut Script,
) {
    let Some(tree) = parsed(command).filter(|_| depth <= DEPTH_MAX) else {
        script.sound = false;
        return;
    };
    script.sound &= !tree.root_node().has_error();
    let mut cursor = tree.walk();
    // Every node, parents first, without recursion: the command was written by nobody knows whom.
    loop {
        let node = cursor.node();
        let reader = Reader { source: command, variables };
        match node.kind() {
            "command" => {
                script.sound &= !runs_over_lines(node, command);
                let words = reader.words(node);
                let fed = fed(node, &reader);
                let piped = piped || is_piped(node);
                unwrap::push(words, piped, fed, depth, variables, script);
            }
            "declaration_command" | "unset_command" => {
                script.sound &= !runs_over_lines(node, command);
                let words = reader.plain_words(node);
                script.parts.push(Part { words, piped: false, transparent: false, fed: None });
            }
            "variable_assignment" => {
                if let Some((name, value)) = reader.assignment(node) {
                    variables.insert(name.clone(), value.clone());
                    script.sets.push((name, value));
                }
            }
            "file_redirect" if reader.text(node).contains('>') => {
                let target = node.child_by_field_name("destination");
                // `2>&1` writes no file.
                script
                    .writes
                    .extend(target.filter(|node| node.kind() != "number").map(|node| reader.word(node)));
            }
            "function_definition" => script.calls_itself |= calls_itself(node, &reader),
            _ => {}
        }
        if script.parts.len() > PARTS_MAX {
            script.sound = false;
            return;
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

fn parsed(command: &str) -> Option<Tree> {
    if command.len() > BYTES_MAX {
        return None;
    }
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_bash::LANGUAGE.into()).ok()?;
    parser.parse(command, None)
}

/// Whether there is an end of a line among a command's words that nothing takes away. The grammar overlooks one before a
/// backslash: `ls`, and in the next line `\rm x`, are one command to it.
fn runs_over_lines(node: Node, source: &str) -> bool {
    let ends = |text: &str| text.replace("\\\n", "").contains('\n');
    let mut walk = node.walk();
    let mut from = node.start_byte();
    node.children(&mut walk).any(|child| {
        let gap = source.get(from..child.start_byte()).unwrap_or_default();
        from = child.end_byte();
        ends(gap) || (child.kind() == "word" && ends(source.get(child.byte_range()).unwrap_or_default()))
    })
}

/// Whether a command stands behind a `|`, also in parentheses or in a loop.
fn is_piped(node: Node) -> bool {
    let (mut node, mut steps) = (node, 0);
    while let Some(parent) = node.parent() {
        if parent.kind() == "pipeline" && parent.named_child(0).is_some_and(|first| first.id() != node.id()) {
            return true;
        }
        steps += 1;
        if steps > 100 || matches!(parent.kind(), "command_substitution" | "process_substitution") {
            return false;
        }
        node = parent;
    }
    false
}

/// What a command gets to read from a here-document or here-string.
fn fed(node: Node, reader: &Reader) -> Option<String> {
    let outer = node.parent().filter(|parent| parent.kind() == "redirected_statement");
    for holder in [Some(node), outer].into_iter().flatten() {
        for index in 0..holder.child_count() {
            let Some(child) = holder.child(index) else {
                continue;
            };
            match child.kind() {
                "herestring_redirect" => {
                    return child.named_child(0).map(|word| reader.word(word).text);
                }
                "heredoc_redirect" => {
                    let mut walk = child.walk();
                    let body = child.children(&mut walk).find(|child| child.kind() == "heredoc_body");
                    return body.map(|body| reader.text(body).to_owned());
                }
                _ => {}
            }
        }
    }
    None
}

/// Whether a function starts itself behind a `|` or a `&`.
fn calls_itself(definition: Node, reader: &Reader) -> bool {
    let (Some(name), Some(body)) =
        (definition.child_by_field_name("name"), definition.child_by_field_name("body"))
    else {
        return false;
    };
    let (name, text) = (reader.text(name), reader.text(body));
    if !text.contains(['|', '&']) {
        return false;
    }
    let mut cursor = body.walk();
    loop {
        let node = cursor.node();
        if node.kind() == "command_name" && reader.text(node) == name {
            return true;
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return false;
            }
        }
    }
}

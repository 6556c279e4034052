//! What a person wrote → the text of the line for the CLI. Chat text is not trusted: the CLI runs a leading `/word` as a
//! command, and puts the file behind each `@path` into the prompt without asking anybody, `/etc/passwd` included.

use crate::domain::prompt::Attachment;

/// Which of the CLI's slash commands people may use in a project.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Commands {
    /// All that the CLI lists.
    pub all: bool,
    /// These, by name without the slash.
    pub names: Vec<String>,
}

impl Commands {
    /// From the configuration's list, where `*` stands for all.
    pub fn of(names: &[String]) -> Self {
        Self {
            all: names.iter().any(|name| name == "*"),
            names: names.iter().map(|name| name.trim_start_matches('/').to_owned()).collect(),
        }
    }

    fn allows(&self, name: &str) -> bool {
        self.all || self.names.iter().any(|allowed| allowed == name)
    }
}

/// A file that came with the prompt.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Where it lies, and what it is.
    pub attachment: &'a Attachment,
    /// Its content, where the caller read it because it is a short text.
    pub text: Option<&'a str>,
}

/// How many bytes of attached text go into the prompt itself, all files together. More would risk the CLI's own limits
/// (RELIABILITY F8); Claude reads the rest from the file.
pub const INLINE_BYTES_MAX: usize = 50_000;

/// The text for the CLI.
///
/// `listed` are the commands that the CLI lists, and `in_project` tells whether a path, as the CLI would resolve it from
/// the project's directory, is there and lies inside (links followed).
pub fn prompt_text(
    text: &str,
    files: &[File<'_>],
    commands: &Commands,
    listed: &[String],
    in_project: impl Fn(&str) -> bool,
) -> String {
    let mut out = neutral_mentions(text, &in_project);
    if let Some(name) = command(&out)
        && !(commands.allows(name) && listed.iter().any(|listed| listed == name))
    {
        // With a space before it the CLI takes it for plain text (its README §8).
        out.insert(0, ' ');
    }
    if !files.is_empty() {
        out.push_str(&files_block(files));
    }
    out
}

/// The command that the CLI would run for this text, if any.
fn command(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('/')?;
    Some(rest.split(char::is_whitespace).next().unwrap_or_default())
}

/// The list of the files, and of those that are short texts the content.
fn files_block(files: &[File<'_>]) -> String {
    let mut room = INLINE_BYTES_MAX;
    let mut lines = vec!["\n\n--- Files that came with this message ---".to_owned()];
    for File { attachment, text } in files {
        let name = one_line(&attachment.name);
        let kind = one_line(attachment.content_type.as_deref().unwrap_or("unknown type"));
        let (bytes, path) = (attachment.bytes, attachment.path.display());
        lines.push(format!("- {name} ({kind}, {bytes} bytes), stored at: {path}"));
        // A text in which the CLI would find a mention is left for Claude to read, so that it arrives unchanged.
        // So is one that could be taken for the end of itself.
        let inline = text.filter(|text| {
            text.len() <= room
                && !text.contains("--- End of ")
                && neutral_mentions(text, &|_| false) == **text
        });
        if let Some(text) = inline {
            room -= text.len();
            lines.push(format!("--- Start of {name} ---\n{text}\n--- End of {name} ---"));
        }
    }
    lines.push("--- End of the files; read those that are not shown here with the Read tool ---".to_owned());
    lines.join("\n")
}

/// A name in one line, without a character that could begin a mention.
fn one_line(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() || c == '@' || starts_mention(c) && c != ' ' { '_' } else { c })
        .collect()
}

/// Puts a backslash before each `@` that the CLI would read a file for, unless that file lies in the project.
///
/// The CLI (2.1.197) matches `(^|[\s。、？！])@"([^"]+)"` and `(^|[\s。、？！])@([^\s]+)\b`: with any other character before
/// the `@` it reads nothing. A backslash is visible, so nobody copies something invisible into a file.
fn neutral_mentions(text: &str, in_project: &impl Fn(&str) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        if c == '@' && before.is_none_or(starts_mention) {
            match mention(&rest[1..]) {
                Some((path, length)) if in_project(path) => taken += length,
                _ => out.push('\\'),
            }
        }
        out.push_str(&rest[..taken]);
        before = rest[..taken].chars().next_back();
        rest = &rest[taken..];
    }
    out
}

/// Whether the CLI looks for a mention after this character. JavaScript's `\s` has U+FEFF, which Rust's has not.
fn starts_mention(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '。' | '、' | '？' | '！')
}

/// The path that the CLI would read for a mention (the text after its `@`), and how many bytes of the text it takes. What
/// comes after may hold a mention of its own, also before the next white space.
fn mention(rest: &str) -> Option<(&str, usize)> {
    let (token, length) = if let Some(quoted) = rest.strip_prefix('"') {
        quoted.find('"').map(|end| (&quoted[..end], end + 2))?
    } else {
        let end = rest.find(|c: char| c.is_whitespace() || c == '\u{feff}').unwrap_or(rest.len());
        let token = up_to_word_boundary(&rest[..end]);
        (token, token.len())
    };
    // `#L10-20` names lines; with more than one `#` the CLI takes the whole for a name.
    let path = match token.split_once('#') {
        Some((_, more)) if more.contains('#') => return None,
        Some((path, _)) => path,
        None => token,
    };
    // A quoted name may hold what begins another mention.
    let plain = !path.is_empty() && !token.contains('@');
    plain.then_some((path, length))
}

/// What `[^\s]+\b` matches of a token: up to the last boundary between an ASCII word character and something else.
fn up_to_word_boundary(token: &str) -> &str {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut end = 0;
    let mut last = None;
    for (at, c) in token.char_indices() {
        if last.is_some_and(|last| word(last) != word(c)) {
            end = at;
        }
        last = Some(c);
    }
    if last.is_some_and(word) { token } else { &token[..end] }
}

#[cfg(test)]
mod tests;

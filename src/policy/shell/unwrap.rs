//! Programs that start other programs: what they start is a part of its own.

use std::collections::BTreeMap;

use super::{DEPTH_MAX, Part, Script, Word, read_into};

/// Programs that run the command behind their flags, and change nothing about it.
const TRANSPARENT: &[&str] = &[
    "timeout",
    "time",
    "nice",
    "ionice",
    "nohup",
    "stdbuf",
    "command",
    "builtin",
    "exec",
    "setsid",
    "caffeinate",
];

/// Those that do change something about it.
const WRAPPERS: &[&str] = &[
    "sudo", "doas", "env", "xargs", "watch", "chroot", "busybox", "strace", "unshare", "parallel", "flock",
    "runuser",
];

/// Programs that run a text.
pub(in crate::policy) const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh", "fish", "ash"];

/// Flags of the wrappers that take the next word.
const TAKE_A_WORD: &[&str] = &[
    "-u",
    "-g",
    "-U",
    "-C",
    "-h",
    "-p",
    "-n",
    "-I",
    "-L",
    "-P",
    "-s",
    "-d",
    "-E",
    "-k",
    "-S",
    "-c",
    "-o",
    "-i",
    "-e",
    "-w",
    "--user",
    "--signal",
    "--kill-after",
];

/// Adds a command and all that it starts. `fed` is the text that it gets to read.
pub(super) fn push(
    words: Vec<Word>,
    piped: bool,
    fed: Option<String>,
    depth: usize,
    variables: &mut BTreeMap<String, Word>,
    script: &mut Script,
) {
    if words.is_empty() {
        return;
    }
    let part = Part { words, piped, transparent: false, fed: fed.clone() };
    let program = part.program().to_owned();
    let transparent = TRANSPARENT.contains(&program.as_str());
    let inner =
        if transparent || WRAPPERS.contains(&program.as_str()) { behind_flags(&part) } else { Vec::new() };
    let started: Vec<Vec<Word>> = match program.as_str() {
        "find" | "fd" => started_by_find(&part),
        _ => vec![inner],
    };
    let texts = texts(&part, &program, fed);
    script.parts.push(Part { transparent, ..part });
    for words in started.into_iter().filter(|words| !words.is_empty()) {
        if depth < DEPTH_MAX {
            push(words, piped, None, depth + 1, variables, script);
        } else {
            script.sound = false;
        }
    }
    for (text, must_be_sound) in texts {
        let sound = script.sound;
        read_into(&text, depth + 1, false, variables, script);
        script.sound = if must_be_sound { script.sound } else { sound };
    }
}

/// The command behind `sudo -u x`, `env A=1`, `timeout 5` and the like.
fn behind_flags(part: &Part) -> Vec<Word> {
    let mut words = part.words[1..].iter().peekable();
    let is_timeout = part.program() == "timeout" || part.program() == "chroot" || part.program() == "flock";
    let mut to_skip = usize::from(is_timeout);
    while let Some(word) = words.peek() {
        let text = word.text.as_str();
        if text.starts_with('-') && text.len() > 1 {
            let takes = TAKE_A_WORD.contains(&text)
                // `time -p rm x`, `command -p rm x`.
                && !(text == "-p" && TRANSPARENT.contains(&part.program())) && !(part.program() == "env" && text == "-i");
            words.next();
            // `sudo -n true`, `nice -n 5 true`: a word after the flag belongs to it if it cannot be a program.
            let is_value = words.peek().is_some_and(|next| {
                !matches!(text, "-n" | "-E" | "-S" | "-k" | "-i" | "-s") || next.text.parse::<i64>().is_ok()
            });
            if takes && is_value {
                words.next();
            }
        } else if part.program() == "env" && text.contains('=') {
            words.next();
        } else if to_skip > 0 {
            to_skip -= 1;
            words.next();
        } else {
            break;
        }
    }
    words.cloned().collect()
}

/// What `find … -exec` starts.
fn started_by_find(part: &Part) -> Vec<Vec<Word>> {
    let mut found = Vec::new();
    let mut rest = &part.words[1..];
    let starts =
        |word: &Word| matches!(word.text.as_str(), "-exec" | "-execdir" | "-ok" | "-okdir" | "-x" | "-X");
    while let Some(at) = rest.iter().position(starts) {
        let inner: Vec<Word> = rest[at + 1..]
            .iter()
            .take_while(|word| !matches!(word.text.as_str(), ";" | "+"))
            .cloned()
            .collect();
        rest = &rest[at + 1 + inner.len()..];
        found.push(inner);
    }
    found
}

/// The texts that a program runs as commands, and whether they must be understood.
fn texts(part: &Part, program: &str, fed: Option<String>) -> Vec<(String, bool)> {
    let args: Vec<&str> = part.args().collect();
    let after = |flags: &[&str]| {
        let at = args.iter().position(|arg| {
            flags.contains(arg)
                || (arg.starts_with('-')
                    && !arg.starts_with("--")
                    && flags.contains(&"-c")
                    && arg.ends_with('c'))
        })?;
        args.get(at + 1).map(|text| (*text).to_owned())
    };
    match program {
        _ if SHELLS.contains(&program) => match after(&["-c"]) {
            Some(text) => vec![(text, true)],
            None => fed.into_iter().map(|text| (text, true)).collect(),
        },
        "eval" => vec![(args.join(" "), true)],
        "su" => after(&["-c", "--command"]).into_iter().map(|text| (text, true)).collect(),
        "trap" => args.first().map(|text| ((*text).to_owned(), true)).into_iter().collect(),
        "watch" => vec![(args.join(" "), false)],
        // A host, then a command. Flags of ssh may take a word; a text too many is read here, none too few.
        "ssh" => (1..args.len().min(8)).map(|from| (args[from..].join(" "), false)).collect(),
        "python" | "python3" | "perl" | "ruby" | "node" | "php" | "deno" | "bun" => {
            let code = after(&["-c", "-e", "-r", "-p", "--eval", "eval"]).or(fed).unwrap_or_default();
            quoted(&code).into_iter().map(|text| (text, false)).collect()
        }
        _ => Vec::new(),
    }
}

/// The texts in quotes of a piece of code that look like commands.
fn quoted(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for quote in ['"', '\'', '`'] {
        let pieces = code.split(quote).skip(1).step_by(2);
        found.extend(pieces.filter(|piece| piece.trim().contains(' ')).take(50).map(str::to_owned));
    }
    found
}

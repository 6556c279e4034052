//! Rules and catalogue → one decision.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::catalogue::{self, Look, Pattern};
use super::paths::absolute;
use super::rule::{EDITING, READING, RUNNING, Rule};
use super::shell::{self, Script};

/// Variables that a command may be given and still be what a rule allows.
const HARMLESS: &[&str] = &[
    "CI",
    "COLUMNS",
    "DEBUG",
    "FORCE_COLOR",
    "LANG",
    "LC_ALL",
    "NODE_ENV",
    "NO_COLOR",
    "PYTHONUNBUFFERED",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "TERM",
    "TZ",
];

/// Files that may be written without a rule.
const NOWHERE: &[&str] = &["/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty"];

/// What the operator wants to be allowed, asked and denied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// What needs no question. Default: nothing.
    pub allow: Vec<Rule>,
    /// What needs one in every mode. Default: nothing.
    pub ask: Vec<Rule>,
    /// What is refused in every mode. Default: nothing.
    pub deny: Vec<Rule>,
}

impl Rules {
    /// These and others.
    #[must_use]
    pub fn and(&self, others: &Rules) -> Rules {
        let joined = |left: &[Rule], right: &[Rule]| [left, right].concat();
        Rules {
            allow: joined(&self.allow, &others.allow),
            ask: joined(&self.ask, &others.ask),
            deny: joined(&self.deny, &others.deny),
        }
    }
}

/// Where a tool would be used.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The directory that the CLI works in, absolute.
    pub dir: &'a str,
    /// The home of its user, if that is known.
    pub home: Option<&'a str>,
    /// Where the file of the tool really lies, if links lead there.
    pub real: Option<&'a str>,
}

/// What is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It runs, without a question.
    Allow,
    /// A person decides.
    Ask,
    /// It does not run.
    Deny,
    /// The permission mode decides.
    Mode,
}

/// What decided.
#[derive(Debug, Clone, PartialEq)]
pub enum By {
    /// A rule.
    Rule(Rule),
    /// Catastrophic patterns, at least one.
    Patterns(Vec<&'static Pattern>),
    /// No rule and no pattern.
    Nothing,
}

/// What is to happen, and what decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What is to happen.
    pub verdict: Verdict,
    /// What decided.
    pub by: By,
}

/// Decides on one use of a tool. `input` is the tool's input as the CLI has it.
pub fn decide(rules: &Rules, tool: &str, input: &Value, context: Context) -> Decision {
    let using = Using::of(tool, input, context);
    let by_rule = |verdict, rule: &Rule| Decision { verdict, by: By::Rule(rule.clone()) };
    if let Some(rule) = rules.deny.iter().find(|rule| using.is_touched_by(rule)) {
        return by_rule(Verdict::Deny, rule);
    }
    let patterns = catalogue::find(&using.look());
    if !patterns.is_empty() {
        return Decision { verdict: Verdict::Ask, by: By::Patterns(patterns) };
    }
    if let Some(rule) = rules.ask.iter().find(|rule| using.is_touched_by(rule)) {
        return by_rule(Verdict::Ask, rule);
    }
    if let Some(rule) = using.allowed_by(&rules.allow) {
        return by_rule(Verdict::Allow, rule);
    }
    Decision { verdict: Verdict::Mode, by: By::Nothing }
}

/// One use of a tool, taken apart.
#[derive(Debug)]
struct Using<'a> {
    tool: &'a str,
    context: Context<'a>,
    command: Option<(&'a str, Script)>,
    /// Absolute; more than one where a link leads elsewhere.
    files: Vec<String>,
    host: Option<String>,
    text: String,
}

impl<'a> Using<'a> {
    fn of(tool: &'a str, input: &'a Value, context: Context<'a>) -> Self {
        let text = |key: &str| input.get(key).and_then(Value::as_str);
        let command = text("command").filter(|_| RUNNING.contains(&tool));
        let of_files = EDITING.contains(&tool) || READING.contains(&tool);
        let named = ["file_path", "notebook_path", "path"].into_iter().find_map(text);
        let default = (tool == "Grep" || tool == "Glob" || tool == "LS").then_some(".");
        let file = named.or(default).filter(|_| of_files);
        let files = file.into_iter().chain(context.real.filter(|_| of_files));
        Self {
            tool,
            context,
            command: command.map(|command| (command, shell::read(command))),
            files: files.map(|file| absolute(file, context.dir, context.home)).collect(),
            host: text("url").filter(|_| tool == "WebFetch").map(host),
            text: ["skill", "command", "subagent_type", "query", "url"]
                .into_iter()
                .find_map(text)
                .unwrap_or_default()
                .to_owned(),
        }
    }

    fn look(&self) -> Look<'_> {
        Look {
            tool: self.tool,
            command: self.command.as_ref().map(|(command, _)| *command),
            script: self.command.as_ref().map(|(_, script)| script),
            files: &self.files,
            host: self.host.as_deref(),
            context: self.context,
        }
    }

    fn covers_file(&self, rule: &Rule, file: &str) -> bool {
        rule.covers_file(file, self.context.dir, self.context.home)
    }

    /// Whether any part of it is meant.
    fn is_touched_by(&self, rule: &Rule) -> bool {
        if let Some((command, script)) = &self.command {
            let written = rule.is_for("Edit")
                && script.writes.iter().any(|word| {
                    self.covers_file(rule, &absolute(&word.text, self.context.dir, self.context.home))
                });
            // A command that nobody can read may be anything that a rule means.
            return written
                || (rule.is_for(self.tool)
                    && (rule.is_bare()
                        || rule.covers_command(command.trim())
                        || !script.sound
                        || script.parts.iter().any(|part| {
                            let text = part.text();
                            let bare_name =
                                text.split_once(' ').map_or_else(String::new, |(_, rest)| format!(" {rest}"));
                            rule.covers_command(&text)
                                || rule.covers_command(&format!("{}{bare_name}", part.program()))
                        })));
        }
        if !rule.is_for(self.tool) {
            return false;
        }
        match &self.host {
            Some(host) => rule.covers_host(host),
            None if !self.files.is_empty() => self.files.iter().any(|file| self.covers_file(rule, file)),
            None => rule.covers_text(&self.text),
        }
    }

    /// The rule that allows it; of several that allow parts of it, the last.
    fn allowed_by<'r>(&self, rules: &'r [Rule]) -> Option<&'r Rule> {
        let rules = || rules.iter();
        let Some((command, script)) = &self.command else {
            if let Some(bare) = rules().find(|rule| rule.is_for(self.tool) && rule.is_bare()) {
                return Some(bare);
            }
            let covers_all = |rule: &&Rule| {
                rule.is_for(self.tool)
                    && match &self.host {
                        Some(host) => rule.covers_host(host),
                        None if !self.files.is_empty() => {
                            self.files.iter().all(|file| self.covers_file(rule, file))
                        }
                        None => rule.covers_text(&self.text),
                    }
            };
            return rules().find(covers_all);
        };
        if let Some(whole) =
            rules().find(|rule| rule.is_for(self.tool) && (rule.is_bare() || rule.is_exactly(command.trim())))
        {
            return Some(whole);
        }
        let sets_nothing = script.sets.iter().all(|(name, _)| HARMLESS.contains(&name.as_str()));
        let writes_nothing = script.writes.iter().all(|word| {
            let file = absolute(&word.text, self.context.dir, self.context.home);
            let covered = || rules().any(|rule| rule.is_for("Edit") && self.covers_file(rule, &file));
            NOWHERE.contains(&file.as_str()) || (word.literal && covered())
        });
        if !script.sound || script.calls_itself || !sets_nothing || !writes_nothing {
            return None;
        }
        let mut last = None;
        for part in script.parts.iter().filter(|part| !part.transparent) {
            let text = part.text();
            last = Some(
                rules()
                    .find(|rule| rule.is_for(self.tool) && part.is_known() && rule.covers_command(&text))?,
            );
        }
        last
    }
}

fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let host = if host.starts_with('[') { host } else { host.split(':').next().unwrap_or(host) };
    host.trim_end_matches('.').to_owned()
}

//! `switchboard policy`: what the rules and the catalogue of catastrophic patterns decide, for people at the terminal and
//! for the CLI, which asks before each use of a tool. Changes nothing.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use clap::Subcommand;
use serde_json::Value;

use crate::chain::Chain;
use crate::claude::hook;
use crate::config::{Config, Project};
use crate::domain::ask::AskKind;
use crate::lifecycle::{self, Ending};
use crate::policy::{By, Context, Decision, Rules, Verdict, catalogue, decide};
use crate::store::{AskState, PastAsk, PastAsks};

/// The longest that one decision may take; it takes milliseconds.
const HOOK_TIME_MAX: Duration = Duration::from_secs(20);
/// So much of what was asked for stands in a line, in characters.
const SHOWN_CHARS_MAX: usize = 100;

/// What is wanted of the policy.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Shows the rules that hold, or explains one decision: `switchboard policy check Bash '{"command":"rm -rf /"}'`.
    /// Nothing runs.
    Check {
        /// The tool, by the CLI's name.
        #[arg(requires = "input")]
        tool: Option<String>,
        /// Its input as JSON.
        input: Option<String>,
        /// With the rules of this project; without it those of [policy] alone.
        #[arg(long, value_name = "NAME")]
        project: Option<String>,
    },
    /// Tells what rules would have decided on the permissions that were asked for in the past.
    Test {
        /// Those of this project alone.
        #[arg(long, value_name = "NAME")]
        project: Option<String>,
        /// Rules to try in the place of those in the configuration: a TOML file with the lists allow, ask and deny.
        #[arg(long, value_name = "FILE")]
        rules: Option<PathBuf>,
        /// Also those that are left to the permission mode, as before.
        #[arg(long)]
        all: bool,
        /// The newest so many.
        #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
        last: u32,
    },
}

/// Does what is wanted.
pub async fn run(command: &Command, config: &Config) -> Ending {
    let done = match command {
        Command::Check { tool, input, project } => {
            check(config, tool.as_deref().zip(input.as_deref()), project.as_deref())
        }
        Command::Test { project, rules, all, last } => {
            test(config, project.as_deref(), rules.as_deref(), *all, *last).await
        }
    };
    match done {
        Ok(text) => {
            print!("{text}");
            Ending::Stopped
        }
        Err(error) => {
            eprintln!("switchboard: {error}");
            Ending::Configuration
        }
    }
}

/// The hook of the CLI. It says nothing but a whole answer: any other end is a refusal to the shell that the CLI runs
/// this in.
pub fn hook(rules: &str) -> ExitCode {
    lifecycle::end_after(HOOK_TIME_MAX);
    let mut input = String::new();
    let heard = std::io::stdin().read_to_string(&mut input).map_err(|error| error.to_string());
    let heard = heard.and_then(|_| {
        let rules = serde_json::from_str(rules).map_err(|error| error.to_string())?;
        let real = |path: &Path| Some(path.canonicalize().ok()?.to_str()?.to_owned());
        let heard = hook::hear(&input, &rules, home().as_deref(), real).map_err(|error| error.to_string())?;
        // First of all: what cannot be noted is not decided.
        if let Some(note) = &heard.note {
            writeln!(std::io::stderr(), "{note}").map_err(|error| error.to_string())?;
        }
        Ok(heard)
    });
    match heard {
        Ok(heard) => {
            print!("{}", heard.answer.unwrap_or_default());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("switchboard: failed to decide, so this is denied: {error}");
            ExitCode::from(2)
        }
    }
}

fn check(config: &Config, used: Option<(&str, &str)>, project: Option<&str>) -> Result<String, String> {
    let project = project.map(|name| named(config, name)).transpose()?;
    let rules = project.map_or_else(|| config.policy.clone(), |project| config.rules_for(project));
    let Some((tool, input)) = used else { return Ok(listed(&rules)) };
    let input: Value = serde_json::from_str(input)
        .map_err(|error| format!("the input is no JSON ({error}); write {{\"command\":\"ls\"}}, say"))?;
    let mode = project.map_or(config.claude.permission_mode, |project| config.permission_mode_for(project));
    let dir = project.map_or("/".into(), |project| project.dir.to_string_lossy());
    let decision = decide(&rules, tool, &input, Context { dir: &dir, home: home().as_deref(), real: None });
    let word = match decision.verdict {
        Verdict::Mode => format!("mode {mode}"),
        verdict => word(verdict).to_owned(),
    };
    Ok(format!("{word}\n{}\n", hook::reason(&decision)))
}

fn listed(rules: &Rules) -> String {
    let mut text = String::new();
    for (word, rules) in [("deny", &rules.deny), ("ask", &rules.ask), ("allow", &rules.allow)] {
        for rule in rules {
            let _ = writeln!(text, "{word:<5} {rule}");
        }
    }
    let _ = writeln!(text, "ask   whatever the mode and the rules, unless a rule denies it:");
    for pattern in catalogue::all() {
        let _ = writeln!(text, "      {}: {}", pattern.name, pattern.why);
    }
    text
}

async fn test(
    config: &Config,
    project: Option<&str>,
    rules: Option<&Path>,
    all: bool,
    last: u32,
) -> Result<String, String> {
    if let Some(name) = project {
        named(config, name)?;
    }
    let tried = rules.map(read_rules).transpose()?;
    let path = config.state_dir.join("switchboard.db");
    let read = async { PastAsks::open(&path).await?.permissions(project, last).await };
    let asks = read.await.map_err(|error| format!("{}: {}", path.display(), Chain(&error)))?;
    let mut tally = Tally::default();
    let mut text = String::new();
    for past in &asks {
        let own = config.project_named(&past.project).map(|project| config.rules_for(project));
        let rules = tried.as_ref().or(own.as_ref()).unwrap_or(&config.policy);
        let Some(decision) = judged(past, rules) else { continue };
        tally.count(past, decision.verdict);
        if all || decision.verdict != Verdict::Mode {
            let _ = writeln!(text, "{}", line(past, &decision));
        }
    }
    Ok(format!("{text}{}", tally.told()))
}

fn read_rules(path: &Path) -> Result<Rules, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("failed to read {}: {error}", path.display()))?;
    // Its error shows the line, which holds no secret here.
    let wrong = |error: toml::de::Error| format!("{}: {error}", path.display());
    let keys: toml::Table = toml::from_str(&text).map_err(wrong)?;
    if let Some(key) = keys.keys().find(|key| !["allow", "ask", "deny"].contains(&key.as_str())) {
        let lists = "write the lists allow, ask and deny, such as deny = [\"Bash(curl:*)\"]";
        return Err(format!("{}: {key:?} means nothing here; {lists}", path.display()));
    }
    toml::from_str(&text).map_err(wrong)
}

fn judged(past: &PastAsk, rules: &Rules) -> Option<Decision> {
    let AskKind::Permission { tool, dir, .. } = &past.ask.kind else { return None };
    let input: Value = serde_json::from_str(&past.ask.input).unwrap_or_default();
    let home = home();
    Some(decide(rules, &tool.cli_name(), &input, Context { dir, home: home.as_deref(), real: None }))
}

/// One ask: what people decided, what the rules would have, and why. A terminal obeys what it is shown, so nothing in it
/// stays that is no plain character.
fn line(past: &PastAsk, decision: &Decision) -> String {
    let at = DateTime::from_timestamp_millis(past.at.0).unwrap_or_default();
    let by = past.settled_by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
    let why = match &decision.by {
        By::Rule(rule) => rule.to_string(),
        By::Patterns(patterns) => catalogue::names(patterns),
        By::Nothing => "no rule".to_owned(),
    };
    let AskKind::Permission { tool, .. } = &past.ask.kind else { return String::new() };
    let what = past.ask.command().unwrap_or(&past.ask.input).chars();
    let what: String = what.take(SHOWN_CHARS_MAX).collect();
    let mark = if is_against(past, decision.verdict) { "!" } else { " " };
    let text = format!(
        "{mark} {}  {}  was {}{by}, would be {} ({why})  {}: {what}",
        at.to_rfc3339_opts(SecondsFormat::Secs, true),
        past.project,
        past.state.as_str(),
        word(decision.verdict),
        tool.cli_name(),
    );
    text.chars()
        .flat_map(|c| {
            let plain = !c.is_control() && !('\u{200b}'..='\u{206f}').contains(&c) && c != '\u{feff}';
            let escaped = (!plain).then(|| c.escape_default());
            plain.then_some(c).into_iter().chain(escaped.into_iter().flatten())
        })
        .collect()
}

/// Whether rules would decide otherwise than people did.
fn is_against(past: &PastAsk, verdict: Verdict) -> bool {
    match verdict {
        Verdict::Allow => past.state == AskState::Denied,
        Verdict::Deny => past.state == AskState::Allowed,
        Verdict::Ask | Verdict::Mode => false,
    }
}

/// How many asks the rules would have decided how.
#[derive(Debug, Default)]
struct Tally {
    allow: usize,
    ask: usize,
    deny: usize,
    mode: usize,
    against: usize,
}

impl Tally {
    fn count(&mut self, past: &PastAsk, verdict: Verdict) {
        match verdict {
            Verdict::Allow => self.allow += 1,
            Verdict::Ask => self.ask += 1,
            Verdict::Deny => self.deny += 1,
            Verdict::Mode => self.mode += 1,
        }
        self.against += usize::from(is_against(past, verdict));
    }

    fn told(&self) -> String {
        let Tally { allow, ask, deny, mode, against } = self;
        let mut text = format!(
            "{} asks: {allow} would run without a question, {ask} would ask in every mode, {deny} would be denied, {mode} are \
             left to the permission mode.\n",
            allow + ask + deny + mode
        );
        if *against > 0 {
            let _ = writeln!(text, "{against} of them (!) otherwise than people decided.");
        }
        text
    }
}

fn named<'a>(config: &'a Config, name: &str) -> Result<&'a Project, String> {
    config
        .project_named(name)
        .ok_or_else(|| format!("there is no project {name:?}; `switchboard check` shows them"))
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "allowed",
        Verdict::Ask => "asked",
        Verdict::Deny => "denied",
        Verdict::Mode => "left to the mode",
    }
}

fn home() -> Option<String> {
    std::env::var("HOME").ok()
}

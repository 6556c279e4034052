//! `switchboard doctor`: everything that has to be right before the bot can work, each with what to do when it is not.

mod discord;
mod host;
mod managed;

use std::fmt;
use std::path::Path;

use crate::config::{Config, Environment};
use crate::lifecycle::Ending;

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// What was found.
    pub state: State,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is as it should be.
    Good(String),
    /// The bot works, and somebody should know this.
    Doubtful(String),
    /// The bot will not work as it should; this is what to do.
    Bad(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mark, text) = match &self.state {
            State::Good(text) => ("ok  ", text),
            State::Doubtful(text) => ("note", text),
            State::Bad(text) => ("FAIL", text),
        };
        write!(f, "{mark}  {}: {text}", self.what)
    }
}

fn good(what: impl Into<String>, text: impl Into<String>) -> Finding {
    Finding { what: what.into(), state: State::Good(text.into()) }
}

fn doubtful(what: impl Into<String>, text: impl Into<String>) -> Finding {
    Finding { what: what.into(), state: State::Doubtful(text.into()) }
}

fn bad(what: impl Into<String>, text: impl Into<String>) -> Finding {
    Finding { what: what.into(), state: State::Bad(text.into()) }
}

/// Looks at everything, prints what it finds, and ends with 0 if nothing is bad.
pub async fn run(config: &Config, env: &Environment) -> Ending {
    let file =
        config.file.as_ref().map_or("none, defaults only".to_owned(), |file| file.display().to_string());
    let mut findings = vec![good("configuration", file)];
    findings.extend(host::state_dir(config));
    findings.push(host::control_groups());
    findings.extend(host::projects(config));
    findings.extend(host::cli(config, env).await);
    findings.extend(managed::settings(Path::new(managed::DIR)));
    findings.extend(discord::look(config).await);
    for finding in &findings {
        println!("{finding}");
    }
    let bad = findings.iter().filter(|finding| matches!(finding.state, State::Bad(_))).count();
    if bad == 0 {
        println!("\nEverything that the bot needs is there.");
        return Ending::Stopped;
    }
    println!("\n{bad} of {} checks failed.", findings.len());
    Ending::Unexpected
}

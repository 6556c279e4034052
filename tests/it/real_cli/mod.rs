//! The whole bot with the real Claude Code CLI, from its edges: an embedded Discord on one side, a fake Messages API on
//! the other. Without the CLI each test says so and returns (see `tests/support/real_cli.rs`).

mod failures;
mod policy;
mod restarts;
mod secrets;
mod servers;
mod sessions;
mod settings;
mod steering;
mod tools;
mod work;

use std::path::Path;

use serde_json::{Value, json};
use switchboard::domain::ids::{ChannelId, MessageId};
use switchboard::process::survivors::VARIABLE;

use crate::harness::{MARA, Stage, arguments, pids};
use crate::support::messages_api::{MessagesApi, Recorded};
use crate::support::real_cli;

/// An API, and a stage whose bot runs the real CLI against it. None where there is no CLI.
async fn stage() -> Option<(MessagesApi, Stage)> {
    let program = real_cli::find()?;
    let api = MessagesApi::start().await;
    let mut stage = Stage::new().await.with_command(program);
    for (name, value) in real_cli::env(&api) {
        stage = stage.with_env(name, value);
    }
    // The CLI's own patience is ten attempts, three minutes.
    Some((api, stage.with_env("CLAUDE_CODE_MAX_RETRIES", "0")))
}

impl Stage {
    /// Asks, and gives the complete answer.
    async fn exchange(&self, channel: ChannelId, text: &str) -> String {
        let message = self.ask(MARA, channel, text);
        self.answer(channel, message).await
    }

    /// Waits until a message of the bot's in this channel holds a text.
    async fn showing(&self, channel: ChannelId, text: &str) -> MessageId {
        self.discord
            .wait_for(&format!("“{text}” to be shown"), |discord| {
                let messages = discord.messages(channel);
                let own =
                    messages.iter().find(|message| is_own(message) && content(message).contains(text))?;
                Some(MessageId(own["id"].as_str()?.parse().ok()?))
            })
            .await
    }

    /// How many messages of the bot's in this channel hold a text.
    fn count(&self, channel: ChannelId, text: &str) -> usize {
        self.bot_messages(channel).iter().filter(|message| message.contains(text)).count()
    }

    /// Uses a slash command, and gives what it says.
    async fn said_to(&self, channel: ChannelId, name: &str, options: &[(&str, &str)]) -> String {
        let options = options.iter().map(|(name, value)| json!({ "name": name, "type": 3, "value": value }));
        let used = self.discord.slash(MARA, channel, name, options.collect());
        let said = |message: &Value| content(message).to_owned();
        self.discord
            .wait_for(&format!("an answer to /{name}"), |discord| {
                let interaction = discord.interaction(used);
                assert!(!interaction.failed, "/{name} was not acknowledged in time");
                let response = interaction.response.as_ref().map(said).filter(|text| !text.is_empty());
                response.or_else(|| interaction.followups.first().map(said))
            })
            .await
    }

    /// The CLIs that run in a project's directory.
    fn clis(&self, project: &str) -> Vec<i32> {
        let dir = self.dir().join(project);
        let is_cli = |pid: &i32| {
            std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == dir)
                && arguments(*pid).contains(&b"--output-format=stream-json".to_vec())
        };
        pids().into_iter().filter(is_cli).collect()
    }

    fn log_text(&self) -> String {
        std::fs::read_to_string(self.state_dir().join("logs/switchboard.log")).expect("the bot has a log")
    }
}

/// The processes with a word among their arguments.
fn with_argument(word: &str) -> Vec<i32> {
    let has = |pid: &i32| arguments(*pid).iter().any(|argument| argument == word.as_bytes());
    pids().into_iter().filter(has).collect()
}

/// Everybody whom a CLI of this stage began, and the CLIs.
fn of_processes(stage: &Stage) -> Vec<i32> {
    let dir = std::fs::canonicalize(stage.state_dir()).expect("the bot was here");
    let mark = format!("{VARIABLE}={}/processes/", dir.display());
    let marked = |pid: &i32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(mark.as_bytes()))
    };
    pids().into_iter().filter(marked).collect()
}

/// The newest request.
fn newest(api: &MessagesApi) -> Recorded {
    api.requests().pop().expect("the API was asked")
}

/// What the tools of the newest request said.
fn tool_results(api: &MessagesApi) -> Vec<String> {
    let request = newest(api);
    let blocks = request.messages().iter().filter_map(|message| message["content"].as_array()).flatten();
    blocks.filter(|block| block["type"] == "tool_result").map(|block| block["content"].to_string()).collect()
}

fn is_own(message: &Value) -> bool {
    message["author"]["id"] == crate::harness::BOT.to_string()
}

fn content(message: &Value) -> &str {
    message["content"].as_str().unwrap_or_default()
}

fn write(file: &Path, text: &str) {
    let dir = file.parent().expect("a file lies somewhere");
    std::fs::create_dir_all(dir).expect("the directory");
    std::fs::write(file, text).expect("the file");
}

//! The whole bot from its edges: the built binary as a process of its own, an embedded Discord in the test, and a CLI,
//! fake or real. Tests talk to it as people do, and wait for what people would see; they never sleep.

mod bot;
mod database;
mod seen;
mod trail;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use switchboard::domain::ids::{ChannelId, MessageId, UserId};
use switchboard::playground::discord::{EmbeddedDiscord, PATIENCE, RequestLog, World};

pub use bot::{Around, Bot, Exit, hears_tests, program};
pub use seen::{private_text, session_of};
pub use trail::{alive, memory, memory_max_bytes, parent_of};

use crate::support;

/// The person whom the configuration names.
pub const MARA: UserId = World::MARA;
/// The person whose role the configuration names.
pub const JONAS: UserId = World::JONAS;
/// One of these two, by turns: what one person says in a row while a turn runs is one prompt.
pub fn by_turns(number: usize) -> UserId {
    if number.is_multiple_of(2) { MARA } else { JONAS }
}

/// A stranger.
pub const VERA: UserId = World::VERA;
/// The bot.
pub const BOT: UserId = World::BOT;
/// The channel of the project `harbor`, one conversation.
pub const HARBOR: ChannelId = World::HARBOR;
/// The channel of the project `lighthouse`, a thread per request.
pub const LIGHTHOUSE: ChannelId = World::LIGHTHOUSE;

/// How long the bot has to acknowledge an interaction. Discord gives three seconds; a machine that others use as well may
/// not give so much. That nothing which may hang is waited for first, `people::what_hangs_holds_up_no_acknowledgement` tells.
const ACKNOWLEDGE_WITHIN: Duration = Duration::from_secs(30);

/// A Discord, a temporary directory with two projects, and a configuration. Start the bot with [`Stage::bot`].
pub struct Stage {
    /// The Discord that the bot connects to.
    pub discord: EmbeddedDiscord,
    dir: tempfile::TempDir,
    /// More lines for the configuration, by table (`limits`, `claude`, …).
    tables: Vec<(String, String)>,
    env: Vec<(String, String)>,
    command: PathBuf,
    around: Around,
}

impl Stage {
    /// A stage with the fake CLI.
    pub async fn new() -> Self {
        Self::in_world(World::playground()).await
    }

    /// A stage in another world than the usual one.
    pub async fn in_world(world: World) -> Self {
        // The embedded Discord speaks TLS; a second test in this process finds the provider installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let discord = EmbeddedDiscord::start(world).await.expect("the embedded Discord starts");
        discord.faults().acknowledge_within(ACKNOWLEDGE_WITHIN);
        let dir = tempfile::tempdir().expect("a temporary directory");
        for project in ["harbor", "lighthouse", "home"] {
            std::fs::create_dir(dir.path().join(project)).expect("a project's directory");
        }
        std::fs::write(dir.path().join("ca.pem"), discord.ca_pem()).expect("the certificate");
        let home = dir.path().join("home").display().to_string();
        let traces = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/traces").to_owned();
        Self {
            discord,
            tables: Vec::new(),
            env: vec![
                ("HOME".to_owned(), home),
                ("FAKE_CLAUDE_TRACES".to_owned(), traces),
                ("FAKE_CLAUDE_LOG".to_owned(), dir.path().join("cli.log").display().to_string()),
            ],
            command: support::cli::fake_claude(),
            around: Around::default(),
            dir,
        }
    }

    /// Lines for a table of the configuration, e.g. `("limits", "turn_secs_max = 5")`.
    #[must_use]
    pub fn with(mut self, table: &str, lines: &str) -> Self {
        self.tables.push((table.to_owned(), lines.to_owned()));
        self
    }

    /// A variable of the CLI's environment.
    #[must_use]
    pub fn with_env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Without a variable of the CLI's environment.
    #[must_use]
    pub fn without_env(mut self, name: &str) -> Self {
        self.env.retain(|(known, _)| known != name);
        self
    }

    /// What the bot itself is started with.
    #[must_use]
    pub fn around(mut self, around: Around) -> Self {
        self.around = around;
        self
    }

    /// A variable of the bot's own environment.
    #[must_use]
    pub fn with_daemon_env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.around.env.push((name.to_owned(), value.into()));
        self
    }

    /// A library of `tests/support`, in C, that is between the bot and the system.
    #[must_use]
    pub fn with_library(self, name: &str) -> Self {
        let library = self.dir().join(name).with_extension("so");
        let source =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support").join(name).with_extension("c");
        let built = std::process::Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([library.as_os_str(), source.as_ref(), "-ldl".as_ref()])
            .status();
        assert!(built.expect("cc is there, as for every build").success());
        let library = library.to_str().expect("it is text").to_owned();
        self.with_daemon_env("LD_PRELOAD", library)
    }

    /// Another CLI than the fake one.
    #[must_use]
    pub fn with_command(mut self, command: impl Into<PathBuf>) -> Self {
        self.command = command.into();
        self
    }

    /// The CLI.
    pub fn cli(&self) -> &Path {
        &self.command
    }

    /// The temporary directory: `harbor/`, `lighthouse/`, `home/`, `state/`, `config.toml`.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The bot's state directory.
    pub fn state_dir(&self) -> PathBuf {
        self.dir().join("state")
    }

    /// Writes the configuration and starts the bot; returns when it is connected and its commands are registered.
    pub async fn bot(&self) -> Bot {
        // Each start registers them once it is connected. That somebody is connected does not say it: the server may not
        // have noticed yet that the bot before this one is gone.
        let registered = |requests: &[RequestLog]| {
            let own = |request: &&RequestLog| request.method == "PUT" && request.path.ends_with("/commands");
            requests.iter().filter(own).count()
        };
        let before = registered(&self.discord.requests());
        let bot = self.bot_unready();
        self.discord
            .wait_for("the bot to be connected, with its commands", |discord| {
                (discord.connected() > 0 && registered(discord.requests()) > before).then_some(())
            })
            .await;
        bot
    }

    /// Writes the configuration and starts the bot.
    pub fn bot_unready(&self) -> Bot {
        Bot::start(&self.write_config(), &["run"], &self.around)
    }

    /// What the bot is started with.
    pub fn around_bot(&self) -> &Around {
        &self.around
    }

    /// Writes the configuration and starts the bot with something else around it.
    pub fn bot_unready_with(&self, around: &Around) -> Bot {
        Bot::start(&self.write_config(), &["run"], around)
    }

    /// Runs another subcommand to its end: its exit code and what it printed.
    pub fn run(&self, args: &[&str]) -> Exit {
        Bot::start(&self.write_config(), args, &self.around).end()
    }

    /// Writes `config.toml`.
    pub fn write_config(&self) -> PathBuf {
        let extra = |table: &str| {
            let lines = self.tables.iter().filter(|(name, _)| name == table);
            lines.map(|(_, lines)| format!("{lines}\n")).collect::<String>()
        };
        let env: String = self.env.iter().map(|(name, value)| format!("{name} = {value:?}\n")).collect();
        let dir = self.dir().display();
        let text = format!(
            r#"state_dir = "{dir}/state"
{root}
[discord]
token = "{token}"
guild_id = {guild}
api_resolve = "{api}"
ca_file = "{dir}/ca.pem"
{starts}
{discord}
[access]
users = [{mara}]
roles = [{builders}]
{access}
[claude]
command = "{command}"
{claude}
[claude.env]
{env}
[limits]
{memory}
{limits}
[log]
level = "debug"
{log}
[[projects]]
name = "harbor"
channel_id = {harbor}
dir = "{dir}/harbor"
{harbor_extra}
[[projects]]
name = "lighthouse"
channel_id = {lighthouse}
dir = "{dir}/lighthouse"
conversation = "thread"
{lighthouse_extra}
"#,
            root = extra(""),
            token = self.discord.token(),
            guild = World::GUILD,
            api = self.discord.rest_addr(),
            // Tests start more often within an hour than anybody does.
            starts = if extra("discord").contains("starts_per_hour_max") {
                ""
            } else {
                "starts_per_hour_max = 1000"
            },
            discord = extra("discord"),
            mara = MARA,
            builders = World::BUILDERS,
            access = extra("access"),
            command = self.command.display(),
            claude = extra("claude"),
            // Whatever else runs on this machine.
            memory = if extra("limits").contains("memory_free_bytes_min") {
                ""
            } else {
                "memory_free_bytes_min = 0"
            },
            limits = extra("limits"),
            log = extra("log"),
            harbor = HARBOR,
            harbor_extra = extra("harbor"),
            lighthouse = LIGHTHOUSE,
            lighthouse_extra = extra("lighthouse"),
        );
        let file = self.dir().join("config.toml");
        std::fs::write(&file, text).expect("the configuration");
        file
    }

    /// Says something to the bot, with a mention.
    pub fn ask(&self, author: UserId, channel: ChannelId, text: &str) -> MessageId {
        self.discord.say(author, channel, &format!("<@{BOT}> {text}"))
    }

    /// Waits until the bot's reaction to this message is one of those that stay, and gives it.
    pub async fn outcome(&self, message: MessageId) -> String {
        self.discord
            .wait_for("a final reaction", |discord| {
                let reactions = discord.reactions(message);
                let own: Vec<_> = reactions.into_iter().filter(|(_, users)| users.contains(&BOT)).collect();
                match &own[..] {
                    [(emoji, _)] if ["✅", "❌", "⏹️"].contains(&emoji.as_str()) => Some(emoji.clone()),
                    _ => None,
                }
            })
            .await
    }

    /// Waits until the answer to this message is complete, and gives its messages' contents joined.
    pub async fn answer(&self, channel: ChannelId, message: MessageId) -> String {
        self.outcome(message).await;
        self.discord
            .wait_for("the answer to be complete", |discord| {
                let messages = discord.messages(channel);
                let mine = answer_of(&messages, message);
                // The footer is in the last message; those before it may still be under way.
                let foot = mine.last().and_then(|last| last.lines().next_back()).unwrap_or_default();
                let foot = foot.strip_prefix("-# ").unwrap_or_default();
                // A mark, or how long it took.
                let ended = ["✅", "⏹️", "<"].iter().any(|mark| foot.starts_with(mark))
                    || foot.starts_with(|first: char| first.is_ascii_digit());
                ended.then(|| mine.join("\n"))
            })
            .await
    }

    /// The bot's messages in a channel.
    pub fn bot_messages(&self, channel: ChannelId) -> Vec<String> {
        let own = |message: &&Value| message["author"]["id"] == BOT.to_string();
        self.discord.messages(channel).iter().filter(own).map(content).collect()
    }

    /// Fails if the bot broke a rule of Discord's, or pinged somebody.
    pub fn assert_well_behaved(&self) {
        let violations = self.discord.violations();
        assert!(violations.is_empty(), "rules were broken: {violations:#?}");
        let pings = self.pinged_unasked();
        assert!(pings.is_empty(), "somebody was pinged: {pings:?}");
    }
}

impl Drop for Stage {
    /// Ends the shims, and with them the CLIs, that outlived their bots, and waits for them: each removes nothing but
    /// itself.
    fn drop(&mut self) {
        let processes = self.state_dir().join("processes");
        let shims = || {
            let of_ours = |argument: &[u8]| argument.starts_with(processes.as_os_str().as_encoded_bytes());
            pids().into_iter().filter(move |pid| arguments(*pid).iter().any(|argument| of_ours(argument)))
        };
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(15);
        while shims().next().is_some() && std::time::Instant::now() < deadline {
            for shim in shims() {
                let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(shim), nix::sys::signal::SIGTERM);
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        // After a long run that failed, database and log are worth more than the room that they take.
        if std::thread::panicking() && std::env::var_os("KEEP_FAILED").is_some() {
            self.dir.disable_cleanup(true);
            eprintln!("--- kept: {}", self.dir().display());
        }
    }
}

/// All processes of this machine.
pub fn pids() -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").expect("there is a /proc").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The arguments of a process; none of one that is over, or a zombie.
pub fn arguments(pid: i32) -> Vec<Vec<u8>> {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).filter(|argument| !argument.is_empty()).map(<[u8]>::to_vec).collect()
}

/// Waits for something that announces itself to nobody: a file, a process. Looks again and again, for 60 s at most.
pub async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = std::time::Instant::now() + *PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(std::time::Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// The messages that answer `message`: from the one that replies to it to the next one that replies to another.
fn answer_of(messages: &[Value], message: MessageId) -> Vec<String> {
    answering(messages, message).into_iter().map(content).collect()
}

fn answering(messages: &[Value], message: MessageId) -> Vec<&Value> {
    let replies_to = |value: &Value| value["message_reference"]["message_id"].as_str().map(str::to_owned);
    let own = messages.iter().filter(|value| value["author"]["id"] == BOT.to_string());
    own.skip_while(|value| replies_to(value) != Some(message.to_string()))
        .take_while(|value| replies_to(value).is_none_or(|to| to == message.to_string()))
        .collect()
}

fn content(message: &Value) -> String {
    message["content"].as_str().unwrap_or_default().to_owned()
}

//! Sets the playground's scene: an embedded Discord, two scratch projects, and an assistant to talk to.

mod projects;

use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::discord::EmbeddedDiscord;
use super::discord::World;
use super::page::AssistantLabel;
use crate::claude::launch::{Settings, env as child_env};
use crate::claude::probe::{ProbeError, probe};
use crate::config::{Config, ConversationScope, Environment, Project};

/// The name under which this program is its own demo assistant (`main.rs`).
pub const DEMO_PROGRAM: &str = "demo-assistant";

/// How long a turn outlives the playground, in seconds.
const ORPHAN_SECS_MAX: u64 = 10;

/// Everything that the playground runs on.
pub(super) struct Scene {
    pub(super) config: Config,
    pub(super) discord: EmbeddedDiscord,
    pub(super) assistant: AssistantLabel,
    dir: PathBuf,
}

/// A directory that goes with the playground.
pub(super) struct TemporaryDir(PathBuf);

impl TemporaryDir {
    pub(super) fn new() -> anyhow::Result<Self> {
        let dir = std::env::temp_dir().join(format!("switchboard-playground-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&dir).with_context(|| format!("failed to make {}", dir.display()))?;
        Ok(Self(dir))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryDir {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("switchboard: {} could not be removed: {error}", self.0.display());
        }
    }
}

/// Makes the projects, starts the embedded Discord, and finds the assistant.
pub(super) async fn set(
    dir: &Path,
    config: Option<&Path>,
    env: &Environment,
    demo: bool,
) -> anyhow::Result<Scene> {
    let mut config = match config {
        Some(file) => Config::load(Some(file), env)?,
        None => Config::default(),
    };
    let world = World::playground();
    config.state_dir = dir.join("state");
    // Who closes the playground expects that what it started ends, too; a restart within this time still finds it.
    config.limits.orphan_secs_max = ORPHAN_SECS_MAX;
    config.access.users = vec![World::MARA];
    config.access.roles = vec![World::BUILDERS];
    config.discord.guild_id = Some(world.guild);
    config.projects = scratch_projects(dir)?;
    let assistant = choose_assistant(&mut config, dir, env, demo).await?;
    let discord = EmbeddedDiscord::start(world).await.context("failed to start the embedded Discord")?;
    let ca_file = dir.join("ca.pem");
    std::fs::write(&ca_file, discord.ca_pem())
        .context("failed to write the embedded Discord's certificate")?;
    config.discord.api_resolve = Some(discord.rest_addr());
    config.discord.ca_file = Some(ca_file);
    config.discord.token = Some(discord.token().to_owned().into());
    config.discord.token_file = None;
    Ok(Scene { config, discord, assistant, dir: dir.to_owned() })
}

impl Scene {
    /// Tells where to look.
    pub(super) fn announce(&self, address: SocketAddr) {
        println!("The playground is open:  http://{address}/");
        println!("{}", self.assistant.label);
        println!(
            "Everything is kept in {}; logs in {}.",
            self.dir.display(),
            self.config.log_dir().display()
        );
        println!("Ctrl-C ends it.");
    }
}

fn scratch_projects(dir: &Path) -> anyhow::Result<Vec<Project>> {
    let scratch = [
        ("harbor-api", World::HARBOR, ConversationScope::Channel),
        ("lighthouse-web", World::LIGHTHOUSE, ConversationScope::Thread),
    ];
    scratch
        .into_iter()
        .map(|(name, channel_id, conversation)| {
            let dir = projects::make(&dir.join("projects"), name)?;
            Ok(Project { conversation, ..Project::new(name, channel_id, dir) })
        })
        .collect()
}

/// The real CLI where one is found and logged in, else the demo assistant.
async fn choose_assistant(
    config: &mut Config,
    dir: &Path,
    env: &Environment,
    demo: bool,
) -> anyhow::Result<AssistantLabel> {
    let settings = Settings {
        command: config.claude.command.clone(),
        env: config.claude.env.0.clone(),
        inherit_env: config.claude.inherit_env.clone(),
        ..Settings::default()
    };
    let why = if demo {
        "as asked for with --demo".to_owned()
    } else {
        match probe(&settings.command, &child_env(&settings, env.clone()), dir).await {
            Ok(found) if found.info.logged_in => {
                let label = format!(
                    "Claude Code {}: what it does here is real, and costs what it costs.",
                    found.version
                );
                return Ok(AssistantLabel::real(label));
            }
            Ok(_) => "the claude CLI here is not logged in".to_owned(),
            Err(ProbeError::TooOld(version)) => format!("the claude CLI here is too old ({version})"),
            Err(_) => "no claude CLI was found here".to_owned(),
        }
    };
    let program = dir.join(DEMO_PROGRAM);
    if program.symlink_metadata().is_ok() {
        std::fs::remove_file(&program).context("failed to replace the demo assistant's link")?;
    }
    let this = std::env::current_exe().context("failed to find this program's own file")?;
    symlink(this, &program).context("failed to link the demo assistant")?;
    config.claude.command = program.display().to_string();
    config.claude.args.clear();
    let home = dir.join("demo-home");
    config.claude.env.0.insert("CLAUDE_CONFIG_DIR".to_owned(), home.display().to_string());
    Ok(AssistantLabel::demo(format!("Demo assistant, no Claude here ({why}).")))
}

//! The whole bot with an embedded Discord on loopback and a chat page in the browser: no token, no server, nothing that
//! leaves this machine but the real CLI's own calls. The integration tests use the same embedded Discord.

pub mod discord;

pub mod page;

pub mod assistant;

pub mod scene;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::Environment;
use crate::lifecycle::{self, Ending};
use crate::{app, telemetry};

/// The arguments of `switchboard playground`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where the chat page is served; loopback only.
    #[arg(long, default_value = "127.0.0.1:7878", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Where everything is kept, also for the next time: database, logs, the scratch project. Without it: a temporary
    /// directory that goes when the playground ends.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Use the built-in demo assistant, also where the real CLI is found and logged in.
    #[arg(long)]
    demo: bool,
}

/// Runs the playground until Ctrl-C.
pub async fn run(arguments: Arguments, config: Option<&Path>, env: &Environment) -> anyhow::Result<Ending> {
    if !arguments.listen.ip().is_loopback() {
        bail!(
            "--listen {} is not a loopback address; the playground lets everybody in who reaches it",
            arguments.listen
        );
    }
    let (dir, _temporary) = if let Some(dir) = &arguments.dir {
        std::fs::create_dir_all(dir).with_context(|| format!("failed to make {}", dir.display()))?;
        (dir.canonicalize()?, None)
    } else {
        let temporary = scene::TemporaryDir::new()?;
        (temporary.path().to_owned(), Some(temporary))
    };
    let listener = TcpListener::bind(arguments.listen).await.with_context(|| {
        format!("failed to listen on {}: choose another address with --listen", arguments.listen)
    })?;
    let address = listener.local_addr()?;
    let scene = scene::set(&dir, config, env, arguments.demo).await?;
    let telemetry = telemetry::start(&scene.config, env, telemetry::Console::Quiet)?;
    let stop = CancellationToken::new();
    lifecycle::stop_on_signal(stop.clone())?;
    let page = page::router(scene.discord.clone(), scene.assistant.clone());
    let page = axum::serve(listener, page).with_graceful_shutdown(stop.clone().cancelled_owned());
    scene.announce(address);
    let token = scene.config.discord.discord_token()?;
    let bot = app::run(scene.config, token, env, stop.clone());
    let ended = tokio::select! {
        ended = bot => ended,
        served = page => {
            served.context("the chat page failed")?;
            Ok(Ending::Stopped)
        }
    };
    drop(telemetry);
    ended
}

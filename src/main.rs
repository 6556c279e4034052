//! `switchboard`: parse arguments, load the configuration, start telemetry, run, exit code.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use switchboard::config::{Config, process_environment};
use switchboard::lifecycle::{self, Ending};
use switchboard::{app, audit, doctor, judge, machine, playground, process, telemetry};
use tokio_util::sync::CancellationToken;

/// Claude Code in Discord: one binary, on a host that your team owns.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The bot (the default).
    Run,
    /// The whole bot with an embedded Discord and a chat page in the browser; no token needed.
    Playground(playground::Arguments),
    /// Validates the configuration and prints the effective one, secrets masked.
    Check,
    /// Checks CLI, directories, token, intents, permissions and disk.
    Doctor,
    /// Who decided what: prints the audit, or verifies that nothing in it was changed.
    Audit(audit::Arguments),
    /// What the rules and the catalogue of catastrophic patterns decide.
    #[command(subcommand)]
    Policy(judge::Command),
    /// Internal: what the policy says of one use of a tool; Claude Code asks on standard input.
    #[command(hide = true)]
    PolicyHook {
        /// The rules, as JSON.
        rules: String,
    },
    /// Internal: the parent of one CLI process.
    #[command(hide = true)]
    Shim {
        /// The directory of the process.
        dir: PathBuf,
    },
}

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|word| word == process::step::ARGUMENT) {
        return process::step::run(std::env::args_os().skip(2));
    }
    let mut words = std::env::args();
    if words.next().is_some_and(|program| program.ends_with(playground::scene::DEMO_PROGRAM)) {
        return playground::assistant::run(&words.collect::<Vec<_>>());
    }
    machine::share_memory();
    let arguments = Arguments::parse();
    match arguments.command {
        // Started often, and wants nothing of what follows.
        Some(Command::Shim { dir }) => process::shim::run(&dir),
        Some(Command::PolicyHook { rules }) => judge::hook(&rules),
        command => {
            let ending = start(command.unwrap_or(Command::Run), arguments.config.as_deref());
            ExitCode::from(ending.code())
        }
    }
}

fn start(command: Command, config: Option<&std::path::Path>) -> Ending {
    if let Err(error) = lifecycle::harden() {
        eprintln!("switchboard: failed to protect this process: {error}");
        return Ending::Unexpected;
    }
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("switchboard: failed to install the TLS provider");
        return Ending::Unexpected;
    }
    let env = process_environment();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("switchboard: failed to start: {error}");
            return Ending::Unexpected;
        }
    };
    if let Command::Playground(arguments) = command {
        return runtime.block_on(playground::run(arguments, config, &env)).unwrap_or_else(|error| {
            eprintln!("switchboard: {error:#}");
            Ending::Unexpected
        });
    }
    let config = match Config::load(config, &env) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("switchboard: {error}");
            return Ending::Configuration;
        }
    };
    match command {
        Command::Check => {
            print!("{}{}", config.to_masked_toml(), config.who_may_what());
            Ending::Stopped
        }
        Command::Audit(arguments) => runtime.block_on(audit::run(&arguments, &config)),
        Command::Doctor => runtime.block_on(doctor::run(&config, &env)),
        Command::Policy(command) => runtime.block_on(judge::run(&command, &config)),
        Command::Run | Command::Playground(_) | Command::Shim { .. } | Command::PolicyHook { .. } => {
            let ending = run(&runtime, config, &env);
            // Not waited for: a name that is being resolved, say, cannot be cut short.
            runtime.shutdown_background();
            ending
        }
    }
}

fn run(
    runtime: &tokio::runtime::Runtime,
    mut config: Config,
    env: &switchboard::config::Environment,
) -> Ending {
    let token = match config.discord.discord_token() {
        Ok(token) => token,
        Err(error) => {
            eprintln!("switchboard: {error}");
            return Ending::Configuration;
        }
    };
    // It may have come from a place that can be read once, and the log must know it to leave it out.
    config.discord.token = Some(token.clone());
    // Kept until the end: dropping it writes out what is buffered.
    let _telemetry = match telemetry::start(&config, env, telemetry::Console::IfTerminal) {
        Ok(telemetry) => telemetry,
        Err(error) => {
            eprintln!("switchboard: {:#}", anyhow::Error::from(error));
            return Ending::Configuration;
        }
    };
    let stop = CancellationToken::new();
    let ended = runtime.block_on(async {
        lifecycle::stop_on_signal(stop.clone())?;
        app::run(config, token, env, stop).await
    });
    match ended {
        Ok(ending) => ending,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "ended unexpectedly");
            eprintln!("switchboard: {error:#}");
            Ending::Unexpected
        }
    }
}

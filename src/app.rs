//! The composition root: the one place that knows everything. Builds bottom-up, stops top-down.

mod database;
mod housekeeping;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::chain::Chain;
use crate::clock::Clock;
use crate::config::{Config, Environment};
use crate::conversation::registry::{Parts, Registry};
use crate::conversation::setup::Setup;
use crate::conversation::state::Bounds;
use crate::conversation::warm::WarmBounds;
use crate::discord::Data;
use crate::discord::arrivals::Arrivals;
use crate::discord::attachments::Files;
use crate::discord::catch_up::CatchUp;
use crate::discord::client::{self, ConnectError};
use crate::discord::http;
use crate::discord::members::Members;
use crate::discord::served::Served;
use crate::discord::waiting::Looks;
use crate::discord::why::{self, Notes};
use crate::lifecycle::{self, Ending, StateDir, StateDirError, Vital};
use crate::outbox::breaker::Breaker;
use crate::outbox::calls::Calls;
use crate::outbox::deliver::SerenityDiscord;
use crate::outbox::{Outbox, Taste, Unseen};
use crate::runner::local::{LocalRunner, has_control_groups};
use crate::store::Store;

/// So long what waited is not begun before its messages were looked at again.
const LOOK_MAX: Duration = Duration::from_mins(1);
/// How long what is shown may take to be posted after a stop was asked for.
const FLUSH_MAX: Duration = Duration::from_secs(5);
/// How long tasks get to end after that.
const TASKS_MAX: Duration = Duration::from_secs(3);
/// How long the database gets to be closed. It needs no closing: what was committed is on the disk.
const CLOSE_MAX: Duration = Duration::from_secs(2);
/// The whole stop, whatever hangs: half of what the service allows (`TimeoutStopSec`).
const STOP_MAX: Duration = Duration::from_secs(10);
const _: () = assert!(
    FLUSH_MAX.as_secs() + TASKS_MAX.as_secs() + CLOSE_MAX.as_secs() <= STOP_MAX.as_secs(),
    "the steps of a stop take longer than all of it may"
);
/// Parts that are not heard of for this long are taken to hang.
const SILENT_MAX: Duration = Duration::from_secs(45);
/// A gateway that is not connected for this long hangs as well: serenity's own reconnecting takes seconds to minutes.
const GATEWAY_SILENT_MAX: Duration = Duration::from_mins(5);
/// How many questions that nobody can see wait to be denied; what does not fit is told again.
const UNSEEN_MAX: usize = 64;

/// Runs the bot until `stop`, and says why it ended.
pub async fn run(
    config: Config,
    token: SecretString,
    env: &Environment,
    stop: CancellationToken,
) -> anyhow::Result<Ending> {
    let clock = Clock::start();
    let Some(state_dir) = take(&config)? else { return Ok(Ending::Taken) };
    let config = Arc::new(config);
    warn_of_empty_lists(&config);
    let Some(store) = database::open(&config, clock, &stop).await? else { return Ok(Ending::Stopped) };
    let tasks = TaskTracker::new();
    // The outbox outlives the doors and the conversations, so that what was said last is still posted.
    let (doors, workers) = (stop.child_token(), CancellationToken::new());

    // A client for each, and serenity's wants its own as well. They share no route: channels are the outbox's alone.
    let breaker = Breaker::new(&store, clock).await?;
    let calls = Calls::new(config.discord.calls_per_sec_max);
    let http = http::counted(&config.discord, token.expose_secret(), breaker.clone())?;
    let discord = Arc::new(SerenityDiscord::new(http, breaker.clone(), calls.clone(), clock));
    let http = http::counted(&config.discord, token.expose_secret(), breaker.clone())?;
    let guard = Members::new(http, breaker.clone(), Arc::clone(&config), store.clone(), clock);
    let catch_up = CatchUp::new(breaker, calls, doors.clone());
    let taste = Taste { activity: config.discord.activity_reactions, owner: config.access.owner };
    let (unseen, unseen_asks) = mpsc::channel(UNSEEN_MAX);
    let outbox = Outbox::new(discord, store.clone(), clock, tasks.clone(), workers.clone(), taste, unseen);
    let shim = std::env::current_exe().context("failed to find this program's own file")?;
    let runner = Arc::new(LocalRunner::new(&config.state_dir, shim.clone(), clock));
    let setup = Arc::new(Setup::new(Arc::clone(&config), env, &store, shim).await?);
    let registry = Registry::new(
        Parts {
            store: store.clone(),
            runner: runner.clone(),
            outbox: outbox.clone(),
            clock,
            setup: Arc::clone(&setup),
            guard: Arc::new(guard),
            bounds: bounds(&config),
            running_turns_max: config.limits.running_turns_max,
            warm: warm_bounds(&config),
            owner: config.access.owner,
        },
        tasks.clone(),
        doors.clone(),
    );
    tasks.spawn(doors.clone().run_until_cancelled_owned(deny_unseen(registry.clone(), unseen_asks)));
    tasks.spawn(doors.clone().run_until_cancelled_owned(look(registry.clone())));
    let recovered = registry.recover().await?;
    tracing::info!(
        recovered,
        projects = config.projects.len(),
        version = env!("CARGO_PKG_VERSION"),
        control_groups = has_control_groups(),
        "started"
    );

    let (gateway, database) = (Vital::new("gateway", clock), Vital::new("database", clock));
    let chores = housekeeping::Chores {
        config: Arc::clone(&config),
        store: store.clone(),
        runner: runner.clone(),
        database: database.clone(),
        catch_up: catch_up.clone(),
        registry: registry.clone(),
    };
    tasks.spawn(doors.clone().run_until_cancelled_owned(chores.run()));
    tasks.spawn(doors.clone().run_until_cancelled_owned(probe(Arc::clone(&setup), store.clone())));
    tasks.spawn(workers.clone().run_until_cancelled_owned(lifecycle::watchdog(vec![
        (gateway.clone(), GATEWAY_SILENT_MAX),
        (database, SILENT_MAX),
    ])));

    let (notes, to_write) = Notes::new();
    tasks.spawn(workers.clone().run_until_cancelled_owned(why::write(store.clone(), to_write)));

    let files = files(&config)?;
    let data = Data {
        config: Arc::clone(&config),
        store: store.clone(),
        registry,
        outbox: outbox.clone(),
        clock,
        setup,
        files,
        arrivals: Arrivals::default(),
        looks: Looks::default(),
        served: Served::default(),
        catch_up: catch_up.clone(),
        notes,
        gateway,
    };
    let served = async {
        let http = http::serenity(&config.discord, token.expose_secret())?;
        http::reach(&http, &config.discord, catch_up.breaker()).await?;
        client::serve(http, data, &tasks, &doors).await
    };
    let ended = tokio::select! {
        ended = doors.run_until_cancelled(Box::pin(served)) => Ok(ended.unwrap_or(Ok(()))),
        damage = database::damage(&store) => Err(damage),
    };

    lifecycle::stopping();
    doors.cancel();
    if tokio::time::timeout(FLUSH_MAX, outbox.settled()).await.is_err() {
        tracing::warn!("not everything could be posted; the next start goes on with it");
    }
    workers.cancel();
    wind_up(&tasks, &catch_up, &store).await;
    drop(state_dir);
    ending(ended?)
}

async fn probe(setup: Arc<Setup>, store: Store) {
    setup.probe(&store).await;
}

/// Discord may be away for long; what was asked goes on.
async fn look(registry: Registry) {
    tokio::time::sleep(LOOK_MAX).await;
    registry.looked_at();
}

/// Waits until everybody has ended and closes the database, both for a bounded time.
async fn wind_up(tasks: &TaskTracker, catch_up: &CatchUp, store: &Store) {
    tasks.close();
    if tokio::time::timeout(TASKS_MAX, tasks.wait()).await.is_err() {
        tracing::warn!("some tasks did not end in time");
    }
    let close = async {
        if let Err(error) = catch_up.store(store).await {
            tracing::warn!(error = %Chain(&error), "how far channels were read could not be stored");
        }
        store.close().await;
    };
    if tokio::time::timeout(CLOSE_MAX, close).await.is_err() {
        tracing::warn!("the database could not be closed in time");
    }
}

/// The state directory; none if another instance has it, which is said.
fn take(config: &Config) -> anyhow::Result<Option<StateDir>> {
    match lifecycle::take_state_dir(&config.state_dir) {
        Ok(state_dir) => Ok(Some(state_dir)),
        Err(error @ StateDirError::Taken(_)) => {
            tracing::error!("{error}");
            eprintln!("switchboard: {error}");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn ending(ended: Result<(), ConnectError>) -> anyhow::Result<Ending> {
    match ended {
        Ok(()) => Ok(Ending::Stopped),
        Err(error @ (ConnectError::Token | ConnectError::Intents)) => {
            tracing::error!("{error}");
            eprintln!("switchboard: {error}");
            Ok(Ending::Refused)
        }
        Err(error) => Err(error.into()),
    }
}

fn files(config: &Config) -> anyhow::Result<Files> {
    let client = http::client(&config.discord)?.build().context("failed to build the HTTP client")?;
    let limits = &config.limits;
    Ok(Files::new(client, files_dir(config), limits.attachment_bytes_max, limits.attachments_max))
}

fn files_dir(config: &Config) -> PathBuf {
    config.state_dir.join("files")
}

fn bounds(config: &Config) -> Bounds {
    Bounds {
        running_turns_max: config.limits.running_turns_max,
        queued_prompts_max: config.limits.queued_prompts_max,
        turn_max: Duration::from_secs(config.limits.turn_secs_max),
        silence_max: Duration::from_secs(config.limits.silence_secs_max),
        output_bytes_max: config.limits.output_bytes_max,
        ask_max: Duration::from_secs(config.limits.ask_secs_max),
        ask_remind: config.limits.ask_remind(),
        warm_idle: Duration::from_secs(config.claude.warm_idle_secs),
    }
}

fn warm_bounds(config: &Config) -> WarmBounds {
    let limits = &config.limits;
    WarmBounds { idle_max: limits.warm_processes_max, free_bytes_min: limits.memory_free_bytes_min }
}

/// Nobody can use the bot, or nowhere: allowed, and said.
fn warn_of_empty_lists(config: &Config) {
    if config.projects.is_empty() {
        tracing::warn!("no [[projects]] in the configuration: there is no channel to answer in");
    }
    for project in &config.projects {
        if config.access_anywhere(project).is_empty() {
            tracing::warn!(
                project = project.name,
                "nobody may use this project: [access] users and roles are empty"
            );
        }
        if !project.dir.is_dir() {
            tracing::warn!(project = project.name, "the directory of this project is not there");
        }
    }
}

/// Nobody can answer a question that nobody can see.
async fn deny_unseen(registry: Registry, mut unseen: mpsc::Receiver<Unseen>) {
    while let Some(Unseen { conversation, ask }) = unseen.recv().await {
        if registry.conversation(conversation).unseen(ask).await.is_err() {
            // It just went away with nothing to do, so it asks nobody.
            tracing::debug!(%conversation, %ask, "nobody asks any more");
        }
    }
}

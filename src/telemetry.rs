//! Logs: JSON lines in `switchboard.log`, rotated by size; and text for whoever watches. A secret that the
//! configuration knows never gets into either, a field is never longer than [`FIELD_BYTES_MAX`], and nobody waits for
//! the disk or for whoever reads stderr: when they are too slow, lines are lost, and the file's lost ones are counted in it.

mod clean;
mod file;

#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;

use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, Subscriber};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

pub use clean::FIELD_BYTES_MAX;

use crate::config::{Config, Environment};
use clean::{CleanWriter, Secrets};

/// The file in the log's directory; older ones are `switchboard.log.1` and so on.
pub const FILE_NAME: &str = "switchboard.log";

/// Lines that may wait for the disk. Each is bounded, so this bounds the memory.
const WAITING_LINES_MAX: usize = 8192;

/// Libraries that say too much at `info`, or message bodies at `debug`. A filter that names them overrides this.
const QUIET: &str = "serenity=warn,poise=warn,hyper=warn,hyper_util=warn,reqwest=warn,sqlx=warn,h2=warn,rustls=warn,\
                     tungstenite=warn,tokio_tungstenite=warn";

/// Where text goes, beside the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Console {
    /// All of it to stderr if that is a terminal, else warnings and errors: for `journalctl` and `docker logs`.
    IfTerminal,
    /// Nowhere: something else is shown there.
    Quiet,
}

/// Keeps the log going. Dropping it writes out what waits.
#[derive(Debug)]
pub struct Telemetry {
    lost: ErrorCounter,
    _file: WorkerGuard,
    _console: Option<WorkerGuard>,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The directory could not be made, or the file not opened.
    #[error("failed to write the log in {} (set log.dir to a directory that this user may write to)", dir.display())]
    File {
        /// The directory.
        dir: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// `log.level` is no filter.
    #[error("failed to understand log.level")]
    Level(#[from] tracing_subscriber::filter::ParseError),
    /// There is one already in this process.
    #[error("failed to start the log twice")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Starts the log of this process, and logs its panics. Keep what this returns until the end.
pub fn start(config: &Config, env: &Environment, console: Console) -> Result<Telemetry, TelemetryError> {
    let (dispatch, telemetry) = build(config, env, console)?;
    // Also for libraries that log through `log`.
    dispatch.try_init()?;
    log_panics();
    Ok(telemetry)
}

impl Telemetry {
    /// How many lines were lost because the disk was too slow.
    pub fn lost_lines(&self) -> usize {
        self.lost.dropped_lines()
    }
}

fn build(
    config: &Config,
    env: &Environment,
    console: Console,
) -> Result<(Dispatch, Telemetry), TelemetryError> {
    let dir = config.log_dir();
    let file = file::open(&dir, config.log.file_bytes_max, config.log.files_kept)
        .map_err(|source| TelemetryError::File { dir, source })?;
    let lost = file.lost();
    let (writer, file) = in_background("log", file);
    let counter = writer.error_counter();
    // The file was made for this writer, so its cell is still empty.
    let _ = lost.set(counter.clone());

    let secrets = Arc::new(Secrets::new(config.secret_values(env)));
    let json = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_writer(CleanWriter::new(writer, Arc::clone(&secrets)));
    let registry = tracing_subscriber::registry().with(filter(&config.log.level)?).with(json);
    let (text, console) = match console {
        Console::Quiet => (None, None),
        Console::IfTerminal => {
            let (writer, guard) = in_background("console", io::stderr());
            (Some(text(writer, secrets)), Some(guard))
        }
    };
    let subscriber = registry.with(text);
    Ok((Dispatch::new(subscriber), Telemetry { lost: counter, _file: file, _console: console }))
}

/// Writes on a thread of its own: a disk that hangs, or a pipe that nobody reads, keeps nobody from working.
fn in_background(thread: &str, to: impl io::Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES_MAX)
        .lossy(true)
        .thread_name(thread)
        .finish(to)
}

fn text<S>(writer: NonBlocking, secrets: Arc<Secrets>) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let terminal = io::stderr().is_terminal();
    let level = if terminal { LevelFilter::TRACE } else { LevelFilter::WARN };
    let layer = tracing_subscriber::fmt::layer()
        .compact()
        .with_ansi(terminal)
        .with_writer(CleanWriter::new(writer, secrets))
        .with_filter(level);
    layer.boxed()
}

/// The configured level or filter; what it says of a library wins over [`QUIET`].
fn filter(level: &str) -> Result<EnvFilter, tracing_subscriber::filter::ParseError> {
    EnvFilter::builder().parse(format!("info,{QUIET},{level}"))
}

/// A panic gets into the log, and then to whoever was told of it before.
fn log_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload_as_str().unwrap_or("(no message)");
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current();
        tracing::error!(
            location,
            thread = thread.name(),
            backtrace = %std::backtrace::Backtrace::force_capture(),
            "panicked: {message}"
        );
        before(panic);
    }));
}

//! What happened in a turn, and how it ended. `claude/` makes these out of lines; `render/` makes a view out of them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ask::Ask;
use super::ids::SessionId;
use super::tool::ToolUse;

/// What a line means to us.
#[derive(Debug, Clone, PartialEq)]
pub enum TurnEvent {
    /// The CLI began to work on the turn (`system/init`).
    Started(Started),
    /// A piece of text of the answer, to be appended to what streams.
    TextDelta(String),
    /// The text block that streamed is complete, and this is all of it. It replaces what streamed; without deltas
    /// before it, it stands alone.
    Text(String),
    /// What streamed since the last [`Text`](TurnEvent::Text) is void: the CLI repeated the request (its README §4).
    TextDropped,
    /// Claude thinks (extended thinking).
    Thinking,
    /// A tool was called.
    ToolStarted(ToolUse),
    /// A tool gave its result.
    ToolEnded {
        /// Which.
        id: String,
        /// Whether it says that it failed.
        failed: bool,
    },
    /// The CLI waits for a person.
    Asked(Ask),
    /// An ask is void: the turn was interrupted, or ended.
    AskWithdrawn {
        /// The request id of the ask.
        request: String,
    },
    /// The CLI refused a tool by itself (rules, `dontAsk`).
    PermissionDenied {
        /// The tool's name.
        tool: String,
        /// Why.
        message: String,
    },
    /// The API failed and the CLI tries again.
    Retrying {
        /// Which attempt comes.
        attempt: u32,
        /// How many at most.
        attempts_max: u32,
        /// When.
        delay: Duration,
        /// Why, in the CLI's word (`overloaded`, `rate_limit`, …).
        reason: String,
    },
    /// Another model stands in.
    ModelFallback {
        /// The model that failed.
        from: String,
        /// The model that stands in.
        to: String,
    },
    /// The usage limit of the account, as the API states it.
    RateLimit {
        /// Whether it is used up: the status is `rejected`.
        rejected: bool,
        /// When it starts anew, seconds since the epoch.
        resets_at_secs: Option<i64>,
        /// Which limit (`five_hour`, …).
        kind: Option<String>,
    },
    /// The context is being compacted (`true`), or that is over (`false`).
    Compacting(bool),
    /// The CLI did not have the session any more; the turn goes on in a new one.
    SessionLost,
    /// The CLI ended before anything was changed; the turn began again with another one.
    Restarted,
    /// The turn heard what somebody said while it worked.
    Steered {
        /// Who, by the name that people know.
        by: String,
        /// What.
        text: String,
    },
    /// A tool is about to be called that may change something. It comes well before [`ToolStarted`](Self::ToolStarted),
    /// with which the tool may run already.
    ChangeAhead,
    /// The permission mode is now this one.
    ModeChanged(String),
    /// Somebody chose this model; the next call of the API is for it.
    ModelChanged(String),
    /// Somebody chose this effort, from the next call of the API on.
    EffortChanged(String),
    /// A task went to the background or came back.
    Background {
        /// The CLI's id of the task.
        task: String,
        /// What it does.
        description: String,
        /// Whether it still runs.
        running: bool,
    },
    /// Tokens and money so far in this turn.
    Usage(Usage),
    /// The turn is over: its last event, and exactly one.
    Ended(TurnEnd),
}

/// The facts of `system/init`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Started {
    /// The session. It may differ from the one asked for (`/clear` begins a new one).
    pub session: Option<SessionId>,
    /// The model in use, as the CLI names it.
    pub model: String,
    /// The permission mode in use.
    pub permission_mode: String,
    /// The CLI's version.
    pub cli_version: String,
    /// The slash commands that the CLI lists.
    pub commands: Vec<String>,
    /// MCP servers that did not start.
    pub mcp_failed: Vec<String>,
}

/// Tokens, money and time of one turn.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Input tokens that were neither read from nor written to the cache.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Input tokens read from the cache.
    pub cache_read_tokens: u64,
    /// Input tokens written to the cache.
    pub cache_write_tokens: u64,
    /// US dollars, of this turn alone (the CLI counts per process: its README §15.14).
    pub cost_usd: f64,
}

/// How a turn ended. Expected ends are data, not errors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum TurnEnd {
    /// Claude finished.
    Completed {
        /// The CLI's `result` text. Already streamed as text, except for local commands such as `/context`.
        text: String,
    },
    /// Somebody stopped it.
    Interrupted,
    /// It ran too long, or was silent too long; the CLI was stopped.
    TimedOut {
        /// Which limit.
        limit: Limit,
    },
    /// A limit of the request was reached: turns, or money.
    LimitReached {
        /// Which.
        limit: Limit,
    },
    /// Its process ended in the middle, when something might have been changed already: it is not run again by itself.
    CutOff {
        /// What happened to the process.
        failure: Failure,
    },
    /// It failed.
    Failed(Failure),
}

/// What happened to a turn before its present attempt, and stays worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Carried {
    /// It went on in a new session, because the CLI had lost the one before.
    pub session_lost: bool,
    /// Something was seen of it already when its CLI ended.
    pub restarted: bool,
    /// How many attempts met what is the same for every turn of the account, and waited for it to pass. They say nothing
    /// against the turn.
    pub held: u32,
}

/// A bound that ends a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// `limits.turn_secs_max`.
    Time,
    /// `limits.silence_secs_max`.
    Silence,
    /// The CLI's `--max-turns`.
    Steps,
    /// The CLI's `--max-budget-usd`.
    Budget,
    /// `limits.output_bytes_max`.
    Output,
    /// `limits.orphan_secs_max`: the bot was away.
    Away,
}

/// Why a turn failed: each has its own sentence for people (`discord/notice.rs`, `render/view.rs`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "failure", rename_all = "snake_case")]
pub enum Failure {
    /// The CLI has no credentials.
    NotLoggedIn,
    /// The API refused the credentials (401, 403).
    AuthenticationFailed,
    /// The account has no credit left.
    Billing,
    /// The conversation does not fit the model any more.
    PromptTooLong,
    /// A file or picture is too large for the API (413).
    RequestTooLarge,
    /// The API does not know the model, or the account may not use it.
    ModelNotFound,
    /// Too many requests (429).
    RateLimited,
    /// The usage limit of the subscription is reached.
    UsageLimit {
        /// When it starts anew, seconds since the epoch.
        resets_at_secs: Option<i64>,
    },
    /// The API is overloaded (529).
    Overloaded,
    /// The API failed (5xx).
    ApiError {
        /// Its HTTP status.
        status: Option<u16>,
    },
    /// The API cannot be reached.
    Unreachable,
    /// The API did not answer in time.
    ApiTimeout,
    /// The model refused.
    Refused,
    /// The API did not accept the request (400).
    BadRequest,
    /// `--resume` named a session that the CLI does not have.
    SessionNotFound,
    /// `--session-id` named a session that exists already: it must be resumed instead.
    SessionInUse,
    /// Running as root in a mode that root may not use.
    RootRefused,
    /// The CLI cannot be found.
    CliMissing,
    /// The CLI is too old.
    CliTooOld {
        /// The version found.
        found: String,
        /// The least version that works.
        needed: String,
    },
    /// The project's directory is not there.
    DirectoryMissing,
    /// The CLI could not be started for another reason.
    StartFailed,
    /// The CLI ended in the middle of the turn.
    Crashed {
        /// Its exit code, if it had one.
        code: Option<i32>,
        /// The signal that killed it, if one did.
        signal: Option<i32>,
    },
    /// The shim is gone without an exit record (power, out of memory).
    Lost,
    /// The machine, or somebody on it, ended the shim, and so the CLI.
    ShutDown,
    /// The disk is full: what the CLI says cannot be kept, so it was stopped.
    DiskFull,
    /// The machine had no memory for the process that the turn needed, for as long as it waited.
    NoMemory,
    /// Whoever asked was not among the people any more when the turn was to begin.
    NotAllowed,
    /// The CLI said that it failed, in no way that we know.
    Unknown,
}

/// Why no turn of the account can work just now, whichever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// The usage limit is reached.
    UsageLimit,
    /// The CLI has no login, or one that the API refuses.
    NoLogin,
    /// The API is overloaded, or takes no more requests for now.
    Overloaded,
}

impl Failure {
    /// Whether it is the end of a process rather than something that the process said: whoever did nothing yet can be
    /// begun again.
    pub fn is_death(&self) -> bool {
        matches!(self, Failure::Crashed { .. } | Failure::Lost | Failure::ShutDown | Failure::DiskFull)
    }
}

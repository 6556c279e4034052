//! How a turn ended: the CLI's words and codes → our variants. The table is its README §11; phrases are matched exactly
//! as known, and what is not known stays [`Failure::Unknown`] or [`Failure::Crashed`].

use super::turn::{Turn, UsedUp};
use crate::claude::wire::message::ResultLine;
use crate::domain::event::{Failure, Limit, TurnEnd};
use crate::runner::{Exit, NotStarted};

/// The end that a `result` line means.
pub(super) fn turn_end(result: &ResultLine, turn: &Turn) -> TurnEnd {
    let aborted = result.terminal_reason.as_deref().is_some_and(|reason| reason.starts_with("aborted"));
    match result.subtype.as_str() {
        "error_max_turns" => TurnEnd::LimitReached { limit: Limit::Steps },
        "error_max_budget_usd" => TurnEnd::LimitReached { limit: Limit::Budget },
        "error_during_execution" if aborted || turn.interrupted => TurnEnd::Interrupted,
        _ if aborted => TurnEnd::Interrupted,
        _ if result.is_error => TurnEnd::Failed(failure_of_result(result, Some(turn))),
        _ => TurnEnd::Completed { text: result.result.clone() },
    }
}

/// Why a `result` line with `is_error` failed.
pub(super) fn failure_of_result(result: &ResultLine, turn: Option<&Turn>) -> Failure {
    let text = result.result.as_str();
    if let Some(failure) = result.errors.iter().find_map(|error| failure_of_words(error)) {
        return failure;
    }
    let error = turn.and_then(|turn| turn.api_error.as_deref()).unwrap_or_default();
    let limit = turn.and_then(|turn| turn.used_up);
    match (result.api_error_status, result.terminal_reason.as_deref()) {
        _ if text.starts_with("Prompt is too long") => Failure::PromptTooLong,
        (_, Some("prompt_too_long")) => Failure::PromptTooLong,
        _ if error == "billing_error" || text.starts_with("Credit balance is too low") => Failure::Billing,
        (Some(413), _) | (_, Some("image_error")) => Failure::RequestTooLarge,
        (Some(401 | 403), _) => Failure::AuthenticationFailed,
        (None, _) if text.starts_with("Not logged in") => Failure::NotLoggedIn,
        _ if error == "authentication_failed" => Failure::AuthenticationFailed,
        (Some(404), _) => Failure::ModelNotFound,
        _ if error == "model_not_found" => Failure::ModelNotFound,
        (Some(429), _) => rate_limited(limit),
        _ if error == "rate_limit" => rate_limited(limit),
        (Some(529), _) => Failure::Overloaded,
        _ if text.contains("529 Overloaded") => Failure::Overloaded,
        (Some(status @ 500..=599), _) => Failure::ApiError { status: Some(status) },
        _ if result.stop_reason.as_deref() == Some("refusal") => Failure::Refused,
        _ if text.starts_with("Request timed out") => Failure::ApiTimeout,
        _ if text.contains("Unable to connect to API") => Failure::Unreachable,
        (Some(400..=499), _) => Failure::BadRequest,
        _ if error == "server_error" => Failure::ApiError { status: None },
        _ if error == "invalid_request" => Failure::BadRequest,
        _ => Failure::Unknown,
    }
}

/// A usage limit is one that the CLI reported as such, never one that a text speaks of.
fn rate_limited(limit: Option<UsedUp>) -> Failure {
    match limit {
        Some(UsedUp { resets_at_secs }) => Failure::UsageLimit { resets_at_secs },
        None => Failure::RateLimited,
    }
}

/// Start-up errors, as the CLI prints them on stderr or in `errors`.
fn failure_of_words(words: &str) -> Option<Failure> {
    const PHRASES: &[(&str, Failure)] = &[
        ("No conversation found with session ID", Failure::SessionNotFound),
        ("--resume requires a valid session ID", Failure::SessionNotFound),
        ("cannot be used with root/sudo privileges", Failure::RootRefused),
        ("Not logged in", Failure::NotLoggedIn),
        ("Invalid API key", Failure::AuthenticationFailed),
        ("is already in use.", Failure::SessionInUse),
        ("Error parsing streaming input line", Failure::StartFailed),
        ("error: unknown option", Failure::StartFailed),
        ("error: option '", Failure::StartFailed),
        ("Error: Invalid ", Failure::StartFailed),
        ("Error: When using --print", Failure::StartFailed),
    ];
    PHRASES.iter().find(|(phrase, _)| words.contains(phrase)).map(|(_, failure)| failure.clone())
}

/// Why the process ended, if not as it should. An exit with 0 is as it should be; whether a turn was cut, and whether a
/// failed turn explains a code of 1, the caller knows.
pub(super) fn failure_at_exit(
    exit: &Exit,
    stderr: &Stderr,
    start_failure: Option<&Failure>,
) -> Option<Failure> {
    let crashed = |code, signal| {
        let said = start_failure.filter(|failure| **failure != Failure::Unknown).or(stderr.failure.as_ref());
        Some(said.cloned().unwrap_or(Failure::Crashed { code, signal }))
    };
    match exit {
        Exit::NotStarted { kind: NotStarted::ProgramMissing, .. } => Some(Failure::CliMissing),
        Exit::NotStarted { kind: NotStarted::DirectoryMissing, .. } => Some(Failure::DirectoryMissing),
        Exit::NotStarted { kind: NotStarted::Other, .. } => Some(Failure::StartFailed),
        Exit::Lost => Some(Failure::Lost),
        Exit::Code { code: 0 } => None,
        Exit::Code { code } => crashed(Some(*code), None),
        Exit::Signal { signal } => crashed(None, Some(*signal)),
    }
}

/// What stderr said, as far as it matters. The text itself is in the spool and never shown to people.
#[derive(Debug, Default)]
pub(super) struct Stderr {
    failure: Option<Failure>,
}

impl Stderr {
    /// On internal errors the CLI prints kilobytes of its own source, which holds every phrase there is; a start-up
    /// error is a short line.
    const LINE_BYTES_MAX: usize = 1000;

    pub(super) fn push(&mut self, line: &[u8]) {
        if self.failure.is_none() && line.len() <= Self::LINE_BYTES_MAX {
            self.failure = failure_of_words(&String::from_utf8_lossy(line));
        }
    }
}

/// What was said last of a failure, bounded: on internal errors the CLI prints kilobytes of its own source.
#[derive(Debug, Default)]
pub(super) struct LastWords(String);

impl LastWords {
    const CHARS_MAX: usize = 500;

    pub(super) fn say(&mut self, words: &str, more: &[String]) {
        let all = std::iter::once(words).chain(more.iter().map(String::as_str));
        let said = all.filter(|words| !words.trim().is_empty()).collect::<Vec<_>>().join("; ");
        if !said.is_empty() {
            self.0 = said.chars().take(Self::CHARS_MAX).collect();
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

//! Why a turn failed, in one sentence for people and with what to do next. No path, no token, no output of a program:
//! whoever runs the bot finds those in the log, under the error id.

use super::facts;
use crate::domain::event::{Failure, Limit};
use crate::render::escape::{escape, one_line};

/// What failed, and what to do next.
pub fn failure_sentence(failure: &Failure) -> String {
    let sentence = match failure {
        Failure::NotLoggedIn => {
            "Claude Code is not logged in on this machine. Whoever runs the bot has to log in, or set an API key."
        }
        Failure::AuthenticationFailed => {
            "The API refused the login of Claude Code. Whoever runs the bot has to renew it."
        }
        Failure::Billing => "The account has no credit left. Add some, then send your message again.",
        Failure::PromptTooLong => {
            "The conversation has become too long for the model. Begin anew with `/reset`, or send `/compact` first."
        }
        Failure::RequestTooLarge => {
            "A file or picture is too large for the API. Send a smaller one, or put it into the project."
        }
        Failure::ModelNotFound => {
            "The API does not know the model, or this account may not use it. Choose another with `/model`."
        }
        Failure::RateLimited => {
            "The API takes no more requests for now. Wait a minute, then send your message again."
        }
        Failure::UsageLimit { resets_at_secs } => {
            return format!(
                "The usage limit of the account is reached{}. Send your message again after that.",
                facts::again_at(*resets_at_secs)
            );
        }
        Failure::Overloaded => "The API is overloaded. Wait a few minutes, then send your message again.",
        Failure::ApiError { status } => {
            let status = status.map_or_else(String::new, |status| format!(" (HTTP {status})"));
            return format!(
                "The API failed{status}. That is not your doing: send your message again in a while."
            );
        }
        Failure::Unreachable => {
            "The API cannot be reached from this machine. If it stays so, whoever runs the bot has to look at the \
             network."
        }
        Failure::ApiTimeout => "The API did not answer in time. Send your message again.",
        Failure::Refused => {
            "The model refused to answer this. Put it in other words, or begin anew with `/reset`."
        }
        Failure::BadRequest => {
            "The API did not accept the request. Try other words; if it happens again, begin anew with `/reset`."
        }
        Failure::SessionNotFound => {
            "Claude Code no longer has this session. Send your message again: a new session begins, without the old \
             history."
        }
        Failure::SessionInUse => {
            "Claude Code has this session already, so it could not begin it anew. Send your message again; if this \
             stays, `/reset` begins a new one."
        }
        Failure::RootRefused => {
            "Claude Code does not run as root in this permission mode. Whoever runs the bot has to give it a user of \
             its own, or change the mode."
        }
        Failure::CliMissing => {
            "The `claude` program was not found on this machine. Whoever runs the bot has to install it, or set \
             `claude.command`."
        }
        Failure::CliTooOld { found, needed } => {
            let (found, needed) = (escape(&one_line(found, 20)), escape(&one_line(needed, 20)));
            return format!(
                "Claude Code {found} is too old: {needed} or later is needed. Whoever runs the bot has to update it."
            );
        }
        Failure::DirectoryMissing => {
            "The directory of this project is not there. Whoever runs the bot has to put it back, or correct the \
             project's `dir`."
        }
        Failure::StartFailed => {
            "Claude Code could not be started. Send your message again; if it stays so, `switchboard doctor` tells \
             more."
        }
        Failure::Crashed { .. } | Failure::Lost | Failure::ShutDown | Failure::DiskFull => {
            return format!("{}. Nothing had been changed: {}", death(failure), after_death(failure));
        }
        Failure::NoMemory => {
            "Not run: this machine had too little memory left for Claude Code, for several minutes. Use `/retry` in a while; \
             if it stays so, whoever runs the bot has to make room (README, Troubleshooting)."
        }
        Failure::NotAllowed => {
            "Not run: whoever wrote this was not among the people of this project any more when its turn came. Ask whoever \
             runs the bot to add you or a role of yours, then send it again."
        }
        Failure::Unknown => "Claude Code says that it failed, but not why. Send your message again.",
    };
    sentence.to_owned()
}

/// What cut the turn off after it may have changed something, and what to do next.
pub fn cut_off_sentence(failure: &Failure) -> String {
    format!(
        "{}. It may have changed something, so it was not run again: look at what was done, then let it go on, or say how.",
        death(failure)
    )
}

fn death(failure: &Failure) -> String {
    match failure {
        Failure::Crashed { signal: Some(signal), .. } => {
            format!("Claude Code ended in the middle of the turn (signal {signal})")
        }
        Failure::Crashed { code: Some(code), .. } => {
            format!("Claude Code ended in the middle of the turn (exit code {code})")
        }
        Failure::ShutDown => {
            "Claude Code was ended from outside in the middle of the turn, perhaps because the machine \
                              was shut down"
                .to_owned()
        }
        Failure::DiskFull => "The disk of this machine is full, so the turn had to be stopped".to_owned(),
        Failure::Lost => {
            "Claude Code disappeared in the middle of the turn, perhaps with the machine's power or memory"
                .to_owned()
        }
        _ => "Claude Code ended in the middle of the turn".to_owned(),
    }
}

fn after_death(failure: &Failure) -> &'static str {
    match failure {
        Failure::DiskFull => "make room, then send your message again.",
        _ => "send your message again. If this stays so, whoever runs the bot finds more in the log.",
    }
}

/// Which bound ended the turn, and what to do next.
pub fn limit_sentence(limit: Limit) -> String {
    match limit {
        Limit::Time => "Stopped: the turn took longer than it may. The session stays, write \"go on\" to continue.",
        Limit::Silence => {
            "Stopped: nothing was heard from Claude Code for too long. The session stays, write \"go on\" to continue."
        }
        Limit::Output => {
            "Stopped: the turn said more than it may. The session stays: ask for less output at a time, or write \
             \"go on\"."
        }
        Limit::Away => {
            "Stopped: the bot was away for too long while the turn ran. The session stays, write \"go on\" to continue."
        }
        Limit::Steps => {
            "Stopped: the turn used all the steps that it may. The session stays, write \"go on\" to continue."
        }
        Limit::Budget => {
            "Stopped: the turn cost as much as it may. The session stays, write \"go on\" if it is worth more."
        }
    }
    .to_owned()
}

//! The one line below a turn that works: what it does just now, for how long, and who waits.

use std::time::Duration;

use super::{BEFORE_MAX, Doing, Reaction, View, WaitsFor, WallTime, escape, facts, one_line};
use crate::domain::event::Outage;
use crate::domain::tool::Tool;
use crate::render::tool_line;

/// A turn of which nothing was heard for this long says so.
const QUIET_SECS: u64 = 60;

/// A tool of which nothing was heard for this long is said to work still.
const TOOL_QUIET_SECS: u64 = 120;

/// The status line, with its `-# `.
pub(super) fn line(view: &View, now: WallTime) -> String {
    let elapsed = now.since(view.about.started_at);
    let quiet = now.since(view.last_event_at);
    let mut parts = vec![doing(view)];
    if view.open_asks() == 0 && !matches!(view.doing, Doing::Held { .. }) {
        // While people are asked, or a limit is waited for, nothing moves: what they read stays as it is.
        parts.extend(facts::elapsed(elapsed));
    }
    if view.running_tools().next().is_some() {
        // A build may say nothing for as long as it takes; nothing is wrong, and nothing ends it for that.
        if view.open_asks() == 0 && quiet >= Duration::from_secs(TOOL_QUIET_SECS) {
            parts.push("still working".to_owned());
        }
    } else {
        parts.extend(background(view));
        if is_working(view) && quiet >= Duration::from_secs(QUIET_SECS) {
            parts.push(format!("quiet for {} min", quiet.as_secs() / 60));
        }
    }
    parts.extend(facts::chosen(view));
    if view.queued > 0 {
        parts.push(format!("{} queued", view.queued));
    }
    format!("-# {}", parts.join(" · "))
}

fn doing(view: &View) -> String {
    if view.open_asks() > 0 {
        return "⏸️ waiting for an answer".to_owned();
    }
    let mut running = view.running_tools();
    if let Some(tool) = running.next_back() {
        let words = tool_line::words(&tool.tool_use.tool);
        let others = running.count();
        return if others > 0 { format!("⏳ {words} (+{others})") } else { format!("⏳ {words}") };
    }
    match &view.doing {
        Doing::WaitingForPlace { running, max } => waiting(view.waits_for, *running, *max),
        Doing::Held { why, until, .. } => held(*why, *until),
        Doing::Starting => "⏳ starting".to_owned(),
        Doing::Working => "⏳ working".to_owned(),
        Doing::Thinking => "💭 thinking".to_owned(),
        Doing::Writing => "✍️ writing".to_owned(),
        Doing::Retrying { attempt, attempts_max, reason } => {
            format!("⚠️ {}, trying again ({attempt} of {attempts_max})", trouble(reason))
        }
        Doing::Compacting => "🗜️ compacting the conversation".to_owned(),
    }
}

/// What a turn waits for that may begin.
fn waiting(what: WaitsFor, running: usize, max: usize) -> String {
    match what {
        WaitsFor::Place { before: 0 } => format!("🕒 waiting for a place: {running} of {max} turns run"),
        WaitsFor::Place { before } => {
            let more = if before >= BEFORE_MAX { " or more" } else { "" };
            format!("🕒 waiting for a place: {running} of {max} turns run, {before}{more} before this one")
        }
        WaitsFor::Memory => "🕒 waiting for memory: this machine has too little left for one more".to_owned(),
        WaitsFor::Cores => "🕒 waiting to start: others are starting".to_owned(),
    }
}

/// Why nothing begins. Discord counts down to a timestamp by itself, so the line stays as it is.
fn held(why: Outage, until: WallTime) -> String {
    // Not before: a second more is better than "1 second ago" over something that waits.
    let at = format!("<t:{}:R>", until.0.saturating_add(999) / 1000);
    match why {
        Outage::UsageLimit => format!("⏸️ the usage limit of the account is reached: I go on {at}"),
        Outage::NoLogin => format!(
            "⏸️ Claude Code is not logged in on this machine, or the API refuses its login: whoever runs me has to log \
             it in (README, Troubleshooting). I try again {at}"
        ),
        Outage::Overloaded => {
            format!("⏸️ the API is overloaded, or takes no more requests for now: I try again {at}")
        }
    }
}

/// What the reaction tells of it.
pub(super) fn activity(view: &View) -> Reaction {
    if view.open_asks() > 0 {
        return Reaction::Working;
    }
    match view.running_tools().next_back().map(|state| &state.tool_use.tool) {
        Some(Tool::Read { .. } | Tool::Search { .. }) => Reaction::Reading,
        Some(Tool::Edit { .. } | Tool::Write { .. }) => Reaction::Editing,
        Some(Tool::Bash { .. } | Tool::Monitor { .. }) => Reaction::Running,
        Some(Tool::Fetch { .. } | Tool::WebSearch { .. }) => Reaction::Browsing,
        None if view.doing == Doing::Thinking => Reaction::Thinking,
        None
        | Some(
            Tool::Agent { .. }
            | Tool::Todo { .. }
            | Tool::Skill { .. }
            | Tool::Question { .. }
            | Tool::Plan
            | Tool::Mcp { .. }
            | Tool::Other { .. },
        ) => Reaction::Working,
    }
}

fn is_working(view: &View) -> bool {
    match view.doing {
        Doing::WaitingForPlace { .. } | Doing::Held { .. } | Doing::Starting | Doing::Retrying { .. } => {
            false
        }
        Doing::Working | Doing::Thinking | Doing::Writing | Doing::Compacting => view.open_asks() == 0,
    }
}

fn background(view: &View) -> Option<String> {
    (!view.background.is_empty()).then(|| format!("{} in the background", view.background.len()))
}

/// Why the CLI tries again, from its own word for it (its README §11).
fn trouble(reason: &str) -> String {
    match reason {
        "overloaded" | "overloaded_error" => "API overloaded".to_owned(),
        "rate_limit" | "rate_limit_error" => "API says too many requests".to_owned(),
        "server_error" | "api_error" => "API failing".to_owned(),
        "authentication_failed" => "API refuses the login".to_owned(),
        "" | "unknown" => "API not answering".to_owned(),
        other => format!("API trouble ({})", escape(&one_line(other, 40))),
    }
}

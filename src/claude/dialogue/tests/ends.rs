//! Trace → how its turns end, and what stands in the channel.

use super::replay::{ends, play, text};
use crate::domain::event::{Failure, Limit, TurnEnd};

fn completed(text: &str) -> TurnEnd {
    TurnEnd::Completed { text: text.to_owned() }
}

#[test]
fn each_failure_of_the_table_has_its_own_variant() {
    let reset = Some(1_999_999_999);
    let cases = [
        ("not-logged-in", Failure::NotLoggedIn),
        ("error-401", Failure::AuthenticationFailed),
        ("error-401-auth-token", Failure::AuthenticationFailed),
        ("error-401-oauth-token", Failure::AuthenticationFailed),
        ("error-403", Failure::AuthenticationFailed),
        ("error-400", Failure::BadRequest),
        ("error-400-credit", Failure::Billing),
        ("error-400-prompt-too-long", Failure::PromptTooLong),
        ("error-404-model", Failure::ModelNotFound),
        ("error-413", Failure::RequestTooLarge),
        ("error-429-forever", Failure::RateLimited),
        ("error-429-unified-rejected", Failure::RateLimited),
        ("rate-limit-rejected-subscription", Failure::UsageLimit { resets_at_secs: reset }),
        ("error-500-forever", Failure::ApiError { status: Some(500) }),
        ("error-529-forever", Failure::Overloaded),
        ("error-connection-refused", Failure::Unreachable),
        ("error-api-timeout", Failure::ApiTimeout),
        ("stop-refusal", Failure::Refused),
        ("resume-unknown-id", Failure::SessionNotFound),
        ("resume-not-a-uuid", Failure::SessionNotFound),
        ("resume-from-other-cwd", Failure::SessionNotFound),
        ("resume-corrupted-empty", Failure::SessionNotFound),
        ("resume-corrupted-all-garbage", Failure::SessionNotFound),
        ("signal-sigterm-stream", Failure::Crashed { code: Some(143), signal: None }),
        ("signal-sigterm-tool", Failure::Crashed { code: Some(143), signal: None }),
        ("signal-sighup-api-wait", Failure::Crashed { code: Some(129), signal: None }),
        ("signal-sigkill-tool", Failure::Crashed { code: None, signal: Some(9) }),
        ("signal-sigint-api-wait", Failure::Crashed { code: Some(0), signal: None }),
    ];
    for (name, failure) in cases {
        assert_eq!(ends(&play(name)), [TurnEnd::Failed(failure)], "{name}");
    }
}

#[test]
fn expected_ends_are_no_failures() {
    let interrupted = TurnEnd::Interrupted;
    let cases = [
        ("max-turns", vec![TurnEnd::LimitReached { limit: Limit::Steps }]),
        ("max-budget-usd", vec![TurnEnd::LimitReached { limit: Limit::Budget }]),
        ("signal-sigint-stream", vec![interrupted.clone()]),
        ("signal-sigint-tool", vec![interrupted.clone()]),
        ("interrupt-waiting-for-api.bidi", vec![interrupted.clone()]),
        ("interrupt-permission-pending.bidi", vec![interrupted.clone(), completed("after")]),
        ("permission-deny-interrupt.bidi", vec![interrupted.clone(), completed("next turn")]),
        ("interrupt-with-queued-message.bidi", vec![interrupted.clone(), completed("B answer")]),
        ("steer-priority-now-during-tool.bidi", vec![interrupted, completed("answer to now")]),
        ("interrupt-idle.bidi", vec![completed("after")]),
        ("error-529-twice-then-ok", vec![completed("ok after retry")]),
        ("fallback-model-404", vec![completed("from fallback")]),
        ("resume-unknown-id-bidi.bidi", vec![TurnEnd::Failed(Failure::SessionNotFound)]),
    ];
    for (name, expected) in cases {
        assert_eq!(ends(&play(name)), expected, "{name}");
    }
}

#[test]
fn what_was_repeated_stands_there_once() {
    for name in [
        "drop-mid-stream-once",
        "drop-mid-stream-forever",
        "sse-error-mid-stream-once",
        "sse-error-mid-stream-forever",
        "stall-mid-stream",
    ] {
        assert_eq!(text(&play(name)), "done.", "{name}");
    }
}

#[test]
fn the_text_is_the_main_agents_answer() {
    for (name, expected) in [
        ("print-partial", "one two three four"),
        ("print-thinking-partial", "answer"),
        ("subagent-forwarded-text.bidi", "done."),
        ("subagent-partial", "done."),
        ("error-400", ""),
        ("not-logged-in", ""),
        ("stop-refusal", "I cannot"),
        ("signal-sigkill-stream", "start of long answer"),
    ] {
        let text = text(&play(name));
        assert!(text.starts_with(expected) && (!expected.is_empty() || text.is_empty()), "{name}: {text}");
    }
}

#[test]
fn every_turn_of_a_run_without_faults_is_complete() {
    for name in super::replay::names() {
        let ok = [
            "permission-",
            "plan-",
            "ask-user",
            "parallel-",
            "mode-",
            "print-",
            "hook-",
            "sdk-",
            "todo",
            "task-",
        ];
        if !ok.iter().any(|start| name.starts_with(start)) || name.contains("interrupt") {
            continue;
        }
        let ends = ends(&play(&name));
        assert!(!ends.is_empty(), "{name}");
        assert!(ends.iter().all(|end| matches!(end, TurnEnd::Completed { .. })), "{name}: {ends:?}");
    }
}

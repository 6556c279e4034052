//! The whole story of representative traces, to be read.

use super::replay::{play, story};

macro_rules! stories {
    ($($test:ident = $trace:literal,)+) => {
        $(
            #[test]
            fn $test() {
                insta::assert_snapshot!(story(&play($trace)));
            }
        )+
    };
}

stories! {
    two_turns = "bidi-initialize-two-turns.bidi",
    thinking = "print-thinking-partial",
    parallel_tools = "parallel-tools",
    permission_allowed = "permission-allow.bidi",
    permission_denied = "permission-deny-message.bidi",
    refused_by_the_mode = "permission-denied-dontAsk.bidi",
    question = "ask-user-question-answered.bidi",
    plan = "plan-approved-set-acceptEdits.bidi",
    interrupted_while_asking = "interrupt-permission-pending.bidi",
    stdin_closed_while_asking = "stdin-closed-permission-pending.bidi",
    steered_during_a_tool = "steer-during-tool.bidi",
    three_queued_one_cancelled = "steer-three-queued-one-cancelled.bidi",
    duplicate = "duplicate-uuid-and-shouldQuery-false.bidi",
    turn_of_its_own = "background-task-autonomous-turn.bidi",
    subagent_asks = "subagent-permission-prompt.bidi",
    long_command = "tool-progress",
    slash_commands = "slash-commands.bidi",
    compaction = "auto-compact.bidi",
    lost_stream = "drop-mid-stream-once",
    retries = "error-529-forever",
    usage_limit = "rate-limit-rejected-subscription",
    session_not_found = "resume-unknown-id-bidi.bidi",
    control_requests = "control-requests-misc.bidi",
}

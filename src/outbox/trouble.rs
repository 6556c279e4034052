//! What people are told when an answer cannot be posted where it belongs, and how long it waits there.

use std::time::Duration;

use crate::domain::ids::{ChannelId, ErrorId, TurnId};
use crate::render::message::{CONTENT_UNITS_MAX, MessageBody, units};

use super::deliver::Closed;

/// Waits between attempts after a failure double from the one to the other.
const RETRY_WAIT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// The same for a channel that takes nothing: Discord bans an address with 10,000 refused requests in ten minutes, and
/// people unlock a thread in minutes.
const CLOSED_WAIT: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(15));
/// A turn waits so long for its channel to take it, then it is given up.
pub(super) const CLOSED_MAX: Duration = Duration::from_hours(24);

/// The wait after this many failures in a row.
pub(super) fn retry_wait(failures: u32) -> Duration {
    doubled(RETRY_WAIT, failures)
}

/// The wait after a channel refused this many times in a row.
pub(super) fn closed_wait(failures: u32) -> Duration {
    doubled(CLOSED_WAIT, failures)
}

fn doubled((least, most): (Duration, Duration), failures: u32) -> Duration {
    least.saturating_mul(2_u32.saturating_pow(failures.clamp(1, 16) - 1)).min(most)
}

/// The turn under which the trouble of another turn is told: one message, which is edited when it is over.
pub(super) fn notice_id(turn: TurnId) -> TurnId {
    TurnId(uuid::Uuid::new_v5(&turn.0, b"trouble"))
}

/// Told above a thread that takes nothing.
pub(super) fn waits(channel: ChannelId, why: Closed, error: &ErrorId) -> String {
    match why {
        Closed::Permission => format!(
            "⚠️ My answer waits: I may not write in <#{channel}>. Give me \"View Channel\" and \"Send Messages in \
             Threads\" there. ({error})"
        ),
        Closed::Locked => format!(
            "⚠️ My answer waits: <#{channel}> is locked. Unlock it, or give me \"Manage Threads\". ({error})"
        ),
        Closed::TooManyThreads => format!(
            "⚠️ My answer waits: this server has as many active threads as Discord allows. Close one that is not \
             needed any more. ({error})"
        ),
    }
}

/// Told above a thread that takes what it refused before.
pub(super) fn over(channel: ChannelId) -> String {
    format!("-# ✅ My answer is in <#{channel}> now.")
}

/// Told above a thread that is gone, or refused for too long.
pub(super) fn given_up(error: &ErrorId) -> String {
    format!(
        "⚠️ My answer could not be posted: its thread is not there any more, or takes nothing from me. Send your \
         message again here. ({error})"
    )
}

/// What stands for a body that Discord does not take: first the same without its files, then one sentence. None when
/// that was refused as well.
pub(super) fn instead(body: &MessageBody, error: &ErrorId) -> Option<MessageBody> {
    let mut instead = body.clone();
    if body.files.is_empty() {
        instead.content = format!(
            "⚠️ Discord did not take this part of the answer. Ask for it in other words, or in a file. ({error})"
        );
        instead.menus.clear();
        instead.buttons.clear();
        return (!body.content.starts_with("⚠️ Discord did not take")).then_some(instead);
    }
    instead.files.clear();
    let note = format!("-# ⚠️ Discord did not take the file. Ask for it in parts. ({error})");
    if units(&body.content) + units(&note) < CONTENT_UNITS_MAX {
        instead.content = format!("{note}\n{}", body.content);
    }
    Some(instead)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::message::File;

    #[test]
    fn waits_double_and_are_bounded() {
        assert_eq!(retry_wait(1), Duration::from_millis(500));
        assert_eq!(retry_wait(3), Duration::from_secs(2));
        assert_eq!(retry_wait(u32::MAX), Duration::from_secs(30));
        assert_eq!(closed_wait(u32::MAX), Duration::from_mins(15));
    }

    #[test]
    fn a_channel_that_refuses_for_ten_minutes_costs_few_requests() {
        let mut at = Duration::ZERO;
        let refused = (1..).take_while(|failures| {
            at += closed_wait(*failures);
            at < Duration::from_mins(10)
        });
        assert!(refused.count() < 8);
    }

    #[test]
    fn a_body_loses_its_file_then_its_words_then_all() {
        let error = ErrorId("E-234567".into());
        let body = MessageBody {
            files: vec![File { name: "answer.md".into(), bytes: vec![0] }],
            ..MessageBody::text("The end.")
        };
        let without = instead(&body, &error).expect("there is more to try");
        assert!(without.files.is_empty() && without.content.ends_with("The end."), "{}", without.content);
        let sentence = instead(&without, &error).expect("there is more to try");
        assert!(sentence.content.contains("E-234567"));
        assert_eq!(instead(&sentence, &error), None);
    }
}

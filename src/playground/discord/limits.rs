//! PURE: Discord's rate limits. A bucket is a number of requests in a window that begins with the first of them.
//! <https://discord.com/developers/docs/topics/rate-limits>
//!
//! Discord does not publish the numbers; these are what its headers have been seen to say.

use std::collections::HashMap;
use std::time::Duration;

use crate::clock::Moment;
use crate::domain::ids::ChannelId;

/// Requests of all kinds in one second.
const GLOBAL_PER_SEC: u32 = 50;

/// Which bucket a request counts in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Bucket {
    /// The name, for `x-ratelimit-bucket`.
    pub(super) name: &'static str,
    /// The channel, guild or interaction token that the limit is kept for.
    pub(super) major: String,
    /// Requests in one window.
    pub(super) limit: u32,
    /// The window.
    pub(super) window: Duration,
    /// Interaction endpoints do not count in the global limit.
    pub(super) counts_globally: bool,
}

/// What the headers of a reply say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Standing {
    pub(super) limit: u32,
    pub(super) remaining: u32,
    pub(super) reset_after: Duration,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    /// It may go.
    Go(Standing),
    /// The bucket is used up.
    Exhausted(Standing),
    /// The global limit is used up.
    Global(Duration),
}

/// All buckets.
#[derive(Debug, Default)]
pub(super) struct Limits {
    buckets: HashMap<Bucket, (Moment, u32)>,
    /// When the second that is counted began, and what went in it.
    global: (Option<Moment>, u32),
    /// When channels got other names: a limit that no header tells of.
    pub(super) renames: HashMap<ChannelId, Vec<Moment>>,
    /// Whether everything may go.
    pub(super) lifted: bool,
}

impl Limits {
    /// Counts a request and says what becomes of it.
    pub(super) fn take(&mut self, bucket: &Bucket, now: Moment) -> Verdict {
        if self.lifted {
            // A limit is still stated, so large that nobody ever waits for it.
            return Verdict::Go(Standing { limit: 10_000, remaining: 9_999, reset_after: bucket.window });
        }
        if bucket.counts_globally {
            let (since, used) = &mut self.global;
            let second = Duration::from_secs(1);
            if since.is_none_or(|since| now.since(since) >= second) {
                (*since, *used) = (Some(now), 0);
            }
            if *used >= GLOBAL_PER_SEC {
                return Verdict::Global(second.saturating_sub(now.since(since.unwrap_or(now))));
            }
            *used += 1;
        }
        let (since, used) = self.buckets.entry(bucket.clone()).or_insert((now, 0));
        if now.since(*since) >= bucket.window {
            (*since, *used) = (now, 0);
        }
        let reset_after = bucket.window.saturating_sub(now.since(*since));
        let exhausted = *used >= bucket.limit;
        if !exhausted {
            *used += 1;
        }
        let standing = Standing { limit: bucket.limit, remaining: bucket.limit - *used, reset_after };
        if exhausted { Verdict::Exhausted(standing) } else { Verdict::Go(standing) }
    }
}

/// The bucket of a request: method and path below `/api/v10`, in segments.
pub(super) fn bucket(method: &str, path: &[&str]) -> Bucket {
    let (name, limit, window_ms, major) = match (method, path) {
        ("POST", ["channels", id, "messages"]) => ("message-create", 5, 5000, *id),
        ("PATCH", ["channels", id, "messages", _]) => ("message-edit", 5, 5000, *id),
        ("DELETE", ["channels", id, "messages", _]) => ("message-delete", 5, 1000, *id),
        ("PUT" | "DELETE", ["channels", id, "messages", _, "reactions", ..]) => ("reaction", 1, 250, *id),
        ("POST", ["channels", id, "typing"]) => ("typing", 5, 5000, *id),
        ("GET", ["channels", id, "messages", ..]) => ("message-get", 20, 1000, *id),
        ("PATCH", ["channels", id]) => ("channel-edit", 5, 5000, *id),
        ("POST", ["channels", id, "threads"] | ["channels", id, "messages", _, "threads"]) => {
            ("thread-create", 10, 10_000, *id)
        }
        (_, ["interactions", _, token, "callback"]) => ("interaction", 5, 1000, *token),
        (_, ["webhooks", _, token, ..]) => ("webhook", 5, 2000, *token),
        ("PUT" | "POST" | "PATCH" | "DELETE", ["applications", ..]) => ("commands", 20, 20_000, ""),
        (_, [resource @ ("channels" | "guilds"), id, ..]) => {
            (if *resource == "guilds" { "guild" } else { "channel" }, 20, 1000, *id)
        }
        _ => ("other", 20, 1000, ""),
    };
    Bucket {
        name,
        major: major.to_owned(),
        limit,
        window: Duration::from_millis(window_ms),
        counts_globally: !matches!(path, ["interactions" | "webhooks", ..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment(Duration::from_millis(millis))
    }

    #[test]
    fn a_bucket_is_used_up_and_comes_back() {
        let mut limits = Limits::default();
        let create = bucket("POST", &["channels", "7", "messages"]);
        for used in 1..=5 {
            let Verdict::Go(standing) = limits.take(&create, at(used)) else { panic!("refused at {used}") };
            assert_eq!(u64::from(standing.remaining), 5 - used);
        }
        let Verdict::Exhausted(standing) = limits.take(&create, at(1001)) else { panic!("not exhausted") };
        assert_eq!(standing.reset_after, Duration::from_secs(4));
        assert!(matches!(limits.take(&create, at(5001)), Verdict::Go(_)));
    }

    #[test]
    fn buckets_of_different_channels_and_kinds_do_not_meet() {
        let mut limits = Limits::default();
        for _ in 0..5 {
            limits.take(&bucket("POST", &["channels", "7", "messages"]), at(0));
        }
        assert!(matches!(
            limits.take(&bucket("POST", &["channels", "8", "messages"]), at(0)),
            Verdict::Go(_)
        ));
        assert!(matches!(
            limits.take(&bucket("PATCH", &["channels", "7", "messages", "1"]), at(0)),
            Verdict::Go(_)
        ));
    }

    #[test]
    fn the_global_limit_counts_everything_but_interactions() {
        let mut limits = Limits::default();
        for channel in 0..50 {
            let path = ["channels", &channel.to_string(), "typing"];
            assert!(matches!(limits.take(&bucket("POST", &path), at(1)), Verdict::Go(_)));
        }
        let one_more = bucket("POST", &["channels", "99", "typing"]);
        assert_eq!(limits.take(&one_more, at(501)), Verdict::Global(Duration::from_millis(500)));
        let callback = bucket("POST", &["interactions", "1", "token", "callback"]);
        assert!(matches!(limits.take(&callback, at(501)), Verdict::Go(_)));
    }
}

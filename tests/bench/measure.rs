//! Time, samples of it, and the calls that Discord saw, on one clock.

use std::time::{SystemTime, UNIX_EPOCH};

use switchboard::domain::ids::{ChannelId, MessageId};
use switchboard::playground::discord::{EmbeddedDiscord, RequestLog};

/// Microseconds since the epoch: the one clock that the daemon's Discord, the CLI and this program share.
pub fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    i64::try_from(since.as_micros()).expect("it is before the year 290,000")
}

/// Measurements of one thing.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// One more.
    pub fn add(&mut self, sample: f64) {
        self.0.push(sample);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// So large is this share of them at most; 0 where there are none.
    pub fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index of a sample")]
        let at = (last as f64 * share).round() as usize;
        sorted.get(at).copied().unwrap_or(0.0)
    }

    /// The middle one.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<T: IntoIterator<Item = f64>>(samples: T) -> Self {
        Self(samples.into_iter().collect())
    }
}

/// A request that Discord answered.
#[derive(Debug, Clone)]
pub struct Call {
    /// When, as [`now_us`].
    pub at_us: i64,
    /// `POST`, `PATCH`, …
    pub method: String,
    /// Below `/api/v10`.
    pub path: String,
    /// The answer.
    pub status: u16,
}

impl Call {
    /// Whether it makes a message in this channel.
    pub fn creates_in(&self, channel: ChannelId) -> bool {
        self.method == "POST" && self.path == format!("/channels/{channel}/messages")
    }

    /// Whether it changes a message in this channel.
    pub fn edits_in(&self, channel: ChannelId) -> bool {
        self.method == "PATCH" && self.path.starts_with(&format!("/channels/{channel}/messages/"))
    }

    /// The message that the bot says is done with by this, if it is that.
    pub fn finishes(&self) -> Option<MessageId> {
        let (head, tail) = self.path.split_once("/reactions/")?;
        let is_end = ["✅", "❌", "⏹️"].iter().any(|emoji| tail.starts_with(emoji));
        let message = head.rsplit('/').next()?.parse().ok()?;
        (self.method == "PUT" && is_end).then_some(MessageId(message))
    }
}

/// Follows what Discord is asked, from the moment of its making.
#[derive(Debug)]
pub struct Calls {
    discord: EmbeddedDiscord,
    seen: usize,
    /// What to add to that Discord's own time.
    offset_us: i64,
}

impl Calls {
    /// From now on.
    pub fn from_now(discord: &EmbeddedDiscord) -> Self {
        let (seen, moment_us) = discord.look(|now| (now.requests().len(), micros(now.moment().0)));
        Self { discord: discord.clone(), seen, offset_us: now_us() - moment_us }
    }

    /// Those that came since the last look; waits for one at least.
    pub async fn next(&mut self) -> Vec<Call> {
        let seen = self.seen;
        let fresh = self
            .discord
            .wait_for("a request", |now| {
                let fresh = &now.requests()[seen..];
                (!fresh.is_empty()).then(|| fresh.to_vec())
            })
            .await;
        self.seen += fresh.len();
        fresh.into_iter().map(|request| self.call(request)).collect()
    }

    /// Those that came since the last look.
    pub fn so_far(&mut self) -> Vec<Call> {
        let fresh = self.discord.look(|now| now.requests()[self.seen..].to_vec());
        self.seen += fresh.len();
        fresh.into_iter().map(|request| self.call(request)).collect()
    }

    fn call(&self, request: RequestLog) -> Call {
        let RequestLog { at, method, path, status, .. } = request;
        Call { at_us: micros(at.0) + self.offset_us, method, path, status }
    }
}

fn micros(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_micros()).expect("no run takes so long")
}

/// Milliseconds from one moment to a later one.
pub fn ms_between(from_us: i64, to_us: i64) -> f64 {
    (to_us - from_us) as f64 / 1000.0
}

impl Extend<f64> for Samples {
    fn extend<T: IntoIterator<Item = f64>>(&mut self, samples: T) {
        self.0.extend(samples);
    }
}

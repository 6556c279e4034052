//! Trouble to order: replies that get lost, errors, limits, and a gateway that misbehaves.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;

use super::gateway::session::Out;
use super::{EmbeddedDiscord, Shared};
use crate::domain::ids::MessageId;

/// What happens to a REST request instead of an answer, or besides it.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This status and body, and nothing is done.
    Status(u16, Value),
    /// A 429, and nothing is done.
    RateLimited {
        /// When to come back.
        retry_after: Duration,
        /// Whether it is the global limit.
        global: bool,
        /// `user`, `shared` or `global`: the header `x-ratelimit-scope`.
        scope: &'static str,
    },
    /// What was asked is done, but the reply is lost: the connection breaks.
    ApplyThenFail,
    /// What was asked is done, and the reply is this status (a gateway's 502 or 504, say).
    ApplyThenStatus(u16),
    /// What was asked is done, and the reply waits until it is let go.
    ApplyThenHold(Arc<Notify>),
    /// Nothing is done, and the connection breaks.
    Drop,
    /// The answer comes this much later.
    Delay(Duration),
    /// The request waits until it is let go.
    Hold(Arc<Notify>),
}

/// How a gateway connection goes wrong. Whatever it is, people go on talking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatewayFault {
    /// The connection breaks, without any close.
    Reset,
    /// Discord asks to reconnect (op 7).
    Reconnect,
    /// The session is invalid (op 9), and can be resumed or not.
    Invalid {
        /// Whether it can be resumed. If not, its events are gone.
        resumable: bool,
    },
    /// The connection stays and nothing comes any more, not even for a heartbeat; its session is gone.
    Zombie,
}

impl GatewayFault {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Reset,
        Self::Reconnect,
        Self::Invalid { resumable: true },
        Self::Invalid { resumable: false },
        Self::Zombie,
    ];
}

/// Which requests a fault is for: a method (or `*`), and a path below `/api/v10`, or one of the CDN's, in which `*` is
/// one segment and a closing `**` any number of them. For example `"POST /channels/*/messages"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matcher {
    method: String,
    path: Vec<String>,
}

impl Matcher {
    /// Whether a request is meant.
    pub(super) fn fits(&self, method: &str, path: &[&str]) -> bool {
        if self.method != "*" && self.method != method {
            return false;
        }
        let open = self.path.last().is_some_and(|last| last == "**");
        let fixed = if open { &self.path[..self.path.len() - 1] } else { &self.path[..] };
        (if open { path.len() >= fixed.len() } else { path.len() == fixed.len() })
            && fixed.iter().zip(path).all(|(wanted, found)| wanted == "*" || wanted == found)
    }
}

impl From<&str> for Matcher {
    fn from(text: &str) -> Self {
        let (method, path) = text.split_once(' ').unwrap_or(("*", text));
        let path = path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned);
        Self { method: method.to_owned(), path: path.collect() }
    }
}

/// Faults that come with a probability.
#[derive(Debug)]
struct Rate {
    matcher: Matcher,
    per_million: u32,
    seed: u64,
    /// Each as often as the others.
    faults: Vec<Fault>,
}

/// The faults that wait for their request.
#[derive(Debug, Default)]
pub(super) struct FaultState {
    queued: VecDeque<(Matcher, Fault)>,
    rate: Option<Rate>,
    /// How long nonces are known, if not as usual.
    pub(super) nonces_last: Option<Duration>,
    /// How long the bot has for the first answer to an interaction, if not as usual.
    pub(super) acknowledge_within: Option<Duration>,
    /// Nothing is there: REST says 503, the gateway takes nobody.
    pub(super) down: bool,
    /// The gateway takes nobody.
    pub(super) gateway_down: bool,
    /// Heartbeats are not acknowledged.
    pub(super) acks_stopped: bool,
}

impl FaultState {
    /// The fault for this request, if there is one.
    pub(super) fn take(&mut self, method: &str, path: &[&str]) -> Option<Fault> {
        if let Some(index) = self.queued.iter().position(|(matcher, _)| matcher.fits(method, path)) {
            return self.queued.remove(index).map(|(_, fault)| fault);
        }
        let Rate { matcher, per_million, seed, faults } = self.rate.as_mut()?;
        if !matcher.fits(method, path) || splitmix(seed) % 1_000_000 >= u64::from(*per_million) {
            return None;
        }
        let count = u64::try_from(faults.len()).ok().filter(|count| *count > 0)?;
        faults.get(usize::try_from(splitmix(seed) % count).ok()?).cloned()
    }
}

/// `SplitMix64`: the same seed gives the same faults.
fn splitmix(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Makes trouble for the bot.
#[derive(Clone)]
pub struct Faults {
    shared: Arc<Shared>,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").finish_non_exhaustive()
    }
}

impl Faults {
    /// The next request that `matcher` means gets `fault`. Several wait in the order in which they were given.
    pub fn next_rest(&self, matcher: impl Into<Matcher>, fault: Fault) {
        let matcher = matcher.into();
        self.shared.change(|state| state.faults.queued.push_back((matcher, fault)));
    }

    /// Each request that `matcher` means gets `fault` with this probability, always the same ones for a seed.
    pub fn rate(&self, matcher: impl Into<Matcher>, per_million: u32, seed: u64, fault: Fault) {
        self.rates(matcher, per_million, seed, vec![fault]);
    }

    /// The same with several faults, each as often as the others.
    pub fn rates(&self, matcher: impl Into<Matcher>, per_million: u32, seed: u64, faults: Vec<Fault>) {
        let matcher = matcher.into();
        self.shared.change(|state| state.faults.rate = Some(Rate { matcher, per_million, seed, faults }));
    }

    /// How long a nonce is known from now on, also one that was sent before. Usually it is a few minutes.
    pub fn nonces_last(&self, lasts: Duration) {
        self.shared.change(|state| state.faults.nonces_last = Some(lasts));
    }

    /// How long the bot has from now on for its first answer to an interaction, instead of Discord's three seconds: where
    /// a machine is slow, that is no fault of the bot's.
    pub fn acknowledge_within(&self, within: Duration) {
        self.shared.change(|state| state.faults.acknowledge_within = Some(within));
    }

    /// Ends all faults of REST that were ordered.
    pub fn clear_rest(&self) {
        self.shared.change(|state| {
            state.faults.queued.clear();
            state.faults.rate = None;
        });
    }

    /// Rate limits of calls and logins no longer apply (`true`), or do again.
    pub fn limits_lifted(&self, lifted: bool) {
        self.shared.change(|state| state.limits.lifted = lifted);
    }

    /// All of Discord is away: REST answers 503, the gateway is cut and takes nobody. What people say meanwhile is
    /// replayed to sessions that resume afterwards.
    pub fn set_down(&self, down: bool) {
        self.shared.change(|state| {
            state.faults.down = down;
            if down {
                state.sessions.each(|session| session.send(Out::Cut));
            }
        });
    }

    /// Only the gateway is away.
    pub fn set_gateway_down(&self, down: bool) {
        self.shared.change(|state| {
            state.faults.gateway_down = down;
            if down {
                state.sessions.each(|session| session.send(Out::Cut));
            }
        });
    }

    /// Closes every gateway connection with this code. The sessions can be resumed, unless the code ends them (1000,
    /// 1001, and those after which Discord does not let anybody reconnect).
    pub fn close(&self, code: u16) {
        self.shared.change(|state| {
            state.sessions.each(|session| session.send(Out::Close(Some(code))));
            if matches!(code, 1000 | 1001 | 4004 | 4007 | 4009 | 4010..=4014) {
                state.sessions.end();
            }
        });
    }

    /// Closes every gateway connection without saying why.
    pub fn close_without_code(&self) {
        self.shared.change(|state| state.sessions.each(|session| session.send(Out::Close(None))));
    }

    /// Breaks every gateway connection, without any close.
    pub fn drop_tcp(&self) {
        self.shared.change(|state| state.sessions.each(|session| session.send(Out::Cut)));
    }

    /// Asks to reconnect (op 7).
    pub fn reconnect(&self) {
        self.shared.change(|state| {
            state
                .sessions
                .each(|session| session.send(Out::Text(r#"{"op":7,"d":null,"s":null,"t":null}"#.into())));
        });
    }

    /// Says that the session is invalid (op 9). If it is not `resumable`, its events are gone.
    pub fn invalid_session(&self, resumable: bool) {
        self.shared.change(|state| {
            let text = format!(r#"{{"op":9,"d":{resumable},"s":null,"t":null}}"#);
            state.sessions.each(|session| session.send(Out::Text(text.clone())));
            if !resumable {
                state.sessions.end();
            }
        });
    }

    /// Sessions can no longer be resumed: a RESUME is answered by op 9, and events in between are gone. Connections go
    /// on until they end.
    pub fn forget_sessions(&self) {
        self.shared.change(|state| state.sessions.forget());
    }

    /// Tells of a message once more, as a gateway does that resumes from too far back.
    pub fn repeat(&self, message: MessageId) {
        self.shared.change(|state| state.announce("MESSAGE_CREATE", message));
    }

    /// Something goes wrong with every gateway connection.
    pub fn strike(&self, fault: GatewayFault) {
        match fault {
            GatewayFault::Reset => self.drop_tcp(),
            GatewayFault::Reconnect => self.reconnect(),
            GatewayFault::Invalid { resumable } => self.invalid_session(resumable),
            GatewayFault::Zombie => self.shared.change(|state| state.sessions.zombify()),
        }
    }

    /// Something goes wrong every `period`, each kind in turn, until this Discord ends: for long runs.
    pub fn strike_every(&self, period: Duration, kinds: &'static [GatewayFault]) {
        let faults = self.clone();
        self.shared.tasks.spawn(async move {
            for fault in kinds.iter().cycle() {
                tokio::select! {
                    () = faults.shared.stop.cancelled() => return,
                    () = tokio::time::sleep(period) => faults.strike(*fault),
                }
            }
        });
    }

    /// Heartbeats are no longer acknowledged (`true`), or are again.
    pub fn stop_acks(&self, stopped: bool) {
        self.shared.change(|state| state.faults.acks_stopped = stopped);
    }

    /// The heartbeat interval for connections from now on.
    pub fn heartbeat_interval(&self, interval: Duration) {
        self.shared.change(|state| state.sessions.heartbeat = interval);
    }

    /// How many IDENTIFYs are left for today.
    pub fn identifies_left(&self, left: u64) {
        self.shared.change(|state| state.sessions.identifies_left = left);
    }
}

impl EmbeddedDiscord {
    /// The means to make trouble.
    pub fn faults(&self) -> Faults {
        Faults { shared: Arc::clone(&self.shared) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_mean_methods_and_segments() {
        let create = Matcher::from("POST /channels/*/messages");
        assert!(create.fits("POST", &["channels", "7", "messages"]));
        assert!(!create.fits("GET", &["channels", "7", "messages"]));
        assert!(!create.fits("POST", &["channels", "7", "messages", "8"]));
        assert!(Matcher::from("/channels/7/**").fits("PUT", &["channels", "7", "messages", "8"]));
        assert!(Matcher::from("* /**").fits("PUT", &["users", "@me"]));
    }

    #[test]
    fn a_queued_fault_is_for_one_request() {
        let mut faults = FaultState::default();
        faults.queued.push_back(("POST /a".into(), Fault::Drop));
        assert!(faults.take("GET", &["a"]).is_none());
        assert!(matches!(faults.take("POST", &["a"]), Some(Fault::Drop)));
        assert!(faults.take("POST", &["a"]).is_none());
    }

    #[test]
    fn a_rate_is_the_same_for_the_same_seed() {
        let run = |seed| {
            let mut faults = FaultState {
                rate: Some(Rate {
                    matcher: "/**".into(),
                    per_million: 300_000,
                    seed,
                    faults: vec![Fault::Drop],
                }),
                ..Default::default()
            };
            (0..1000).map(|_| faults.take("GET", &["a"]).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert!((250..350).contains(&run(7).iter().filter(|hit| **hit).count()));
    }
}

//! An embedded Discord on loopback: REST and CDN over TLS, the gateway over plain WebSocket.
//!
//! The bot reaches it through `discord.api_resolve` and `discord.ca_file`, with its production client and its rate
//! limiter. Everything it says is held against Discord's rules; what breaks one is answered as Discord would, and
//! kept as a [`Violation`], so that a test can ask that there be none.
//!
//! - [`World`] is who and what there is at the start; the methods of [`EmbeddedDiscord`] in `people.rs` are what
//!   people do, those in `look.rs` what can be seen.
//! - `rules/`, `limits.rs`, `mentions.rs`, `intents.rs` are pure: Discord's rules without any Discord.
//! - `rest/` answers requests: one synchronous function per endpoint over [`state::State`]. A new endpoint is an arm
//!   in `rest/mod.rs` and a function beside its like.
//! - `gateway/` keeps sessions and sends events.
//!
//! Not here: voice, forums, stickers, webhooks of channels, sharding over several processes.

mod errors;
mod faults;
mod feed;
mod gateway;
pub mod intents;
mod interactions;
mod limits;
mod look;
mod mentions;
mod objects;
mod people;
pub mod permissions;
mod posting;
mod reactions;
mod rest;
mod rules;
mod state;
mod threads;
mod tls;
mod world;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

pub use self::faults::{Fault, Faults, GatewayFault, Matcher};
pub use self::feed::PageFeed;
pub use self::interactions::{Choice, InteractionState};
pub use self::look::{PATIENCE, Pinged, RequestLog, Snapshot, Violation};
pub use self::people::Draft;
use self::state::State;
pub use self::world::{Person, Role, TextChannel, World};
use crate::domain::ids::UserId;

/// A Discord interaction: a slash command, a click, an autocompletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InteractionId(pub u64);

impl fmt::Display for InteractionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Something that a person's page should show.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PageEvent {
    /// What happened.
    #[serde(rename = "t")]
    pub kind: &'static str,
    /// The facts of it.
    #[serde(rename = "d")]
    pub data: Value,
    /// The one person who may see it; everybody where there is none.
    #[serde(skip)]
    pub only_for: Option<UserId>,
}

/// The embedded Discord. Clones are the same one; it ends when the last of them is dropped.
#[derive(Clone)]
pub struct EmbeddedDiscord {
    shared: Arc<Shared>,
    _alive: Arc<DropGuard>,
}

/// What everything inside shares.
struct Shared {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
    stop: CancellationToken,
    tasks: TaskTracker,
    rest: SocketAddr,
    gateway: SocketAddr,
    ca_pem: String,
    token: String,
}

impl Shared {
    /// Changes the state, and lets everybody who waits for a change look again.
    fn change<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let result = f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changes.send_modify(|count| *count += 1);
        result
    }

    /// Looks at the state.
    fn look<T>(&self, f: impl FnOnce(&State) -> T) -> T {
        f(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Does something after a while, unless this Discord ends before.
    fn later(self: &Arc<Self>, delay: Duration, f: impl FnOnce(&mut State) + Send + 'static) {
        let shared = Arc::clone(self);
        self.tasks.spawn(async move {
            tokio::select! {
                () = shared.stop.cancelled() => {}
                () = tokio::time::sleep(delay) => shared.change(f),
            }
        });
    }
}

impl EmbeddedDiscord {
    /// Starts on two free ports of 127.0.0.1.
    pub async fn start(world: World) -> std::io::Result<Self> {
        let rest = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let gateway = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let identity = tls::Identity::generate()?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let token = world.token.clone();
        let url = format!("ws://{}/ws", gateway.local_addr()?);
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(world, broadcast::channel(4096).0, url)),
            changes: watch::channel(0).0,
            rest: rest.local_addr()?,
            gateway: gateway.local_addr()?,
            ca_pem: identity.ca_pem.clone(),
            token,
            stop: stop.clone(),
            tasks: tasks.clone(),
        });

        let listener = tls::TlsListener::new(rest, &identity, &tasks, stop.clone())?;
        let service = rest::router(Arc::clone(&shared)).into_make_service_with_connect_info::<tls::Cut>();
        let until = stop.clone().cancelled_owned();
        tasks.spawn(async move {
            tokio::select! {
                () = until => {}
                // `axum::serve` never returns an error.
                _ = axum::serve(listener, service) => {}
            }
        });
        let service = gateway::router(Arc::clone(&shared));
        let until = stop.clone().cancelled_owned();
        tasks.spawn(async move {
            tokio::select! {
                () = until => {}
                _ = axum::serve(gateway, service) => {}
            }
        });
        Ok(Self { shared, _alive: Arc::new(stop.drop_guard()) })
    }

    /// Where REST and CDN listen (TLS): `discord.api_resolve`.
    pub fn rest_addr(&self) -> SocketAddr {
        self.shared.rest
    }

    /// Where the gateway listens (plain).
    pub fn gateway_addr(&self) -> SocketAddr {
        self.shared.gateway
    }

    /// The certificate of the authority to trust, PEM: the content of `discord.ca_file`.
    pub fn ca_pem(&self) -> &str {
        &self.shared.ca_pem
    }

    /// The bot's token.
    pub fn token(&self) -> &str {
        &self.shared.token
    }

    /// Moves this Discord's clock ahead. Interactions that nobody acknowledged in time expire, addresses of
    /// attachments and nonces too.
    pub fn advance(&self, by: Duration) {
        self.shared.change(|state| {
            state.ahead += by;
            state.expire_interactions();
        });
    }
}

impl fmt::Debug for EmbeddedDiscord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedDiscord").field("rest", &self.shared.rest).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

//! The typing indicator: on while a turn works, renewed before Discord lets it lapse (10 s, docs: resources/channel).

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::deliver::{DeliverError, Discord};
use super::lock;
use crate::chain::Chain;
use crate::domain::ids::{ChannelId, TurnId};

const RENEWED_EVERY: Duration = Duration::from_secs(8);
/// In a channel that takes nothing it is tried again after this.
const CLOSED_WAIT: Duration = Duration::from_mins(5);

pub(super) struct Typing {
    discord: Arc<dyn Discord>,
    tasks: TaskTracker,
    stop: CancellationToken,
    channels: Mutex<HashMap<ChannelId, (HashSet<TurnId>, CancellationToken)>>,
}

impl Typing {
    pub(super) fn new(discord: Arc<dyn Discord>, tasks: TaskTracker, stop: CancellationToken) -> Self {
        Self { discord, tasks, stop, channels: Mutex::default() }
    }

    /// Whether `turn` works in `channel`. The indicator is on while any turn does.
    pub(super) fn set(&self, channel: ChannelId, turn: TurnId, working: bool) {
        let mut channels = lock(&self.channels);
        if !working {
            if let Some((turns, stop)) = channels.get_mut(&channel) {
                turns.remove(&turn);
                if turns.is_empty() {
                    stop.cancel();
                    channels.remove(&channel);
                }
            }
            return;
        }
        let (turns, _) = channels.entry(channel).or_insert_with(|| {
            let stop = self.stop.child_token();
            self.start(channel, stop.clone());
            (HashSet::new(), stop)
        });
        turns.insert(turn);
    }

    fn start(&self, channel: ChannelId, stop: CancellationToken) {
        let discord = Arc::clone(&self.discord);
        self.tasks.spawn(stop.run_until_cancelled_owned(async move {
            let mut interval = tokio::time::interval(RENEWED_EVERY);
            loop {
                interval.tick().await;
                if let Err(error) = discord.typing(channel).await {
                    tracing::debug!(%channel, error = %Chain(&error), "typing indicator not set");
                    if matches!(error, DeliverError::Closed { .. }) {
                        // Discord counts what it refuses (RELIABILITY §3): the indicator is not worth it.
                        interval.reset_after(CLOSED_WAIT);
                    }
                }
            }
        }));
    }
}

//! What time it is at Discord: asked at each login and once an hour, and known to the next daemon on this machine.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::rest::Rest;
use crate::chain::Chain;
use crate::clock::{Clock, Told, WallTime, boot_id};
use crate::store::{Store, StoreError};

/// A machine's clock that is slewed takes the one of [`Clock::wall`] with it.
const ASK_AGAIN_AFTER: Duration = Duration::from_hours(1);

/// The key of its setting.
const KEY: &str = "discord_time";

/// What is known of Discord's time, and in which start of the machine.
#[derive(Debug, Serialize, Deserialize)]
struct Known {
    boot: String,
    began: WallTime,
}

/// Sets the clock to what an earlier daemon was told. Until Discord tells more, it is not before what was decided on.
pub async fn recall(store: &Store, clock: Clock) -> Result<(), StoreError> {
    let known = store.setting(KEY).await?.and_then(|json| serde_json::from_str::<Known>(&json).ok());
    if let Some(Known { boot, began }) = known
        && boot_id().is_ok_and(|now| now == boot)
    {
        clock.has_begun(began);
    }
    if let Some(newest) = store.newest_decided_at().await? {
        clock.is_past(newest);
    }
    Ok(())
}

/// Sets the clock to what Discord tells.
pub async fn heed(store: &Store, clock: Clock, told: Told) {
    clock.is(told);
    let (Some(began), Ok(boot)) = (clock.began(), boot_id()) else { return };
    let Ok(json) = serde_json::to_string(&Known { boot, began }) else { return };
    if let Err(error) = store.set_setting(KEY, &json).await {
        tracing::warn!(error = %Chain(&error), "the next daemon will have to ask Discord for the time first");
    }
}

/// Asks again and again, for as long as it is waited for.
pub async fn follow(rest: Rest<'_>, store: &Store, clock: Clock) {
    loop {
        tokio::time::sleep(ASK_AGAIN_AFTER).await;
        match rest.bot_gateway().await {
            Ok((_, Some(told))) => heed(store, clock, told).await,
            Ok((_, None)) => tracing::debug!("Discord does not tell the time"),
            Err(error) => tracing::debug!(error = %Chain(&error), "Discord does not tell the time"),
        }
    }
}

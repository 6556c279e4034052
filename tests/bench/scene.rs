//! What scenes are made of: a Discord with many channels, and people who ask there.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use switchboard::domain::ids::{ChannelId, MessageId};
use switchboard::playground::discord::World;

use crate::harness::{MARA, Stage};
use crate::measure::{Call, Calls, now_us};

/// A stage with so many channels, each a project of its own in one directory; people's log level, and Discord's limits
/// lifted.
pub async fn piers(count: u64) -> (Stage, Vec<ChannelId>) {
    let channels: Vec<_> = (0..count).map(|number| ChannelId(1_100_000_000_000_001_000 + number)).collect();
    let mut world = World::playground();
    for (number, id) in channels.iter().enumerate() {
        world = world.with_channel(*id, &format!("pier-{number}"));
    }
    let stage = Stage::in_world(world).await;
    let dir = stage.dir().display().to_string();
    let projects: String = (channels.iter().enumerate())
        .map(|(number, id)| {
            format!("[[projects]]\nname = \"pier-{number}\"\nchannel_id = {id}\ndir = \"{dir}/harbor\"\n")
        })
        .collect();
    stage.discord.faults().limits_lifted(true);
    stage.discord.faults().identifies_left(1_000_000);
    (as_people_run_it(stage).with("lighthouse", &projects), channels)
}

/// With the log level of the default configuration; tests want more.
pub fn as_people_run_it(stage: Stage) -> Stage {
    stage.with_daemon_env("LOG_LEVEL", "info")
}

/// Without the daemon's own limits of calls, and of processes that wait; a binary that is too old to know a key keeps what
/// it has instead.
pub fn unlimited(stage: Stage) -> Stage {
    let stage = with_key(stage, "SWITCHBOARD_DISCORD__CALLS_PER_SEC_MAX", "10000");
    many_warm(stage)
}

/// With as many processes that wait as there are conversations.
pub fn many_warm(stage: Stage) -> Stage {
    with_key(stage, "SWITCHBOARD_LIMITS__WARM_PROCESSES_MAX", "1000")
}

fn with_key(stage: Stage, key: &str, value: &str) -> Stage {
    let before = stage.around_bot().clone();
    let stage = stage.with_daemon_env(key, value);
    if stage.run(&["check"]).code == Some(0) {
        return stage;
    }
    eprintln!("this binary has no such key: {key}");
    stage.around(before)
}

/// A turn as Discord saw it.
#[derive(Debug)]
pub struct Turn {
    /// When it was asked for.
    pub asked_us: i64,
    /// What Discord was asked until it was done with, in its channel.
    pub calls: Vec<Call>,
}

/// Asks in a channel, and waits until the bot says that it is done.
pub async fn turn(stage: &Stage, calls: &mut Calls, channel: ChannelId, text: &str) -> Turn {
    calls.so_far();
    let asked_us = now_us();
    let message = stage.ask(MARA, channel, text);
    let mut own = Vec::new();
    let prefix = format!("/channels/{channel}/");
    loop {
        for call in calls.next().await {
            let is_end = call.finishes() == Some(message);
            if call.path.starts_with(&prefix) {
                own.push(call);
            }
            if is_end {
                return Turn { asked_us, calls: own };
            }
        }
    }
}

/// Has `count` turns of `text`, `at_once` of them at a time, in these channels one after the other; gives how long that
/// took. A channel has at most one at a time.
pub async fn drive(
    stage: &Stage,
    channels: &[ChannelId],
    text: &str,
    count: usize,
    at_once: usize,
) -> Duration {
    let mut calls = Calls::from_now(&stage.discord);
    let mut open: HashSet<MessageId> = HashSet::new();
    let mut next = channels.iter().cycle().take(count);
    let begun = Instant::now();
    let mut done = 0;
    while done < count {
        while open.len() < at_once.min(channels.len())
            && let Some(channel) = next.next()
        {
            open.insert(stage.ask(MARA, *channel, text));
        }
        let ended = calls.next().await.into_iter().filter_map(|call| call.finishes());
        done += ended.filter(|message| open.remove(message)).count();
    }
    begun.elapsed()
}

/// Waits until everything that a turn leaves behind is done: reactions, rows.
pub async fn quiet() {
    tokio::time::sleep(Duration::from_secs(2)).await;
}

/// What went wrong in a run, in words; a figure that came of it is worth nothing.
pub fn trouble(stage: &Stage) -> Option<String> {
    let limited =
        stage.discord.look(|now| now.requests().iter().filter(|request| request.status == 429).count());
    let violations = stage.discord.violations();
    let said = violations.first().map(|first| format!("{} rules broken, first {first:?}", violations.len()));
    said.or_else(|| (limited > 0).then(|| format!("{limited} requests answered 429")))
}

//! H1: days in the life of one daemon. A quiet one; and one of mixed trouble, in which neither memory nor descriptors
//! grow.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use switchboard::playground::discord::Fault;

use super::gather::{assert_kept, gather, settle};
use super::record::Deleted;
use super::talk::{Talk, town};
use super::{Dice, number, tell};
use crate::harness::{Stage, alive, memory};

const CHANNELS: u64 = 10;
/// More than this many messages are never open: people wait then.
const OPEN_MAX: usize = 20;
/// A shorter run says nothing about growth: its first sixth is too short for caches and the allocator to fill.
const GROWTH_AFTER: Duration = Duration::from_mins(30);
/// A connection to Discord's API is kept for a minute and a half, and looked at as often.
const REST: Duration = Duration::from_secs(200);

#[tokio::test(flavor = "multi_thread")]
async fn on_a_quiet_day_everybody_is_answered_once() {
    let (stage, mut talk) = town(4, Dice::seeded(5)).await;
    let stage = stage.with("limits", "running_turns_max = 8\nqueued_prompts_max = 1000");
    let bot = stage.bot().await;
    for _ in 0..40 {
        talk.anything(&stage);
    }
    settle(&stage, &talk).await;
    for _ in 0..20 {
        // The gateway may say anything twice, soon or late.
        talk.anything(&stage);
        talk.hear_again(&stage);
    }
    let settled = settle(&stage, &talk).await;
    let history = gather(&stage, &talk, Vec::new(), BTreeSet::new()).await;
    tell(&format!("{} messages on a quiet day, answered after {settled:.1?}", talk.said.len()));
    assert_kept("a quiet day", &history);
    assert_eq!(bot.stop().code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn mixed_trouble_leaves_nothing_behind() {
    let seed = number("HISTORY_SEED", 6);
    let lasts = Duration::from_secs(number("HISTORY_SOAK_SECS", 12));
    let mut dice = Dice(seed);
    let (stage, mut talk) = town(CHANNELS, Dice(seed ^ 0xffff)).await;
    let stage = stage.with("limits", "running_turns_max = 8\nqueued_prompts_max = 1000");
    let bot = stage.bot().await;
    let mut killed = BTreeSet::new();
    // What is compared is rest with rest: before the first sixth everything grows once.
    trouble(&stage, &mut talk, &mut dice, lasts / 6, &mut killed).await;
    settle(&stage, &talk).await;
    rest(lasts).await;
    let first = (memory(bot.pid()), descriptors(bot.pid()));
    trouble(&stage, &mut talk, &mut dice, lasts * 5 / 6, &mut killed).await;
    let settled = settle(&stage, &talk).await;
    rest(lasts).await;
    let last = (memory(bot.pid()), descriptors(bot.pid()));
    let history = gather(&stage, &talk, Vec::new(), killed).await;
    #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
    let growth = (last.0.own + last.0.files) as f64 / (first.0.own + first.0.files) as f64;
    tell(&format!(
        "seed {seed}: {} messages in {lasts:?}, {} CLIs killed, {} requests ({} invalid), connected {:?} times; settled after \
         {settled:.1?}; memory {} and files {} → {} and {} KiB (× {growth:.3}), descriptors {:?} → {:?}",
        talk.said.len(),
        history.killed.len(),
        stage.discord.look(|discord| discord.requests().len()),
        stage.discord.invalid_requests(),
        stage.discord.identifies_and_resumes(),
        first.0.own >> 10,
        first.0.files >> 10,
        last.0.own >> 10,
        last.0.files >> 10,
        first.1,
        last.1,
    ));
    assert_kept(&format!("mixed trouble, seed {seed}"), &history);
    if lasts >= GROWTH_AFTER {
        assert!(growth < 1.05, "memory grew by {growth:.3}");
        let [first, last] = [first.1, last.1].map(|kinds| kinds.values().sum::<usize>());
        assert!(last.abs_diff(first) <= 5, "descriptors: {first} → {last}");
    }
    assert_eq!(bot.stop().code, Some(0));
}

/// Waits until all is gone that is kept for a while in case it is wanted again: conversations, connections.
async fn rest(lasts: Duration) {
    if lasts >= GROWTH_AFTER {
        tokio::time::sleep(REST).await;
    }
}

/// People talk, and every second something goes wrong.
async fn trouble(
    stage: &Stage,
    talk: &mut Talk,
    dice: &mut Dice,
    lasts: Duration,
    killed: &mut BTreeSet<i64>,
) {
    let begun = Instant::now();
    let mut next = begun;
    while begun.elapsed() < lasts {
        if open(stage, talk).await < OPEN_MAX {
            talk.anything(stage);
        }
        if Instant::now() >= next {
            next += Duration::from_secs(1);
            talk.let_threads_sleep(stage);
            go_wrong(stage, dice, killed);
        }
        tokio::time::sleep(Duration::from_millis(50 + dice.below(150))).await;
    }
    stage.discord.faults().clear_rest();
}

fn go_wrong(stage: &Stage, dice: &mut Dice, killed: &mut BTreeSet<i64>) {
    let faults = stage.discord.faults();
    let seed = dice.roll();
    match dice.below(12) {
        0 => faults.drop_tcp(),
        1 => faults.reconnect(),
        2 => faults.close(4000),
        3 => faults.invalid_session(dice.below(2) == 0),
        4 => faults.rate("POST /channels/*/messages", 300_000, seed, Fault::ApplyThenFail),
        5 => faults.rate("POST /channels/*/messages", 300_000, seed, Fault::Drop),
        6 => faults.rate("PATCH /channels/*/messages/*", 300_000, seed, Fault::ApplyThenStatus(502)),
        7 => faults.rate("/**", 150_000, seed, Fault::Status(503, serde_json::json!({}))),
        8 => {
            let retry_after = Duration::from_millis(200);
            faults.rate(
                "/**",
                100_000,
                seed,
                Fault::RateLimited { retry_after, global: false, scope: "shared" },
            );
        }
        9 => faults.clear_rest(),
        _ => {
            let begun = stage.cli_log("prompt");
            let Some(pid) = begun.last().and_then(|line| line["pid"].as_i64()) else { return };
            let number = i32::try_from(pid).expect("process ids fit");
            // Not one that is over: its number may be somebody else's by now.
            let ours = crate::harness::arguments(number)
                .first()
                .is_some_and(|program| program.ends_with(b"fake_claude"));
            if ours && alive(number) && kill(Pid::from_raw(number), Signal::SIGKILL).is_ok() {
                killed.insert(pid);
            }
        }
    }
}

/// How many prompts wait or run, or were said and not heard yet.
async fn open(stage: &Stage, talk: &Talk) -> usize {
    let open = "SELECT id FROM prompts WHERE state = 'queued' UNION ALL SELECT id FROM turns WHERE delivered_at IS NULL";
    let late = talk.said.iter().rev().filter(|said| said.eligible && said.deleted == Deleted::No);
    let late: Vec<_> = late.take(10 * OPEN_MAX).map(|said| format!("'message:{}'", said.id)).collect();
    let heard = format!("SELECT origin_key FROM prompts WHERE origin_key IN ({})", late.join(","));
    stage.sql(open).await.len() + late.len() - stage.sql(&heard).await.len()
}

/// What a process has open, and how much of each kind.
fn descriptors(pid: i32) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd")).expect("it lives").flatten() {
        // One that was closed just now.
        let Ok(target) = std::fs::read_link(entry.path()) else { continue };
        let target = target.display().to_string();
        let kind = match target.split_once(":[") {
            Some((kind, _)) => kind,
            None => target.rsplit('/').next().unwrap_or_default(),
        };
        *kinds.entry(kind.to_owned()).or_default() += 1;
    }
    kinds
}

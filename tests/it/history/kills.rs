//! A1: `kill -9` of the daemon at random points, while turns run and queue over many channels.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::gather::{assert_kept, death, gather, settle};
use super::record::Death;
use super::talk::{Talk, town};
use super::{Dice, number, tell};
use crate::harness::Stage;

/// A daemon that has not come to the point at which it was to be killed so long after its login is killed now: how fast the
/// machine starts it does not say how much happens in its life.
const CONNECTED_MAX: Duration = Duration::from_millis(1200);
/// One that has not logged in by now is killed as well.
const LIFE_MAX: Duration = Duration::from_secs(10);

/// When the daemon is killed.
#[derive(Debug)]
enum Point {
    /// So long after its start.
    After(Duration),
    /// When it has made so many requests that change something.
    Requests(usize),
    /// When it has made so many requests with this method and this word in the path.
    RequestsOf(&'static str, &'static str, usize),
    /// When this many bytes more were recorded of its processes.
    Recorded(u64),
}

impl Point {
    fn any(dice: &mut Dice) -> Self {
        let few = |dice: &mut Dice, end| usize::try_from(dice.below(end) + 1).expect("a few");
        match dice.below(10) {
            0..=2 => Point::After(Duration::from_millis(dice.below(1500))),
            3 => Point::Requests(few(dice, 30)),
            4 => Point::RequestsOf("PUT", "/reactions/", few(dice, 6)),
            5 => Point::RequestsOf("POST", "/messages", few(dice, 4)),
            6 => Point::RequestsOf("PATCH", "/messages/", few(dice, 4)),
            7 => Point::RequestsOf("DELETE", "/reactions/", few(dice, 4)),
            _ => Point::Recorded(dice.below(12_000)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_at_any_point_loses_nothing_and_says_nothing_twice() {
    let (kills, turns, channels) =
        (number("HISTORY_KILLS", 60), number("HISTORY_TURNS", 60), number("HISTORY_CHANNELS", 12));
    let seed = number("HISTORY_SEED", 1);
    let mut dice = Dice(seed);
    let (stage, mut talk) = town(channels, Dice(seed ^ 0xffff)).await;
    let stage = stage.with("limits", "running_turns_max = 8\nqueued_prompts_max = 1000");
    let as_people_run_it = stage.around_bot().clone();
    // What was missed takes a few calls for each channel: in a short life, all that a second has.
    let stage = stage.with_daemon_env("SWITCHBOARD_DISCORD__CALLS_PER_SEC_MAX", "10000");
    // A channel that was never seen has nothing to make up for.
    let bot = stage.bot().await;
    talk.everywhere(&stage);
    settle(&stage, &talk).await;
    bot.kill();
    let before = talk.said.len();
    let turns = turns + before as u64;
    let (begun, mut deaths, mut reached) = (Instant::now(), Vec::new(), 0);
    for kill in 0..kills {
        let point = Point::any(&mut dice);
        // Mostly few, sometimes many at once, so that turns queue; all of them before the last kills.
        let due = (turns * (kill + 3) / kills).min(turns).saturating_sub(talk.said.len() as u64);
        let due = if dice.below(3) == 0 || kill + 3 >= kills { due } else { due.min(1) };
        forget_logins(&stage).await;
        reached += u64::from(live(&stage, &mut talk, &mut dice, &point, due).await);
        deaths.push(death(&stage, &format!("kill {kill}, {point:?}")).await);
    }
    let killing = begun.elapsed();
    let accepted = deaths.last().map_or(0, |death: &Death| death.stored.len()).saturating_sub(before);
    let ended = stage.sql("SELECT CAST(count(*) AS TEXT) FROM turns WHERE end IS NOT NULL").await.remove(0);
    forget_logins(&stage).await;
    let bot = stage.bot_unready_with(&as_people_run_it);
    let settled = settle(&stage, &talk).await;
    let history = gather(&stage, &talk, deaths, BTreeSet::new()).await;
    tell(&format!(
        "seed {seed}: {kills} kills in {killing:.1?}, {reached} at their points, {} messages ({} eligible, {accepted} accepted by who \
         was killed) over {channels} channels, {} turns, {ended} of them ended before the last start; settled {settled:.1?} after that",
        talk.said.len(),
        history.said.iter().filter(|said| said.eligible).count(),
        history.stored.outcomes.len(),
    ));
    assert_kept(&format!("{kills} kills, seed {seed}"), &history);
    assert!(accepted > 0, "whoever was killed had accepted nothing: this shows nothing");
    assert_eq!(bot.stop().code, Some(0));
}

/// One life of the daemon: people talk, and at the point it is killed. Gives whether it came there.
async fn live(stage: &Stage, talk: &mut Talk, dice: &mut Dice, point: &Point, mut due: u64) -> bool {
    if dice.below(3) == 0 {
        while due > 0 {
            talk.while_away(stage);
            due -= 1;
        }
    }
    let (requests, recorded) = (stage.discord.look(|discord| discord.requests().len()), recorded(stage));
    let logins = stage.discord.identifies_and_resumes().0;
    let bot = stage.bot_unready();
    let (begun, mut connected_at) = (Instant::now(), None);
    loop {
        let connected = stage.discord.identifies_and_resumes().0 > logins;
        if connected {
            connected_at.get_or_insert_with(Instant::now);
        }
        let is_old = connected_at.is_some_and(|at: Instant| at.elapsed() > CONNECTED_MAX);
        if due > 0 && connected && dice.below(40) == 0 {
            talk.anything(stage);
            due -= 1;
        }
        if connected && !talk.said.is_empty() && dice.below(400) == 0 {
            talk.hear_again(stage);
        }
        let here = match point {
            Point::After(after) => begun.elapsed() >= *after,
            Point::Requests(count) => stage.discord.look(|now| {
                let new = now.requests()[requests..].iter();
                new.filter(|request| request.method != "GET").count() >= *count
            }),
            Point::RequestsOf(method, word, count) => stage.discord.look(|now| {
                let new = now.requests()[requests..].iter();
                new.filter(|request| request.method == *method && request.path.contains(word)).count()
                    >= *count
            }),
            Point::Recorded(bytes) => self::recorded(stage) >= recorded + bytes,
        };
        if here || is_old || begun.elapsed() > LIFE_MAX {
            bot.kill();
            return here;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// As if hours lay between two lives: whoever is started again and again within one is held back (B1 is about that).
async fn forget_logins(stage: &Stage) {
    stage.alter("DELETE FROM identifies").await;
}

/// How much the shims have recorded.
fn recorded(stage: &Stage) -> u64 {
    let processes = std::fs::read_dir(stage.state_dir().join("processes")).into_iter().flatten().flatten();
    processes.filter_map(|process| Some(process.path().join("spool").metadata().ok()?.len())).sum()
}

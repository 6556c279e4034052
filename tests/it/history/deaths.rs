//! A2: the daemon dies at each point between two durable steps, at once or when all else had time to go on.
//!
//! Most points are passed when people talk. What makes a daemon pass the others is in [`scenes`].

mod scenes;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::future::join_all;
use switchboard::fail_point::Point;

use super::gather::{assert_kept, death, gather, settle};
use super::record::{Death, History};
use super::talk::{Talk, town};
use super::{Dice, number, tell};
use crate::harness::{Bot, MARA, Stage, eventually, hears_tests};

/// How long the rest of the daemon goes on at every second death, in milliseconds.
const PAUSE_MS: u64 = 600;
/// How many stages share the points.
const LANES: usize = 4;
const CHANNELS: usize = 4;
/// How long people wait before they write again to a daemon that has not passed its point.
const ASK_AGAIN: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_dies_between_two_durable_steps_loses_nothing_and_says_nothing_twice() {
    if !hears_tests() {
        return;
    }
    let times = number("HISTORY_DEATHS", 2);
    let points = wanted(|point| scene(point) == Scene::Talk);
    let lanes = (0..LANES).map(|lane| {
        let points = points.iter().copied().skip(lane).step_by(LANES).collect::<Vec<_>>();
        async move { die_at(lane as u64, &points, times).await }
    });
    let deaths: usize = join_all(lanes).await.into_iter().sum();
    tell(&format!("{deaths} deaths at {} points", points.len()));
}

/// What makes a daemon pass a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scene {
    /// People talk.
    Talk,
    /// Somebody decides on what was held after an absence: by this button.
    Held(&'static str),
    /// No prompt is taken: the disk is nearly full.
    Refusal,
    /// Claude asks a person, who allows it.
    Question,
    /// The message of a turn that works is deleted.
    Deleted,
    /// The message of a turn that works takes no more edits.
    Worn,
    /// What a test of its own does: the daemon dies there in `account.rs`, `delivery/deaths.rs`, `failures.rs`, `modes.rs` and
    /// `steering/deaths.rs`.
    Own,
}

fn scene(point: Point) -> Scene {
    match point {
        Point::Holding | Point::Held | Point::HeldQueueing | Point::HeldQueued => Scene::Held("Run"),
        Point::HeldIgnored => Scene::Held("Ignore"),
        Point::Refusing | Point::Refused => Scene::Refusal,
        Point::AskRow | Point::CardRow | Point::CardPosted | Point::AskSettled | Point::AskAnswered => {
            Scene::Question
        }
        Point::SlotGone | Point::SuccessorRow | Point::SuccessorPosted => Scene::Deleted,
        Point::Replaced => Scene::Worn,
        Point::CreateRefused
        | Point::LookedUp
        | Point::SlotRefused
        | Point::SessionLost
        | Point::LoginGone
        | Point::PlanLeft
        | Point::Withdrawn
        | Point::PromptEdited
        | Point::Wished
        | Point::SteerDue
        | Point::SteerRow
        | Point::SteerHanded
        | Point::Hearing
        | Point::Heard
        | Point::Unsteered => Scene::Own,
        Point::Accepting
        | Point::Accepted
        | Point::Acknowledged
        | Point::Submitted
        | Point::Joined
        | Point::ProcessRow
        | Point::TurnRow
        | Point::ShimSpawned
        | Point::ShimReady
        | Point::LineDue
        | Point::LineHanded
        | Point::SideEffectsDue
        | Point::SideEffectsNoted
        | Point::TurnEnding
        | Point::TurnEnded
        | Point::ProcessEnding
        | Point::ProcessEnded
        | Point::SlotRow
        | Point::Posted
        | Point::SlotSent
        | Point::Edited
        | Point::Delivering
        | Point::Delivered
        | Point::Attached
        | Point::Forgotten => Scene::Talk,
    }
}

/// The points of this kind that are wanted: all, or those that `HISTORY_POINT` names, with commas between.
fn wanted(kind: impl Fn(Point) -> bool) -> Vec<Point> {
    let only = std::env::var("HISTORY_POINT").unwrap_or_default();
    let named = |point: &Point| only.is_empty() || only.split(',').any(|name| name == format!("{point:?}"));
    let points: Vec<_> = Point::ALL.into_iter().filter(named).collect();
    assert!(!points.is_empty(), "there is no point {only}");
    points.into_iter().filter(|point| kind(*point)).collect()
}

/// Dies at each of the points so many times, and checks the history after each point. Gives the number of deaths.
async fn die_at(lane: u64, points: &[Point], times: u64) -> usize {
    let (stage, mut talk) = town(CHANNELS as u64, Dice::seeded(lane + 3)).await;
    let stage = stage.with("limits", "running_turns_max = 8\nqueued_prompts_max = 1000");
    let mut deaths = Vec::new();
    for point in points {
        for time in 0..times {
            deaths.push(die(&stage, &mut talk, *point, time).await);
        }
        let bot = stage.bot().await;
        settle(&stage, &talk).await;
        let history: History = gather(&stage, &talk, deaths.clone(), BTreeSet::new()).await;
        assert_kept(&format!("dying at {point:?}"), &history);
        // The next life finds nothing to do but this point's own.
        bot.kill();
    }
    deaths.len()
}

/// One death: a turn runs already, others come, and the point is passed.
async fn die(stage: &Stage, talk: &mut Talk, point: Point, time: u64) -> Death {
    let begun = stage.cli_log("prompt").len();
    let bot = stage.bot().await;
    let gone = stage.dir().join(format!("gone-{point:?}-{time}"));
    // As many as the next daemon has to attach to, if it is to die when it has attached to so many.
    for channel in 0..nth(time) {
        let script = format!("[[say:Before.]] [[wait:{}]] [[bash:echo once >> EFFECT]]", gone.display());
        talk.ask(stage, MARA, talk.channel(channel), &script);
    }
    eventually("turns to run", || (stage.cli_log("prompt").len() >= begun + nth(time)).then_some(())).await;
    bot.kill();
    std::fs::write(&gone, "").expect("the gate opens");
    let (mut bot, pause) = doomed(stage, point, time);
    let name = format!("death {time} at {point:?}");
    let connected = stage.discord.identifies_and_resumes().0;
    let mut asked = None;
    eventually(&format!("{name}: the daemon to pass it"), || {
        // Once it is connected, people write: to it if it still lives, and else into the void. Some points are passed
        // only when the processes of before have gone, so they write again.
        let again = asked.is_none_or(|asked: Instant| asked.elapsed() > ASK_AGAIN);
        if again && stage.discord.identifies_and_resumes().0 > connected {
            for channel in 0..CHANNELS {
                // One that still runs when the next daemon comes, or one that is over by then.
                let chunks = if pause == 0 { 30 } else { 4 };
                let script = format!("[[say:Half.]] [[stream:{chunks},15]] [[bash:echo once >> EFFECT]]");
                talk.ask(stage, MARA, talk.channel(channel), &script);
                // What waits behind it is one prompt.
                talk.ask(stage, MARA, talk.channel(channel), "[[bash:echo once >> EFFECT]]");
                talk.ask(stage, MARA, talk.channel(channel), "[[say:And.]]");
            }
            asked = Some(Instant::now());
        }
        bot.is_over().then_some(())
    })
    .await;
    death(stage, &name).await
}

/// At which passing of its point a daemon dies: the first, second or third.
fn nth(time: u64) -> usize {
    [1, 1, 2, 2, 3, 3][usize::try_from(time % 6).expect("it is below 6")]
}

/// A daemon that dies when it passes the point, for the first, second or third time, and how long it pauses before, in
/// milliseconds.
fn doomed(stage: &Stage, point: Point, time: u64) -> (Bot, u64) {
    let pause = if time.is_multiple_of(2) { 0 } else { PAUSE_MS };
    let mut around = stage.around_bot().clone();
    // What is refused is said once.
    let nth = if scene(point) == Scene::Refusal { 1 } else { nth(time) };
    around.env.push(("FAIL_AT".to_owned(), format!("{point:?}:{nth}:{pause}")));
    (stage.bot_unready_with(&around), pause)
}

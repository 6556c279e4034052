//! What people do so that a daemon passes a point that talk alone does not reach, and that the next daemon is left with.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::{Value, json};
use switchboard::domain::ids::{ChannelId, MessageId};
use switchboard::fail_point::Point;
use switchboard::playground::discord::Fault;

use super::super::gather::{assert_kept, cut, death, gather, settle};
use super::super::record::{Death, History};
use super::super::talk::{Talk, town};
use super::super::{Dice, number, tell};
use super::{ASK_AGAIN, CHANNELS, Scene, doomed, scene, wanted};
use crate::harness::{BOT, MARA, Stage, by_turns, eventually, hears_tests};

/// How often people look whether there is something for them to do.
const LOOK_EVERY: Duration = Duration::from_millis(30);

#[tokio::test(flavor = "multi_thread")]
async fn so_does_one_that_dies_around_what_people_decide_and_delete() {
    if !hears_tests() {
        return;
    }
    let times = number("HISTORY_DEATHS", 2);
    let kinds: [&[Scene]; 4] = [
        &[Scene::Held("Run"), Scene::Held("Ignore")],
        &[Scene::Refusal],
        &[Scene::Question],
        &[Scene::Deleted, Scene::Worn],
    ];
    let lanes = kinds.into_iter().enumerate().map(|(lane, kinds)| async move {
        let points = wanted(|point| kinds.contains(&scene(point)));
        if points.is_empty() { 0 } else { die_at(lane as u64, &points, times).await }
    });
    let deaths: usize = join_all(lanes).await.into_iter().sum();
    tell(&format!("{deaths} deaths around what people decide and delete"));
}

/// Dies at each of the points so many times, and checks the history after each point. Gives the number of deaths.
async fn die_at(lane: u64, points: &[Point], times: u64) -> usize {
    let (stage, mut talk) = town(CHANNELS as u64, Dice::seeded(lane + 30)).await;
    // Nothing of an absence is run unasked.
    let held = points.iter().any(|point| matches!(scene(*point), Scene::Held(_)));
    let refused = points.iter().any(|point| scene(*point) == Scene::Refusal);
    let caps = match (held, refused) {
        (true, _) => "\ncatch_up_prompts_max = 0",
        (_, true) => "\ndisk_free_bytes_min = 1_000_000_000_000_000_000",
        _ => "",
    };
    let stage = stage.with("limits", &format!("running_turns_max = 8\nqueued_prompts_max = 1000{caps}"));
    let mut deaths = Vec::new();
    for point in points {
        let scene = scene(*point);
        for time in 0..times {
            deaths.push(die(&stage, &mut talk, *point, scene, time).await);
        }
        let bot = stage.bot().await;
        attend(&stage, &talk, scene).await;
        let history: History = gather(&stage, &talk, deaths.clone(), BTreeSet::new()).await;
        assert_kept(&format!("dying at {point:?}"), &history);
        cut(&stage, bot);
    }
    deaths.len()
}

/// One death in its scene.
async fn die(stage: &Stage, talk: &mut Talk, point: Point, scene: Scene, time: u64) -> Death {
    if matches!(scene, Scene::Held(_) | Scene::Refusal) {
        let bot = stage.bot().await;
        // What is seen for the first time has no absence.
        if talk.said.is_empty() {
            talk.everywhere(stage);
        }
        attend(stage, talk, scene).await;
        cut(stage, bot);
    }
    if let Scene::Held(button) = scene {
        for number in 0..2 * CHANNELS {
            talk.ask(stage, MARA, talk.channel(number), "[[bash:echo once >> EFFECT]]");
            (talk.last().eligible, talk.last().let_go) = (button == "Run", button == "Ignore");
        }
    }
    let before = caught_up(stage);
    let (mut bot, _) = doomed(stage, point, time);
    let name = format!("death {time} at {point:?}");
    let connected = stage.discord.identifies_and_resumes().0;
    let (mut hands, mut asked) = (Hands::default(), None);
    eventually(&format!("{name}: the daemon to pass it"), || {
        if bot.is_over() {
            return Some(());
        }
        // What comes earlier is of an absence, and not refused but held.
        let is_there = scene != Scene::Refusal || caught_up(stage) > before;
        if stage.discord.identifies_and_resumes().0 > connected && is_there {
            // What is not taken is said once: who says it again says something else.
            let again = |asked: Instant| scene != Scene::Refusal && asked.elapsed() > ASK_AGAIN;
            if asked.is_none_or(again) {
                everybody_asks(stage, talk, scene);
                asked = Some(Instant::now());
            }
            hands.act(stage, talk, scene);
        }
        None
    })
    .await;
    if point == Point::Refusing {
        // It is not stored, so it is read after the absence, and held.
        (talk.last().eligible, talk.last().let_go) = (false, true);
    }
    death(stage, &name).await
}

/// How often a daemon read all that was said in its absence.
fn caught_up(stage: &Stage) -> usize {
    stage.log_lines().iter().filter(|line| line["message"] == "caught up").count()
}

fn everybody_asks(stage: &Stage, talk: &mut Talk, scene: Scene) {
    let gates = stage.dir().join("gate-TOKEN").display().to_string();
    let script = match scene {
        Scene::Question => "[[say:May I?]] [[ask:bash:echo once >> EFFECT]]".to_owned(),
        Scene::Deleted | Scene::Worn => format!("[[say:Half.]] [[wait:{gates}]] [[stream:4,15]]"),
        Scene::Refusal => {
            // One at a time: what comes when the daemon is gone is held, not refused.
            talk.ask(stage, MARA, talk.channel(talk.said.len() % CHANNELS), "[[say:Never.]]");
            return;
        }
        Scene::Held(_) | Scene::Talk | Scene::Own => return,
    };
    // Each turn has a gate of its own, so nobody says two things in a row.
    let who = by_turns(talk.said.len() / CHANNELS);
    for channel in 0..CHANNELS {
        talk.ask(stage, who, talk.channel(channel), &script);
    }
}

/// Does what people have to do, until all is said and done, or nothing moves any more.
async fn attend(stage: &Stage, talk: &Talk, scene: Scene) {
    let mut hands = Hands::default();
    let acting = async {
        loop {
            hands.act(stage, talk, scene);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::select! {
        _ = settle(stage, talk) => {}
        () = acting => {}
    }
}

/// What people did in this life of the daemon.
#[derive(Default)]
struct Hands {
    clicked: BTreeSet<String>,
}

impl Hands {
    fn act(&mut self, stage: &Stage, talk: &Talk, scene: Scene) {
        match scene {
            Scene::Held(label) => self.click(stage, talk, label),
            Scene::Refusal => self.click(stage, talk, "Ignore"),
            Scene::Question => self.click(stage, talk, "Allow once"),
            Scene::Deleted | Scene::Worn => disturb(stage, talk, scene),
            Scene::Talk | Scene::Own => {}
        }
    }

    /// Clicks what has this label, each button once.
    fn click(&mut self, stage: &Stage, talk: &Talk, label: &str) {
        for channel in 0..CHANNELS {
            let buttons = stage.buttons(talk.channel(channel));
            for (message, _, id) in buttons.into_iter().filter(|(_, found, _)| found == label) {
                if self.clicked.insert(format!("{message} {id}")) {
                    let card = stage.discord.message(message).unwrap_or_default();
                    talk.click(card["content"].as_str().unwrap_or_default().to_owned(), label);
                    stage.discord.try_component(MARA, message, &id, &[]);
                }
            }
        }
    }
}

/// Deletes the first message of each turn that waits at its gate, or lets Discord take no more edits of it; then the turn
/// goes on.
fn disturb(stage: &Stage, talk: &Talk, scene: Scene) {
    for said in &talk.said {
        let gate = stage.dir().join(format!("gate-{}", said.token));
        if gate.exists() {
            continue;
        }
        let messages = stage.discord.messages(ChannelId(said.answered_in));
        let asked = said.id.to_string();
        let own = |message: &&Value| {
            message["author"]["id"] == BOT.to_string() && message["message_reference"]["message_id"] == asked
        };
        let Some(answer) = messages.iter().find(own) else { continue };
        let id = answer["id"].as_str().and_then(|id| id.parse().ok()).expect("Discord's ids are numbers");
        if !answer["content"].as_str().is_some_and(|text| text.contains("Half.")) {
            continue;
        }
        if scene == Scene::Deleted {
            stage.discord.delete(MessageId(id));
        } else {
            let body = json!({ "code": 30046, "message": "Maximum number of edits to messages older than 1 hour reached." });
            let edit = format!("PATCH /channels/{}/messages/{id}", said.answered_in);
            stage.discord.faults().next_rest(edit.as_str(), Fault::Status(400, body));
        }
        std::fs::write(&gate, "").expect("the gate opens");
    }
}

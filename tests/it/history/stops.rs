//! G1: SIGTERM while twenty turns run, and a start again. They all go on, and are answered once.

use std::collections::BTreeSet;
use std::time::Instant;

use super::gather::{assert_kept, death, gather, settle};
use super::talk::town;
use super::{Dice, number, tell};
use crate::harness::{MARA, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn turns_go_on_over_a_stop_and_a_start() {
    const TURNS: usize = 20;
    let rounds = number("HISTORY_STOPS", 3);
    let (stage, mut talk) = town(TURNS as u64, Dice::seeded(2)).await;
    let stage = stage.with("limits", "running_turns_max = 20");
    let (mut deaths, mut slowest) = (Vec::new(), std::time::Duration::ZERO);
    let mut bot = stage.bot().await;
    for round in 0..rounds {
        let gate = stage.dir().join(format!("gate-{round}"));
        for number in 0..TURNS {
            let script = format!("[[say:Begun.]] [[wait:{}]] [[bash:echo once >> EFFECT]]", gate.display());
            talk.ask(&stage, MARA, talk.channel(number), &script);
        }
        let begun = (usize::try_from(round).expect("a few") + 1) * TURNS;
        eventually("all turns to run", || (stage.cli_log("prompt").len() == begun).then_some(())).await;
        let asked = Instant::now();
        assert_eq!(bot.stop().code, Some(0), "round {round}");
        slowest = slowest.max(asked.elapsed());
        deaths.push(death(&stage, &format!("stop {round}")).await);
        if round % 2 == 0 {
            // They end while nobody is there.
            std::fs::write(&gate, "").expect("the gate opens");
            bot = stage.bot().await;
        } else {
            bot = stage.bot().await;
            std::fs::write(&gate, "").expect("the gate opens");
        }
        stage.rows("SELECT id FROM turns WHERE delivered_at IS NULL", 0).await;
    }
    settle(&stage, &talk).await;
    let history = gather(&stage, &talk, deaths, BTreeSet::new()).await;
    tell(&format!("{rounds} stops with {TURNS} turns each; the slowest exit took {slowest:.1?}"));
    assert_kept(&format!("{rounds} stops"), &history);
    assert_eq!(bot.stop().code, Some(0));
}

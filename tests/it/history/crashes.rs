//! A4: the CLI is killed after its first side effect. Nothing of it is done again, and people are told.

use std::collections::BTreeSet;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::gather::{assert_kept, gather, settle};
use super::talk::town;
use super::{Dice, number, tell};
use crate::harness::{MARA, eventually};

/// How many are killed side by side.
const CHANNELS: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cli_did_before_it_was_killed_is_not_done_again() {
    let rounds = number("HISTORY_CRASHES", 10).div_ceil(CHANNELS as u64);
    let (stage, mut talk) = town(CHANNELS as u64, Dice::seeded(7)).await;
    let stage = stage.with("limits", "running_turns_max = 5\nqueued_prompts_max = 1000");
    let bot = stage.bot().await;
    let mut killed = BTreeSet::new();
    for round in 0..rounds {
        // It waits for a file that is there once it is killed.
        let gone = stage.dir().join(format!("killed-{round}"));
        let goes_on = format!("[[say:Now.]] [[bash:echo once >> EFFECT]] [[wait:{}]]", gone.display());
        let mut effects = Vec::new();
        for number in 0..CHANNELS {
            talk.ask(&stage, MARA, talk.channel(number), &goes_on);
            effects.push(talk.said.last().expect("it was said just now").token.clone());
            // What waits behind it is done, by another CLI.
            talk.ask(&stage, MARA, talk.channel(number), "[[bash:echo once >> EFFECT]]");
        }
        for token in effects {
            let effect = talk.effects.join(&token);
            eventually("the side effect", || effect.exists().then_some(())).await;
            let of_it =
                |line: &serde_json::Value| line["text"].as_str().is_some_and(|text| text.contains(&token));
            let begun = stage.cli_log("prompt").into_iter().rfind(of_it).expect("who did it has begun it");
            let pid = begun["pid"].as_i64().expect("a number");
            kill(Pid::from_raw(i32::try_from(pid).expect("process ids fit")), Signal::SIGKILL)
                .expect("it lives");
            killed.insert(pid);
        }
        std::fs::write(&gone, "").expect("the file");
        stage.rows("SELECT id FROM turns WHERE delivered_at IS NULL", 0).await;
    }
    settle(&stage, &talk).await;
    let history = gather(&stage, &talk, Vec::new(), killed).await;
    tell(&format!("{} CLIs killed after their first side effect", history.killed.len()));
    assert_kept("killed CLIs", &history);
    assert_eq!(bot.stop().code, Some(0));
}

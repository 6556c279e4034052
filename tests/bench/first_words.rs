//! How much longer the first words of a follow-up take through Discord than from the same warm CLI alone: the real one,
//! with an API whose first token comes after half a second.

use std::time::{Duration, Instant};

use serde_json::Value;
use switchboard::domain::ids::ChannelId;

use crate::Extent;
use crate::figure::Figure;
use crate::harness::{BOT, HARBOR, MARA, Stage};
use crate::measure::Samples;
use crate::scene::{as_people_run_it, trouble};
use crate::support::cli::{Cli, STREAM};
use crate::support::messages_api::MessagesApi;
use crate::support::real_cli;

const NAME: &str = "first words of a follow-up ÷ the bare warm CLI";

/// The ratio.
pub async fn measure(extent: Extent) -> Vec<Figure> {
    let Some(program) = real_cli::find() else { return vec![no_cli(NAME)] };
    let api = MessagesApi::start().await;
    let stage = with_real_cli(Stage::new().await, &program, &api);
    stage.discord.faults().limits_lifted(true);
    let _bot = stage.bot().await;
    let (home, dir) = (stage.dir().join("home"), stage.dir().join("lighthouse"));
    let mut bare = Cli::start(real_cli::command(&program, &api, &home, &dir).args(STREAM));
    for number in 0..2 {
        through_discord(&stage, HARBOR, "[[slow:500]]", &format!("warm up {number}")).await;
        alone(&mut bare, "[[slow:500]]", &format!("warm up {number}"));
    }
    let (mut ours, mut theirs) = (Samples::default(), Samples::default());
    for number in 0..extent.pick(20, 5) {
        let words = format!("these are the words number {number}");
        theirs.add(alone(&mut bare, "[[slow:500]]", &words));
        ours.add(through_discord(&stage, HARBOR, "[[slow:500]]", &words).await);
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    let ratio = ours.median() / theirs.median();
    let mut figures = vec![ratio_of(NAME, ratio, &ours, &theirs).goal("≤ 1.05", ratio <= 1.05)];
    figures.extend(trouble(&stage).map(|said| Figure::not_measured(NAME, &said)));
    figures
}

/// A figure of two samples.
pub fn ratio_of(name: &str, ratio: f64, ours: &Samples, theirs: &Samples) -> Figure {
    let against = format!("{:.0} ms median of {}", theirs.median(), theirs.count());
    Figure::told(name, &against, format!("{ratio:.3}: {:.0} ms", ours.median()))
        .number("ratio", ratio)
        .number("ours_ms", ours.median())
        .number("theirs_ms", theirs.median())
}

/// What stands in the table where there is no CLI.
pub fn no_cli(name: &str) -> Figure {
    Figure::not_measured(name, &format!("set {} to the real claude CLI", real_cli::VARIABLE))
}

/// A stage whose bot runs the real CLI against this API.
pub fn with_real_cli(stage: Stage, program: &std::path::Path, api: &MessagesApi) -> Stage {
    let mut stage = as_people_run_it(stage).with_command(program);
    for (name, value) in real_cli::env(api) {
        stage = stage.with_env(name, value);
    }
    stage
}

/// Asks in a channel; milliseconds until the words are there. Waits for the end of the turn.
pub async fn through_discord(stage: &Stage, channel: ChannelId, before: &str, words: &str) -> f64 {
    let begun = Instant::now();
    let message = stage.ask(MARA, channel, &format!("{before}[[say:{words}]]"));
    let shows = |message: &Value| {
        message["author"]["id"] == BOT.to_string()
            && message["content"].as_str().is_some_and(|content| content.contains(words))
    };
    stage.discord.wait_for("the words", |now| now.messages(channel).iter().any(shows).then_some(())).await;
    let took = begun.elapsed().as_secs_f64() * 1000.0;
    stage.outcome(message).await;
    took
}

/// Asks a CLI that runs; milliseconds until the first delta with text. Waits for the end of the turn.
pub fn alone(cli: &mut Cli, before: &str, words: &str) -> f64 {
    tokio::task::block_in_place(|| {
        let begun = Instant::now();
        cli.prompt(&format!("{before}[[say:{words}]]"));
        let took = first_delta(cli, begun);
        cli.turn();
        took
    })
}

/// Milliseconds since then, at the first delta with text.
pub fn first_delta(cli: &mut Cli, begun: Instant) -> f64 {
    cli.until(|line| line["event"]["delta"]["text"].is_string());
    begun.elapsed().as_secs_f64() * 1000.0
}

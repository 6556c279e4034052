//! What the daemon adds to a turn of a warm CLI: before the line, before the first words, after the last event.

use std::time::Duration;

use serde_json::Value;

use crate::Extent;
use crate::figure::Figure;
use crate::harness::Stage;
use crate::measure::{Calls, Samples, ms_between};
use crate::scene::{many_warm, piers, quiet, trouble, turn};

/// Discord takes a message a second in a channel, so several take turns.
const CHANNELS: u64 = 20;

/// A turn whose first words, and whose end, are marked by the CLI's own clock.
const MARKED: &str = "[[stamp:first]][[say:Hello there.]][[pause:120]][[stamp:last]]";

/// The three figures.
pub async fn measure(extent: Extent) -> Vec<Figure> {
    let (stage, channels) = piers(CHANNELS).await;
    let stage = many_warm(stage);
    let _bot = stage.bot().await;
    let mut calls = Calls::from_now(&stage.discord);
    for channel in &channels {
        turn(&stage, &mut calls, *channel, "[[say:warm]]").await;
    }
    quiet().await;
    let warm = stage.cli_log("prompt").len();
    let rounds = extent.pick(15, 3);
    let (mut first, mut last) = (Samples::default(), Samples::default());
    let mut turns = Vec::new();
    for _ in 0..rounds {
        for channel in &channels {
            turns.push((*channel, turn(&stage, &mut calls, *channel, MARKED).await));
            // The daemon makes 40 calls a second at most, and a turn takes eight.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    let prompts = times(&stage, |line| line["event"] == "prompt");
    let firsts = times(&stage, |line| line["event"] == "stamp" && line["name"] == "first");
    let lasts = times(&stage, |line| line["event"] == "stamp" && line["name"] == "last");
    let mut line = Samples::default();
    for (number, (channel, turn)) in turns.iter().enumerate() {
        line.add(ms_between(turn.asked_us, prompts[warm + number]));
        if let Some(create) = turn.calls.iter().find(|call| call.creates_in(*channel)) {
            first.add(ms_between(firsts[number], create.at_us));
        }
        let mut texts = turn.calls.iter().filter(|call| call.creates_in(*channel) || call.edits_in(*channel));
        if let Some(end) = texts.next_back() {
            last.add(ms_between(lasts[number], end.at_us));
        }
    }
    let kept = |samples: &Samples, median, p99| samples.median() <= median && samples.quantile(0.99) <= p99;
    let told = |name, samples: &Samples| {
        let value = format!(
            "{:.2} ms median, {:.2} ms p99 of {}",
            samples.median(),
            samples.quantile(0.99),
            samples.count()
        );
        Figure::told(name, "0", value)
            .number("median_ms", samples.median())
            .number("p90_ms", samples.quantile(0.9))
            .number("p99_ms", samples.quantile(0.99))
    };
    let mut figures = vec![
        told("event → line on a warm CLI's stdin", &line).goal("≤ 3 / ≤ 15 ms", kept(&line, 3.0, 15.0)),
        told("first text delta → first message", &first).goal("≤ 5 / ≤ 25 ms", kept(&first, 5.0, 25.0)),
        told("last event → final text", &last).goal("≤ 10 ms", last.median() <= 10.0),
    ];
    figures.extend(trouble(&stage).map(|said| Figure::not_measured("latency", &said)));
    figures
}

/// When the fake CLI did this, in its order.
fn times(stage: &Stage, wanted: impl Fn(&Value) -> bool) -> Vec<i64> {
    let text = std::fs::read_to_string(stage.dir().join("cli.log")).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(wanted).filter_map(|line| line["at_us"].as_i64()).collect()
}

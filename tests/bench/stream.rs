//! What people see of a text that streams for a minute, what Discord is asked for it, and what it costs.

use std::time::Duration;

use serde_json::Value;
use switchboard::domain::ids::{ChannelId, MessageId};

use crate::Extent;
use crate::figure::Figure;
use crate::harness::{BOT, MARA, Stage};
use crate::measure::{Call, Calls, Samples, now_us};
use crate::scene::{piers, quiet, trouble};
use crate::usage::cpu_ms;

/// Pieces of text a second, as the API streams them.
const PIECES_PER_SEC: u64 = 25;

/// One conversation streams: how old is what people see, what does it cost.
pub async fn one(extent: Extent) -> Vec<Figure> {
    let secs = extent.pick(60, 15);
    let (stage, channels) = piers(1).await;
    stage.discord.faults().limits_lifted(false);
    let bot = stage.bot().await;
    let run = run(&stage, &channels, secs, bot.pid()).await;
    let ages = ages_in(&stage, channels[0]);
    let (median, p95) = (ages.median() / 1000.0, ages.quantile(0.95) / 1000.0);
    let edits = run.calls.iter().filter(|call| call.edits_in(channels[0])).count();
    let creates = run.calls.iter().filter(|call| call.creates_in(channels[0])).count();
    let share = edits as f64 / secs as f64;
    let per_1000 = run.cpu_ms * 1000.0 / (secs * PIECES_PER_SEC) as f64;
    let mut figures = vec![
        Figure::told(
            "age of the text that people see",
            "one edit a second",
            format!("{median:.2} s median, {p95:.2} s p95"),
        )
        .number("median_s", median)
        .number("p95_s", p95)
        .goal("≤ 0.7 / ≤ 1.2 s", median <= 0.7 && p95 <= 1.2),
        Figure::told(
            "Discord calls for it",
            "5 edits / 5 s allowed",
            format!(
                "{edits} edits ({:.0} %), {creates} messages, {} calls in {secs} s",
                share * 100.0,
                run.calls.len()
            ),
        )
        .number("edits_share", share)
        .goal("≤ 90 %", share <= 0.9),
        Figure::told("CPU of the daemon per 1,000 streamed deltas", "–", format!("{per_1000:.0} ms"))
            .number("cpu_ms", per_1000),
    ];
    figures.extend(trouble(&stage).map(|said| Figure::not_measured("stream", &said)));
    figures
}

/// Ten conversations stream at once.
pub async fn ten(extent: Extent) -> Vec<Figure> {
    let secs = extent.pick(60, 15);
    let (stage, channels) = piers(10).await;
    stage.discord.faults().limits_lifted(false);
    let stage = stage.with("limits", "running_turns_max = 10");
    let bot = stage.bot().await;
    let run = run(&stage, &channels, secs, bot.pid()).await;
    let limited = run.calls.iter().filter(|call| call.status == 429).count();
    let rate = run.calls.len() as f64 / secs as f64;
    let per_1000 = run.cpu_ms * 1000.0 / (10 * secs * PIECES_PER_SEC) as f64;
    let busiest = busiest_second(&run.calls);
    let mut ages: Vec<Samples> = channels.iter().map(|channel| ages_in(&stage, *channel)).collect();
    ages.sort_by(|a, b| a.median().total_cmp(&b.median()));
    let worst = ages.last().cloned().unwrap_or_default();
    vec![
        Figure::told(
            "Discord calls, ten streaming",
            "50 calls/s allowed",
            format!("{rate:.1} calls/s ({busiest} in the busiest second), {limited} answered 429"),
        )
        .number("calls_per_s", rate)
        .number("busiest_second", busiest as f64)
        .goal("≤ 40 calls/s, no 429", rate <= 40.0 && limited == 0),
        Figure::told(
            "age of the text, the oldest of ten",
            "one edit a second",
            format!("{:.2} s median, {:.2} s p95", worst.median() / 1000.0, worst.quantile(0.95) / 1000.0),
        )
        .number("median_s", worst.median() / 1000.0),
        Figure::told("CPU per 1,000 deltas, ten streaming", "–", format!("{per_1000:.0} ms"))
            .number("cpu_ms", per_1000),
    ]
}

struct Run {
    calls: Vec<Call>,
    cpu_ms: f64,
}

/// A text streams in each of these channels. The calls are those from its first words to its end.
async fn run(stage: &Stage, channels: &[ChannelId], secs: u64, pid: i32) -> Run {
    let mut calls = Calls::from_now(&stage.discord);
    for channel in channels {
        crate::scene::turn(stage, &mut calls, *channel, "[[say:warm]]").await;
    }
    // Discord's windows are those of a channel that was quiet.
    tokio::time::sleep(Duration::from_secs(6)).await;
    calls.so_far();
    let text = format!("[[stream:{},{}]]", secs * PIECES_PER_SEC, 1000 / PIECES_PER_SEC);
    let before = cpu_ms(pid);
    let begun = now_us();
    let asked: Vec<MessageId> = channels.iter().map(|channel| stage.ask(MARA, *channel, &text)).collect();
    let done = |message: MessageId, now: &switchboard::playground::discord::Snapshot<'_>| {
        now.reactions(message).iter().any(|(emoji, users)| emoji == "✅" && users.contains(&BOT))
    };
    let all = |now: &switchboard::playground::discord::Snapshot<'_>| {
        asked.iter().all(|message| done(*message, now)).then_some(())
    };
    stage.discord.wait_for("the texts to be whole", all).await;
    let cpu_ms = cpu_ms(pid) - before;
    quiet().await;
    let until = begun + i64::try_from(secs).expect("it fits") * 1_000_000;
    let calls = calls.so_far().into_iter().filter(|call| call.at_us <= until).collect();
    Run { calls, cpu_ms }
}

fn busiest_second(calls: &[Call]) -> usize {
    let within = |from: &Call| {
        calls.iter().filter(|call| (from.at_us..from.at_us + 1_000_000).contains(&call.at_us)).count()
    };
    calls.iter().map(within).max().unwrap_or(0)
}

/// How old the newest words in a channel are, in milliseconds, at each hundredth of a second from the first words to the
/// last.
fn ages_in(stage: &Stage, channel: ChannelId) -> Samples {
    let said = said_at(stage, channel);
    let mut shown: Vec<(i64, usize)> = stage.discord.look(|now| {
        let own =
            now.messages(channel).into_iter().filter(|message| message["author"]["id"] == BOT.to_string());
        let ids = own.filter_map(|message| message["id"].as_str()?.parse().ok().map(MessageId));
        let contents = ids.flat_map(|id| now.history(id));
        contents.filter_map(|(at, content)| Some((at.0, newest(&content)?))).collect()
    });
    shown.sort_unstable();
    let (Some(first), Some((end, _))) = (shown.first().copied(), said.last().copied()) else {
        return Samples::default();
    };
    let mut ages = Samples::default();
    let (mut at, mut index, mut seen) = (first.0, 0, 0);
    while at <= end {
        while let Some((_, piece)) = shown.get(index).filter(|(when, _)| *when <= at) {
            seen = seen.max(*piece);
            index += 1;
        }
        if let Some((said, _)) = said.iter().find(|(_, piece)| *piece == seen) {
            ages.add((at - said) as f64);
        }
        at += 10;
    }
    ages
}

/// When the shim of this channel's CLI recorded each piece, in milliseconds since the epoch, with its number.
fn said_at(stage: &Stage, channel: ChannelId) -> Vec<(i64, usize)> {
    let spools = stage.files(&stage.state_dir().join("processes"));
    let spools = spools.into_iter().filter(|(path, _)| path.ends_with("spool"));
    let of_channel = spools.filter(|(path, _)| {
        let process =
            path.parent().and_then(|dir| dir.file_name()).map(|name| name.to_string_lossy().into_owned());
        process.is_some_and(|process| serves(stage, &process, channel))
    });
    let mut said = Vec::new();
    for (_, spool) in of_channel {
        for line in String::from_utf8_lossy(&spool).lines() {
            let Some((at, line)) = line.strip_prefix("o ").and_then(|rest| rest.split_once(' ')) else {
                continue;
            };
            let value: Value = serde_json::from_str(line).unwrap_or_default();
            let piece = value["event"]["delta"]["text"].as_str().and_then(newest);
            said.extend(at.parse().ok().zip(piece));
        }
    }
    said
}

/// Whether a process is that of a channel's conversation.
fn serves(stage: &Stage, process: &str, channel: ChannelId) -> bool {
    let query = format!("SELECT id FROM processes WHERE id = '{process}' AND conversation = {channel}");
    tokio::task::block_in_place(|| !tokio::runtime::Handle::current().block_on(stage.sql(&query)).is_empty())
}

/// The number of the newest piece in a text: `chunk 17 `.
fn newest(text: &str) -> Option<usize> {
    let (_, after) = text.rsplit_once("chunk ")?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

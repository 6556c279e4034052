//! How much memory the daemon and its shims take, and whether a turn costs more when there are many conversations.

use std::time::Duration;

use switchboard::domain::ids::ChannelId;

use crate::Extent;
use crate::figure::Figure;
use crate::harness::{Bot, Stage};
use crate::measure::{Calls, Samples, ms_between};
use crate::scene::{drive, piers, trouble, turn, unlimited};
use crate::usage::{Memory, cpu_ms, mb, shims};

/// For so long the daemon keeps what a turn's conversation and channel had in memory; to let go of it is part of what that
/// turn costs, and not of those that are measured.
const KEPT: Duration = Duration::from_secs(35);

/// What a turn costs, in one conversation.
#[derive(Debug)]
pub struct Cost {
    /// Processor time of the daemon, in milliseconds.
    pub cpu_ms: f64,
    /// From the event to the end of the turn, in milliseconds: the median.
    pub latency_ms: f64,
}

impl Cost {
    /// For people.
    pub fn words(&self) -> String {
        format!("{:.2} ms CPU, {:.1} ms", self.cpu_ms, self.latency_ms)
    }

    /// The mean of so many turns in a channel whose process is warm.
    pub async fn of(stage: &Stage, bot: &Bot, channel: ChannelId, turns: usize) -> Self {
        let mut calls = Calls::from_now(&stage.discord);
        turn(stage, &mut calls, channel, "[[say:warm]]").await;
        tokio::time::sleep(Duration::from_secs(6)).await;
        let before = cpu_ms(bot.pid());
        let mut latency = Samples::default();
        for _ in 0..turns {
            let turn = turn(stage, &mut calls, channel, "[[say:hi]]").await;
            let text = turn.calls.iter().rfind(|call| call.creates_in(channel) || call.edits_in(channel));
            latency.extend(text.map(|text| ms_between(turn.asked_us, text.at_us)));
            // A message a second is what the daemon allows itself in a channel.
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Self { cpu_ms: (cpu_ms(bot.pid()) - before) / turns as f64, latency_ms: latency.median() }
    }
}

/// Memory, and cost per turn with one and with 500 conversations.
pub async fn measure(extent: Extent) -> Vec<Figure> {
    let (few, many) = (100, extent.pick(500, 150));
    let (stage, channels) = piers(u64::try_from(many).expect("it fits")).await;
    let stage = unlimited(stage).with("limits", "running_turns_max = 8");
    let idle = idle().await;
    let bot = stage.bot().await;
    let turns = extent.pick(25, 8);
    let alone = Cost::of(&stage, &bot, channels[0], turns).await;
    drive(&stage, &channels[1..few], "[[say:hi]]", few - 1, 8).await;
    settle().await;
    let after_few = Memory::of(bot.pid());
    let shim = Memory::mean(&shims(&stage));
    drive(&stage, &channels[few..], "[[say:hi]]", many - few, 8).await;
    settle().await;
    let after_many = Memory::of(bot.pid());
    let warm = shims(&stage).len();
    tokio::time::sleep(KEPT).await;
    let among = Cost::of(&stage, &bot, channels[0], turns).await;
    let memory = |name: String, against: &str, memory: Memory, limit: f64| {
        Figure::told(&name, against, memory.words())
            .number("rss_mb", mb(memory.rss))
            .number("pss_mb", mb(memory.pss))
            .number("anonymous_mb", mb(memory.anonymous))
            .goal(&format!("≤ {limit} MB"), mb(memory.pss) <= limit)
    };
    let mut figures = vec![
        memory("memory, idle".to_owned(), "13.5 MB: an idle serenity bot", idle, 18.0),
        memory(
            format!("memory, after {few} conversations"),
            "a good Python bot: 52 MB idle",
            after_few,
            25.0,
        ),
        memory(
            format!("memory, with {many} ({warm} of them warm)"),
            "a good Python bot: 60 MB",
            after_many,
            60.0,
        ),
        memory("memory, per shim".to_owned(), "–", shim, 3.0),
        flat(&format!("cost per turn, {many} conversations ÷ 1"), &alone, &among),
    ];
    figures.extend(trouble(&stage).map(|said| Figure::not_measured("size", &said)));
    figures
}

/// The memory of a daemon with one project, in which nobody has asked for anything.
async fn idle() -> Memory {
    let (stage, _) = piers(1).await;
    let bot = stage.bot().await;
    settle().await;
    Memory::of(bot.pid())
}

/// Whether a turn costs the same.
pub fn flat(name: &str, before: &Cost, after: &Cost) -> Figure {
    let (cpu, latency) = (after.cpu_ms / before.cpu_ms, after.latency_ms / before.latency_ms);
    Figure::told(name, &before.words(), format!("× {cpu:.2} CPU, × {latency:.2} latency: {}", after.words()))
        .number("cpu_ratio", cpu)
        .number("latency_ratio", latency)
        .number("cpu_ms", after.cpu_ms)
        .goal("flat (≤ 1.25)", cpu <= 1.25 && latency <= 1.25)
}

/// What a turn leaves behind is done, and threads with nothing to do are gone.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(4)).await;
}

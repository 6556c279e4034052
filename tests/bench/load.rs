//! How many turns a second, with the fake CLI and Discord's limits lifted; and what they cost the daemon.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::Extent;
use crate::bare::BareBot;
use crate::figure::Figure;
use crate::harness::Stage;
use crate::scene::{drive, piers, quiet, trouble, unlimited};
use crate::support::cli::{self, Cli, STREAM};
use crate::usage::cpu_ms;

/// A channel takes five messages in five seconds from the daemon, whatever Discord says: so many channels are needed for
/// the rate of a burst.
const WARM_CHANNELS: u64 = 300;
const COLD_CHANNELS: u64 = 60;
/// Turns at a time.
const AT_ONCE: usize = 16;
/// Turns of a channel in one burst.
const BURST: usize = 4;

const PROMPT: &str = "[[say:hi]]";

/// Cold, warm, and the processor time of short turns.
pub async fn measure(extent: Extent) -> Vec<Figure> {
    let mut figures = cold(extent).await;
    figures.extend(warm(extent).await);
    figures.extend(bare(extent).await);
    figures
}

/// The same without us: what serenity takes for the calls of a short turn.
async fn bare(extent: Extent) -> Vec<Figure> {
    let (stage, channels) = piers(extent.pick(WARM_CHANNELS, WARM_CHANNELS / 3)).await;
    let bot = BareBot::start(&stage).await;
    drive(&stage, &channels, PROMPT, channels.len(), AT_ONCE).await;
    quiet().await;
    let turns = channels.len() * BURST;
    let cpu = cpu_ms(bot.pid());
    let took = drive(&stage, &channels, PROMPT, turns, AT_ONCE).await;
    quiet().await;
    let per_100 = (cpu_ms(bot.pid()) - cpu) * 100.0 / turns as f64;
    let rate = turns as f64 / took.as_secs_f64();
    let told = format!("{:.2} s, at {rate:.0}/s", per_100 / 1000.0);
    vec![
        Figure::told("CPU of a bare serenity bot that makes the calls of 100 short turns", "–", told)
            .number("cpu_ms", per_100)
            .number("turns_per_s", rate),
    ]
}

async fn cold(extent: Extent) -> Vec<Figure> {
    let (stage, channels) = piers(COLD_CHANNELS).await;
    let stage = unlimited(stage)
        .with("limits", &format!("running_turns_max = {AT_ONCE}"))
        .with("claude", "warm_idle_secs = 0");
    let bot = stage.bot().await;
    let turns = channels.len() * extent.pick(BURST, 1);
    // Both before and after: a machine that others use is not the same all the time.
    let before = spawn_rate(&stage, turns);
    let cpu = cpu_ms(bot.pid());
    let took = drive(&stage, &channels, PROMPT, turns, AT_ONCE).await;
    let cpu = cpu_ms(bot.pid()) - cpu;
    let after = spawn_rate(&stage, turns);
    let (rate, spawns) = (turns as f64 / took.as_secs_f64(), f64::midpoint(before, after));
    let share = rate / spawns;
    let mut figures = vec![
        Figure::told(
            "turns a second, cold ÷ spawn rate",
            "the machine's own spawn rate of the fake CLI",
            format!("{:.0} % ({rate:.1}/s of {spawns:.1}/s)", share * 100.0),
        )
        .number("share", share)
        .number("turns_per_s", rate)
        .number("spawns_per_s", spawns)
        .goal("≥ 50 %", share >= 0.5),
        Figure::told(
            "CPU of the daemon per 100 cold turns",
            "–",
            format!("{:.0} ms", cpu * 100.0 / turns as f64),
        )
        .number("cpu_ms", cpu * 100.0 / turns as f64),
    ];
    figures.extend(trouble(&stage).map(|said| Figure::not_measured("turns a second, cold", &said)));
    figures
}

async fn warm(extent: Extent) -> Vec<Figure> {
    let (stage, channels) = piers(extent.pick(WARM_CHANNELS, WARM_CHANNELS / 3)).await;
    let stage = unlimited(stage).with("limits", &format!("running_turns_max = {AT_ONCE}"));
    let bot = stage.bot().await;
    drive(&stage, &channels, "[[say:warm]]", channels.len(), AT_ONCE).await;
    // The daemon's own windows are empty again.
    tokio::time::sleep(Duration::from_secs(6)).await;
    let turns = channels.len() * BURST;
    let cpu = cpu_ms(bot.pid());
    let took = drive(&stage, &channels, PROMPT, turns, AT_ONCE).await;
    quiet().await;
    let cpu = cpu_ms(bot.pid()) - cpu;
    let (rate, per_100) = (turns as f64 / took.as_secs_f64(), cpu * 100.0 / turns as f64);
    let mut figures = vec![
        Figure::told("turns a second, warm", "Discord's 50 calls/s", format!("{rate:.0}/s"))
            .number("turns_per_s", rate)
            .goal("≥ 200/s", rate >= 200.0),
        Figure::told(
            "CPU of the daemon per 100 short turns",
            "a good Python bot: 3.9 s",
            format!("{:.2} s", per_100 / 1000.0),
        )
        .number("cpu_ms", per_100)
        .goal("≤ 0.1 s", per_100 <= 100.0),
    ];
    figures.extend(trouble(&stage).map(|said| Figure::not_measured("turns a second, warm", &said)));
    figures
}

/// How many times a second this machine starts the fake CLI, has a turn of it, and sees it end: on every core at once.
fn spawn_rate(stage: &Stage, turns: usize) -> f64 {
    let workers = std::thread::available_parallelism().map_or(2, usize::from) * 2;
    let begun = Instant::now();
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| (0..turns.div_ceil(workers)).for_each(|_| spawn(stage)));
            }
        });
    });
    (turns.div_ceil(workers) * workers) as f64 / begun.elapsed().as_secs_f64()
}

fn spawn(stage: &Stage) {
    let mut command = Command::new(cli::fake_claude());
    command.args(STREAM).current_dir(stage.dir().join("harbor")).env("HOME", stage.dir().join("home"));
    let mut cli = Cli::start(&mut command);
    cli.ask(PROMPT);
    cli.exit();
}

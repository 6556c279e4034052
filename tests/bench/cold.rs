//! The first words of a conversation that has no process: against `claude -p` in a shell, and against one that was started
//! while somebody still typed. With the real CLI.

use std::path::Path;
use std::time::{Duration, Instant};

use switchboard::domain::ids::ChannelId;

use crate::Extent;
use crate::figure::Figure;
use crate::first_words::{first_delta, no_cli, ratio_of, through_discord, with_real_cli};
use crate::harness::{MARA, Stage, eventually};
use crate::measure::Samples;
use crate::scene::{piers, trouble};
use crate::support::cli::{Cli, STREAM};
use crate::support::messages_api::MessagesApi;
use crate::support::real_cli;
use crate::usage::shims;

/// So long somebody types before they send; a process that is made ready meanwhile must not be over by then.
const TYPING: Duration = Duration::from_millis(2500);

/// Cold ÷ `claude -p`; where the CLI was just installed, and where it has a settings file, as it has once anybody chose
/// anything in it. The CLI takes longer to start where there are settings, and the bot always brings some: its policy.
pub async fn measure(extent: Extent) -> Vec<Figure> {
    let names = [
        "first words, cold ÷ `claude -p` in a shell",
        "the same where the CLI has a settings file of its own",
    ];
    let Some(program) = real_cli::find() else { return vec![no_cli(names[0])] };
    let api = MessagesApi::start().await;
    let rounds = extent.pick(12, 4) + 1;
    let (stage, channels) = piers(2 * rounds).await;
    let stage = with_real_cli(stage, &program, &api).with("claude", "warm_idle_secs = 0");
    let _bot = stage.bot().await;
    settle(&stage).await;
    let mut figures = Vec::new();
    for (name, channels) in names.into_iter().zip(channels.chunks(channels.len() / 2)) {
        let (mut ours, mut theirs) = (Samples::default(), Samples::default());
        for (number, channel) in channels.iter().enumerate() {
            let words = format!("these are the words number {number}");
            let in_a_shell = in_a_shell(&program, &api, &stage, &words);
            let cold = through_discord(&stage, *channel, "[[slow:500]]", &words).await;
            settle(&stage).await;
            // The first of each finds caches empty.
            if number > 0 {
                theirs.add(in_a_shell);
                ours.add(cold);
            }
        }
        let ratio = ours.median() / theirs.median();
        figures.push(ratio_of(name, ratio, &ours, &theirs).goal("≤ 1.02", ratio <= 1.02));
        let settings = stage.dir().join("home/.claude/settings.json");
        // What is its default anyway.
        std::fs::write(settings, r#"{"cleanupPeriodDays": 30}"#).expect("the CLI made its directory");
    }
    figures.extend(trouble(&stage).map(|said| Figure::not_measured(names[0], &said)));
    figures
}

/// Pre-started ÷ cold, and the same of the CLI alone.
pub async fn pre_started(extent: Extent) -> Vec<Figure> {
    let name = "first words, pre-started ÷ cold, the API answering at once";
    let Some(program) = real_cli::find() else { return vec![no_cli(name)] };
    let api = MessagesApi::start().await;
    let rounds = extent.pick(8, 3);
    let (stage, channels) = piers(1).await;
    let stage = with_real_cli(stage, &program, &api).with("claude", "warm_idle_secs = 5");
    let _bot = stage.bot().await;
    let channel = channels[0];
    through_discord(&stage, channel, "", "the first words of all").await;
    let (mut cold, mut started) = (Samples::default(), Samples::default());
    let (mut own_cold, mut own_started) = (Samples::default(), Samples::default());
    for number in 0..rounds {
        settle(&stage).await;
        cold.add(through_discord(&stage, channel, "", &format!("cold words {number}")).await);
        settle(&stage).await;
        started.add(typed(&stage, channel, &format!("typed words {number}")).await);
        own_cold.add(spawned(&program, &api, &stage, Duration::ZERO));
        own_started.add(spawned(&program, &api, &stage, TYPING));
    }
    let (ratio, own) = (started.median() / cold.median(), own_started.median() / own_cold.median());
    let mut figures = vec![
        ratio_of(name, ratio, &started, &cold).goal("≤ 0.2", ratio <= 0.2),
        ratio_of("the same of the CLI alone", own, &own_started, &own_cold),
    ];
    figures.extend(trouble(&stage).map(|said| Figure::not_measured(name, &said)));
    figures
}

/// Somebody types for a while, then asks; milliseconds from the asking.
async fn typed(stage: &Stage, channel: ChannelId, words: &str) -> f64 {
    stage.discord.typing(MARA, channel);
    tokio::time::sleep(TYPING).await;
    through_discord(stage, channel, "", words).await
}

/// Waits until no process runs any more.
async fn settle(stage: &Stage) {
    eventually("the processes to be closed", || shims(stage).is_empty().then_some(())).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
}

/// `claude -p` in a shell: milliseconds until the first delta with text.
fn in_a_shell(program: &Path, api: &MessagesApi, stage: &Stage, words: &str) -> f64 {
    let line =
        "exec \"$0\" -p --output-format stream-json --include-partial-messages --verbose \"$1\" </dev/null";
    let home = stage.dir().join("home");
    let mut command = real_cli::command(Path::new("/bin/sh"), api, &home, &stage.dir().join("harbor"));
    command.args(["-c", line]).arg(program).arg(format!("[[slow:500]][[say:{words}]]"));
    tokio::task::block_in_place(|| {
        let begun = Instant::now();
        let mut cli = Cli::start(&mut command);
        let took = first_delta(&mut cli, begun);
        cli.exit();
        took
    })
}

/// The CLI alone, asked so long after its start: milliseconds from the asking to the first delta with text.
fn spawned(program: &Path, api: &MessagesApi, stage: &Stage, wait: Duration) -> f64 {
    let home = stage.dir().join("home");
    let mut command = real_cli::command(program, api, &home, &stage.dir().join("harbor"));
    tokio::task::block_in_place(|| {
        let mut cli = Cli::start(command.args(STREAM));
        std::thread::sleep(wait);
        let begun = Instant::now();
        cli.prompt("[[say:words of a process of its own]]");
        let took = first_delta(&mut cli, begun);
        cli.turn();
        cli.exit();
        took
    })
}

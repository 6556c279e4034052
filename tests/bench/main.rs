//! The figures that this program promises, measured: `cargo bench` (see `README.md` beside this file). Each scene sets up
//! what it needs (a daemon as a process of its own, the embedded Discord in this one, a CLI, fake or real), measures, and
//! gives its figures with what they are measured against in the same run. Nothing here is an assertion: a machine that is
//! busy gives other figures, and no other answer.

#![expect(
    clippy::disallowed_methods,
    reason = "it measures, so it reads the clock; and it sees the panics of its tasks"
)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]
#![expect(
    clippy::format_push_string,
    clippy::format_collect,
    reason = "what is written for people is short, and reads best this way"
)]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod support;

#[path = "../it/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use more of it")]
mod harness;

mod bare;
mod build;
mod cold;
mod figure;
mod first_words;
mod history;
mod latency;
mod load;
mod measure;
mod scene;
mod size;
mod start;
mod stream;
mod usage;

use std::process::ExitCode;

use figure::Figure;

/// What is set up once and measured: the name to ask for it by, and how.
type Scene = (&'static str, fn(Extent) -> futures::future::BoxFuture<'static, Vec<Figure>>);

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// As the figures are given.
    Whole,
    /// A quarter or less: to try a change out.
    Quick,
}

impl Extent {
    /// `whole`, or `quick`.
    fn pick<T>(self, whole: T, quick: T) -> T {
        match self {
            Extent::Whole => whole,
            Extent::Quick => quick,
        }
    }
}

const SCENES: &[Scene] = &[
    ("start", |extent| Box::pin(start::measure(extent))),
    ("latency", |extent| Box::pin(latency::measure(extent))),
    ("stream", |extent| Box::pin(stream::one(extent))),
    ("streams", |extent| Box::pin(stream::ten(extent))),
    ("load", |extent| Box::pin(load::measure(extent))),
    ("size", |extent| Box::pin(size::measure(extent))),
    ("history", |extent| Box::pin(history::measure(extent))),
    ("first-words", |extent| Box::pin(first_words::measure(extent))),
    ("cold", |extent| Box::pin(cold::measure(extent))),
    ("pre-start", |extent| Box::pin(cold::pre_started(extent))),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let has = |wanted: &str| words.iter().any(|word| word == wanted);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if words.first().is_some_and(|first| first == bare::ARGUMENT) {
        runtime.block_on(bare::run(&words[1..]));
        return ExitCode::SUCCESS;
    }
    // `cargo test --all-targets` runs this file as well, without that word.
    if !has("--bench") {
        eprintln!("figures are measured by `cargo bench`");
        return ExitCode::SUCCESS;
    }
    let named: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    if let Some(unknown) = named.iter().find(|name| SCENES.iter().all(|(known, _)| known != **name)) {
        let known: Vec<_> = SCENES.iter().map(|(name, _)| *name).collect();
        eprintln!("there is no scene {unknown}; there are {}", known.join(", "));
        return ExitCode::FAILURE;
    }
    build::fake_claude();
    let extent = if has("--quick") { Extent::Quick } else { Extent::Whole };
    let mut figures = Vec::new();
    let wanted = SCENES.iter().filter(|(name, _)| named.is_empty() || named.contains(&&(*name).to_owned()));
    for (name, scene) in wanted {
        eprintln!("measuring {name} …");
        // What goes wrong in one scene costs that scene.
        match runtime.block_on(async { tokio::spawn(scene(extent)).await }) {
            Ok(found) => figures.extend(found),
            Err(error) => figures.push(Figure::not_measured(name, &error.to_string())),
        }
    }
    print!("{}", figure::table(&figures));
    if has("--json") {
        for figure in &figures {
            println!("{}", figure.json());
        }
    }
    ExitCode::SUCCESS
}

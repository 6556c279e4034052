//! Holds the direction of imports, and what may be named where. `ARCHITECTURE.md` tells the reasons.

use std::path::{Path, PathBuf};

/// What a module may use besides itself and [`EVERYBODY`]'s. `src/x/y.rs` has the row of `x/y.rs`, or else of `x`.
const MAY_USE: &[(&str, &[&str])] = &[
    ("chain", &[]),
    ("clock", &[]),
    ("domain", &[]),
    ("policy", &[]),
    ("disk", &[]),
    ("fail_point", &[]),
    ("config", &["policy"]),
    ("lifecycle", &[]),
    ("telemetry", &["config"]),
    ("process", &[]),
    ("machine", &["process::cgroup"]),
    ("runner", &["process"]),
    ("render", &[]),
    ("store", &["runner"]),
    ("claude", &["policy", "runner", "config::PermissionMode", "config::may_be_inherited"]),
    ("outbox", &["render", "store"]),
    ("conversation", &["claude", "machine", "outbox", "render", "runner", "store"]),
    ("conversation/setup.rs", &["claude", "config", "runner", "store"]),
    ("conversation/setup/rules.rs", &["policy", "store"]),
    ("judge", &["claude::hook", "config", "lifecycle", "policy", "store"]),
    ("discord", &["config", "conversation", "disk", "lifecycle", "outbox", "render", "store"]),
    ("app", &["config", "conversation", "discord", "lifecycle", "machine", "outbox", "runner", "store"]),
    ("audit", &["config", "lifecycle", "store"]),
    ("doctor", &["claude", "config", "discord", "disk", "lifecycle", "runner"]),
    ("playground", &["app", "claude", "config", "lifecycle", "telemetry"]),
    (
        "main",
        &[
            "app",
            "audit",
            "config",
            "doctor",
            "judge",
            "lifecycle",
            "machine",
            "playground",
            "process",
            "telemetry",
        ],
    ),
    ("lib", &[]),
];

/// What every module may use.
const EVERYBODY: &[&str] = &["chain", "clock", "domain", "fail_point"];

/// Words, the only places where they may stand, and why.
const ONLY_IN: &[(&[&str], &[&str], &str)] = &[
    (
        &["serenity::", "poise::"],
        &["discord/", "outbox/deliver", "playground/", "doctor/discord.rs", "app.rs"],
        "serenity's types stay at the edge",
    ),
    (&["sqlx::"], &["store/"], "SQL is in the store alone"),
    (
        &["\"control_request\"", "\"control_response\"", "\"stream_event\"", "\"tool_result\"", "wire::"],
        &["claude/", "playground/assistant/"],
        "the CLI's JSON is known in claude/ and to its stand-in alone",
    ),
    (
        &["tokio::spawn(", "thread::spawn("],
        &["lifecycle.rs", "playground/assistant/"],
        "a task nobody waits for",
    ),
    (
        &["unsafe {", "unsafe fn", "unsafe impl"],
        &["machine.rs"],
        "two calls of the allocator, which take no pointer, are all of it",
    ),
    (&["Utc::now", "SystemTime::now"], &["clock.rs", "telemetry", "playground/"], "time is passed in"),
    (
        &["signal::kill", "killpg", "nix::sys::signal"],
        &["process/", "runner/local.rs", "claude/probe.rs"],
        "only who holds a child that is not reaped yet may signal it",
    ),
    (
        &[
            "send_message(",
            "channel_id.say(",
            "channel.say(",
            "create_message(",
            "edit_message(",
            "send_files(",
        ],
        &["outbox/deliver.rs", "playground/"],
        "the outbox alone sends messages to channels",
    ),
    (
        &[
            "http.get_",
            "http.fire(",
            "http.join_",
            "http.create_",
            "http.edit_",
            ".to_channel(",
            ".set_commands(",
        ],
        &["discord/rest.rs", "outbox/deliver.rs", "discord/http.rs", "doctor/discord.rs", "playground/"],
        "each request is counted where it is made, so that none of those that Discord refuses is overlooked",
    ),
];

/// Modules without await, clock, random and IO: they take `(input, now)`.
const PURE: &[&str] = &[
    "domain/",
    "policy/",
    "process/lines.rs",
    "claude/dialogue",
    "claude/launch.rs",
    "claude/hook.rs",
    "claude/prompt_text.rs",
    "claude/tools.rs",
    "claude/tuning.rs",
    "claude/asks.rs",
    "claude/wire",
    "conversation/state",
    "conversation/actor/drawing.rs",
    "conversation/fair.rs",
    "conversation/warm/table.rs",
    "render/",
    "outbox/plan.rs",
    "outbox/pace.rs",
    "outbox/invalid.rs",
    "discord/access",
    "discord/identify.rs",
    "discord/catch_up/plan.rs",
    "discord/catch_up/caps.rs",
    "discord/route.rs",
    "discord/quote.rs",
];

const NOT_PURE: &[&str] = &[
    "async ",
    ".await",
    "Instant::now",
    "Clock",
    "std::fs",
    "fs::",
    "std::env",
    "rand",
    "new_v4",
    "now_v7",
    "tokio::",
];

/// The one random thing that is named in a pure module and used by others: an error's name.
const PURE_ENOUGH: &[&str] = &["domain/ids.rs"];

#[test]
fn imports_go_down_and_each_thing_is_known_in_its_place() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut faults = Vec::new();
    for file in files(&src) {
        let path = file
            .strip_prefix(&src)
            .expect("src is there and holds text")
            .to_str()
            .expect("src is there and holds text");
        if path.contains("tests") {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("src is there and holds text");
        // Unit tests may use whatever shows that the code is right.
        let code = text.split("#[cfg(test)]\nmod tests {").next().expect("src is there and holds text");
        for (number, line) in code.lines().enumerate() {
            let line = line.split("//").next().expect("src is there and holds text");
            let told = faults_of(path, line).into_iter();
            faults.extend(told.map(|fault| format!("src/{path}:{}: {fault}", number + 1)));
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

fn faults_of(path: &str, line: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let top = path.split('/').next().expect("src is there and holds text").trim_end_matches(".rs");
    let (_, may) = MAY_USE
        .iter()
        .find(|(module, _)| *module == path)
        .or_else(|| MAY_USE.iter().find(|(module, _)| *module == top))
        .unwrap_or_else(|| panic!("src/{path}: a new module needs a row in MAY_USE"));
    for used in used(line) {
        let module = used.split("::").next().expect("src is there and holds text");
        let ours = module == top || EVERYBODY.contains(&module);
        if !ours && !may.iter().any(|may| used.starts_with(may)) {
            faults.push(format!("`{top}` may not use `{used}` (MAY_USE)"));
        }
    }
    for (words, places, why) in ONLY_IN {
        let word = words.iter().find(|word| line.contains(*word));
        if let Some(word) = word.filter(|_| !places.iter().any(|place| path.starts_with(place))) {
            faults.push(format!("`{word}` may only stand in {places:?}: {why} (ONLY_IN)"));
        }
    }
    let pure = PURE.iter().any(|pure| path.starts_with(pure)) && !PURE_ENOUGH.contains(&path);
    if let Some(word) = NOT_PURE.iter().find(|word| pure && line.contains(*word)) {
        faults.push(format!("`{word}` in a module that takes (input, now) and gives effects (PURE)"));
    }
    faults
}

/// The paths below the crate that a line names, also those in one pair of braces: `crate::{app, telemetry}`.
fn used(line: &str) -> Vec<String> {
    let after = ["crate::", "switchboard::"].into_iter().flat_map(|name| line.split(name).skip(1));
    let named = after.flat_map(|rest| match rest.strip_prefix('{') {
        Some(group) => {
            group.split(['}', ';']).next().expect("src is there and holds text").split(',').collect()
        }
        None => vec![rest],
    });
    let path = |text: &str| {
        text.trim().split(|c: char| !c.is_alphanumeric() && !"_:".contains(c)).next().map(str::to_owned)
    };
    named.filter_map(path).filter(|path| path.starts_with(char::is_lowercase)).collect()
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir)
        .expect("src is there and holds text")
        .map(|entry| entry.expect("src is there and holds text").path());
    let files = entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

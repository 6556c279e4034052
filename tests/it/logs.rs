//! The log: lines that can be searched, bounded in size, and without anybody's words.

use crate::harness::{Around, HARBOR, MARA, Stage, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_json_lines_that_can_be_searched() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[say:The weather is a secret of ours.]]");
    stage.answer(HARBOR, message).await;
    assert_eq!(bot.stop().code, Some(0));
    let lines = stage.log_lines();
    for line in &lines {
        for field in ["timestamp", "level", "target", "message"] {
            assert!(line[field].is_string(), "{field} is missing in {line}");
        }
    }
    let turn = stage.sql("select id from turns").await.remove(0);
    let of_turn: Vec<_> = lines.iter().filter(|line| line["turn"] == turn.as_str()).collect();
    for wanted in ["turn begins", "turn ended"] {
        assert!(of_turn.iter().any(|line| line["message"] == wanted), "{wanted} is missing: {of_turn:#?}");
    }
    // Even at debug: what people say is in the database, where it belongs.
    assert!(
        lines.iter().all(|line| !line.to_string().contains("The weather")),
        "words of people are in the log"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_level_of_the_log_can_be_set_from_outside() {
    let stage = Stage::new().await.with_daemon_env("LOG_LEVEL", "warn");
    let bot = stage.bot().await;
    assert_eq!(bot.stop().code, Some(0));
    let levels: Vec<_> = stage.log_lines().iter().map(|line| line["level"].to_string()).collect();
    assert!(levels.iter().all(|level| level.contains("WARN") || level.contains("ERROR")), "{levels:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_rotate_by_size() {
    let stage = Stage::new().await.with("log", "file_bytes_max = 2000\nfiles_kept = 3");
    let bot = stage.bot().await;
    for number in 1..=8 {
        let message = stage.ask(MARA, HARBOR, &format!("[[say:Number {number}.]]"));
        stage.answer(HARBOR, message).await;
    }
    assert_eq!(bot.stop().code, Some(0));
    let files = stage.files(&stage.state_dir().join("logs"));
    let names: Vec<_> = files.keys().filter_map(|path| path.file_name()?.to_str()).collect();
    assert_eq!(names, ["switchboard.log", "switchboard.log.1", "switchboard.log.2", "switchboard.log.3"]);
    for (path, bytes) in &files {
        assert!(bytes.len() < 6000, "{} has {} bytes", path.display(), bytes.len());
    }
    assert!(!stage.log_lines().is_empty(), "each is JSON lines");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_words_of_people_or_of_the_cli_are_logged_above_debug() {
    let stage = Stage::new().await.with_daemon_env("LOG_LEVEL", "info");
    let bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[garbage]] [[say:The weather is a secret of ours.]]");
    stage.answer(HARBOR, message).await;
    assert_eq!(bot.stop().code, Some(0));
    let lines: String = stage.log_lines().iter().map(|line| format!("{line}\n")).collect();
    assert!(lines.contains("a line of the CLI was ignored"), "it is said that there was something: {lines}");
    for words in ["The weather", "in the middle", "not UTF-8"] {
        assert!(!lines.contains(words), "{words:?} is in the log: {lines}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_whoever_should_read_stderr() {
    let stage = Stage::new().await;
    // Nothing more fits into a new pipe than its 64 KiB (pipe(7)), and nobody reads this one.
    let full = "mkfifo \"$0\" && exec 2<>\"$0\" && head -c 65536 /dev/zero >&2 && exec \"$@\"";
    let fifo = stage.dir().join("stderr").display().to_string();
    let wrapper = ["sh", "-c", full, &fifo].map(str::to_owned).to_vec();
    let stage = stage.around(Around { wrapper, ..Around::default() });
    let bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[garbage]] [[say:Heard.]]");
    assert!(stage.answer(HARBOR, message).await.contains("Heard."));
    let warned = || stage.log_lines().iter().any(|line| line["level"] == "WARN").then_some(());
    eventually("something to say on stderr", warned).await;
    assert_eq!(bot.stop().code, Some(0));
}

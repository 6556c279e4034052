use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use super::*;

struct Log {
    dir: tempfile::TempDir,
}

impl Log {
    /// Runs `work` under a log with this level, and waits until all of it is written.
    fn of(level: &str, file_bytes_max: u64, work: impl FnOnce()) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config { state_dir: dir.path().join("state"), ..Config::default() };
        config.log.level = level.to_owned();
        config.log.file_bytes_max = file_bytes_max;
        config.log.files_kept = 2;
        config.discord.token = Some("token.of-the\"bot".to_owned().into());
        config.claude.env.0.insert("MY_SECRET".to_owned(), "swordfish".to_owned());
        let (dispatch, telemetry) = build(&config, &Environment::new(), Console::Quiet).unwrap();
        tracing::dispatcher::with_default(&dispatch, work);
        drop(dispatch);
        drop(telemetry);
        Self { dir }
    }

    fn dir(&self) -> std::path::PathBuf {
        self.dir.path().join("state/logs")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.dir().join(FILE_NAME)).unwrap()
    }

    fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn each_line_is_json_with_its_fields_on_top_and_its_span() {
    let log = Log::of("info", 1 << 20, || {
        let span = tracing::info_span!("turn", turn = "t1");
        let _entered = span.enter();
        tracing::error!(error_id = "E-234567", "went\nwrong \u{1b}[31m");
    });
    let lines = log.lines();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["level"], "ERROR");
    assert_eq!(lines[0]["error_id"], "E-234567");
    assert_eq!(lines[0]["span"]["turn"], "t1");
    assert!(lines[0]["timestamp"].as_str().unwrap().ends_with('Z'));
    assert!(!log.text().contains('\u{1b}'));
}

#[test]
fn only_the_owner_reads_the_log() {
    let log = Log::of("info", 1 << 20, || tracing::info!("x"));
    assert_eq!(mode(&log.dir()), 0o700);
    assert_eq!(mode(&log.dir().join(FILE_NAME)), 0o600);
}

#[test]
fn files_are_set_aside_and_only_so_many_kept() {
    let log = Log::of("info", 1024, || {
        for number in 0..60 {
            tracing::info!(number, "{}", "x".repeat(100));
        }
    });
    let mut names: Vec<_> = log
        .dir()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["switchboard.log", "switchboard.log.1", "switchboard.log.2"]);
    for name in names {
        let file = log.dir().join(name);
        assert!(std::fs::metadata(&file).unwrap().len() <= 1024 + 300);
        assert_eq!(mode(&file), 0o600);
    }
    assert_eq!(log.lines().last().unwrap()["number"], 59);
}

#[test]
fn secrets_do_not_get_in() {
    let log = Log::of("info", 1 << 20, || {
        tracing::info!(env = ?["MY_SECRET=swordfish"], "login with token.of-the\"bot failed: swordfishswordfish");
    });
    let text = log.text();
    assert!(!text.contains("swordfish") && !text.contains("token.of-the"), "{text}");
    assert_eq!(log.lines()[0]["message"], "login with *** failed: ******");
}

#[test]
fn a_field_of_megabytes_is_cut_and_the_line_stays_json() {
    let log = Log::of("info", 1 << 20, || {
        tracing::info!(output = "ü".repeat(1_000_000), short = "kept", "done");
    });
    let line = &log.lines()[0];
    let output = line["output"].as_str().unwrap();
    assert!(output.len() < FIELD_BYTES_MAX + 100 && output.ends_with("… (2000000 bytes)"));
    assert_eq!(line["short"], "kept");
}

#[test]
fn the_level_is_ours_and_libraries_are_quiet() {
    let say = || {
        tracing::debug!("ours");
        tracing::info!(target: "serenity::http", "theirs");
        tracing::warn!(target: "serenity::http", "their warning");
    };
    let messages = |level: &str| -> Vec<String> {
        let lines = Log::of(level, 1 << 20, say).lines();
        lines.iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(messages("info"), ["their warning"]);
    assert_eq!(messages("DEBUG"), ["ours", "their warning"]);
    assert_eq!(messages("warn,switchboard=debug"), ["ours", "their warning"]);
    assert_eq!(messages("error,serenity=info"), ["theirs", "their warning"]);
    assert!(messages("off,serenity=off").is_empty());
}

#[test]
fn a_directory_that_cannot_be_is_said() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let config = Config { state_dir: file.path().to_owned(), ..Config::default() };
    let error = build(&config, &Environment::new(), Console::Quiet).unwrap_err();
    assert!(matches!(error, TelemetryError::File { .. }), "{error}");
}

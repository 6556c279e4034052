//! What bot and CLI leave behind: logs, processes, files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use switchboard::playground::discord::PATIENCE;

use super::{Stage, eventually};

/// Whether a process lives; one that nobody has reaped yet does not.
pub fn alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z') && !rest.starts_with('X'))
}

impl Stage {
    /// What all processes said and were told, as their shims recorded it.
    pub fn spools(&self) -> String {
        let processes = std::fs::read_dir(self.state_dir().join("processes")).into_iter().flatten().flatten();
        let spools = processes.filter_map(|dir| std::fs::read(dir.path().join("spool")).ok());
        spools.map(|spool| String::from_utf8_lossy(&spool).into_owned()).collect()
    }

    /// The lines of the bot's log, the rotated ones before it.
    pub fn log_lines(&self) -> Vec<Value> {
        let dir = self.state_dir().join("logs");
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        files.sort_by_key(|file| std::cmp::Reverse(file.extension().map(std::ffi::OsStr::to_owned)));
        let text: String = files.iter().map(|file| written(file)).collect();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
            .collect()
    }

    /// Waits until the log has a line with this text: what writes it is a thread that people do not wait for.
    pub async fn logged(&self, text: &str) {
        let has = || self.log_lines().iter().any(|line| line.to_string().contains(text)).then_some(());
        eventually(&format!("the log to say {text:?}"), has).await;
    }

    /// What the fake CLI was made to do: its starts, and the prompts that began.
    pub fn cli_log(&self, event: &str) -> Vec<Value> {
        let text = written(&self.dir().join("cli.log"));
        let lines =
            text.lines().map(|line| serde_json::from_str::<Value>(line).expect("the fake writes JSON"));
        // A start with no session is a question of the daemon's: version, lists.
        let own = |line: &Value| {
            line["event"] == event && !line["argv"].to_string().contains("no-session-persistence")
        };
        lines.filter(|line| own(line) && !line["argv"].to_string().contains("--version")).collect()
    }

    /// The CLI that took the last prompt.
    pub async fn cli_pid(&self, prompts: usize) -> i32 {
        let prompt =
            eventually("the CLI to begin", || self.cli_log("prompt").get(prompts - 1).cloned()).await;
        i32::try_from(prompt["pid"].as_i64().expect("a number")).expect("process ids fit")
    }

    /// Whether a turn is over, as the CLI says it in the spool of any process.
    pub fn has_result(&self) -> bool {
        let spools = self.files(&self.state_dir().join("processes"));
        let spools = spools.into_iter().filter(|(path, _)| path.ends_with("spool"));
        spools.into_iter().any(|(_, spool)| String::from_utf8_lossy(&spool).contains(r#""type":"result""#))
    }

    /// Asks the database again and again until it gives this many rows.
    pub async fn rows(&self, query: &str, count: usize) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let rows = self.sql(query).await;
            if rows.len() == count {
                return rows;
            }
            assert!(begun.elapsed() < *PATIENCE, "waited in vain for {count} rows of {query}: {rows:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Changes the database of a bot that does not run.
    pub async fn change(&self, query: &str) {
        let file = self.state_dir().join("switchboard.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
        let mut connection = sqlx::ConnectOptions::connect(&options).await.expect("the database opens");
        sqlx::raw_sql(sqlx::AssertSqlSafe(query.to_owned()))
            .execute(&mut connection)
            .await
            .expect("the query works");
    }

    /// Every file below a directory of the stage with its bytes.
    #[expect(clippy::unused_self, reason = "it reads like the other looks at a stage")]
    pub fn files(&self, below: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut dirs = vec![below.to_path_buf()];
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
                let path = entry.path();
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => dirs.push(path),
                    Ok(kind) if kind.is_file() => {
                        let bytes = std::fs::read(&path).unwrap_or_default();
                        found.insert(path, bytes);
                    }
                    _ => {}
                }
            }
        }
        found
    }
}

/// The parent of a process.
pub fn parent_of(pid: i32) -> i32 {
    status_of(pid, "PPid:").parse().expect("a process id")
}

/// The most memory that a process ever had, in bytes.
pub fn memory_max_bytes(pid: i32) -> u64 {
    bytes_of(pid, "VmHWM:")
}

/// The memory that a process has now, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// What it keeps: no file has it.
    pub own: u64,
    /// What it has read so far of its program and its libraries, and of the database.
    pub files: u64,
}

/// The memory that a process has now.
pub fn memory(pid: i32) -> Memory {
    let files = bytes_of(pid, "RssFile:") + bytes_of(pid, "RssShmem:");
    Memory { own: bytes_of(pid, "RssAnon:"), files }
}

fn bytes_of(pid: i32, field: &str) -> u64 {
    status_of(pid, field).trim_end_matches(" kB").parse::<u64>().expect("a number of KiB") * 1024
}

fn status_of(pid: i32, field: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process lives");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("the kernel says it");
    line.trim().to_owned()
}

/// The lines of a file that is being written, without one that is not there to its end yet.
fn written(file: &Path) -> String {
    let bytes = std::fs::read(file).unwrap_or_default();
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    String::from_utf8_lossy(&bytes[..whole]).into_owned()
}

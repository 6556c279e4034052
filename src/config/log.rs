//! `[log]`: the log. What is done with it is in `telemetry.rs`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::problem::Problems;

/// The log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct LogConfig {
    /// `error`, `warn`, `info`, `debug`, `trace` or `off`, or a filter such as `info,switchboard=debug`. Default:
    /// `info`. Also `LOG_LEVEL`.
    pub level: String,
    /// Where `switchboard.log` is written. Default: `logs` in the state directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dir: Option<PathBuf>,
    /// A file of this many bytes is set aside and a new one begun. Default: 10 MiB.
    pub file_bytes_max: u64,
    /// How many files that were set aside are kept. Default: 5.
    pub files_kept: usize,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info".to_owned(), dir: None, file_bytes_max: 10 * 1024 * 1024, files_kept: 5 }
    }
}

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

impl LogConfig {
    pub(super) fn validate(&self, problems: &mut Problems) {
        for directive in self.level.split(',') {
            // A word alone that is no level would be taken as the name of a module, and silence all others.
            let level = directive.rsplit('=').next().unwrap_or(directive).trim().to_ascii_lowercase();
            if !LEVELS.contains(&level.as_str()) {
                let nearest = super::keys::nearest(&level, LEVELS);
                let hint = nearest.map_or_else(String::new, |word| format!("; did you mean {word:?}?"));
                problems.add(
                    "log.level",
                    format!("{:?} is none of {}{hint}", directive.trim(), LEVELS.join(", ")),
                );
            }
        }
        if self.file_bytes_max < 1024 {
            problems.add("log.file_bytes_max", "write at least 1024 bytes");
        }
        if self.files_kept == 0 || self.files_kept > 1000 {
            problems.add("log.files_kept", "write 1 to 1000");
        }
    }
}

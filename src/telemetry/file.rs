//! The file: rotated, for its owner alone, and honest about lines that were lost.

use std::fs::DirBuilder;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use logroller::{LogRoller, LogRollerBuilder, Rotation, RotationSize};
use tracing_appender::non_blocking::ErrorCounter;

use super::FILE_NAME;

/// The rotated file, as the log's own thread writes it.
pub(super) struct File {
    roller: LogRoller,
    lost: Arc<OnceLock<ErrorCounter>>,
    said: usize,
}

/// Opens the file to be appended to, making its directory where there is none.
pub(super) fn open(dir: &Path, file_bytes_max: u64, files_kept: usize) -> io::Result<File> {
    // A directory that is there keeps its mode: an administrator may have opened it to a group.
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let roller = LogRollerBuilder::new(dir, Path::new(FILE_NAME))
        .rotation(Rotation::SizeBased(RotationSize::Bytes(file_bytes_max)))
        .max_keep_files(u64::try_from(files_kept).unwrap_or(u64::MAX))
        .file_mode(0o600)
        .graceful_shutdown(true)
        .build()
        .map_err(io::Error::other)?;
    Ok(File { roller, lost: Arc::default(), said: 0 })
}

impl File {
    /// To be filled with the counter of lost lines, once there is one.
    pub(super) fn lost(&self) -> Arc<OnceLock<ErrorCounter>> {
        Arc::clone(&self.lost)
    }

    fn say_lost(&mut self) -> io::Result<()> {
        let lost = self.lost.get().map_or(0, ErrorCounter::dropped_lines);
        if lost <= self.said {
            return Ok(());
        }
        let lines = lost - self.said;
        self.said = lost;
        #[expect(clippy::disallowed_methods, reason = "a line of the log that no event wrote")]
        let at = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        let line = serde_json::json!({
            "timestamp": at, "level": "WARN", "target": "switchboard::telemetry", "lines": lines,
            "message": "lines of the log were lost: the disk is too slow",
        });
        self.roller.write_all(format!("{line}\n").as_bytes())
    }
}

impl Write for File {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.say_lost()?;
        self.roller.write_all(line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.roller.flush()
    }
}

//! `[limits]`: bounds on what people can make the host do.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::problem::Problems;

/// Bounds on what people can make the host do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct LimitsConfig {
    /// Turns that run at the same time, over all conversations. Default: 4.
    pub running_turns_max: usize,
    /// Prompts that wait, per conversation; one more is refused. Default: 20.
    pub queued_prompts_max: usize,
    /// Processes with nothing to do that are kept for what comes next, over all conversations; with one more the one goes
    /// that was not used for longest. Default: 12.
    pub warm_processes_max: usize,
    /// So much of the machine's memory (or of the service's control group) stays free, in bytes: where a process does not
    /// fit, those with nothing to do go first, and then its turn waits. 0: it is not looked at. Default: 256 MiB.
    pub memory_free_bytes_min: u64,
    /// The longest turn, in seconds. Default: 3600.
    pub turn_secs_max: u64,
    /// The longest silence of the CLI while no tool runs and nobody is asked, in seconds. Default: 600.
    pub silence_secs_max: u64,
    /// What one turn may make Claude Code print, in bytes: answers, and everything that tools read and say.
    /// Default: 256 MiB.
    pub output_bytes_max: u64,
    /// How long a question of Claude's waits for a person, in seconds; then it is denied. Default: 3600.
    pub ask_secs_max: u64,
    /// When half of that time is over whoever is asked is mentioned once more, but at the latest after this, in seconds.
    /// 0: never. Default: 7200.
    pub ask_remind_secs_max: u64,
    /// A shim without a daemon ends its CLI after this many seconds. Default: 3600.
    pub orphan_secs_max: u64,
    /// The largest file taken from a message, in bytes. Default: 10 MiB.
    pub attachment_bytes_max: u64,
    /// How many files are taken from one message; 0: none. Default: 10.
    pub attachments_max: usize,
    /// With less room than this on the disk of `state_dir` or of the project no prompt is taken, in bytes; what runs then
    /// has that much to end in. 0: it is not looked at. Default: 256 MiB.
    pub disk_free_bytes_min: u64,
    /// Prompts that were written while the bot was away are run when they are younger than this, in seconds; older ones
    /// are held until somebody decides. 0: all are held. Default: 86400 (a day).
    pub catch_up_secs_max: u64,
    /// How many prompts of one absence are run, over all channels; more are held until somebody decides. 0: all are held.
    /// Default: 200.
    pub catch_up_prompts_max: usize,
    /// What is done is forgotten after this many days: prompts with their files, turns, questions, and what was posted
    /// where. Conversations with their sums, Claude's own sessions and the audit stay. 0: nothing is forgotten.
    /// Default: 90.
    pub history_days: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            running_turns_max: 4,
            queued_prompts_max: 20,
            warm_processes_max: 12,
            memory_free_bytes_min: 256 << 20,
            turn_secs_max: 3600,
            silence_secs_max: 600,
            output_bytes_max: 256 << 20,
            ask_secs_max: 3600,
            ask_remind_secs_max: 7200,
            orphan_secs_max: 3600,
            attachment_bytes_max: 10 * 1024 * 1024,
            attachments_max: 10,
            disk_free_bytes_min: 256 << 20,
            catch_up_secs_max: 24 * 3600,
            catch_up_prompts_max: 200,
            history_days: 90,
        }
    }
}

/// A longer time than this is a mistake of unit.
const SECS_MAX: u64 = 30 * 24 * 3600;

/// A picture that a tool reads is a line of a megabyte.
const OUTPUT_BYTES_MIN: u64 = 1 << 20;
/// A spool of two turns must fit below the end of all spools, where the shim stops.
const OUTPUT_BYTES_LIMIT: u64 = 512 << 20;

impl LimitsConfig {
    /// After this time whoever is needed is told once more of a question that waits; none: never.
    pub fn ask_remind(&self) -> Option<Duration> {
        let after = Duration::from_secs(self.ask_secs_max.div_ceil(2).min(self.ask_remind_secs_max));
        (self.ask_remind_secs_max > 0).then_some(after)
    }

    pub(super) fn validate(&self, problems: &mut Problems) {
        for (key, count) in [
            ("limits.running_turns_max", self.running_turns_max),
            ("limits.queued_prompts_max", self.queued_prompts_max),
        ] {
            if count == 0 {
                problems.add(key, "0 would let nothing run; write at least 1");
            }
        }
        for (key, secs) in [
            ("limits.turn_secs_max", self.turn_secs_max),
            ("limits.silence_secs_max", self.silence_secs_max),
            ("limits.ask_secs_max", self.ask_secs_max),
            ("limits.orphan_secs_max", self.orphan_secs_max),
        ] {
            if secs == 0 || secs > SECS_MAX {
                problems.add(key, format!("{secs} is out of bounds; write 1 to {SECS_MAX} seconds"));
            }
        }
        if !(OUTPUT_BYTES_MIN..=OUTPUT_BYTES_LIMIT).contains(&self.output_bytes_max) {
            problems.add(
                "limits.output_bytes_max",
                format!(
                    "{} is out of bounds; write {OUTPUT_BYTES_MIN} to {OUTPUT_BYTES_LIMIT} bytes",
                    self.output_bytes_max
                ),
            );
        }
        if self.ask_remind_secs_max > SECS_MAX {
            problems.add(
                "limits.ask_remind_secs_max",
                format!("{} is out of bounds; write 0 to {SECS_MAX} seconds", self.ask_remind_secs_max),
            );
        }
        if self.catch_up_secs_max > SECS_MAX {
            problems.add(
                "limits.catch_up_secs_max",
                format!("{} is out of bounds; write 0 to {SECS_MAX} seconds", self.catch_up_secs_max),
            );
        }
        if self.history_days == 1 {
            problems.add(
                "limits.history_days",
                "1 is out of bounds: Discord may repeat what is so young; write at least 2, or 0 to forget nothing",
            );
        }
        if self.attachment_bytes_max == 0 {
            problems.add(
                "limits.attachment_bytes_max",
                "write at least 1; to take no files, set attachments_max = 0",
            );
        }
    }
}

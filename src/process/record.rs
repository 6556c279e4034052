//! What happened at a process, and how it is written down: one line of text per record, `<kind> <unix ms> <payload>`,
//! so that a person can read a spool with `less`.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::clock::WallTime;

/// A byte offset in the spool: where a record ends and the next begins. Grows, and survives restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

/// A record with its place in the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Where the record ends: attach from here to get what comes after it.
    pub end: Position,
    /// When the shim recorded it.
    pub at: WallTime,
    /// What.
    pub record: Record,
}

/// One thing that happened at the process, as the spool has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A line on stdout, without its newline. Not necessarily UTF-8.
    Out(Bytes),
    /// A line on stderr, without its newline; only the head of a very long one.
    Err(Bytes),
    /// A line that was written to stdin, completely. It stands before everything that the child says to it.
    In(Bytes),
    /// A line on stdout that was longer than the launch allows; its bytes are gone.
    TooLong {
        /// Its length in bytes.
        bytes: u64,
    },
    /// Some of what the child said could not be recorded, because there was no room for it.
    Gap,
    /// The child is being stopped from now on, and why.
    Stopping(Stopping),
    /// Which format this spool has, and the [`Command`](super::Command)s that its shim knows: the first record. Shims of
    /// version 1 wrote none.
    Version(u32),
    /// The process is over. The last record, exactly one.
    Exit(Exit),
}

/// Why a shim stops its child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopping {
    /// A daemon asked for it.
    Asked,
    /// The spool is as long as it may be.
    SpoolFull,
    /// The disk is full, or fails.
    DiskFull,
    /// There was no daemon for as long as the launch allows.
    Alone,
    /// A signal told the shim to end: the machine is shut down, or somebody did it.
    Told,
}

impl Stopping {
    const WORDS: [(Stopping, &str); 5] = [
        (Stopping::Asked, "asked"),
        (Stopping::SpoolFull, "spool full"),
        (Stopping::DiskFull, "disk full"),
        (Stopping::Alone, "alone"),
        (Stopping::Told, "told"),
    ];

    /// As it stands in the spool.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(why, _)| *why == self).map_or("", |(_, word)| word)
    }

    fn read(word: &[u8]) -> Option<Self> {
        Self::WORDS.iter().find(|(_, known)| known.as_bytes() == word).map(|(why, _)| *why)
    }
}

/// The [`Record::Version`] that shims of this program write.
pub const VERSION: u32 = 2;

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "exit", rename_all = "snake_case")]
pub enum Exit {
    /// It exited with this code.
    Code {
        /// The code.
        code: i32,
    },
    /// A signal killed it.
    Signal {
        /// The signal's number.
        signal: i32,
    },
    /// It could not be started.
    NotStarted {
        /// Why, as one of the kinds that people can do something about.
        kind: NotStarted,
        /// The operating system's words, for the log.
        error: String,
    },
    /// The shim is gone without an exit record (power, out of memory, a killed shim). Never in a spool: whoever finds
    /// such a spool says it.
    Lost,
}

/// Why a process could not be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotStarted {
    /// The program is not there.
    ProgramMissing,
    /// The working directory is not there.
    DirectoryMissing,
    /// Anything else.
    Other,
}

/// Why a line of a spool is no record. It is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// It does not begin with a kind and a time.
    #[error("failed to find kind and time")]
    Head,
    /// The kind is none that is known.
    #[error("failed to know the kind")]
    Kind,
    /// What follows does not fit the kind.
    #[error("failed to read the payload")]
    Payload,
    /// It is longer than any record may be.
    #[error("failed to hold it: too long")]
    Long,
}

impl Record {
    /// The letter that stands for the kind.
    pub(super) fn kind(&self) -> char {
        match self {
            Record::Out(_) => 'o',
            Record::Err(_) => 'e',
            Record::In(_) => 'i',
            Record::TooLong { .. } => 'l',
            Record::Gap => 'g',
            Record::Stopping(_) => 's',
            Record::Version(_) => 'v',
            Record::Exit(_) => 'x',
        }
    }

    /// What follows kind and time. Has no newline.
    pub(super) fn payload(&self) -> Cow<'_, [u8]> {
        match self {
            Record::Out(line) | Record::Err(line) | Record::In(line) => Cow::Borrowed(line),
            Record::TooLong { bytes } => Cow::Owned(bytes.to_string().into_bytes()),
            Record::Gap => Cow::Borrowed(b""),
            Record::Stopping(why) => Cow::Borrowed(why.word().as_bytes()),
            Record::Version(version) => Cow::Owned(version.to_string().into_bytes()),
            Record::Exit(exit) => Cow::Owned(serde_json::to_vec(exit).expect("an exit is plain JSON")),
        }
    }

    /// Reads one line of a spool, given without its newline. Shares its memory.
    pub(super) fn parse(line: &Bytes) -> Result<(WallTime, Record), BadRecord> {
        let mut parts = line.splitn(3, |byte| *byte == b' ');
        let (Some(kind), Some(at), Some(payload)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(BadRecord::Head);
        };
        let at = std::str::from_utf8(at).ok().and_then(|at| at.parse().ok()).map(WallTime);
        let at = at.ok_or(BadRecord::Head)?;
        let payload = line.slice_ref(payload);
        let record = match kind {
            b"o" => Record::Out(payload),
            b"e" => Record::Err(payload),
            b"i" => Record::In(payload),
            b"l" => Record::TooLong { bytes: number(&payload)? },
            b"g" => Record::Gap,
            b"s" => Record::Stopping(Stopping::read(&payload).ok_or(BadRecord::Payload)?),
            b"v" => Record::Version(number(&payload)?),
            b"x" => Record::Exit(serde_json::from_slice(&payload).map_err(|_| BadRecord::Payload)?),
            _ => return Err(BadRecord::Kind),
        };
        Ok((at, record))
    }
}

fn number<T: std::str::FromStr>(payload: &[u8]) -> Result<T, BadRecord> {
    std::str::from_utf8(payload).ok().and_then(|text| text.parse().ok()).ok_or(BadRecord::Payload)
}

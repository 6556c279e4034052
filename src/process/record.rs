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
    /// The process is over. The last record, exactly one.
    Exit(Exit),
}

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
            Record::Exit(_) => 'x',
        }
    }

    /// What follows kind and time. Has no newline.
    pub(super) fn payload(&self) -> Cow<'_, [u8]> {
        match self {
            Record::Out(line) | Record::Err(line) | Record::In(line) => Cow::Borrowed(line),
            Record::TooLong { bytes } => Cow::Owned(bytes.to_string().into_bytes()),
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
            b"l" => {
                let bytes = std::str::from_utf8(&payload).ok().and_then(|bytes| bytes.parse().ok());
                Record::TooLong { bytes: bytes.ok_or(BadRecord::Payload)? }
            }
            b"x" => Record::Exit(serde_json::from_slice(&payload).map_err(|_| BadRecord::Payload)?),
            _ => return Err(BadRecord::Kind),
        };
        Ok((at, record))
    }
}

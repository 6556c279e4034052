//! The spool: every record of a process, appended to a plain file before anybody interprets it. The one buffer between
//! a child that never waits and a reader that may be slow, away, or not born yet.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use bytes::BytesMut;

use super::record::{BadRecord, Position, Record, Recorded};
use crate::clock::WallTime;

/// No line that is recorded is longer than this, whatever the launch says: it bounds what a reader must hold.
pub const LINE_BYTES_LIMIT: usize = 64 << 20;

/// A record: the line, its kind, its time.
const RECORD_BYTES_MAX: usize = LINE_BYTES_LIMIT + 32;

/// The writing side. There is one, and it lives as long as the shim.
#[derive(Debug)]
pub struct Spool {
    file: File,
    end: u64,
}

impl Spool {
    /// Makes the file (0600). It must not be there yet: a shim never runs twice in one directory.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
        Ok(Self { file, end: 0 })
    }

    /// Where the last record ends.
    pub fn end(&self) -> Position {
        Position(self.end)
    }

    /// Appends a record. When that fails, on a full disk say, nothing of it stays, and the next may be tried.
    pub fn append(&mut self, at: WallTime, record: &Record) -> io::Result<Position> {
        let head = format!("{} {} ", record.kind(), at.0);
        let payload = record.payload();
        let mut parts = [IoSlice::new(head.as_bytes()), IoSlice::new(&payload), IoSlice::new(b"\n")];
        let mut rest = &mut parts[..];
        while !rest.is_empty() {
            // One call, unless the disk is full or the record is longer than the kernel takes at once.
            match self.file.write_vectored(rest) {
                Ok(0) => return Err(self.undone(io::ErrorKind::WriteZero.into())),
                Ok(written) => IoSlice::advance_slices(&mut rest, written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.undone(error)),
            }
        }
        self.end += (head.len() + payload.len() + 1) as u64;
        Ok(self.end())
    }

    /// Waits until all of it is on the disk.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Cuts off the half record that a failed write left.
    fn undone(&mut self, error: io::Error) -> io::Error {
        if self.file.set_len(self.end).is_err() {
            // It stays, and the next record ends it: a reader passes over both, and positions stay true.
            self.end = self.file.metadata().map_or(self.end, |metadata| metadata.len());
        }
        error
    }
}

/// The reading side: bytes of a spool from some position on, to records. A half record at the end waits for its rest,
/// or is none.
#[derive(Debug)]
pub struct Decoder {
    buffer: BytesMut,
    /// How much of the buffer is known to have no newline.
    searched: usize,
    /// Where the buffer begins in the spool.
    position: u64,
    /// The line at hand was too long; what comes of it is dropped.
    skipping: bool,
}

impl Decoder {
    /// Begins at `from`: the start of a spool, or where some record ends.
    pub fn new(from: Position) -> Self {
        Self { buffer: BytesMut::new(), searched: 0, position: from.0, skipping: false }
    }

    /// Where to put the bytes that come next.
    pub fn buffer(&mut self) -> &mut BytesMut {
        self.buffer.reserve(64 * 1024);
        &mut self.buffer
    }

    /// Where the last complete record ends: read on from here after the half one is lost.
    pub fn position(&self) -> Position {
        Position(self.position)
    }

    /// The next record, if it is complete. What is no record is to be logged and passed over.
    #[expect(clippy::should_implement_trait, reason = "None means `not yet`, so it is no iterator")]
    pub fn next(&mut self) -> Option<Result<Recorded, BadRecord>> {
        let Some(newline) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.buffer.len();
            if self.searched > RECORD_BYTES_MAX {
                self.skipping = true;
            }
            if self.skipping {
                self.position += self.searched as u64;
                self.buffer.clear();
                self.searched = 0;
            }
            return None;
        };
        let mut line = self.buffer.split_to(self.searched + newline + 1).freeze();
        self.searched = 0;
        self.position += line.len() as u64;
        if std::mem::take(&mut self.skipping) {
            return Some(Err(BadRecord::Long));
        }
        line.truncate(line.len() - 1);
        let end = self.position();
        Some(Record::parse(&line).map(|(at, record)| Recorded { end, at, record }))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::super::record::{Exit, NotStarted};
    use super::*;

    fn records() -> Vec<Record> {
        vec![
            Record::In(Bytes::from_static(b"{\"type\":\"user\"}")),
            Record::Out(Bytes::from_static(b"with  spaces  and \xff\x00 bytes")),
            Record::Out(Bytes::new()),
            Record::Err(Bytes::from_static("väl".as_bytes())),
            Record::TooLong { bytes: 52_428_800 },
            Record::Exit(Exit::Code { code: -1 }),
            Record::Exit(Exit::Signal { signal: 9 }),
            Record::Exit(Exit::NotStarted { kind: NotStarted::ProgramMissing, error: "a\nb".into() }),
        ]
    }

    /// The bytes of a spool with these records, and where each ends.
    fn written(records: &[Record]) -> (Vec<u8>, Vec<Position>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("spool");
        let mut spool = Spool::create(&path).unwrap();
        let ends = records.iter().enumerate();
        let ends = ends.map(|(at, record)| spool.append(WallTime(at.try_into().unwrap()), record).unwrap());
        let ends = ends.collect();
        (std::fs::read(&path).unwrap(), ends)
    }

    fn read<'a>(
        from: Position,
        chunks: impl IntoIterator<Item = &'a [u8]>,
    ) -> Vec<Result<Recorded, BadRecord>> {
        let mut decoder = Decoder::new(from);
        let mut found = Vec::new();
        for chunk in chunks {
            decoder.buffer().extend_from_slice(chunk);
            found.extend(std::iter::from_fn(|| decoder.next()));
        }
        found
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_however_it_comes(size in 1usize..60, skip in 0usize..8, cut in 0usize..40) {
            let records = records();
            let (bytes, ends) = written(&records);
            let from = if skip == 0 { Position(0) } else { ends[skip - 1] };
            let whole = bytes.len() - cut;
            let rest = &bytes[usize::try_from(from.0).unwrap().min(whole)..whole];
            let found = read(from, rest.chunks(size));
            let want: Vec<_> = (skip..records.len())
                .filter(|index| ends[*index].0 <= whole as u64)
                .map(|index| {
                    let at = WallTime(index.try_into().unwrap());
                    Ok(Recorded { end: ends[index], at, record: records[index].clone() })
                })
                .collect();
            prop_assert_eq!(found, want);
        }
    }

    #[test]
    fn what_is_no_record_is_passed_over() {
        let found = read(Position(0), [&b"o 7 a\nnonsense\no x b\nq 8 c\nl 8 many\nx 9 {}\no 9 d\n"[..]]);
        let bad = [BadRecord::Head, BadRecord::Head, BadRecord::Kind, BadRecord::Payload, BadRecord::Payload];
        assert_eq!(found.iter().filter_map(|found| found.clone().err()).collect::<Vec<_>>(), bad);
        let good = found.iter().filter_map(|found| found.clone().ok()).collect::<Vec<_>>();
        assert_eq!(good[0].record, Record::Out(Bytes::from_static(b"a")));
        assert_eq!(good[1].record, Record::Out(Bytes::from_static(b"d")));
        assert_eq!(good[1].end, Position(49));
    }

    #[test]
    fn a_spool_is_made_once_and_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("spool");
        Spool::create(&path).unwrap().sync().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = Spool::create(&path).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    }
}

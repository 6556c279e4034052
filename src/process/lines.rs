//! Bytes to bounded lines. A child may print a line of any length, bytes that are no text, and half a line before it
//! dies; none of that may cost memory without bound, or the lines that come after.

/// Puts lines together from chunks as they come. Holds at most one line, of at most the given bytes.
#[derive(Debug)]
pub struct Lines {
    /// What is kept of the line that is not complete yet.
    kept: Vec<u8>,
    /// How long that line is so far; more than is kept if it is over-long.
    bytes: u64,
    bytes_max: usize,
    head_bytes_max: usize,
}

/// A complete line, without its newline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// All of it.
    Whole(Vec<u8>),
    /// It was longer than is allowed.
    Long {
        /// Its beginning, if that was asked for; else empty.
        head: Vec<u8>,
        /// Its whole length.
        bytes: u64,
    },
}

impl Lines {
    /// Lines of at most `bytes_max` bytes; of a longer one only the length is known.
    pub fn new(bytes_max: usize) -> Self {
        Self { kept: Vec::new(), bytes: 0, bytes_max, head_bytes_max: 0 }
    }

    /// Lines of at most `bytes_max` bytes; of a longer one that much is kept.
    pub fn keeping_heads(bytes_max: usize) -> Self {
        Self { head_bytes_max: bytes_max, ..Self::new(bytes_max) }
    }

    /// Takes from the front of `chunk` up to the end of a line, and gives that line; or takes all of it.
    pub fn next(&mut self, chunk: &mut &[u8]) -> Option<Line> {
        let bytes: &[u8] = chunk;
        if let Some(newline) = bytes.iter().position(|byte| *byte == b'\n') {
            self.take(&bytes[..newline]);
            *chunk = &bytes[newline + 1..];
            Some(self.end())
        } else {
            self.take(bytes);
            *chunk = &[];
            None
        }
    }

    /// The last line, if it had no newline. To be called when nothing comes any more.
    pub fn finish(&mut self) -> Option<Line> {
        (self.bytes > 0).then(|| self.end())
    }

    fn take(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        if !self.is_long() {
            self.kept.extend_from_slice(piece);
            return;
        }
        let room = self.head_bytes_max.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&piece[..room.min(piece.len())]);
        if self.kept.len() > self.head_bytes_max {
            self.kept.truncate(self.head_bytes_max);
            self.kept.shrink_to_fit();
        }
    }

    fn end(&mut self) -> Line {
        let long = self.is_long();
        let kept = std::mem::take(&mut self.kept);
        let bytes = std::mem::take(&mut self.bytes);
        if long { Line::Long { head: kept, bytes } } else { Line::Whole(kept) }
    }

    fn is_long(&self) -> bool {
        self.bytes > self.bytes_max as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All lines of `chunks`, and the most that was ever held.
    fn read<'a>(mut lines: Lines, chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Line>, usize) {
        let (mut found, mut held) = (Vec::new(), 0);
        for mut chunk in chunks {
            while !chunk.is_empty() {
                found.extend(lines.next(&mut chunk));
                held = held.max(lines.kept.len());
            }
        }
        found.extend(lines.finish());
        assert_eq!(lines.finish(), None);
        (found, held)
    }

    /// What the lines ought to be, said in the simplest way.
    fn expected(bytes: &[u8], bytes_max: usize, head: bool) -> Vec<Line> {
        let mut pieces: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        if pieces.last().is_some_and(|last| last.is_empty()) {
            pieces.pop();
        }
        let line = |piece: &[u8]| match piece.len() > bytes_max {
            false => Line::Whole(piece.to_vec()),
            true if head => Line::Long { head: piece[..bytes_max].to_vec(), bytes: piece.len() as u64 },
            true => Line::Long { head: Vec::new(), bytes: piece.len() as u64 },
        };
        pieces.into_iter().map(line).collect()
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![1 => Just(b'\n'), 6 => any::<u8>()];
        prop::collection::vec(byte, 0..200)
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_lines(bytes in text(), size in 1usize..50, bytes_max in 0usize..20, head: bool) {
            let lines = if head { Lines::keeping_heads(bytes_max) } else { Lines::new(bytes_max) };
            let (found, held) = read(lines, bytes.chunks(size));
            prop_assert_eq!(found, expected(&bytes, bytes_max, head));
            prop_assert!(held <= bytes_max);
        }
    }

    #[test]
    fn the_bound_is_per_line() {
        let line = b"0123456789\n";
        let (found, _) = read(Lines::new(10), std::iter::repeat_n(&line[..], 10_000));
        assert_eq!(found.len(), 10_000);
        assert!(found.iter().all(|line| *line == Line::Whole(b"0123456789".to_vec())));
    }

    #[test]
    fn a_line_of_50_mb_costs_no_memory() {
        let chunk = vec![b'x'; 64 * 1024];
        let mut lines = Lines::new(1 << 20);
        for _ in 0..800 {
            assert_eq!(lines.next(&mut &chunk[..]), None);
            assert!(lines.kept.capacity() <= 2 << 20);
        }
        assert_eq!(lines.kept.capacity(), 0);
        assert_eq!(
            lines.next(&mut &b"\n"[..]),
            Some(Line::Long { head: Vec::new(), bytes: 800 * 64 * 1024 })
        );
        assert_eq!(lines.next(&mut &b"next\n"[..]), Some(Line::Whole(b"next".to_vec())));
    }
}

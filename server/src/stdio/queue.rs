//! Lines that wait to be written: bounded in bytes, in their order, with a note where some were dropped.
//!
//! ```text
//!   line ─► fits ─► waits ─► written
//!        └► does not fit ─► dropped, counted, and so is every further line until half of the room is free again
//!                                            └─► then the note, in the place of what was dropped
//! ```
//! Without the half, a queue that is full would take and drop lines by turns, with a note for each.

use std::collections::VecDeque;

/// How much may wait. A node that logs at `debug` under a hundred operators' commands a second writes that much in a
/// minute; a pause of a terminal is shorter.
pub(super) const BYTES_MAX: usize = 1 << 20;

/// Lines of one stream.
#[derive(Default)]
pub(super) struct Queue {
    lines: VecDeque<Vec<u8>>,
    /// Of all lines that wait.
    bytes: usize,
    /// Dropped since the last note.
    dropped: u64,
    /// Dropped in all.
    pub(super) dropped_in_all: u64,
    /// Nothing is taken until half of the room is free.
    is_full: bool,
}

impl Queue {
    /// Takes a line, or drops it. `note` says how many were dropped before.
    pub(super) fn push(&mut self, line: Vec<u8>, note: impl FnOnce(u64) -> Vec<u8>) {
        let room = match self.is_full {
            true => BYTES_MAX / 2,
            false => BYTES_MAX,
        };
        self.is_full = self.bytes + line.len() > room;
        if self.is_full {
            self.dropped += 1;
            self.dropped_in_all += 1;
            return;
        }
        if let Some(note) = self.note(note) {
            self.add(note);
        }
        self.add(line);
    }

    /// The next line to be written; behind the last one, the note.
    pub(super) fn pop(&mut self, note: impl FnOnce(u64) -> Vec<u8>) -> Option<Vec<u8>> {
        match self.lines.pop_front() {
            Some(line) => {
                self.bytes -= line.len();
                Some(line)
            }
            None => self.note(note),
        }
    }

    /// Counts a line that was taken and could not be written.
    pub(super) fn count_lost(&mut self) {
        self.dropped += 1;
        self.dropped_in_all += 1;
    }

    fn add(&mut self, line: Vec<u8>) {
        self.bytes += line.len();
        self.lines.push_back(line);
    }

    fn note(&mut self, note: impl FnOnce(u64) -> Vec<u8>) -> Option<Vec<u8>> {
        let dropped = std::mem::take(&mut self.dropped);
        (dropped > 0).then(|| note(dropped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(count: u64) -> Vec<u8> {
        format!("{count} dropped").into_bytes()
    }

    /// A line with a number, of a hundredth of the room.
    fn line(number: usize) -> Vec<u8> {
        let mut line = number.to_string().into_bytes();
        line.resize(BYTES_MAX / 100, b' ');
        line
    }

    fn number(line: &[u8]) -> usize {
        String::from_utf8_lossy(line).trim().parse().unwrap()
    }

    #[test]
    fn the_note_stands_where_the_lines_would_and_the_order_is_kept() {
        let mut queue = Queue::default();
        for at in 0..130 {
            queue.push(line(at), note);
        }
        let mut read: Vec<_> = (0..40).map(|_| queue.pop(note).unwrap()).collect();
        // Not yet half free: this one is dropped, too.
        queue.push(line(130), note);
        read.extend((40..60).map(|_| queue.pop(note).unwrap()));
        queue.push(line(131), note);
        read.extend(std::iter::from_fn(|| queue.pop(note)));
        let taken = BYTES_MAX / line(0).len();
        let numbers: Vec<_> = read[..taken].iter().map(|line| number(line)).collect();
        assert_eq!(numbers, (0..taken).collect::<Vec<_>>());
        let dropped = 131 - taken;
        assert_eq!(read[taken], note(dropped as u64));
        assert_eq!(number(&read[taken + 1]), 131);
        assert_eq!(read.len(), taken + 2);
        assert_eq!(queue.dropped_in_all, dropped as u64);
    }

    #[test]
    fn without_further_lines_the_note_comes_behind_the_last() {
        let mut queue = Queue::default();
        for at in 0..102 {
            queue.push(line(at), note);
        }
        let read: Vec<_> = std::iter::from_fn(|| queue.pop(note)).collect();
        assert_eq!(read.last().unwrap(), &note(102 - (read.len() as u64 - 1)));
        assert_eq!(queue.pop(note), None);
    }

    #[test]
    fn a_line_beyond_all_room_is_dropped_and_the_next_is_taken() {
        let mut queue = Queue::default();
        queue.push(vec![b'x'; BYTES_MAX + 1], note);
        queue.push(line(1), note);
        assert_eq!(queue.pop(note), Some(note(1)));
        assert_eq!(number(&queue.pop(note).unwrap()), 1);
        assert_eq!(queue.bytes, 0);
    }
}

//! A queue of lines, bounded in bytes, with a note in place of dropped lines.
//!
//! ```text
//!   line ─► fits ─► waits ─► written
//!        └► does not fit ─► dropped, counted, and so is every further line until half of the room is free again
//!                                            └─► then the note, in the place of what was dropped
//! ```
//! Without the half, a full queue would alternately take and drop lines, with a note for each.

use std::collections::VecDeque;

/// The capacity in bytes. A node that logs at `debug` under 100 operators' commands per second writes that much in
/// one minute; pauses of a terminal are shorter.
pub(super) const BYTES_MAX: usize = 1 << 20;

/// The next output of a queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Line {
    Text(Vec<u8>),
    /// The number of lines that were dropped at this place.
    Note(u64),
}

/// The queue of one stream.
#[derive(Default)]
pub(super) struct Queue {
    lines: VecDeque<Line>,
    /// The size of all waiting lines in bytes.
    bytes: usize,
    /// The number of lines dropped since the last note.
    dropped: u64,
    /// The number of lines dropped since the start.
    pub(super) dropped_in_all: u64,
    /// Whether further lines are dropped until half of the capacity is free.
    is_full: bool,
    /// Whether the last write failed: the next line is tried again, but not a note alone.
    is_broken: bool,
}

impl Queue {
    /// Adds a line, or drops it.
    pub(super) fn push(&mut self, text: Vec<u8>) {
        let room = match self.is_full {
            true => BYTES_MAX / 2,
            false => BYTES_MAX,
        };
        self.is_full = self.bytes + text.len() > room;
        if self.is_full {
            self.dropped += 1;
            self.dropped_in_all += 1;
            return;
        }
        let note = self.note();
        self.lines.extend(note);
        self.bytes += text.len();
        self.lines.push_back(Line::Text(text));
    }

    /// Takes the next line; a note follows the last line before the gap.
    pub(super) fn pop(&mut self) -> Option<Line> {
        let line = self.lines.pop_front();
        if let Some(Line::Text(text)) = &line {
            self.bytes -= text.len();
        }
        match line {
            None if !self.is_broken => self.note(),
            line => line,
        }
    }

    /// Records the result of a write: a line that could not be written counts as dropped.
    pub(super) fn written(&mut self, line: &Line, is_done: bool) {
        self.is_broken = !is_done;
        match line {
            _ if is_done => (),
            Line::Note(count) => self.dropped += count,
            Line::Text(_) => {
                self.dropped += 1;
                self.dropped_in_all += 1;
            }
        }
    }

    fn note(&mut self) -> Option<Line> {
        let dropped = std::mem::take(&mut self.dropped);
        (dropped > 0).then_some(Line::Note(dropped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line with this number, of 1 % of the capacity.
    fn line(number: usize) -> Vec<u8> {
        let mut line = number.to_string().into_bytes();
        line.resize(BYTES_MAX / 100, b' ');
        line
    }

    fn number(line: &Line) -> usize {
        let Line::Text(text) = line else {
            panic!("{line:?}");
        };
        String::from_utf8_lossy(text).trim().parse().unwrap()
    }

    #[test]
    fn the_note_stands_where_the_lines_would_and_the_order_is_kept() {
        let mut queue = Queue::default();
        for at in 0..130 {
            queue.push(line(at));
        }
        let mut read: Vec<_> = (0..40).map(|_| queue.pop().unwrap()).collect();
        // Less than half of the capacity is free, so this line is dropped, too.
        queue.push(line(130));
        read.extend((40..60).map(|_| queue.pop().unwrap()));
        queue.push(line(131));
        read.extend(std::iter::from_fn(|| queue.pop()));
        let taken = BYTES_MAX / line(0).len();
        let numbers: Vec<_> = read[..taken].iter().map(number).collect();
        assert_eq!(numbers, (0..taken).collect::<Vec<_>>());
        let dropped = (131 - taken) as u64;
        assert_eq!(read[taken], Line::Note(dropped));
        assert_eq!(number(&read[taken + 1]), 131);
        assert_eq!(read.len(), taken + 2);
        assert_eq!(queue.dropped_in_all, dropped);
    }

    #[test]
    fn without_further_lines_the_note_comes_behind_the_last() {
        let mut queue = Queue::default();
        for at in 0..102 {
            queue.push(line(at));
        }
        let read: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(read.last(), Some(&Line::Note(103 - read.len() as u64)));
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn a_line_beyond_all_room_is_dropped_and_the_next_is_taken() {
        let mut queue = Queue::default();
        queue.push(vec![b'x'; BYTES_MAX + 1]);
        queue.push(line(1));
        assert_eq!(queue.pop(), Some(Line::Note(1)));
        assert_eq!(number(&queue.pop().unwrap()), 1);
        assert_eq!(queue.bytes, 0);
    }

    #[test]
    fn what_the_other_end_refuses_is_counted_and_noted_when_it_takes_lines_again() {
        let mut queue = Queue::default();
        for at in 0..3 {
            queue.push(line(at));
            while let Some(refused) = queue.pop() {
                queue.written(&refused, false);
            }
        }
        assert_eq!((queue.pop(), queue.dropped_in_all), (None, 3));
        queue.push(line(3));
        let note = queue.pop().unwrap();
        assert_eq!(note, Line::Note(3));
        queue.written(&note, true);
        assert_eq!(number(&queue.pop().unwrap()), 3);
        assert_eq!((queue.pop(), queue.dropped_in_all), (None, 3));
    }
}

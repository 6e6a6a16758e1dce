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

/// What is written next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Line {
    Text(Vec<u8>),
    /// So many lines were dropped here.
    Note(u64),
}

/// Lines of one stream.
#[derive(Default)]
pub(super) struct Queue {
    lines: VecDeque<Line>,
    /// Of all texts that wait.
    bytes: usize,
    /// Dropped since the last note.
    dropped: u64,
    /// Dropped in all.
    pub(super) dropped_in_all: u64,
    /// Nothing is taken until half of the room is free.
    is_full: bool,
    /// The other end has refused the last line: it is tried again with the next one, and not for a note alone.
    is_broken: bool,
}

impl Queue {
    /// Takes a line, or drops it.
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

    /// The next line to be written; behind the last one, the note.
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

    /// A line that was popped has been written, or could not be: then it is one that was dropped.
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

    /// A line with a number, of a hundredth of the room.
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
        // Not yet half free: this one is dropped, too.
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

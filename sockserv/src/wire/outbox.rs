//! A bounded queue of the bytes that a client has not read yet.
//!
//! The process of a client never waits for its client: it writes into this queue. A client that reads too slowly loses its
//! connection; other clients do not notice. Pure; `port` shares the queue between two threads.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::wire::mccp::Turn;

/// The default maximum number of bytes that wait for a client.
/// An avatar at the socket's pace sends about 60 bytes/s, so 64 KiB hold a quarter of an hour of output. The kernel
/// holds about as much again for the socket. Bytes count with their length before compression. If all of 10 000 clients
/// stop reading, their queues hold 640 MB.
pub const OUTBOX_MAX: usize = 64 * 1024;

/// The client reads too slowly: its queue would exceed the limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many bytes wait for a client that does not read them")]
pub struct Overflow;

/// The queue of one client. It holds no memory while it is empty.
#[derive(Default, Debug)]
pub struct Outbox {
    bytes: BytesMut,
    /// The positions among the bytes at which compression begins or ends. A client can cause as many as
    /// [`crate::wire::negotiation::ANSWERS_MAX`] allows.
    turns: VecDeque<(usize, Turn)>,
    /// The number of waiting bytes that do not count against the limit.
    free: usize,
}

impl Outbox {
    /// Queues all of these bytes, or none of them.
    ///
    /// # Errors
    /// [`Overflow`] when more than `max` bytes would wait.
    pub fn push(&mut self, bytes: &[u8], max: usize) -> Result<(), Overflow> {
        if bytes.len() > max.saturating_sub(self.bytes.len() - self.free) {
            return Err(Overflow);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Begins or ends compression behind the bytes that wait now.
    pub fn turn(&mut self, turn: Turn) {
        self.turns.push_back((self.bytes.len(), turn));
    }

    /// Takes the next turn of compression, if no bytes wait before it.
    pub fn take_turn(&mut self) -> Option<Turn> {
        let (0, turn) = *self.turns.front()? else {
            return None;
        };
        self.turns.pop_front();
        Some(turn)
    }

    /// Takes all bytes before the next turn of compression, in one piece.
    pub fn take(&mut self) -> Bytes {
        self.free = 0;
        let Some((end, _)) = self.turns.front().copied() else {
            return std::mem::take(&mut self.bytes).freeze();
        };
        self.turns.iter_mut().for_each(|(at, _)| *at -= end);
        self.bytes.split_to(end).freeze()
    }

    /// Takes the first `len` bytes, with the turns of compression among them and right behind them.
    pub fn split_to(&mut self, len: usize) -> Outbox {
        if len >= self.len() {
            return std::mem::take(self);
        }
        let behind = self.turns.partition_point(|(at, _)| *at <= len);
        let rest = self.turns.split_off(behind);
        let turns = std::mem::replace(&mut self.turns, rest);
        self.turns.iter_mut().for_each(|(at, _)| *at -= len);
        self.free = self.free.saturating_sub(len);
        Outbox {
            bytes: self.bytes.split_to(len),
            turns,
            free: 0,
        }
    }

    /// Queues the content of another outbox, which was bounded there: its bytes do not count against the limit here until
    /// the next [`Outbox::take`].
    ///
    /// # Errors
    /// [`Overflow`] when more than `max` bytes wait already.
    pub fn append(&mut self, other: Outbox, max: usize) -> Result<(), Overflow> {
        let len = self.len();
        if len > max {
            return Err(Overflow);
        }
        self.free += other.len();
        self.bytes.extend_from_slice(&other.bytes);
        let turns = other.turns.into_iter();
        self.turns.extend(turns.map(|(at, turn)| (len + at, turn)));
        Ok(())
    }

    /// The number of waiting bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether no bytes wait; a turn of compression may still wait.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_comes_out_in_one_piece_and_in_order() {
        let mut outbox = Outbox::default();
        outbox.push(b"Executing ", OUTBOX_MAX).unwrap();
        outbox.push(b"a Pig...", OUTBOX_MAX).unwrap();
        assert_eq!(outbox.take(), "Executing a Pig...");
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_full_outbox_takes_nothing_more_and_loses_nothing() {
        let mut outbox = Outbox::default();
        outbox
            .push(&vec![b'x'; OUTBOX_MAX - 1], OUTBOX_MAX)
            .unwrap();
        assert_eq!(outbox.push(b"ab", OUTBOX_MAX), Err(Overflow));
        assert_eq!(outbox.push(b"a", OUTBOX_MAX), Ok(()));
        assert_eq!(outbox.push(b"b", OUTBOX_MAX), Err(Overflow));
        assert_eq!(outbox.take().len(), OUTBOX_MAX);
        assert_eq!(outbox.push(b"b", OUTBOX_MAX), Ok(()));
    }

    #[test]
    fn a_turn_is_taken_where_it_was_made() {
        let mut outbox = Outbox::default();
        outbox.turn(Turn::Begin);
        outbox.push(b"ab", OUTBOX_MAX).unwrap();
        outbox.turn(Turn::End);
        outbox.turn(Turn::Begin);
        outbox.push(b"c", OUTBOX_MAX).unwrap();
        outbox.turn(Turn::End);
        assert_eq!(outbox.take_turn(), Some(Turn::Begin));
        assert_eq!(
            (outbox.take_turn(), outbox.take()),
            (None, b"ab"[..].into())
        );
        assert_eq!(outbox.take_turn(), Some(Turn::End));
        assert_eq!(outbox.take_turn(), Some(Turn::Begin));
        assert_eq!((outbox.take_turn(), outbox.take()), (None, b"c"[..].into()));
        assert_eq!(outbox.take_turn(), Some(Turn::End));
        assert_eq!((outbox.take_turn(), outbox.is_empty()), (None, true));
    }

    #[test]
    fn the_content_of_another_outbox_keeps_its_turns_and_its_order() {
        let mut held = Outbox::default();
        held.push(b"abc", OUTBOX_MAX).unwrap();
        held.turn(Turn::Begin);
        held.push(b"de", OUTBOX_MAX).unwrap();
        held.turn(Turn::End);
        let mut outbox = Outbox::default();
        outbox.push(b"x", OUTBOX_MAX).unwrap();
        outbox.append(held.split_to(2), OUTBOX_MAX).unwrap();
        assert_eq!(
            (outbox.take(), outbox.take_turn()),
            (b"xab"[..].into(), None)
        );
        outbox.append(held.split_to(1), OUTBOX_MAX).unwrap();
        assert_eq!(outbox.take(), b"c"[..]);
        assert_eq!(outbox.take_turn(), Some(Turn::Begin));
        outbox.append(held.split_to(99), OUTBOX_MAX).unwrap();
        assert_eq!(
            (outbox.take(), outbox.take_turn()),
            (b"de"[..].into(), Some(Turn::End))
        );
        assert!(held.is_empty() && outbox.is_empty());
    }

    #[test]
    fn bytes_that_waited_elsewhere_do_not_count_until_they_are_taken() {
        let (mut outbox, mut held) = (Outbox::default(), Outbox::default());
        held.push(b"12345678", 8).unwrap();
        outbox.append(held.split_to(8), 8).unwrap();
        assert_eq!(outbox.push(b"abcdefgh", 8), Ok(()));
        assert_eq!(outbox.push(b"i", 8), Err(Overflow));
        held.push(b"9", 8).unwrap();
        assert_eq!(outbox.append(held.split_to(1), 8), Err(Overflow));
        assert_eq!(outbox.take().len(), 16);
        assert_eq!(outbox.push(b"abcdefghi", 8), Err(Overflow));
    }

    #[test]
    fn an_outbox_that_was_taken_holds_no_memory() {
        let mut outbox = Outbox::default();
        outbox.push(b"x", OUTBOX_MAX).unwrap();
        outbox.take();
        assert_eq!(outbox.bytes.capacity(), 0);
    }
}

//! MCCP2, the MUD Client Compression Protocol: what a client is sent as one zlib stream (RFC 1950), from a point on that the
//! client has agreed to.
//!
//! ```text
//!   IAC WILL 86 ─► IAC DO 86 ─► IAC SB 86 IAC SE ┬► zlib: each piece flushed ─► its end (Z_FINISH) ─► plain again
//!                                               └ IAC DONT 86, or the connection closes ┘
//! ```
//! Every piece that is written is flushed to a whole byte, so that no prompt waits for more text.
//!
//! A compressor of zlib's kind holds some 300 KiB, for every client. Here the clients share one for each thread, and what
//! stays with a client is the text that the next piece may refer to: the compressor is shown it anew, and what it says
//! about it is left out, because the client has that already. That is allowed between two flushes, where the stream is at a
//! whole byte and the state of a compressor is the text before (RFC 1951, 3.2).
//!
//! Where it is offered, and where not, is decided in `sessions` and `nvt`. The caller is `connection`.

use std::cell::RefCell;
use std::io::{self, Write};

use adler2::Adler32;
use flate2::Compression;
use flate2::write::DeflateEncoder;

/// How much of the text before a piece may refer to, and so what a client costs. The lines of the last minutes: the game
/// has said most of its words by then, and showing it to the compressor takes some ten microseconds, by estimate.
const HISTORY_MAX: usize = 4 * 1024;

/// The head of a zlib stream: deflate with a window of 32 KiB, no dictionary (RFC 1950, 2.2).
const HEAD: [u8; 2] = [0x78, 0x9c];

/// A block that is the last one and holds nothing (RFC 1951, 3.2.3 and 3.2.6).
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// Where compression begins or ends in what a client is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// What follows is compressed.
    Begin,
    /// The zlib stream ends here.
    End,
}

/// The stream of one client.
#[derive(Default)]
pub(crate) struct Stream {
    has_begun: bool,
    history: Vec<u8>,
    checksum: Adler32,
}

thread_local! {
    static DEFLATE: RefCell<DeflateEncoder<Vec<u8>>> =
        RefCell::new(DeflateEncoder::new(Vec::new(), Compression::fast()));
}

impl Stream {
    /// The bytes of the wire that say all of this text.
    pub(crate) fn pack(&mut self, text: &[u8]) -> Vec<u8> {
        let mut wire = self.head();
        let packed = DEFLATE.with_borrow_mut(|deflate| pack(deflate, &self.history, text));
        wire.extend(packed.expect("memory takes what is written to it"));
        self.checksum.write_slice(text);
        self.remember(text);
        wire
    }

    /// The bytes that end the stream.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let mut wire = self.head();
        wire.extend(LAST_BLOCK);
        wire.extend(self.checksum.checksum().to_be_bytes());
        wire
    }

    fn head(&mut self) -> Vec<u8> {
        match std::mem::replace(&mut self.has_begun, true) {
            true => Vec::new(),
            false => HEAD.to_vec(),
        }
    }

    fn remember(&mut self, text: &[u8]) {
        let text = &text[text.len().saturating_sub(HISTORY_MAX)..];
        let before = self.history.len().min(HISTORY_MAX - text.len());
        self.history.drain(..self.history.len() - before);
        self.history.reserve_exact(text.len());
        self.history.extend_from_slice(text);
    }
}

/// Blocks of deflate that say `text` to somebody who has read `history`.
fn pack(deflate: &mut DeflateEncoder<Vec<u8>>, history: &[u8], text: &[u8]) -> io::Result<Vec<u8>> {
    deflate.reset(Vec::new())?;
    if !history.is_empty() {
        deflate.write_all(history)?;
        deflate.flush()?;
        deflate.get_mut().clear();
    }
    deflate.write_all(text)?;
    deflate.flush()?;
    Ok(std::mem::take(deflate.get_mut()))
}

#[cfg(test)]
mod tests {
    use flate2::{Decompress, FlushDecompress, Status};
    use proptest::prelude::*;

    use super::*;

    /// What a client has read of these bytes, and whether its stream has ended.
    fn unpacked(zlib: &mut Decompress, wire: &[u8]) -> (Vec<u8>, bool) {
        let mut text = Vec::with_capacity(256 * 1024);
        let status = zlib.decompress_vec(wire, &mut text, FlushDecompress::Sync);
        (text, status.unwrap() == Status::StreamEnd)
    }

    proptest! {
        #[test]
        fn each_piece_is_read_as_soon_as_it_has_come(pieces in proptest::collection::vec(piece(), 0..30)) {
            let (mut stream, mut zlib) = (Stream::default(), Decompress::new(true));
            for piece in &pieces {
                let wire = stream.pack(piece);
                prop_assert_eq!(unpacked(&mut zlib, &wire), (piece.clone(), false));
                prop_assert!(stream.history.capacity() <= 2 * HISTORY_MAX);
            }
            let wire = stream.finish();
            prop_assert_eq!(unpacked(&mut zlib, &wire), (Vec::new(), true));
        }
    }

    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let line = proptest::sample::select(
            &[
                "Executing a Pig...\r\n",
                "Obtained a Pig's tail.\r\n",
                "Heading to the market to sell loot...\r\n",
            ][..],
        );
        let noise = proptest::collection::vec(any::<u8>(), 1..300);
        let long = (any::<u8>(), 1..100_000usize).prop_map(|(byte, len)| vec![byte; len]);
        prop_oneof![8 => line.prop_map(|line| line.as_bytes().to_vec()), 3 => noise, 1 => long]
    }

    #[test]
    fn a_game_is_told_in_less() {
        let mut stream = Stream::default();
        let lines = (0..200).map(|number| {
            let enemy = ["Pig", "Wildcat", "Dryad", "Ogre"][number % 4];
            format!("Executing a {enemy}...\r\nObtained a {enemy}'s tail, number {number}.\r\n")
        });
        let (mut plain, mut packed) = (0, 0);
        for line in lines {
            plain += line.len();
            packed += stream.pack(line.as_bytes()).len();
        }
        assert!(packed * 5 < plain * 3, "{packed} bytes for {plain}");
    }

    #[test]
    fn a_client_holds_no_more_than_its_history() {
        let mut stream = Stream::default();
        for len in [1, HISTORY_MAX - 1, 10, HISTORY_MAX + 1, 100_000, 3] {
            stream.pack(&vec![b'x'; len]);
            assert!(stream.history.capacity() <= 2 * HISTORY_MAX, "{len}");
        }
        assert!(2 * HISTORY_MAX + size_of::<Stream>() <= 32 * 1024);
    }

    #[test]
    fn a_stream_that_has_said_nothing_ends_as_one() {
        let wire = Stream::default().finish();
        assert_eq!(
            unpacked(&mut Decompress::new(true), &wire),
            (Vec::new(), true)
        );
    }
}

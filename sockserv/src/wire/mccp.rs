//! MCCP2, the MUD Client Compression Protocol: the output to a client as one zlib stream (RFC 1950), which begins after
//! the client has agreed.
//!
//! ```text
//!   IAC WILL 86 ─► IAC DO 86 ─► IAC SB 86 IAC SE ┬► zlib: each piece flushed ─► its end (Z_FINISH) ─► plain again
//!                                               └ IAC DONT 86, or the connection closes ┘
//! ```
//! Every piece of output is flushed to a whole byte, so that no prompt waits for more text.
//!
//! A zlib compressor holds about 300 KiB, too much for every client. So the clients of a thread share one compressor, and
//! each client keeps only the text that its next piece may refer to. For each piece the compressor first reads that text
//! again, and its output for it is dropped, because the client has it already. This is valid between two flushes: the
//! stream is at a whole byte there, and the state of a compressor is only the text before (RFC 1951, 3.2).
//!
//! `sessions` and `nvt` decide for which clients the server offers compression. The caller is `connection`.

use std::cell::RefCell;
use std::io::{self, Write};

use adler2::Adler32;
use flate2::Compression;
use flate2::write::DeflateEncoder;

/// The amount of earlier text that a piece may refer to, in bytes: the memory per client. It holds the lines of the last
/// minutes. The game has used most of its words by then, and the compressor reads it in about 10 µs (an estimate).
const HISTORY_MAX: usize = 4 * 1024;

/// The head of a zlib stream: deflate with a window of 32 KiB, no dictionary (RFC 1950, 2.2).
const HEAD: [u8; 2] = [0x78, 0x9c];

/// A last block without content (RFC 1951, 3.2.3 and 3.2.6).
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// A beginning or end of compression in the output of a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// The output after this point is compressed.
    Begin,
    /// The zlib stream ends at this point.
    End,
}

/// The compressed stream of one client.
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
    /// The compressed bytes of this text.
    pub(crate) fn pack(&mut self, text: &[u8]) -> Vec<u8> {
        let mut wire = self.head();
        let packed = DEFLATE.with_borrow_mut(|deflate| pack(deflate, &self.history, text));
        wire.extend(packed.expect("writing to memory cannot fail"));
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

/// Compresses `text` for a reader that has read `history`, as blocks of deflate.
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

    /// Decompresses these bytes as a client does; also returns whether the stream has ended.
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

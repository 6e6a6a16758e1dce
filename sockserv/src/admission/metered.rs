//! Reads the bytes of a client no faster than its budget allows. The layers above are TLS, HTTP and WebSocket.
//!
//! Unread bytes wait in the kernel, and then at the client, because its TCP window closes.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::admission::budget::Budget;

/// The number of bytes after which other tasks get a turn, although the client has more and may send it. The layers above
/// turn a frame of 6 bytes into work and do not yield.
const PIECE: usize = 4 * 1024;

/// A stream with the budget of its client.
#[derive(Debug)]
pub(crate) struct Metered<S> {
    stream: S,
    budget: Arc<Budget>,
    pause: Option<Pin<Box<Sleep>>>,
    /// The number of bytes that may be read before the next yield.
    left: usize,
}

impl<S> Metered<S> {
    /// A stream that is read at the pace of this budget.
    pub(crate) fn new(stream: S, budget: Arc<Budget>) -> Metered<S> {
        Metered {
            stream,
            budget,
            pause: None,
            left: PIECE,
        }
    }

    /// The stream below, for calls that the budget does not concern.
    pub(crate) fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Waits until the client's budget allows reading, and until other tasks have had a turn.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(debt) = self.budget.debt() {
            let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(debt)));
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        self.pause = None;
        if self.left == 0 {
            self.left = PIECE;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_turn(cx));
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let len = buffer.filled().len() - before;
        self.budget.owe(len);
        self.left = self.left.saturating_sub(len);
        Poll::Ready(Ok(()))
    }
}

/// The methods of `AsyncWrite` for a type that wraps another writer in its field `stream`.
macro_rules! writes_to_stream {
    () => {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.stream).poll_write(cx, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.stream).poll_flush(cx)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.stream).poll_shutdown(cx)
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            slices: &[io::IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
        }

        fn is_write_vectored(&self) -> bool {
            self.stream.is_write_vectored()
        }
    };
}
pub(crate) use writes_to_stream;

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    writes_to_stream!();
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    use super::*;
    use crate::admission::budget::BYTES_PER_LINE;
    use crate::admission::flood::turn;
    use crate::settings::Settings;

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_bytes_is_read_at_the_pace_of_lines() {
        let (mut client, server) = duplex(1 << 21);
        let limits = Settings::default().limits;
        let budget = Arc::new(Budget::new(Settings::default().current()));
        let mut wire = Metered::new(server, budget);
        let (lines, seconds) = (limits.lines, 60);
        let allowed = (lines.burst + seconds * lines.per_second) * BYTES_PER_LINE;
        client
            .write_all(&vec![0; 2 * allowed as usize])
            .await
            .unwrap();
        let (mut heard, mut chunk, begin) = (0, [0; 2_048], Instant::now());
        while begin.elapsed() < Duration::from_secs(u64::from(seconds)) {
            heard += wire.read(&mut chunk).await.unwrap();
        }
        let heard = heard as u32;
        assert!(heard <= allowed + 2 * 2_048, "{heard} of {allowed}");
        assert!(heard >= allowed - 2 * 2_048, "{heard} of {allowed}");
    }

    #[tokio::test(start_paused = true)]
    async fn others_have_their_turn_between_two_pieces() {
        let (mut client, server) = duplex(1 << 20);
        let budget = Arc::new(Budget::new(Settings::default().current()));
        budget.waive(true);
        client.write_all(&vec![0; 16 * PIECE]).await.unwrap();
        let mut wire = Metered::new(server, budget);
        let reads = tokio::spawn(async move {
            // Readers have buffers of a few KiB. Input that fits into one is read at once.
            let (mut chunk, mut left) = ([0; 1_024], 16 * PIECE);
            while left > 0 {
                left -= wire.read(&mut chunk).await.unwrap();
            }
        });
        let others = tokio::spawn(async move {
            let mut turns = 0;
            while !reads.is_finished() {
                turns += 1;
                turn().await;
            }
            turns
        });
        let turns = others.await.unwrap();
        assert!(turns >= 15, "{turns} turns for 16 pieces");
    }
}

//! Helpers for tests of budgets: a client that floods the node, and turns of other tasks.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// The duration of a flood: so long that the initial burst does not matter.
pub(crate) const FLOOD: Duration = Duration::from_secs(60);

/// Writes these bytes again and again for the duration of a flood; returns the number of bytes that the node took.
pub(crate) async fn flood(writer: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> usize {
    let mut taken = 0;
    let floods = async {
        loop {
            let mut rest = bytes;
            while !rest.is_empty() {
                let len = writer.write(rest).await.unwrap();
                (taken, rest) = (taken + len, &rest[len..]);
            }
        }
    };
    let _: Result<(), _> = timeout(FLOOD, floods).await;
    taken
}

/// Lets every task that is ready run, once. (tokio's own `yield_now` waits until no task is ready.)
pub(crate) async fn turn() {
    let mut is_over = false;
    poll_fn(|cx| match std::mem::replace(&mut is_over, true) {
        true => Poll::Ready(()),
        false => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

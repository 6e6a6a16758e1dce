//! The end of the program as it is, within two seconds: nothing is stopped, and nobody is waited for.
//!
//! For an operator who has lost patience, by a second signal or `pq stop --now`. A shard that stands still, a full disk or a
//! client that does not read cannot keep it.

use std::sync::mpsc::sync_channel;
use std::time::Duration;

use pq_abi::crash::{disarm, watch_thread};
use pq_protocol::Exit;

use crate::stdio;

/// How long the last words may take: an entry of the history, and an answer.
const LAST_WORDS: Duration = Duration::from_millis(700);

/// Says the last words, if they can be said in time, and ends. The exit code is that of an end out of order.
pub(crate) fn end_at_once(last_words: impl FnOnce() + Send + 'static) -> ! {
    let (done, is_done) = sync_channel(1);
    let saying = std::thread::Builder::new().spawn(move || {
        watch_thread();
        last_words();
        // The program may have ended without.
        let _ = done.send(());
    });
    if saying.is_ok() {
        // In time or not, it ends.
        let _ = is_done.recv_timeout(LAST_WORDS);
    }
    // This is no crash, and what was said is written as far as somebody reads.
    disarm();
    stdio::finish();
    std::process::exit(u8::from(Exit::Internal).into())
}

//! The end of the program within 2 s, without a stop of applications and without further waiting.
//!
//! The end is for operators who send a second signal or `pq stop --now`. A blocked shard, a full disk or a client
//! that does not read cannot delay it.

use std::sync::mpsc::sync_channel;
use std::time::Duration;

use pq_abi::crash::{disarm, watch_thread};
use pq_protocol::Exit;

use crate::stdio;

/// The limit for the last words: an entry of the history and an answer.
const LAST_WORDS: Duration = Duration::from_millis(700);

/// Runs `last_words` within the limit and ends the program with the exit code of an end without an orderly stop.
pub(crate) fn end_at_once(last_words: impl FnOnce() + Send + 'static) -> ! {
    let (done, is_done) = sync_channel(1);
    let saying = std::thread::Builder::new().spawn(move || {
        watch_thread();
        last_words();
        // The program may have ended in the meantime.
        let _ = done.send(());
    });
    if saying.is_ok() {
        // The program ends, whether or not the last words were completed in time.
        let _ = is_done.recv_timeout(LAST_WORDS);
    }
    // This end is not a crash, and the output is written as far as its reader takes it.
    disarm();
    stdio::finish();
    std::process::exit(u8::from(Exit::Internal).into())
}

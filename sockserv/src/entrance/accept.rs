//! Accepting connections, one after another, in spite of all errors of the system.
//!
//! When no descriptor is free, the loop pauses before it calls `accept` again, longer after each failure: each failed call
//! costs as much as a client, and a log line (`seldom`). `shares` keeps clients from causing this.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::admission::seldom::seldom;

/// The first pause. Descriptors become free when clients close.
const PAUSE_MIN: Duration = Duration::from_millis(50);

/// The longest pause. New connections wait in the kernel meanwhile.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The pause before the next call of `accept`; each failure doubles it.
#[derive(Clone, Copy, Debug)]
pub struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff(PAUSE_MIN)
    }
}

impl Backoff {
    /// Resets the pause after a successful call.
    pub fn calm(&mut self) {
        *self = Backoff::default();
    }

    /// Waits for the pause after a failed call, and doubles the next one.
    pub async fn wait(&mut self) {
        sleep(self.0).await;
        self.0 = PAUSE_MAX.min(self.0 * 2);
    }
}

/// Passes every new connection to `admit`, until the door is shut.
pub(crate) async fn accept_all(
    listener: TcpListener,
    mut shut: watch::Receiver<bool>,
    admit: impl Fn(TcpStream, SocketAddr),
) {
    let mut backoff = Backoff::default();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = shut.wait_for(|shut| *shut) => return,
        };
        match accepted {
            Ok((stream, address)) => {
                backoff.calm();
                admit(stream, address);
                // The client is judged before the next one is accepted: a refused client must not hold a descriptor meanwhile.
                yield_now().await;
            }
            Err(error) if is_of_the_client(&error) => {
                tracing::debug!(%error, "client gone before it was accepted")
            }
            Err(error) => {
                seldom!(warn, %error, "cannot accept");
                backoff.wait().await;
            }
        }
    }
}

/// Whether an error of `accept` concerns one client only (`accept(2)`).
fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_system_without_descriptors_is_asked_less_and_less_often() {
        let (mut backoff, begin, mut asked) = (Backoff::default(), Instant::now(), 0);
        while begin.elapsed() < Duration::from_secs(60) {
            backoff.wait().await;
            asked += 1;
        }
        assert!((60..70).contains(&asked), "{asked} in a minute");
        backoff.calm();
        let begin = Instant::now();
        backoff.wait().await;
        assert_eq!(begin.elapsed(), PAUSE_MIN);
    }
}

//! Accepting: one connection after another, whatever the system answers.
//!
//! A system without descriptors is asked again after a pause, which grows while it has none: each question costs as much as
//! a client, and the log a line (`seldom`). That no client brings this about is `shares`' to see to.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::admission::seldom::seldom;

/// The first pause: clients that close give descriptors back.
const PAUSE_MIN: Duration = Duration::from_millis(50);

/// The longest. Whoever waits at the door meanwhile waits in the kernel.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// How long to wait before the system is asked for a connection again; each failure doubles it.
#[derive(Clone, Copy, Debug)]
pub struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff(PAUSE_MIN)
    }
}

impl Backoff {
    /// It had one.
    pub fn calm(&mut self) {
        *self = Backoff::default();
    }

    /// It had none: waits.
    pub async fn wait(&mut self) {
        sleep(self.0).await;
        self.0 = PAUSE_MAX.min(self.0 * 2);
    }
}

/// Hands every client that arrives to `admit`, until the door is shut.
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
                // It is judged before the next is accepted: one that is not let in must hold no descriptor meanwhile.
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

/// Errors of `accept` that concern one client only (`accept(2)`).
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

//! The operators' socket of a running node: opened after boot, closed before the applications stop.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use pq_protocol::socket::SocketFolder;
use pq_protocol::{Event, Exit, Failure, frame};
use sockserv::entrance::accept::Backoff;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::session;
use crate::running::RunningNode;

/// The limit of concurrent connections. One person uses one or two, monitoring scripts several more, and each may
/// occupy a thread and 1 MiB for its request.
const CONNECTIONS_MAX: u32 = 32;

/// The limit for started requests at a stop, so that the stop does not interrupt an upgrade without need.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The interval between attempts to purge old code, as in OTP.
const PURGE_EVERY: Duration = Duration::from_secs(10);

/// The open socket of a running node.
pub(crate) struct OperatorSocket {
    folder: SocketFolder,
    accepting: JoinHandle<()>,
    purging: JoinHandle<()>,
    closing: watch::Sender<bool>,
    free: Arc<Semaphore>,
}

impl OperatorSocket {
    /// Opens the socket in the node's tree, whose lock the caller holds, or in the directory `elsewhere`.
    pub(crate) fn open(
        node: Arc<RunningNode>,
        elsewhere: Option<&Path>,
    ) -> anyhow::Result<OperatorSocket> {
        let root = node.booted().root();
        let opened = listen(root, elsewhere);
        let (folder, listener) = opened.with_context(|| match elsewhere {
            Some(folder) => format!("failed to open pq.sock in {}", folder.display()),
            None => format!("failed to open run/pq.sock in {}", root.display()),
        })?;
        let purging = tokio::spawn(purge(node.clone()));
        let (closing, told) = watch::channel(false);
        let free = Arc::new(Semaphore::new(CONNECTIONS_MAX as usize));
        let entrance = Entrance {
            node,
            closing: told,
            free: free.clone(),
        };
        let accepting = tokio::spawn(entrance.accept(listener));
        Ok(OperatorSocket {
            folder,
            accepting,
            purging,
            closing,
            free,
        })
    }

    /// Closes the socket to new connections and waits for started requests.
    pub(crate) async fn close(self) {
        self.accepting.abort();
        self.purging.abort();
        if let Err(error) = self.folder.clear() {
            tracing::warn!(%error, "failed to remove the operators' socket");
        }
        self.closing.send_replace(true);
        let all = self.free.acquire_many(CONNECTIONS_MAX);
        if timeout(CLOSE_TIMEOUT, all).await.is_err() {
            tracing::warn!(
                "an operator's request has not ended within {CLOSE_TIMEOUT:?}: the node stops without waiting further"
            );
        }
    }
}

fn listen(root: &Path, elsewhere: Option<&Path>) -> std::io::Result<(SocketFolder, UnixListener)> {
    let folder = match elsewhere {
        Some(folder) => SocketFolder::create_in(folder, root)?,
        None => SocketFolder::create(root)?,
    };
    folder.clear()?;
    let listener = UnixListener::bind(folder.address())?;
    folder.restrict()?;
    Ok((folder, listener))
}

/// Accepts connections of operators up to the limit.
struct Entrance {
    node: Arc<RunningNode>,
    /// `true` once the node stops.
    closing: watch::Receiver<bool>,
    free: Arc<Semaphore>,
}

impl Entrance {
    async fn accept(self, listener: UnixListener) {
        let mut backoff = Backoff::default();
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    backoff.calm();
                    self.admit(stream);
                }
                Err(error) => {
                    sockserv::seldom!(warn, %error, "cannot accept an operator's connection");
                    backoff.wait().await;
                }
            }
        }
    }

    fn admit(&self, stream: UnixStream) {
        let Ok(permit) = self.free.clone().try_acquire_owned() else {
            return turn_away(stream);
        };
        let (node, closing) = (self.node.clone(), self.closing.clone());
        tokio::spawn(async move {
            session::run(stream, node, permit, closing).await;
        });
    }
}

async fn purge(node: Arc<RunningNode>) {
    loop {
        sleep(PURGE_EVERY).await;
        let node = node.clone();
        // Failed attempts are logged by the release handler and repeated.
        let _ = tokio::task::spawn_blocking(move || node.releases().retry_purges()).await;
    }
}

/// Sends the reason to a connection over the limit; a new socket has buffer space for the sentence.
fn turn_away(stream: UnixStream) {
    let sentence = format!(
        "failed to ask: {CONNECTIONS_MAX} operators are connected already; try again later"
    );
    let frame = frame::encode(&Event::Failed(Failure::new(Exit::Busy, sentence)));
    // An operator who has already disconnected needs no answer.
    let _ = stream
        .into_std()
        .and_then(|mut stream| stream.write_all(&frame));
}

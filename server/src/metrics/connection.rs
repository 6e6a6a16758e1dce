//! The connections of the web port for operators: few, and each bounded in time, except those that become WebSockets of the live
//! page, whose number is that of viewers at most.

use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use sockserv::entrance::accept::Backoff;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::live::Peer;

/// The connections at one time: a Prometheus server has one, a health check another, and a browser up to six while it loads the live
/// page. Further ones wait in the kernel.
const CONNECTIONS_MAX: usize = 64;

/// The limit for the head of a request, also for the next one on the same connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// The limit for a connection. A program that scrapes every 15 s makes a new one for each scrape.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest head of a request in bytes.
const HEAD_MAX: usize = 16 * 1024;

/// Serves connections until the node ends.
pub(super) async fn accept_all(listener: TcpListener, router: Router) {
    let (free, mut backoff) = (
        Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        Backoff::default(),
    );
    while let Ok(permit) = free.clone().acquire_owned().await {
        match listener.accept().await {
            Ok((stream, peer)) => {
                backoff.calm();
                let router = router.clone().layer(Extension(Peer(peer)));
                tokio::spawn(serve(stream, router, permit));
            }
            Err(error) => {
                sockserv::seldom!(warn, %error, "cannot accept a connection for metrics");
                backoff.wait().await;
            }
        }
    }
}

async fn serve(stream: TcpStream, router: Router, _permit: OwnedSemaphorePermit) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_MAX);
    let serving = http
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .with_upgrades();
    // Errors are those of the client: it has gone, or is too slow.
    if let Ok(Err(error)) = timeout(CONNECTION_TIMEOUT, serving).await {
        tracing::debug!(%error, "a connection for metrics has ended");
    }
}

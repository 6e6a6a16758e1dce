//! The web port for operators: metrics for Prometheus, two answers about health, and the live page.
//!
//! ```text
//!   GET /metrics ─► a reading (`feed`) ─► OpenMetrics or the older text, as the client accepts
//!   GET /healthz ─► 200, or 503 while a callback blocks a shard
//!   GET /readyz  ─► 200, or 503 while clients are not admitted: the node starts or stops, or is locked
//!   GET /live    ─► the live page (`live`), which takes orders from operators with a token
//! ```
//! ```erlang
//! {kernel, [{metrics, [{port, 9464}, {address, "127.0.0.1"}, {hosts, ["ops.example"]}]}]}
//! % address: loopback unless set; hosts: names by which browsers find the live page besides addresses and localhost
//! ```
//! The port is closed unless the setting or `--metrics-port` opens it. It is open before the door and until the end of the node.
//! Everybody who reaches the port may read it. Only orders of the live page change anything.

mod connection;
mod settings;
pub(crate) mod source;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock, Weak};

use anyhow::anyhow;
use axum::Router;
use axum::extract::State;
use axum::http::header::{ACCEPT, ALLOW, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use pq_feed::Format;
use tokio::net::TcpListener;

use crate::boot::Booted;
use crate::feed::{reading, unready};
use crate::live::{self, Hosts};
use crate::options;
use crate::running::RunningNode;
use connection::accept_all;
pub(crate) use settings::judge;
use source::Source;

/// The port of `pq demo`, the usual one of exporters of OpenTelemetry's metrics for Prometheus.
pub(crate) const PORT: u16 = 9_464;

/// The open port, until the node ends.
pub(crate) struct Metrics {
    address: SocketAddr,
    node: Arc<OnceLock<Weak<RunningNode>>>,
}

impl Metrics {
    /// Opens the port if the command line or the environment configures one.
    ///
    /// # Errors
    /// An invalid setting, or a port of the command line that cannot be used. A port of the release that cannot be used only
    /// causes a warning, because the game works without it.
    pub(crate) async fn open(
        booted: &Booted,
        options: &options::Node,
    ) -> anyhow::Result<Option<Metrics>> {
        let typed = options.metrics_port.or(options.usual_metrics_port);
        let set = settings::settings(booted.node(), typed)?;
        let Some(address) = set.address else {
            return Ok(None);
        };
        let is_usual = options.metrics_port.is_none() && options.usual_metrics_port.is_some();
        let bound = match TcpListener::bind(address).await {
            Err(_) if is_usual => TcpListener::bind((address.ip(), 0)).await,
            bound => bound,
        };
        let listener = match bound {
            Ok(listener) => listener,
            Err(error) if options.metrics_port.is_some() => {
                return Err(anyhow!(
                    "failed to listen on {address} for metrics: {error}; choose a port with --metrics-port, 0 takes a free one"
                ));
            }
            Err(error) => {
                tracing::warn!(%address, %error, "no metrics: choose a port with --metrics-port, 0 takes a free one");
                return Ok(None);
            }
        };
        let (address, node) = (listener.local_addr()?, Arc::default());
        let source = Source {
            runtime: booted.node().clone(),
            node: Arc::clone(&node),
        };
        tokio::spawn(accept_all(listener, router(source, Hosts(set.hosts))));
        Ok(Some(Metrics { address, node }))
    }

    /// The address of the port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers for this node from now on: it has started.
    pub(crate) fn show(&self, node: &Arc<RunningNode>) {
        // A node starts only once.
        let _ = self.node.set(Arc::downgrade(node));
    }
}

fn router(source: Source, hosts: Hosts) -> Router {
    let elsewhere = (
        StatusCode::NOT_FOUND,
        "there is nothing here: /live, /metrics, /healthz and /readyz are\n",
    );
    let method = (
        StatusCode::METHOD_NOT_ALLOWED,
        [(ALLOW, "GET, HEAD")],
        "this address can only be read\n",
    );
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(health))
        .route("/readyz", get(readiness))
        .merge(live::router(Arc::new(hosts)))
        .method_not_allowed_fallback(move || async move { method })
        .fallback(move || async move { elsewhere })
        .with_state(source)
}

async fn metrics(State(source): State<Source>, headers: HeaderMap) -> Response {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    let format = Format::accepted(accept);
    let node = match source.node() {
        Ok(node) => node,
        Err(why) => return unavailable(why),
    };
    // A reading takes locks of the store and of the node, for which the thread of the sockets must not wait.
    let written = tokio::task::spawn_blocking(move || format.write(reading(&node, 0))).await;
    match written {
        Ok(text) => ([(CONTENT_TYPE, format.content_type())], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn health(State(source): State<Source>) -> Response {
    match source.runtime.stalled() {
        Some(stall) => unavailable(&stall.to_string()),
        None => "all shards answer\n".into_response(),
    }
}

async fn readiness(State(source): State<Source>) -> Response {
    let why = match source.node() {
        Ok(node) => unready(&node),
        Err(why) => Some(why),
    };
    match why {
        Some(why) => unavailable(why),
        None => "clients are admitted\n".into_response(),
    }
}

fn unavailable(why: &str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response()
}

#[cfg(test)]
mod tests {
    use pq_code::CodeServer;
    use pq_otp::{Config, Sim};

    use super::*;

    async fn said(response: Response) -> (u16, String) {
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await;
        (status, String::from_utf8(body.unwrap().into()).unwrap())
    }

    #[tokio::test]
    async fn a_node_that_starts_or_stops_is_healthy_and_not_ready() {
        let sim = Sim::new(Config::new(Arc::new(CodeServer::new())));
        let source = Source {
            runtime: sim.node().clone(),
            node: Arc::default(),
        };
        let state = || State(source.clone());
        let starts = (503, "the node starts\n".to_string());
        assert_eq!(said(readiness(state()).await).await, starts);
        assert_eq!(said(metrics(state(), HeaderMap::new()).await).await, starts);
        assert_eq!(said(health(state()).await).await.0, 200);
        source.node.set(Weak::new()).unwrap();
        let stops = (503, "the node stops\n".to_string());
        assert_eq!(said(readiness(state()).await).await, stops);
        assert_eq!(said(health(state()).await).await.0, 200);
    }
}

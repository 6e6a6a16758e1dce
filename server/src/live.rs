//! The live page, on the web port for operators (`metrics`): a room watches the avatars, their code and an upgrade.
//!
//! ```text
//!   GET  /live, /live/…js, …css      the page, out of this program                                 `files`
//!   GET  /live/ws                    WebSocket: text is the feed, binary frames are the crowd      `stream`
//!   GET  /live/avatar, /live/find    one avatar: its process, connection and state                 `avatar`
//!   GET  /live/story                 WebSocket: the last events of one avatar                      `story`
//!   GET  /live/tree, /live/installs, /live/recordings, /live/releases                              `look`
//!   POST /live/orders                an operation, with an operator's token                        `orders`, `tokens`
//! ```
//! Everybody who reaches the port may look. Nothing is changed by a GET. `gate` refuses names of other hosts, pages of other sites,
//! and orders from afar.

mod avatar;
mod files;
mod gate;
mod look;
mod orders;
pub(crate) mod place;
mod story;
mod stream;
pub(crate) mod tokens;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use pq_protocol::{Exit, Failure};

use crate::metrics::source::Source;
use crate::running::RunningNode;
pub(crate) use gate::Hosts;

/// The client of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The routes of the page.
pub(crate) fn router(hosts: Arc<Hosts>) -> Router<Source> {
    let last_tree = Arc::new(look::LastTree::default());
    Router::new()
        .route("/live", get(files::page))
        .merge(files::router())
        .route("/live/ws", get(stream::enter))
        .route("/live/avatar/{place}", get(avatar::at_place))
        .route("/live/find/{text}", get(avatar::find))
        .route("/live/story/{place}", get(story::enter))
        .route("/live/tree", get(look::tree).layer(Extension(last_tree)))
        .route("/live/installs", get(look::installs))
        .route("/live/releases", get(look::releases))
        .route("/live/recordings/{id}", get(look::recording))
        .route("/live/orders", post(orders::carry_out))
        .layer(from_fn_with_state(hosts, gate::judge))
}

/// Computes an answer on a thread that may block.
async fn answer(
    source: Source,
    work: impl FnOnce(&RunningNode) -> Result<String, Failure> + Send + 'static,
) -> Response {
    match on_node(source, work).await {
        Ok(done) => done.map_or_else(|failure| failed(&failure), as_json),
        Err(refused) => refused,
    }
}

/// Works with the node on a thread that may block.
///
/// # Errors
/// The answer when there is no node, or the work has panicked.
async fn on_node<T: Send + 'static>(
    source: Source,
    work: impl FnOnce(&RunningNode) -> T + Send + 'static,
) -> Result<T, Response> {
    let no_node = |why| refusal(StatusCode::SERVICE_UNAVAILABLE, why);
    let node = source.node().map_err(no_node)?;
    let done = tokio::task::spawn_blocking(move || work(&node)).await;
    done.map_err(|_| {
        let why = "the node has failed; its log has the details";
        refusal(StatusCode::INTERNAL_SERVER_ERROR, why)
    })
}

fn as_json(text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}

/// A failure as a status with a sentence.
fn failed(failure: &Failure) -> Response {
    let status = match failure.exit {
        Exit::Usage => StatusCode::BAD_REQUEST,
        Exit::NotPermitted => StatusCode::FORBIDDEN,
        Exit::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::CONFLICT,
    };
    refusal(status, &failure.sentence)
}

fn refusal(status: StatusCode, sentence: &str) -> Response {
    (status, format!("{sentence}\n")).into_response()
}

//! Orders from the page: operations on releases, and the end of a process. Each is the request of a command (`pq unpack`, …), done in
//! the same way and with the same entry in the history.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use pq_protocol::{Failure, Who};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{as_json, failed, refusal};
use crate::commands::{self, Ended, Operator, Order, Ordered};
use crate::metrics::source::Source;
use crate::running::{RunningNode, Wish};

/// The message of these operations in the history.
const MESSAGE: &str = "from the live page";

/// The limit for an answer, shorter than that of the connection. An operation that takes longer goes on, and the feed shows its end.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(8);

/// The longest order in bytes: a word and a name.
const ORDER_MAX: usize = 2_048;

/// Carries out an order with a valid token.
pub(super) async fn carry_out(
    State(source): State<Source>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let node = match source.node() {
        Ok(node) => node,
        Err(why) => return refusal(StatusCode::SERVICE_UNAVAILABLE, why),
    };
    let Some(who) = token(&headers).and_then(|token| node.tokens().operator(token)) else {
        sockserv::seldom!(warn, "an order of the live page is refused: no valid token");
        let sentence = "an order needs a token that is valid: `pq token` prints one";
        return refusal(StatusCode::UNAUTHORIZED, sentence);
    };
    if body.len() > ORDER_MAX {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "the order is too long");
    }
    let order: Order = match serde_json::from_slice(&body) {
        Ok(order) => order,
        Err(error) => {
            return refusal(
                StatusCode::BAD_REQUEST,
                &format!("failed to read the order: {error}"),
            );
        }
    };
    let work = tokio::task::spawn_blocking(move || do_it(&node, who, order));
    match timeout(ANSWER_TIMEOUT, work).await {
        Ok(Ok(done)) => done.map_or_else(|failure| failed(&failure), as_json),
        Ok(Err(_)) => refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the node has failed; its log has the details",
        ),
        Err(_) => refusal(StatusCode::ACCEPTED, "the operation goes on"),
    }
}

/// The token of `Authorization: Bearer TOKEN` (RFC 6750).
fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ")
}

fn do_it(node: &Arc<RunningNode>, who: Who, order: Order) -> Result<String, Failure> {
    let asked = match order.request()? {
        Ordered::OnReleases(asked) => asked,
        Ordered::AtOnce(asked) => return commands::do_at_door(asked, node, &who),
    };
    // Nobody reads the progress: the page sees it in the feed.
    let (hear, _) = mpsc::channel(1);
    let message = Some(MESSAGE.to_string());
    let Ended { answer, restart } =
        commands::do_on_releases(asked, node, Operator { who, message, hear });
    if let Some(restart) = restart {
        // If the node is already ending for another reason, that end decides about a restart.
        node.wish(Wish::Restart(restart));
    }
    answer
}

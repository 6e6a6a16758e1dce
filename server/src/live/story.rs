//! The last events of the chosen avatar, for its card: the story as `pq watch` tells it, over a WebSocket of its own.
//!
//! The page shares the places of operators who follow a process, so the avatars that are traced have a bound.

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use pq_protocol::StoryForm;
use tokio::time::timeout;

use super::avatar::name_of;
use super::refusal;
use crate::metrics::source::Source;
use crate::operator::{Listener, Watch, watch};
use crate::story::StoryLine;

/// The limit for a page to read a line.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest message of a page, in bytes: it sends none but control frames.
const MESSAGE_MAX: usize = 1_024;

/// A page that shows a card.
struct Page {
    socket: WebSocket,
    is_lost: bool,
}

/// Answers a page that shows the card of the avatar at this place.
pub(super) async fn enter(
    State(source): State<Source>,
    Path(place): Path<u32>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let node = match source.node() {
        Ok(node) => node,
        Err(why) => return refusal(StatusCode::SERVICE_UNAVAILABLE, why),
    };
    let process = node.crowd().process_at(place);
    let Some(name) = process.and_then(|process| name_of(&node, process)) else {
        return refusal(
            StatusCode::NOT_FOUND,
            "nobody with a name has this place now",
        );
    };
    let Some(permit) = node.views().trace() else {
        let why = "there are too many viewers of single avatars already";
        return refusal(StatusCode::SERVICE_UNAVAILABLE, why);
    };
    let upgrade = upgrade
        .max_message_size(MESSAGE_MAX)
        .max_frame_size(MESSAGE_MAX);
    upgrade.on_upgrade(move |socket| async move {
        let _permit = permit;
        let is_lost = false;
        let mut page = Page { socket, is_lost };
        let form = StoryForm::Text;
        // An error means that this release tells no story: the card has none.
        if let Err(why) = watch(&mut page, &node, Watch { name, form }).await {
            tracing::debug!("{}", why.sentence);
        }
    })
}

impl Page {
    async fn send(&mut self, message: Message) {
        let sent = timeout(WRITE_TIMEOUT, self.socket.send(message)).await;
        self.is_lost |= !matches!(sent, Ok(Ok(())));
    }
}

impl Listener for Page {
    async fn line(&mut self, line: &StoryLine) {
        self.send(Message::Text(line.json().into())).await;
    }

    async fn sign(&mut self) {
        self.send(Message::Ping(Bytes::new())).await;
    }

    async fn left(&mut self) {
        while let Some(Ok(_)) = self.socket.recv().await {}
    }

    fn is_lost(&self) -> bool {
        self.is_lost
    }
}

//! The WebSocket of the page: one greeting, then the feed as text and the crowd as binary frames.
//!
//! The node keeps no queue for a page. A page that does not read is passed by frames, and gets a snapshot when it reads again; after
//! 30 s its connection is closed. A page sends nothing.

use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use pq_feed::Viewer;
use pq_feed::crowd::frames::Onlooker;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, interval_at, timeout};

use super::refusal;
use crate::metrics::source::Source;
use crate::running::RunningNode;

/// The limit for a page to read a frame.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// The interval of pings, which browsers answer. A connection that is lost without a close is noticed by it.
const PING: Duration = Duration::from_secs(20);

/// The longest message of a page, in bytes: it sends none but control frames.
const MESSAGE_MAX: usize = 1_024;

/// The two views of a page.
struct Views {
    feed: Viewer,
    new_reading: watch::Receiver<()>,
    crowd: Onlooker,
    new_dots: watch::Receiver<()>,
}

/// Answers the request of a page.
pub(super) async fn enter(State(source): State<Source>, upgrade: WebSocketUpgrade) -> Response {
    let node = match source.node() {
        Ok(node) => node,
        Err(why) => return refusal(StatusCode::SERVICE_UNAVAILABLE, why),
    };
    let Some(views) = views(&node) else {
        return refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "there are too many viewers already; try again later",
        );
    };
    let greeting = greeting(&node);
    let upgrade = upgrade
        .max_message_size(MESSAGE_MAX)
        .max_frame_size(MESSAGE_MAX);
    let upgrade = upgrade.write_buffer_size(0);
    upgrade
        .on_upgrade(move |socket| async move {
            // An error means that the page has gone, or does not read.
            let _ = show(socket, greeting, views).await;
        })
        .into_response()
}

fn views(node: &RunningNode) -> Option<Views> {
    let (feed, new_reading) = node.views().view()?;
    let (crowd, new_dots) = node.crowd().view()?;
    Some(Views {
        feed,
        new_reading,
        crowd,
        new_dots,
    })
}

/// The facts that do not change while the node runs.
fn greeting(node: &Arc<RunningNode>) -> String {
    let (game, door) = (node.game(), node.door());
    let web = door.and_then(|door| door.web_address());
    json!({
        "hello": {
            "noun": [game.noun.one, game.noun.many],
            "module": game.avatar_module(),
            "web_port": web.map(|address| address.port()),
            "plain_port": door.map(|door| door.address().port()),
            "reachable": web.map(|address| reachable(address.ip())),
        }
    })
    .to_string()
}

/// The address by which other machines reach a listener; `None` for one that only this machine reaches.
fn reachable(ip: IpAddr) -> Option<IpAddr> {
    match ip {
        ip if ip.is_loopback() => None,
        ip if ip.is_unspecified() => outward(),
        ip => Some(ip),
    }
}

/// The address of this machine on the way to others. Connecting a datagram socket sends nothing; the target is an address for
/// documentation (RFC 5737).
fn outward() -> Option<IpAddr> {
    let socket = UdpSocket::bind((IpAddr::from([0, 0, 0, 0]), 0)).ok()?;
    socket.connect((IpAddr::from([192, 0, 2, 1]), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// Sends frames until the page or the node has gone.
async fn show(mut socket: WebSocket, greeting: String, mut views: Views) -> Option<()> {
    send(&mut socket, Message::Text(greeting.into())).await?;
    let mut pings = interval_at(Instant::now() + PING, PING);
    loop {
        let (frame, line) = (views.crowd.next_frame(), views.feed.next_line());
        let has_sent = frame.is_some() || line.is_some();
        if let Some(frame) = frame {
            let frame = Message::Binary(Bytes::copy_from_slice(&frame));
            send(&mut socket, frame).await?;
        }
        if let Some(line) = line {
            send(&mut socket, Message::Text((&*line).into())).await?;
        }
        if has_sent {
            continue;
        }
        tokio::select! {
            // The senders exist as long as the node.
            changed = views.new_reading.changed() => changed.ok()?,
            changed = views.new_dots.changed() => changed.ok()?,
            _ = pings.tick() => send(&mut socket, Message::Ping(Bytes::new())).await?,
            message = socket.recv() => { message?.ok()?; }
        }
    }
}

async fn send(socket: &mut WebSocket, message: Message) -> Option<()> {
    timeout(WRITE_TIMEOUT, socket.send(message))
        .await
        .ok()?
        .ok()
}

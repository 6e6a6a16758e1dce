//! The entrance for browsers: a page with a terminal, and the WebSocket behind it.
//!
//! ```text
//!   GET /    ─► the page and its files, out of this program
//!   GET /ws  ─► WebSocket ◄─► gateway ◄─► a pipe with telnet ◄─► reception: as every other client
//! ```
//! Rooms: `files` is what a browser loads, `visit` a connection that loads it, `forwarded` for whom a proxy asks, `speech`
//! what frames mean, `gateway` carries them.
//!
//! **Subprotocols** are those of <https://mudstandards.org/websocket>. `terminal.mudstandards.org`: binary frames are the
//! terminal's bytes, both ways. `gmcp.mudstandards.org`: the same, and text frames are messages of GMCP. A client that
//! names none gets the first; one that names others only is refused, as the standard has it: it could not make sense
//! of a word.
//!
//! **Origins are not looked at.** A page from elsewhere may open a connection here, as clients for all games of this
//! kind do, which the subprotocols are for. It gains nothing by doing so in a visitor's browser: there is no cookie, no
//! login and no address that has more rights than others. What it can do is play, and that anybody can.
//!
//! HTTP is plain: in front of players from afar stands a proxy with TLS, which passes on WebSockets.

mod files;
mod forwarded;
mod gateway;
mod speech;
mod visit;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use tokio::io::duplex;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::admission::arrival::{Arrival, Transport};
use crate::admission::refused::Refusal;
use crate::entrance::accept::accept_all;
use crate::entrance::door::Door;
use crate::entrance::reception::Reception;
use crate::session::ending::EndingCell;
use speech::{Dialect, Speech};
use visit::{Visitor, Visits, answer};

/// How many bytes may be on their way between a gateway and its telnet, each way: a few lines. What does not fit waits
/// in the client's outbox, or at the client.
const PIPE: usize = 4 * 1024;

/// How long a browser may take to read its last lines once the door has done with it.
const FAREWELL: Duration = Duration::from_secs(5);

/// The longest message of a client. A line has 1 KiB unless settings say otherwise, a message of GMCP at most 8.
const MESSAGE_MAX: usize = 16 * 1024;

/// How much is read of a socket at once, instead of the 128 KiB that are usual: people type.
const READ_MAX: usize = 4 * 1024;

/// How much may wait to be written: two pieces of the pipe and what a WebSocket says by itself. It is always flushed
/// before the next one is written, so it is never reached.
const WRITE_MAX: usize = 4 * PIPE;

impl Door {
    /// Listens for browsers, too, once; returns where. Every client that plays there passes the same gate.
    ///
    /// # Errors
    /// As for [`Door::open`].
    pub async fn listen_web(&self, address: SocketAddr) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (reception, shut) = (self.reception.clone(), self.shut.subscribe());
        let visits = Arc::new(Visits::new(reception.clone(), router(reception), shut));
        let admit = move |stream, peer| {
            let visits = visits.clone();
            tokio::spawn(async move { visits.admit(stream, peer).await });
        };
        tokio::spawn(accept_all(listener, self.shut.subscribe(), admit));
        Ok(*self.entrances.web.get_or_init(|| address))
    }

    /// Where it listens for browsers, if it does.
    pub fn web_address(&self) -> Option<SocketAddr> {
        self.entrances.web.get().copied()
    }
}

fn router(reception: Arc<Reception>) -> Router {
    let game = get(enter).with_state(reception);
    let elsewhere = (
        StatusCode::NOT_FOUND,
        "there is nothing here: the page is at /, the game at /ws\n",
    );
    files::router()
        .route("/ws", game)
        .fallback(move || async move { elsewhere })
        .layer(from_fn(judge))
}

/// Where a request comes from; nowhere when a proxy asks for itself, to see whether the page is there.
#[derive(Clone, Copy)]
struct Origin(Option<SocketAddr>);

/// Lets through what is to be answered.
async fn judge(
    Extension(visitor): Extension<Visitor>,
    mut request: Request,
    next: Next,
) -> Response {
    match visitor.ask(request.headers()).await {
        Ok(from) => {
            request.extensions_mut().insert(Origin(from));
            next.run(request).await
        }
        Err(refusal) => answer(&refusal),
    }
}

/// A client that wants to play.
async fn enter(
    State(reception): State<Arc<Reception>>,
    Extension(visitor): Extension<Visitor>,
    Extension(Origin(from)): Extension<Origin>,
    uri: Uri,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Some(address) = from else {
        let refusal = Refusal::Unnamed("neither Forwarded nor X-Forwarded-For is there");
        visitor.refuse(&refusal);
        return answer(&refusal);
    };
    let upgrade = limited(upgrade).protocols(Dialect::ALL.map(Dialect::name));
    let chosen = upgrade.selected_protocol().map(|name| name.as_bytes());
    let dialect = match chosen {
        Some(name) => Dialect::named(name),
        None if upgrade.requested_protocols().next().is_some() => return not_spoken(),
        None => Dialect::default(),
    };
    let speech = Speech::new(dialect, uri.query().unwrap_or_default());
    upgrade.on_upgrade(move |socket| async move {
        let arrival = Arrival {
            address,
            transport: Transport::Web,
            budget: visitor.plays(),
        };
        play(&reception, socket, arrival, speech).await;
    })
}

fn limited(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .max_message_size(MESSAGE_MAX)
        .max_frame_size(MESSAGE_MAX)
        .read_buffer_size(READ_MAX)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_MAX)
}

fn not_spoken() -> Response {
    let [first, second] = Dialect::ALL.map(Dialect::name);
    let sentence = format!("none of these subprotocols is spoken here: {first} and {second} are\n");
    (StatusCode::BAD_REQUEST, sentence).into_response()
}

/// Serves a client until it leaves, or tells it why it may not play.
async fn play(reception: &Reception, socket: WebSocket, arrival: Arrival, speech: Speech) {
    let entered = reception.enter(arrival.address);
    let budget = arrival.budget.clone();
    let ending = EndingCell::default();
    let (near, far) = duplex(PIPE);
    let mut received = pin!(reception.receive_telling(far, arrival, entered, ending.clone()));
    let mut carried = pin!(gateway::run(socket, near, speech, &budget, ending));
    let _pass = tokio::select! {
        pass = &mut received => {
            // Past the deadline, what it has not read is lost with reason.
            let _ = timeout(FAREWELL, carried).await;
            pass
        }
        // The pipe is closed: the session hears of it, and has its time to end.
        () = &mut carried => received.await,
    };
}

#[cfg(test)]
mod tests;

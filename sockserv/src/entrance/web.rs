//! The entrance for browsers: a page with a terminal, and the WebSocket behind it.
//!
//! ```text
//!   GET /    ─► the page and its files, out of this program
//!   GET /ws  ─► WebSocket ◄─► gateway ◄─► a pipe with telnet ◄─► reception, as for every other client
//! ```
//! Modules: `files` has the files of the page, `visit` handles a connection that loads them, `forwarded` finds the client
//! behind a proxy, `speech` translates frames, `gateway` transports them, `resume` brings a client back to its gateway.
//!
//! **Subprotocols** are those of <https://mudstandards.org/websocket>. `terminal.mudstandards.org`: binary frames carry
//! the terminal's bytes, both ways. `gmcp.mudstandards.org`: the same, and text frames carry messages of GMCP. A client
//! that names none gets the first. A client that names only others is refused, as the standard requires, because it could
//! not understand the frames.
//!
//! **The header `Origin` is not checked.** A page of another site may open a connection here, as MUD clients on the web do,
//! for which the subprotocols exist. The page gains nothing by doing so in a visitor's browser: there is no cookie, a
//! remembered login and a ticket are in the storage of this page alone, and no address has more rights than others. It can
//! only play, as every client can.
//!
//! HTTP is not encrypted. For players on other networks, a proxy with TLS that supports WebSockets is placed in front.

mod files;
mod forwarded;
mod gateway;
mod resume;
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
use gateway::Gateway;
use resume::{Resumes, Wish};
use speech::{Dialect, Speech};
use visit::{Visitor, Visits, answer};

/// The capacity of the pipe between a gateway and its telnet end, in bytes each way: a few lines. Further bytes wait in the
/// client's outbox, or at the client.
const PIPE: usize = 4 * 1024;

/// The time limit for a browser to read its last lines after the door has ended the session.
const FAREWELL: Duration = Duration::from_secs(5);

/// The longest message of a client, in bytes. A line has 1 KiB unless settings say otherwise, a message of GMCP at most 8.
const MESSAGE_MAX: usize = 16 * 1024;

/// The size of one read from a socket, instead of the usual 128 KiB: players send little.
const READ_MAX: usize = 4 * 1024;

/// The maximum number of bytes that wait to be written: two pieces of the pipe, and control frames. Each message is flushed
/// before the next one is written, so the maximum is never reached.
const WRITE_MAX: usize = 4 * PIPE;

impl Door {
    /// Also listens for browsers; to be called once. Returns the address. All its clients pass the same gate.
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

    /// The address of the listener for browsers, if there is one.
    pub fn web_address(&self) -> Option<SocketAddr> {
        self.entrances.web.get().copied()
    }
}

/// The state of the route to the game.
#[derive(Clone)]
struct Game {
    reception: Arc<Reception>,
    resumes: Arc<Resumes>,
}

fn router(reception: Arc<Reception>) -> Router {
    let game = get(enter).with_state(Game {
        reception,
        resumes: Arc::default(),
    });
    let elsewhere = (
        StatusCode::NOT_FOUND,
        "there is nothing here: the page is at /, the game at /ws\n",
    );
    files::router()
        .route("/ws", game)
        .fallback(move || async move { elsewhere })
        .layer(from_fn(judge))
}

/// The client's address of a request; `None` when a proxy requests the page itself, as a health check.
#[derive(Clone, Copy)]
struct Origin(Option<SocketAddr>);

/// Passes on the requests that are to be answered, and refuses the others.
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

/// Upgrades a request for `/ws`: its client plays over the WebSocket.
async fn enter(
    State(game): State<Game>,
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
    let mut asked = upgrade.requested_protocols();
    if let Some(wish) = asked.find_map(|name| Wish::read(name.as_bytes())) {
        drop(asked);
        return upgrade.on_upgrade(move |socket| async move {
            visitor.plays();
            come_back(&game, socket, &wish).await;
        });
    }
    drop(asked);
    let query = uri.query().unwrap_or_default();
    let may_resume = dialect == Dialect::Gmcp && Wish::is_in(query);
    let speech = Speech::new(dialect, query);
    upgrade.on_upgrade(move |socket| async move {
        let arrival = Arrival {
            address,
            transport: Transport::Web,
            budget: visitor.plays(),
        };
        let gateway = Gateway {
            speech,
            budget: arrival.budget.clone(),
            ending: EndingCell::default(),
            place: may_resume.then(|| game.resumes.place()).flatten(),
            taken: 0,
        };
        play(&game.reception, socket, arrival, gateway).await;
    })
}

/// Brings a client back to its session, which was admitted when it began; or tells it that the session is over.
async fn come_back(game: &Game, socket: WebSocket, wish: &Wish) {
    let Err(socket) = game.resumes.hand(wish, socket) else {
        return;
    };
    if let Ok(_permit) = game.reception.turned_away.try_acquire() {
        gateway::refuse(*socket).await;
    }
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

/// Serves a client until it leaves, or tells it the reason for its refusal.
async fn play(reception: &Reception, socket: WebSocket, arrival: Arrival, gateway: Gateway) {
    let entered = reception.enter(arrival.address);
    let (near, far) = duplex(PIPE);
    let ending = gateway.ending.clone();
    let mut received = pin!(reception.receive_telling(far, arrival, entered, ending));
    let mut carried = pin!(gateway.run(socket, near));
    let _pass = tokio::select! {
        pass = &mut received => {
            // After the deadline, output that the browser has not read is lost.
            let _ = timeout(FAREWELL, carried).await;
            pass
        }
        // The gateway has closed the pipe. The session is notified, and has its usual time to end.
        () = &mut carried => received.await,
    };
}

#[cfg(test)]
mod tests;

//! The door itself: accepts clients, gives each a process, and joins the two.
//!
//! ```text
//!   accept ─► port ─► start_child(sockserv_sup, [Port]) ─► process ─► connection::run
//! ```
//! Accepting is a task of its own: it waits for no process and is part of none, so no upgrade of the game
//! stops it. What is said to a client, the process decides; the door speaks only when there is none.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pq_otp::{Node, Pid, PortSink};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::connection::{self, Owner};
use crate::crowd::{Client, Crowd, Guest, Place};
use crate::gmcp::Message;
use crate::mssp::{Listing, Mssp};
use crate::port::Port;
use crate::settings::{Opening, Settings};
use crate::socket::prepare;
use crate::starting::start_session;

/// Clients at once. Beyond it a client is told so and closed. 10 000 is the load this is tested with; a
/// client takes some 10 KB and one descriptor, so twice that fits a small machine.
const CLIENTS_MAX: usize = 20_000;

/// How long a client waits for its process: the default of `gen_server:call/2`, in which OTP would start it.
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// How long accepting pauses when the system has no descriptor left: closing clients give some back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An open door.
pub struct Door {
    address: SocketAddr,
    shut: watch::Sender<bool>,
    clients: Arc<Semaphore>,
    crowd: Arc<Crowd>,
    is_locked: Arc<AtomicBool>,
}

/// What every client needs.
struct Hall {
    node: Node,
    supervisor: &'static str,
    clients: Arc<Semaphore>,
    crowd: Arc<Crowd>,
    is_locked: Arc<AtomicBool>,
    settings: Arc<Settings>,
}

impl Door {
    /// Listens at `address` and starts a child of `supervisor` (a local name) for each client, with the
    /// default settings.
    ///
    /// # Errors
    /// When the address cannot be had: in use, not of this machine, not permitted.
    pub async fn open(
        node: Node,
        address: SocketAddr,
        supervisor: &'static str,
    ) -> io::Result<Door> {
        Door::open_with(node, address, supervisor, Settings::default()).await
    }

    /// The same with these settings. To what their listing tells, the door adds what it knows: how many play
    /// (`PLAYERS`), since when (`UPTIME`), at which port (`PORT`), and what it can do. The listing may say
    /// otherwise.
    ///
    /// # Errors
    /// As for [`Door::open`].
    pub async fn open_with(
        node: Node,
        address: SocketAddr,
        supervisor: &'static str,
        settings: Settings,
    ) -> io::Result<Door> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (shut, watched) = watch::channel(false);
        let clients = Arc::new(Semaphore::new(CLIENTS_MAX));
        let crowd = Arc::new(Crowd::default());
        let is_locked = Arc::new(AtomicBool::new(false));
        let listing = Arc::new(AtThisDoor {
            address,
            since: SystemTime::now(),
            crowd: crowd.clone(),
            node: settings.listing,
        });
        let hall = Arc::new(Hall {
            node,
            supervisor,
            clients: clients.clone(),
            crowd: crowd.clone(),
            is_locked: is_locked.clone(),
            settings: Arc::new(Settings {
                listing,
                ..settings
            }),
        });
        tokio::spawn(accept_all(listener, hall, watched));
        Ok(Door {
            address,
            shut,
            clients,
            crowd,
            is_locked,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many clients there are.
    pub fn clients(&self) -> usize {
        CLIENTS_MAX - self.clients.available_permits()
    }

    /// How many of them have sent a line. A crawler, which asks for MSSP and leaves, is no player.
    pub fn players(&self) -> usize {
        self.crowd.players()
    }

    /// Sends a message to the programs of all clients that have asked for such: [`Message::upgrade`].
    pub fn message(&self, message: &Message) {
        self.crowd.message(message);
    }

    /// Everybody who has a process, in the order in which they came.
    pub fn guests(&self) -> Vec<Guest> {
        self.crowd.guests()
    }

    /// Writes a line to all clients that have a process, each from the front of a line on; returns how many
    /// they are. Control characters are left out.
    pub fn announce(&self, text: &str) -> usize {
        self.crowd.announce(text)
    }

    /// Says such a line to the client of this port ([`Guest::port`]), unless it is empty, and closes the connection
    /// when the client has it; the client's process hears of that. `false` when the client has gone already.
    pub fn kick(&self, port: u64, text: &str) -> bool {
        self.crowd.kick(port, text)
    }

    /// Whether new clients are turned away with a sentence. Who is in plays on.
    pub fn lock(&self, locked: bool) {
        self.is_locked.store(locked, Ordering::Relaxed);
    }

    /// As set last by [`Door::lock`]; at first it is open.
    pub fn is_locked(&self) -> bool {
        self.is_locked.load(Ordering::Relaxed)
    }

    /// Lets nobody in any more. Who is in stays until its process closes the connection.
    pub fn shut(&self) {
        self.shut.send_replace(true);
    }

    /// Waits until all clients have gone, at most so long.
    pub async fn empty(&self, limit: Duration) {
        // Past the limit whoever is left is cut off with the program: nothing more can be done for them.
        let _ = timeout(limit, self.clients.acquire_many(CLIENTS_MAX as u32)).await;
    }
}

async fn accept_all(listener: TcpListener, hall: Arc<Hall>, mut shut: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = shut.wait_for(|shut| *shut) => return,
        };
        match accepted {
            Ok((stream, address)) => drop(tokio::spawn(admit(stream, address, hall.clone()))),
            Err(error) if is_of_the_client(&error) => {
                tracing::debug!(%error, "client gone before it was accepted")
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
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

async fn admit(stream: TcpStream, address: SocketAddr, hall: Arc<Hall>) {
    if hall.is_locked.load(Ordering::Relaxed) {
        return turn_away(
            stream,
            "The game lets nobody in for now. Try again later.\n",
        )
        .await;
    }
    let Ok(_place) = hall.clients.try_acquire() else {
        return turn_away(stream, "The game is full. Try again later.\n").await;
    };
    if let Err(error) = prepare(&stream) {
        tracing::debug!(%error, %address, "client gone before it was greeted");
        return;
    }
    let port = Arc::new(Port::new(hall.settings.clone()));
    let id = hall.node.open_port(Arc::new(Sink(port.clone())));
    match start_session(&hall.node, hall.supervisor, id, START_TIMEOUT).await {
        Ok(owner) => {
            hall.node.own_port(id, owner);
            let mut session = Session {
                node: &hall.node,
                port: id,
                owner,
                place: hall
                    .crowd
                    .enter(id, Client::new(port.clone(), address, owner)),
            };
            let end = connection::run(stream, &port, &mut session).await;
            let client = port.client();
            tracing::debug!(%address, process = %owner, %client, %end, "client gone");
        }
        Err(why) => {
            tracing::warn!(%address, %why, "a client gets no process");
            hall.node.close_port(id);
            turn_away(stream, "The game cannot let you in now. Try again later.\n").await;
        }
    }
}

async fn turn_away(stream: TcpStream, sentence: &str) {
    let port = Port::new(Arc::new(Settings {
        opening: Opening::Quiet,
        ..Settings::default()
    }));
    // A fresh outbox has room for a sentence.
    let _ = port.write(sentence.as_bytes());
    port.close();
    connection::run(stream, &port, &mut Nobody).await;
}

/// The node's end of a connection.
struct Sink(Arc<Port>);

impl PortSink for Sink {
    fn write(&self, bytes: &[u8]) {
        // An overflow drops the client, and its task logs it: `Port::write`.
        let _ = self.0.write(bytes);
    }

    fn close(&self) {
        self.0.close();
    }

    fn input_done(&self) {
        self.0.line_done();
    }
}

/// The connection's way into the node.
struct Session<'a> {
    node: &'a Node,
    port: u64,
    owner: Pid,
    place: Place,
}

impl Owner for Session<'_> {
    fn on_line(&mut self, line: &[u8]) {
        self.place.plays();
        self.node.port_input(self.port, self.owner, line);
    }

    fn on_closed(&mut self, reason: &str) {
        self.node.port_closed(self.port, self.owner, reason);
    }
}

/// What a list of games is told about this door.
struct AtThisDoor {
    address: SocketAddr,
    since: SystemTime,
    crowd: Arc<Crowd>,
    node: Arc<dyn Listing>,
}

impl Listing for AtThisDoor {
    fn list(&self, mssp: &mut Mssp) {
        let since = self.since.duration_since(UNIX_EPOCH).unwrap_or_default();
        mssp.set("NAME", "pq");
        mssp.set("PLAYERS", self.crowd.players());
        mssp.set("UPTIME", since.as_secs());
        mssp.set("PORT", self.address.port());
        mssp.set("CHARSET", "UTF-8");
        for can in [
            "ANSI",
            "UTF-8",
            "XTERM 256 COLORS",
            "XTERM TRUE COLORS",
            "GMCP",
        ] {
            mssp.set(can, 1);
        }
        for cannot in ["VT100", "MCCP", "MSDP", "MSP", "MXP"] {
            mssp.set(cannot, 0);
        }
        self.node.list(mssp);
    }
}

/// For clients that have no process.
struct Nobody;

impl Owner for Nobody {
    fn on_line(&mut self, _line: &[u8]) {}

    fn on_closed(&mut self, _reason: &str) {}
}

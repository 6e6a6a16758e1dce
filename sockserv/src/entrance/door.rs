//! The door: the listeners, and the functions for operators that concern all admitted clients.
//!
//! The accepting loop is a task of its own. It waits for no process and is part of none, so no upgrade of the game
//! stops it. `reception` handles an accepted client.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pq_otp::{Kin, Node, Pid};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::admission::arrival::Transport;
use crate::admission::avatars::Avatars;
use crate::admission::ban::Ban;
use crate::admission::shares::Shares;
use crate::entrance::accept::accept_all;
use crate::entrance::reception::Reception;
use crate::entrance::socket::prepare;
use crate::entrance::tls::{Keys, TlsEntrance};
use crate::session::crowd::Guest;
use crate::session::port::Sealed;
use crate::session::told::Told;
use crate::settings::Settings;
use crate::settings::game::{Answer, Sheet};
use crate::wire::gmcp::Message;
use crate::wire::mssp::{Listing, Mssp};

/// An open door: its listeners, and all its clients.
pub struct Door {
    pub(crate) entrances: Arc<Entrances>,
    pub(crate) shut: watch::Sender<bool>,
    pub(crate) reception: Arc<Reception>,
}

/// The addresses of the listeners.
pub(crate) struct Entrances {
    plain: SocketAddr,
    tls: OnceLock<SocketAddr>,
    pub(crate) web: OnceLock<SocketAddr>,
    since: SystemTime,
}

impl Door {
    /// Listens at `address` with these settings. The door adds variables to their listing: the number of players
    /// (`PLAYERS`), the time of its opening (`UPTIME`), its port (`PORT`), and its abilities. The listing may replace
    /// them.
    ///
    /// # Errors
    /// When the address cannot be bound: in use, not of this machine, not permitted.
    pub async fn open(node: Node, address: SocketAddr, settings: Settings) -> io::Result<Door> {
        let listener = TcpListener::bind(address).await?;
        let reception = Reception::new(node, Settings::default().current());
        let door = Door {
            entrances: Arc::new(Entrances {
                plain: listener.local_addr()?,
                tls: OnceLock::new(),
                web: OnceLock::new(),
                since: SystemTime::now(),
            }),
            shut: watch::Sender::new(false),
            reception: Arc::new(reception),
        };
        door.configure(settings);
        let reception = door.reception.clone();
        let admit =
            move |stream, address| drop(tokio::spawn(admit(stream, address, reception.clone())));
        tokio::spawn(accept_all(listener, door.shut.subscribe(), admit));
        Ok(door)
    }

    /// Also listens for telnet inside TLS; to be called once. Returns the address.
    ///
    /// # Errors
    /// As for [`Door::open`].
    pub async fn listen_tls(&self, address: SocketAddr, keys: Keys) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (entrance, reception) = (Arc::new(TlsEntrance::new(keys)), self.reception.clone());
        let admit = move |stream, address| {
            let (entrance, reception) = (entrance.clone(), reception.clone());
            tokio::spawn(async move { entrance.admit(stream, address, &reception).await });
        };
        tokio::spawn(accept_all(listener, self.shut.subscribe(), admit));
        Ok(*self.entrances.tls.get_or_init(|| address))
    }

    /// Replaces the settings, also for admitted clients. The facts about avatars are requested again, because the game may be
    /// another one. [`crate::Limits::clients`] is reduced to the number of available descriptors ([`Door::shares`]).
    pub fn configure(&self, mut settings: Settings) {
        let clients = &mut settings.limits.clients;
        *clients = (*clients).min(self.reception.shares.clients);
        let listing = Arc::new(AtThisDoor {
            entrances: self.entrances.clone(),
            avatars: self.reception.gate.avatars().clone(),
            node: settings.listing,
        });
        self.reception.settings.store(Arc::new(Settings {
            listing,
            ..settings
        }));
        self.reception.sessions.logins.crowd.look_again();
    }

    /// The address of the listener for telnet.
    pub fn address(&self) -> SocketAddr {
        self.entrances.plain
    }

    /// The address of the listener for TLS, if there is one.
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.entrances.tls.get().copied()
    }

    /// The division of the descriptors that the process had when the door was opened.
    pub fn shares(&self) -> Shares {
        self.reception.shares
    }

    /// The number of admitted clients.
    pub fn clients(&self) -> usize {
        self.reception.gate.inside()
    }

    /// The number of clients with an avatar that plays.
    pub fn players(&self) -> usize {
        self.reception.gate.avatars().played()
    }

    /// The number of sessions that were started since the door was opened.
    pub fn sessions(&self) -> u64 {
        self.reception.sessions.started.load(Ordering::Relaxed)
    }

    /// The number of lines that the processes of clients were given since the door was opened.
    pub fn lines(&self) -> u64 {
        self.reception.sessions.lines.load(Ordering::Relaxed)
    }

    /// The number of abandoned avatars: their client has gone and left them ([`crate::Limits::abandoned`]).
    pub fn abandoned(&self) -> usize {
        self.reception.gate.avatars().abandoned()
    }

    /// The avatars that play for clients, in no order: the processes whose end is the end of the avatar.
    pub fn list_played(&self) -> Vec<Pid> {
        self.reception.gate.avatars().list_played()
    }

    /// The avatars that play for this session ([`Guest::process`]).
    pub fn avatars_of(&self, session: Pid) -> Vec<Pid> {
        self.reception.gate.avatars().of_session(session)
    }

    /// The output that waits until the states of avatars are on the disk.
    pub fn told(&self) -> &Arc<Told> {
        &self.reception.sessions.told
    }

    /// The processes whose end is the end of an abandoned avatar, in no order.
    pub fn list_abandoned(&self) -> Vec<Pid> {
        self.reception.gate.avatars().list_abandoned()
    }

    /// The name and the number of each [`crate::Refusal`] since the door was opened.
    pub fn refused(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.reception.gate.refused.counts()
    }

    /// Sends a message to the programs of all clients that have subscribed to it: [`Message::upgrade`].
    pub fn message(&self, message: &Message) {
        self.reception.sessions.logins.crowd.message(message);
    }

    /// All clients that have a process, in the order of their arrival.
    pub fn guests(&self) -> Vec<Guest> {
        self.reception.sessions.logins.crowd.guests()
    }

    /// Writes a line to all clients that have a process, each time at the front of a line; returns their number.
    /// Control characters are left out.
    pub fn announce(&self, text: &str) -> usize {
        self.reception.sessions.logins.crowd.announce(text)
    }

    /// Writes a line, unless it is empty, to the client of this port ([`Guest::port`]), and closes the connection when the
    /// client has received it. The client's process is notified. `false` when the client has gone already.
    pub fn kick(&self, port: u64, text: &str) -> bool {
        self.reception.sessions.logins.crowd.kick(port, text)
    }

    /// Writes a line to the client of this port ([`Guest::port`]).
    pub fn tell(&self, port: u64, text: &str) {
        self.reception.sessions.logins.crowd.tell(port, text);
    }

    /// Writes a line to the client for which this avatar plays, or has played last. `false` when there is no such client.
    pub fn tell_player(&self, avatar: Pid, text: &str) -> bool {
        self.reception
            .sessions
            .logins
            .crowd
            .tell_player(avatar, text)
    }

    /// Gives an avatar to this session, whose player has come back. The client for which the avatar has played reads `text`, and
    /// its connection is closed.
    pub fn give(&self, avatar: Pid, session: Pid, text: &str) {
        let sessions = &self.reception.sessions;
        let before = self.reception.gate.avatars().session_of(avatar);
        sessions.node.adopt(session, avatar);
        if let Some(before) = before.filter(|before| *before != session) {
            sessions.logins.crowd.kick_session(before, text);
        }
    }

    /// Asks for the facts about this session's avatar ([`crate::Game::sheet`]). Called on a thread that runs tokio's tasks.
    pub fn sheet(&self, session: Pid, answer: Answer<Option<Sheet>>) {
        let settings = self.reception.settings.load();
        settings.game.sheet(session, answer);
    }

    /// Forgets an avatar whose processes have left the node without an end.
    pub fn has_left(&self, avatar: Pid) {
        self.reception.gate.avatars().ended(avatar);
    }

    /// Whether an avatar plays for a client now.
    pub fn is_played(&self, avatar: Pid) -> bool {
        let avatars = self.reception.gate.avatars();
        avatars.session_of(avatar).is_some()
    }

    /// The sealed line with this number, which the client of this port ([`Guest::port`]) has typed last, and its address.
    pub fn sealed(&self, port: u64, number: u64) -> Option<(Sealed, IpAddr)> {
        let client = self.reception.sessions.logins.crowd.get(port)?;
        Some((client.port.sealed(number)?, client.arrival.address.ip()))
    }

    /// Whether the client of this port has asked for a token (`PQ.Remember`) since the last call.
    pub fn take_remember(&self, port: u64) -> bool {
        let client = self.reception.sessions.logins.crowd.get(port);
        client.is_some_and(|client| client.port.take_remember())
    }

    /// Sends a message to the program of the client of this port, if it has subscribed to it.
    pub fn message_to(&self, port: u64, message: &Message) {
        let client = self.reception.sessions.logins.crowd.get(port);
        // An overflow is ignored: the task of a client that reads too slowly drops it.
        let _ = client.map(|client| client.port.message(message));
    }

    /// Wipes the sealed lines of this port.
    pub fn wipe(&self, port: u64) {
        let client = self.reception.sessions.logins.crowd.get(port);
        client.iter().for_each(|client| client.port.wipe());
    }

    /// Replaces all bans. Admitted clients that are banned now are told so and closed; returns their number.
    pub fn set_bans(&self, bans: Vec<Ban>) -> usize {
        self.reception.gate.set_bans(bans);
        self.reception.sessions.logins.dismiss_banned()
    }

    /// Locks or unlocks the door. A locked door refuses new clients with a sentence; admitted clients continue.
    pub fn lock(&self, locked: bool) {
        self.reception.gate.lock(locked);
    }

    /// Whether the door is locked ([`Door::lock`]); at first it is not.
    pub fn is_locked(&self) -> bool {
        self.reception.gate.is_locked()
    }

    /// Stops listening. Admitted clients stay until their process closes the connection.
    pub fn shut(&self) {
        self.shut.send_replace(true);
    }

    /// Waits until all clients have gone, at most for `limit`.
    pub async fn empty(&self, limit: Duration) {
        self.reception.gate.empty(limit).await;
    }
}

async fn admit(mut stream: TcpStream, peer: SocketAddr, reception: Arc<Reception>) {
    let Some(address) = reception.origin(&mut stream, peer, Transport::Plain).await else {
        return;
    };
    let entered = reception.enter(address);
    if let Err(error) = prepare(&stream) {
        tracing::debug!(%error, %address, "client gone before its admission");
        return;
    }
    let arrival = reception.arrival(address, Transport::Plain);
    reception
        .receive(arrival.meter(stream), arrival, entered)
        .await;
}

/// The listing of this door: the door's own variables, and those of the node.
struct AtThisDoor {
    entrances: Arc<Entrances>,
    avatars: Arc<Avatars>,
    node: Arc<dyn Listing>,
}

impl Listing for AtThisDoor {
    fn list(&self, mssp: &mut Mssp) {
        let since = self
            .entrances
            .since
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        mssp.set("NAME", "pq");
        mssp.set("PLAYERS", self.avatars.played());
        mssp.set("UPTIME", since.as_secs());
        mssp.set("PORT", self.entrances.plain.port());
        if let Some(tls) = self.entrances.tls.get() {
            mssp.set("TLS", tls.port());
        }
        mssp.set("CHARSET", "UTF-8");
        for can in [
            "ANSI",
            "UTF-8",
            "XTERM 256 COLORS",
            "XTERM TRUE COLORS",
            "GMCP",
            "MCCP",
        ] {
            mssp.set(can, 1);
        }
        for cannot in ["VT100", "MSDP", "MSP", "MXP"] {
            mssp.set(cannot, 0);
        }
        self.node.list(mssp);
    }
}

//! The door: what listens, and what operators may do to all who are in.
//!
//! Accepting is a task of its own: it waits for no process and is part of none, so no upgrade of the game
//! stops it. What becomes of an accepted client is `reception`'s.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pq_otp::{Node, Pid};
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
use crate::settings::Settings;
use crate::wire::gmcp::Message;
use crate::wire::mssp::{Listing, Mssp};

/// An open door.
pub struct Door {
    pub(crate) entrances: Arc<Entrances>,
    pub(crate) shut: watch::Sender<bool>,
    pub(crate) reception: Arc<Reception>,
}

/// Where clients come in.
pub(crate) struct Entrances {
    plain: SocketAddr,
    tls: OnceLock<SocketAddr>,
    pub(crate) web: OnceLock<SocketAddr>,
    since: SystemTime,
}

impl Door {
    /// Listens at `address` with these settings. To what their listing tells, the door adds what it knows: how many play
    /// (`PLAYERS`), since when (`UPTIME`), at which port (`PORT`), and what it can do. The listing may say
    /// otherwise.
    ///
    /// # Errors
    /// When the address cannot be had: in use, not of this machine, not permitted.
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

    /// Listens for telnet inside TLS, too, once; returns where.
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

    /// From now on these are the settings, also for who is in. What their programs know of their avatars is looked at
    /// again: the game may be another one. Of [`crate::Limits::clients`], as many count as there are descriptors for
    /// ([`Door::shares`]).
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

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.entrances.plain
    }

    /// And where for TLS, if it does.
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.entrances.tls.get().copied()
    }

    /// How the descriptors are shared that the process had when the door was opened.
    pub fn shares(&self) -> Shares {
        self.reception.shares
    }

    /// How many clients there are.
    pub fn clients(&self) -> usize {
        self.reception.gate.inside()
    }

    /// How many of them have an avatar that plays.
    pub fn players(&self) -> usize {
        self.reception.gate.avatars().played()
    }

    /// How many avatars play for nobody: their client has gone and left them ([`crate::Limits::abandoned`]).
    pub fn abandoned(&self) -> usize {
        self.reception.gate.avatars().abandoned()
    }

    /// The processes with which those avatars end, in no order.
    pub fn list_abandoned(&self) -> Vec<Pid> {
        self.reception.gate.avatars().list_abandoned()
    }

    /// How often each [`crate::Refusal`] was given since the door is open.
    pub fn refused(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.reception.gate.refused.counts()
    }

    /// Sends a message to the programs of all clients that have asked for such: [`Message::upgrade`].
    pub fn message(&self, message: &Message) {
        self.reception.sessions.logins.crowd.message(message);
    }

    /// Everybody who has a process, in the order in which they came.
    pub fn guests(&self) -> Vec<Guest> {
        self.reception.sessions.logins.crowd.guests()
    }

    /// Writes a line to all clients that have a process, each from the front of a line on; returns how many
    /// they are. Control characters are left out.
    pub fn announce(&self, text: &str) -> usize {
        self.reception.sessions.logins.crowd.announce(text)
    }

    /// Says such a line to the client of this port ([`Guest::port`]), unless it is empty, and closes the connection
    /// when the client has it; the client's process hears of that. `false` when the client has gone already.
    pub fn kick(&self, port: u64, text: &str) -> bool {
        self.reception.sessions.logins.crowd.kick(port, text)
    }

    /// Says such a line to the client of this port ([`Guest::port`]).
    pub fn tell(&self, port: u64, text: &str) {
        self.reception.sessions.logins.crowd.tell(port, text);
    }

    /// From now on these are banned, and nobody else. Who is in and banned is told so and closed; returns how many
    /// they are.
    pub fn set_bans(&self, bans: Vec<Ban>) -> usize {
        self.reception.gate.set_bans(bans);
        self.reception.sessions.logins.dismiss_banned()
    }

    /// Whether new clients are turned away with a sentence. Who is in plays on.
    pub fn lock(&self, locked: bool) {
        self.reception.gate.lock(locked);
    }

    /// As set last by [`Door::lock`]; at first it is open.
    pub fn is_locked(&self) -> bool {
        self.reception.gate.is_locked()
    }

    /// Lets nobody in any more. Who is in stays until its process closes the connection.
    pub fn shut(&self) {
        self.shut.send_replace(true);
    }

    /// Waits until all clients have gone, at most so long.
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
        tracing::debug!(%error, %address, "client gone before it was greeted");
        return;
    }
    let arrival = reception.arrival(address, Transport::Plain);
    reception
        .receive(arrival.meter(stream), arrival, entered)
        .await;
}

/// What a list of games is told about this door.
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

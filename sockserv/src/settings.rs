//! The settings of the door: opening, keepalive, limits, trusted proxies, and the game that answers questions about players.
//! All of them may change while the door is open.

pub mod game;

pub mod limits;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use ipnet::IpNet;

use crate::settings::game::{Game, Noun, Unknown};
use crate::settings::limits::Limits;
use crate::wire::mssp::{Listing, Mssp};

/// The current settings, shared by all that read them.
pub type Current = Arc<ArcSwap<Settings>>;

/// The time without output after which a telnet client is sent `NOP`.
/// Evennia and others use 30 s; the routers of homes forget an idle connection after some minutes.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The bytes that a client is sent before it has sent any.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Opening {
    /// The three bytes of a telnet request. A telnet client answers them, and a client of text alone shows one or two odd
    /// characters. Most clients do not begin to negotiate by themselves.
    #[default]
    Probe,
    /// No bytes: the server recognizes only telnet clients that begin to negotiate by themselves.
    Quiet,
}

/// The settings of a door.
#[derive(Clone)]
pub struct Settings {
    /// The first bytes for a client.
    pub opening: Opening,
    /// The time without output after which `NOP` is sent; `None` switches `NOP` off.
    pub keepalive: Option<Duration>,
    /// The limits of one client, one address, and all clients together.
    pub limits: Limits,
    /// The networks of trusted proxies. Trusted proxies must always name their client: for telnet and TLS in a header of the
    /// PROXY protocol, for the page in `Forwarded` (RFC 7239) or `X-Forwarded-For`. Other clients must not.
    pub proxies: Vec<IpNet>,
    /// The local name of the supervisor that starts a child, the session, for each client. Empty by default: then no client
    /// gets a session.
    pub supervisor: String,
    /// The game's word for its avatars.
    pub noun: Noun,
    /// The game, which answers questions about players.
    pub game: Arc<dyn Game>,
    /// The source of variables for lists of games. The door adds its own (`Door::open_with`).
    pub listing: Arc<dyn Listing>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            opening: Opening::default(),
            keepalive: Some(KEEPALIVE),
            limits: Limits::default(),
            proxies: Vec::new(),
            supervisor: String::new(),
            noun: Noun::default(),
            game: Arc::new(Unknown),
            listing: Arc::new(Unlisted),
        }
    }
}

impl Settings {
    /// Shares the settings; [`ArcSwap::store`] changes them for all readers.
    pub fn current(self) -> Current {
        Arc::new(ArcSwap::from_pointee(self))
    }

    /// Whether the address belongs to a trusted proxy.
    pub(crate) fn is_proxy(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.proxies.iter().any(|net| net.contains(&address))
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("opening", &self.opening)
            .field("keepalive", &self.keepalive)
            .field("limits", &self.limits)
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}

/// A listing without variables.
struct Unlisted;

impl Listing for Unlisted {
    fn list(&self, _mssp: &mut Mssp) {}
}

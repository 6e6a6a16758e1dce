//! What may be set about the door: how it opens, how it keeps connections awake, its limits, whom it believes, and whom it asks
//! about the game. All of it may change while the door is open.

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

/// The settings as they are now, for all who need them.
pub type Current = Arc<ArcSwap<Settings>>;

/// How long a client that speaks telnet may be sent nothing before it is sent `NOP`.
/// Half a minute is what Evennia and others do; the routers of homes forget an idle connection after some minutes.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// What is sent to a client before it has sent anything.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Opening {
    /// Three bytes that a client of telnet answers, and that a client of text alone takes for an odd character
    /// or two. Most clients do not begin to negotiate by themselves.
    #[default]
    Probe,
    /// Nothing: only clients that begin by themselves are known.
    Quiet,
}

/// The settings of a door.
#[derive(Clone)]
pub struct Settings {
    /// What is sent first.
    pub opening: Opening,
    /// After how much silence of ours `NOP` is sent; `None` never.
    pub keepalive: Option<Duration>,
    /// How much one client may have, and all together.
    pub limits: Limits,
    /// Where proxies are that say for whom they speak. They always say it: to telnet and TLS with a header of the PROXY
    /// protocol, to the page with `Forwarded` (RFC 7239) or `X-Forwarded-For`. Nobody else is believed.
    pub proxies: Vec<IpNet>,
    /// The local name of the supervisor that is asked for a child, the session, for each client. Empty at first: no client
    /// gets one.
    pub supervisor: String,
    /// What the game calls its avatars.
    pub noun: Noun,
    /// Who knows the players.
    pub game: Arc<dyn Game>,
    /// Who knows what lists of games want to know. The door adds what it knows itself (`Door::open_with`).
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
    /// For clients from now on; [`ArcSwap::store`] changes them for all.
    pub fn current(self) -> Current {
        Arc::new(ArcSwap::from_pointee(self))
    }

    /// Whether a proxy of ours is there.
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

/// Nothing to tell.
struct Unlisted;

impl Listing for Unlisted {
    fn list(&self, _mssp: &mut Mssp) {}
}

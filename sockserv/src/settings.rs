//! What may be set about the door: how it opens, how it keeps connections awake, what it tells lists of games.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::mssp::{Listing, Mssp};

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
    /// Who knows what lists of games want to know. The door adds what it knows itself (`Door::open_with`).
    pub listing: Arc<dyn Listing>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            opening: Opening::default(),
            keepalive: Some(KEEPALIVE),
            listing: Arc::new(Unlisted),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("opening", &self.opening)
            .field("keepalive", &self.keepalive)
            .finish_non_exhaustive()
    }
}

/// Nothing to tell.
struct Unlisted;

impl Listing for Unlisted {
    fn list(&self, _mssp: &mut Mssp) {}
}

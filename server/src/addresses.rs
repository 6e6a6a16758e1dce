//! Where players come in.

use std::net::SocketAddr;

use sockserv::Door;

use crate::streams::say;

/// Where players come in.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Addresses {
    /// By telnet.
    pub(crate) plain: Option<SocketAddr>,
    /// By telnet inside TLS.
    pub(crate) tls: Option<SocketAddr>,
    /// With a browser.
    pub(crate) web: Option<SocketAddr>,
}

impl Addresses {
    /// Those of a door.
    pub(crate) fn of(door: Option<&Door>) -> Addresses {
        Addresses {
            plain: door.map(Door::address),
            tls: door.and_then(Door::tls_address),
            web: door.and_then(Door::web_address),
        }
    }

    /// Says so.
    pub(crate) fn say(&self) {
        for (address, what) in [(self.plain, ""), (self.tls, " for TLS")] {
            if let Some(address) = address {
                say(format_args!("listening on {address}{what}"));
            }
        }
        if let Some(address) = self.web {
            say(format_args!("page at http://{address}/"));
        }
    }
}

//! The addresses of the listeners.

use std::net::SocketAddr;

use sockserv::Door;

use crate::metrics::Metrics;
use crate::streams::say;

/// The addresses of the listeners; `None` for a listener that is not open.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Addresses {
    /// The listener for telnet without TLS.
    pub(crate) plain: Option<SocketAddr>,
    /// The listener for telnet over TLS.
    pub(crate) tls: Option<SocketAddr>,
    /// The web listener for browsers.
    pub(crate) web: Option<SocketAddr>,
    /// The listener for metrics.
    pub(crate) metrics: Option<SocketAddr>,
}

impl Addresses {
    /// The addresses of a door's listeners, and of the one for metrics.
    pub(crate) fn of(door: Option<&Door>, metrics: Option<&Metrics>) -> Addresses {
        Addresses {
            plain: door.map(Door::address),
            tls: door.and_then(Door::tls_address),
            web: door.and_then(Door::web_address),
            metrics: metrics.map(Metrics::address),
        }
    }

    /// Prints the addresses to stdout.
    pub(crate) fn say(&self) {
        for (address, what) in [(self.plain, ""), (self.tls, " for TLS")] {
            if let Some(address) = address {
                say(format_args!("listening on {address}{what}"));
            }
        }
        if let Some(address) = self.web {
            say(format_args!("page at http://{address}/"));
        }
        if let Some(address) = self.metrics {
            say(format_args!("metrics at http://{address}/metrics"));
        }
    }
}

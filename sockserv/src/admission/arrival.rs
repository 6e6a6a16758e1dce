//! A client that has arrived, before the decision about its admission.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::admission::budget::Budget;
use crate::admission::metered::Metered;

/// The transport of a client's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// A TCP socket without encryption.
    Plain,
    /// A TCP socket with TLS.
    Tls,
    /// A WebSocket of the page, or of another program.
    Web,
}

/// A client that has arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    /// The address of the client; for a client behind a proxy, not the proxy's.
    pub(crate) address: SocketAddr,
    pub(crate) transport: Transport,
    /// The budget for the client's input.
    pub(crate) budget: Arc<Budget>,
}

impl Arrival {
    /// Wraps the stream of the client, which is then read no faster than its budget allows.
    pub(crate) fn meter<S>(&self, stream: S) -> Metered<S> {
        Metered::new(stream, self.budget.clone())
    }
}

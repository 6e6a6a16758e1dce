//! A client that has arrived, and is not judged yet.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::admission::budget::Budget;
use crate::admission::metered::Metered;

/// What carries the bytes of a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// A socket.
    Plain,
    /// A socket with TLS.
    Tls,
    /// A WebSocket.
    Web,
}

/// A client that has arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    /// Where it comes from; of one behind a proxy, not the proxy.
    pub(crate) address: SocketAddr,
    pub(crate) transport: Transport,
    /// What it may send.
    pub(crate) budget: Arc<Budget>,
}

impl Arrival {
    /// Its wire, read at the pace that it may have.
    pub(crate) fn meter<S>(&self, stream: S) -> Metered<S> {
        Metered::new(stream, self.budget.clone())
    }
}

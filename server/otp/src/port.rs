//! Ports: the node's end of a socket. The socket itself belongs to the code that opened the port.

use crate::unpoisoned::Unpoisoned;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use foldhash::HashMap;
use pq_abi::Reason;

/// The destination of a port's output. Called from shards: it must not wait.
pub trait PortSink: Send + Sync {
    /// Takes output, or drops the connection when there is no room, by the sink's own limit.
    fn write(&self, bytes: &[u8]);
    /// No more output comes; the sink closes the connection after the earlier output.
    fn close(&self);
    /// Like [`PortSink::close`], for an owner that has ended without closing the port itself; with the owner's exit
    /// reason.
    fn close_after(&self, _reason: &Reason) {
        self.close();
    }
    /// One input has been handled, and another may be sent. The sink limits how many are on their way.
    fn input_done(&self);
}

/// An open port of the node.
struct Port {
    sink: Arc<dyn PortSink>,
    /// The other end has closed the connection.
    left: bool,
}

/// All open ports of a node.
pub(crate) struct Ports {
    next: AtomicU64,
    open: RwLock<HashMap<u64, Port>>,
    dropped: AtomicU64,
}

impl Ports {
    pub(crate) fn new() -> Ports {
        Ports {
            next: AtomicU64::new(1),
            open: RwLock::default(),
            dropped: AtomicU64::new(0),
        }
    }

    pub(crate) fn open(&self, sink: Arc<dyn PortSink>) -> u64 {
        let port = self.next.fetch_add(1, Ordering::Relaxed);
        self.open
            .write()
            .unpoisoned()
            .insert(port, Port { sink, left: false });
        port
    }

    /// Output to a closed port is dropped, as for a closed socket.
    pub(crate) fn write(&self, port: u64, bytes: &[u8]) {
        if let Some(sink) = self.sink(port) {
            sink.write(bytes);
        }
    }

    pub(crate) fn input_done(&self, port: u64) {
        if let Some(sink) = self.sink(port) {
            sink.input_done();
        }
    }

    fn sink(&self, port: u64) -> Option<Arc<dyn PortSink>> {
        self.open
            .read()
            .unpoisoned()
            .get(&port)
            .map(|port| port.sink.clone())
    }

    /// The other end has closed the connection: closing the port now drops no client.
    pub(crate) fn leave(&self, port: u64) {
        let mut open = self.open.write().unpoisoned();
        if let Some(port) = open.get_mut(&port) {
            port.left = true;
        }
    }

    pub(crate) fn close(&self, port: u64) {
        if let Some(port) = self.take(port) {
            port.sink.close();
        }
    }

    /// Closes a port whose process has ended. It counts as dropped, unless the process itself wished to end or the
    /// other end had closed the connection.
    pub(crate) fn close_after(&self, port: u64, reason: &Reason) {
        let Some(port) = self.take(port) else {
            return;
        };
        port.sink.close_after(reason);
        if !port.left && *reason != Reason::Normal {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn take(&self, port: u64) -> Option<Port> {
        let mut open = self.open.write().unpoisoned();
        open.remove(&port)
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self) -> usize {
        self.open.read().unpoisoned().len()
    }
}

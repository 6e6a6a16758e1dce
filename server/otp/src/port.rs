//! Ports: the node's end of a socket. The socket itself belongs to whoever opened the port.

use crate::unpoisoned::Unpoisoned;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use foldhash::HashMap;
use pq_abi::Reason;

/// Where the output of a port goes. Called from shards: it must not wait.
pub trait PortSink: Send + Sync {
    /// Takes output, or drops the connection when there is no room; that is the sink's rule.
    fn write(&self, bytes: &[u8]);
    /// No more output comes; close after what was written.
    fn close(&self);
    /// The same, after the owner has ended without closing the port itself, and why it has.
    fn close_after(&self, _reason: &Reason) {
        self.close();
    }
    /// One input has been handled: another may be handed over. How many may be on their way is the sink's rule.
    fn input_done(&self);
}

/// A port that is open.
struct Port {
    sink: Arc<dyn PortSink>,
    /// The other end has gone.
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

    /// Output to a port that is closed already goes nowhere, as to a closed socket.
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

    /// The other end has gone: whoever closes the port now drops nobody.
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

    /// Closes a port whose process has ended. Unless that was the process's own wish, or the other end has gone, somebody
    /// was dropped.
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

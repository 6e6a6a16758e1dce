//! Ports: the node's end of a socket. The socket itself belongs to whoever opened the port.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use foldhash::HashMap;

/// Where the output of a port goes. Called from shards: it must not wait.
pub trait PortSink: Send + Sync {
    /// Takes output, or drops the connection when there is no room; that is the sink's rule.
    fn write(&self, bytes: &[u8]);
    /// No more output comes; close after what was written.
    fn close(&self);
    /// One input has been handled: another may be handed over. How many may be on their way is the sink's rule.
    fn input_done(&self);
}

/// All open ports of a node.
pub(crate) struct Ports {
    next: AtomicU64,
    open: RwLock<HashMap<u64, Arc<dyn PortSink>>>,
}

impl Ports {
    pub(crate) fn new() -> Ports {
        Ports {
            next: AtomicU64::new(1),
            open: RwLock::default(),
        }
    }

    pub(crate) fn open(&self, sink: Arc<dyn PortSink>) -> u64 {
        let port = self.next.fetch_add(1, Ordering::Relaxed);
        self.open
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(port, sink);
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
            .unwrap_or_else(PoisonError::into_inner)
            .get(&port)
            .cloned()
    }

    pub(crate) fn close(&self, port: u64) {
        let sink = self
            .open
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&port);
        if let Some(sink) = sink {
            sink.close();
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.open
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }
}

//! Ports, as code outside of the shards uses them.

use std::sync::Arc;

use pq_term::Pid;

use super::Node;
use crate::message::{Envelope, Payload, Signal};
use crate::port::PortSink;

impl Node {
    /// Opens a port. It closes when the process that [`Node::own_port`] names ends.
    pub fn open_port(&self, sink: Arc<dyn PortSink>) -> u64 {
        self.shared.ports.open(sink)
    }

    /// Gives a port to a process; if the process is dead, the port closes at once.
    pub fn own_port(&self, port: u64, owner: Pid) {
        self.signal(Signal::OwnPort(owner, port));
    }

    /// Passes input of a port to its owner. The sink bounds the inputs on their way: [`PortSink::input_done`] reports each
    /// handled input.
    pub fn port_input(&self, port: u64, owner: Pid, data: &[u8]) {
        self.signal(Signal::Deliver(
            owner,
            Envelope::PortData(port, Payload::from_slice(data)),
        ));
    }

    /// Closes a port without an owner.
    pub fn close_port(&self, port: u64) {
        self.shared.ports.close(port);
    }

    /// Tells the owner that no more input comes. Output may still be written until the owner closes the port
    /// or ends.
    pub fn port_closed(&self, port: u64, owner: Pid, reason: &str) {
        self.shared.ports.leave(port);
        self.signal(Signal::Deliver(
            owner,
            Envelope::PortClosed(port, Payload::from_slice(reason.as_bytes())),
        ));
    }

    /// The number of open ports.
    pub fn port_count(&self) -> usize {
        self.shared.ports.count()
    }

    /// How many ports the node has closed since its start because their process was killed or failed: neither the
    /// process nor the other end of the connection wished it.
    pub fn ports_dropped(&self) -> u64 {
        self.shared.ports.dropped()
    }
}

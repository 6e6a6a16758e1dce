//! The exported state of a process: made by `shard::exporter`, and handed to subscribers.

use pq_abi::{Module, Reason};
use pq_term::Pid;
use smallvec::SmallVec;

use crate::residue::Residues;

/// The export of one process, with the parts that were asked for.
pub(crate) struct Export {
    pub(crate) pid: Pid,
    pub(crate) parent: Pid,
    /// The time of the export, in milliseconds of the node's clock.
    pub(crate) now_ms: u64,
    /// The number of the export, for a subscriber that has a process exported again.
    pub(crate) number: u32,
    pub(crate) parts: SmallVec<[Part; 1]>,
}

/// A part of a process that belongs to one version of a module.
pub(crate) struct Part {
    pub(crate) from: Module,
    pub(crate) what: What,
    /// The residues that newer versions left beside the state.
    pub(crate) residues: Option<Box<Residues>>,
}

/// The content of a part.
pub(crate) enum What {
    /// The state of a gen_server or gen_fsm.
    State(Vec<u8>),
    /// The state of a handler, and the handler's place in its manager.
    Handler(usize, Vec<u8>),
    /// The arguments of a supervisor's start; the supervisor's module can be asked again with them.
    Supervisor(Box<[u8]>),
}

/// A state that cannot be exported, or that the new version refuses.
pub(crate) struct Refused {
    pub(crate) pid: Pid,
    /// Name and pid of the process ([`crate::Node::called`]).
    pub(crate) called: String,
    /// The version that the process runs.
    pub(crate) from: Module,
    pub(crate) reason: Reason,
}

//! The state of a process outside of it: what `shard::exporter` makes, and whoever wants states gets.

use pq_abi::{Module, Reason};
use pq_term::Pid;
use smallvec::SmallVec;

use crate::residue::Residues;

/// A process, as far as it was asked for.
pub(crate) struct Export {
    pub(crate) pid: Pid,
    pub(crate) parent: Pid,
    /// When it was so, by the node's clock.
    pub(crate) now_ms: u64,
    /// Which export it is, for a subscriber that has a process exported again.
    pub(crate) number: u32,
    pub(crate) parts: SmallVec<[Part; 1]>,
}

/// Something of a process that belongs to a version of a module.
pub(crate) struct Part {
    pub(crate) from: Module,
    pub(crate) what: What,
    /// The residues that newer versions left beside it.
    pub(crate) residues: Option<Box<Residues>>,
}

/// The kinds of such things.
pub(crate) enum What {
    /// The state of a gen_server or gen_fsm.
    State(Vec<u8>),
    /// That of a handler, and its place in its manager.
    Handler(usize, Vec<u8>),
    /// The arguments of a supervisor's start, for which its module can be asked again.
    Supervisor(Box<[u8]>),
}

/// A state that cannot be exported, or is not taken.
pub(crate) struct Refused {
    pub(crate) pid: Pid,
    /// Its name and its pid ([`crate::Node::called`]).
    pub(crate) called: String,
    /// The version it runs.
    pub(crate) from: Module,
    pub(crate) reason: Reason,
}

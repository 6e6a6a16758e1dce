//! A listener for the children that supervisors have started when they were asked to. It may also keep the states of their
//! subtrees, and gives them back for restarts.
//!
//! ```text
//!   start_child ─► supervisor ─► child ─► Children::started
//!                     ├─ the child ends while its supervisor runs ─► Children::ended
//!                     └─ a process below the child is restarted ─► Children::keeps ─► Children::restart
//!                                             the shard ◄─ Node::go_on ◄─────────────────┘
//! ```
//! The end of a child that its supervisor has ended because it stops itself is not reported, nor that of a child whose
//! supervisor was killed: such children end with their application, or with the node. A child that moves out of the node
//! ([`crate::moved`]) does not end. Called by `shard::supervise` and `shard::restarts`.

use std::sync::Arc;

use pq_abi::Reason;
use pq_term::{Pid, Term};

use super::Node;
use crate::message::Signal;
use crate::moved::{Opens, SavedPart};
use crate::supervisor::Cause;

/// A listener for children. Called on threads of shards: it must not wait.
pub trait Children: Send + Sync {
    /// A supervisor has started this child, or has got it with its state.
    fn started(&self, supervisor: Pid, child: Pid);

    /// A process that was linked to a `simple_one_for_one` supervisor, as its children are, has ended.
    fn ended(&self, node: &Node, child: Pid, end: EndOf<'_>);

    /// A `simple_one_for_one` supervisor has restarted a child.
    fn replaced(&self, supervisor: Pid, old: Pid, new: Pid) {
        let _ = old;
        self.started(supervisor, new);
    }

    /// Whether the state of this child with all processes below it is kept. Asked only when one of them is restarted.
    fn keeps(&self, _child: Pid) -> bool {
        false
    }

    /// A process of a kept child is restarted. The answer ([`Node::go_on`]) may come from any thread; until then its
    /// supervisor waits, as for a child whose `init` takes long.
    fn restart(&self, node: &Node, restart: Restart) {
        node.go_on(&restart, Comeback::Anew);
    }

    /// No answer has come in time: the process is not started, as after [`Comeback::Never`].
    fn is_late(&self, _node: &Node, _child: Pid) {}
}

/// The meaning of the end of a child.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum EndOf<'a> {
    /// The child was told to end, or has ended in order.
    Order,
    /// The supervisor restarts the child.
    Restart,
    /// The child has failed, and is not restarted.
    Failure(&'a Reason),
}

/// The restart of a process of a kept child.
#[derive(Debug)]
pub struct Restart {
    /// The child: the root of the processes.
    pub root: Pid,
    /// The ids of children that lead from the root to the process; empty for the root itself.
    pub path: Vec<Term>,
    /// The failure. `None` for a process that is restarted behind others, together with one that has failed.
    pub why: Option<Cause>,
    /// The time on the clock of the root's shard, in milliseconds.
    pub at_ms: u64,
    pub(crate) supervisor: Pid,
    pub(crate) ticket: u32,
}

/// The way in which a process comes back.
pub enum Comeback {
    /// With the arguments of its first start.
    Anew,
    /// With this state.
    Saved(SavedPart, Arc<dyn Opens>),
    /// Not at all: its supervisor goes on without it.
    Never,
}

/// An answer on its way to the shard of the supervisor.
pub(crate) struct Answered {
    pub(crate) supervisor: Pid,
    pub(crate) ticket: u32,
    pub(crate) comeback: Comeback,
}

impl Node {
    /// Sets the listener for children. A node has one at most: returns `false` when one is set already.
    pub fn tell_children(&self, children: Arc<dyn Children>) -> bool {
        self.shared.children.set(children).is_ok()
    }

    /// Goes on with a restart. An answer that comes too late is dropped.
    pub fn go_on(&self, restart: &Restart, comeback: Comeback) {
        self.signal(Signal::Restarted(Box::new(Answered {
            supervisor: restart.supervisor,
            ticket: restart.ticket,
            comeback,
        })));
    }

    pub(crate) fn children(&self) -> Option<&Arc<dyn Children>> {
        self.shared.children.get()
    }
}

//! Notices about the children that supervisors have started when they were asked to, for a listener that keeps a list of them.
//!
//! ```text
//!   start_child ─► supervisor ─► child ─► Children::started
//!                     └─ the child ends while its supervisor runs ─► Children::ended
//! ```
//! The end of a child that its supervisor has ended because it stops itself is not reported, nor that of a child whose
//! supervisor was killed: such children end with their application, or with the node. A child that moves out of the node
//! ([`crate::moved`]) does not end. Called by `shard::supervise`.

use std::sync::Arc;

use pq_term::Pid;

use super::Node;

/// A listener for children. Called on threads of shards: it must not wait.
pub trait Children: Send + Sync {
    /// A supervisor has started this child, or has got it with its state.
    fn started(&self, supervisor: Pid, child: Pid);

    /// A process that was linked to this `simple_one_for_one` supervisor, as its children are, has ended. If the supervisor
    /// restarts it, another process is its child then.
    fn ended(&self, supervisor: Pid, child: Pid);
}

impl Node {
    /// Sets the listener for children. A node has one at most: returns `false` when one is set already.
    pub fn tell_children(&self, children: Arc<dyn Children>) -> bool {
        self.shared.children.set(children).is_ok()
    }

    pub(crate) fn children(&self) -> Option<&dyn Children> {
        self.shared.children.get().map(|children| &**children)
    }
}

//! Notices about children of port owners, for a listener that looks after children which outlive their owner.
//!
//! ```text
//!   owner ─ start_child ─► supervisor ─► child ─► Kin::started(owner, child) ─► the owner hears of it
//!                                                 Kin::ended(owner), Kin::ended(child): when each has ended
//! ```
//! The request carries the fact that the asking process owns a port (`OF_PORT`), because a child may start after its
//! owner has ended. Children of other processes, and children that are started from outside of the node, are not
//! reported. Called by `shard::supervise` and `shard::exit`.

use std::sync::Arc;

use pq_term::Pid;

use super::Node;
use crate::message::{Caller, Signal};

/// The watcher of owners and children, which is no process: real monitors have other numbers.
pub(crate) const WATCHER: Caller = Caller {
    pid: Pid::from_raw(0),
    tag: 0,
};

/// A listener for children that owners of ports start through supervisors. Called on threads of shards: it must not
/// wait.
pub trait Kin: Send + Sync {
    /// `child` was started by a request of `owner`, or is its own from now on ([`Node::adopt`]); `owner` may have ended
    /// meanwhile.
    fn started(&self, owner: Pid, child: Pid);

    /// One of the two processes has ended. Called at least once for each, after [`Kin::started`].
    fn ended(&self, pid: Pid);
}

impl Node {
    /// Sets the listener for children of port owners. A node has one at most: returns `false` when one is set already.
    pub fn tell_kin(&self, kin: Arc<dyn Kin>) -> bool {
        self.shared.kin.set(kin).is_ok()
    }

    /// The child belongs to this owner of a port from now on, as if a request of the owner had started it. Another owner
    /// loses it.
    pub fn adopt(&self, owner: Pid, child: Pid) {
        if let Some(kin) = self.kin() {
            kin.started(owner, child);
            for of in [child, owner] {
                let watcher = WATCHER;
                self.signal(Signal::Monitor { of, watcher });
            }
        }
    }

    pub(crate) fn kin(&self) -> Option<&dyn Kin> {
        self.shared.kin.get().map(|kin| &**kin)
    }
}

//! Which processes run because the owner of a port has asked for them: told to whoever looks after those that outlive it.
//!
//! ```text
//!   owner ─ start_child ─► supervisor ─► child ─► Kin::started(owner, child) ─► the owner hears of it
//!                                                 Kin::ended(owner), Kin::ended(child): when each has ended
//! ```
//! That it owns a port is known when it asks, and goes with its request (`OF_PORT`): a child may come when its owner has
//! ended. What other processes ask for, and what is asked for from outside the node, is not among it. Called by
//! `shard::supervise` and `shard::exit`.

use std::sync::Arc;

use pq_term::Pid;

use super::Node;

/// Hears of children that owners of ports have asked supervisors for. Called on threads of shards: it must not wait.
pub trait Kin: Send + Sync {
    /// `child` runs because `owner` has asked for it; `owner` may have ended meanwhile.
    fn started(&self, owner: Pid, child: Pid);

    /// A process has ended that was one of the two. It is said at least once for each, after [`Kin::started`].
    fn ended(&self, pid: Pid);
}

impl Node {
    /// Who hears from now on which processes are started because owners of ports have asked for them. There is one at most: `false`
    /// when there is one already.
    pub fn tell_kin(&self, kin: Arc<dyn Kin>) -> bool {
        self.shared.kin.set(kin).is_ok()
    }

    pub(crate) fn kin(&self) -> Option<&dyn Kin> {
        self.shared.kin.get().map(|kin| &**kin)
    }
}

//! The node behind the answers of the web port for operators.

use std::sync::{Arc, OnceLock, Weak};

use pq_otp::Node;

use crate::running::RunningNode;

/// The parts of a node that the answers need.
#[derive(Clone)]
pub(crate) struct Source {
    pub(super) runtime: Node,
    /// Empty while the node starts.
    pub(super) node: Arc<OnceLock<Weak<RunningNode>>>,
}

impl Source {
    /// The node.
    ///
    /// # Errors
    /// The reason why there is none.
    pub(crate) fn node(&self) -> Result<Arc<RunningNode>, &'static str> {
        let node = self.node.get().ok_or("the node starts")?;
        node.upgrade().ok_or("the node stops")
    }
}

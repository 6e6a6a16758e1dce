//! Notices of supervisors about children that have failed and were started again, for a listener outside of the runtime.

use std::sync::Arc;

use pq_term::Pid;

use super::Node;

/// The news about a child.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum News {
    /// The child has ended, for this reason.
    Failed(String),
    /// The child was started again, under the pid of the notice.
    Restarted,
    /// The child has ended too often: its supervisor ends as well.
    GivenUp,
}

/// A notice of a supervisor about a child.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// The module of the supervisor.
    pub supervisor: String,
    /// The id of the child in its specification, as a term.
    pub child: String,
    /// The process of the child, if the notice is about one.
    pub pid: Option<Pid>,
    /// The name of the process. A process that has ended has none.
    pub name: Option<String>,
    /// The news about the child.
    pub news: News,
}

/// A listener for notices. Called on threads of shards: it must not wait.
pub trait Notices: Send + Sync {
    /// Whether somebody wants notices now. Only then they are made.
    fn is_wanted(&self) -> bool;

    /// Takes a notice, while notices are wanted.
    fn notice(&self, notice: Notice);
}

impl Node {
    /// Sets the listener for notices. A node has one at most: returns `false` when one is set already.
    pub fn tell_notices(&self, notices: Arc<dyn Notices>) -> bool {
        self.shared.notices.set(notices).is_ok()
    }

    /// The listener, while somebody wants notices.
    pub(crate) fn notices(&self) -> Option<&dyn Notices> {
        let notices = self.shared.notices.get()?;
        notices.is_wanted().then_some(&**notices)
    }
}

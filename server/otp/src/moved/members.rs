//! The processes of a subtree, and the reasons why they are no value now.
//!
//! Children are those of supervisors, and processes that a process has started with `start_link` and is still linked
//! to.

use pq_term::Pid;

use super::NotMoved;
use super::value::PROCESSES_MAX;
use crate::process::{Body, Process};
use crate::shard::Shard;

impl Shard {
    /// The processes of a subtree, parents before their children. After a decision each has its new state.
    pub(super) fn members(&mut self, root: Pid) -> Result<Vec<Pid>, NotMoved> {
        if self.slab.get(root).is_none() {
            return Err(NotMoved::Refused(format!("there is no process {root}")));
        }
        let mut members = vec![root];
        let mut at = 0;
        while let Some(pid) = members.get(at).copied() {
            self.take_over_if_decided(pid);
            members.extend(self.children(pid)?);
            if members.len() > PROCESSES_MAX {
                let why = format!("the subtree has more than {PROCESSES_MAX} processes");
                return Err(NotMoved::Refused(why));
            }
            at += 1;
        }
        Ok(members)
    }

    fn children(&self, pid: Pid) -> Result<Vec<Pid>, NotMoved> {
        let Some(process) = self.slab.get(pid) else {
            return Err(self.is_gone(pid));
        };
        let called = || self.core.node.called(pid);
        match &process.body {
            Body::Supervisor(body) => {
                let rest = body.machine.is_at_rest().then(|| body.machine.pids());
                rest.ok_or_else(|| {
                    NotMoved::NotYet(format!("children of {} start or end", called()))
                })
            }
            Body::Callback(_) | Body::Manager(_) => Ok(self.linked_children(process)),
            Body::Native(_) => Err(NotMoved::Refused(format!(
                "{} is a part of the node",
                called()
            ))),
            Body::Empty => Err(NotMoved::NotYet(format!("{} starts", called()))),
        }
    }

    /// The processes that this one has started with `start_link`.
    pub(super) fn linked_children(&self, parent: &Process) -> Vec<Pid> {
        let links = parent.extras.iter().flat_map(|extras| &extras.links);
        let is_child = |link: &&Pid| {
            let child = self.slab.get(**link);
            child.is_some_and(|child| child.parent == parent.pid)
        };
        links.filter(is_child).copied().collect()
    }

    /// The end of a child on this shard has not reached its supervisor; a child elsewhere cannot be moved with the
    /// others.
    fn is_gone(&self, pid: Pid) -> NotMoved {
        match pid.shard() == self.core.id {
            true if self.core.node.is_alive(pid) => NotMoved::NotYet(format!("{pid} starts")),
            true => NotMoved::NotYet(format!("{pid} has ended")),
            false => NotMoved::Refused(format!(
                "{pid} is on shard {}, and other processes of the subtree on shard {}",
                pid.shard(),
                self.core.id
            )),
        }
    }
}

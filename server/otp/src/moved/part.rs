//! A part of a kept subtree, for a process that is restarted while processes around it live on.
//!
//! ```text
//!   kept subtree ─► path of ids ─┬─► the process with all below it ─► a subtree of its own
//!                                └─► the processes around it, by their paths ─► those that live there now
//! ```
//! The process has ended since its state was kept, and everybody who was told so has acted on it. So the part leaves behind
//! what others would take up again: callers and monitors outside of it, their calls that wait in its mailboxes, and handlers of
//! event managers that refer to processes outside of the subtree, whose owners add them again. Links and monitors of its own
//! hold again for processes that live.

use std::collections::{HashMap, HashSet};

use pq_abi::spec::ChildView;
use pq_term::msgpack::{Reference, replace_references};
use pq_term::{Pid, Term};
use serde_bytes::ByteBuf;

use super::letters::Letter;
use super::numbers::Numbers;
use super::opens::{Closed, Opens, Part};
use super::value::{Moved, MovedBody, MovedHandler, Subtree, name_of_all};
use crate::message::{Caller, Signal};
use crate::node::Node;
use crate::shard::Shard;
use crate::supervisor::MovedChildren;

/// Where the subtree was kept: whether its other pids mean processes of this run of the node.
#[derive(Clone, Copy)]
pub enum Kept<'a> {
    /// In this run: processes outside of the subtree may still live.
    Here(&'a Node),
    /// In an earlier run.
    Earlier,
}

/// A part of a subtree that comes back below its supervisor.
pub struct SavedPart {
    pub(crate) subtree: Subtree,
    /// The other processes of the subtree, by their paths.
    pub(crate) others: Vec<(Vec<Term>, Pid)>,
}

/// The processes around a part: the pid in the kept subtree, and the process that lives at its place.
pub(crate) struct Company(pub(crate) Vec<(Pid, Pid)>);

impl Subtree {
    /// The process at the end of this path of children's ids from the root, with all processes below it. `None` if the subtree
    /// has no such process.
    pub fn part(&self, path: &[Term], kept: Kept<'_>) -> Option<SavedPart> {
        let paths = self.paths();
        let root = paths.iter().find(|(_, at)| at.as_slice() == path)?.0;
        let mut inside = HashSet::from([*root]);
        let below: Vec<usize> = (0..self.processes.len())
            .filter(|place| {
                let process = &self.processes[*place];
                process.pid == *root
                    || (inside.contains(&process.parent) && inside.insert(process.pid))
            })
            .collect();
        let around: HashSet<Pid> = self.pids().filter(|pid| !inside.contains(pid)).collect();
        let mut processes: Vec<Moved> =
            below.iter().map(|at| self.processes[*at].clone()).collect();
        for process in &mut processes {
            process.leave_others(&inside, &around);
        }
        let place_of = |place: &u32| below.iter().position(|at| *at == *place as usize);
        let ready = self.ready.iter().filter_map(place_of);
        let subtree = Subtree {
            ready: ready.map(|place| place as u32).collect(),
            processes,
            args: None,
            last_ref: self.last_ref,
            last_timer: self.last_timer,
            home: match kept {
                Kept::Here(node) => Some(node.number()),
                Kept::Earlier => None,
            },
        };
        let others = paths.into_iter().filter(|(pid, _)| around.contains(pid));
        let others = others.map(|(pid, path)| (path, pid)).collect();
        Some(SavedPart { subtree, others })
    }

    /// The path of each process that supervisors lead to by ids.
    fn paths(&self) -> HashMap<Pid, Vec<Term>> {
        let mut paths: HashMap<Pid, Vec<Term>> = HashMap::new();
        paths.extend(self.processes.first().map(|root| (root.pid, Vec::new())));
        for process in &self.processes {
            let Some(path) = paths.get(&process.pid).cloned() else {
                continue;
            };
            for (id, child) in process.children() {
                let path = path.iter().cloned().chain([id]).collect();
                paths.insert(child, path);
            }
        }
        paths
    }
}

impl SavedPart {
    /// The modules of its processes and handlers with their versions.
    pub fn versions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.subtree.versions()
    }

    /// The part with states of the current versions: a shard, which must not wait, has nothing to convert then. Managers and
    /// supervisors have no states, and stay.
    ///
    /// # Errors
    /// A sentence that names the module whose state no version converts.
    pub fn converted(mut self, node: &Node, opens: &dyn Opens) -> Result<SavedPart, String> {
        let name = name_of_all(&self.subtree.processes).to_vec();
        for process in &mut self.subtree.processes {
            let name = process.names.first().map_or(&name[..], |own| own);
            match &mut process.body {
                MovedBody::State(state) => {
                    let closed = Closed {
                        part: Part::State,
                        module: &process.module,
                        vsn: &process.vsn,
                        name,
                        bytes: std::mem::take(state).into_vec(),
                        residues: std::mem::take(&mut process.residues),
                    };
                    let opened = opens.open(node, closed)?;
                    *state = ByteBuf::from(opened.bytes);
                    process.residues = opened.residues;
                    process.vsn = opened.module.vsn().to_string();
                }
                MovedBody::Handlers(handlers) => {
                    for handler in handlers {
                        handler.convert(node, name, opens)?;
                    }
                }
                MovedBody::Supervisor(..) => (),
            }
        }
        Ok(self)
    }
}

impl Moved {
    /// The children that have ids, and their processes.
    fn children(&self) -> Vec<(Term, Pid)> {
        let MovedBody::Supervisor(_, rest) = &self.body else {
            return Vec::new();
        };
        let MovedChildren::Ordered(children) = &rest.children else {
            return Vec::new();
        };
        let children = children.iter();
        children
            .filter_map(|child| Some((ChildView::new(&child.spec).ok()?.id, child.pid?)))
            .collect()
    }

    /// Leaves behind what processes outside of the part would take up again.
    fn leave_others(&mut self, inside: &HashSet<Pid>, around: &HashSet<Pid>) {
        self.watchers
            .retain(|watcher| inside.contains(&watcher.pid));
        self.mailbox.retain(|letter| match letter {
            Letter::Call(from, ..) => inside.contains(from),
            _ => true,
        });
        if let MovedBody::Handlers(handlers) = &mut self.body {
            let is_known = |pid: Pid| inside.contains(&pid) || around.contains(&pid);
            handlers.retain_mut(|handler| handler.refers_only_to(is_known));
        }
    }
}

impl MovedHandler {
    fn convert(&mut self, node: &Node, name: &[u8], opens: &dyn Opens) -> Result<(), String> {
        let closed = Closed {
            part: Part::Handler,
            module: &self.module,
            vsn: &self.vsn,
            name,
            bytes: std::mem::take(&mut self.state).into_vec(),
            residues: std::mem::take(&mut self.residues),
        };
        let opened = opens.open(node, closed)?;
        self.state = ByteBuf::from(opened.bytes);
        self.residues = opened.residues;
        self.vsn = opened.module.vsn().to_string();
        Ok(())
    }

    fn refers_only_to(&mut self, is_known: impl Fn(Pid) -> bool) -> bool {
        let mut is_own = true;
        replace_references(&mut self.state, |reference| {
            if let Reference::Pid(pid) = reference {
                is_own &= is_known(pid);
            }
            reference
        });
        is_own
    }
}

impl Shard {
    /// Links and monitors of a process of a part to processes outside of it hold again, if those live.
    pub(super) fn join_others(&mut self, moved: &mut Moved, numbers: &Numbers) {
        let pid = moved.pid;
        let lives = |of: Pid| self.core.node.is_alive(of);
        moved.links.retain(|link| lives(*link));
        let outside: Vec<Pid> = moved
            .links
            .iter()
            .copied()
            .filter(|it| !numbers.has(*it))
            .collect();
        let monitors = moved.monitors.iter().filter(|it| !numbers.has(it.of));
        let monitors: Vec<(Pid, u64)> = monitors.map(|it| (it.of, it.monitor)).collect();
        for link in outside {
            self.signal(Signal::Link(link, pid));
        }
        // A process that has ended answers as to any new monitor.
        for (of, tag) in monitors {
            let watcher = Caller { pid, tag };
            self.signal(Signal::Monitor { of, watcher });
        }
    }
}

//! Restarts of processes whose states are kept outside of the node ([`Children`]).
//!
//! ```text
//!   restart ─► kept? ─ no ──────────────────────────────────────────► start, anew
//!                └ yes ─► Children::restart ─ Signal::Restarted ─┬──► start, anew
//!                            │                                   ├──► arrival of the saved part
//!                            └ RESTART_TIMEOUT_MS ─► is_late ────┴──► no process (`ignore`)
//! ```
//! For the supervisor all of this is one slow start. The kept child is found upwards, from the supervisor of the process:
//! all supervisors on the way are on this shard.
//!
//! [`Children`]: crate::Children

use pq_term::{Pid, Term};

use super::{Due, Shard};
use crate::message::{Ack, Spawn};
use crate::moved::{Arrival, Company, SavedPart};
use crate::node::{Answered, Comeback, Restart};
use crate::numbered::Numbered;
use crate::process::Body;
use crate::supervisor::{Again, Former};
use crate::wheel::TimerKey;

/// The time for a state to be read. A disk needs milliseconds. An install waits at least as long for a supervisor in which
/// something starts.
pub(super) const RESTART_TIMEOUT_MS: u64 = 5_000;

/// The restarts that wait for a state, by supervisor and ticket. At most one for each supervisor whose children start in
/// order, and `supervisor::simple::STARTS_MAX` for any other.
#[derive(Default)]
pub(super) struct Awaited(Numbered<(Pid, u32), Start>);

/// A start that waits.
struct Start {
    spawn: Spawn,
    dynamic: bool,
    root: Pid,
    timer: TimerKey,
}

impl Shard {
    /// Restarts a child: with its kept state, or anew.
    pub(super) fn start_again(&mut self, spawn: Spawn, dynamic: bool, again: Again) {
        let (Ack::Ticket(supervisor, ticket), Some((root, path))) =
            (spawn.ack, self.kept_at(spawn.parent, again.child))
        else {
            return self.start_child(spawn, dynamic);
        };
        let due_ms = self.core.due_after(RESTART_TIMEOUT_MS);
        let start = Start {
            spawn,
            dynamic,
            root,
            timer: self
                .core
                .wheel
                .start(due_ms, Due::Restart(supervisor, ticket)),
        };
        self.awaited.0.insert((supervisor, ticket), start);
        let restart = Restart {
            root,
            path,
            why: again.why,
            at_ms: self.core.now_ms,
            supervisor,
            ticket,
        };
        if let Some(children) = self.core.node.children() {
            children.restart(&self.core.node, restart);
        }
    }

    /// The kept child above a process, and the ids that lead from it to the process.
    fn kept_at(&self, supervisor: Pid, child: Former) -> Option<(Pid, Vec<Term>)> {
        let children = self.core.node.children()?;
        let id = match child {
            Former::Process(old) => return children.keeps(old).then(|| (old, Vec::new())),
            Former::Id(id) => id,
        };
        let (mut path, mut at) = (vec![id], supervisor);
        while !children.keeps(at) {
            let above = self.slab.get(at)?.parent;
            let Body::Supervisor(body) = &self.slab.get(above)?.body else {
                return None;
            };
            path.push(body.machine.id_of(at)?);
            at = above;
        }
        path.reverse();
        Some((at, path))
    }

    /// Goes on with a restart as the listener has answered.
    pub(super) fn restarted(&mut self, answered: Answered) {
        let Answered {
            supervisor,
            ticket,
            comeback,
        } = answered;
        let Some(start) = self.awaited.0.remove(&(supervisor, ticket)) else {
            return;
        };
        self.core.wheel.cancel(start.timer);
        match comeback {
            Comeback::Anew => self.start_child(start.spawn, start.dynamic),
            Comeback::Never => self.acknowledge(start.spawn.ack, Ok(None)),
            Comeback::Saved(part, opens) => {
                let SavedPart { subtree, others } = part;
                let company = Company(self.living(start.root, others));
                let arrival = Arrival {
                    subtree,
                    opens,
                    parent: supervisor,
                    ack: start.spawn.ack,
                    company: Some(company),
                };
                self.send_arrival(arrival, start.dynamic);
            }
        }
    }

    /// No answer has come in time.
    pub(super) fn restart_is_late(&mut self, supervisor: Pid, ticket: u32) {
        let Some(start) = self.awaited.0.remove(&(supervisor, ticket)) else {
            return;
        };
        if self.slab.get(supervisor).is_some()
            && let Some(children) = self.core.node.children()
        {
            children.is_late(&self.core.node, start.root);
        }
        self.acknowledge(start.spawn.ack, Ok(None));
    }

    /// The processes that live now at these places below a root, each with the pid that the process there had.
    fn living(&self, root: Pid, places: Vec<(Vec<Term>, Pid)>) -> Vec<(Pid, Pid)> {
        let at = |path: &[Term]| {
            path.iter().try_fold(root, |at, id| {
                let Body::Supervisor(body) = &self.slab.get(at)?.body else {
                    return None;
                };
                body.machine.pid_of(id)
            })
        };
        let places = places.into_iter();
        places
            .filter_map(|(path, old)| Some((old, at(&path)?)))
            .collect()
    }
}

//! Ends of processes: exit signals, links, monitors, and cleaning up.
//!
//! The registry relies on the order at an end: first the process is no longer found alive, then its names are free,
//! then links and monitors report the end.

use pq_abi::{Entry, Reason};
use pq_term::Pid;

use super::Shard;
use crate::crowd::CrowdChange;
use crate::message::{Caller, Envelope, ExitCause, Signal};
use crate::process::{Body, Extras, Flag, Process, Watch};
use crate::trace::Step;

impl Shard {
    /// Handles an exit signal (`erlang:exit/2`, and the table of signals in the reference manual).
    pub(super) fn exit_signal(&mut self, to: Pid, from: Pid, reason: Reason, cause: ExitCause) {
        let Some(process) = self.slab.get_mut(to) else {
            return;
        };
        if cause == ExitCause::Link && !process.break_link(from) {
            return;
        }
        let kill = cause == ExitCause::Explicit && reason == Reason::Kill;
        match (kill, process.has(Flag::TrapsExit)) {
            (true, _) => self.end(to, Reason::Killed),
            (false, true) => self.push(to, Envelope::Exit(from, Box::new(reason))),
            (false, false) if reason == Reason::Normal && from != to => (),
            (false, false) => self.end(to, reason),
        }
    }

    pub(super) fn send_exit(&mut self, to: Pid, from: Pid, reason: Reason) {
        self.signal(Signal::Exit {
            to,
            from,
            reason,
            cause: ExitCause::Explicit,
        });
    }

    /// Adds one half of a link: `of` reports its end to `with`. A dead process does so at once.
    pub(super) fn link(&mut self, of: Pid, with: Pid) {
        match self.slab.get_mut(of) {
            Some(process) => {
                let links = &mut process.extras().links;
                if !links.contains(&with) {
                    links.push(with);
                }
            }
            None => self.signal(Signal::Exit {
                to: with,
                from: of,
                reason: Reason::NoProc,
                cause: ExitCause::Link,
            }),
        }
    }

    pub(crate) fn unlink(&mut self, of: Pid, with: Pid) {
        if let Some(process) = self.slab.get_mut(of) {
            process.with_extras(|extras| extras.links.retain(|link| *link != with));
        }
    }

    /// Adds a watcher for the end of a process; a dead process reports at once.
    pub(super) fn watch(&mut self, of: Pid, watcher: Caller, why: Watch) {
        match self.slab.get_mut(of) {
            Some(process) => drop(process.extras().watchers.insert(watcher, why)),
            None => self.tell_watcher(of, watcher, why, &Reason::NoProc),
        }
    }

    pub(crate) fn unwatch(&mut self, of: Pid, watcher: Caller) {
        if let Some(process) = self.slab.get_mut(of) {
            process.with_extras(|extras| extras.watchers.remove(&watcher));
        }
    }

    /// A request of this process has timed out. The request stays open until the process takes this answer,
    /// or the real one that is before it in the mailbox; the other of the two answers is ignored then.
    pub(super) fn fail_request(&mut self, pid: Pid, id: u64, reason: Reason) {
        let waits = |extras: &mut Extras| {
            extras
                .requests
                .get_mut(&id)
                .is_some_and(|timer| timer.take().is_some())
        };
        if self
            .slab
            .get_mut(pid)
            .and_then(|process| process.with_extras(waits))
            == Some(true)
        {
            self.push(pid, Envelope::Response(id, Err(Box::new(reason))));
        }
    }

    pub(super) fn own_port(&mut self, owner: Pid, port: u64) {
        match self.slab.get_mut(owner) {
            Some(process) => process.extras().ports.push(port),
            None => self.core.node.ports().close_after(port, &Reason::NoProc),
        }
    }

    /// Ends a process now.
    pub(super) fn end(&mut self, pid: Pid, reason: Reason) {
        let Some(mut process) = self.vanish(pid, &reason) else {
            return;
        };
        if !reason.is_orderly() {
            self.tallies.fail(&self.core.node, process.module);
        }
        while let Some(envelope) = self.arena.pop(&mut process.mailbox) {
            self.leave_unread(pid, envelope, &reason);
        }
        self.tell_parent(&process, &reason);
        self.end_supervision(&mut process, &reason);
        if let Some(extras) = process.extras.take() {
            for link in extras.links {
                self.signal(Signal::Exit {
                    to: link,
                    from: pid,
                    reason: reason.clone(),
                    cause: ExitCause::Link,
                });
            }
            let mut watchers: Vec<_> = extras.watchers.into_iter().collect();
            // Sorted by the time of their watch, because the order of the table is not stable: a run can be repeated,
            // also by processes that have moved and have other pids.
            watchers.sort_unstable_by_key(|(watcher, _)| (watcher.tag, watcher.pid));
            for (watcher, why) in watchers {
                self.tell_watcher(pid, watcher, why, &reason);
            }
            for (monitor, of) in extras.monitors {
                self.signal(Signal::Demonitor {
                    of,
                    watcher: Caller { pid, tag: monitor },
                });
            }
            let timer = extras.wait.and_then(|wait| wait.timer);
            for key in extras.requests.into_values().flatten().chain(timer) {
                self.core.wheel.cancel(key);
            }
        }
        self.drop_body(pid, process.body);
    }

    /// Drops the body of a process. This runs code of a library, too, so it is recorded as a callback.
    pub(crate) fn drop_body(&mut self, pid: Pid, body: Body) {
        let module = match &body {
            Body::Callback(state) => Some(state.module()),
            Body::Manager(handlers) => handlers.first().map(|handler| handler.state.module()),
            Body::Empty | Body::Supervisor(_) | Body::Native(_) => None,
        };
        let Some(module) = module else { return };
        self.core.post.begin(pid);
        self.core.post.enter(module, Entry::Drop);
        drop(body);
        self.core.post.end();
    }

    /// Removes a process: not alive, no names, no ports. Links and monitors are not told.
    pub(crate) fn vanish(&mut self, pid: Pid, reason: &Reason) -> Option<Process> {
        let mut process = self.slab.remove(pid)?;
        self.core.node.alive(self.core.id).dead(pid);
        self.counters.exited += 1;
        self.core.dice.forget(pid);
        self.tallies.end(&self.core.node, process.module);
        if self.core.node.crowd().is_wanted() {
            let change = match reason.is_orderly() {
                true => CrowdChange::Ended,
                false => CrowdChange::Failed,
            };
            self.core.node.crowd().note(&process, change);
        }
        if let (true, Some(exited)) = (
            process.has(Flag::HoldsName),
            &self.core.node.config().exited,
        ) {
            exited(pid);
        }
        process.with_extras(|extras| {
            if let Some(debug) = &mut extras.debug {
                debug.tracers.take(&Step::Exit(reason));
            }
            if let Some(name) = extras.registered.take() {
                self.core.node.unregister(&name, pid);
            }
            for port in extras.ports.drain(..) {
                self.core.node.ports().close_after(port, reason);
            }
        });
        Some(process)
    }

    fn tell_parent(&mut self, process: &Process, reason: &Reason) {
        if process.parent.as_raw() != 0 {
            let (to, from) = (process.parent, process.pid);
            self.signal(Signal::Exit {
                to,
                from,
                reason: reason.clone(),
                cause: ExitCause::Link,
            });
        }
    }

    /// Handles an envelope left in the mailbox. Callers are watchers, and are told with them.
    fn leave_unread(&mut self, pid: Pid, envelope: Envelope, reason: &Reason) {
        match envelope {
            Envelope::Call(..) | Envelope::PutIn(..) => (),
            Envelope::System(request) => self.fail_caller(request.from, reason.clone()),
            other => self.deliver_to_nobody(pid, other),
        }
    }

    /// A supervisor that ends in order has no children left; one that was killed ends its children. A supervisor whose
    /// initial children do not all run has failed to start.
    fn end_supervision(&mut self, process: &mut Process, reason: &Reason) {
        let Body::Supervisor(body) = &mut process.body else {
            return;
        };
        for child in body.machine.pids() {
            self.send_exit(child, process.pid, Reason::Killed);
        }
        if let Some(ack) = self.starting.remove(&process.pid) {
            self.acknowledge(ack, Err(reason.clone()));
        }
    }

    fn tell_watcher(&mut self, of: Pid, watcher: Caller, why: Watch, reason: &Reason) {
        let reason = Box::new(reason.clone());
        let envelope = match why {
            Watch::Monitor => Envelope::Down(of, watcher.tag, reason),
            Watch::Request => Envelope::Response(watcher.tag, Err(reason)),
        };
        self.send(watcher.pid, envelope);
    }
}

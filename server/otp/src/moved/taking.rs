//! Copies of subtrees, and subtrees that leave their node.
//!
//! A copy is made in one piece between two callbacks, and nothing of it is visible. Processes leave after their copy is
//! whole: no `terminate` runs, and no link or monitor is told. Their supervisor hears that they have left, and does not
//! restart them.

use pq_abi::{Module, Reason};
use pq_term::Pid;
use serde_bytes::ByteBuf;

use super::NotMoved;
use super::letters::Letter;
use super::opens::Residue;
use super::value::{
    Clock, Moved, MovedBody, MovedHandler, MovedMonitor, MovedRequest, MovedTimer, MovedWait,
    MovedWatcher, Subtree,
};
use crate::message::{Envelope, Signal};
use crate::process::{Body, Extras, Flag, Handler, Process, Watch};
use crate::shard::{Due, Shard};
use crate::wheel::TimerKey;

/// Whether the processes run on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// The processes run on.
    Stay,
    /// The processes leave the node.
    Leave,
}

/// An order to make a subtree a value.
pub(crate) struct TakeOut {
    pub(crate) root: Pid,
    pub(crate) fate: Fate,
    pub(crate) answer: Box<dyn FnOnce(Result<Subtree, NotMoved>) + Send>,
}

impl Shard {
    /// Carries out an order.
    pub(crate) fn take_out(&mut self, order: TakeOut) {
        let TakeOut { root, fate, answer } = order;
        let taken = match fate {
            Fate::Stay => self.copy(root),
            Fate::Leave => self.leave(root),
        };
        answer(taken);
    }

    /// A copy of a subtree.
    pub(super) fn copy(&mut self, root: Pid) -> Result<Subtree, NotMoved> {
        let members = self.members(root)?;
        self.copy_of(&members)
    }

    fn copy_of(&mut self, members: &[Pid]) -> Result<Subtree, NotMoved> {
        let processes = members.iter().map(|pid| self.moved(*pid));
        let processes: Result<Vec<Moved>, NotMoved> = processes.collect();
        let subtree = Subtree {
            processes: processes?,
            args: members.first().and_then(|root| self.args_of(*root)),
            ready: self.in_queue(members),
            last_ref: self.core.last_ref(),
            last_timer: self.core.wheel.serial(),
            home: None,
        };
        Ok(subtree)
    }

    fn leave(&mut self, root: Pid) -> Result<Subtree, NotMoved> {
        if !self.is_gate_open() {
            let why = "an upgrade of code is at its decision".to_string();
            return Err(NotMoved::NotYet(why));
        }
        let members = self.members(root)?;
        for pid in &members {
            self.check_ports(*pid)?;
        }
        let mut subtree = self.copy_of(&members)?;
        subtree.home = Some(self.core.node.number());
        let parent = self.slab.get(root).map(|root| root.parent);
        for pid in members {
            self.remove(pid);
        }
        let parent = parent.filter(|parent| parent.as_raw() != 0);
        parent
            .into_iter()
            .for_each(|parent| self.signal(Signal::Left(parent, root)));
        // The supervisor hears of it before the caller can put the subtree in again.
        self.flush();
        Ok(subtree)
    }

    fn check_ports(&self, pid: Pid) -> Result<(), NotMoved> {
        let extras = self
            .slab
            .get(pid)
            .and_then(|process| process.extras.as_ref());
        match extras.is_some_and(|extras| !extras.ports.is_empty()) {
            true => Err(NotMoved::Refused(format!(
                "{} has a port, and ports do not move",
                self.core.node.called(pid)
            ))),
            false => Ok(()),
        }
    }

    /// A child has left: its supervisor takes that from its mailbox, behind the result of the child's start.
    pub(crate) fn tell_left(&mut self, parent: Pid, child: Pid) {
        match self.slab.get(parent).map(|process| &process.body) {
            Some(Body::Supervisor(_)) => self.push(parent, Envelope::Left(child)),
            _ => self.unlink(parent, child),
        }
    }

    /// A child of this supervisor has left.
    pub(crate) fn child_left(&mut self, supervisor: Pid, child: Pid) {
        let now_ms = self.core.now_ms;
        let mut actions = Vec::new();
        if let Some(body) = self.supervisor(supervisor) {
            body.machine.child_left(child, now_ms, &mut actions);
        }
        self.act_all(supervisor, actions);
    }

    /// Removes a process of which a copy exists. Nobody is told, except callers whose
    /// messages do not move.
    fn remove(&mut self, pid: Pid) {
        let Some(process) = self.slab.get(pid) else {
            return;
        };
        let timers = self.core.wheel.of(process.timers);
        let timers: Vec<TimerKey> = timers.map(|(key, ..)| key).collect();
        for key in timers {
            self.core.wheel.cancel_of(&mut self.slab, key);
        }
        let Some(mut process) = self.vanish(pid, &Reason::Normal) else {
            return;
        };
        while let Some(envelope) = self.arena.pop(&mut process.mailbox) {
            match envelope {
                Envelope::System(request) => self.fail_caller(request.from, Reason::NoProc),
                Envelope::PutIn(from, _) => self.fail_caller(from, Reason::NoProc),
                _ => (),
            }
        }
        if let Some(extras) = process.extras.take() {
            let wait = extras.wait.and_then(|wait| wait.timer);
            for key in extras.requests.into_values().flatten().chain(wait) {
                self.core.wheel.cancel(key);
            }
        }
        self.drop_body(pid, process.body);
    }

    /// The arguments that a process was started with: a supervisor has them, and for others the supervisor above them,
    /// if it restarts them.
    fn args_of(&self, pid: Pid) -> Option<ByteBuf> {
        let process = self.slab.get(pid)?;
        if let Body::Supervisor(body) = &process.body {
            return Some(ByteBuf::from(&body.args[..]));
        }
        match &self.slab.get(process.parent)?.body {
            Body::Supervisor(body) => body.machine.args_of(pid).map(ByteBuf::from),
            _ => None,
        }
    }

    /// The places of the processes that wait to run, in the order in which they will run.
    fn in_queue(&self, members: &[Pid]) -> Vec<u32> {
        let is_queued = |pid: &Pid| {
            let process = self.slab.get(*pid);
            process.is_some_and(|process| process.has(Flag::Queued))
        };
        let places = (0_u32..).zip(members);
        let queued: Vec<_> = places.filter(|(_, pid)| is_queued(pid)).collect();
        match &queued[..] {
            [] => Vec::new(),
            [(place, _)] => vec![*place],
            _ => {
                let place_of = |index: &u32| {
                    let queued = queued.iter().find(|(_, pid)| pid.index() == *index);
                    queued.map(|(place, _)| *place)
                };
                self.queue().filter_map(|index| place_of(&index)).collect()
            }
        }
    }

    /// A process as a value.
    fn moved(&mut self, pid: Pid) -> Result<Moved, NotMoved> {
        let (module, body) = self.moved_body(pid)?;
        let names = self.names_of(pid);
        let Some(process) = self.slab.get(pid) else {
            return Err(NotMoved::NotYet(format!("{pid} has ended")));
        };
        let mut moved = Moved {
            pid,
            parent: process.parent,
            module: module.name().to_string(),
            vsn: module.vsn().to_string(),
            body,
            residues: Residue::all_of(process.residues()),
            registered: None,
            names,
            traps_exit: process.has(Flag::TrapsExit),
            suspended: process.has(Flag::Suspended),
            links: Vec::new(),
            watchers: Vec::new(),
            monitors: Vec::new(),
            requests: Vec::new(),
            wait: None,
            timers: self.moved_timers(process),
            mailbox: self.letters(process),
        };
        if let Some(extras) = &process.extras {
            self.move_extras(extras, &mut moved)?;
        }
        Ok(moved)
    }

    /// The module of a process and its exported state.
    fn moved_body(&mut self, pid: Pid) -> Result<(Module, MovedBody), NotMoved> {
        let now_ms = self.core.now_ms;
        let process = self.slab.get(pid);
        let Some((module, process)) = process.and_then(|it| Some((it.module?, it))) else {
            return Err(NotMoved::NotYet(format!("{pid} has ended")));
        };
        let body = match &process.body {
            Body::Supervisor(body) => {
                let rest = body.machine.at_rest(now_ms);
                let not_yet = || NotMoved::NotYet(format!("children of {pid} start or end"));
                let args = ByteBuf::from(&body.args[..]);
                MovedBody::Supervisor(args, Box::new(rest.ok_or_else(not_yet)?))
            }
            Body::Manager(_) => MovedBody::Handlers(self.moved_handlers(pid)?),
            _ => {
                let state = self.exported(pid);
                let state = state.map_err(|why| self.not_exported(pid, module, &why))?;
                MovedBody::State(ByteBuf::from(state))
            }
        };
        Ok((module, body))
    }

    fn moved_handlers(&mut self, pid: Pid) -> Result<Vec<MovedHandler>, NotMoved> {
        let Some(handlers) = self.take_handlers(pid) else {
            return Ok(Vec::new());
        };
        let moved = handlers
            .iter()
            .map(|handler| self.moved_handler(pid, handler));
        let moved = moved.collect();
        self.put_handlers(pid, handlers);
        moved
    }

    fn moved_handler(&mut self, pid: Pid, handler: &Handler) -> Result<MovedHandler, NotMoved> {
        let module = handler.state.module();
        let state = self.exported_handler(pid, &handler.state);
        let state = state.map_err(|why| self.not_exported(pid, module, &why))?;
        Ok(MovedHandler {
            module: module.name().to_string(),
            vsn: module.vsn().to_string(),
            state: ByteBuf::from(state),
            residues: Residue::all_of(handler.residues.as_deref()),
        })
    }

    fn not_exported(&self, pid: Pid, module: Module, why: &Reason) -> NotMoved {
        let called = self.core.node.called(pid);
        NotMoved::Refused(format!(
            "the state of {called}, {module:?}, cannot be exported: {why}"
        ))
    }

    fn names_of(&self, pid: Pid) -> Vec<ByteBuf> {
        let holds = self.slab.get(pid).is_some_and(|it| it.has(Flag::HoldsName));
        let registry = self.core.node.config().registry.as_ref();
        match registry.filter(|_| holds) {
            Some(registry) => registry
                .names_of(pid)
                .into_iter()
                .map(ByteBuf::from)
                .collect(),
            None => Vec::new(),
        }
    }

    /// Messages that wait. A timer of a supervisor at rest is one that was cancelled.
    fn letters(&self, process: &Process) -> Vec<Letter> {
        let is_supervisor = matches!(process.body, Body::Supervisor(_));
        let moves = |letter: &Letter| !(is_supervisor && matches!(letter, Letter::TimeOut(_)));
        let letters = self.arena.iter(process.mailbox).filter_map(Letter::of);
        letters.filter(moves).collect()
    }

    fn moved_timers(&self, process: &Process) -> Vec<MovedTimer> {
        let timer = |(key, due_ms, due): (TimerKey, u64, &Due)| {
            let (event, data) = match due {
                Due::Info(_, data) => (false, data),
                Due::Event(_, data) => (true, data),
                Due::Timer(..) | Due::RequestTimeout(..) | Due::Restart(..) => return None,
            };
            Some(MovedTimer {
                clock: self.clock(key, due_ms),
                event,
                data: ByteBuf::from(&data[..]),
            })
        };
        let timers = self.core.wheel.of(process.timers);
        timers.filter_map(timer).collect()
    }

    fn clock(&self, key: TimerKey, due_ms: u64) -> Clock {
        Clock {
            in_ms: due_ms.saturating_sub(self.core.now_ms),
            key: key.as_raw(),
        }
    }

    fn clock_of(&self, key: Option<TimerKey>) -> Option<Clock> {
        let due_ms = self.core.wheel.due_ms(key?)?;
        Some(self.clock(key?, due_ms))
    }

    fn move_extras(&self, extras: &Extras, moved: &mut Moved) -> Result<(), NotMoved> {
        moved.registered.clone_from(&extras.registered);
        moved.links.clone_from(&extras.links);
        let watchers = extras.watchers.iter().map(|(watcher, why)| MovedWatcher {
            pid: watcher.pid,
            tag: watcher.tag,
            asks: *why == Watch::Request,
        });
        moved.watchers = watchers.collect();
        // The order of the table is not stable.
        moved
            .watchers
            .sort_unstable_by_key(|watcher| (watcher.tag, watcher.pid));
        let monitors = extras.monitors.iter();
        let monitors = monitors.map(|(monitor, of)| MovedMonitor {
            monitor: *monitor,
            of: *of,
        });
        moved.monitors = monitors.collect();
        let requests = extras.requests.iter().map(|(id, key)| MovedRequest {
            id: *id,
            clock: self.clock_of(*key),
        });
        moved.requests = requests.collect();
        moved.wait = extras.wait.as_ref().map(|wait| MovedWait {
            number: wait.number,
            clock: self.clock_of(wait.timer),
        });
        self.check_starts(moved)
    }

    /// A request without a clock and without an answer is a start that is under way.
    fn check_starts(&self, moved: &Moved) -> Result<(), NotMoved> {
        let mut requests = moved.requests.iter();
        let starts = requests.any(|request| {
            let is_answered = || {
                moved
                    .mailbox
                    .iter()
                    .any(|letter| letter.answers(request.id))
            };
            request.clock.is_none() && !is_answered()
        });
        match starts {
            true => {
                let called = self.core.node.called(moved.pid);
                Err(NotMoved::NotYet(format!("{called} starts a process")))
            }
            false => Ok(()),
        }
    }
}

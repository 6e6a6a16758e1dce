//! Children of one kind, added while running: `simple_one_for_one`.
//!
//! ```text
//!             start_child            started                    ended, told to or not
//!   caller ─────────────► in flight ─────────► child ─────────────────────────► gone
//!                          ▲  │  ▲             │   │                             ▲
//!                  failed: │  │  └─────────────┘   └─ terminate_child ─► ending ─┘
//!                   again  └──┘    restarted
//! ```
//!
//! Any number of children may be in each of these states, and no request waits for another: 100 000
//! avatars are started through one such supervisor, each on any shard. So `which_children` is
//! a snapshot: a child that is being restarted has no pid, and a child whose first start is under way is not
//! listed yet.
//!
//! At the end all children are told at once and share one timer, as in OTP.

use std::hash::Hash;

use pq_abi::Reason;
use pq_abi::spec::{
    ChildCount, ChildInfo, ChildSpec, ChildType, Restart, Start, SupFlags, SupReply, SupRequest,
};
use pq_term::{Pid, Term};

use crate::node::EndOf;
use crate::numbered::Numbered;

use super::reading::{SimpleSpec, pair};
use super::window::Window;
use super::{
    Action, Again, Caller, Cause, Ctx, Former, Input, Report, Serial, StartOutcome, Ticket, args,
    is_wanted_end,
};

/// How many starts may be under way. A node is built for a million avatars, which may all arrive at once, for example
/// after a restart of a proxy before the node. Further starts are refused with `overloaded`. A million starts take
/// about 64 MB, which are freed afterwards.
const STARTS_MAX: usize = 1 << 20;

/// A table frees memory when it uses less than an eighth of its capacity. Smaller tables than this are not worth the
/// work.
const ROOM_KEPT: usize = 4_096;

pub(super) struct Simple {
    pub(super) flags: SupFlags,
    pub(super) template: ChildSpec,
    pub(super) serial: Serial,
    pub(super) window: Window,
    pub(super) phase: SimplePhase,
    /// Children that are not restarted: only their pids are kept.
    pub(super) plain: Numbered<Pid, ()>,
    /// Children that may be restarted, with all their arguments.
    pub(super) kept: Numbered<Pid, Box<[u8]>>,
    /// Starts under way, by ticket.
    pub(super) flights: Numbered<u32, Flight>,
    /// The tickets of restarts, by the pid of the ended process.
    pub(super) restarts: Numbered<Pid, u32>,
    /// Children that a request has told to end.
    pub(super) ending: Numbered<Pid, Ending>,
    /// The child that each timer kills.
    pub(super) timers: Numbered<u32, Pid>,
}

pub(super) enum SimplePhase {
    Running,
    Stopping(Box<Stopping>),
    Ended,
}

/// The supervisor stops: all children have been told to end.
pub(super) struct Stopping {
    pub(super) reason: Reason,
    pub(super) timer: Option<u32>,
    /// The time is over: a child that starts now is killed at once.
    pub(super) is_killing: bool,
    /// Unexpected reasons, and the number of children that ended with each.
    pub(super) surprises: Vec<(Reason, u64)>,
}

/// A child that a request has told to end, and the callers that wait.
pub(super) struct Ending {
    pub(super) timer: Option<u32>,
    pub(super) callers: Vec<Caller>,
}

/// A start under way. `None` for arguments that need not be kept.
pub(super) enum Flight {
    New(Caller, Option<Box<[u8]>>),
    Again(Pid, Box<[u8]>),
    /// The restart of a child that was terminated meanwhile: it is ended as soon as it runs.
    Unwanted(Caller),
}

impl Simple {
    /// Makes a supervisor without children, which is ready at once.
    pub(super) fn new(ctx: &mut Ctx<'_>, spec: SimpleSpec) -> Simple {
        ctx.act(Action::Ready);
        Simple::without_children(spec, Window::default())
    }

    /// A running supervisor that has no children yet.
    pub(super) fn without_children(spec: SimpleSpec, window: Window) -> Simple {
        Simple {
            flags: spec.flags,
            template: spec.template,
            serial: Serial::default(),
            window,
            phase: SimplePhase::Running,
            plain: Numbered::default(),
            kept: Numbered::default(),
            flights: Numbered::default(),
            restarts: Numbered::default(),
            ending: Numbered::default(),
            timers: Numbered::default(),
        }
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.phase, SimplePhase::Running)
    }

    /// Handles a live update. All children get the new `shutdown` and `modules`; a restarted child gets the new
    /// module and keeps its arguments. Children that were temporary at their start stay temporary.
    pub(super) fn replace(&mut self, new: SimpleSpec) {
        self.flags = new.flags;
        self.template = new.template;
    }

    pub(super) fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input) {
        match input {
            Input::Started { ticket, outcome } => self.started(ctx, ticket, outcome),
            Input::Exited { pid, reason } => self.exited(ctx, pid, reason),
            Input::Request { from, request } => self.requested(ctx, from, request),
            Input::Timer { id } => self.timer_fired(ctx, id),
            Input::Stop(reason) => self.stop(ctx, reason),
        }
        self.end_if_empty(ctx);
    }

    fn requested(&mut self, ctx: &mut Ctx<'_>, from: Caller, request: SupRequest) {
        match self.phase {
            SimplePhase::Running => self.answer(ctx, from, request),
            SimplePhase::Stopping(_) => ctx.refuse(from, "shutdown"),
            SimplePhase::Ended => ctx.refuse(from, "noproc"),
        }
    }

    fn answer(&mut self, ctx: &mut Ctx<'_>, from: Caller, request: SupRequest) {
        match request {
            SupRequest::StartChild(extra) => self.start_child(ctx, from, extra),
            SupRequest::TerminatePid(pid) | SupRequest::TerminateId(Term::Pid(pid)) => {
                self.terminate_child(ctx, from, pid);
            }
            SupRequest::StartSpec(_)
            | SupRequest::TerminateId(_)
            | SupRequest::RestartChild(_)
            | SupRequest::DeleteChild(_) => ctx.refuse(from, "simple_one_for_one"),
            SupRequest::WhichChildren => ctx.reply(from, SupReply::Children(self.which_children())),
            SupRequest::CountChildren => ctx.reply(from, SupReply::Count(self.count_children())),
        }
    }

    fn start_child(&mut self, ctx: &mut Ctx<'_>, from: Caller, extra: Vec<u8>) {
        if self.flights.len() >= STARTS_MAX {
            return ctx.refuse(from, "overloaded");
        }
        match args::join(&self.template.start.args, extra) {
            Ok(args) => {
                let is_kept = self.template.restart != Restart::Temporary;
                let kept = is_kept.then(|| args.clone().into());
                self.take_off(ctx, args, Flight::New(from, kept), None);
            }
            Err(extra) => {
                let extra = Term::from(&extra[..]);
                ctx.reply(from, SupReply::Error(pair("badarg", extra)));
            }
        }
    }

    pub(super) fn take_off(
        &mut self,
        ctx: &mut Ctx<'_>,
        args: Vec<u8>,
        flight: Flight,
        again: Option<Box<Again>>,
    ) -> u32 {
        let number = self.serial.next();
        let start = Start {
            module: self.template.start.module,
            args,
        };
        let (ticket, kind) = (Ticket(number), self.template.kind);
        ctx.act(Action::Start {
            ticket,
            start,
            kind,
            dynamic: true,
            again,
        });
        self.flights.insert(number, flight);
        number
    }

    fn started(&mut self, ctx: &mut Ctx<'_>, ticket: Ticket, outcome: StartOutcome) {
        let Some(flight) = self.flights.remove(&ticket.0) else {
            return;
        };
        shrink(&mut self.flights);
        match flight {
            Flight::New(from, args) => self.child_started(ctx, from, args, outcome),
            Flight::Again(old, args) => self.child_restarted(ctx, old, args, outcome),
            Flight::Unwanted(from) => self.unwanted_started(ctx, from, outcome),
        }
    }

    fn child_started(
        &mut self,
        ctx: &mut Ctx<'_>,
        from: Caller,
        args: Option<Box<[u8]>>,
        outcome: StartOutcome,
    ) {
        let reply = match outcome {
            StartOutcome::Ok(pid) => {
                self.adopt(ctx, pid, args);
                SupReply::Started(Some(pid))
            }
            StartOutcome::Ignore => SupReply::Started(None),
            StartOutcome::Err(reason) => SupReply::Error(reason.to_term()),
        };
        ctx.reply(from, reply);
    }

    fn child_restarted(
        &mut self,
        ctx: &mut Ctx<'_>,
        old: Pid,
        args: Box<[u8]>,
        outcome: StartOutcome,
    ) {
        self.restarts.remove(&old);
        match outcome {
            StartOutcome::Ok(pid) => {
                let id = self.template.id.clone();
                let of = Former::Process(old);
                ctx.report(Report::Restarted { id, pid, of });
                self.adopt(ctx, pid, Some(args));
            }
            // As at `start_child`: the child is dropped.
            StartOutcome::Ignore => {}
            StartOutcome::Err(reason) => {
                ctx.report(Report::StartError {
                    id: self.template.id.clone(),
                    reason: reason.clone(),
                });
                self.restart(ctx, old, args, reason);
            }
        }
    }

    fn unwanted_started(&mut self, ctx: &mut Ctx<'_>, from: Caller, outcome: StartOutcome) {
        match outcome {
            StartOutcome::Ok(pid) => {
                self.plain.insert(pid, ());
                self.tell_to_end(ctx, pid, from);
            }
            StartOutcome::Ignore | StartOutcome::Err(_) => ctx.reply(from, SupReply::Ok),
        }
    }

    /// Records a new child. If the supervisor stops, the child is told to end at once.
    fn adopt(&mut self, ctx: &mut Ctx<'_>, pid: Pid, args: Option<Box<[u8]>>) {
        match args {
            Some(args) => drop(self.kept.insert(pid, args)),
            None => drop(self.plain.insert(pid, ())),
        }
        match &self.phase {
            SimplePhase::Stopping(stopping) if stopping.is_killing => ctx.kill(pid),
            SimplePhase::Stopping(_) => {
                ctx.exit(pid, self.template.shutdown);
            }
            SimplePhase::Running | SimplePhase::Ended => {}
        }
    }

    /// Restarts a child, unless there were too many restarts or the supervisor stops.
    fn restart(&mut self, ctx: &mut Ctx<'_>, old: Pid, args: Box<[u8]>, reason: Reason) {
        if !self.is_running() {
            return;
        }
        if !self.window.admits(ctx.now_ms, &self.flags) {
            ctx.report(Report::ReachedMaxRestartIntensity {
                id: self.template.id.clone(),
            });
            return self.stop(ctx, Reason::Shutdown);
        }
        let again = Again {
            child: Former::Process(old),
            why: Some(Cause {
                child: None,
                reason,
            }),
        };
        let flight = Flight::Again(old, args.clone());
        let number = self.take_off(ctx, args.into_vec(), flight, Some(Box::new(again)));
        self.restarts.insert(old, number);
    }

    fn exited(&mut self, ctx: &mut Ctx<'_>, pid: Pid, reason: Reason) {
        let args = match self.kept.remove(&pid) {
            Some(args) => Some(args),
            None if self.plain.remove(&pid).is_some() => None,
            None => return,
        };
        shrink(&mut self.plain);
        shrink(&mut self.kept);
        match (self.ending.remove(&pid), &mut self.phase) {
            (Some(ending), _) => self.child_terminated(ctx, pid, ending, reason),
            (None, SimplePhase::Stopping(stopping)) => {
                if !is_wanted_end(self.template.shutdown, self.template.restart, &reason) {
                    stopping.count_surprise(reason);
                }
            }
            (None, _) => self.child_exited(ctx, pid, args, reason),
        }
    }

    /// Applies the restart rules (`supervisor(3)`, `restart()`). A child without kept arguments is temporary.
    fn child_exited(
        &mut self,
        ctx: &mut Ctx<'_>,
        pid: Pid,
        args: Option<Box<[u8]>>,
        reason: Reason,
    ) {
        let restart = self.template.restart;
        if restart != Restart::Permanent && reason.is_orderly() {
            return;
        }
        ctx.report(Report::ChildTerminated {
            id: self.template.id.clone(),
            pid,
            reason: reason.clone(),
        });
        match args {
            Some(args) if restart != Restart::Temporary => self.restart(ctx, pid, args, reason),
            _ => {}
        }
    }

    /// The meaning of this end of a child, before the machine has it as an input.
    pub(super) fn end_of<'a>(&self, pid: Pid, reason: &'a Reason) -> EndOf<'a> {
        let is_told = self.ending.contains_key(&pid);
        // A supervisor gives up with `shutdown`, and never ends otherwise without being told.
        let is_in_order = match self.template.kind {
            ChildType::Supervisor => *reason == Reason::Normal,
            ChildType::Worker => reason.is_orderly(),
        };
        let restarts = match self.template.restart {
            Restart::Permanent => true,
            Restart::Transient => !reason.is_orderly(),
            Restart::Temporary => false,
        };
        match () {
            () if is_told => EndOf::Order,
            () if restarts && self.kept.contains_key(&pid) => EndOf::Restart,
            () if is_in_order => EndOf::Order,
            () => EndOf::Failure(reason),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.kept.is_empty() && self.flights.is_empty()
    }

    /// Children that no request has told to end; the others have their own timers.
    pub(super) fn untold(&self) -> impl Iterator<Item = Pid> {
        let pids = self.sorted_pids().into_iter();
        pids.filter(|pid| !self.ending.contains_key(pid))
    }

    /// The children in an order that does not depend on the table, so that a run can be repeated by processes that have
    /// moved.
    pub(super) fn sorted_pids(&self) -> Vec<Pid> {
        let mut pids: Vec<Pid> = self.pids().collect();
        pids.sort_unstable();
        pids
    }

    pub(super) fn pids(&self) -> impl Iterator<Item = Pid> {
        self.plain.keys().chain(self.kept.keys()).copied()
    }

    #[cfg(test)]
    pub(super) fn starts_capacity(&self) -> usize {
        self.flights.capacity()
    }

    fn which_children(&self) -> Vec<ChildInfo> {
        let restarting = self.restarts.keys().map(|_| None);
        self.pids()
            .map(Some)
            .chain(restarting)
            .map(|pid| self.info(pid))
            .collect()
    }

    fn info(&self, pid: Option<Pid>) -> ChildInfo {
        let ChildSpec { kind, modules, .. } = &self.template;
        ChildInfo {
            id: Term::undefined(),
            pid,
            kind: *kind,
            modules: modules.clone(),
        }
    }

    fn count_children(&self) -> ChildCount {
        let active = (self.plain.len() + self.kept.len()) as u64;
        let all = active + self.restarts.len() as u64;
        let count = ChildCount {
            specs: 1,
            active,
            ..ChildCount::default()
        };
        match self.template.kind {
            ChildType::Supervisor => ChildCount {
                supervisors: all,
                ..count
            },
            ChildType::Worker => ChildCount {
                workers: all,
                ..count
            },
        }
    }
}

/// Frees memory after a burst.
pub(super) fn shrink<K: Eq + Hash, V>(table: &mut Numbered<K, V>) {
    if table.capacity() > ROOM_KEPT && table.len() < table.capacity() / 8 {
        table.shrink_to(table.len() * 2);
    }
}

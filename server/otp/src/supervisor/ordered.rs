//! Children that start in order: `one_for_one`, `one_for_all`, `rest_for_one`.
//!
//! | phase | an end of a child | a request | `Stop` |
//! |---|---|---|---|
//! | idle | restart rules → idle, starting or halting | answered → idle, starting or halting | halting all |
//! | starting | waits | waits | after the start in flight: halting all |
//! | halting | the awaited one: the next; others wait, until their turn | waits | when the halt is through: halting all |
//! | halting all | the same | `shutdown` | is on its way |
//! | ended | ignored | `noproc` | ignored |
//!
//! Waiting inputs are handled in order as soon as the phase is idle again. A restart that failed goes to the
//! end of that queue, as OTP's supervisor casts to itself: so a child that cannot start does not delay the others.
//! Starting is in [`super::starting`], halting in [`super::halting`], answers in [`super::requests`].

use pq_abi::Reason;
use pq_abi::spec::{ChildSpec, Restart, Strategy, SupRequest};
use pq_term::{Pid, Term};

use super::children::Standing;
use super::machine::{Event, HaltFor, Ordered, OrderedPhase, StartFor, Waiting};
use super::reading::OrderedSpec;
use super::window::Window;
use super::{Caller, Cause, Ctx, Input, Report, Serial};

/// How many requests may wait while children start or end. They come from operators, from the release handler and
/// from siblings, a handful at a time; avatars start through `simple_one_for_one`, where no request waits. Further
/// requests are refused with `overloaded`.
const REQUESTS_MAX: usize = 1_024;

impl Ordered {
    /// Starts the first child.
    pub(super) fn new(ctx: &mut Ctx<'_>, spec: OrderedSpec) -> Ordered {
        let mut ordered = Ordered {
            flags: spec.flags,
            serial: Serial::default(),
            children: spec.children,
            phase: OrderedPhase::Idle,
            window: Window::default(),
            waiting: None,
        };
        ordered.start_initial(ctx, spec.starts);
        ordered
    }

    pub(super) fn pids(&self) -> impl Iterator<Item = Pid> {
        (0..self.children.len()).filter_map(|index| self.children.pid(index))
    }

    pub(super) fn id_of(&self, pid: Pid) -> Option<Term> {
        let index = self.children.position_of_pid(pid)?;
        Some(self.children.spec(index).id)
    }

    pub(super) fn pid_of(&self, id: &Term) -> Option<Pid> {
        self.children.pid(self.children.position(id)?)
    }

    pub(super) fn is_idle(&self) -> bool {
        matches!(self.phase, OrderedPhase::Idle)
    }

    pub(super) fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input) {
        match input {
            Input::Started { ticket, outcome } => self.started(ctx, ticket, outcome),
            Input::Exited { pid, reason } => self.exited(ctx, pid, reason),
            Input::Request { from, request } => self.requested(ctx, from, request),
            Input::Timer { id } => self.timer_fired(ctx, id),
            Input::Stop(reason) => self.stop(reason),
        }
        self.work_off(ctx);
    }

    pub(super) fn work_off(&mut self, ctx: &mut Ctx<'_>) {
        while self.is_idle() {
            if let Some(reason) = self.take_stop() {
                return self.end(ctx, reason);
            }
            match self.next_event() {
                None => return,
                Some(Event::Exited(pid, reason)) => self.child_exited(ctx, pid, reason),
                Some(Event::Request(from, request)) => self.answer(ctx, from, request),
                Some(Event::TryAgain(id, reason)) => self.try_again(ctx, &id, reason),
            }
        }
    }

    fn exited(&mut self, ctx: &mut Ctx<'_>, pid: Pid, reason: Reason) {
        match &self.phase {
            OrderedPhase::Idle => self.child_exited(ctx, pid, reason),
            OrderedPhase::Halting(halting) if halting.awaits(pid) => self.halted(ctx, reason),
            OrderedPhase::Ended => {}
            OrderedPhase::Starting(_) | OrderedPhase::Halting(_) => self.remember_exit(pid, reason),
        }
    }

    /// Applies the restart rules to one child (`supervisor(3)`, `restart()`).
    fn child_exited(&mut self, ctx: &mut Ctx<'_>, pid: Pid, reason: Reason) {
        let Some(index) = self.children.position_of_pid(pid) else {
            return;
        };
        let ChildSpec { id, restart, .. } = self.children.spec(index);
        let is_wanted = restart != Restart::Permanent && reason.is_orderly();
        if !is_wanted {
            ctx.report(Report::ChildTerminated {
                id: id.clone(),
                pid,
                reason: reason.clone(),
            });
        }
        match restart {
            Restart::Permanent => self.restart(ctx, index, id, reason),
            Restart::Transient if !is_wanted => self.restart(ctx, index, id, reason),
            Restart::Transient | Restart::Temporary => self.lay_down(index, restart),
        }
    }

    fn try_again(&mut self, ctx: &mut Ctx<'_>, id: &Term, reason: Reason) {
        match self.children.position(id) {
            Some(index) if self.children.standing(index) == Standing::Restarting => {
                self.restart(ctx, index, id.clone(), reason);
            }
            _ => {}
        }
    }

    /// Restarts the children that the strategy names, unless there were too many restarts.
    fn restart(&mut self, ctx: &mut Ctx<'_>, index: usize, id: Term, reason: Reason) {
        if !self.window.admits(ctx.now_ms, &self.flags) {
            self.children.rest(index);
            ctx.report(Report::ReachedMaxRestartIntensity { id });
            return self.end(ctx, Reason::Shutdown);
        }
        self.children.await_restart(index);
        let cause = Cause {
            child: Some(id),
            reason,
        };
        match self.flags.strategy {
            Strategy::OneForAll => self.halt(ctx, 0..self.children.len(), HaltFor::Restart(cause)),
            Strategy::RestForOne => {
                self.halt(ctx, index..self.children.len(), HaltFor::Restart(cause));
            }
            Strategy::OneForOne | Strategy::SimpleOneForOne => {
                self.start(ctx, index..index + 1, StartFor::Restart(Some(cause)));
            }
        }
    }

    /// Records that the child has no process and needs none. The spec of a temporary child is removed.
    pub(super) fn lay_down(&mut self, index: usize, restart: Restart) {
        match restart {
            Restart::Temporary => self.children.remove(index),
            Restart::Permanent | Restart::Transient => self.children.rest(index),
        }
    }

    fn stop(&mut self, reason: Reason) {
        match &self.phase {
            OrderedPhase::Ended => {}
            OrderedPhase::Halting(halting) if halting.ends() => {}
            _ => {
                self.waiting().stop.get_or_insert(reason);
            }
        }
    }

    /// Terminates all children, then ends. Waiting requests are answered with `shutdown`.
    pub(super) fn end(&mut self, ctx: &mut Ctx<'_>, reason: Reason) {
        if let Some(waiting) = &mut self.waiting {
            waiting.refuse_requests(ctx);
        }
        self.halt(ctx, 0..self.children.len(), HaltFor::End(reason));
    }

    /// Ends the supervisor, which has no children left.
    pub(super) fn finish(&mut self) {
        self.phase = OrderedPhase::Ended;
        self.waiting = None;
    }

    fn requested(&mut self, ctx: &mut Ctx<'_>, from: Caller, request: SupRequest) {
        match &self.phase {
            OrderedPhase::Idle => self.answer(ctx, from, request),
            OrderedPhase::Ended => ctx.refuse(from, "noproc"),
            OrderedPhase::Halting(halting) if halting.ends() => ctx.refuse(from, "shutdown"),
            OrderedPhase::Starting(_) | OrderedPhase::Halting(_) => {
                self.remember_request(ctx, from, request)
            }
        }
    }

    fn remember_request(&mut self, ctx: &mut Ctx<'_>, from: Caller, request: SupRequest) {
        let waiting = self.waiting();
        if waiting.requests == REQUESTS_MAX {
            return ctx.refuse(from, "overloaded");
        }
        waiting.requests += 1;
        waiting.events.push_back(Event::Request(from, request));
    }

    fn remember_exit(&mut self, pid: Pid, reason: Reason) {
        if self.children.position_of_pid(pid).is_some() {
            self.waiting().events.push_back(Event::Exited(pid, reason));
        }
    }

    /// A restart failed: it is tried again after the other waiting inputs.
    pub(super) fn remember_to_try_again(&mut self, id: Term, reason: Reason) {
        self.waiting().events.push_back(Event::TryAgain(id, reason));
    }

    /// The exit reason of this child, if its end waits to be handled.
    pub(super) fn take_exit(&mut self, pid: Pid) -> Option<Reason> {
        let events = &mut self.waiting.as_mut()?.events;
        let at = events
            .iter()
            .position(|event| matches!(event, Event::Exited(who, _) if *who == pid))?;
        match events.remove(at) {
            Some(Event::Exited(_, reason)) => Some(reason),
            _ => None,
        }
    }

    pub(super) fn stop_is_wanted(&self) -> bool {
        self.waiting
            .as_ref()
            .is_some_and(|waiting| waiting.stop.is_some())
    }

    fn take_stop(&mut self) -> Option<Reason> {
        self.waiting.as_mut()?.stop.take()
    }

    fn next_event(&mut self) -> Option<Event> {
        let waiting = self.waiting.as_mut()?;
        let event = waiting.events.pop_front();
        match event {
            None => self.waiting = None,
            Some(Event::Request(..)) => waiting.requests -= 1,
            Some(_) => {}
        }
        event
    }

    fn waiting(&mut self) -> &mut Waiting {
        self.waiting.get_or_insert_default()
    }
}

impl Waiting {
    fn refuse_requests(&mut self, ctx: &mut Ctx<'_>) {
        self.requests = 0;
        self.events.retain(|event| match event {
            Event::Request(from, _) => {
                ctx.refuse(*from, "shutdown");
                false
            }
            Event::TryAgain(..) => false,
            Event::Exited(..) => true,
        });
    }
}

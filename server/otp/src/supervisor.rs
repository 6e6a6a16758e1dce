//! `supervisor(3)` as a state machine: the actions of a supervisor for each input.
//!
//! ```text
//!             new
//!              │
//!              ▼   started            a child ended, or a request
//!          ┌► starting ──────► idle ─────────────────────────────┐
//!          │    │  ▲            ▲ ▲                              │
//!          │    │  └── next ┐   │ └── request answered ──────────┤
//!          │    └───────────┘   │                                │
//!          │  failed at init    │ a child terminated on request  │
//!          │    │               │                                ▼
//!          └────┼────────── halting ◄──── one_for_all, rest_for_one
//!               ▼               ▲
//!            halting all ◄──────┴── stop, or too many restarts
//!               │
//!               ▼
//!             ended
//! ```
//!
//! The picture shows `one_for_one`, `one_for_all` and `rest_for_one` (`ordered`): they do one thing at a time,
//! and inputs that arrive meanwhile wait in order. Under `simple_one_for_one` (`simple`) nothing waits: each start
//! and each termination has a small state of its own, and their number is not limited.
//!
//! | module | content |
//! |---|---|
//! | `reading` | the bytes that `init` returned, checked |
//! | `children` | the list of children: their specs as bytes, their pids |
//! | `machine`, `ordered`, `starting`, `halting`, `requests` | children that start in order, and the operations on them |
//! | `simple`, `ending` | children of one kind, added while running, and their end |
//! | `merge` | a live update of the specs |
//! | `moved` | a machine at rest as data, and children that leave and come with their states |
//! | `window`, `args` | the restarts within a period, and arguments appended to arguments |
//!
//! Elsewhere: processes, clocks, threads, links, messages. The runner of processes calls [`Supervisor::handle`] and
//! carries the [`Action`]s out, in their order. The runner promises: each [`Action::Start`] is answered by one
//! [`Input::Started`]; a child's [`Input::Exited`] comes after its `Started`, once; time does not run backwards; a
//! cancelled timer may still fire.
//!
//! Differences from OTP:
//! * a start does not block the supervisor, so `simple_one_for_one` has many starts and ends in flight at once;
//! * `terminate_child` of a pid that was a child and has just ended returns `not_found`: this machine cannot tell
//!   a dead pid from an unknown one;
//! * a supervisor that stops answers the requests it still holds with `shutdown`, where OTP leaves them to the
//!   caller's monitor;
//! * strategies cannot change from or to `simple_one_for_one` in a live update: OTP would lose the children.

mod args;
mod children;
mod ending;
mod halting;
mod machine;
mod merge;
mod moved;
mod ordered;
mod reading;
mod requests;
mod simple;
mod starting;
mod window;

#[cfg(test)]
mod harness;
#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod request_tests;
#[cfg(test)]
mod restart_tests;
#[cfg(test)]
mod simple_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod update_tests;

pub use args::join as join_args;

use pq_abi::Reason;
use pq_abi::spec::{ChildType, Restart, Shutdown, Start, SupReply, SupRequest};
use pq_term::{Pid, Term};

pub use crate::message::Caller;

pub(crate) use moved::{Children as MovedChildren, Place, SupervisorAtRest};

use crate::node::EndOf;
use machine::Ordered;
use reading::CheckedSpec;
use simple::Simple;

/// The state of one supervisor. It is small, because each avatar has one: 112 bytes with two children, and the bytes of
/// their specs.
pub struct Supervisor(Kind);

enum Kind {
    Ordered(Ordered),
    Simple(Box<Simple>),
}

/// A million supervisors exist with two children each: each byte here is a megabyte.
const _: () = assert!(size_of::<Supervisor>() <= 112);

/// The name of a start that is not finished.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Ticket(pub u32);

/// An input of the state machine.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// A start requested by [`Action::Start`] has its result.
    Started {
        /// The ticket of that [`Action::Start`].
        ticket: Ticket,
        /// The result of the start.
        outcome: StartOutcome,
    },
    /// A process linked to this one ended. Processes that are no children are ignored.
    Exited {
        /// The process that ended.
        pid: Pid,
        /// The exit reason of the process.
        reason: Reason,
    },
    /// A request to the supervisor. Each is answered by one [`Action::Reply`].
    Request {
        /// The process that asks.
        from: Caller,
        /// The operation that it asks for.
        request: SupRequest,
    },
    /// A timer set by [`Action::SetTimer`] is due.
    Timer {
        /// The id of that [`Action::SetTimer`].
        id: u32,
    },
    /// The parent, or `sys:terminate`, tells the supervisor to end. The children are terminated in reverse order, then
    /// [`Action::End`] gives this reason.
    Stop(Reason),
}

/// The result of a start (`supervisor:startchild_ret()`).
#[derive(Clone, PartialEq, Debug)]
pub enum StartOutcome {
    /// The child runs as this process.
    Ok(Pid),
    /// The child's `init` returned `ignore`: there is no process, and the start has succeeded.
    Ignore,
    /// The child did not start, for this reason.
    Err(Reason),
}

/// A child that is restarted.
#[derive(Clone, PartialEq, Debug)]
pub struct Again {
    /// The child that ran before.
    pub child: Former,
    /// The cause of the restart. `None` for the further starts of a restart of several children.
    pub why: Option<Cause>,
}

/// The failure that causes a restart.
#[derive(Clone, PartialEq, Debug)]
pub struct Cause {
    /// The id of the child that has failed; `None` where children have no ids.
    pub child: Option<Term>,
    /// Its exit reason, or that of a restart that has failed.
    pub reason: Reason,
}

/// A child that ran before, as its supervisor knows it.
#[derive(Clone, PartialEq, Debug)]
pub enum Former {
    /// The child with this id.
    Id(Term),
    /// The child of a `simple_one_for_one` supervisor that was this process.
    Process(Pid),
}

/// An action for the runner of processes.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// Start a process, linked to this one, and report the result.
    Start {
        /// The ticket for [`Input::Started`].
        ticket: Ticket,
        /// Module and arguments of the process.
        start: Start,
        /// Whether the child is a worker or a supervisor.
        kind: ChildType,
        /// Whether the child may run on another shard (`simple_one_for_one`).
        dynamic: bool,
        /// The child that ran before and is started again; `None` for any other start.
        again: Option<Box<Again>>,
    },
    /// Send an exit signal: [`Reason::Shutdown`] or [`Reason::Kill`].
    Exit {
        /// The child that receives the signal.
        pid: Pid,
        /// The reason that the signal carries.
        reason: Reason,
    },
    /// Deliver [`Input::Timer`] after this many milliseconds.
    SetTimer {
        /// The id for [`Input::Timer`].
        id: u32,
        /// The delay in milliseconds, from now.
        ms: u32,
    },
    /// Cancel a timer; it may still fire.
    CancelTimer {
        /// The id of that [`Action::SetTimer`].
        id: u32,
    },
    /// Answer a request with a [`SupReply`].
    Reply {
        /// The process that asked.
        to: Caller,
        /// The answer to its request.
        reply: SupReply,
    },
    /// All initial children have started: tell the parent.
    Ready,
    /// Write a line to the log.
    Report(Report),
    /// This supervisor ends. It has no children, and gives no action after this.
    End(Reason),
}

/// The reports that OTP's supervisors log (`supervisor` and `progress` reports).
#[derive(Clone, PartialEq, Debug)]
pub enum Report {
    /// A child has started for the first time.
    Progress {
        /// The id of the child.
        id: Term,
        /// The process of the child.
        pid: Pid,
    },
    /// A child was restarted: OTP's `progress` too, but a separate variant, so that a log with its end also shows its
    /// restart.
    Restarted {
        /// The id of the child.
        id: Term,
        /// The new process of the child.
        pid: Pid,
        /// The child before.
        of: Former,
    },
    /// A child ended with a reason that causes a restart or a report.
    ChildTerminated {
        /// The id of the child.
        id: Term,
        /// The process that ended.
        pid: Pid,
        /// The exit reason of the process.
        reason: Reason,
    },
    /// A child did not start, at init or at a restart.
    StartError {
        /// The id of the child.
        id: Term,
        /// The reason of the failed start.
        reason: Reason,
    },
    /// A child that was told to end ended with another reason.
    ShutdownError {
        /// The id of the child.
        id: Term,
        /// The process that ended.
        pid: Pid,
        /// The exit reason of the process.
        reason: Reason,
    },
    /// Children that were told to end ended with another reason, when a `simple_one_for_one` supervisor stopped.
    ShutdownErrors {
        /// The id that all these children have in the spec.
        id: Term,
        /// The number of these children.
        children: u64,
        /// The exit reason of these children.
        reason: Reason,
    },
    /// More restarts than the flags allow: the supervisor ends.
    ReachedMaxRestartIntensity {
        /// The child whose restart was refused.
        id: Term,
    },
}

impl Supervisor {
    /// Makes a supervisor from the result of its module's `init`, encoded by [`pq_abi::spec::encode`]. The first
    /// actions are appended to `actions`.
    ///
    /// # Errors
    /// OTP's: `{supervisor_data, Error}` for bad flags, `{start_spec, Error}` for bad child specs,
    /// `{bad_start_spec, Ids}` unless `simple_one_for_one` has exactly one, and `{bad_return, Text}` for
    /// bytes that are no spec.
    pub fn new(spec_bytes: &[u8], actions: &mut Vec<Action>) -> Result<Supervisor, Reason> {
        let spec = reading::read(spec_bytes).map_err(|error| error.at_init())?;
        // Nothing is restarted before the first input, so the time is not used.
        let mut ctx = Ctx { now_ms: 0, actions };
        Ok(Supervisor(match spec {
            CheckedSpec::Ordered(spec) => Kind::Ordered(Ordered::new(&mut ctx, spec)),
            CheckedSpec::Simple(spec) => Kind::Simple(Box::new(Simple::new(&mut ctx, spec))),
        }))
    }

    /// Handles one input at `now_ms` (any clock that does not run backwards) and appends the resulting actions.
    pub fn handle(&mut self, input: Input, now_ms: u64, actions: &mut Vec<Action>) {
        let mut ctx = Ctx { now_ms, actions };
        match &mut self.0 {
            Kind::Ordered(ordered) => ordered.handle(&mut ctx, input),
            Kind::Simple(simple) => simple.handle(&mut ctx, input),
        }
    }

    /// The processes of all running children.
    pub fn pids(&self) -> Vec<Pid> {
        match &self.0 {
            Kind::Ordered(ordered) => ordered.pids().collect(),
            Kind::Simple(simple) => simple.sorted_pids(),
        }
    }

    /// The meaning of this end of a child, before the machine has it as an input; `None` unless it is
    /// `simple_one_for_one`, and does not stop.
    pub(crate) fn end_of<'a>(&self, pid: Pid, reason: &'a Reason) -> Option<EndOf<'a>> {
        match &self.0 {
            Kind::Ordered(_) => None,
            Kind::Simple(simple) => simple.is_running().then(|| simple.end_of(pid, reason)),
        }
    }

    /// The id of the child that runs as this process, if the children have ids.
    pub(crate) fn id_of(&self, pid: Pid) -> Option<Term> {
        match &self.0 {
            Kind::Ordered(ordered) => ordered.id_of(pid),
            Kind::Simple(_) => None,
        }
    }

    /// The process of the child with this id, if it runs.
    pub(crate) fn pid_of(&self, id: &Term) -> Option<Pid> {
        match &self.0 {
            Kind::Ordered(ordered) => ordered.pid_of(id),
            Kind::Simple(_) => None,
        }
    }

    /// `true` while [`Supervisor::replace_spec`] may be called: no ordered start or termination is under way.
    /// A `simple_one_for_one` supervisor is settled until it stops.
    pub fn is_settled(&self) -> bool {
        match &self.0 {
            Kind::Ordered(ordered) => ordered.is_idle(),
            Kind::Simple(simple) => simple.is_running(),
        }
    }

    /// Whether [`Supervisor::replace_spec`] would accept this spec.
    ///
    /// # Errors
    /// The errors of [`Supervisor::replace_spec`].
    pub fn check_spec(&self, spec_bytes: &[u8]) -> Result<(), Reason> {
        self.read_replacement(spec_bytes).map(drop)
    }

    /// The supervisor's part of `{update, Module, supervisor}`: takes new flags and specs without touching any process.
    /// An id in both lists gets the new spec and keeps its process; a new id is added and not started; an id that is
    /// only in the old list is kept. The order is that of the new list, then the kept ones. Restarts already counted
    /// stay counted.
    ///
    /// # Errors
    /// OTP's: `{invalid_intensity, _}`, `{duplicate_child_name, _}` …, and `{bad_start_spec, Ids}` unless
    /// `simple_one_for_one` has exactly one. Ours: `{invalid_strategy, _}` from or to `simple_one_for_one`,
    /// `system_limit` when the specs of both lists are too large, and `busy` unless [`Supervisor::is_settled`]. After
    /// an error nothing has changed.
    pub fn replace_spec(&mut self, spec_bytes: &[u8]) -> Result<(), Reason> {
        let spec = self.read_replacement(spec_bytes)?;
        match (&mut self.0, spec) {
            (Kind::Ordered(ordered), CheckedSpec::Ordered(spec)) => ordered.replace(spec),
            (Kind::Simple(simple), CheckedSpec::Simple(spec)) => simple.replace(spec),
            _ => unreachable!("`read_replacement` refuses a spec of the other kind"),
        }
        Ok(())
    }

    fn read_replacement(&self, spec_bytes: &[u8]) -> Result<CheckedSpec, Reason> {
        if !self.is_settled() {
            return Err(Reason::Other(Term::atom("busy")));
        }
        let spec = reading::read(spec_bytes).map_err(|error| error.at_replacement())?;
        match (&self.0, &spec) {
            (Kind::Ordered(ordered), CheckedSpec::Ordered(new)) => ordered.check_room(new)?,
            (Kind::Simple(_), CheckedSpec::Simple(_)) => {}
            _ => return Err(reading::invalid_strategy(spec.strategy())),
        }
        Ok(spec)
    }
}

/// The context of every step: the time, and the list of actions.
struct Ctx<'a> {
    now_ms: u64,
    actions: &'a mut Vec<Action>,
}

impl Ctx<'_> {
    fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    fn report(&mut self, report: Report) {
        self.act(Action::Report(report));
    }

    fn reply(&mut self, to: Caller, reply: SupReply) {
        self.act(Action::Reply { to, reply });
    }

    fn refuse(&mut self, to: Caller, why: &'static str) {
        self.reply(to, SupReply::Error(Term::atom(why)));
    }

    /// Tells a child to end, as its spec says. Returns the time limit in ms; `None` for no limit.
    fn exit(&mut self, pid: Pid, shutdown: Shutdown) -> Option<u32> {
        let (reason, ms) = match shutdown {
            Shutdown::BrutalKill => (Reason::Kill, None),
            Shutdown::Timeout(ms) => (Reason::Shutdown, Some(ms)),
            Shutdown::Infinity => (Reason::Shutdown, None),
        };
        self.act(Action::Exit { pid, reason });
        ms
    }

    fn kill(&mut self, pid: Pid) {
        self.act(Action::Exit {
            pid,
            reason: Reason::Kill,
        });
    }
}

/// The numbers of tickets and timers. They repeat after 2^32, when the earlier use of a number
/// is long over.
#[derive(Default)]
struct Serial(u32);

impl Serial {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(1);
        self.0
    }
}

/// `true` when a child that was told to end did so with the expected reason (`supervisor(3)`, `shutdown()`): `killed`
/// after `brutal_kill`, else `shutdown`. A child that is not permanent may also end in order of its own accord.
fn is_wanted_end(shutdown: Shutdown, restart: Restart, reason: &Reason) -> bool {
    let as_told = match shutdown {
        Shutdown::BrutalKill => Reason::Killed,
        Shutdown::Timeout(_) | Shutdown::Infinity => Reason::Shutdown,
    };
    *reason == as_told || (restart != Restart::Permanent && reason.is_orderly())
}

//! `supervisor(3)` as a state machine: what a supervisor does next, given what has happened.
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
//! That is the picture of `one_for_one`, `one_for_all` and `rest_for_one` (`ordered`): one thing at a time,
//! and what arrives meanwhile waits in order. Under `simple_one_for_one` (`simple`) nothing waits: each start
//! and each termination has a small state of its own, and there are as many as there are.
//!
//! | room | what lives there |
//! |---|---|
//! | `reading` | the bytes that `init` returned, checked |
//! | `children` | the list of children: their specs as bytes, their pids |
//! | `machine`, `ordered`, `starting`, `halting`, `requests` | children that start in order, and what is done with them |
//! | `simple`, `ending` | children of one kind, added while running, and their end |
//! | `merge` | a live update of the specs |
//! | `window`, `args` | leaves: restarts within a period, arguments appended to arguments |
//!
//! What does not live here: processes, clocks, threads, links, messages. The runner of processes calls
//! [`Supervisor::handle`] and carries the [`Action`]s out, in their order. It promises: each [`Action::Start`] is
//! answered by one [`Input::Started`]; a child's [`Input::Exited`] comes after its `Started`, once; time does
//! not run backwards; a cancelled timer may still fire.
//!
//! Where this differs from OTP:
//! * a start does not block the supervisor, so `simple_one_for_one` has many starts and ends in flight at once;
//! * `terminate_child` of a pid that was a child and has just ended says `not_found`: nobody here can tell
//!   a dead pid from a stranger's;
//! * a supervisor that stops answers the requests it still holds with `shutdown`, where OTP leaves them to the
//!   caller's monitor;
//! * strategies cannot change from or to `simple_one_for_one` in a live update: OTP would lose the children.

mod args;
mod children;
mod ending;
mod halting;
mod machine;
mod merge;
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

use machine::Ordered;
use reading::CheckedSpec;
use simple::Simple;

/// One supervisor. It is small, because each avatar has one: 112 bytes with two children, and the bytes of their
/// specs.
pub struct Supervisor(Kind);

enum Kind {
    Ordered(Ordered),
    Simple(Box<Simple>),
}

/// A million of them exist with two children each: what stands here stands a million times.
const _: () = assert!(size_of::<Supervisor>() <= 112);

/// Names a start in flight.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Ticket(pub u32);

/// What has happened.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// A start asked for by [`Action::Start`] came to its end.
    Started {
        /// Which one.
        ticket: Ticket,
        /// How.
        outcome: StartOutcome,
    },
    /// A process linked to this one ended. Those that are no children are ignored.
    Exited {
        /// The process.
        pid: Pid,
        /// Why it ended.
        reason: Reason,
    },
    /// A request. Each is answered by one [`Action::Reply`].
    Request {
        /// Who asked.
        from: Caller,
        /// For what.
        request: SupRequest,
    },
    /// A timer set by [`Action::SetTimer`] ran out.
    Timer {
        /// Which one.
        id: u32,
    },
    /// The parent, or `sys:terminate`, says: end. The children are terminated in reverse order, then
    /// [`Action::End`] gives this reason.
    Stop(Reason),
}

/// How a start ended (`supervisor:startchild_ret()`).
#[derive(Clone, PartialEq, Debug)]
pub enum StartOutcome {
    /// The child runs.
    Ok(Pid),
    /// Its `init` said `ignore`: there is no process, and that is well.
    Ignore,
    /// It failed.
    Err(Reason),
}

/// What the runner is to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// Start a process, linked to this one, and say how it went.
    Start {
        /// Comes back in [`Input::Started`].
        ticket: Ticket,
        /// Which module, which arguments.
        start: Start,
        /// A worker or a supervisor.
        kind: ChildType,
        /// `simple_one_for_one`: it may be placed on another shard.
        dynamic: bool,
    },
    /// Send an exit signal: [`Reason::Shutdown`] or [`Reason::Kill`].
    Exit {
        /// To this child.
        pid: Pid,
        /// With this reason.
        reason: Reason,
    },
    /// Say [`Input::Timer`] after so many milliseconds.
    SetTimer {
        /// Comes back in [`Input::Timer`].
        id: u32,
        /// From now.
        ms: u32,
    },
    /// Forget a timer.
    CancelTimer {
        /// Which one.
        id: u32,
    },
    /// Answer a request.
    Reply {
        /// Who asked.
        to: Caller,
        /// What to answer.
        reply: SupReply,
    },
    /// All initial children have started: tell the parent.
    Ready,
    /// A line for the log.
    Report(Report),
    /// This supervisor ends. It has no child any more, and says nothing after this.
    End(Reason),
}

/// What OTP's supervisors log (`supervisor` and `progress` reports).
#[derive(Clone, PartialEq, Debug)]
pub enum Report {
    /// A child started.
    Progress {
        /// Its id.
        id: Term,
        /// Its process.
        pid: Pid,
    },
    /// A child is back: OTP's `progress` too, told apart so that whoever read of the end reads of this.
    Restarted {
        /// Its id.
        id: Term,
        /// Its new process.
        pid: Pid,
    },
    /// A child ended that should not have.
    ChildTerminated {
        /// Its id.
        id: Term,
        /// The process it was.
        pid: Pid,
        /// Why it ended.
        reason: Reason,
    },
    /// A child did not start, at init or at a restart.
    StartError {
        /// Its id.
        id: Term,
        /// Why not.
        reason: Reason,
    },
    /// A child that was told to end did so with another reason.
    ShutdownError {
        /// Its id.
        id: Term,
        /// The process it was.
        pid: Pid,
        /// Why it ended.
        reason: Reason,
    },
    /// The same of so many children, when a `simple_one_for_one` supervisor stopped.
    ShutdownErrors {
        /// Their id.
        id: Term,
        /// How many.
        children: u64,
        /// Why they ended.
        reason: Reason,
    },
    /// More restarts than the flags allow: the supervisor ends.
    ReachedMaxRestartIntensity {
        /// The child that would have been restarted.
        id: Term,
    },
}

impl Supervisor {
    /// A supervisor from what its module's `init` returned, encoded by [`pq_abi::spec::encode`]. The first
    /// actions are appended to `actions`.
    ///
    /// # Errors
    /// OTP's: `{supervisor_data, Error}` for bad flags, `{start_spec, Error}` for bad child specs,
    /// `{bad_start_spec, Ids}` unless `simple_one_for_one` has exactly one, and `{bad_return, Text}` for
    /// bytes that are no spec.
    pub fn new(spec_bytes: &[u8], actions: &mut Vec<Action>) -> Result<Supervisor, Reason> {
        let spec = reading::read(spec_bytes).map_err(|error| error.at_init())?;
        // Nothing is restarted before the first input, so nobody asks for the time.
        let mut ctx = Ctx { now_ms: 0, actions };
        Ok(Supervisor(match spec {
            CheckedSpec::Ordered(spec) => Kind::Ordered(Ordered::new(&mut ctx, spec)),
            CheckedSpec::Simple(spec) => Kind::Simple(Box::new(Simple::new(&mut ctx, spec))),
        }))
    }

    /// Takes one input at `now_ms` (any clock that does not run backwards) and appends what is to be done.
    pub fn handle(&mut self, input: Input, now_ms: u64, actions: &mut Vec<Action>) {
        let mut ctx = Ctx { now_ms, actions };
        match &mut self.0 {
            Kind::Ordered(ordered) => ordered.handle(&mut ctx, input),
            Kind::Simple(simple) => simple.handle(&mut ctx, input),
        }
    }

    /// The processes of all children that run.
    pub fn pids(&self) -> Vec<Pid> {
        match &self.0 {
            Kind::Ordered(ordered) => ordered.pids().collect(),
            Kind::Simple(simple) => simple.pids().collect(),
        }
    }

    /// `true` while [`Supervisor::replace_spec`] may be called: nothing is being started or terminated in order.
    /// A `simple_one_for_one` supervisor is settled until it stops.
    pub fn is_settled(&self) -> bool {
        match &self.0 {
            Kind::Ordered(ordered) => ordered.is_idle(),
            Kind::Simple(simple) => simple.is_running(),
        }
    }

    /// Whether [`Supervisor::replace_spec`] would take this spec.
    ///
    /// # Errors
    /// As there.
    pub fn check_spec(&self, spec_bytes: &[u8]) -> Result<(), Reason> {
        self.read_replacement(spec_bytes).map(drop)
    }

    /// The supervisor's part of `{update, Module, supervisor}`: takes new flags and specs without touching any
    /// process. An id in both lists has the new spec and its old process; one that is only new is added and not
    /// started; one that is only old is kept. The order is that of the new list, then the kept ones. Restarts
    /// already counted stay counted.
    ///
    /// # Errors
    /// OTP's: `{invalid_intensity, _}`, `{duplicate_child_name, _}` …, and `{bad_start_spec, Ids}` unless
    /// `simple_one_for_one` has exactly one. Ours: `{invalid_strategy, _}` from or to `simple_one_for_one`,
    /// `system_limit` when the specs of both lists are too many, and `busy` unless [`Supervisor::is_settled`]. After an error nothing has changed.
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

/// What every step works with: the time, and the list of what is to be done.
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

    /// Tells a child to end, as its spec says. How long it may take: `None` as long as it likes.
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

/// The numbers that tickets and timers are named by. They come round after 2^32, when those of the same number
/// are long gone.
#[derive(Default)]
struct Serial(u32);

impl Serial {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(1);
        self.0
    }
}

/// `true` when a child that was told to end did so as told (`supervisor(3)`, `shutdown()`): `killed` after
/// `brutal_kill`, else `shutdown`. One that need not run may also end in order of its own accord.
fn is_wanted_end(shutdown: Shutdown, restart: Restart, reason: &Reason) -> bool {
    let as_told = match shutdown {
        Shutdown::BrutalKill => Reason::Killed,
        Shutdown::Timeout(_) | Shutdown::Infinity => Reason::Shutdown,
    };
    *reason == as_told || (restart != Restart::Permanent && reason.is_orderly())
}

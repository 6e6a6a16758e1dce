//! The state machine of children that start in order, as data: its phases, and waiting inputs. The transitions are in
//! `ordered`, `starting`, `halting` and `requests`.

use std::collections::VecDeque;
use std::ops::Range;

use pq_abi::Reason;
use pq_abi::spec::{ChildSpec, Restart, SupFlags, SupRequest};
use pq_term::{Pid, Term};

use super::children::{ChildStart, Children};
use super::window::Window;
use super::{Caller, Cause, Serial, Ticket};

pub(super) struct Ordered {
    pub(super) flags: SupFlags,
    pub(super) serial: Serial,
    pub(super) children: Children,
    pub(super) phase: OrderedPhase,
    pub(super) window: Window,
    /// `None` while no input waits.
    pub(super) waiting: Option<Box<Waiting>>,
}

pub(super) enum OrderedPhase {
    Idle,
    Starting(Box<Starting>),
    Halting(Box<Halting>),
    Ended,
}

/// Inputs that arrived while children started or ended. Bounded: requests by `ordered::REQUESTS_MAX`, ends by the
/// number of children, further tries by one for each failed start.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) stop: Option<Reason>,
    pub(super) events: VecDeque<Event>,
    pub(super) requests: usize,
}

pub(super) enum Event {
    Exited(Pid, Reason),
    Request(Caller, SupRequest),
    /// A restart of this child has failed for this reason.
    TryAgain(Term, Reason),
}

/// One start is under way: that of the first child in `left`.
pub(super) struct Starting {
    pub(super) left: Range<usize>,
    pub(super) ticket: Ticket,
    pub(super) id: Term,
    pub(super) restart: Restart,
    pub(super) why: StartFor,
    /// The starts of `left`, as far as they are decoded already.
    pub(super) read: smallvec::IntoIter<[ChildStart; 2]>,
}

/// The purpose of a start, which decides about a failure.
pub(super) enum StartFor {
    /// The start of the supervisor: a failure ends it.
    Init,
    /// A restart: after a failure it is tried again. The first start has the cause, until it begins.
    Restart(Option<Cause>),
    /// `restart_child/2`: the caller receives the result.
    Answer(Caller),
    /// `start_child/2`: on failure the caller is told, and the spec is dropped.
    Add(Caller),
}

/// The child `awaited` has been told to end; the children in `left` follow, the last first.
pub(super) struct Halting {
    pub(super) left: Range<usize>,
    pub(super) awaited: Option<Awaited>,
    pub(super) why: HaltFor,
}

pub(super) struct Awaited {
    pub(super) pid: Pid,
    pub(super) spec: ChildSpec,
    /// The timer that kills the child.
    pub(super) timer: Option<u32>,
}

/// The purpose of a halt, which decides about the next step.
pub(super) enum HaltFor {
    /// A restart with this cause: these children, and those after them, are started again.
    Restart(Cause),
    /// `terminate_child/2`: the caller receives the result.
    Answer(Caller),
    /// The end of the supervisor, for this reason.
    End(Reason),
}

//! The machine of children that start in order, as data: its phases, and what waits. Its steps stand in `ordered`,
//! `starting`, `halting` and `requests`.

use std::collections::VecDeque;
use std::ops::Range;

use pq_abi::Reason;
use pq_abi::spec::{ChildSpec, Restart, SupFlags, SupRequest};
use pq_term::{Pid, Term};

use super::children::{ChildStart, Children};
use super::window::Window;
use super::{Caller, Serial, Ticket};

pub(super) struct Ordered {
    pub(super) flags: SupFlags,
    pub(super) serial: Serial,
    pub(super) children: Children,
    pub(super) phase: OrderedPhase,
    pub(super) window: Window,
    /// Only while something waits.
    pub(super) waiting: Option<Box<Waiting>>,
}

pub(super) enum OrderedPhase {
    Idle,
    Starting(Box<Starting>),
    Halting(Box<Halting>),
    Ended,
}

/// What has come while children started or ended. Bounded: requests by `ordered::REQUESTS_MAX`, ends by the number of
/// children, further tries by one for each failed start.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) stop: Option<Reason>,
    pub(super) events: VecDeque<Event>,
    pub(super) requests: usize,
}

pub(super) enum Event {
    Exited(Pid, Reason),
    Request(Caller, SupRequest),
    TryAgain(Term),
}

/// One start is in flight: that of the first child in `left`.
pub(super) struct Starting {
    pub(super) left: Range<usize>,
    pub(super) ticket: Ticket,
    pub(super) id: Term,
    pub(super) restart: Restart,
    pub(super) why: StartFor,
    /// The starts of `left` as far as they have been read already.
    pub(super) read: smallvec::IntoIter<[ChildStart; 2]>,
}

/// What for, and so what a failure means.
pub(super) enum StartFor {
    /// The beginning: a failure ends the supervisor.
    Init,
    /// A restart: it is tried again.
    Restart,
    /// `restart_child/2`: the caller is told.
    Answer(Caller),
    /// `start_child/2`: the caller is told and the spec discarded.
    Add(Caller),
}

/// The child `awaited` has been told to end; those in `left` follow, from the end.
pub(super) struct Halting {
    pub(super) left: Range<usize>,
    pub(super) awaited: Option<Awaited>,
    pub(super) why: HaltFor,
}

pub(super) struct Awaited {
    pub(super) pid: Pid,
    pub(super) spec: ChildSpec,
    /// When it runs out, the child is killed.
    pub(super) timer: Option<u32>,
}

/// What for, and so what comes next.
pub(super) enum HaltFor {
    /// A restart: these and those after them are started again.
    Restart,
    /// `terminate_child/2`: the caller is told.
    Answer(Caller),
    /// The end of the supervisor.
    End(Reason),
}

//! Processes from a value: all of them, or none.
//!
//! ```text
//!   PutIn ─► mailbox of the supervisor ─► its machine: a start ─► Arrival ─► a shard: processes ─► the supervisor
//!   PutIn without a supervisor ──────────────────────────────────► Arrival ─► a shard: processes ─► the caller
//! ```
//! For the supervisor an arrival is a start: it waits while a transaction keeps births of its modules back, and its
//! result comes as that of any other start.

use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;

use pq_abi::Reason;
use pq_term::{Pid, Term};

use super::numbers::{Numbers, Outside};
use super::opens::Opens;
use super::part::Company;
use super::value::{Clock, Subtree};
use crate::message::{Ack, Caller, Payload, Signal};
use crate::shard::{Due, Shard};
use crate::supervisor::{Action, Place};
use crate::wheel::TimerKey;

/// A subtree that is to be put into a node. A refused subtree is gone with its `PutIn`: the caller keeps a clone of one
/// that was taken out until it has arrived.
pub struct PutIn {
    /// The processes, taken out or decoded.
    pub subtree: Subtree,
    /// The supervisor above them; `None` for a root without a parent.
    pub under: Option<Under>,
    /// The versions of the modules.
    pub opens: Arc<dyn Opens>,
}

/// The supervisor above a subtree.
#[derive(Clone, PartialEq, Debug)]
pub struct Under {
    /// The pid of a supervisor of this node.
    pub supervisor: Pid,
    /// The id of the child that the root becomes, which has no process now; `None` for a further child of a
    /// `simple_one_for_one` supervisor.
    pub id: Option<Term>,
}

impl fmt::Debug for PutIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} processes for {:?}", self.subtree.len(), self.under)
    }
}

/// A subtree on its way to the shard where its processes will live.
pub(crate) struct Arrival {
    pub(crate) subtree: Subtree,
    pub(crate) opens: Arc<dyn Opens>,
    pub(crate) parent: Pid,
    pub(crate) ack: Ack,
    /// The processes around a part that comes back for a restart.
    pub(crate) company: Option<Company>,
}

impl Shard {
    /// A supervisor takes a request to put a subtree below it.
    pub(crate) fn put_under(&mut self, supervisor: Pid, from: Caller, put: PutIn) {
        let PutIn {
            mut subtree,
            under,
            opens,
        } = put;
        let place = match under.and_then(|under| under.id) {
            Some(id) => Place::Id(id),
            None => Place::Dynamic(self.args_for_restarts(&mut subtree)),
        };
        let mut actions = Vec::new();
        let Some(body) = self.supervisor(supervisor) else {
            self.unwatch(supervisor, from);
            let why = format!("{supervisor} is no supervisor");
            return self.fail_caller(from, Reason::tagged("not_put_in", &why));
        };
        body.machine.put_child(from, place, &mut actions);
        let mut coming = Some((subtree, opens));
        for action in actions {
            match (action, coming.take()) {
                (
                    Action::Start {
                        ticket, dynamic, ..
                    },
                    Some((subtree, opens)),
                ) => {
                    let arrival = Arrival {
                        subtree,
                        opens,
                        parent: supervisor,
                        ack: Ack::Ticket(supervisor, ticket.0),
                        company: None,
                    };
                    self.send_arrival(arrival, dynamic);
                }
                (action, _) => self.act(supervisor, action),
            }
        }
    }

    /// The arguments that a supervisor keeps. Their pids of the subtree are those of processes that have left.
    fn args_for_restarts(&self, subtree: &mut Subtree) -> Option<Vec<u8>> {
        let outside = self.outside_of(subtree);
        let mut args = subtree.args.take()?.into_vec();
        Numbers::new(Vec::new(), Vec::new(), outside).bytes(&mut args);
        Some(args)
    }

    pub(crate) fn send_arrival(&mut self, arrival: Arrival, dynamic: bool) {
        let node = &self.core.node;
        let shard = match dynamic || node.is_for_supervisors(self.core.id) {
            true => node.next_shard(),
            false => self.core.id,
        };
        self.tell_shard(shard, Signal::Arrive(Box::new(arrival)));
    }

    /// Puts a subtree in, and reports the result as that of a start.
    pub(crate) fn arrive(&mut self, arrival: Arrival) {
        let Arrival {
            subtree,
            opens,
            parent,
            ack,
            company,
        } = arrival;
        let root = self.put_in(subtree, parent, &*opens, company);
        let root = root.map_err(|why| Reason::tagged("not_put_in", &why));
        if let (Ok(root), Ack::Request(_), true) = (&root, ack, parent.as_raw() != 0) {
            self.signal(Signal::Link(parent, *root));
        }
        self.acknowledge(ack, root.map(Some));
    }

    fn outside_of(&self, subtree: &Subtree) -> Outside {
        match subtree.home == Some(self.core.node.number()) {
            true => Outside::Stays,
            false => Outside::IsDead,
        }
    }

    fn put_in(
        &mut self,
        subtree: Subtree,
        parent: Pid,
        opens: &dyn Opens,
        company: Option<Company>,
    ) -> Result<Pid, String> {
        let mut numbers = self.new_pids(&subtree);
        if let Some(Company(others)) = company {
            numbers.set_others(others);
        }
        let timers = self.start_clocks(&subtree, &numbers);
        numbers.set_timers(
            timers
                .iter()
                .map(|(old, new)| (*old, new.as_raw()))
                .collect(),
        );
        let homecoming = match (numbers.outside(), numbers.is_part()) {
            (Outside::Stays, false) => signals_home(&subtree, &numbers),
            (Outside::IsDead, _) | (_, true) => Vec::new(),
        };
        let Subtree {
            mut processes,
            ready,
            last_ref,
            ..
        } = subtree;
        for process in &mut processes {
            process.renumber(&numbers);
        }
        if let Some(root) = processes.first_mut() {
            root.parent = parent;
        }
        if let Err(why) = self.fill_all(&mut processes, &numbers, opens) {
            for (_, key) in timers {
                self.core.wheel.cancel(key);
            }
            self.unborn(&numbers);
            return Err(why);
        }
        self.core.note_ref(last_ref);
        let pids: Vec<Pid> = processes.iter().map(|process| process.pid).collect();
        for process in processes {
            self.begin(process, &numbers);
        }
        homecoming
            .into_iter()
            .for_each(|signal| self.signal(signal));
        let ready = ready.iter().filter_map(|place| pids.get(*place as usize));
        ready.chain(&pids).for_each(|pid| self.wake(*pid));
        pids.first()
            .copied()
            .ok_or_else(|| "there is no process".to_string())
    }

    /// Makes processes that have nothing but their pids.
    fn new_pids(&mut self, subtree: &Subtree) -> Numbers {
        let old: Vec<Pid> = subtree
            .processes
            .iter()
            .map(|process| process.pid)
            .collect();
        let new = old.iter().map(|_| self.birth(Pid::from_raw(0), None));
        let new = new.collect();
        Numbers::new(old, new, self.outside_of(subtree))
    }

    /// Removes processes that nobody knows.
    fn unborn(&mut self, numbers: &Numbers) {
        for pid in numbers.new_pids() {
            if let Some(process) = self.vanish(pid, &Reason::Normal) {
                self.drop_body(pid, process.body);
            }
        }
    }

    /// Starts all timers, in the order in which they were started before the move. Returns their old numbers and the
    /// new ones. Their messages follow later, because they may have numbers of timers in them.
    fn start_clocks(&mut self, subtree: &Subtree, numbers: &Numbers) -> Vec<(u64, TimerKey)> {
        let mut clocks = Vec::new();
        for process in &subtree.processes {
            let pid = numbers.of(process.pid).unwrap_or(process.pid);
            let own = process.timers.iter().map(|timer| match timer.event {
                true => (timer.clock, Due::Event(pid, Payload::new())),
                false => (timer.clock, Due::Info(pid, Payload::new())),
            });
            clocks.extend(own);
            let requests = process.requests.iter();
            clocks.extend(requests.filter_map(|request| {
                Some((request.clock?, Due::RequestTimeout(pid, request.id)))
            }));
            let wait = process.wait.iter();
            clocks
                .extend(wait.filter_map(|wait| Some((wait.clock?, Due::Timer(pid, wait.number)))));
        }
        let age = |key: u64| {
            subtree
                .last_timer
                .wrapping_sub(TimerKey::from_raw(key).serial())
        };
        clocks.sort_by_key(|(clock, _)| (clock.in_ms, Reverse(age(clock.key))));
        let now_ms = self.core.due_after(0);
        let start = |(clock, due): (Clock, Due)| {
            let due_ms = now_ms.saturating_add(clock.in_ms);
            (clock.key, self.core.wheel.start(due_ms, due))
        };
        clocks.into_iter().map(start).collect()
    }
}

/// The signals to processes outside of a subtree that returns: links and monitors hold for the new pids. A process that
/// has ended meanwhile answers as it does to any new link or monitor.
fn signals_home(subtree: &Subtree, numbers: &Numbers) -> Vec<Signal> {
    let mut signals = Vec::new();
    for process in &subtree.processes {
        let old = process.pid;
        let new = numbers.of(old).unwrap_or(old);
        for link in process
            .links
            .iter()
            .filter(|link| numbers.of(**link).is_none())
        {
            signals.push(Signal::Link(*link, new));
            signals.push(Signal::Unlink(*link, old));
        }
        for monitor in process
            .monitors
            .iter()
            .filter(|it| numbers.of(it.of).is_none())
        {
            let (of, tag) = (monitor.of, monitor.monitor);
            let watcher = |pid| Caller { pid, tag };
            signals.push(Signal::Monitor {
                of,
                watcher: watcher(new),
            });
            signals.push(Signal::Demonitor {
                of,
                watcher: watcher(old),
            });
        }
    }
    signals
}

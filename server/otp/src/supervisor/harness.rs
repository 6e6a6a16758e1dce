//! A test fixture: processes in memory around one supervisor, which check each action and record it as a line.
//!
//! A child has the name of its start's module. Its processes are `a1`, `a2`, … in the order of their birth; a request
//! is named by its tag.

use std::collections::{BTreeMap, BTreeSet};

use pq_abi::Reason;
use pq_abi::spec::{
    self, ChildSpec, ChildType, Modules, Restart, Shutdown, Start, Strategy, SupFlags, SupReply,
    SupRequest, SupSpec,
};
use pq_term::{Atom, Pid, Term};

use super::{Action, Caller, Input, Report, StartOutcome, Supervisor, Ticket};

/// A permanent worker with 5 s to end.
pub(super) fn worker(name: &'static str) -> ChildSpec {
    let module = Atom::from_static(name);
    ChildSpec {
        id: Term::from(module),
        start: Start {
            module,
            args: vec![0x90],
        },
        restart: Restart::Permanent,
        shutdown: Shutdown::Timeout(5_000),
        kind: ChildType::Worker,
        modules: Modules::Of(vec![module]),
    }
}

pub(super) fn abc() -> Vec<ChildSpec> {
    vec![worker("a"), worker("b"), worker("c")]
}

pub(super) fn id(name: &'static str) -> Term {
    Term::atom(name)
}

pub(super) fn with_restart(name: &'static str, restart: Restart) -> ChildSpec {
    ChildSpec {
        restart,
        ..worker(name)
    }
}

pub(super) fn with_shutdown(name: &'static str, shutdown: Shutdown) -> ChildSpec {
    ChildSpec {
        shutdown,
        ..worker(name)
    }
}

/// The bytes of a spec that permits two restarts in five seconds.
pub(super) fn spec_bytes(strategy: Strategy, children: Vec<ChildSpec>) -> Vec<u8> {
    spec::encode(&SupSpec {
        flags: SupFlags {
            strategy,
            intensity: 2,
            period_s: 5,
        },
        children,
    })
}

pub(super) fn boom() -> Reason {
    Reason::Other(Term::atom("boom"))
}

/// A start without a result.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) ticket: Ticket,
    pub(super) start: Start,
}

pub(super) struct Harness {
    pub(super) supervisor: Supervisor,
    pub(super) now_ms: u64,
    /// Starts without a result, the oldest first.
    pub(super) pending: Vec<Pending>,
    /// The living processes; with the reason for those that have been told to end.
    pub(super) alive: BTreeMap<Pid, (String, Option<Reason>)>,
    /// Requests without an answer yet.
    pub(super) asked: BTreeMap<u64, SupRequest>,
    /// The running timers, each with its due time.
    pub(super) timers: BTreeMap<u32, u64>,
    pub(super) end: Option<Reason>,
    pub(super) is_ready: bool,
    /// All actions of the supervisor since the beginning.
    pub(super) seen: Vec<Action>,
    /// The actions of the supervisor since the last `take`, as lines.
    lines: Vec<String>,
    names: BTreeMap<Pid, String>,
    births: BTreeMap<String, u32>,
    used_tickets: BTreeSet<u32>,
    /// All requests since the beginning, by tag.
    pub(super) requests: Vec<SupRequest>,
}

impl Harness {
    pub(super) fn new(strategy: Strategy, children: Vec<ChildSpec>) -> Harness {
        Harness::of(&spec_bytes(strategy, children))
    }

    pub(super) fn of(bytes: &[u8]) -> Harness {
        let mut actions = Vec::new();
        let supervisor = Supervisor::new(bytes, &mut actions).unwrap();
        let mut harness = Harness {
            supervisor,
            now_ms: 0,
            pending: vec![],
            alive: BTreeMap::new(),
            asked: BTreeMap::new(),
            timers: BTreeMap::new(),
            end: None,
            is_ready: false,
            seen: vec![],
            lines: vec![],
            names: BTreeMap::new(),
            births: BTreeMap::new(),
            used_tickets: BTreeSet::new(),
            requests: vec![],
        };
        actions
            .into_iter()
            .for_each(|action| harness.carry_out(action));
        harness
    }

    /// A harness whose children all run.
    pub(super) fn started(strategy: Strategy, children: Vec<ChildSpec>) -> Harness {
        let mut harness = Harness::new(strategy, children);
        while !harness.is_ready {
            harness.start_ok();
        }
        harness.take();
        harness
    }

    /// Gives the supervisor one input, and returns its actions.
    pub(super) fn give(&mut self, input: Input) -> Vec<Action> {
        let mut actions = Vec::new();
        self.supervisor.handle(input, self.now_ms, &mut actions);
        actions
            .iter()
            .for_each(|action| self.carry_out(action.clone()));
        actions
    }

    /// Takes the lines since the last call.
    pub(super) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    /// Lets the oldest start succeed.
    pub(super) fn start_ok(&mut self) -> Pid {
        self.start_nth_ok(0)
    }

    pub(super) fn start_nth_ok(&mut self, nth: usize) -> Pid {
        let Pending { ticket, start } = self.pending.remove(nth);
        let module = start.module.to_string();
        let births = self.births.entry(module.clone()).or_default();
        *births += 1;
        let pid = Pid::new(1, self.names.len() as u32, *births);
        self.names.insert(pid, format!("{module}{births}"));
        self.alive.insert(pid, (module, None));
        self.give(Input::Started {
            ticket,
            outcome: StartOutcome::Ok(pid),
        });
        pid
    }

    /// Lets the oldest start end with another result.
    pub(super) fn start_not(&mut self, outcome: StartOutcome) {
        self.start_nth_not(0, outcome);
    }

    pub(super) fn start_nth_not(&mut self, nth: usize, outcome: StartOutcome) {
        let ticket = self.pending.remove(nth).ticket;
        self.give(Input::Started { ticket, outcome });
    }

    /// All processes that have been started so far.
    pub(super) fn known_pids(&self) -> Vec<Pid> {
        self.names.keys().copied().collect()
    }

    /// Ends a process and tells the supervisor.
    pub(super) fn exits(&mut self, name: &str, reason: Reason) {
        let pid = self.pid(name);
        self.dies(pid);
        self.give(Input::Exited { pid, reason });
    }

    /// Ends a process without telling the supervisor.
    pub(super) fn dies(&mut self, pid: Pid) {
        self.alive.remove(&pid).unwrap();
    }

    pub(super) fn pid(&self, name: &str) -> Pid {
        *self
            .names
            .iter()
            .find(|(_, known)| *known == name)
            .unwrap()
            .0
    }

    pub(super) fn asks(&mut self, request: SupRequest) -> u64 {
        let tag = self.requests.len() as u64;
        self.requests.push(request.clone());
        self.asked.insert(tag, request.clone());
        let from = Caller {
            pid: Pid::new(9, 9, 9),
            tag,
        };
        self.give(Input::Request { from, request });
        tag
    }

    /// Advances the time, and fires due timers.
    pub(super) fn wait(&mut self, ms: u64) {
        self.now_ms += ms;
        while let Some((&id, _)) = self.timers.iter().find(|(_, at)| **at <= self.now_ms) {
            self.timers.remove(&id);
            self.give(Input::Timer { id });
        }
    }

    fn carry_out(&mut self, action: Action) {
        assert!(self.end.is_none(), "{action:?} after the end");
        let line = self.line(&action);
        self.lines.push(line);
        self.seen.push(action.clone());
        match action {
            Action::Start { ticket, start, .. } => self.begins(ticket, start),
            Action::Exit { pid, reason } => self.told(pid, reason),
            Action::SetTimer { id, ms } => {
                let twice = self.timers.insert(id, self.now_ms + u64::from(ms));
                assert_eq!(twice, None, "timer {id} is set twice");
            }
            Action::CancelTimer { id } => drop(self.timers.remove(&id)),
            Action::Reply { to, .. } => {
                assert!(
                    self.asked.remove(&to.tag).is_some(),
                    "nobody waits for reply {}",
                    to.tag
                );
            }
            Action::Ready => assert!(!std::mem::replace(&mut self.is_ready, true), "ready twice"),
            Action::Report(_) => {}
            Action::End(reason) => self.ends(reason),
        }
    }

    fn begins(&mut self, ticket: Ticket, start: Start) {
        assert!(
            self.used_tickets.insert(ticket.0),
            "{ticket:?} is used twice"
        );
        self.pending.push(Pending { ticket, start });
    }

    fn told(&mut self, pid: Pid, reason: Reason) {
        assert!(self.names.contains_key(&pid), "{pid} was never started");
        if let Some((_, told)) = self.alive.get_mut(&pid) {
            assert_ne!(told.as_ref(), Some(&reason), "{pid} is told the same twice");
            *told = Some(reason);
        }
    }

    fn ends(&mut self, reason: Reason) {
        assert!(self.alive.is_empty(), "children are left: {:?}", self.alive);
        assert!(
            self.pending.is_empty(),
            "starts are left: {:?}",
            self.pending
        );
        assert!(self.asked.is_empty(), "requests are left: {:?}", self.asked);
        assert!(self.timers.is_empty(), "timers are left: {:?}", self.timers);
        self.end = Some(reason);
    }

    fn line(&self, action: &Action) -> String {
        match action {
            Action::Start { start, .. } => format!("start {}", start.module),
            Action::Exit { pid, reason } => format!("exit {} {reason}", self.name(*pid)),
            Action::SetTimer { ms, .. } => format!("set timer {ms}"),
            Action::CancelTimer { .. } => "cancel timer".into(),
            Action::Reply { to, reply } => format!("reply {} {}", to.tag, self.reply(reply)),
            Action::Ready => "ready".into(),
            Action::Report(report) => format!("log {}", self.report(report)),
            Action::End(reason) => format!("end {reason}"),
        }
    }

    fn reply(&self, reply: &SupReply) -> String {
        match reply {
            SupReply::Ok => "ok".into(),
            SupReply::Started(pid) => self.name_or_none(*pid),
            SupReply::Error(term) => format!("error {term}"),
            SupReply::Children(infos) => {
                let info =
                    |info: &spec::ChildInfo| format!("{}:{}", info.id, self.name_or_none(info.pid));
                infos.iter().map(info).collect::<Vec<_>>().join(" ")
            }
            SupReply::Count(count) => {
                format!(
                    "{} {} {} {}",
                    count.specs, count.active, count.supervisors, count.workers
                )
            }
        }
    }

    fn report(&self, report: &Report) -> String {
        match report {
            Report::Progress { id, pid } => format!("progress {id} {}", self.name(*pid)),
            Report::Restarted { id, pid, .. } => format!("restarted {id} {}", self.name(*pid)),
            Report::ChildTerminated { id, pid, reason } => {
                format!("child_terminated {id} {} {reason}", self.name(*pid))
            }
            Report::StartError { id, reason } => format!("start_error {id} {reason}"),
            Report::ShutdownError { id, pid, reason } => {
                format!("shutdown_error {id} {} {reason}", self.name(*pid))
            }
            Report::ShutdownErrors {
                id,
                children,
                reason,
            } => format!("shutdown_error {id} {children} {reason}"),
            Report::ReachedMaxRestartIntensity { id } => {
                format!("reached_max_restart_intensity {id}")
            }
        }
    }

    fn name_or_none(&self, pid: Option<Pid>) -> String {
        pid.map_or("none".into(), |pid| self.name(pid))
    }

    fn name(&self, pid: Pid) -> String {
        self.names[&pid].clone()
    }
}

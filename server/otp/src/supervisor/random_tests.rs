//! Children that start, fail and end in any order, with requests and updates at any time, under every strategy. After
//! each step, a model that sees only inputs and actions checks the invariants.

use std::collections::{BTreeMap, BTreeSet};

use pq_abi::Reason;
use pq_abi::spec::{
    self, ChildSpec, ChildType, Restart, Shutdown, Strategy, SupFlags, SupReply, SupRequest,
    SupSpec,
};
use pq_term::{Pid, Term};
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, any, prop_oneof, proptest};
use proptest::strategy::Strategy as Generator;

use super::harness::{Harness, boom, with_restart};
use super::{Action, Input, Report, StartOutcome};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// A limit above the longest way to rest: a few steps for each of about a hundred processes and starts.
const STEPS_MAX: usize = 10_000;

/// The next step, and its subject: random numbers that are reduced to the possible choices.
type Step = (u8, u16, u8);

#[derive(Clone, Copy, Debug)]
struct Flags {
    intensity: u32,
    period_s: u32,
}

/// The harness, and the additional state of the model.
struct Run {
    harness: Harness,
    strategy: Strategy,
    flags: Flags,
    /// Processes that have ended without the supervisor's knowledge.
    unheard: BTreeMap<Pid, (String, Reason)>,
    /// The children in the order of their start; children that are gone may be included.
    order: Vec<String>,
    /// How each child restarts.
    kinds: BTreeMap<String, Restart>,
    /// The times of all restarts.
    restarts: Vec<u64>,
    /// Children whose last restart failed.
    failed: BTreeSet<String>,
}

impl Run {
    fn new(strategy: Strategy, flags: Flags, children: Vec<ChildSpec>) -> Run {
        let order = children.iter().map(|child| child.id.to_string()).collect();
        let kinds = kinds(&children);
        let harness = Harness::of(&encoded(strategy, flags, children));
        Run {
            harness,
            strategy,
            flags,
            unheard: BTreeMap::new(),
            order,
            kinds,
            restarts: vec![],
            failed: BTreeSet::new(),
        }
    }

    fn is_simple(&self) -> bool {
        self.strategy == Strategy::SimpleOneForOne
    }

    fn step(&mut self, (what, who, how): Step) {
        match what % 16 {
            0..=4 => self.finish_start(who, how),
            5 | 6 => self.crash(who, how),
            7 | 8 => self.deliver(who),
            9 | 10 => self.obey(who, how),
            11..=13 => self.ask(who, how),
            14 if who.is_multiple_of(8) => self.update(who, how),
            14 => self.wait(u64::from(how) * 20),
            _ if who.is_multiple_of(32) => self.give(Input::Stop(boom())),
            _ => self.wait(u64::from(how)),
        }
    }

    fn finish_start(&mut self, who: u16, how: u8) {
        if self.harness.pending.is_empty() {
            return;
        }
        let ticket = self.harness.pending[usize::from(who) % self.harness.pending.len()].ticket;
        let nth = self
            .harness
            .pending
            .iter()
            .position(|pending| pending.ticket == ticket)
            .unwrap();
        match how % 8 {
            0 => self.start_ends(nth, StartOutcome::Err(boom())),
            1 => self.start_ends(nth, StartOutcome::Ignore),
            _ => self.observe(|harness| harness.start_nth_ok(nth)),
        }
    }

    fn start_ends(&mut self, nth: usize, outcome: StartOutcome) {
        self.observe(|harness| harness.start_nth_not(nth, outcome));
    }

    fn crash(&mut self, who: u16, how: u8) {
        let pids: Vec<Pid> = self.harness.alive.keys().copied().collect();
        if let Some(pid) = pick(&pids, who) {
            self.die(*pid, reason(how));
        }
    }

    /// Ends a process that was told to end.
    fn obey(&mut self, who: u16, how: u8) {
        let told =
            |(pid, (_, reason)): (&Pid, &(String, Option<Reason>))| Some((*pid, reason.clone()?));
        let told: Vec<(Pid, Reason)> = self.harness.alive.iter().filter_map(told).collect();
        match pick(&told, who) {
            Some((pid, Reason::Kill)) => self.die(*pid, Reason::Killed),
            Some((pid, told)) if how < 200 => self.die(*pid, told.clone()),
            Some((pid, _)) => self.die(*pid, reason(how)),
            None => {}
        }
    }

    fn die(&mut self, pid: Pid, reason: Reason) {
        let name = self.harness.alive[&pid].0.clone();
        self.harness.dies(pid);
        self.unheard.insert(pid, (name, reason));
    }

    fn deliver(&mut self, who: u16) {
        let pids: Vec<Pid> = self.unheard.keys().copied().collect();
        if let Some(pid) = pick(&pids, who) {
            let (_, reason) = self.unheard.remove(pid).unwrap();
            self.give(Input::Exited { pid: *pid, reason });
        }
    }

    fn ask(&mut self, who: u16, how: u8) {
        if self.harness.end.is_some() {
            return;
        }
        let request = match self.is_simple() {
            true => self.simple_request(who, how),
            false => ordered_request(who, how),
        };
        self.observe(|harness| harness.asks(request));
    }

    fn simple_request(&self, who: u16, how: u8) -> SupRequest {
        match how % 8 {
            0 => SupRequest::WhichChildren,
            1 => SupRequest::CountChildren,
            2 => SupRequest::RestartChild(id(who)),
            3 | 4 => {
                let known = self.harness.known_pids();
                SupRequest::TerminatePid(pick(&known, who).copied().unwrap_or(Pid::from_raw(0)))
            }
            _ => SupRequest::StartChild(vec![0x91, how % 100]),
        }
    }

    fn wait(&mut self, ms: u64) {
        self.observe(|harness| harness.wait(ms));
    }

    fn give(&mut self, input: Input) {
        self.observe(|harness| harness.give(input));
    }

    fn update(&mut self, who: u16, how: u8) {
        let children: Vec<ChildSpec> = (0..how % 4)
            .map(|n| child(who.rotate_left(u32::from(n) * 3), how))
            .collect();
        let names: Vec<String> = children.iter().map(|child| child.id.to_string()).collect();
        let new = kinds(&children);
        let bytes = encoded(self.strategy, self.flags, children);
        if self.harness.end.is_none() && self.harness.supervisor.replace_spec(&bytes).is_ok() {
            let kept = self
                .order
                .drain(..)
                .filter(|old| !names.contains(old))
                .collect::<Vec<_>>();
            self.order = names.into_iter().chain(kept).collect();
            self.kinds.extend(new);
        }
    }

    /// Takes a step, and checks each resulting action.
    fn observe<T>(&mut self, doing: impl FnOnce(&mut Harness) -> T) {
        let from = self.harness.seen.len();
        doing(&mut self.harness);
        for at in from..self.harness.seen.len() {
            let before = at
                .checked_sub(1)
                .filter(|before| *before >= from)
                .map(|at| self.harness.seen[at].clone());
            let action = self.harness.seen[at].clone();
            self.check(&action, before.as_ref());
        }
        let is_one_by_one = self.is_simple() || self.harness.pending.len() <= 1;
        assert!(
            is_one_by_one,
            "several starts in flight: {:?}",
            self.harness.pending
        );
    }

    fn check(&mut self, action: &Action, before: Option<&Action>) {
        match action {
            Action::Start { start, .. } => self.check_start(&start.module.to_string(), before),
            Action::Exit { pid, .. } => self.check_exit(*pid),
            Action::Reply { to, reply } => self.learn(to.tag, reply),
            Action::Report(Report::StartError { id, .. }) => {
                self.failed.insert(id.to_string());
            }
            Action::Report(Report::ReachedMaxRestartIntensity { .. }) => self.check_limit(),
            _ => {}
        }
    }

    fn check_start(&mut self, name: &str, before: Option<&Action>) {
        if self.failed.remove(name) || self.is_restart(name, before) {
            self.check_restart();
        }
        if self.is_simple() {
            return;
        }
        assert!(!self.is_there(name), "{name} is started while it runs");
        let is_asked_for = self.is_asked_for(name);
        let is_in_order =
            is_asked_for || (self.strategy == Strategy::OneForOne && self.harness.is_ready);
        assert!(
            is_in_order || self.none_runs_after(name),
            "{name} is started after a later one"
        );
    }

    /// Whether the line before reports the end of this child, and the child is one that restarts.
    fn is_restart(&self, name: &str, before: Option<&Action>) -> bool {
        match before {
            Some(Action::Report(
                Report::ChildTerminated { id, .. } | Report::StartError { id, .. },
            )) => {
                self.is_simple()
                    || (id.to_string() == name && self.kinds[name] != Restart::Temporary)
            }
            _ => false,
        }
    }

    /// Checks the limit under the strategies where a restart is one start.
    fn check_restart(&mut self) {
        if matches!(
            self.strategy,
            Strategy::OneForOne | Strategy::SimpleOneForOne
        ) {
            assert!(
                self.restarts_lately() < self.flags.intensity as usize,
                "one restart too many"
            );
            self.restarts.push(self.harness.now_ms);
        }
    }

    fn check_limit(&self) {
        if matches!(
            self.strategy,
            Strategy::OneForOne | Strategy::SimpleOneForOne
        ) {
            assert_eq!(
                self.restarts_lately(),
                self.flags.intensity as usize,
                "the limit was not reached"
            );
        }
    }

    fn restarts_lately(&self) -> usize {
        let period_ms = u64::from(self.flags.period_s) * 1_000;
        self.restarts
            .iter()
            .filter(|then| **then + period_ms >= self.harness.now_ms)
            .count()
    }

    fn check_exit(&self, pid: Pid) {
        if self.is_simple() {
            return;
        }
        let name = self.name(pid);
        let is_asked_for = self.harness.asked.values().any(|request| match request {
            SupRequest::TerminateId(id) => id.to_string() == name,
            _ => false,
        });
        assert!(
            is_asked_for || self.none_runs_after(&name),
            "{name} is told to end before a later one"
        );
    }

    fn name(&self, pid: Pid) -> String {
        match self.harness.alive.get(&pid) {
            Some((name, _)) => name.clone(),
            None => self.unheard[&pid].0.clone(),
        }
    }

    /// Records that an added child is the last.
    fn learn(&mut self, tag: u64, reply: &SupReply) {
        match (&self.harness.requests[tag as usize], reply) {
            (SupRequest::StartSpec(spec), SupReply::Started(_)) => {
                let name = spec.id.to_string();
                self.kinds.insert(name.clone(), spec.restart);
                self.order.retain(|known| *known != name);
                self.order.push(name);
            }
            (SupRequest::TerminateId(id), SupReply::Ok) => {
                self.failed.remove(&id.to_string());
            }
            _ => {}
        }
    }

    /// Whether the supervisor believes that the child has a process.
    fn is_there(&self, name: &str) -> bool {
        let alive = self.harness.alive.values().map(|(name, _)| name);
        alive
            .chain(self.unheard.values().map(|(name, _)| name))
            .any(|there| there == name)
    }

    fn none_runs_after(&self, name: &str) -> bool {
        let after = self.order.iter().skip_while(|known| *known != name).skip(1);
        !after.into_iter().any(|later| self.is_there(later))
    }

    /// Whether a request that is not answered yet may have started this child.
    fn is_asked_for(&self, name: &str) -> bool {
        self.harness.asked.values().any(|request| match request {
            SupRequest::StartSpec(spec) => spec.id.to_string() == name,
            SupRequest::RestartChild(id) => id.to_string() == name,
            _ => false,
        })
    }

    /// All starts succeed, all told children end, all ends are reported.
    fn settle(&mut self) {
        for _ in 0..STEPS_MAX {
            if !self.harness.pending.is_empty() {
                self.observe(|harness| harness.start_ok());
            } else if !self.unheard.is_empty() {
                self.deliver(0);
            } else if self.harness.alive.values().any(|(_, told)| told.is_some()) {
                self.obey(0, 0);
            } else {
                return;
            }
        }
        panic!("no rest after {STEPS_MAX} steps");
    }

    /// At rest, the supervisor knows exactly the living processes.
    fn check_children(&mut self) {
        let tag = self.harness.asks(SupRequest::WhichChildren);
        let reply = self
            .harness
            .seen
            .iter()
            .rev()
            .find_map(|action| match action {
                Action::Reply {
                    to,
                    reply: SupReply::Children(children),
                } if to.tag == tag => Some(children.clone()),
                _ => None,
            });
        let mut listed: Vec<Pid> = reply
            .unwrap()
            .into_iter()
            .filter_map(|child| child.pid)
            .collect();
        listed.sort();
        assert_eq!(
            listed,
            self.harness.alive.keys().copied().collect::<Vec<_>>()
        );
    }

    /// At rest no caller waits for an answer; after a stop the supervisor has ended. The harness checks the rest.
    fn close(&mut self) {
        self.settle();
        assert!(
            self.harness.asked.is_empty(),
            "requests without an answer: {:?}",
            self.harness.asked
        );
        if self.harness.end.is_none() {
            self.check_children();
            self.give(Input::Stop(Reason::Shutdown));
            self.settle();
        }
        assert!(self.harness.end.is_some(), "stopped and not ended");
    }
}

fn encoded(
    strategy: Strategy,
    Flags {
        intensity,
        period_s,
    }: Flags,
    children: Vec<ChildSpec>,
) -> Vec<u8> {
    spec::encode(&SupSpec {
        flags: SupFlags {
            strategy,
            intensity,
            period_s,
        },
        children,
    })
}

fn kinds(children: &[ChildSpec]) -> BTreeMap<String, Restart> {
    children
        .iter()
        .map(|child| (child.id.to_string(), child.restart))
        .collect()
}

fn pick<T>(from: &[T], who: u16) -> Option<&T> {
    from.get(usize::from(who).checked_rem(from.len())?)
}

fn id(who: u16) -> Term {
    Term::atom(NAMES[usize::from(who) % NAMES.len()])
}

fn child(who: u16, how: u8) -> ChildSpec {
    let restart =
        [Restart::Permanent, Restart::Transient, Restart::Temporary][usize::from(how) % 3];
    let shutdown = match who / 8 % 3 {
        0 => Shutdown::BrutalKill,
        1 => Shutdown::Timeout(u32::from(how)),
        _ => Shutdown::Infinity,
    };
    let kind = if how.is_multiple_of(2) {
        ChildType::Worker
    } else {
        ChildType::Supervisor
    };
    ChildSpec {
        shutdown,
        kind,
        ..with_restart(NAMES[usize::from(who) % NAMES.len()], restart)
    }
}

fn ordered_request(who: u16, how: u8) -> SupRequest {
    match how % 8 {
        0 => SupRequest::WhichChildren,
        1 => SupRequest::CountChildren,
        2 => SupRequest::DeleteChild(id(who)),
        3 => SupRequest::RestartChild(id(who)),
        4 => SupRequest::StartChild(vec![0x90]),
        5 => SupRequest::StartSpec(child(who, how / 8)),
        _ => SupRequest::TerminateId(id(who)),
    }
}

fn reason(how: u8) -> Reason {
    match how % 5 {
        0 => Reason::Normal,
        1 => Reason::Shutdown,
        2 => Reason::Killed,
        3 => Reason::Other(Term::tuple([Term::atom("shutdown"), Term::atom("done")])),
        _ => boom(),
    }
}

fn strategies() -> impl Generator<Value = Strategy> {
    prop_oneof![
        Just(Strategy::OneForOne),
        Just(Strategy::OneForAll),
        Just(Strategy::RestForOne),
        Just(Strategy::SimpleOneForOne),
    ]
}

fn flags() -> impl Generator<Value = Flags> {
    (0_u32..12, 1_u32..4).prop_map(|(intensity, period_s)| Flags {
        intensity,
        period_s,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_rules_hold(
        strategy in strategies(),
        flags in flags(),
        kinds in vec((any::<u16>(), any::<u8>()), NAMES.len()),
        count in 0..=NAMES.len(),
        steps in vec(any::<Step>(), 0..150),
    ) {
        let count = if strategy == Strategy::SimpleOneForOne { 1 } else { count };
        let children = kinds.iter().enumerate().take(count);
        let children = children.map(|(n, (who, how))| child(who / 5 * 5 % 65_000 + n as u16, *how)).collect();
        let mut run = Run::new(strategy, flags, children);
        for step in steps {
            run.step(step);
        }
        run.close();
    }
}

//! Generated runs: single steps compared with a simple model of links, monitors and signals, and many steps at once
//! with checks of the invariants.

use std::collections::BTreeSet;

use pq_otp::{Pid, Term};
use proptest::prelude::*;

use crate::actor::Do;
use crate::rig::Rig;

/// The number of processes in a run.
const ACTORS: usize = 5;

/// A step of one process, towards another process or itself.
#[derive(Clone, Debug)]
enum Op {
    Link(usize, usize),
    Unlink(usize, usize),
    Monitor(usize, usize),
    Demonitor(usize),
    Exit(usize, usize, &'static str),
    Stop(usize, &'static str),
    Send(usize, usize),
    Trap(usize, bool),
}

fn who() -> impl Strategy<Value = usize> {
    0..ACTORS
}

/// Two different processes, by number.
fn pair() -> impl Strategy<Value = (usize, usize)> {
    (who(), 1..ACTORS).prop_map(|(a, further)| (a, (a + further) % ACTORS))
}

/// A step that changes no monitors.
fn quiet_op() -> impl Strategy<Value = Op> {
    let reason = || prop::sample::select(vec!["normal", "shutdown", "boom", "kill"]);
    prop_oneof![
        4 => pair().prop_map(|(a, b)| Op::Link(a, b)),
        2 => pair().prop_map(|(a, b)| Op::Unlink(a, b)),
        2 => (who(), who(), reason()).prop_map(|(a, b, reason)| Op::Exit(a, b, reason)),
        1 => (who(), reason()).prop_map(|(a, reason)| Op::Stop(a, reason)),
        2 => (who(), who()).prop_map(|(a, b)| Op::Send(a, b)),
        3 => (who(), any::<bool>()).prop_map(|(a, on)| Op::Trap(a, on)),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        14 => quiet_op(),
        3 => pair().prop_map(|(a, b)| Op::Monitor(a, b)),
        1 => who().prop_map(Op::Demonitor),
    ]
}

impl Op {
    /// The process that takes the step, and the script for it.
    fn script(&self, pids: &[Pid]) -> (usize, Do) {
        match *self {
            Op::Link(a, b) => (a, Do::Link(pids[b])),
            Op::Unlink(a, b) => (a, Do::Unlink(pids[b])),
            Op::Monitor(a, b) => (a, Do::Monitor(pids[b])),
            Op::Demonitor(a) => (a, Do::Demonitor),
            Op::Exit(a, b, reason) => (a, Do::Exit(pids[b], Term::atom(reason))),
            Op::Stop(a, reason) => (a, Do::Stop(Term::atom(reason))),
            Op::Send(a, b) => (a, Do::Send(pids[b], "hello".to_string())),
            Op::Trap(a, on) => (a, Do::Trap(on)),
        }
    }
}

/// A process as the reference manual describes it.
#[derive(Clone)]
struct Actor {
    alive: bool,
    traps: bool,
    links: BTreeSet<usize>,
    /// The watched process of each monitor; `None` when the monitor has reported or was removed.
    monitors: Vec<Option<usize>>,
}

/// The simplest model of the manual.
struct Model {
    actors: Vec<Actor>,
    /// The lines that each process must note in a step.
    notes: Vec<(usize, String)>,
}

impl Model {
    fn new() -> Model {
        let actor = Actor {
            alive: true,
            traps: false,
            links: BTreeSet::new(),
            monitors: Vec::new(),
        };
        Model {
            actors: vec![actor; ACTORS],
            notes: Vec::new(),
        }
    }

    fn step(&mut self, op: &Op) {
        let (who, _) = op.script(&[Pid::from_raw(0); ACTORS]);
        if !self.actors[who].alive {
            return;
        }
        match *op {
            Op::Link(a, b) if !self.actors[b].alive => self.signal(a, b, "noproc"),
            Op::Link(a, b) => {
                self.actors[a].links.insert(b);
                self.actors[b].links.insert(a);
            }
            Op::Unlink(a, b) => {
                self.actors[a].links.remove(&b);
                self.actors[b].links.remove(&a);
            }
            Op::Monitor(a, b) if !self.actors[b].alive => {
                self.actors[a].monitors.push(None);
                self.note(a, &format!("down p{b}: noproc"));
            }
            Op::Monitor(a, b) => self.actors[a].monitors.push(Some(b)),
            Op::Demonitor(a) => self.actors[a]
                .monitors
                .last_mut()
                .into_iter()
                .for_each(|last| *last = None),
            Op::Exit(_, b, "kill") => self.end(b, "killed"),
            Op::Exit(a, b, "normal") if a == b && !self.actors[a].traps => self.end(a, "normal"),
            Op::Exit(a, b, reason) => self.signal(b, a, reason),
            Op::Stop(a, reason) => {
                self.end(a, reason);
            }
            Op::Send(_, b) if self.actors[b].alive => self.note(b, "info \"hello\""),
            Op::Send(..) => (),
            Op::Trap(a, on) => self.actors[a].traps = on,
        }
    }

    /// Models an exit signal that can be trapped.
    fn signal(&mut self, to: usize, from: usize, reason: &str) {
        let Actor { alive, traps, .. } = self.actors[to];
        match (alive, traps) {
            (true, true) => self.note(to, &format!("exit of p{from}: {reason}")),
            (true, false) if reason != "normal" => self.end(to, reason),
            _ => (),
        }
    }

    fn end(&mut self, who: usize, reason: &str) {
        if !std::mem::take(&mut self.actors[who].alive) {
            return;
        }
        for other in std::mem::take(&mut self.actors[who].links) {
            self.actors[other].links.remove(&who);
            self.signal(other, who, reason);
        }
        for watcher in 0..ACTORS {
            let monitors = self.actors[watcher]
                .monitors
                .iter_mut()
                .filter(|of| **of == Some(who));
            let told = monitors.map(|of| *of = None).count();
            for _ in 0..told {
                self.note(watcher, &format!("down p{who}: {reason}"));
            }
        }
    }

    fn note(&mut self, who: usize, line: &str) {
        self.notes.push((who, format!("p{who} {line}")));
    }

    /// The lines of a step. An end reaches all linked processes before any of them reads its mailbox: of
    /// the processes that end in a step, only one that stops by itself writes a last line.
    fn lines(&mut self, op: &Op, was_alive: &[bool]) -> Vec<String> {
        let notes = std::mem::take(&mut self.notes).into_iter();
        let mut lines: Vec<String> = notes
            .filter(|(who, _)| self.actors[*who].alive)
            .map(|(_, line)| line)
            .collect();
        if let Op::Stop(who, reason) = op
            && was_alive[*who]
        {
            lines.push(format!("p{who} terminate {reason}"));
        }
        lines.sort();
        lines
    }

    fn living(&self) -> Vec<bool> {
        self.actors.iter().map(|actor| actor.alive).collect()
    }
}

fn begin() -> (Rig, Vec<Pid>) {
    let mut rig = Rig::new();
    let pids = (0..ACTORS)
        .map(|n| rig.actor(&format!("p{n}"), vec![]))
        .collect();
    (rig, pids)
}

/// Which processes live; the slab and the table of living pids must agree.
fn alive(rig: &Rig, pids: &[Pid]) -> Vec<bool> {
    let listed: BTreeSet<Pid> = rig
        .sim
        .processes()
        .into_iter()
        .map(|process| process.pid)
        .collect();
    let alive: Vec<bool> = pids.iter().map(|pid| rig.is_alive(*pid)).collect();
    let in_slab: Vec<bool> = pids.iter().map(|pid| listed.contains(pid)).collect();
    assert_eq!(
        alive, in_slab,
        "the table of the living and the slab disagree"
    );
    alive
}

/// Takes all steps without a pause and then ends `victim`; returns which processes lived then, and which learnt of that
/// end.
fn storm(ops: &[Op], victim: usize) -> (Vec<bool>, BTreeSet<usize>) {
    let (mut rig, pids) = begin();
    for op in ops {
        let (who, act) = op.script(&pids);
        rig.post(pids[who], vec![act]);
    }
    rig.sim.settle();
    for pid in &pids {
        rig.tell(*pid, vec![Do::Trap(true)]);
    }
    let alive = alive(&rig, &pids);
    rig.lines();
    rig.exit(pids[victim], "kill");
    let told = format!("exit of p{victim}: killed");
    let heard = rig
        .lines()
        .iter()
        .filter_map(|line| {
            line.strip_suffix(&told)?
                .trim()
                .strip_prefix('p')?
                .parse()
                .ok()
        })
        .collect();
    (alive, heard)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_step_does_what_the_manual_says(ops in prop::collection::vec(op(), 1..60)) {
        let ((mut rig, pids), mut model) = (begin(), Model::new());
        for (at, op) in ops.iter().enumerate() {
            let (who, act) = op.script(&pids);
            let was_alive = model.living();
            rig.tell(pids[who], vec![act]);
            model.step(op);
            let mut lines = rig.lines();
            lines.sort();
            prop_assert_eq!(lines, model.lines(op, &was_alive), "step {}: {:?}", at, op);
            prop_assert_eq!(alive(&rig, &pids), model.living(), "step {}: {:?}", at, op);
        }
    }

    #[test]
    fn in_a_storm_every_watcher_that_lives_hears_of_every_end_once(
        ops in prop::collection::vec(quiet_op(), 1..60)
    ) {
        let (mut rig, pids) = begin();
        for (a, pid) in pids.iter().enumerate() {
            let others = (0..ACTORS).filter(|b| *b != a).map(|b| Do::Monitor(pids[b])).collect();
            rig.tell(*pid, others);
        }
        for op in &ops {
            let (who, act) = op.script(&pids);
            rig.post(pids[who], vec![act]);
        }
        rig.sim.settle();
        let (alive, lines) = (alive(&rig, &pids), rig.lines());
        for watcher in (0..ACTORS).filter(|watcher| alive[*watcher]) {
            for (of, of_is_alive) in alive.iter().enumerate().filter(|(of, _)| *of != watcher) {
                let told = lines.iter().filter(|line| line.starts_with(&format!("p{watcher} down p{of}:"))).count();
                prop_assert_eq!(told, usize::from(!of_is_alive), "p{} of p{} in {:?}", watcher, of, lines);
            }
        }
    }

    #[test]
    fn after_a_storm_links_have_two_ends(ops in prop::collection::vec(op(), 1..40)) {
        let runs: Vec<_> = (0..ACTORS).map(|victim| storm(&ops, victim)).collect();
        let (alive, _) = &runs[0];
        for a in (0..ACTORS).filter(|a| alive[*a]) {
            for b in (0..ACTORS).filter(|b| alive[*b]) {
                let (a_hears, b_hears) = (runs[b].1.contains(&a), runs[a].1.contains(&b));
                prop_assert_eq!(a_hears, b_hears, "p{} and p{}", a, b);
            }
        }
    }
}

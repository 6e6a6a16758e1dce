//! Random schedules of steps, births, kills and transactions, with conversions that fail, compared with a simple model.
//!
//! After every transaction each counter has the old version with its old count, or the new one with the converted
//! count: the versions are never mixed, no counter is missing, none is there twice. `proptest` prints the seed of a
//! failure.

use std::collections::BTreeMap;

use proptest::prelude::*;

use pq_otp::sys::SysMessage;

use super::*;

/// An event before a step of a transaction, or between two of them.
#[derive(Clone, Debug)]
enum Event {
    Step(usize),
    /// `sys` asks for the state.
    Ask(usize),
    Kill(usize),
    Birth(i64),
    /// The start of a counter whose conversion fails.
    BadBirth,
    Nothing,
}

#[derive(Clone, Debug)]
struct Round {
    slice: u32,
    /// The event before each step; after the last event the first one follows again.
    events: Vec<Event>,
}

/// The model of a row of counters: each has taken this many steps in each version.
struct Model {
    sum: BTreeMap<Pid, i64>,
}

fn event() -> impl Strategy2<Value = Event> {
    prop_oneof![
        6 => any::<prop::sample::Index>().prop_map(|index| Event::Step(index.index(1_000))),
        2 => any::<prop::sample::Index>().prop_map(|index| Event::Ask(index.index(1_000))),
        1 => any::<prop::sample::Index>().prop_map(|index| Event::Kill(index.index(1_000))),
        2 => (1_000_i64..2_000).prop_map(Event::Birth),
        1 => Just(Event::BadBirth),
        2 => Just(Event::Nothing),
    ]
}

use proptest::strategy::Strategy as Strategy2;

fn round() -> impl Strategy2<Value = Round> {
    (1_u32..4, prop::collection::vec(event(), 1..12))
        .prop_map(|(slice, events)| Round { slice, events })
}

/// A row of counters under one supervisor, and the steps that were sent to each.
struct Row {
    row: Pid,
    sent: Mutex<BTreeMap<Pid, u32>>,
    born: Mutex<Vec<Slot>>,
    /// States that were asked for, with the version that was in force then.
    told: Arc<Mutex<Vec<(&'static str, String)>>>,
    modules: Arc<Linked>,
}

impl Row {
    fn live(&self, sim: &Sim) -> Vec<Pid> {
        let processes = sim.processes().into_iter();
        processes
            .filter(|process| process.module == "counter")
            .map(|process| process.pid)
            .collect()
    }

    fn happen(&self, sim: &mut Sim, event: &Event) {
        let live = self.live(sim);
        let pick = |index: usize| live.get(index % live.len().max(1)).copied();
        match event {
            Event::Nothing => (),
            Event::Step(index) => {
                if let Some(counter) = pick(*index) {
                    *self.sent.lock().unwrap().entry(counter).or_default() += 1;
                    step_of(sim, counter);
                }
            }
            Event::Ask(index) => {
                if let Some(counter) = pick(*index) {
                    self.ask(sim, counter);
                }
            }
            Event::Kill(index) => pick(*index)
                .into_iter()
                .for_each(|pid| sim.node().kill(pid)),
            Event::Birth(count) => self.birth(sim, *count),
            Event::BadBirth => self.birth(sim, -1_000_000),
        }
    }

    fn ask(&self, sim: &Sim, counter: Pid) {
        let (told, vsn) = (
            self.told.clone(),
            self.modules.current("counter").unwrap().vsn(),
        );
        let node = sim.node();
        node.sys_request(counter, SysMessage::GetState, move |state| {
            // A counter that has ended does not answer.
            if let Ok(state) = state {
                told.lock().unwrap().push((vsn, state.to_string()));
            }
        });
    }

    fn birth(&self, sim: &Sim, count: i64) {
        let slot = Slot::default();
        self.born.lock().unwrap().push(slot.clone());
        give_birth(sim.node(), self.row, count, slot);
    }
}

impl Row {
    /// A counter that was asked before the decision answers with its old or its new state; a counter that was asked
    /// after the decision answers with its new state.
    fn check_told(&self, before: &str, is_changed: bool) -> Result<(), TestCaseError> {
        for (asked_in, state) in std::mem::take(&mut *self.told.lock().unwrap()) {
            let vsn = if state.contains("step") {
                "2.0.0"
            } else {
                "1.0.0"
            };
            let waited = is_changed && asked_in == before && vsn != before;
            prop_assert!(vsn == asked_in || waited, "{} asked in {}", state, asked_in);
        }
        Ok(())
    }
}

/// The steps of each counter, from the lines of the counters. The steps of a counter must be an unbroken chain.
fn steps_taken(lines: &[String], model: &mut Model) -> Result<BTreeMap<Pid, u32>, TestCaseError> {
    let mut taken = BTreeMap::new();
    for line in lines {
        let (pid, told) = line.split_once(' ').unwrap();
        let pid: Pid = pid.parse().unwrap();
        let count = count_of(told);
        let step = if told.ends_with("1.0.0") { 1 } else { 10 };
        if let Some(before) = model.sum.insert(pid, count) {
            let stepped = count - before;
            // Each conversion down keeps a step that is one larger beside the process.
            prop_assert!(
                stepped == step || (step == 10 && (10..20).contains(&stepped)),
                "{} after {}",
                line,
                before
            );
        }
        *taken.entry(pid).or_insert(0) += 1;
    }
    Ok(taken)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_a_transaction_is_whole_or_nothing(rounds in prop::collection::vec(round(), 1..5), counters in 1_i64..20) {
        let mut rig = Rig::new();
        let row = rig.sim.start(start("row", &())).unwrap();
        let modules = rig.modules.clone();
        let row = Row { row, sent: Mutex::default(), born: Mutex::default(), told: Arc::default(), modules };
        for count in 0..counters {
            row.birth(&rig.sim, 10_000 + count);
        }
        rig.sim.settle();
        let mut model = Model { sum: BTreeMap::new() };
        let mut version = "1.0.0";
        for round in rounds {
            let (way, next) = if version == "1.0.0" { (UP, "2.0.0") } else { (DOWN, "1.0.0") };
            let mut plan = plan(&rig.modules, way, &["counter"]);
            plan.slice = round.slice;
            let mut events = round.events.iter().cycle();
            let outcome = rig.change(plan, way.0, |sim, step| {
                if step < 40 {
                    row.happen(sim, events.next().unwrap());
                }
            });
            rig.sim.run_ms(10);
            row.check_told(version, outcome.is_ok())?;
            if outcome.is_ok() {
                version = next;
            }
            check(&mut rig, &row, version, &mut model)?;
        }
    }
}

/// All live counters have one version, and each has taken every step that was sent to it once.
fn check(rig: &mut Rig, row: &Row, version: &str, model: &mut Model) -> Result<(), TestCaseError> {
    for process in rig.sim.processes() {
        prop_assert!(!process.held, "{:?} is still held", process);
        if process.module == "counter" {
            prop_assert_eq!(&process.vsn, version, "{:?}", process);
        }
    }
    let lines = rig.lines_by_pid();
    let taken = steps_taken(&lines, model)?;
    let live = row.live(&rig.sim);
    for (pid, sent) in std::mem::take(&mut *row.sent.lock().unwrap()) {
        if live.contains(&pid) {
            prop_assert_eq!(
                taken.get(&pid).copied().unwrap_or(0),
                sent,
                "steps of {}",
                pid
            );
        }
    }
    let unborn = row
        .born
        .lock()
        .unwrap()
        .iter()
        .filter(|slot| slot.lock().unwrap().is_none())
        .count();
    prop_assert_eq!(unborn, 0, "a start was never answered");
    Ok(())
}

//! Transactions: all states convert and the new versions are in force, or nothing has changed.

use std::cell::Cell;
use std::sync::{Arc, Mutex};

use pq_abi::Direction;
use pq_abi::raw::LibraryTable;
use pq_abi::spec::{self, ManagerRequest, SupReply, SupRequest};
use pq_otp::upgrade::{
    Abort, Board, Committed, Conversion, Driver, OnOverrun, Plan, Target, Transaction,
};
use pq_otp::{Ask, Atom, Envelope, Modules, Node, Payload, Pid, Question, RequestError, Sim};
use pq_sdk::Strategy;

use crate::fixture::{self, Count};
use crate::fixture_next;
use crate::rig::{Linked, Rig, child, config, encode, payload, start, tree};

#[path = "transaction/crowd.rs"]
mod crowd;
#[path = "transaction/held.rs"]
mod held;
#[path = "transaction/lazy.rs"]
mod lazy;
#[path = "transaction/live.rs"]
mod live;
#[path = "transaction/moving.rs"]
mod moving;
#[path = "transaction/random.rs"]
mod random;
#[path = "transaction/residues.rs"]
mod residues;
#[path = "transaction/restarts.rs"]
mod restarts;
#[path = "transaction/settling.rs"]
mod settling;
#[path = "transaction/through.rs"]
mod through;

/// A simulation that runs a closure between two steps of a transaction.
struct Meddler<'a> {
    sim: &'a mut Sim,
    step: u32,
    meddle: &'a mut dyn FnMut(&mut Sim, u32),
}

impl Driver for Meddler<'_> {
    fn node(&self) -> &Node {
        self.sim.node()
    }

    fn now_ms(&self) -> u64 {
        Sim::now_ms(self.sim)
    }

    fn begin(&mut self, board: &Arc<Board>) {
        self.sim.begin(board);
    }

    fn step(&mut self, board: &Arc<Board>) {
        self.step += 1;
        (self.meddle)(self.sim, self.step);
        self.sim.step(board);
    }

    fn replace_worker(&mut self, board: &Arc<Board>) {
        self.sim.replace_worker(board);
    }
}

impl Ask for Meddler<'_> {
    fn ask(&mut self, timeout_ms: u64, question: Question<'_>) -> Result<Payload, RequestError> {
        self.sim.ask(timeout_ms, question)
    }
}

/// A simulation whose shard can be stopped while time passes.
struct Still<'a> {
    sim: &'a mut Sim,
    stands: &'a Cell<bool>,
    still_ms: u64,
}

impl Driver for Still<'_> {
    fn node(&self) -> &Node {
        self.sim.node()
    }

    fn now_ms(&self) -> u64 {
        self.sim.now_ms() + self.still_ms
    }

    fn begin(&mut self, board: &Arc<Board>) {
        self.sim.begin(board);
    }

    fn step(&mut self, board: &Arc<Board>) {
        match self.stands.get() {
            true => self.still_ms += 1_000,
            false => self.sim.step(board),
        }
    }

    fn replace_worker(&mut self, board: &Arc<Board>) {
        self.sim.replace_worker(board);
    }
}

impl Ask for Still<'_> {
    fn ask(&mut self, timeout_ms: u64, question: Question<'_>) -> Result<Payload, RequestError> {
        self.sim.ask(timeout_ms, question)
    }
}

const UP: (&LibraryTable, Direction) = (&fixture_next::LIBRARY, Direction::Up);
const DOWN: (&LibraryTable, Direction) = (&fixture::LIBRARY, Direction::Down);

/// A plan that changes these modules to their other version, each with `code_change`.
fn plan(
    modules: &Linked,
    (library, direction): (&'static LibraryTable, Direction),
    changed: &[&str],
) -> Plan {
    let preview = modules.preview(library);
    let target = |name: &&str| Target {
        module: preview.current(name).unwrap(),
        conversion: Conversion::CodeChange {
            direction,
            extra: Vec::new(),
        },
        through: Vec::new(),
    };
    Plan {
        targets: changed.iter().map(target).collect(),
        modules: Arc::new(preview),
        removed: vec![],
        suspend_timeout_ms: 5_000,
        code_change_timeout_ms: 5_000,
        on_overrun: OnOverrun::Abort,
        slice: Plan::SLICE,
        trial: false,
    }
}

impl Rig {
    /// Carries out a transaction, with `meddle` before each of its steps.
    fn change(
        &mut self,
        plan: Plan,
        library: &'static LibraryTable,
        mut meddle: impl FnMut(&mut Sim, u32),
    ) -> Result<Committed, Abort> {
        let modules = self.modules.clone();
        let mut driver = Meddler {
            sim: &mut self.sim,
            step: 0,
            meddle: &mut meddle,
        };
        let mut transaction = Transaction::begin(&mut driver, plan);
        transaction.copy()?;
        let committed = transaction.hold()?.commit(|| modules.load(library));
        self.sim.settle();
        Ok(committed)
    }

    fn up(&mut self, changed: &[&str]) -> Result<Committed, Abort> {
        let plan = plan(&self.modules, UP, changed);
        self.change(plan, UP.0, |_, _| ())
    }

    fn tells(&mut self, counter: Pid) -> String {
        self.ask(counter, &Count::Tell)
    }

    fn counter(&mut self, count: i64) -> Pid {
        self.begin(&format!("c{count}"), "counter", &(count,))
            .unwrap()
    }
}

fn step_of(sim: &Sim, counter: Pid) {
    let step = Envelope::Cast(payload(&Count::Step));
    sim.node().signal(pq_otp::Signal::Deliver(counter, step));
}

#[test]
fn every_state_goes_up_and_down_again() {
    let mut rig = Rig::new();
    let counters: Vec<Pid> = (20..30).map(|count| rig.counter(count)).collect();
    let committed = rig.up(&["counter"]).unwrap();
    assert_eq!(committed.processes["counter"], 10);
    // No process had a message to handle meanwhile.
    assert_eq!((committed.pauses_us.len(), committed.killed), (0, 0));
    assert_eq!(rig.tells(counters[3]), "\"23 by 2.0.0\"");
    let down = plan(&rig.modules, DOWN, &["counter"]);
    rig.change(down, DOWN.0, |_, _| ()).unwrap();
    assert_eq!(rig.tells(counters[9]), "\"29 by 1.0.0\"");
}

#[test]
fn what_happens_between_copy_and_hold_is_not_lost() {
    let mut rig = Rig::new();
    let counter = rig.counter(100);
    let plan = plan(&rig.modules, UP, &["counter"]);
    let mut steps = 0;
    let meddle = |sim: &mut Sim, _| {
        steps += 1;
        step_of(sim, counter);
    };
    rig.change(plan, UP.0, meddle).unwrap();
    let lines = rig.lines();
    assert!(
        steps > 2 && lines.len() == steps,
        "{steps} steps: {lines:?}"
    );
    let old = lines.iter().filter(|line| line.contains("1.0.0")).count();
    let new = steps - old;
    assert!(
        lines[old..].iter().all(|line| line.contains("2.0.0")),
        "{lines:?}"
    );
    let count = 100 + old + 10 * new;
    assert_eq!(rig.tells(counter), format!("\"{count} by 2.0.0\""));
}

#[test]
fn a_time_out_that_is_due_while_its_process_is_held_comes_to_the_new_version() {
    let mut rig = Rig::new();
    let counter = rig.counter(30);
    let wait = Envelope::Cast(payload(&Count::WaitAtMost(100)));
    rig.deliver(counter, wait);
    rig.sim.settle();
    let plan = plan(&rig.modules, UP, &["counter"]);
    let mut was_held = false;
    let meddle = |sim: &mut Sim, _| {
        if Sim::processes(sim).iter().any(|process| process.held) {
            was_held = true;
            sim.run_ms(200);
        }
    };
    rig.change(plan, UP.0, meddle).unwrap();
    assert!(was_held);
    assert_eq!(rig.lines(), ["c30 30 alone by 2.0.0"]);
}

#[test]
fn one_state_that_does_not_convert_leaves_all_as_they_were() {
    for (count, expected) in [
        (-1, "{negative,\"count\"}"),
        (13, "{panic,\"no counter stands at thirteen, at "),
        (
            17,
            "{not_pure,\"a conversion may only read, and this one wanted Cast\"}",
        ),
        (
            313,
            "{bottom,\"{system_limit,\\\"calls between modules nest too deep\\\"}\"}",
        ),
    ] {
        let mut rig = Rig::new();
        let others: Vec<Pid> = (20..90).map(|count| rig.counter(count)).collect();
        let bad = rig.counter(count);
        let abort = rig.up(&["counter"]).unwrap_err();
        let Abort::Convert(failed) = &abort else {
            panic!("{abort}")
        };
        assert_eq!(
            (failed.pid, failed.state.as_str()),
            (bad, &*format!("#{{count => {count}}}"))
        );
        assert!(failed.reason.to_string().starts_with(expected), "{abort}");
        for (counter, count) in others.into_iter().zip(20..) {
            assert_eq!(rig.tells(counter), format!("\"{count} by 1.0.0\""));
        }
        assert_eq!(rig.tells(bad), format!("\"{count} by 1.0.0\""));
    }
}

/// The shard receives the decision and the next transaction together, without a turn between them.
#[test]
fn a_shard_that_stood_still_lets_go_of_one_transaction_before_it_begins_the_next() {
    let mut rig = Rig::new();
    let counter = rig.counter(40);
    let stands = Cell::new(false);
    let mut driver = Still {
        sim: &mut rig.sim,
        stands: &stands,
        still_ms: 0,
    };
    let first = plan(&rig.modules, UP, &["counter"]);
    let mut transaction = Transaction::begin(&mut driver, first);
    transaction.copy().unwrap();
    let held = transaction.hold().unwrap();
    stands.set(true);
    drop(held);
    assert!(rig.sim.processes().iter().any(|process| process.held));
    let committed = rig.up(&["counter"]).unwrap();
    assert_eq!(committed.processes["counter"], 1);
    assert_eq!(rig.tells(counter), "\"40 by 2.0.0\"");
}

/// The counter counts to thirteen after its copy has been converted.
#[test]
fn a_state_that_fails_only_when_it_is_held_is_found_then() {
    let mut rig = Rig::new();
    let (counter, other) = (rig.counter(12), rig.counter(50));
    let plan = plan(&rig.modules, UP, &["counter"]);
    let abort = rig.change(plan, UP.0, |sim, step| {
        if step == 2 {
            step_of(sim, counter);
            step_of(sim, other);
        }
    });
    assert!(matches!(abort, Err(Abort::Convert(_))), "{abort:?}");
    assert_eq!(rig.lines(), ["c12 13 by 1.0.0", "c50 51 by 1.0.0"]);
    assert_eq!(rig.tells(other), "\"51 by 1.0.0\"");
}

#[test]
fn births_wait_for_the_decision_and_have_the_version_that_it_brings() {
    for (last, expected) in [(50, "2.0.0"), (-1, "1.0.0")] {
        let mut rig = Rig::new();
        let row = rig.sim.start(start("row", &())).unwrap();
        let first = rig.counter(last);
        let plan = plan(&rig.modules, UP, &["counter"]);
        let born = Slot::default();
        let slot = born.clone();
        let _ = rig.change(plan, UP.0, |sim, step| {
            if step == 2 {
                give_birth(sim.node(), row, 7, slot.clone());
                sim.settle();
            }
        });
        rig.sim.settle();
        let born = born.lock().unwrap().expect("it was born");
        assert_eq!(rig.tells(born), format!("\"7 by {expected}\""));
        assert_eq!(rig.tells(first), format!("\"{last} by {expected}\""));
    }
}

type Slot = Arc<Mutex<Option<Pid>>>;

/// Lets a row start a counter, and puts its pid into the slot.
fn give_birth(node: &Node, row: Pid, count: i64, slot: Slot) {
    let request = spec::encode(&SupRequest::StartChild(encode(&(count,))));
    node.request(row, &request, move |reply| {
        let reply: SupReply = spec::decode(&reply.unwrap()).unwrap();
        let SupReply::Started(pid) = reply else {
            panic!("{reply:?}")
        };
        *slot.lock().unwrap() = pid;
    });
}

#[test]
fn a_process_that_ends_while_it_is_held_is_out_and_its_successor_is_new() {
    let mut rig = Rig::new();
    let spec = crate::rig::worker("counter", start("counter", &(30_i64,)));
    let sup = rig
        .sim
        .start(tree(Strategy::OneForOne, vec![spec]))
        .unwrap();
    let child_of = |rig: &Rig| {
        let processes = rig.sim.processes();
        let child = processes
            .into_iter()
            .find(|process| process.parent == Some(sup));
        child.unwrap().pid
    };
    let before = child_of(&rig);
    let mut plan = plan(&rig.modules, UP, &["counter"]);
    plan.slice = 1;
    rig.change(plan, UP.0, |sim, _| {
        let node = sim.node();
        let is_held = Sim::processes(sim).iter().any(|process| process.held);
        if is_held && node.is_alive(before) {
            node.kill(before);
        }
    })
    .unwrap();
    let after = child_of(&rig);
    assert_ne!(before, after);
    assert_eq!(rig.tells(after), "\"30 by 2.0.0\"");
}

#[test]
fn a_manager_converts_its_handlers_and_one_that_is_added_meanwhile_is_new() {
    let mut rig = Rig::new();
    let [old, empty] = ["old", "empty"].map(|name| rig.begin(name, "bell", &()).unwrap());
    let add = |to| {
        let request = ManagerRequest::AddHandler(Atom::from_static("ear"), encode(&("x",)));
        (to, spec::encode(&request))
    };
    let (to, request) = add(old);
    rig.sim.call(to, &request, 1_000).unwrap();
    rig.deliver(old, Envelope::Event(payload("ding")));
    let plan = plan(&rig.modules, UP, &["ear"]);
    let node = rig.sim.node().clone();
    rig.change(plan, UP.0, |_, step| {
        if step == 2 {
            let (to, request) = add(empty);
            node.request(to, &request, |_| ());
        }
    })
    .unwrap();
    rig.lines();
    for bell in [old, empty] {
        rig.deliver(bell, Envelope::Event(payload("dong")));
    }
    rig.sim.settle();
    let expected = ["old ear 2: dong, heard 2", "empty ear 2: dong, heard 1"];
    assert_eq!(rig.lines(), expected);
}

#[test]
fn a_supervisor_takes_its_new_flags_and_a_wrong_specification_stops_the_transaction() {
    for (intensity, taken) in [(2, true), (95, false)] {
        let mut rig = Rig::new();
        let mut spec = crate::rig::sup_spec(Strategy::OneForOne, vec![child("a", vec![])]);
        spec.flags.intensity = intensity;
        let sup = rig.sim.start(start("tree", &(spec,))).unwrap();
        let outcome = rig.up(&["tree"]);
        assert_eq!(outcome.is_ok(), taken, "{outcome:?}");
        let children = rig
            .sim
            .ask_supervisor(sup, &SupRequest::CountChildren, 60_000)
            .unwrap();
        assert!(
            format!("{children:?}").contains("active: 1"),
            "{children:?}"
        );
    }
}

#[test]
fn what_a_version_keeps_beside_a_process_comes_back_to_it() {
    let mut rig = Rig::new();
    let counter = rig.counter(40);
    rig.up(&["counter"]).unwrap();
    let down = plan(&rig.modules, DOWN, &["counter"]);
    rig.change(down, DOWN.0, |_, _| ()).unwrap();
    rig.up(&["counter"]).unwrap();
    rig.deliver(counter, Envelope::Cast(payload(&Count::Step)));
    rig.sim.settle();
    // The step was 10; the conversion down has kept a step that is one larger.
    assert_eq!(rig.lines(), ["c40 51 by 2.0.0"]);
}

#[test]
fn the_extra_of_the_appup_reaches_the_conversion() {
    let mut rig = Rig::new();
    let counter = rig.counter(40);
    let mut plan = plan(&rig.modules, UP, &["counter"]);
    plan.targets[0].conversion = Conversion::CodeChange {
        direction: Direction::Up,
        extra: encode(&3_i64),
    };
    rig.change(plan, UP.0, |_, _| ()).unwrap();
    rig.deliver(counter, Envelope::Cast(payload(&Count::Step)));
    rig.sim.settle();
    assert_eq!(rig.lines(), ["c40 43 by 2.0.0"]);
}

#[test]
fn processes_of_a_removed_module_end_with_it_and_only_when_it_is_decided() {
    for (count, ends) in [(50, true), (-1, false)] {
        let mut rig = Rig::new();
        let (counter, actor) = (rig.counter(count), rig.actor("a", vec![]));
        let mut plan = plan(&rig.modules, UP, &["counter"]);
        plan.removed.push("actor".to_string());
        let outcome = rig.change(plan, UP.0, |_, _| ());
        assert_eq!(outcome.is_ok_and(|committed| committed.killed == 1), ends);
        assert_eq!(rig.is_alive(actor), !ends);
        assert!(rig.is_alive(counter));
    }
}

#[test]
fn a_trial_holds_nobody_and_says_who_does_not_come_back_the_same() {
    let mut rig = Rig::new();
    let counter = rig.counter(60);
    let mut plan = plan(&rig.modules, UP, &["counter"]);
    plan.trial = true;
    let progress = Transaction::begin(&mut rig.sim, plan).try_all().unwrap();
    assert_eq!(
        (progress.converted, progress.differing, progress.held),
        (1, 0, 0)
    );
    assert_eq!(rig.tells(counter), "\"60 by 1.0.0\"");
}

#[test]
fn a_module_that_is_only_loaded_carries_its_states_over() {
    let mut rig = Rig::new();
    let counter = rig.counter(70);
    let bytes = |rig: &mut Rig| {
        rig.sim.sys(
            counter,
            pq_otp::sys::SysMessage::GetState,
            pq_otp::sys::TIMEOUT_MS,
        )
    };
    let before = bytes(&mut rig).unwrap();
    let mut plan = plan(&rig.modules, UP, &["counter"]);
    plan.targets[0].conversion = Conversion::Carry;
    // The next version has one more field: an export of the old version is not its state.
    let abort = rig.change(plan, UP.0, |_, _| ()).unwrap_err();
    assert!(
        abort.to_string().contains("missing field `step`"),
        "{abort}"
    );
    assert_eq!(bytes(&mut rig).unwrap(), before);
}

/// The bell receives so many events between copy and hold that it reads the request for a handler behind the gate.
#[test]
fn a_manager_that_waits_for_a_handler_has_heard_all_that_came_before() {
    const DONGS: u32 = 36_000;
    let mut rig = Rig::new();
    let counters: Vec<Pid> = (0..200).map(|count| rig.counter(100_000 + count)).collect();
    let bell = rig.begin("bell", "bell", &()).unwrap();
    let add = |name: &str| {
        let request = ManagerRequest::AddHandler(Atom::from_static("ear"), encode(&(name,)));
        spec::encode(&request)
    };
    rig.sim.call(bell, &add("x"), 1_000).unwrap();
    let mut plan = plan(&rig.modules, UP, &["ear", "counter"]);
    plan.slice = 1;
    let (node, modules) = (rig.sim.node().clone(), rig.modules.clone());
    let send = |to, envelope| node.signal(pq_otp::Signal::Deliver(to, envelope));
    let mut transaction = Transaction::begin(&mut rig.sim, plan);
    transaction.copy().unwrap();
    for counter in &counters {
        send(*counter, Envelope::Cast(payload(&Count::Step)));
    }
    for _ in 0..DONGS {
        send(bell, Envelope::Event(payload("dong")));
    }
    node.request(bell, &add("y"), |_| ());
    let held = transaction.hold().unwrap();
    held.commit(|| modules.load(UP.0));
    rig.sim.settle();
    rig.lines();
    rig.deliver(bell, Envelope::Event(payload("last")));
    rig.sim.settle();
    let heard = format!("heard {}", DONGS + 1);
    let lines = rig.lines();
    assert!(lines.iter().any(|line| line.ends_with(&heard)), "{lines:?}");
}

/// The count in a counter's answer.
fn count_of(told: &str) -> i64 {
    told.trim_matches('"')
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

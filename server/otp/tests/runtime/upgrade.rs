//! `code_change` between two versions of a library, and the state after a failure.

use pq_abi::Direction;
use pq_abi::spec::{self, ManagerRequest};
use pq_otp::sys::SysMessage;
use pq_otp::{Ask, Atom, Envelope, Pid};
use proptest::prelude::*;

use crate::fixture::Count;
use crate::rig::{Rig, child, encode, payload, tree};

fn sys(rig: &mut Rig, to: Pid, message: SysMessage) -> String {
    rig.sim
        .sys(to, message, pq_otp::sys::TIMEOUT_MS)
        .unwrap()
        .to_string()
}

fn change(direction: Direction, module: &str) -> SysMessage {
    SysMessage::ChangeCode {
        module: module.to_string(),
        direction,
        vsn: "1.0.0".to_string(),
        extra: encode(&()),
    }
}

fn vsn(rig: &Rig, pid: Pid) -> String {
    rig.sim
        .processes()
        .into_iter()
        .find(|process| process.pid == pid)
        .unwrap()
        .vsn
}

#[test]
fn a_state_goes_up_and_down_and_messages_that_wait_reach_the_new_code() {
    let mut rig = Rig::new();
    let counter = rig.begin("counter", "counter", &(7_i64,)).unwrap();
    for (direction, step, version) in [
        (Direction::Up, 10, "2.0.0"),
        (Direction::Down, 1, "1.0.0"),
        // On the way down the counter keeps a step that is one larger.
        (Direction::Up, 11, "2.0.0"),
    ] {
        let before: i64 = rig
            .ask(counter, &Count::Tell)
            .trim_matches('"')
            .split(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        sys(&mut rig, counter, SysMessage::Suspend);
        rig.deliver(counter, Envelope::Cast(payload(&Count::Step)));
        match direction {
            Direction::Up => rig.modules.upgrade(),
            Direction::Down => rig.modules.downgrade(),
        }
        assert_eq!(sys(&mut rig, counter, change(direction, "counter")), "ok");
        assert_eq!(rig.lines(), Vec::<String>::new(), "it is still suspended");
        assert_eq!(sys(&mut rig, counter, SysMessage::Resume), "ok");
        assert_eq!(
            rig.lines(),
            [format!("counter {} by {version}", before + step)]
        );
        assert_eq!(vsn(&rig, counter), version);
    }
}

#[test]
fn a_process_that_nobody_changes_stays_with_its_code_and_new_ones_have_the_new() {
    let mut rig = Rig::new();
    let old = rig.begin("old", "counter", &(1_i64,)).unwrap();
    rig.modules.upgrade();
    let new = rig.begin("new", "counter", &(1_i64,)).unwrap();
    assert_eq!(rig.ask(old, &Count::Tell), "\"1 by 1.0.0\"");
    assert_eq!(rig.ask(new, &Count::Tell), "\"1 by 2.0.0\"");
}

#[test]
fn a_conversion_that_fails_leaves_state_and_code() {
    for (count, expected) in [
        (-1_i64, "{error,{negative,\"count\"}}"),
        (13, "{error,{panic,\"no counter stands at thirteen, at "),
    ] {
        let mut rig = Rig::new();
        let counter = rig.begin("counter", "counter", &(count,)).unwrap();
        sys(&mut rig, counter, SysMessage::Suspend);
        rig.modules.upgrade();
        let answer = sys(&mut rig, counter, change(Direction::Up, "counter"));
        assert!(answer.starts_with(expected), "{answer}");
        sys(&mut rig, counter, SysMessage::Resume);
        assert_eq!(
            rig.ask(counter, &Count::Tell),
            format!("\"{count} by 1.0.0\"")
        );
    }
}

#[test]
fn a_version_that_the_state_does_not_have_is_refused() {
    let mut rig = Rig::new();
    let counter = rig.begin("counter", "counter", &(1_i64,)).unwrap();
    sys(&mut rig, counter, SysMessage::Suspend);
    rig.modules.upgrade();
    let message = SysMessage::ChangeCode {
        module: "counter".to_string(),
        direction: Direction::Up,
        vsn: "0.9.0".to_string(),
        extra: encode(&()),
    };
    let expected =
        "{error,{bad_vsn,\"between counter-2.0.0 and counter-1.0.0, not version 0.9.0\"}}";
    assert_eq!(sys(&mut rig, counter, message), expected);
}

#[test]
fn a_manager_converts_the_handlers_of_the_module_and_only_them() {
    let mut rig = Rig::new();
    let bell = rig.begin("bell", "bell", &()).unwrap();
    for handler in ["ear", "eye"] {
        let request = ManagerRequest::AddHandler(Atom::from_static(handler), encode(&("x",)));
        rig.sim.call(bell, &spec::encode(&request), 1_000).unwrap();
    }
    rig.deliver(bell, Envelope::Event(payload("ding")));
    sys(&mut rig, bell, SysMessage::Suspend);
    rig.modules.upgrade();
    assert_eq!(sys(&mut rig, bell, change(Direction::Up, "ear")), "ok");
    let expected = "[{eye,false,#{heard => 1}},{ear,false,#{heard => 1,understood => 0}}]";
    assert_eq!(sys(&mut rig, bell, SysMessage::GetState), expected);
    rig.deliver(bell, Envelope::Event(payload("dong")));
    rig.lines();
    sys(&mut rig, bell, SysMessage::Resume);
    assert_eq!(rig.lines(), ["bell eye: dong", "bell ear 2: dong, heard 2"]);
}

#[test]
fn a_supervisor_takes_new_flags_and_keeps_its_children() {
    let mut rig = Rig::new();
    let sup = rig
        .sim
        .start(tree(pq_sdk::Strategy::OneForOne, vec![child("a", vec![])]))
        .unwrap();
    let child_of = |rig: &Rig| {
        rig.sim
            .processes()
            .into_iter()
            .find(|process| process.parent == Some(sup))
    };
    let before = child_of(&rig).unwrap().pid;
    sys(&mut rig, sup, SysMessage::Suspend);
    rig.modules.upgrade();
    assert_eq!(sys(&mut rig, sup, change(Direction::Up, "tree")), "ok");
    sys(&mut rig, sup, SysMessage::Resume);
    assert_eq!(child_of(&rig).unwrap().pid, before);
    // Two restarts were permitted; the new version permits five more.
    for _ in 0..7 {
        let pid = child_of(&rig).unwrap().pid;
        rig.exit(pid, "kill");
    }
    assert!(rig.is_alive(sup));
    let pid = child_of(&rig).unwrap().pid;
    rig.exit(pid, "kill");
    assert!(!rig.is_alive(sup));
}

/// A step of an operator who upgrades, or of a client meanwhile.
#[derive(Clone, Copy, Debug)]
enum Op {
    Step,
    Suspend,
    Resume,
    Load(Direction),
    /// Change to the version that is loaded.
    Change,
}

/// The model of a counter, as `sys(3)` describes it.
struct Model {
    count: i64,
    runs: Direction,
    loaded: Direction,
    suspended: bool,
    waiting: i64,
    /// The step size of the newer version; each conversion down keeps a step that is one larger.
    step: i64,
}

impl Model {
    /// Takes a step in the model; returns the expected answer.
    fn step(&mut self, op: Op) -> &'static str {
        let answer = match op {
            Op::Change if !self.suspended => {
                "{error,{unknown_system_msg,{change_code,\"counter\"}}}"
            }
            Op::Suspend | Op::Resume | Op::Change => "ok",
            Op::Step | Op::Load(_) => "",
        };
        match op {
            Op::Step => self.waiting += 1,
            Op::Suspend => self.suspended = true,
            Op::Resume => self.suspended = false,
            Op::Load(version) => self.loaded = version,
            Op::Change if self.suspended => {
                self.step += i64::from(self.loaded == Direction::Down);
                self.runs = self.loaded;
            }
            Op::Change => (),
        }
        if !self.suspended {
            let step = if self.runs == Direction::Up {
                self.step
            } else {
                1
            };
            self.count += step * std::mem::take(&mut self.waiting);
        }
        answer
    }

    /// Whether the step makes sense: a process of the loaded version is not asked to change to it.
    fn wants(&self, op: Op) -> bool {
        !matches!(op, Op::Change) || self.runs != self.loaded
    }
}

/// Above 13, a count that the next version refuses.
const BEGIN: i64 = 1_000;

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_message_is_lost_or_counted_twice_however_upgrades_and_messages_mix(ops in prop::collection::vec(op(), 1..60)) {
        let mut rig = Rig::new();
        let counter = rig.begin("counter", "counter", &(BEGIN,)).unwrap();
        let way = Direction::Down;
        let mut model = Model { count: BEGIN, runs: way, loaded: way, suspended: false, waiting: 0, step: 10 };
        for (at, op) in ops.iter().enumerate() {
            if !model.wants(*op) {
                continue;
            }
            let answer = perform(&mut rig, counter, *op, model.loaded);
            prop_assert_eq!(answer, model.step(*op), "step {}: {:?}", at, op);
            let state = rig.sim.sys(counter, SysMessage::GetState, pq_otp::sys::TIMEOUT_MS).unwrap();
            let count = state.as_map().and_then(|map| map.get(&pq_otp::Term::atom("count")).cloned());
            prop_assert_eq!(count, Some(pq_otp::Term::from(model.count)), "step {}: {:?}", at, op);
        }
    }
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => Just(Op::Step),
        2 => Just(Op::Suspend),
        1 => Just(Op::Resume),
        2 => prop::sample::select(vec![Direction::Up, Direction::Down]).prop_map(Op::Load),
        3 => Just(Op::Change),
    ]
}

/// Carries out a step; returns the answer, if the step has one.
fn perform(rig: &mut Rig, counter: Pid, op: Op, loaded: Direction) -> String {
    match op {
        Op::Step => rig.deliver(counter, Envelope::Cast(payload(&Count::Step))),
        Op::Suspend => return sys(rig, counter, SysMessage::Suspend),
        Op::Resume => return sys(rig, counter, SysMessage::Resume),
        Op::Load(Direction::Up) => rig.modules.upgrade(),
        Op::Load(Direction::Down) => rig.modules.downgrade(),
        Op::Change => return sys(rig, counter, change(loaded, "counter")),
    }
    rig.sim.settle();
    String::new()
}

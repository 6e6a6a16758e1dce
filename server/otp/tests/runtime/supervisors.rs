//! Supervisors with real processes (`supervisor(3)`). The state machine has its own tests.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use pq_abi::spec::{ChildCount, ChildSpec, Restart, Strategy, SupReply, SupRequest};
use pq_otp::{Ask, News, Notice, Notices, Pid, Term};
use proptest::prelude::{ProptestConfig, any, prop, prop_assert, prop_assert_eq, proptest};

use crate::actor::Do;
use crate::rig::{Rig, child, encode, say, start, tree, worker};

/// A child that notes its birth and, when it is told to end, its end.
fn noisy(id: &'static str) -> ChildSpec {
    child(id, vec![say(&format!("{id} born")), Do::Trap(true)])
}

fn begin(rig: &mut Rig, strategy: Strategy, children: Vec<ChildSpec>) -> Pid {
    let sup = rig.sim.start(tree(strategy, children)).unwrap();
    rig.call_it("sup", sup);
    sup
}

fn ask(rig: &mut Rig, sup: Pid, request: SupRequest) -> SupReply {
    rig.sim.ask_supervisor(sup, &request, 60_000).unwrap()
}

/// The pid of the child with this id.
fn pid(rig: &mut Rig, sup: Pid, id: &'static str) -> Pid {
    match ask(rig, sup, SupRequest::WhichChildren) {
        SupReply::Children(children) => children
            .into_iter()
            .find(|child| child.id == Term::atom(id))
            .and_then(|child| child.pid)
            .unwrap(),
        other => panic!("{other:?}"),
    }
}

fn started(reply: SupReply) -> Pid {
    match reply {
        SupReply::Started(Some(pid)) => pid,
        other => panic!("{other:?}"),
    }
}

/// The lines without their writers.
fn words(rig: &mut Rig) -> Vec<String> {
    rig.lines()
        .iter()
        .map(|line| line.split_once(' ').unwrap().1.to_string())
        .collect()
}

fn error(word: &'static str) -> SupReply {
    SupReply::Error(Term::atom(word))
}

#[test]
fn who_is_restarted_is_what_the_strategy_says() {
    let death = "terminate shutdown";
    for (strategy, expected) in [
        (Strategy::OneForOne, vec!["b born"]),
        (Strategy::RestForOne, vec![death, "b born", "c born"]),
        (
            Strategy::OneForAll,
            vec![death, death, "a born", "b born", "c born"],
        ),
    ] {
        let mut rig = Rig::new();
        let sup = begin(&mut rig, strategy, vec![noisy("a"), noisy("b"), noisy("c")]);
        assert_eq!(words(&mut rig), ["a born", "b born", "c born"]);
        let b = pid(&mut rig, sup, "b");
        rig.exit(b, "kill");
        assert_eq!(words(&mut rig), expected, "{strategy:?}");
        assert_ne!(pid(&mut rig, sup, "b"), b);
    }
}

/// A listener that keeps all notices, while they are wanted.
#[derive(Default)]
struct Listener {
    is_wanted: AtomicBool,
    notices: Mutex<Vec<Notice>>,
}

impl Notices for Listener {
    fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Relaxed)
    }

    fn notice(&self, notice: Notice) {
        self.notices.lock().unwrap().push(notice);
    }
}

#[test]
fn failures_and_restarts_are_counted_and_told_to_a_listener_that_wants_them() {
    let mut rig = Rig::new();
    let listener = Arc::<Listener>::default();
    assert!(rig.sim.node().tell_notices(listener.clone()));
    let sup = begin(&mut rig, Strategy::OneForOne, vec![noisy("a"), noisy("b")]);
    let a = pid(&mut rig, sup, "a");
    rig.exit(a, "kill");
    assert!(listener.notices.lock().unwrap().is_empty());
    listener.is_wanted.store(true, Ordering::Relaxed);
    let (a, b) = (pid(&mut rig, sup, "a"), pid(&mut rig, sup, "b"));
    rig.exit(a, "kill");
    let next = pid(&mut rig, sup, "a");
    rig.exit(b, "kill");
    let notices = listener.notices.lock().unwrap();
    let told: Vec<_> = notices
        .iter()
        .map(|notice| (notice.child.as_str(), notice.pid, notice.news.clone()))
        .collect();
    let failed = || News::Failed("killed".to_string());
    let expected = [
        ("a", Some(a), failed()),
        ("a", Some(next), News::Restarted),
        ("b", Some(b), failed()),
        ("b", None, News::GivenUp),
    ];
    assert_eq!(told, expected);
    assert!(
        notices.iter().all(|notice| notice.supervisor == "tree"),
        "{notices:?}"
    );
    let counters = rig.sim.counters();
    assert_eq!((counters.restarts, counters.given_up), (2, 1));
    let counts = rig.sim.node().counts();
    let actors = counts[&("actor".to_string(), "1.0.0".to_string())];
    assert_eq!((actors.started, actors.ended, actors.failed), (4, 4, 3));
}

#[test]
fn children_end_in_reverse_order_and_each_before_the_next_is_told() {
    let mut rig = Rig::new();
    let sup = begin(&mut rig, Strategy::OneForOne, vec![noisy("a"), noisy("b")]);
    let (a, b) = (pid(&mut rig, sup, "a"), pid(&mut rig, sup, "b"));
    rig.call_it("a", a);
    rig.call_it("b", b);
    rig.lines();
    rig.exit(sup, "shutdown");
    assert_eq!(
        rig.lines(),
        ["b terminate shutdown", "a terminate shutdown"]
    );
    assert_eq!(rig.sim.processes(), []);
}

#[test]
fn too_many_restarts_end_the_supervisor_and_its_children() {
    let mut rig = Rig::new();
    let sup = begin(&mut rig, Strategy::OneForOne, vec![noisy("a"), noisy("b")]);
    rig.actor("w", vec![Do::Monitor(sup)]);
    for _ in 0..3 {
        assert!(rig.is_alive(sup));
        let a = pid(&mut rig, sup, "a");
        rig.exit(a, "kill");
    }
    let lines = rig.lines();
    assert_eq!(lines.last().unwrap(), "w down sup: shutdown", "{lines:?}");
    assert_eq!(rig.sim.processes().len(), 1);
}

#[test]
fn restarts_that_lie_far_apart_are_borne() {
    let mut rig = Rig::new();
    let sup = begin(&mut rig, Strategy::OneForOne, vec![noisy("a")]);
    for _ in 0..10 {
        let a = pid(&mut rig, sup, "a");
        rig.exit(a, "kill");
        rig.sim.run_ms(3_000);
    }
    assert!(rig.is_alive(sup));
}

#[test]
fn children_are_started_ended_restarted_and_deleted_on_request() {
    let mut rig = Rig::new();
    let sup = begin(&mut rig, Strategy::OneForOne, vec![noisy("a")]);
    let id = || Term::atom("b");
    let b = started(ask(&mut rig, sup, SupRequest::StartSpec(noisy("b"))));
    assert!(rig.is_alive(b));
    let again = ask(&mut rig, sup, SupRequest::StartSpec(noisy("b")));
    assert_eq!(
        again,
        SupReply::Error(Term::tuple([Term::atom("already_started"), Term::from(b)]))
    );
    assert_eq!(
        ask(&mut rig, sup, SupRequest::DeleteChild(id())),
        error("running")
    );
    assert_eq!(
        ask(&mut rig, sup, SupRequest::RestartChild(id())),
        error("running")
    );
    assert_eq!(
        ask(&mut rig, sup, SupRequest::TerminateId(id())),
        SupReply::Ok
    );
    assert!(!rig.is_alive(b));
    assert_eq!(
        ask(&mut rig, sup, SupRequest::StartSpec(noisy("b"))),
        error("already_present")
    );
    let second = started(ask(&mut rig, sup, SupRequest::RestartChild(id())));
    assert!(rig.is_alive(second) && second != b);
    assert_eq!(
        ask(&mut rig, sup, SupRequest::TerminateId(id())),
        SupReply::Ok
    );
    assert_eq!(
        ask(&mut rig, sup, SupRequest::DeleteChild(id())),
        SupReply::Ok
    );
    assert_eq!(
        ask(&mut rig, sup, SupRequest::DeleteChild(id())),
        error("not_found")
    );
    let count = ChildCount {
        specs: 1,
        active: 1,
        supervisors: 0,
        workers: 1,
    };
    assert_eq!(
        ask(&mut rig, sup, SupRequest::CountChildren),
        SupReply::Count(count)
    );
}

#[test]
fn a_child_that_is_told_to_end_is_not_restarted_but_one_that_ends_is() {
    for (restart, reason, lives) in [
        (Restart::Permanent, "normal", true),
        (Restart::Transient, "normal", false),
        (Restart::Transient, "shutdown", false),
        (Restart::Transient, "boom", true),
        (Restart::Temporary, "boom", false),
    ] {
        let mut rig = Rig::new();
        let sup = begin(
            &mut rig,
            Strategy::OneForOne,
            vec![ChildSpec {
                restart,
                ..child("a", vec![])
            }],
        );
        let a = pid(&mut rig, sup, "a");
        rig.tell(a, vec![Do::Stop(Term::atom(reason))]);
        let active = match ask(&mut rig, sup, SupRequest::CountChildren) {
            SupReply::Count(count) => count.active,
            other => panic!("{other:?}"),
        };
        assert_eq!(active == 1, lives, "{restart:?} {reason}");
    }
}

#[test]
fn children_of_one_kind_come_and_go() {
    let mut rig = Rig::new();
    let template = worker(
        "hero",
        pq_abi::spec::Start {
            args: vec![0x90],
            ..start("actor", &())
        },
    );
    let sup = begin(
        &mut rig,
        Strategy::SimpleOneForOne,
        vec![ChildSpec {
            restart: Restart::Temporary,
            ..template
        }],
    );
    let mut heroes = Vec::new();
    for n in 0..5 {
        let args = (vec![say(&format!("hero {n}"))],);
        heroes.push(started(ask(
            &mut rig,
            sup,
            SupRequest::StartChild(encode(&args)),
        )));
    }
    assert_eq!(
        words(&mut rig),
        ["hero 0", "hero 1", "hero 2", "hero 3", "hero 4"]
    );
    let refused = ask(
        &mut rig,
        sup,
        SupRequest::StartChild(encode(&(vec![Do::Stop(Term::atom("no"))],))),
    );
    assert_eq!(refused, error("no"));
    assert_eq!(
        ask(&mut rig, sup, SupRequest::TerminatePid(heroes[2])),
        SupReply::Ok
    );
    rig.exit(heroes[3], "boom");
    let count = ChildCount {
        specs: 1,
        active: 3,
        supervisors: 0,
        workers: 3,
    };
    assert_eq!(
        ask(&mut rig, sup, SupRequest::CountChildren),
        SupReply::Count(count)
    );
    assert_eq!(
        ask(&mut rig, sup, SupRequest::TerminateId(Term::atom("hero"))),
        error("simple_one_for_one")
    );
    rig.exit(sup, "shutdown");
    assert_eq!(rig.sim.processes(), []);
}

#[test]
fn a_killed_supervisor_takes_all_its_descendants_along() {
    let mut rig = Rig::new();
    let below = worker(
        "below",
        tree(Strategy::OneForOne, vec![noisy("x"), noisy("y")]),
    );
    let sup = begin(
        &mut rig,
        Strategy::OneForAll,
        vec![noisy("a"), below, child("b", vec![])],
    );
    assert_eq!(rig.sim.processes().len(), 6);
    rig.exit(sup, "kill");
    assert_eq!(rig.sim.processes(), []);
}

#[test]
fn a_supervisor_whose_child_does_not_start_says_which_and_why() {
    let mut rig = Rig::new();
    let bad = child("bad", vec![Do::Stop(Term::atom("no"))]);
    let failed = rig
        .sim
        .start(tree(
            Strategy::OneForOne,
            vec![noisy("a"), bad.clone(), noisy("c")],
        ))
        .unwrap_err();
    assert_eq!(
        failed.to_string(),
        "the process ended: {shutdown,{failed_to_start_child,bad,no}}"
    );
    assert_eq!(words(&mut rig), ["a born", "terminate shutdown"]);
    assert_eq!(rig.sim.processes(), []);

    let below = worker("below", tree(Strategy::OneForOne, vec![bad]));
    let failed = rig
        .sim
        .start(tree(Strategy::OneForOne, vec![below]))
        .unwrap_err();
    let reason =
        "{shutdown,{failed_to_start_child,below,{shutdown,{failed_to_start_child,bad,no}}}}";
    assert_eq!(failed.to_string(), format!("the process ended: {reason}"));
    assert_eq!(rig.sim.processes(), []);
}

#[test]
fn a_supervisor_that_is_killed_while_it_starts_has_failed_to_start() {
    let mut rig = Rig::new();
    let murderer = child("b", vec![Do::ExitParent(Term::atom("kill"))]);
    let failed = rig
        .sim
        .start(tree(
            Strategy::OneForOne,
            vec![noisy("a"), murderer, noisy("c")],
        ))
        .unwrap_err();
    assert_eq!(failed.to_string(), "the process ended: killed");
    assert_eq!(rig.sim.processes(), []);
}

#[test]
fn a_child_whose_init_says_ignore_is_kept_without_a_process() {
    let mut rig = Rig::new();
    let sup = begin(
        &mut rig,
        Strategy::OneForOne,
        vec![child("a", vec![Do::Ignore]), noisy("b")],
    );
    let count = ChildCount {
        specs: 2,
        active: 1,
        supervisors: 0,
        workers: 2,
    };
    assert_eq!(
        ask(&mut rig, sup, SupRequest::CountChildren),
        SupReply::Count(count)
    );
}

#[test]
fn a_spec_that_is_no_spec_is_refused_at_the_start() {
    let mut rig = Rig::new();
    let twice = rig
        .sim
        .start(tree(Strategy::OneForOne, vec![noisy("a"), noisy("a")]))
        .unwrap_err();
    assert_eq!(
        twice.to_string(),
        "the process ended: {start_spec,{duplicate_child_name,a}}"
    );
    assert_eq!(rig.sim.processes(), []);
}

/// A supervision tree of three levels, one strategy per supervisor; every child is permanent.
fn deep(strategies: &[Strategy; 3]) -> pq_abi::spec::Start {
    let [top, left, right] = *strategies;
    let left = worker("left", tree(left, vec![noisy("a"), noisy("b")]));
    let right = worker(
        "right",
        tree(right, vec![noisy("c"), noisy("d"), child("e", vec![])]),
    );
    tree(top, vec![left, noisy("f"), right])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_its_processes_are_killed_a_tree_is_whole_or_gone(
        strategies in prop::array::uniform3(prop::sample::select(vec![Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne])),
        kills in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), 0..4_000_u64), 1..25),
    ) {
        let mut rig = Rig::new();
        let top = rig.sim.start(deep(&strategies)).unwrap();
        for (at, (victim, is_kill, pause_ms)) in kills.into_iter().enumerate() {
            let processes = rig.sim.processes();
            let Some(victim) = (!processes.is_empty()).then(|| victim.get(&processes).pid) else { break };
            rig.exit(victim, if is_kill { "kill" } else { "shutdown" });
            rig.sim.run_ms(pause_ms);
            let processes = rig.sim.processes();
            for process in &processes {
                let parent = process.parent.filter(|_| process.pid != top);
                prop_assert!(parent.is_none_or(|parent| rig.is_alive(parent)), "kill {}: an orphan {:?}", at, process);
            }
            // The top, three processes below it, five below those.
            prop_assert_eq!(processes.len(), if rig.is_alive(top) { 9 } else { 0 }, "kill {}", at);
        }
    }
}

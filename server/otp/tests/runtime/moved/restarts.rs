//! Restarts of processes whose states are kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use pq_abi::spec::{self, ChildSpec, ChildType, Modules, SupReply, SupRequest};
use pq_otp::sys::SysMessage;
use pq_otp::{Ask, Atom, Envelope, Pid, Reason, Term};
use pq_sdk::{Restart, Shutdown, Strategy, SupFlags, SupSpec};

use super::company::Word;
use super::keeper::{Answers, Keeper};
use super::stage::{Dice, Ids, PATIENCE_MS, grow, node, with_desk};
use crate::rig::{Rig, encode, payload, start};

const STRATEGIES: [Strategy; 3] = [
    Strategy::OneForOne,
    Strategy::OneForAll,
    Strategy::RestForOne,
];

fn spec_of(strategy: Strategy, children: Vec<ChildSpec>) -> SupSpec {
    SupSpec {
        flags: SupFlags {
            strategy,
            intensity: 1_000,
            period_s: 1,
        },
        children,
    }
}

fn desk(id: u32) -> ChildSpec {
    let start = start("desk", &(id,));
    ChildSpec {
        id: Term::from(i64::from(id)),
        modules: Modules::Of(vec![start.module]),
        start,
        restart: Restart::Permanent,
        shutdown: Shutdown::Timeout(50),
        kind: ChildType::Worker,
    }
}

fn stem(id: &'static str, spec: SupSpec) -> ChildSpec {
    let start = start("stem", &(spec,));
    ChildSpec {
        id: Term::atom(id),
        modules: Modules::Of(vec![start.module]),
        start,
        restart: Restart::Permanent,
        shutdown: Shutdown::Infinity,
        kind: ChildType::Supervisor,
    }
}

/// A grove with one tree.
fn tree(rig: &mut Rig, restarts: bool, spec: &SupSpec) -> Pid {
    let grove = rig.sim.start(start("grove", &(restarts,))).unwrap();
    grow(&mut rig.sim, grove, spec)
}

/// A node with a tree of so many desks, whose state is kept.
fn kept(strategy: Strategy, desks: u32) -> (Rig, Ids, Arc<Keeper>, Pid) {
    let (mut rig, ids) = node();
    let keeper = Keeper::install(&rig);
    let spec = spec_of(strategy, (0..desks).map(desk).collect());
    let root = tree(&mut rig, false, &spec);
    keeper.keep(&mut rig, root);
    (rig, ids, keeper, root)
}

fn serve(rig: &mut Rig, ids: &Ids, id: u32) -> u64 {
    let desk = ids.find(id).unwrap();
    rig.ask(desk, &Word::Beat).parse().unwrap()
}

/// Four desks below supervisors with random strategies.
fn forest(dice: &mut Dice) -> SupSpec {
    let mut strategy = || STRATEGIES[dice.below(3) as usize];
    let inner = spec_of(strategy(), vec![desk(1), desk(2)]);
    spec_of(strategy(), vec![desk(0), stem("inner", inner), desk(3)])
}

/// After each crash, a process that has a new pid is as it was kept last, and any other is as it was.
#[test]
fn restarted_processes_are_as_they_were_kept_and_all_others_live_on() {
    for seed in 0..200 {
        let mut dice = Dice(seed);
        let (mut rig, ids) = node();
        let keeper = Keeper::install(&rig);
        let spec = forest(&mut dice);
        let root = tree(&mut rig, false, &spec);
        keeper.keep(&mut rig, root);
        let (mut live, mut kept) = ([0; 4], [0; 4]);
        let mut came_back = 0;
        for _ in 0..40 {
            let id = dice.below(4) as u32;
            match dice.below(5) {
                0 => {
                    keeper.keep(&mut rig, root);
                    kept = live;
                }
                1 => {
                    let before = ids.all();
                    let victim = match dice.below(4) {
                        0 => inner_of(&rig, &ids),
                        _ => ids.find(id).unwrap(),
                    };
                    rig.exit(victim, "boom");
                    came_back += check(&before, &ids.all(), &mut live, &kept);
                }
                _ => {
                    live[id as usize] += 1;
                    let served = serve(&mut rig, &ids, id);
                    assert_eq!(
                        served,
                        live[id as usize],
                        "seed {seed}, {keeper:?}",
                        keeper = keeper.log()
                    );
                }
            }
        }
        assert!(rig.is_alive(root) && came_back > 0, "seed {seed}");
        assert_eq!(rig.sim.processes().len(), 7, "seed {seed}");
        for id in 0..4 {
            assert_eq!(
                serve(&mut rig, &ids, id),
                live[id as usize] + 1,
                "seed {seed}"
            );
        }
    }
}

/// The supervisor of the desks 1 and 2.
fn inner_of(rig: &Rig, ids: &Ids) -> Pid {
    let desk = ids.find(1).unwrap();
    let mut all = rig.sim.processes().into_iter();
    all.find(|info| info.pid == desk).unwrap().parent.unwrap()
}

/// Expects kept numbers of the processes that are new. Returns how many are.
fn check(
    before: &BTreeMap<u32, Pid>,
    after: &BTreeMap<u32, Pid>,
    live: &mut [u64; 4],
    kept: &[u64; 4],
) -> usize {
    assert_eq!(after.len(), 4, "all have their names again");
    let new = after.iter().filter(|(id, pid)| before[id] != **pid);
    let new: Vec<usize> = new.map(|(id, _)| *id as usize).collect();
    for id in &new {
        live[*id] = kept[*id];
    }
    new.len()
}

/// The company acts on its own, and crashes on its own: links, monitors, requests, handlers, timers, mailboxes.
#[test]
fn a_company_that_comes_back_from_kept_states_goes_on() {
    for seed in 0..60 {
        let mut dice = Dice(seed);
        let (mut rig, ids) = node();
        let keeper = Keeper::install(&rig);
        let grove = rig.sim.start(start("grove", &(false,))).unwrap();
        let spec = super::stage::Tree::new(&mut dice).stem(2);
        let SupReply::Started(Some(root)) = rig
            .sim
            .ask_supervisor(
                grove,
                &SupRequest::StartChild(encode(&(spec,))),
                PATIENCE_MS,
            )
            .unwrap()
        else {
            panic!("seed {seed}");
        };
        for _ in 0..60 {
            if rig.is_alive(root) && dice.below(3) == 0 {
                let copy = pq_otp::moved::Moving::copy_out(&mut rig.sim, root, PATIENCE_MS);
                if copy.is_ok() {
                    keeper.keep(&mut rig, root);
                }
            }
            if dice.below(8) == 0 {
                keeper.grow_old();
            }
            let all: Vec<Pid> = ids.all().into_values().collect();
            if !all.is_empty() && dice.below(3) == 0 {
                let victim = all[dice.below(all.len() as u64) as usize];
                rig.exit(victim, "boom");
            }
            rig.sim.run_ms(dice.below(40));
        }
        let alive = rig.sim.processes();
        for info in &alive {
            let parent = info.parent.filter(|parent| parent.as_raw() != 0);
            assert!(
                parent.is_none_or(|parent| rig.is_alive(parent)),
                "seed {seed}: {} has no parent",
                info.pid
            );
        }
        rig.exit(grove, "kill");
        rig.sim.run_ms(1_000);
        assert!(ids.all().is_empty(), "seed {seed}: nothing is left");
    }
}

#[test]
fn a_process_without_a_kept_state_starts_anew() {
    let (mut rig, ids) = node();
    let keeper = Keeper::install(&rig);
    let root = tree(
        &mut rig,
        false,
        &spec_of(Strategy::OneForOne, vec![desk(0)]),
    );
    serve(&mut rig, &ids, 0);
    rig.exit(ids.find(0).unwrap(), "boom");
    assert_eq!((serve(&mut rig, &ids, 0), keeper.log()), (1, vec![]));
    keeper.keep(&mut rig, root);
    let added = SupRequest::StartSpec(desk(1));
    rig.sim.ask_supervisor(root, &added, PATIENCE_MS).unwrap();
    serve(&mut rig, &ids, 1);
    rig.exit(ids.find(1).unwrap(), "boom");
    assert_eq!(serve(&mut rig, &ids, 1), 1);
    assert_eq!(keeper.log(), ["restart 1 Some(\"boom\")"]);
}

#[test]
fn one_failure_restarts_several_and_only_the_first_has_the_reason() {
    let (mut rig, ids, keeper, _) = kept(Strategy::OneForAll, 3);
    rig.exit(ids.find(1).unwrap(), "boom");
    assert_eq!(
        keeper.log(),
        [
            "restart 0 Some(\"boom\")",
            "restart 1 None",
            "restart 2 None"
        ]
    );
}

#[test]
fn an_answer_that_comes_late_or_never_leaves_the_process_out() {
    let (mut rig, ids, keeper, root) = kept(Strategy::OneForOne, 2);
    *keeper.answers.lock().unwrap() = Answers::Later;
    rig.exit(ids.find(0).unwrap(), "boom");
    let copy = pq_otp::moved::Moving::copy_out(&mut rig.sim, root, PATIENCE_MS);
    assert!(copy.unwrap_err().to_string().starts_with("not yet: "));
    rig.sim.run_ms(4_990);
    assert_eq!((ids.find(0), keeper.log().len()), (None, 1));
    rig.sim.run_ms(20);
    assert_eq!(keeper.log(), ["late"]);
    let late = keeper.waiting.lock().unwrap().pop().unwrap();
    keeper.answer(rig.sim.node(), &late);
    rig.sim.settle();
    assert_eq!((ids.find(0), rig.sim.processes().len()), (None, 3));
    *keeper.answers.lock().unwrap() = Answers::Never;
    rig.exit(ids.find(1).unwrap(), "boom");
    assert_eq!((ids.find(1), rig.is_alive(root)), (None, true));
    rig.sim.run_ms(10_000);
    assert_eq!(
        keeper.log(),
        ["restart 1 Some(\"boom\")"],
        "no timer is left"
    );
}

/// The supervisor is told to end, or killed, while a state is read.
#[test]
fn an_answer_for_a_supervisor_that_ends_starts_nothing() {
    for kill in [false, true] {
        let (mut rig, ids, keeper, root) = kept(Strategy::OneForOne, 2);
        *keeper.answers.lock().unwrap() = Answers::Later;
        rig.exit(ids.find(0).unwrap(), "boom");
        let grove = rig.sim.node().whereis("grove").unwrap();
        match kill {
            true => rig.exit(root, "kill"),
            false => rig.sim.node().request(
                grove,
                &spec::encode(&SupRequest::TerminatePid(root)),
                |_| (),
            ),
        }
        rig.sim.settle();
        let waiting = std::mem::take(&mut *keeper.waiting.lock().unwrap());
        keeper.answer(rig.sim.node(), &waiting[0]);
        rig.sim.run_ms(10_000);
        assert_eq!(rig.sim.processes().len(), 1, "kill: {kill}");
        assert!(ids.all().is_empty() && !keeper.log().contains(&"late".to_string()));
    }
}

#[test]
fn the_end_of_a_root_is_an_order_a_restart_or_a_failure() {
    let (mut rig, ids) = node();
    let keeper = Keeper::install(&rig);
    let mut spec = spec_of(Strategy::OneForOne, vec![desk(0)]);
    spec.flags.intensity = 0;
    let root = tree(&mut rig, false, &spec);
    rig.exit(ids.find(0).unwrap(), "boom");
    assert!(!rig.is_alive(root));
    let root = grow_again(&mut rig, &spec);
    rig.exit(root, "kill");
    let root = grow_again(&mut rig, &spec);
    let order = SupRequest::TerminatePid(root);
    let grove = rig.sim.node().whereis("grove").unwrap();
    rig.sim.ask_supervisor(grove, &order, PATIENCE_MS).unwrap();
    assert_eq!(
        keeper.log(),
        ["Failure(Shutdown)", "Failure(Killed)", "Order"]
    );
}

fn grow_again(rig: &mut Rig, spec: &SupSpec) -> Pid {
    let grove = rig.sim.node().whereis("grove").unwrap();
    grow(&mut rig.sim, grove, spec)
}

#[test]
fn a_root_that_its_supervisor_restarts_comes_back_with_all_below_it() {
    let (mut rig, ids) = node();
    let keeper = Keeper::install(&rig);
    let root = tree(&mut rig, true, &with_desk(4));
    for _ in 0..4 {
        serve(&mut rig, &ids, 4);
    }
    keeper.keep(&mut rig, root);
    for _ in 0..3 {
        serve(&mut rig, &ids, 4);
        let desk = ids.find(4).unwrap();
        let mut all = rig.sim.processes().into_iter();
        let root = all.find(|info| info.pid == desk).unwrap().parent.unwrap();
        rig.exit(root, "kill");
        assert_eq!(serve(&mut rig, &ids, 4), 5);
        assert_eq!(
            keeper.log(),
            ["Restart", "restart  Some(\"killed\")", "replaced"]
        );
    }
}

/// A call in the mailbox of the kept state was answered when the process ended, and is not served a second time.
#[test]
fn a_call_that_waited_is_answered_once() {
    let (mut rig, ids) = node();
    let keeper = Keeper::install(&rig);
    let root = tree(&mut rig, false, &with_desk(0));
    let desk = ids.find(0).unwrap();
    rig.sim.sys(desk, SysMessage::Suspend, PATIENCE_MS).unwrap();
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    let list = outcomes.clone();
    let note = move |reply: Result<_, Reason>| list.lock().unwrap().push(reply.is_ok());
    rig.sim.node().request(desk, &encode(&Word::Beat), note);
    rig.deliver(desk, Envelope::Cast(payload(&Word::Beat)));
    rig.sim.settle();
    keeper.keep(&mut rig, root);
    rig.exit(desk, "kill");
    let desk = ids.find(0).unwrap();
    rig.sim.sys(desk, SysMessage::Resume, PATIENCE_MS).unwrap();
    rig.sim.settle();
    assert_eq!(rig.lines().len(), 1, "the cast is there");
    assert_eq!(rig.ask(desk, &Word::Beat), "1");
    assert_eq!(*outcomes.lock().unwrap(), [false]);
}

/// Handlers of the subtree itself come back. One that refers to a process outside does not: that process heard of the end.
#[test]
fn handlers_come_back_unless_a_process_outside_has_added_them() {
    let (mut rig, ids) = node();
    let keeper = Keeper::install(&rig);
    let hall = ChildSpec {
        start: start("hall", &(2_u32, 9_u32, 7_u64)),
        ..desk(2)
    };
    let root = tree(&mut rig, false, &spec_of(Strategy::OneForOne, vec![hall]));
    let outside = rig.actor("outside", vec![]);
    let handlers = |rig: &mut Rig, ids: &Ids| {
        let ask = spec::encode(&spec::ManagerRequest::WhichHandlers);
        let hall = ids.find(2).unwrap();
        let reply = rig.sim.call(hall, &ask, PATIENCE_MS).unwrap();
        match spec::decode(&reply).unwrap() {
            spec::ManagerReply::Handlers(handlers) => handlers.len(),
            other => panic!("{other:?}"),
        }
    };
    let mut number = 0_u64;
    while handlers(&mut rig, &ids) < 2 {
        let args = encode(&(number as u32, number));
        let add = spec::ManagerRequest::AddHandler(Atom::from_static("guest"), args);
        let hall = ids.find(2).unwrap();
        rig.sim
            .call(hall, &spec::encode(&add), PATIENCE_MS)
            .unwrap();
        number += 1;
    }
    keeper.keep(&mut rig, root);
    rig.exit(ids.find(2).unwrap(), "kill");
    assert_eq!(handlers(&mut rig, &ids), 2);
    // A guest that stays has learned the pid, and refers to it from now on.
    while {
        let hello = payload(&Word::Hello(outside));
        rig.deliver(ids.find(2).unwrap(), Envelope::Event(hello));
        rig.sim.settle();
        handlers(&mut rig, &ids) == 2
    } {}
    let left = handlers(&mut rig, &ids);
    keeper.keep(&mut rig, root);
    rig.exit(ids.find(2).unwrap(), "kill");
    assert_eq!((handlers(&mut rig, &ids), left < 2), (0, true));
}

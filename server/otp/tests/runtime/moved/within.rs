//! Subtrees that leave a node and return, while others call them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use pq_abi::spec::{ChildInfo, SupReply, SupRequest};
use pq_otp::moved::{Moving, NotMoved, Under};
use pq_otp::{Ask, Envelope, Node, Pid, Reason, RequestError, Term, Threads};
use pq_sdk::Strategy;

use super::company::{self, Word};
use super::stage::{Dice, Ids, PATIENCE_MS, below, grow, node, put, with_desk};
use crate::actor::Do;
use crate::rig::{Rig, child, config, encode, payload, say, start, tree};

/// The outcomes of one call from outside.
type Outcomes = Arc<Mutex<Vec<Result<u64, Reason>>>>;

fn call(node: &Node, desk: Pid) -> Outcomes {
    let outcomes = Outcomes::default();
    let list = outcomes.clone();
    node.request(desk, &encode(&Word::Step(1)), move |reply| {
        let reply = reply.map(|reply| rmp_serde::from_slice(&reply).unwrap());
        list.lock().unwrap().push(reply);
    });
    outcomes
}

/// Takes the subtree out and puts it back; returns its new root.
fn move_it(rig: &mut Rig, root: Pid, grove: Pid) -> Pid {
    let subtree = rig.sim.take_out(root, PATIENCE_MS).unwrap();
    assert!(!rig.is_alive(root));
    rig.sim
        .put_in(put(subtree, below(grove)), PATIENCE_MS)
        .unwrap()
}

#[test]
fn no_call_is_lost_or_answered_twice_while_the_process_moves() {
    for seed in 0..100 {
        let mut dice = Dice(seed);
        let (mut rig, ids) = node();
        let grove = rig.sim.start(start("grove", &(seed % 2 == 0,))).unwrap();
        let mut root = grow(&mut rig.sim, grove, &with_desk(0));
        let (mut calls, mut casts) = (Vec::new(), 0);
        for _ in 0..100 {
            let desk = ids.find(0).unwrap();
            match dice.below(5) {
                0 => root = move_it(&mut rig, root, grove),
                1 => rig.sim.run_ms(dice.below(4)),
                2 => {
                    casts += 1;
                    rig.deliver(desk, Envelope::Cast(payload(&Word::Beat)));
                }
                _ => calls.push(call(rig.sim.node(), desk)),
            }
        }
        rig.sim.run_ms(100);
        for outcomes in &calls {
            let outcomes = outcomes.lock().unwrap();
            assert!(matches!(outcomes[..], [Ok(_)]), "seed {seed}: {outcomes:?}");
        }
        assert_eq!(rig.lines().len(), casts, "seed {seed}");
        let last = call(rig.sim.node(), ids.find(0).unwrap());
        rig.sim.run_ms(100);
        assert_eq!(
            *last.lock().unwrap(),
            [Ok(calls.len() as u64 + 1)],
            "seed {seed}"
        );
    }
}

#[test]
fn a_subtree_that_has_left_is_no_child_and_is_not_restarted_and_its_old_pids_are_dead() {
    let (mut rig, ids) = node();
    let grove = rig.sim.start(start("grove", &(true,))).unwrap();
    let root = grow(&mut rig.sim, grove, &with_desk(4));
    let desk = ids.find(4).unwrap();
    let subtree = rig.sim.take_out(root, PATIENCE_MS).unwrap();
    assert_eq!(children(&mut rig, grove), []);
    assert_eq!((ids.find(4), rig.sim.processes().len()), (None, 1));
    let gone = call(rig.sim.node(), desk);
    rig.sim.settle();
    assert_eq!(*gone.lock().unwrap(), [Err(Reason::NoProc)]);
    let back = rig
        .sim
        .put_in(put(subtree, below(grove)), PATIENCE_MS)
        .unwrap();
    assert_eq!(children(&mut rig, grove).len(), 1);
    // The supervisor restarts it with the arguments of its first start.
    rig.exit(back, "kill");
    assert!(
        children(&mut rig, grove)[0]
            .pid
            .is_some_and(|pid| pid != back)
    );
    assert!(ids.find(4).is_some());
}

fn children(rig: &mut Rig, supervisor: Pid) -> Vec<ChildInfo> {
    let request = SupRequest::WhichChildren;
    match rig
        .sim
        .ask_supervisor(supervisor, &request, PATIENCE_MS)
        .unwrap()
    {
        SupReply::Children(children) => children,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_child_with_an_id_leaves_its_place_and_takes_it_again() {
    let mut rig = Rig::new();
    let spec = vec![
        child("a", vec![say("a starts")]),
        child("b", vec![say("b starts")]),
    ];
    let root = rig.sim.start(tree(Strategy::OneForAll, spec)).unwrap();
    let pid_of = |rig: &mut Rig, id| {
        let all = children(rig, root);
        all.into_iter()
            .find(|child| child.id == Term::atom(id))
            .unwrap()
            .pid
    };
    let a = pid_of(&mut rig, "a").unwrap();
    let subtree = rig.sim.take_out(a, PATIENCE_MS).unwrap();
    assert_eq!(pid_of(&mut rig, "a"), None);
    let under = |id| {
        let id = Some(Term::atom(id));
        Some(Under {
            supervisor: root,
            id,
        })
    };
    let taken = rig
        .sim
        .put_in(put(subtree.clone(), under("b")), PATIENCE_MS);
    assert!(taken.unwrap_err().to_string().contains("running"));
    rig.lines();
    let back = rig
        .sim
        .put_in(put(subtree, under("a")), PATIENCE_MS)
        .unwrap();
    assert_eq!(pid_of(&mut rig, "a"), Some(back));
    assert_eq!(rig.lines(), Vec::<String>::new(), "no `init` has run");
    rig.exit(back, "boom");
    assert_eq!(rig.lines().len(), 2, "both start again");
}

#[test]
fn links_monitors_and_callers_outside_of_a_subtree_hold_when_it_returns() {
    let mut rig = Rig::new();
    let outsider = rig.actor("outsider", vec![Do::Trap(true)]);
    let friend = rig.actor("friend", vec![]);
    let enemy = rig.actor("enemy", vec![]);
    let hero = rig.actor(
        "hero",
        vec![Do::Trap(true), Do::Monitor(friend), Do::Link(enemy)],
    );
    rig.tell(outsider, vec![Do::Monitor(hero), Do::Link(hero)]);
    rig.tell(outsider, vec![Do::Ask(hero, vec![Do::Keep], 5_000)]);
    let subtree = rig.sim.take_out(hero, PATIENCE_MS).unwrap();
    rig.exit(enemy, "boom");
    let back = rig.sim.put_in(put(subtree, None), PATIENCE_MS).unwrap();
    rig.call_it("hero again", back);
    assert_eq!(rig.lines(), ["hero again exit of enemy: noproc"]);
    rig.exit(friend, "boom");
    rig.tell(back, vec![Do::ReplyKept("late".to_string())]);
    assert_eq!(
        rig.lines(),
        ["hero again down friend: boom", "outsider answer \"late\""]
    );
    rig.exit(back, "kill");
    assert_eq!(
        rig.lines(),
        [
            "outsider exit of hero again: killed",
            "outsider down hero again: killed"
        ]
    );
}

/// Threads, calls by name without a pause, and moves without a pause.
#[test]
fn moves_on_real_threads_lose_no_call() {
    const MOVES: u64 = 60;
    let ids = Ids::default();
    let (mut config, _, modules) = config();
    ids.install(&mut config);
    modules.load(&company::LIBRARY);
    (config.shards, config.supervisors_apart) = (3, true);
    let threads = Threads::start(config).unwrap();
    let node = threads.node().clone();
    let grove = start_on(&node, "grove");
    let mut root = grow(&mut node.asking(), grove, &with_desk(1));
    let (ends, served) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let callers: Vec<_> = (0..2)
        .map(|_| {
            let (node, ids, ends, served) =
                (node.clone(), ids.clone(), ends.clone(), served.clone());
            std::thread::spawn(move || {
                while !ends.load(Ordering::Relaxed) {
                    let Some(desk) = ids.find(1) else { continue };
                    match node.asking().call(desk, &encode(&Word::Beat), 60_000) {
                        Ok(_) => drop(served.fetch_add(1, Ordering::Relaxed)),
                        Err(error) => assert_eq!(error, RequestError::Exit(Reason::NoProc)),
                    }
                }
            })
        })
        .collect();
    for _ in 0..MOVES {
        let subtree = node.asking().take_out(root, 60_000).unwrap();
        root = node
            .asking()
            .put_in(put(subtree, below(grove)), 60_000)
            .unwrap();
        let before = served.load(Ordering::Relaxed);
        while served.load(Ordering::Relaxed) < before + 10 {
            std::thread::yield_now();
        }
    }
    ends.store(true, Ordering::Relaxed);
    callers
        .into_iter()
        .for_each(|caller| caller.join().unwrap());
    let desk = ids.find(1).unwrap();
    let last = node
        .asking()
        .call(desk, &encode(&Word::Beat), 60_000)
        .unwrap();
    let last: u64 = rmp_serde::from_slice(&last).unwrap();
    assert_eq!(last, served.load(Ordering::Relaxed) + 1);
    threads.stop();
}

/// Starts a supervisor without a parent.
fn start_on(node: &Node, module: &'static str) -> Pid {
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    let subtree = {
        // A simulated node starts the supervisor, and its copy moves.
        let (mut rig, _) = super::stage::node();
        let pid = rig.sim.start(start(module, &(false,))).unwrap();
        rig.sim.copy_out(pid, PATIENCE_MS).unwrap()
    };
    node.put_in(put(subtree, None), move |root: Result<Pid, NotMoved>| {
        sender.send(root.unwrap()).unwrap();
    });
    receiver.recv().unwrap()
}

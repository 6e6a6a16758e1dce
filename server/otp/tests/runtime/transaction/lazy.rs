//! Processes between the decision and the swap: a process that has not run since the decision takes its new state when it
//! receives a request or a message, is ordered to end, or is upgraded again. Other processes cannot observe the delay.

use pq_otp::sys::SysMessage;

use super::*;

/// A rig with `counters` counters, and a plan that swaps only few of them per step.
fn slowly(counters: i64) -> (Rig, Vec<Pid>, Plan) {
    let mut rig = Rig::new();
    let pids = (0..counters).map(|count| rig.counter(100 + count));
    let pids = pids.collect();
    let mut plan = plan(&rig.modules, UP, &["counter"]);
    plan.slice = 1;
    (rig, pids, plan)
}

/// Whether the new version is in force.
fn is_decided(modules: &Linked) -> bool {
    modules.current("counter").unwrap().vsn() == "2.0.0"
}

#[test]
fn a_process_that_is_asked_after_the_decision_answers_with_its_new_state() {
    let (mut rig, counters, plan) = slowly(40);
    let (modules, last) = (rig.modules.clone(), counters[39]);
    let answers = Arc::new(Mutex::new(Vec::new()));
    let (list, mut asked) = (answers.clone(), 0);
    rig.change(plan, UP.0, |sim, _| {
        if is_decided(&modules) && asked < 3 {
            asked += 1;
            let list = list.clone();
            sim.node()
                .sys_request(last, SysMessage::GetState, move |state| {
                    list.lock().unwrap().push(state.unwrap().to_string());
                });
        }
    })
    .unwrap();
    let state = "#{count => 139,step => 10}";
    assert_eq!(*answers.lock().unwrap(), [state; 3]);
}

#[test]
fn a_listing_names_the_new_version_of_all_from_the_decision_on() {
    let (mut rig, _, plan) = slowly(40);
    let mut mixed = 0;
    let mut steps = 0;
    rig.change(plan, UP.0, |sim, _| {
        let all = Sim::processes(sim);
        let counters = all.iter().filter(|process| process.module == "counter");
        let new = counters.filter(|process| process.vsn == "2.0.0").count();
        steps += usize::from(new == 40);
        mixed += usize::from(new != 0 && new != 40);
    })
    .unwrap();
    assert!(mixed == 0 && steps > 5, "{mixed} of {steps}");
}

#[test]
fn messages_behind_the_decision_reach_the_new_code_each_once_and_in_their_order() {
    let (mut rig, counters, plan) = slowly(40);
    let modules = rig.modules.clone();
    let mut sent = 0;
    rig.change(plan, UP.0, |sim, _| {
        if is_decided(&modules) {
            sent += 1;
            step_of(sim, counters[39]);
        }
    })
    .unwrap();
    let expected = (1..=sent).map(|step| format!("c139 {} by 2.0.0", 139 + 10 * step));
    assert!(sent > 5);
    assert_eq!(rig.lines(), expected.collect::<Vec<_>>());
}

#[test]
fn a_process_that_ends_before_it_is_swapped_is_gone_and_its_place_is_free() {
    let (mut rig, counters, plan) = slowly(40);
    let modules = rig.modules.clone();
    let committed = rig.change(plan, UP.0, |sim, _| {
        if is_decided(&modules) {
            sim.node().kill(counters[39]);
        }
    });
    assert_eq!(committed.unwrap().processes["counter"], 39);
    assert!(!rig.is_alive(counters[39]));
    let next = rig.counter(7);
    assert_eq!(next.index(), counters[39].index());
    assert_eq!(rig.tells(next), "\"7 by 2.0.0\"");
}

/// The shard is blocked before it has swapped any process, and the downgrade begins with the states of the upgrade.
#[test]
fn a_second_transaction_finds_every_process_swapped() {
    let (mut rig, counters, up) = slowly(40);
    let modules = rig.modules.clone();
    let stands = Cell::new(false);
    let mut driver = Still {
        sim: &mut rig.sim,
        stands: &stands,
        still_ms: 0,
    };
    let mut transaction = Transaction::begin(&mut driver, up);
    transaction.copy().unwrap();
    let held = transaction.hold().unwrap();
    stands.set(true);
    held.commit(|| modules.load(UP.0));
    let mut down = plan(&rig.modules, DOWN, &["counter"]);
    down.slice = 1;
    let committed = rig.change(down, DOWN.0, |_, _| ()).unwrap();
    assert_eq!(committed.processes["counter"], 40);
    for (counter, count) in counters.into_iter().zip(100..) {
        assert_eq!(rig.tells(counter), format!("\"{count} by 1.0.0\""));
    }
}

#[test]
fn a_process_of_a_module_that_goes_takes_nothing_more() {
    let mut rig = Rig::new();
    let last = rig.actor("a", vec![]);
    for count in 100..140 {
        rig.counter(count);
    }
    let mut plan = plan(&rig.modules, UP, &["counter"]);
    (plan.slice, plan.removed) = (1, vec!["actor".to_string()]);
    let modules = rig.modules.clone();
    let committed = rig.change(plan, UP.0, |sim, _| {
        if is_decided(&modules) {
            let script = payload(&vec![crate::rig::say("it lives")]);
            let message = Envelope::Cast(script);
            sim.node().signal(pq_otp::Signal::Deliver(last, message));
        }
    });
    assert_eq!(committed.unwrap().killed, 1);
    assert_eq!(rig.lines(), Vec::<String>::new());
    assert!(!rig.is_alive(last));
}

/// The walk has passed the event manager when the manager gets the handler, but is not over.
#[test]
fn a_handler_that_is_added_behind_the_walk_is_converted() {
    let mut rig = Rig::new();
    let bell = rig.begin("bell", "bell", &()).unwrap();
    for count in 100..140 {
        rig.counter(count);
    }
    let mut plan = plan(&rig.modules, UP, &["counter", "ear"]);
    plan.slice = 1;
    let request = ManagerRequest::AddHandler(Atom::from_static("ear"), encode(&("x",)));
    let request = spec::encode(&request);
    rig.change(plan, UP.0, |sim, step| {
        if step == 20 {
            sim.node().request(bell, &request, |_| ());
        }
    })
    .unwrap();
    assert_eq!(rig.lines(), ["bell ear: init x"]);
    rig.deliver(bell, Envelope::Event(payload("dong")));
    rig.sim.settle();
    assert_eq!(rig.lines(), ["bell ear 2: dong, heard 1"]);
}

/// Only processes that had messages while they were held have paused.
#[test]
fn a_pause_is_of_a_process_that_had_something_to_do() {
    let (mut rig, counters, plan) = slowly(20);
    let modules = rig.modules.clone();
    let committed = rig.change(plan, UP.0, |sim, _| {
        if !is_decided(&modules) {
            counters[..3]
                .iter()
                .for_each(|counter| step_of(sim, *counter));
        }
    });
    let committed = committed.unwrap();
    assert_eq!((committed.pauses_us.len(), committed.unpaused), (3, 17));
}

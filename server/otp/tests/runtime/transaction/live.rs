//! Transactions under the real clock: traffic from other threads, conversions and callbacks that do not end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pq_otp::application::{Controller, Settings};
use pq_otp::upgrade::Live;
use pq_otp::{Ask, Threads};

use super::*;
use crate::threads::{PATIENCE_MS, begin_application};

/// A node on two threads with this many counters, all at this count.
fn town(counters: u32, count: i64) -> (Threads, Arc<Linked>, Vec<Pid>) {
    let (mut config, _, modules) = config();
    config.shards = 2;
    let threads = Threads::start(config).unwrap();
    let controller = Controller::new(Settings::new(), Settings::new(), Box::new(|_, _| ()));
    threads
        .node()
        .asking()
        .start_native(Box::new(controller), PATIENCE_MS)
        .unwrap();
    begin_application(threads.node(), start("row", &()));
    let pids = (0..counters)
        .map(|_| counter(threads.node(), count))
        .collect();
    (threads, modules, pids)
}

fn counter(node: &Node, count: i64) -> Pid {
    let request = SupRequest::StartChild(encode(&(count,)));
    let row = node.whereis("row").unwrap();
    match node
        .asking()
        .ask_supervisor(row, &request, PATIENCE_MS)
        .unwrap()
    {
        SupReply::Started(Some(pid)) => pid,
        other => panic!("{other:?}"),
    }
}

/// The answer `{count, by version}` of a counter.
fn told(node: &Node, counter: Pid) -> String {
    let reply = node
        .asking()
        .call(counter, &encode(&Count::Tell), PATIENCE_MS)
        .unwrap();
    pq_term::msgpack::from_msgpack(&reply).unwrap().to_string()
}

#[test]
fn a_conversion_that_does_not_end_is_given_up_and_its_process_plays_on_or_is_killed() {
    for (on_overrun, survives) in [(OnOverrun::Abort, true), (OnOverrun::Kill, false)] {
        let (threads, modules, counters) = town(40, 500);
        let node = threads.node().clone();
        let stuck = counter(&node, 19);
        let mut plan = plan(&modules, UP, &["counter"]);
        (plan.code_change_timeout_ms, plan.on_overrun) = (100, on_overrun);
        let mut live = Live::new(node.clone());
        let mut transaction = Transaction::begin(&mut live, plan);
        let held = transaction.copy().and_then(|_| transaction.hold());
        let outcome = held.map(|held| held.commit(|| modules.load(UP.0)));
        assert_eq!(outcome.is_err(), survives, "{outcome:?}");
        assert_eq!(node.is_alive(stuck), survives);
        given_up(&node, 1);
        let version = if survives { "1.0.0" } else { "2.0.0" };
        for counter in counters {
            assert_eq!(told(&node, counter), format!("\"500 by {version}\""));
        }
        threads.stop();
    }
}

#[test]
fn up_and_down_under_traffic_on_two_threads_no_step_is_lost() {
    const COUNTERS: u32 = 300;
    const STEPS: u64 = 20_000;
    let (threads, modules, counters) = town(COUNTERS, 1_000);
    let node = threads.node().clone();
    let traffic = {
        let (node, counters) = (node.clone(), counters.clone());
        std::thread::spawn(move || {
            for step in 0..STEPS {
                let counter = counters[(step % u64::from(COUNTERS)) as usize];
                let message = Envelope::Cast(payload(&Count::Step));
                node.signal(pq_otp::Signal::Deliver(counter, message));
                if step % 50 == 0 {
                    told(&node, counter);
                }
            }
        })
    };
    let mut rounds = 0;
    while !traffic.is_finished() || rounds < 4 {
        for way in [UP, DOWN] {
            let mut live = Live::new(node.clone());
            let plan = plan(&modules, way, &["counter"]);
            let mut transaction = Transaction::begin(&mut live, plan);
            transaction.copy().unwrap();
            let held = transaction.hold().unwrap();
            let committed = held.commit(|| modules.load(way.0));
            assert_eq!(committed.processes["counter"], u64::from(COUNTERS));
        }
        rounds += 1;
    }
    traffic.join().unwrap();
    let (mut steps, mut old) = (0, 0);
    for counter in &counters {
        let told = told(&node, *counter);
        assert!(told.ends_with("by 1.0.0\""), "{told}");
        steps += count_of(&told) - 1_000;
        old += 1;
    }
    // A step adds one in the old version and at least ten in the new one.
    assert!(
        old == COUNTERS && steps >= STEPS as i64,
        "{steps} of {STEPS}"
    );
    threads.stop();
}

#[test]
fn a_callback_that_does_not_end_stops_the_transaction_and_nobody_else() {
    let (threads, modules, counters) = town(40, 500);
    let node = threads.node().clone();
    // One counter works for longer than the transaction waits.
    let busy = counters[7];
    let work = Envelope::Cast(payload(&Count::Work(3_000)));
    node.signal(pq_otp::Signal::Deliver(busy, work));
    let mut plan = plan(&modules, UP, &["counter"]);
    (plan.suspend_timeout_ms, plan.code_change_timeout_ms) = (200, 100);
    let mut live = Live::new(node.clone());
    let mut transaction = Transaction::begin(&mut live, plan);
    let held = transaction.copy().and_then(|_| transaction.hold());
    let outcome = held.map(drop);
    // The tests in `stalls` check the name of the callback, and leave the time to find it.
    assert!(
        matches!(outcome, Err(Abort::Copy { .. } | Abort::Stalled(_))),
        "{outcome:?}"
    );
    for counter in counters {
        assert_eq!(told(&node, counter), "\"500 by 1.0.0\"");
    }
    threads.stop();
}

/// Waits until this many conversions run that were given up.
fn given_up(node: &Node, count: u64) {
    let deadline = Instant::now() + Duration::from_millis(PATIENCE_MS);
    while node.conversions_given_up() != count {
        let now = node.conversions_given_up();
        assert!(Instant::now() < deadline, "{now} instead of {count}");
        std::thread::yield_now();
    }
}

#[test]
fn a_conversion_that_ends_too_late_is_not_counted_any_more() {
    let (threads, modules, _) = town(4, 500);
    let node = threads.node().clone();
    counter(&node, 23);
    let mut plan = plan(&modules, UP, &["counter"]);
    plan.code_change_timeout_ms = 100;
    let mut live = Live::new(node.clone());
    let mut transaction = Transaction::begin(&mut live, plan);
    let outcome = transaction.copy();
    transaction.abort();
    assert!(matches!(outcome, Err(Abort::Overrun { .. })), "{outcome:?}");
    given_up(&node, 0);
    threads.stop();
}

#[test]
fn who_is_to_be_killed_plays_on_until_it_is_decided() {
    let (threads, modules, _) = town(4, 500);
    let node = threads.node().clone();
    let stuck = counter(&node, 19);
    let patient = |trial| {
        let mut plan = plan(&modules, UP, &["counter"]);
        (plan.code_change_timeout_ms, plan.on_overrun) = (100, OnOverrun::Kill);
        plan.trial = trial;
        plan
    };
    let mut live = Live::new(node.clone());
    let tried = Transaction::begin(&mut live, patient(true)).try_all();
    assert_eq!(tried.map(|progress| progress.doomed), Ok(1));
    assert_eq!(told(&node, stuck), "\"19 by 1.0.0\"");
    let mut transaction = Transaction::begin(&mut live, patient(false));
    transaction.copy().unwrap();
    transaction.abort();
    assert_eq!(told(&node, stuck), "\"19 by 1.0.0\"");
    threads.stop();
}

/// The children of this supervisor are born on other shards than its own, and one of them is always being restarted.
#[test]
fn a_supervisor_that_restarts_children_on_other_shards_is_held_in_time() {
    let (mut config, _, modules) = config();
    (config.shards, config.supervisors_apart) = (3, true);
    let threads = Threads::start(config).unwrap();
    let node = threads.node().clone();
    let controller = Controller::new(Settings::new(), Settings::new(), Box::new(|_, _| ()));
    let controller = Box::new(controller);
    node.asking().start_native(controller, PATIENCE_MS).unwrap();
    let children =
        ["a", "b", "c", "d"].map(|id| crate::rig::worker(id, start("counter", &(500_i64,))));
    let mut spec = crate::rig::sup_spec(Strategy::OneForOne, children.into());
    spec.flags.intensity = 900_000;
    begin_application(&node, start("tree", &(spec,)));
    let counters = |node: &Node| {
        let all = node.asking().processes(PATIENCE_MS).unwrap().into_iter();
        all.filter(|process| process.module == "counter")
    };
    let is_over = Arc::new(AtomicBool::new(false));
    let kills = {
        let (node, is_over) = (node.clone(), is_over.clone());
        std::thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                counters(&node).for_each(|process| node.kill(process.pid));
            }
        })
    };
    for way in [UP, DOWN].into_iter().cycle().take(20) {
        let mut live = Live::new(node.clone());
        let plan = plan(&modules, way, &["counter", "tree"]);
        let mut transaction = Transaction::begin(&mut live, plan);
        transaction.copy().unwrap();
        transaction.hold().unwrap().commit(|| modules.load(way.0));
    }
    is_over.store(true, Ordering::Relaxed);
    kills.join().unwrap();
    let versions = || counters(&node).map(|counter| counter.vsn);
    let deadline = Instant::now() + Duration::from_millis(PATIENCE_MS);
    while versions().count() < 4 {
        assert!(Instant::now() < deadline, "not all children are back");
        std::thread::yield_now();
    }
    assert!(versions().all(|vsn| vsn == "1.0.0"));
    threads.stop();
}

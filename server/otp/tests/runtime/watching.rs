//! Monitors (`erlang:monitor/2`): one `Down` each, whenever the watched ends or has ended.

use pq_otp::Term;

use crate::actor::Do;
use crate::house::{House, say};

#[test]
fn each_monitor_tells_once() {
    let mut house = House::new();
    let b = house.actor("b", vec![]);
    house.actor("a", vec![Do::Monitor(b), Do::Monitor(b)]);
    house.actor("c", vec![Do::Monitor(b)]);
    house.tell(b, vec![Do::Stop(Term::atom("normal"))]);
    let mut lines = house.lines();
    lines.sort();
    assert_eq!(
        lines,
        [
            "a down b: normal",
            "a down b: normal",
            "b terminate normal",
            "c down b: normal"
        ]
    );
}

#[test]
fn the_monitor_of_a_dead_process_says_noproc() {
    let mut house = House::new();
    let b = house.actor("b", vec![]);
    house.exit(b, "kill");
    house.actor("a", vec![Do::Monitor(b)]);
    house.sim.settle();
    assert_eq!(house.lines(), ["a down b: noproc"]);
}

#[test]
fn who_monitors_no_more_hears_nothing_even_of_an_end_that_lies_in_the_mailbox() {
    let mut house = House::new();
    let b = house.actor("b", vec![]);
    let a = house.actor("a", vec![Do::Monitor(b)]);
    house.tell(a, vec![Do::Demonitor]);
    house.exit(b, "boom");
    assert_eq!(house.lines(), Vec::<String>::new());

    // As `demonitor(Monitor, [flush])`.
    let b = house.actor("b", vec![]);
    house.tell(a, vec![Do::Monitor(b)]);
    house.post(a, vec![Do::Exit(b, Term::atom("boom")), say("exit sent")]);
    house.post(a, vec![Do::Demonitor]);
    house.sim.settle();
    assert_eq!(house.lines(), ["a exit sent"]);
    assert!(!house.is_alive(b));
}

#[test]
fn a_monitored_process_does_not_hear_of_its_watcher() {
    let mut house = House::new();
    let b = house.actor("b", vec![Do::Trap(true)]);
    let a = house.actor("a", vec![Do::Monitor(b)]);
    house.exit(a, "kill");
    house.exit(b, "boom");
    assert_eq!(house.lines(), ["b terminate boom"]);
}

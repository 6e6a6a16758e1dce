//! Monitors (`erlang:monitor/2`): each reports once, for processes that end or have ended.

use pq_otp::Term;

use crate::actor::Do;
use crate::rig::{Rig, say};

#[test]
fn each_monitor_tells_once() {
    let mut rig = Rig::new();
    let b = rig.actor("b", vec![]);
    rig.actor("a", vec![Do::Monitor(b), Do::Monitor(b)]);
    rig.actor("c", vec![Do::Monitor(b)]);
    rig.tell(b, vec![Do::Stop(Term::atom("normal"))]);
    let mut lines = rig.lines();
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
    let mut rig = Rig::new();
    let b = rig.actor("b", vec![]);
    rig.exit(b, "kill");
    rig.actor("a", vec![Do::Monitor(b)]);
    rig.sim.settle();
    assert_eq!(rig.lines(), ["a down b: noproc"]);
}

#[test]
fn who_monitors_no_more_hears_nothing_even_of_an_end_that_lies_in_the_mailbox() {
    let mut rig = Rig::new();
    let b = rig.actor("b", vec![]);
    let a = rig.actor("a", vec![Do::Monitor(b)]);
    rig.tell(a, vec![Do::Demonitor]);
    rig.exit(b, "boom");
    assert_eq!(rig.lines(), Vec::<String>::new());

    // Like `demonitor(Monitor, [flush])`.
    let b = rig.actor("b", vec![]);
    rig.tell(a, vec![Do::Monitor(b)]);
    rig.post(a, vec![Do::Exit(b, Term::atom("boom")), say("exit sent")]);
    rig.post(a, vec![Do::Demonitor]);
    rig.sim.settle();
    assert_eq!(rig.lines(), ["a exit sent"]);
    assert!(!rig.is_alive(b));
}

#[test]
fn a_monitored_process_does_not_hear_of_its_watcher() {
    let mut rig = Rig::new();
    let b = rig.actor("b", vec![Do::Trap(true)]);
    let a = rig.actor("a", vec![Do::Monitor(b)]);
    rig.exit(a, "kill");
    rig.exit(b, "boom");
    assert_eq!(rig.lines(), ["b terminate boom"]);
}

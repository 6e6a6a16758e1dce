//! gen_fsm: states, events to itself, requests, the end (`gen_fsm(3)` and the book).

use pq_otp::{Ask, Envelope, Pid, Reason};

use crate::fixture::Signal;
use crate::rig::{Rig, payload};

fn light(rig: &mut Rig, pause_ms: u64) -> Pid {
    rig.begin("light", "light", &(pause_ms,)).unwrap()
}

fn signal(rig: &Rig, to: Pid, signal: &Signal) {
    rig.deliver(to, Envelope::Event(payload(signal)));
}

#[test]
fn an_event_at_once_comes_after_those_that_wait_and_needs_no_time() {
    let mut rig = Rig::new();
    let light = light(&mut rig, 0);
    signal(&rig, light, &Signal::Flash);
    signal(&rig, light, &Signal::Change);
    rig.sim.settle();
    let expected = [
        "light 0 ms: Flash in Red",
        "light 0 ms: Change in Green",
        "light 0 ms: Change in Red",
    ];
    assert_eq!(rig.lines(), expected);
    assert_eq!(rig.ask(light, &"now"), "\"now: Green after 3\"");
}

#[test]
fn an_event_after_a_pause_comes_when_the_pause_is_over() {
    let mut rig = Rig::new();
    let light = light(&mut rig, 40);
    rig.sim.run_ms(100);
    signal(&rig, light, &Signal::FlashFor(250));
    rig.sim.run_ms(249);
    assert_eq!(rig.ask(light, &"now"), "\"now: Red after 2\"");
    rig.sim.run_ms(1);
    let expected = [
        "light 40 ms: Change in Red",
        "light 100 ms: FlashFor(250) in Green",
        "light 350 ms: Change in Red",
    ];
    assert_eq!(rig.lines(), expected);
}

#[test]
fn a_question_is_answered_in_the_state_it_meets() {
    let mut rig = Rig::new();
    let light = light(&mut rig, 0);
    signal(&rig, light, &Signal::Change);
    assert_eq!(rig.ask(light, &"and"), "\"and: Green after 1\"");
}

#[test]
fn a_machine_that_stops_terminates_in_its_last_state() {
    let mut rig = Rig::new();
    let light = light(&mut rig, 1_000);
    signal(&rig, light, &Signal::Change);
    signal(&rig, light, &Signal::Break);
    signal(&rig, light, &Signal::Change);
    rig.sim.run_ms(5_000);
    let expected = [
        "light 0 ms: Change in Red",
        "light 0 ms: Break in Green",
        "light terminate Green {broken,\"bulb\"}",
    ];
    assert_eq!(rig.lines(), expected);
    assert!(!rig.is_alive(light));
}

#[test]
fn an_event_it_cannot_read_ends_a_machine_with_badarg() {
    let mut rig = Rig::new();
    let light = light(&mut rig, 0);
    rig.deliver(light, Envelope::Event(payload("explode")));
    rig.sim.settle();
    assert!(!rig.is_alive(light));
    let reason = rig.sim.call(light, &[], 10).unwrap_err();
    assert_eq!(reason, pq_otp::RequestError::Exit(Reason::NoProc));
}

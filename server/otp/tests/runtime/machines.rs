//! gen_fsm: states, events of its own, questions, the end (`gen_fsm(3)` and the book).

use pq_otp::{Ask, Envelope, Pid, Reason};

use crate::fixture::Signal;
use crate::house::{House, payload};

fn light(house: &mut House, pause_ms: u64) -> Pid {
    house.begin("light", "light", &(pause_ms,)).unwrap()
}

fn signal(house: &House, to: Pid, signal: &Signal) {
    house.deliver(to, Envelope::Event(payload(signal)));
}

#[test]
fn an_event_at_once_comes_after_those_that_wait_and_needs_no_time() {
    let mut house = House::new();
    let light = light(&mut house, 0);
    signal(&house, light, &Signal::Flash);
    signal(&house, light, &Signal::Change);
    house.sim.settle();
    let expected = [
        "light 0 ms: Flash in Red",
        "light 0 ms: Change in Green",
        "light 0 ms: Change in Red",
    ];
    assert_eq!(house.lines(), expected);
    assert_eq!(house.ask(light, &"now"), "\"now: Green after 3\"");
}

#[test]
fn an_event_after_a_pause_comes_when_the_pause_is_over() {
    let mut house = House::new();
    let light = light(&mut house, 40);
    house.sim.run_ms(100);
    signal(&house, light, &Signal::FlashFor(250));
    house.sim.run_ms(249);
    assert_eq!(house.ask(light, &"now"), "\"now: Red after 2\"");
    house.sim.run_ms(1);
    let expected = [
        "light 40 ms: Change in Red",
        "light 100 ms: FlashFor(250) in Green",
        "light 350 ms: Change in Red",
    ];
    assert_eq!(house.lines(), expected);
}

#[test]
fn a_question_is_answered_in_the_state_it_meets() {
    let mut house = House::new();
    let light = light(&mut house, 0);
    signal(&house, light, &Signal::Change);
    assert_eq!(house.ask(light, &"and"), "\"and: Green after 1\"");
}

#[test]
fn a_machine_that_stops_terminates_in_its_last_state() {
    let mut house = House::new();
    let light = light(&mut house, 1_000);
    signal(&house, light, &Signal::Change);
    signal(&house, light, &Signal::Break);
    signal(&house, light, &Signal::Change);
    house.sim.run_ms(5_000);
    let expected = [
        "light 0 ms: Change in Red",
        "light 0 ms: Break in Green",
        "light terminate Green {broken,\"bulb\"}",
    ];
    assert_eq!(house.lines(), expected);
    assert!(!house.is_alive(light));
}

#[test]
fn an_event_it_cannot_read_ends_a_machine_with_badarg() {
    let mut house = House::new();
    let light = light(&mut house, 0);
    house.deliver(light, Envelope::Event(payload("explode")));
    house.sim.settle();
    assert!(!house.is_alive(light));
    let reason = house.sim.call(light, &[], 10).unwrap_err();
    assert_eq!(reason, pq_otp::RequestError::Exit(Reason::NoProc));
}

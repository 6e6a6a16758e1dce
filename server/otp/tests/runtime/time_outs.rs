//! Receive time-outs: `{noreply, State, Timeout}`, `{next_state, State, Data, Timeout}` (`gen_server(3)`, `gen_fsm(3)`).

use pq_otp::sys::SysMessage;
use pq_otp::{Ask, Envelope, Pid};

use crate::actor::Do;
use crate::fixture::Signal;
use crate::house::{House, payload, say};

fn light(house: &mut House) -> Pid {
    house.begin("light", "light", &(0_u64,)).unwrap()
}

fn signal(house: &mut House, to: Pid, signal: &Signal) {
    house.deliver(to, Envelope::Event(payload(signal)));
    house.sim.settle();
}

fn none() -> Vec<String> {
    Vec::new()
}

#[test]
fn silence_is_told_when_its_time_is_over_once_and_not_before() {
    let mut house = House::new();
    let light = light(&mut house);
    let a = house.actor("a", vec![]);
    signal(&mut house, light, &Signal::Doze(100));
    house.tell(a, vec![Do::WaitAtMost(100)]);
    house.sim.run_ms(99);
    assert_eq!(house.lines(), ["light 0 ms: Doze(100) in Red"]);
    house.sim.run_ms(1);
    assert_eq!(
        house.lines(),
        ["light 100 ms: silence in Green", "a silence at 100"]
    );
    house.sim.run_ms(10_000);
    assert_eq!(house.lines(), none());
    assert_eq!(house.ask(light, &"now"), "\"now: Red after 1\"");
}

#[test]
fn whatever_comes_first_ends_the_wait() {
    let sent: [fn() -> Envelope; 3] = [
        || Envelope::Event(payload(&Signal::Change)),
        || Envelope::Info(payload("for nobody")),
        || Envelope::PortClosed(7, payload("gone")),
    ];
    for envelope in sent {
        let mut house = House::new();
        let light = light(&mut house);
        signal(&mut house, light, &Signal::Doze(100));
        house.sim.run_ms(99);
        house.deliver(light, envelope());
        house.sim.run_ms(10_000);
        let lines = house.lines();
        let silence = lines.iter().any(|line| line.contains("silence"));
        assert!(!silence, "{:?}: {lines:?}", envelope());
    }
    let mut house = House::new();
    let a = house.actor("a", vec![]);
    for script in [vec![], vec![Do::Reply("here".to_string())]] {
        house.tell(a, vec![Do::WaitAtMost(100)]);
        house.ask(a, &script);
        house.sim.run_ms(10_000);
    }
    assert_eq!(house.lines(), none());
}

#[test]
fn only_the_last_wait_counts() {
    let mut house = House::new();
    let a = house.actor("a", vec![]);
    house.tell(a, vec![Do::WaitAtMost(100)]);
    house.sim.run_ms(60);
    house.tell(a, vec![Do::WaitAtMost(100)]);
    house.sim.run_ms(10_000);
    assert_eq!(house.lines(), ["a silence at 160"]);
}

#[test]
fn an_event_of_its_own_ends_the_wait_too() {
    let mut house = House::new();
    let light = light(&mut house);
    for ms in [0, 100] {
        signal(&mut house, light, &Signal::Startle(ms));
    }
    house.sim.run_ms(10_000);
    let lines = house.lines();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(!lines.concat().contains("silence"), "{lines:?}");
}

#[test]
fn a_wait_of_nothing_ends_with_the_mailbox() {
    let mut house = House::new();
    let a = house.actor("a", vec![]);
    house.tell(a, vec![Do::WaitAtMost(0)]);
    assert_eq!(house.lines(), ["a silence at 0"]);
    house.post(a, vec![Do::WaitAtMost(0)]);
    house.post(a, vec![say("before")]);
    house.sim.run_ms(10_000);
    assert_eq!(house.lines(), ["a before"]);
}

#[test]
fn system_messages_do_not_end_the_wait_and_a_suspended_process_hears_of_it_later() {
    let mut house = House::new();
    let a = house.actor("a", vec![]);
    house.tell(a, vec![Do::WaitAtMost(100)]);
    house.sim.run_ms(50);
    house
        .sim
        .sys(a, SysMessage::GetState, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    house
        .sim
        .sys(a, SysMessage::Suspend, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    house.sim.run_ms(100);
    house.post(a, vec![say("after it was due")]);
    house.sim.run_ms(50);
    assert_eq!(house.lines(), none());
    house
        .sim
        .sys(a, SysMessage::Resume, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    assert_eq!(house.lines(), ["a silence at 200", "a after it was due"]);
}

#[test]
fn what_came_to_a_suspended_process_before_the_time_out_ends_the_wait() {
    let mut house = House::new();
    let a = house.actor("a", vec![]);
    house.tell(a, vec![Do::WaitAtMost(100)]);
    house
        .sim
        .sys(a, SysMessage::Suspend, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    house.sim.run_ms(99);
    house.post(a, vec![say("in time"), Do::WaitAtMost(500)]);
    house.sim.run_ms(101);
    house
        .sim
        .sys(a, SysMessage::Resume, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    assert_eq!(house.lines(), ["a in time"]);
    house.sim.run_ms(10_000);
    assert_eq!(house.lines(), ["a silence at 700"]);
}

#[test]
fn a_wait_ends_with_its_process() {
    let mut house = House::new();
    let a = house.actor("a", vec![]);
    house.tell(a, vec![Do::WaitAtMost(100)]);
    house.exit(a, "kill");
    let b = house.actor("b", vec![]);
    assert_eq!(a.index(), b.index(), "it has the slot of the dead");
    house.sim.run_ms(10_000);
    assert_eq!(house.lines(), none());
    assert_eq!(house.sim.counters().timers, 0);
}

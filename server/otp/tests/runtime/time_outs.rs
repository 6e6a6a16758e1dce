//! Receive time-outs: `{noreply, State, Timeout}`, `{next_state, State, Data, Timeout}` (`gen_server(3)`, `gen_fsm(3)`).

use pq_otp::sys::SysMessage;
use pq_otp::{Ask, Envelope, Pid};

use crate::actor::Do;
use crate::fixture::Signal;
use crate::rig::{Rig, payload, say};

fn light(rig: &mut Rig) -> Pid {
    rig.begin("light", "light", &(0_u64,)).unwrap()
}

fn signal(rig: &mut Rig, to: Pid, signal: &Signal) {
    rig.deliver(to, Envelope::Event(payload(signal)));
    rig.sim.settle();
}

fn none() -> Vec<String> {
    Vec::new()
}

#[test]
fn silence_is_told_when_its_time_is_over_once_and_not_before() {
    let mut rig = Rig::new();
    let light = light(&mut rig);
    let a = rig.actor("a", vec![]);
    signal(&mut rig, light, &Signal::Doze(100));
    rig.tell(a, vec![Do::WaitAtMost(100)]);
    rig.sim.run_ms(99);
    assert_eq!(rig.lines(), ["light 0 ms: Doze(100) in Red"]);
    rig.sim.run_ms(1);
    assert_eq!(
        rig.lines(),
        ["light 100 ms: silence in Green", "a silence at 100"]
    );
    rig.sim.run_ms(10_000);
    assert_eq!(rig.lines(), none());
    assert_eq!(rig.ask(light, &"now"), "\"now: Red after 1\"");
}

#[test]
fn whatever_comes_first_ends_the_wait() {
    let sent: [fn() -> Envelope; 3] = [
        || Envelope::Event(payload(&Signal::Change)),
        || Envelope::Info(payload("for nobody")),
        || Envelope::PortClosed(7, payload("gone")),
    ];
    for envelope in sent {
        let mut rig = Rig::new();
        let light = light(&mut rig);
        signal(&mut rig, light, &Signal::Doze(100));
        rig.sim.run_ms(99);
        rig.deliver(light, envelope());
        rig.sim.run_ms(10_000);
        let lines = rig.lines();
        let silence = lines.iter().any(|line| line.contains("silence"));
        assert!(!silence, "{:?}: {lines:?}", envelope());
    }
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![]);
    for script in [vec![], vec![Do::Reply("here".to_string())]] {
        rig.tell(a, vec![Do::WaitAtMost(100)]);
        rig.ask(a, &script);
        rig.sim.run_ms(10_000);
    }
    assert_eq!(rig.lines(), none());
}

#[test]
fn only_the_last_wait_counts() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![]);
    rig.tell(a, vec![Do::WaitAtMost(100)]);
    rig.sim.run_ms(60);
    rig.tell(a, vec![Do::WaitAtMost(100)]);
    rig.sim.run_ms(10_000);
    assert_eq!(rig.lines(), ["a silence at 160"]);
}

#[test]
fn an_event_of_its_own_ends_the_wait_too() {
    let mut rig = Rig::new();
    let light = light(&mut rig);
    for ms in [0, 100] {
        signal(&mut rig, light, &Signal::Startle(ms));
    }
    rig.sim.run_ms(10_000);
    let lines = rig.lines();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(!lines.concat().contains("silence"), "{lines:?}");
}

#[test]
fn a_wait_of_nothing_ends_with_the_mailbox() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![]);
    rig.tell(a, vec![Do::WaitAtMost(0)]);
    assert_eq!(rig.lines(), ["a silence at 0"]);
    rig.post(a, vec![Do::WaitAtMost(0)]);
    rig.post(a, vec![say("before")]);
    rig.sim.run_ms(10_000);
    assert_eq!(rig.lines(), ["a before"]);
}

#[test]
fn system_messages_do_not_end_the_wait_and_a_suspended_process_hears_of_it_later() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![]);
    rig.tell(a, vec![Do::WaitAtMost(100)]);
    rig.sim.run_ms(50);
    rig.sim
        .sys(a, SysMessage::GetState, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    rig.sim
        .sys(a, SysMessage::Suspend, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    rig.sim.run_ms(100);
    rig.post(a, vec![say("after it was due")]);
    rig.sim.run_ms(50);
    assert_eq!(rig.lines(), none());
    rig.sim
        .sys(a, SysMessage::Resume, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    assert_eq!(rig.lines(), ["a silence at 200", "a after it was due"]);
}

#[test]
fn what_came_to_a_suspended_process_before_the_time_out_ends_the_wait() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![]);
    rig.tell(a, vec![Do::WaitAtMost(100)]);
    rig.sim
        .sys(a, SysMessage::Suspend, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    rig.sim.run_ms(99);
    rig.post(a, vec![say("in time"), Do::WaitAtMost(500)]);
    rig.sim.run_ms(101);
    rig.sim
        .sys(a, SysMessage::Resume, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    assert_eq!(rig.lines(), ["a in time"]);
    rig.sim.run_ms(10_000);
    assert_eq!(rig.lines(), ["a silence at 700"]);
}

#[test]
fn a_wait_ends_with_its_process() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![]);
    rig.tell(a, vec![Do::WaitAtMost(100)]);
    rig.exit(a, "kill");
    let b = rig.actor("b", vec![]);
    assert_eq!(a.index(), b.index(), "it has the slot of the dead");
    rig.sim.run_ms(10_000);
    assert_eq!(rig.lines(), none());
    assert_eq!(rig.sim.counters().timers, 0);
}

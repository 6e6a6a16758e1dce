//! The `sys` protocol on every kind of process: the table of `pq_otp::sys`.

use pq_abi::Direction;
use pq_abi::spec::{Strategy, SupRequest};
use pq_otp::sys::{SysMessage, Toggle};
use pq_otp::{Ask, Envelope, Pid, Reason, Term};

use crate::actor::Do;
use crate::fixture::Signal;
use crate::rig::{Rig, child, encode, payload, say, tree};

/// One process of each kind: an actor, a light, a bell, a supervisor.
pub(crate) fn kinds(rig: &mut Rig) -> Vec<Pid> {
    let sup = rig
        .sim
        .start(tree(Strategy::OneForOne, vec![child("a", vec![])]))
        .unwrap();
    let actor = rig.actor("actor", vec![]);
    let light = rig.begin("light", "light", &(0_u64,)).unwrap();
    let bell = rig.begin("bell", "bell", &()).unwrap();
    vec![actor, light, bell, sup]
}

pub(crate) fn sys(rig: &mut Rig, to: Pid, message: SysMessage) -> String {
    match rig.sim.sys(to, message, pq_otp::sys::TIMEOUT_MS) {
        Ok(term) => rig.named(&term.to_string()),
        Err(error) => error.to_string(),
    }
}

fn change_code(module: &str) -> SysMessage {
    SysMessage::ChangeCode {
        module: module.to_string(),
        direction: Direction::Up,
        vsn: "1.0.0".to_string(),
        extra: encode(&()),
    }
}

fn mode(rig: &mut Rig, pid: Pid) -> String {
    let status = rig
        .sim
        .sys(pid, SysMessage::GetStatus, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    let items = status.as_tuple().unwrap();
    assert!(
        items[0].is_atom("status") && items[1] == Term::from(pid),
        "{status}"
    );
    items[3].as_list().unwrap()[1].to_string()
}

#[test]
fn every_kind_of_process_is_suspended_and_resumed_without_a_counter() {
    let mut rig = Rig::new();
    for pid in kinds(&mut rig) {
        assert_eq!(mode(&mut rig, pid), "running");
        assert_eq!(sys(&mut rig, pid, SysMessage::Resume), "ok");
        assert_eq!(sys(&mut rig, pid, SysMessage::Suspend), "ok");
        assert_eq!(sys(&mut rig, pid, SysMessage::Suspend), "ok");
        assert_eq!(mode(&mut rig, pid), "suspended");
        assert_eq!(sys(&mut rig, pid, SysMessage::Resume), "ok");
        assert_eq!(mode(&mut rig, pid), "running");
    }
}

#[test]
fn every_kind_of_process_answers_running_and_suspended() {
    let mut rig = Rig::new();
    for pid in kinds(&mut rig) {
        for suspend in [false, true] {
            if suspend {
                sys(&mut rig, pid, SysMessage::Suspend);
            }
            for message in [
                SysMessage::Trace(true),
                SysMessage::Trace(false),
                SysMessage::Statistics(Toggle::On(0)),
                SysMessage::Statistics(Toggle::Off),
                SysMessage::Log(Toggle::On(0)),
                SysMessage::NoDebug,
            ] {
                let word = message.word();
                assert_eq!(sys(&mut rig, pid, message), "ok", "{word}");
            }
            assert_eq!(
                sys(&mut rig, pid, SysMessage::Statistics(Toggle::Get)),
                "{ok,no_statistics}"
            );
            assert_eq!(sys(&mut rig, pid, SysMessage::Log(Toggle::Get)), "{ok,[]}");
            assert!(
                rig.sim
                    .sys(pid, SysMessage::GetState, pq_otp::sys::TIMEOUT_MS)
                    .is_ok()
            );
        }
    }
}

#[test]
fn code_is_changed_only_while_suspended() {
    let mut rig = Rig::new();
    for pid in kinds(&mut rig) {
        let answer = sys(&mut rig, pid, change_code("m"));
        assert!(
            answer.starts_with("{error,{unknown_system_msg,"),
            "{answer}"
        );
    }
}

#[test]
fn messages_wait_in_order_while_suspended() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![]);
    let light = rig.begin("light", "light", &(0_u64,)).unwrap();
    let bell = rig.begin("bell", "bell", &()).unwrap();
    for pid in [a, light, bell] {
        sys(&mut rig, pid, SysMessage::Suspend);
    }
    for n in 0..100 {
        rig.post(a, vec![say(&n.to_string())]);
    }
    rig.deliver(a, Envelope::Info(payload("last")));
    rig.deliver(light, Envelope::Event(payload(&Signal::Flash)));
    rig.deliver(light, Envelope::Event(payload(&Signal::Change)));
    rig.sim.run_ms(10_000);
    assert_eq!(rig.lines(), Vec::<String>::new());
    sys(&mut rig, a, SysMessage::Resume);
    let expected: Vec<_> = (0..100)
        .map(|n| format!("a {n}"))
        .chain(["a info \"last\"".to_string()])
        .collect();
    assert_eq!(rig.lines(), expected);
    sys(&mut rig, light, SysMessage::Resume);
    let expected = [
        "light 10000 ms: Flash in Red",
        "light 10000 ms: Change in Green",
        "light 10000 ms: Change in Red",
    ];
    assert_eq!(rig.lines(), expected);
}

#[test]
fn timers_that_fire_while_suspended_wait_as_well() {
    let mut rig = Rig::new();
    let a = rig.actor(
        "a",
        vec![
            Do::Timer(10, "b".to_string()),
            Do::Timer(5, "a".to_string()),
        ],
    );
    sys(&mut rig, a, SysMessage::Suspend);
    rig.sim.run_ms(100);
    assert_eq!(rig.lines(), Vec::<String>::new());
    sys(&mut rig, a, SysMessage::Resume);
    assert_eq!(rig.lines(), ["a info \"a\"", "a info \"b\""]);
}

#[test]
fn system_messages_that_lay_behind_a_suspend_are_taken_all_the_same() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![]);
    let answers = crate::rig::answers(
        &rig,
        a,
        [
            SysMessage::Suspend,
            SysMessage::GetState,
            SysMessage::Resume,
            SysMessage::Suspend,
            SysMessage::Resume,
        ],
    );
    rig.post(a, vec![say("at last")]);
    rig.sim.settle();
    assert_eq!(answers.lock().unwrap().len(), 5);
    assert_eq!(rig.lines(), ["a at last"]);
}

#[test]
fn a_hundred_questions_behind_a_suspend_are_answered() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![]);
    rig.post(a, vec![]);
    let questions =
        std::iter::once(SysMessage::Suspend).chain((0..200).map(|_| SysMessage::GetState));
    let answers = crate::rig::answers(&rig, a, questions);
    rig.sim.settle();
    assert_eq!(answers.lock().unwrap().len(), 201);
}

#[test]
fn an_exit_signal_ends_a_suspended_process_that_does_not_trap() {
    let mut rig = Rig::new();
    for (traps, lives) in [(false, false), (true, true)] {
        let a = rig.actor("a", vec![Do::Trap(traps)]);
        let b = rig.actor("b", vec![]);
        sys(&mut rig, a, SysMessage::Suspend);
        rig.tell(b, vec![Do::Exit(a, Term::atom("boom"))]);
        assert_eq!(rig.is_alive(a), lives, "traps: {traps}");
        rig.exit(a, "kill");
        assert!(!rig.is_alive(a));
    }
}

#[test]
fn the_parents_exit_ends_a_suspended_process_that_traps() {
    let mut rig = Rig::new();
    let script = vec![Do::Trap(true)];
    let a = rig.actor("a", script);
    rig.post(a, vec![say("never read")]);
    sys(&mut rig, a, SysMessage::Suspend);
    rig.lines();
    rig.post(a, vec![say("never read")]);
    // The exit comes from outside, which is the parent of processes without a parent.
    rig.exit(a, "shutdown");
    assert_eq!(rig.lines(), ["a terminate shutdown"]);
    assert!(!rig.is_alive(a));
}

#[test]
fn a_parents_exit_that_lay_behind_a_suspend_ends_the_process_as_well() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![Do::Trap(true)]);
    let answers = crate::rig::answers(&rig, a, [SysMessage::Suspend]);
    rig.exit(a, "shutdown");
    assert_eq!(rig.lines(), ["a terminate shutdown"]);
    assert_eq!(answers.lock().unwrap().len(), 1);
}

#[test]
fn a_suspended_supervisor_ends_with_its_children_when_its_parent_says_so() {
    let mut rig = Rig::new();
    let sup = kinds(&mut rig)[3];
    sys(&mut rig, sup, SysMessage::Suspend);
    rig.exit(sup, "shutdown");
    assert_eq!(rig.sim.processes().len(), 3);
    assert!(!rig.is_alive(sup));
}

#[test]
fn a_suspended_supervisor_answers_no_requests_and_restarts_nobody_until_it_is_resumed() {
    let mut rig = Rig::new();
    let sup = kinds(&mut rig)[3];
    let child = rig
        .sim
        .processes()
        .into_iter()
        .find(|process| process.parent == Some(sup))
        .unwrap()
        .pid;
    sys(&mut rig, sup, SysMessage::Suspend);
    rig.exit(child, "kill");
    let hangs = rig
        .sim
        .ask_supervisor(sup, &SupRequest::WhichChildren, 60_000)
        .unwrap_err();
    assert_eq!(hangs, pq_otp::RequestError::Timeout(60_000));
    assert!(
        rig.sim
            .processes()
            .iter()
            .all(|process| process.parent != Some(sup))
    );
    sys(&mut rig, sup, SysMessage::Resume);
    assert!(
        rig.sim
            .processes()
            .iter()
            .any(|process| process.parent == Some(sup))
    );
}

#[test]
fn terminate_answers_and_ends_in_order_running_or_suspended() {
    for suspended in [false, true] {
        let mut rig = Rig::new();
        for pid in kinds(&mut rig) {
            if suspended {
                sys(&mut rig, pid, SysMessage::Suspend);
            }
            assert_eq!(
                sys(&mut rig, pid, SysMessage::Terminate(Reason::Shutdown)),
                "ok"
            );
            assert!(!rig.is_alive(pid), "{pid} suspended: {suspended}");
        }
        assert_eq!(rig.sim.processes(), []);
        assert_eq!(
            rig.lines(),
            ["actor terminate shutdown", "light terminate Red shutdown"]
        );
    }
}

#[test]
fn the_dead_are_no_processes_to_sys() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![]);
    rig.exit(a, "boom");
    assert_eq!(
        sys(&mut rig, a, SysMessage::GetState),
        "the process ended: noproc"
    );
}

#[test]
fn who_asks_a_process_that_ends_first_hears_its_reason() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![]);
    rig.post(a, vec![Do::Stop(Term::atom("boom"))]);
    assert_eq!(
        sys(&mut rig, a, SysMessage::GetState),
        "the process ended: boom"
    );
}

//! The `sys` protocol on every kind of process: the table of `pq_otp::sys`.

use pq_abi::Direction;
use pq_abi::spec::{Strategy, SupRequest};
use pq_otp::sys::{SysMessage, Toggle};
use pq_otp::{Ask, Envelope, Pid, Reason, Term};

use crate::actor::Do;
use crate::fixture::Signal;
use crate::house::{House, child, encode, payload, say, tree};

/// One process of each kind: an actor, a light, a bell, a supervisor.
pub(crate) fn kinds(house: &mut House) -> Vec<Pid> {
    let sup = house
        .sim
        .start(tree(Strategy::OneForOne, vec![child("a", vec![])]))
        .unwrap();
    let actor = house.actor("actor", vec![]);
    let light = house.begin("light", "light", &(0_u64,)).unwrap();
    let bell = house.begin("bell", "bell", &()).unwrap();
    vec![actor, light, bell, sup]
}

pub(crate) fn sys(house: &mut House, to: Pid, message: SysMessage) -> String {
    match house.sim.sys(to, message, pq_otp::sys::TIMEOUT_MS) {
        Ok(term) => house.named(&term.to_string()),
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

fn mode(house: &mut House, pid: Pid) -> String {
    let status = house
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
    let mut house = House::new();
    for pid in kinds(&mut house) {
        assert_eq!(mode(&mut house, pid), "running");
        assert_eq!(sys(&mut house, pid, SysMessage::Resume), "ok");
        assert_eq!(sys(&mut house, pid, SysMessage::Suspend), "ok");
        assert_eq!(sys(&mut house, pid, SysMessage::Suspend), "ok");
        assert_eq!(mode(&mut house, pid), "suspended");
        assert_eq!(sys(&mut house, pid, SysMessage::Resume), "ok");
        assert_eq!(mode(&mut house, pid), "running");
    }
}

#[test]
fn every_kind_of_process_answers_running_and_suspended() {
    let mut house = House::new();
    for pid in kinds(&mut house) {
        for suspend in [false, true] {
            if suspend {
                sys(&mut house, pid, SysMessage::Suspend);
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
                assert_eq!(sys(&mut house, pid, message), "ok", "{word}");
            }
            assert_eq!(
                sys(&mut house, pid, SysMessage::Statistics(Toggle::Get)),
                "{ok,no_statistics}"
            );
            assert_eq!(
                sys(&mut house, pid, SysMessage::Log(Toggle::Get)),
                "{ok,[]}"
            );
            assert!(
                house
                    .sim
                    .sys(pid, SysMessage::GetState, pq_otp::sys::TIMEOUT_MS)
                    .is_ok()
            );
        }
    }
}

#[test]
fn code_is_changed_only_while_suspended() {
    let mut house = House::new();
    for pid in kinds(&mut house) {
        let answer = sys(&mut house, pid, change_code("m"));
        assert!(
            answer.starts_with("{error,{unknown_system_msg,"),
            "{answer}"
        );
    }
}

#[test]
fn messages_wait_in_order_while_suspended() {
    let mut house = House::new();
    let a = house.actor("a", vec![]);
    let light = house.begin("light", "light", &(0_u64,)).unwrap();
    let bell = house.begin("bell", "bell", &()).unwrap();
    for pid in [a, light, bell] {
        sys(&mut house, pid, SysMessage::Suspend);
    }
    for n in 0..100 {
        house.post(a, vec![say(&n.to_string())]);
    }
    house.deliver(a, Envelope::Info(payload("last")));
    house.deliver(light, Envelope::Event(payload(&Signal::Flash)));
    house.deliver(light, Envelope::Event(payload(&Signal::Change)));
    house.sim.run_ms(10_000);
    assert_eq!(house.lines(), Vec::<String>::new());
    sys(&mut house, a, SysMessage::Resume);
    let expected: Vec<_> = (0..100)
        .map(|n| format!("a {n}"))
        .chain(["a info \"last\"".to_string()])
        .collect();
    assert_eq!(house.lines(), expected);
    sys(&mut house, light, SysMessage::Resume);
    let expected = [
        "light 10000 ms: Flash in Red",
        "light 10000 ms: Change in Green",
        "light 10000 ms: Change in Red",
    ];
    assert_eq!(house.lines(), expected);
}

#[test]
fn timers_that_fire_while_suspended_wait_as_well() {
    let mut house = House::new();
    let a = house.actor(
        "a",
        vec![
            Do::Timer(10, "b".to_string()),
            Do::Timer(5, "a".to_string()),
        ],
    );
    sys(&mut house, a, SysMessage::Suspend);
    house.sim.run_ms(100);
    assert_eq!(house.lines(), Vec::<String>::new());
    sys(&mut house, a, SysMessage::Resume);
    assert_eq!(house.lines(), ["a info \"a\"", "a info \"b\""]);
}

#[test]
fn system_messages_that_lay_behind_a_suspend_are_taken_all_the_same() {
    let mut house = House::new();
    let a = house.actor("a", vec![]);
    let answers = crate::house::answers(
        &house,
        a,
        [
            SysMessage::Suspend,
            SysMessage::GetState,
            SysMessage::Resume,
            SysMessage::Suspend,
            SysMessage::Resume,
        ],
    );
    house.post(a, vec![say("at last")]);
    house.sim.settle();
    assert_eq!(answers.lock().unwrap().len(), 5);
    assert_eq!(house.lines(), ["a at last"]);
}

#[test]
fn a_hundred_questions_behind_a_suspend_are_answered() {
    let mut house = House::new();
    let a = house.actor("a", vec![]);
    house.post(a, vec![]);
    let questions =
        std::iter::once(SysMessage::Suspend).chain((0..200).map(|_| SysMessage::GetState));
    let answers = crate::house::answers(&house, a, questions);
    house.sim.settle();
    assert_eq!(answers.lock().unwrap().len(), 201);
}

#[test]
fn an_exit_signal_ends_a_suspended_process_that_does_not_trap() {
    let mut house = House::new();
    for (traps, lives) in [(false, false), (true, true)] {
        let a = house.actor("a", vec![Do::Trap(traps)]);
        let b = house.actor("b", vec![]);
        sys(&mut house, a, SysMessage::Suspend);
        house.tell(b, vec![Do::Exit(a, Term::atom("boom"))]);
        assert_eq!(house.is_alive(a), lives, "traps: {traps}");
        house.exit(a, "kill");
        assert!(!house.is_alive(a));
    }
}

#[test]
fn the_parents_exit_ends_a_suspended_process_that_traps() {
    let mut house = House::new();
    let script = vec![Do::Trap(true)];
    let a = house.actor("a", script);
    house.post(a, vec![say("never read")]);
    sys(&mut house, a, SysMessage::Suspend);
    house.lines();
    house.post(a, vec![say("never read")]);
    // The parent of a process that is nobody's child is the outside.
    house.exit(a, "shutdown");
    assert_eq!(house.lines(), ["a terminate shutdown"]);
    assert!(!house.is_alive(a));
}

#[test]
fn a_parents_exit_that_lay_behind_a_suspend_ends_the_process_as_well() {
    let mut house = House::new();
    let a = house.actor("a", vec![Do::Trap(true)]);
    let answers = crate::house::answers(&house, a, [SysMessage::Suspend]);
    house.exit(a, "shutdown");
    assert_eq!(house.lines(), ["a terminate shutdown"]);
    assert_eq!(answers.lock().unwrap().len(), 1);
}

#[test]
fn a_suspended_supervisor_ends_with_its_children_when_its_parent_says_so() {
    let mut house = House::new();
    let sup = kinds(&mut house)[3];
    sys(&mut house, sup, SysMessage::Suspend);
    house.exit(sup, "shutdown");
    assert_eq!(house.sim.processes().len(), 3);
    assert!(!house.is_alive(sup));
}

#[test]
fn a_suspended_supervisor_answers_no_requests_and_restarts_nobody_until_it_is_resumed() {
    let mut house = House::new();
    let sup = kinds(&mut house)[3];
    let child = house
        .sim
        .processes()
        .into_iter()
        .find(|process| process.parent == Some(sup))
        .unwrap()
        .pid;
    sys(&mut house, sup, SysMessage::Suspend);
    house.exit(child, "kill");
    let hangs = house
        .sim
        .ask_supervisor(sup, &SupRequest::WhichChildren, 60_000)
        .unwrap_err();
    assert_eq!(hangs, pq_otp::RequestError::Timeout(60_000));
    assert!(
        house
            .sim
            .processes()
            .iter()
            .all(|process| process.parent != Some(sup))
    );
    sys(&mut house, sup, SysMessage::Resume);
    assert!(
        house
            .sim
            .processes()
            .iter()
            .any(|process| process.parent == Some(sup))
    );
}

#[test]
fn terminate_answers_and_ends_in_order_running_or_suspended() {
    for suspended in [false, true] {
        let mut house = House::new();
        for pid in kinds(&mut house) {
            if suspended {
                sys(&mut house, pid, SysMessage::Suspend);
            }
            assert_eq!(
                sys(&mut house, pid, SysMessage::Terminate(Reason::Shutdown)),
                "ok"
            );
            assert!(!house.is_alive(pid), "{pid} suspended: {suspended}");
        }
        assert_eq!(house.sim.processes(), []);
        assert_eq!(
            house.lines(),
            ["actor terminate shutdown", "light terminate Red shutdown"]
        );
    }
}

#[test]
fn the_dead_are_no_processes_to_sys() {
    let mut house = House::new();
    let a = house.actor("a", vec![]);
    house.exit(a, "boom");
    assert_eq!(
        sys(&mut house, a, SysMessage::GetState),
        "the process ended: noproc"
    );
}

#[test]
fn who_asks_a_process_that_ends_first_hears_its_reason() {
    let mut house = House::new();
    let a = house.actor("a", vec![]);
    house.post(a, vec![Do::Stop(Term::atom("boom"))]);
    assert_eq!(
        sys(&mut house, a, SysMessage::GetState),
        "the process ended: boom"
    );
}

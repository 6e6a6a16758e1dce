//! `sys`: the data that it shows and gathers, and replaced states, for running and suspended processes.

use pq_abi::spec::{self, ManagerRequest};
use pq_otp::sys::{Replace, SysMessage, Toggle};
use pq_otp::{Ask, Atom, Envelope, Pid};
use serde::Serialize;

use crate::actor::Do;
use crate::fixture::{Count, Counter, Signal};
use crate::log;
use crate::rig::{Rig, encode, payload};
use crate::system::{kinds, sys};

/// The state of each of the two handlers.
#[derive(Serialize)]
struct Heard {
    heard: u32,
}

/// The state of a traffic light.
#[derive(Serialize)]
struct Lit {
    state: &'static str,
    data: Changes,
}

#[derive(Serialize)]
struct Changes {
    changes: u32,
}

/// Runs the check before and after the process is suspended.
fn running_and_suspended(rig: &mut Rig, pid: Pid, mut look: impl FnMut(&mut Rig)) {
    look(rig);
    sys(rig, pid, SysMessage::Suspend);
    look(rig);
    sys(rig, pid, SysMessage::Resume);
}

fn replace(rig: &mut Rig, pid: Pid, replace: Replace) -> String {
    sys(rig, pid, SysMessage::ReplaceState(replace))
}

/// A bell with two handlers, ear and eye; the eye is the newer one.
fn furnished(rig: &mut Rig) -> Pid {
    let bell = rig.begin("bell", "bell", &()).unwrap();
    for handler in ["ear", "eye"] {
        let add = ManagerRequest::AddHandler(Atom::from_static(handler), encode(&("a",)));
        rig.sim.call(bell, &spec::encode(&add), 1_000).unwrap();
    }
    bell
}

/// The name of the handler that a replacement receives.
fn asked_for(handler: &[u8]) -> Atom {
    let handler = pq_term::msgpack::from_msgpack(handler).unwrap();
    let parts = handler.as_list().unwrap();
    assert_eq!((parts.len(), parts[1].as_bool()), (3, Some(false)));
    parts[0].as_atom().unwrap()
}

/// The result of a replacement function.
type Replaced = Result<Vec<u8>, String>;

/// The state of a handler that has heard this many events, as a replacement returns it.
fn handler(name: Atom, heard: u32) -> Replaced {
    Ok(encode(&(name, false, Heard { heard })))
}

/// Whether the process is suspended, and the list of active debug functions.
fn mode_and_debug(rig: &mut Rig, pid: Pid, module: &str) -> String {
    let status = rig
        .sim
        .sys(pid, SysMessage::GetStatus, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    let parts = status.as_tuple().unwrap();
    assert_eq!(parts[2].to_string(), format!("{{module,{module}}}"));
    let misc = parts[3].as_list().unwrap();
    format!("{} {}", misc[1], misc[3])
}

#[test]
fn the_state_is_shown_by_the_names_of_its_fields() {
    let mut rig = Rig::new();
    let counter = rig.begin("counter", "counter", &(7_i64,)).unwrap();
    assert_eq!(
        sys(&mut rig, counter, SysMessage::GetState),
        "#{count => 7}"
    );
    let light = rig.begin("light", "light", &(0_u64,)).unwrap();
    let shown = sys(&mut rig, light, SysMessage::GetState);
    assert_eq!(shown, "#{data => #{changes => 0},state => \"Red\"}");
}

#[test]
fn a_state_is_replaced_or_left_as_it_was() {
    let mut rig = Rig::new();
    let counter = rig.begin("counter", "counter", &(7_i64,)).unwrap();
    let with = |bytes: Vec<u8>| SysMessage::ReplaceState(Box::new(move |_| Ok(bytes.clone())));
    let next = encode(&Counter { count: 8 });
    assert_eq!(sys(&mut rig, counter, with(next)), "#{count => 8}");
    let refused = sys(
        &mut rig,
        counter,
        SysMessage::ReplaceState(Box::new(|_| Err("no".to_string()))),
    );
    assert_eq!(refused, "{error,{callback_failed,\"no\"}}");
    let unreadable = sys(&mut rig, counter, with(encode("no counter")));
    assert!(unreadable.starts_with("{error,{badarg,"), "{unreadable}");
    assert_eq!(
        sys(&mut rig, counter, SysMessage::GetState),
        "#{count => 8}"
    );
    assert_eq!(rig.ask(counter, &Count::Tell), "\"8 by 1.0.0\"");
}

#[test]
fn the_state_of_a_server_and_of_a_machine_is_replaced_running_and_suspended() {
    let mut rig = Rig::new();
    let counter = rig.begin("counter", "counter", &(1_i64,)).unwrap();
    let light = rig.begin("light", "light", &(0_u64,)).unwrap();
    for pid in [counter, light] {
        let mut next = 5;
        running_and_suspended(&mut rig, pid, |rig| {
            next += 1;
            let data = Changes { changes: next };
            let lit = Lit {
                state: "Green",
                data,
            };
            let count = i64::from(next);
            let state = match pid == counter {
                true => encode(&Counter { count }),
                false => encode(&lit),
            };
            let shown = replace(rig, pid, Box::new(move |_| Ok(state.clone())));
            assert_eq!(sys(rig, pid, SysMessage::GetState), shown);
            assert!(shown.contains(&format!("=> {next}")), "{shown}");
        });
    }
    assert_eq!(rig.ask(counter, &Count::Tell), "\"7 by 1.0.0\"");
    assert_eq!(rig.ask(light, &"now"), "\"now: Green after 7\"");
}

#[test]
fn the_state_of_each_handler_is_replaced_running_and_suspended() {
    let mut rig = Rig::new();
    let bell = furnished(&mut rig);
    let mut heard = 5;
    running_and_suspended(&mut rig, bell, |rig| {
        heard += 1;
        let all = move |bytes: Vec<u8>| handler(asked_for(&bytes), heard);
        let both = ["eye", "ear"].map(|name| format!("{{{name},false,#{{heard => {heard}}}}}"));
        let expected = format!("[{}]", both.join(","));
        assert_eq!(replace(rig, bell, Box::new(all)), expected);
        assert_eq!(sys(rig, bell, SysMessage::GetState), expected);
    });
    rig.deliver(bell, Envelope::Event(payload("ding")));
    rig.sim.settle();
    assert_eq!(
        sys(&mut rig, bell, SysMessage::GetState),
        "[{eye,false,#{heard => 8}},{ear,false,#{heard => 8}}]"
    );
}

#[test]
fn a_handler_whose_new_state_is_wrong_keeps_the_old_one_and_the_others_do_not() {
    let mut rig = Rig::new();
    let bell = furnished(&mut rig);
    let wrong: [fn(Atom) -> Replaced; 4] = [
        |_| Err("no".to_string()),
        |_| handler(Atom::from_static("nose"), 1),
        |name| Ok(encode(&(name, false, "deaf"))),
        |_| Ok(Vec::new()),
    ];
    for (wrong, heard) in wrong.into_iter().zip(1..) {
        let only_ear = move |bytes: Vec<u8>| match asked_for(&bytes) {
            name if name.as_str() == "ear" => handler(name, heard),
            name => wrong(name),
        };
        assert_eq!(
            replace(&mut rig, bell, Box::new(only_ear)),
            format!("[{{eye,false,#{{heard => 0}}}},{{ear,false,#{{heard => {heard}}}}}]")
        );
    }
}

#[test]
fn the_state_of_a_supervisor_is_its_children_and_is_not_replaced() {
    let mut rig = Rig::new();
    let sup = kinds(&mut rig)[3];
    let mut processes = rig.sim.processes().into_iter();
    let child = processes.find(|it| it.parent == Some(sup)).unwrap().pid;
    running_and_suspended(&mut rig, sup, |rig| {
        let refused = replace(rig, sup, Box::new(Ok));
        assert!(refused.starts_with("{error,{not_supported,"), "{refused}");
        let shown = sys(rig, sup, SysMessage::GetState);
        assert_eq!(shown, format!("[{child}]"));
    });
}

#[test]
fn the_status_names_the_module_and_what_is_on() {
    let mut rig = Rig::new();
    let pids = kinds(&mut rig);
    rig.sim.run_ms(10);
    for (pid, module) in pids.into_iter().zip(["actor", "light", "bell", "tree"]) {
        let mut modes = ["running", "suspended"].into_iter();
        running_and_suspended(&mut rig, pid, |rig| {
            let mode = modes.next().unwrap();
            let shown = mode_and_debug(rig, pid, module);
            assert_eq!(shown, format!("{mode} []"));
            for on in [
                SysMessage::Trace(true),
                SysMessage::Log(Toggle::On(3)),
                SysMessage::Statistics(Toggle::On(0)),
            ] {
                sys(rig, pid, on);
            }
            let shown = mode_and_debug(rig, pid, module);
            let on = "[{statistics,{10,0,0}},{log,{3,[]}},{trace,true}]";
            assert_eq!(shown, format!("{mode} {on}"));
            sys(rig, pid, SysMessage::NoDebug);
        });
    }
}

#[test]
fn statistics_count_messages_in_and_out_and_not_the_questions_about_them() {
    let mut rig = Rig::new();
    let b = rig.actor("b", vec![]);
    let a = rig.actor("a", vec![]);
    rig.sim.run_ms(10);
    sys(&mut rig, a, SysMessage::Statistics(Toggle::On(0)));
    rig.tell(
        a,
        vec![Do::Send(b, "x".to_string()), Do::Send(b, "y".to_string())],
    );
    rig.tell(a, vec![]);
    rig.sim.run_ms(10);
    let expected = "{ok,[{start_time,10},{current_time,20},{messages_in,2},{messages_out,2}]}";
    assert_eq!(
        sys(&mut rig, a, SysMessage::Statistics(Toggle::Get)),
        expected
    );
    assert_eq!(
        sys(&mut rig, a, SysMessage::Statistics(Toggle::Get)),
        expected
    );
}

/// Reports a closed port to the process: every kind of process takes that message, and ignores it.
fn close_a_port(rig: &mut Rig, pid: Pid) {
    rig.deliver(pid, Envelope::PortClosed(7, payload("gone")));
    rig.sim.settle();
}

/// How many such messages were counted, kept and traced.
fn noticed(rig: &mut Rig, pid: Pid, work: impl FnOnce(&mut Rig)) -> [usize; 3] {
    let text = log::written_during(|| work(rig));
    let counted = sys(rig, pid, SysMessage::Statistics(Toggle::Get));
    let (_, counted) = counted.split_once("{messages_in,").unwrap();
    let (counted, _) = counted.split_once('}').unwrap();
    let kept = sys(rig, pid, SysMessage::Log(Toggle::Get));
    let kept = kept.matches("\"0 ms: in end from port 7\"").count();
    [
        counted.parse().unwrap(),
        kept,
        text.matches("got end").count(),
    ]
}

#[test]
fn what_is_counted_kept_and_traced_is_what_a_process_takes() {
    let mut rig = Rig::new();
    for pid in kinds(&mut rig) {
        for message in [
            SysMessage::Statistics(Toggle::On(0)),
            SysMessage::Log(Toggle::On(0)),
            SysMessage::Trace(true),
        ] {
            assert_eq!(sys(&mut rig, pid, message), "ok");
        }
        let close = |rig: &mut Rig| close_a_port(rig, pid);
        assert_eq!(noticed(&mut rig, pid, close), [1, 1, 1]);
        sys(&mut rig, pid, SysMessage::Suspend);
        assert_eq!(noticed(&mut rig, pid, close), [1, 1, 0]);
        let resume = |rig: &mut Rig| drop(sys(rig, pid, SysMessage::Resume));
        assert_eq!(noticed(&mut rig, pid, resume), [2, 2, 1]);
    }
}

#[test]
fn a_log_keeps_ten_entries_unless_told_otherwise() {
    for (room, kept) in [(0, 10), (3, 3)] {
        let mut rig = Rig::new();
        let a = rig.actor("a", vec![]);
        sys(&mut rig, a, SysMessage::Log(Toggle::On(room)));
        for n in 0..15 {
            rig.deliver(a, Envelope::Info(payload(&n.to_string())));
        }
        rig.sim.settle();
        let log = rig
            .sim
            .sys(a, SysMessage::Log(Toggle::Get), pq_otp::sys::TIMEOUT_MS)
            .unwrap();
        let entries = log.as_tuple().unwrap()[1].as_list().unwrap().to_vec();
        assert_eq!(entries.len(), kept, "{log}");
        assert_eq!(
            entries.last().unwrap().as_str(),
            Some("0 ms: in info \"14\"")
        );
        sys(&mut rig, a, SysMessage::Log(Toggle::Off));
        assert_eq!(sys(&mut rig, a, SysMessage::Log(Toggle::Get)), "{ok,[]}");
    }
}

#[test]
fn a_log_holds_what_goes_out_and_to_whom() {
    let mut rig = Rig::new();
    let b = rig.actor("b", vec![]);
    let a = rig.actor("a", vec![]);
    let light = rig.begin("light", "light", &(0_u64,)).unwrap();
    for pid in [a, light] {
        sys(&mut rig, pid, SysMessage::Log(Toggle::On(0)));
    }
    rig.tell(
        a,
        vec![Do::Send(b, "x".to_string()), Do::Ask(b, vec![], 10)],
    );
    rig.deliver(light, Envelope::Event(payload(&Signal::Flash)));
    rig.sim.settle();
    let mut lines = |pid: Pid| -> Vec<String> {
        let kept = rig
            .sim
            .sys(pid, SysMessage::Log(Toggle::Get), pq_otp::sys::TIMEOUT_MS)
            .unwrap();
        let kept = kept.as_tuple().unwrap()[1].as_list().unwrap();
        kept.iter()
            .map(|line| rig.named(line.as_str().unwrap()))
            .collect()
    };
    assert_eq!(
        lines(a)[1..],
        ["0 ms: out info \"x\" to b", "0 ms: out call [] to b"]
    );
    assert_eq!(
        lines(light),
        [
            "0 ms: in event \"Flash\"",
            "0 ms: out event \"Change\" to light",
            "0 ms: in event \"Change\"",
        ]
    );
}

#[test]
fn a_trace_says_with_whom_and_how_much_and_only_at_debug_what() {
    let mut rig = Rig::new();
    let b = rig.actor("b", vec![]);
    let a = rig.actor("a", vec![]);
    let text = log::written_during(|| {
        for (on, word) in [(true, "seen"), (false, "hidden"), (true, "again")] {
            sys(&mut rig, a, SysMessage::Trace(on));
            rig.tell(a, vec![Do::Send(b, word.to_string())]);
        }
        sys(&mut rig, a, SysMessage::NoDebug);
        rig.tell(a, vec![Do::Send(b, "after all".to_string())]);
    });
    for (word, traced) in [
        ("seen", true),
        ("hidden", false),
        ("again", true),
        ("after all", false),
    ] {
        let sent = format!("out info \"{word}\" to {b}");
        assert_eq!(text.contains(&sent), traced, "{word} in {text}");
        for line in text.lines().filter(|line| line.contains(word)) {
            assert!(line.starts_with("DEBUG "), "{line}");
        }
    }
    let bytes = payload("seen").len();
    let briefly = format!("INFO message=sent info pid={a} at_ms=0 peer=\"{b}\" bytes={bytes}");
    assert!(text.contains(&briefly), "{briefly} is not in {text}");
    assert!(text.contains("INFO message=got cast pid="), "{text}");
}

//! A callback that panics ends its own process, and has done nothing.

use pq_abi::spec::{Strategy, SupReply, SupRequest};
use pq_otp::{Ask, ExitCause, Pid, Reason, Signal, Term};

use crate::actor::Do;
use crate::house::{House, child, encode, say, start, tree, worker};
use crate::log;

#[test]
fn a_panic_ends_one_process_with_message_and_place_and_undoes_what_was_asked_for() {
    let mut house = House::new();
    let other = house.actor("other", vec![]);
    let a = house.actor("a", vec![]);
    house.actor("w", vec![Do::Monitor(a)]);
    let wishes = vec![
        Do::Send(other, "never sent".to_string()),
        Do::Timer(10, "never fires".to_string()),
        Do::Link(other),
        Do::Start(vec![say("never born")]),
        Do::Panic("this is the message".to_string()),
    ];
    house.tell(a, wishes);
    house.sim.run_ms(1_000);
    let lines = house.lines();
    let [line] = &lines[..] else {
        panic!("{lines:?}")
    };
    let place = line
        .strip_prefix("w down a: {panic,\"this is the message, at ")
        .unwrap()
        .strip_suffix("\"}")
        .unwrap();
    let (file, at) = place.split_once(':').unwrap();
    assert!(file.ends_with("runtime/actor.rs"), "{place}");
    assert!(
        at.split(':')
            .all(|number| number.parse::<u32>().is_ok_and(|number| number > 0)),
        "{place}"
    );
    assert!(house.is_alive(other) && !house.is_alive(a));
    assert_eq!(house.sim.processes().len(), 2);
}

#[test]
fn a_panic_leaves_the_timers_that_ran_before_alone_and_they_reach_nobody() {
    let mut house = House::new();
    let a = house.actor("a", vec![Do::Timer(10, "for the dead".to_string())]);
    house.tell(a, vec![Do::Panic("now".to_string())]);
    let b = house.actor("b", vec![]);
    assert_eq!(
        (a.index(), b.index()),
        (0, 0),
        "it has the slot of the dead"
    );
    house.sim.run_ms(1_000);
    assert_eq!(house.lines(), Vec::<String>::new());
}

#[test]
fn the_log_says_who_ended_in_which_callback_and_why() {
    let mut house = House::new();
    let a = house.actor("a", vec![]);
    let text = log::written_during(|| {
        house.tell(a, vec![Do::Panic("for the log".to_string())]);
    });
    for part in [
        &a.to_string(),
        "module=\"actor\"",
        "callback=Cast",
        "for the log, at ",
        "actor.rs:",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

/// The log of this, line by line, without what the tree does not say.
fn reports(house: &mut House, work: impl FnOnce(&mut House)) -> Vec<String> {
    let text = log::written_during(|| work(house));
    text.lines()
        .filter(|line| line.contains("supervisor="))
        .map(|line| line.trim().to_string())
        .collect()
}

/// The only child of a supervisor.
fn only_child(house: &mut House, sup: Pid) -> Pid {
    let reply = house
        .sim
        .ask_supervisor(sup, &SupRequest::WhichChildren, 60_000);
    match reply.unwrap() {
        SupReply::Children(children) => children[0].pid.unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_log_says_by_default_which_child_of_whom_ended_and_why_and_that_it_is_back() {
    let mut house = House::new();
    let spec = tree(Strategy::OneForOne, vec![child("a", vec![])]);
    let mut sup = None;
    let started = reports(&mut house, |house| sup = house.sim.start(spec).ok());
    let sup = sup.unwrap();
    let old = only_child(&mut house, sup);
    let who = format!("supervisor=\"tree\" pid={sup} child=a");
    assert_eq!(
        started,
        [format!("DEBUG message=progress {who} started={old}")]
    );
    let lines = reports(&mut house, |house| {
        house.tell(old, vec![Do::Stop(Term::atom("bored"))]);
    });
    let new = only_child(&mut house, sup);
    assert_ne!(old, new);
    assert_eq!(
        lines,
        [
            format!("WARN message=child_terminated {who} ended={old} reason=bored"),
            format!("INFO message=progress: restarted {who} started={new}"),
        ]
    );
}

#[test]
fn the_log_says_of_a_child_added_while_running_too_that_it_is_back() {
    let mut house = House::new();
    let mut actor = child("actor", vec![]);
    // The arguments of the request are all there are.
    actor.start.args = vec![0x90];
    let spec = tree(Strategy::SimpleOneForOne, vec![actor]);
    let sup = house.sim.start(spec).unwrap();
    let request = SupRequest::StartChild(encode(&(Vec::<Do>::new(),)));
    house.sim.ask_supervisor(sup, &request, 60_000).unwrap();
    let old = only_child(&mut house, sup);
    let lines = reports(&mut house, |house| house.exit(old, "kill"));
    let new = only_child(&mut house, sup);
    let who = format!("supervisor=\"tree\" pid={sup} child=actor");
    assert_eq!(
        lines,
        [
            format!("WARN message=child_terminated {who} ended={old} reason=killed"),
            format!("INFO message=progress: restarted {who} started={new}"),
        ]
    );
}

#[test]
fn the_log_says_why_a_child_cannot_start_again_and_that_its_supervisor_gives_up() {
    let mut house = House::new();
    let clerk = || start("clerk", &(Vec::<Do>::new(),));
    let spec = tree(Strategy::OneForOne, vec![worker("a", clerk())]);
    let sup = house.sim.start(spec).unwrap();
    let old = only_child(&mut house, sup);
    let mut usurper = None;
    let lines = reports(&mut house, |house| {
        // Both arrive together: the name is taken before the supervisor knows that it is free.
        house.sim.node().signal(Signal::Exit {
            to: old,
            from: sup,
            reason: Reason::Kill,
            cause: ExitCause::Explicit,
        });
        usurper = house.sim.start(clerk()).ok();
    });
    let who = format!("supervisor=\"tree\" pid={sup}");
    let taken = format!("{{already_started,{}}}", usurper.unwrap());
    let failed = format!("WARN message=start_error {who} child=a reason={taken}");
    assert_eq!(
        lines,
        [
            format!("WARN message=child_terminated {who} child=a ended={old} reason=killed"),
            failed.clone(),
            failed,
            format!("ERROR message=reached_max_restart_intensity {who} child=a"),
        ]
    );
}

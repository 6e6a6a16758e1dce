//! A callback that panics ends its own process, and has no effects.

use pq_abi::spec::{Strategy, SupReply, SupRequest};
use pq_otp::{Ask, ExitCause, Pid, Reason, Signal, Term};

use crate::actor::Do;
use crate::log;
use crate::rig::{Rig, child, encode, say, start, tree, worker};

#[test]
fn a_panic_ends_one_process_with_message_and_place_and_undoes_what_was_asked_for() {
    let mut rig = Rig::new();
    let other = rig.actor("other", vec![]);
    let a = rig.actor("a", vec![]);
    rig.actor("w", vec![Do::Monitor(a)]);
    let wishes = vec![
        Do::Send(other, "never sent".to_string()),
        Do::Timer(10, "never fires".to_string()),
        Do::Link(other),
        Do::Start(vec![say("never born")]),
        Do::Panic("this is the message".to_string()),
    ];
    rig.tell(a, wishes);
    rig.sim.run_ms(1_000);
    let lines = rig.lines();
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
    assert!(rig.is_alive(other) && !rig.is_alive(a));
    assert_eq!(rig.sim.processes().len(), 2);
}

#[test]
fn a_panic_leaves_the_timers_that_ran_before_alone_and_they_reach_nobody() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![Do::Timer(10, "for the dead".to_string())]);
    rig.tell(a, vec![Do::Panic("now".to_string())]);
    let b = rig.actor("b", vec![]);
    assert_eq!(
        (a.index(), b.index()),
        (0, 0),
        "it has the slot of the dead"
    );
    rig.sim.run_ms(1_000);
    assert_eq!(rig.lines(), Vec::<String>::new());
}

#[test]
fn the_log_says_who_ended_in_which_callback_and_why() {
    let mut rig = Rig::new();
    let a = rig.actor("a", vec![]);
    let text = log::written_during(|| {
        rig.tell(a, vec![Do::Panic("for the log".to_string())]);
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

/// The lines that the work logs, without lines that are not the supervisor's.
fn reports(rig: &mut Rig, work: impl FnOnce(&mut Rig)) -> Vec<String> {
    let text = log::written_during(|| work(rig));
    text.lines()
        .filter(|line| line.contains("supervisor="))
        .map(|line| line.trim().to_string())
        .collect()
}

/// The only child of a supervisor.
fn only_child(rig: &mut Rig, sup: Pid) -> Pid {
    let reply = rig
        .sim
        .ask_supervisor(sup, &SupRequest::WhichChildren, 60_000);
    match reply.unwrap() {
        SupReply::Children(children) => children[0].pid.unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_log_says_by_default_which_child_of_whom_ended_and_why_and_that_it_is_back() {
    let mut rig = Rig::new();
    let spec = tree(Strategy::OneForOne, vec![child("a", vec![])]);
    let mut sup = None;
    let started = reports(&mut rig, |rig| sup = rig.sim.start(spec).ok());
    let sup = sup.unwrap();
    let old = only_child(&mut rig, sup);
    let who = format!("supervisor=\"tree\" pid={sup} child=a");
    assert_eq!(
        started,
        [format!("DEBUG message=progress {who} started={old}")]
    );
    let lines = reports(&mut rig, |rig| {
        rig.tell(old, vec![Do::Stop(Term::atom("bored"))]);
    });
    let new = only_child(&mut rig, sup);
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
    let mut rig = Rig::new();
    let mut actor = child("actor", vec![]);
    // All arguments come with the request.
    actor.start.args = vec![0x90];
    let spec = tree(Strategy::SimpleOneForOne, vec![actor]);
    let sup = rig.sim.start(spec).unwrap();
    let request = SupRequest::StartChild(encode(&(Vec::<Do>::new(),)));
    rig.sim.ask_supervisor(sup, &request, 60_000).unwrap();
    let old = only_child(&mut rig, sup);
    let lines = reports(&mut rig, |rig| rig.exit(old, "kill"));
    let new = only_child(&mut rig, sup);
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
    let mut rig = Rig::new();
    let clerk = || start("clerk", &(Vec::<Do>::new(),));
    let spec = tree(Strategy::OneForOne, vec![worker("a", clerk())]);
    let sup = rig.sim.start(spec).unwrap();
    let old = only_child(&mut rig, sup);
    let mut usurper = None;
    let lines = reports(&mut rig, |rig| {
        // Both arrive together: the name is registered again before the supervisor knows that it is free.
        rig.sim.node().signal(Signal::Exit {
            to: old,
            from: sup,
            reason: Reason::Kill,
            cause: ExitCause::Explicit,
        });
        usurper = rig.sim.start(clerk()).ok();
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
